import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createPool, type Pooled } from '../../../src/proxy/pool.ts';

interface Named extends Pooled {
  readonly name: string;
}

function setUp(limit: number) {
  const discarded: string[] = [];
  const make = (name: string, key: string): Named => ({
    name,
    key,
    discard: () => discarded.push(name),
  });
  return { pool: createPool<Named>(limit), discarded, make };
}

describe('createPool', () => {
  it('gives the newest of a key, once, and never that of another key', () => {
    const { pool, make } = setUp(8);
    pool.put(make('old', 'a'));
    pool.put(make('new', 'a'));
    pool.put(make('other', 'b'));
    assert.equal(pool.take('a')?.name, 'new');
    assert.equal(pool.take('a')?.name, 'old');
    assert.equal(pool.take('a'), undefined);
    assert.equal(pool.count, 1);
  });

  it('discards what was idle for longest above its limit', () => {
    const { pool, discarded, make } = setUp(2);
    for (const name of ['one', 'two', 'three']) pool.put(make(name, name));
    assert.deepEqual(discarded, ['one']);
    assert.equal(pool.take('one'), undefined);
    assert.equal(pool.count, 2);
  });

  it('forgets what ended by itself, and dropping it twice does no harm', () => {
    const { pool, discarded, make } = setUp(2);
    const gone = make('gone', 'a');
    pool.put(gone);
    pool.drop(gone);
    pool.drop(gone);
    assert.equal(pool.take('a'), undefined);
    assert.deepEqual(discarded, []);
  });

  it('discards everything when it is cleared', () => {
    const { pool, discarded, make } = setUp(4);
    pool.put(make('one', 'a'));
    pool.put(make('two', 'a'));
    pool.clear();
    assert.deepEqual(discarded, ['one', 'two']);
    assert.equal(pool.count, 0);
  });
});
