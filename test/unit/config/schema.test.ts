import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findKey, keys, keysOf, tables } from '../../../src/config/schema.ts';
import { isScalar, readScalar } from '../../../src/config/value.ts';

describe('the schema', () => {
  it('has every key once, in a table it describes', () => {
    const paths = keys.map(({ path }) => path);
    assert.equal(new Set(paths).size, paths.length);
    for (const path of paths) assert.ok(Object.hasOwn(tables, path.split('.')[0] ?? ''), path);
  });

  it('says what every key means, in sentences', () => {
    for (const { path, meaning, danger } of keys) {
      assert.match(meaning, /^.{15,}\.$/, path);
      if (danger !== undefined) assert.match(danger, /^.{15,}\.$/, path);
    }
  });

  it('has defaults that its own checks accept', () => {
    for (const { path, type, fallback } of keys) {
      if (fallback === undefined || !isScalar(type)) continue;
      assert.deepEqual(readScalar(type, fallback, '/'), { ok: true, value: fallback }, path);
    }
  });

  it('shows a sample wherever there is no default', () => {
    for (const { path, fallback, sample } of keys) {
      assert.ok(fallback !== undefined || sample !== undefined, path);
    }
  });

  it('says the danger of every key that is called dangerous', () => {
    for (const { path, danger } of keys) {
      if (path.includes('dangerously_')) assert.notEqual(danger, undefined, path);
    }
  });

  it('finds keys by path and by table', () => {
    assert.equal(findKey('exec.no_proxy')?.fallback, 'local');
    assert.equal(findKey('exec.constructor'), undefined);
    assert.deepEqual(keysOf('audit'), ['folder']);
  });
});
