import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readOptions } from '../../../src/cli/options.ts';

const known = { json: { type: 'boolean' }, config: { type: 'string' } } as const;

describe('readOptions', () => {
  it('gives options and words apart', () => {
    const { values, positionals } = readOptions(['a', '--config=f', '--json', '--', '--b'], known);
    assert.deepEqual([{ ...values }, positionals], [{ config: 'f', json: true }, ['a', '--b']]);
  });

  const mistakes = [
    { words: ['--confg', 'f'], want: '"--confg" is not an option here; did you mean --config?' },
    { words: ['-x'], want: '"-x" is not an option here' },
    { words: ['--config'], want: /^option '--config <value>' argument missing$/ },
    { words: ['--json=yes'], want: /^option '--json' does not take an argument$/ },
  ];
  for (const { words, want } of mistakes) {
    it(`explains ${words.join(' ')}`, () => {
      assert.throws(() => readOptions(words, known), { code: 'ERR_USAGE', message: want });
    });
  }
});
