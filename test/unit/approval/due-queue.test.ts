import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { DueQueue, unlinked } from '../../../src/approval/due-queue.ts';

describe('DueQueue', () => {
  it('keeps the order of a sorted list whatever is added and removed', () => {
    const step = fc.record({
      dueMs: fc.integer({ min: 0, max: 20 }),
      remove: fc.nat(40),
      near: fc.nat(60),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new DueQueue();
        const all = steps.map(({ dueMs }) => unlinked(dueMs));
        const expected: typeof all = [];
        for (const [at, { remove, near }] of steps.entries()) {
          const item = all[at];
          if (item === undefined) continue;
          const from = all[near];
          queue.add(item, from?.queued === true ? from : undefined);
          const place = expected.findIndex(({ dueMs }) => dueMs > item.dueMs);
          expected.splice(place < 0 ? expected.length : place, 0, item);
          const gone = all[remove];
          if (gone === undefined) continue;
          queue.remove(gone);
          const was = expected.indexOf(gone);
          if (was >= 0) expected.splice(was, 1);
          assert.equal(queue.first, expected[0]);
        }
        assert.deepEqual(
          [...queue].map((item) => all.indexOf(item)),
          expected.map((item) => all.indexOf(item)),
        );
      }),
    );
  });

  it('ignores the removal of what is not in it', () => {
    const queue = new DueQueue();
    const item = unlinked(1);
    queue.remove(item);
    assert.equal(queue.first, undefined);
  });
});
