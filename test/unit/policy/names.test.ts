// The hash of name rules: every end of a host by one walk, shapes apart, no answer for names it does not hold.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  addName,
  createNameTable,
  emptyHash,
  findEnd,
  growHash,
  hashOf,
  refOf,
} from '../../../src/policy/names.ts';
import type { NameTable } from '../../../src/policy/names.ts';
import { makeRule } from '../../support/policy.ts';

function table(...texts: readonly string[]): NameTable {
  const made = createNameTable(texts.length);
  texts.forEach((text, index) => {
    const { pattern, ref } = makeRule('allow', text, index + 1);
    assert.ok(pattern.shape !== 'any' && pattern.shape !== 'star' && pattern.shape !== 'network');
    addName(made, pattern, ref);
  });
  return made;
}

function find(names: NameTable, name: string): readonly (string | undefined)[] {
  const link = findEnd(names, name, 0, hashOf(name));
  return (['exact', 'below', 'apex_and_below'] as const).map(
    (shape) => refOf(names, link, shape)?.text,
  );
}

describe('a name table', () => {
  it('keeps the three shapes of one name apart', () => {
    const names = table('a.test', '**.a.test', '*.a.test', '*.b.test');
    assert.deepEqual(find(names, 'a.test'), ['a.test', '*.a.test', '**.a.test']);
    assert.deepEqual(find(names, 'b.test'), [undefined, '*.b.test', undefined]);
    assert.deepEqual(find(names, 'c.test'), [undefined, undefined, undefined]);
  });

  it('keeps the later of two rules with the same name and shape', () => {
    const names = table('a.test', '*.a.test', 'a.test');
    assert.equal(names.names.length, 2);
    assert.equal(
      refOf(names, findEnd(names, 'a.test', 0, hashOf('a.test')), 'exact')?.origin.line,
      3,
    );
  });

  it('finds every end of a host by a hash that grows to the left', () => {
    const names = table('x.a.test', 'a.test', 'test.example');
    const host = 'x.a.test';
    const found: string[] = [];
    let hash = emptyHash;
    for (let index = host.length - 1; index >= 0; index -= 1) {
      hash = growHash(hash, host.charCodeAt(index));
      const ref = refOf(names, findEnd(names, host, index, hash), 'exact');
      if (ref !== undefined) found.push(ref.text);
    }
    assert.deepEqual(found, ['a.test', 'x.a.test']);
    assert.equal(hash, hashOf(host));
  });

  it('does not take one name for another with the same hash', () => {
    const names = table('a.test');
    assert.equal(findEnd(names, 'b.test', 0, hashOf('a.test')), 0);
    assert.equal(findEnd(names, 'xa.test', 0, hashOf('a.test')), 0);
  });

  it('is empty to begin with', () => {
    assert.equal(findEnd(createNameTable(0), 'a.test', 0, hashOf('a.test')), 0);
  });

  it('finds all of many names and none of as many others', () => {
    const texts = Array.from({ length: 3000 }, (_, index) => `n${index}.example`);
    const names = table(...texts);
    for (const text of texts) {
      assert.deepEqual(find(names, text), [text, undefined, undefined]);
      assert.equal(findEnd(names, `${text}x`, 0, hashOf(`${text}x`)), 0);
    }
  });
});
