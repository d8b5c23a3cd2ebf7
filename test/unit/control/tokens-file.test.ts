import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatTokens, readTokens } from '../../../src/control/tokens-file.ts';
import type { KeptToken } from '../../../src/control/tokens-file.ts';
import { SallyportError } from '../../../src/errors.ts';

const kept: KeptToken = {
  id: 't1',
  name: 'wall display',
  role: 'viewer',
  hash: 'a'.repeat(64),
  createdMs: Date.parse('2026-11-20T12:00:00.000Z'),
  lastUsedMs: undefined,
  expiresMs: undefined,
};
const written = {
  id: 't1',
  name: 'wall display',
  role: 'viewer',
  hash: 'a'.repeat(64),
  created: '2026-11-20T12:00:00.000Z',
  lastUsed: null,
  expires: null,
};
const file = (tokens: unknown, more: object = {}) =>
  JSON.stringify({ version: 1, next: 2, tokens, ...more });

describe('readTokens', () => {
  it('reads what was written', () => {
    const content = {
      next: 8,
      tokens: [kept, { ...kept, id: 't7', hash: 'b'.repeat(64), lastUsedMs: 0, expiresMs: 5 }],
    };
    assert.deepEqual(readTokens(formatTokens(content), 'x'), content);
    assert.deepEqual(readTokens(file([written]), 'x'), { next: 2, tokens: [kept] });
  });
  it('takes no file for no tokens', () => {
    assert.deepEqual(readTokens(undefined, 'x'), { next: 1, tokens: [] });
  });
  const damaged: readonly { name: string; text: string }[] = [
    { name: 'an empty file', text: '' },
    { name: 'half a file', text: file([written]).slice(0, -3) },
    { name: 'no object', text: '[]' },
    { name: 'another version', text: file([], { version: 2 }) },
    { name: 'a key too many', text: file([], { more: 1 }) },
    { name: 'no list', text: file({}) },
    { name: 'no next id', text: file([], { next: 0 }) },
    { name: 'a next id that is taken', text: file([{ ...written, id: 't2' }]) },
    { name: 'an unknown role', text: file([{ ...written, role: 'root' }]) },
    { name: 'a role of the prototype', text: file([{ ...written, role: 'toString' }]) },
    { name: 'a short hash', text: file([{ ...written, hash: 'a'.repeat(63) }]) },
    { name: 'a hash in capitals', text: file([{ ...written, hash: 'A'.repeat(64) }]) },
    { name: 'a token with a key too many', text: file([{ ...written, secret: 'x' }]) },
    { name: 'a token with a key too few', text: file([{ ...written, expires: undefined }]) },
    { name: 'an end that cannot be read', text: file([{ ...written, expires: 'soon' }]) },
    { name: 'an end that is a number', text: file([{ ...written, expires: 0 }]) },
    { name: 'a use that cannot be read', text: file([{ ...written, lastUsed: '' }]) },
    { name: 'no time of making', text: file([{ ...written, created: null }]) },
    { name: 'a name with a line break', text: file([{ ...written, name: 'a\nb' }]) },
    { name: 'another kind of id', text: file([{ ...written, id: 'local' }]) },
    { name: 'two of one id', text: file([written, { ...written, hash: 'b'.repeat(64) }]) },
    { name: 'two of one secret', text: file([written, { ...written, id: 't3' }], { next: 9 }) },
    { name: 'no token', text: file([null]) },
    {
      name: 'too many',
      text: file(
        Array.from({ length: 65 }, (_, n) => ({
          ...written,
          id: `t${n + 1}`,
          hash: String(n).padStart(64, '0'),
        })),
        { next: 100 },
      ),
    },
  ];
  for (const { name, text } of damaged) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => readTokens(text, '/state/tokens.json'),
        new SallyportError(
          'ERR_STATE_CORRUPT',
          '/state/tokens.json: is not a file of tokens as sallyport writes it; restore it, or move it away and create the tokens anew',
        ),
      );
    });
  }
});
