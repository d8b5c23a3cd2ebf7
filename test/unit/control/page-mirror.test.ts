// The page's picture of the daemon, from its events.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { applyEvent } from '../../../src/control/page/mirror.js';
import type { LiveChange } from '../../../src/control/messages.ts';
import { makeAnswer, makeGate, makeGrant, makeGroup, makeLiveView } from '../../support/views.ts';

const view = makeLiveView({
  groups: [makeGroup({ id: 'k1' }), makeGroup({ id: 'k2' })],
  grants: [makeGrant()],
  answers: [makeAnswer({ id: 'k0' })],
});
const after = (change: LiveChange) => applyEvent(view, { type: 'change', id: 2, change });

describe('the mirror', () => {
  it('begins with a snapshot and not before', () => {
    assert.deepEqual(applyEvent(undefined, { type: 'snapshot', id: 1, view }), view);
    assert.equal(applyEvent(undefined, { type: 'change', id: 1, change: {} }), undefined);
  });

  it('changes nothing that is not named', () => {
    assert.deepEqual(after({}), view);
  });

  it('changes in place, adds last and removes', () => {
    const changed = makeGroup({ id: 'k1', revision: 2 });
    const added = makeGroup({ id: 'k3' });
    assert.deepEqual(after({ groups: [added, changed], closedGroups: ['k2'] })?.groups, [
      changed,
      added,
    ]);
  });

  it('removes what has ended and takes over gate and policy change', () => {
    const gate = makeGate({ pausedUntil: '2026-11-20T12:10:00.000Z' });
    const policyChange = {
      id: 'c1',
      at: '2026-11-20T12:00:00.000Z',
      state: 'waiting',
      lines: [],
      version: 'v2',
    } as const;
    assert.deepEqual(after({ endedGrants: ['g1'], gate, policyChange }), {
      ...view,
      grants: [],
      gate,
      policyChange,
    });
  });

  it('keeps the answers newest first, each once, fifty at most', () => {
    const undone = makeAnswer({ id: 'k0', undone: '2026-11-20T12:01:00.000Z' });
    const many = Array.from({ length: 60 }, (_, at) =>
      makeAnswer({ id: `n${at}`, at: new Date(Date.UTC(2026, 10, 21, 0, 0, at)).toISOString() }),
    );
    assert.deepEqual(after({ answers: [undone] })?.answers, [undone]);
    const kept = after({ answers: many })?.answers ?? [];
    assert.deepEqual([kept.length, kept[0]?.id, kept.at(-1)?.id], [50, 'n0', 'n49']);
  });
});
