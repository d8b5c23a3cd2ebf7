import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LiveChange } from '../../../src/control/messages.ts';
import { applyEvent } from '../../../src/control/mirror.ts';
import { makeAnswer, makeGate, makeGrant, makeGroup, makeLiveView } from '../../support/views.ts';

const [k1, k2, k3] = [
  makeGroup({ id: 'k1' }),
  makeGroup({ id: 'k2' }),
  makeGroup({ id: 'k3', host: 'new.example' }),
];
const flood = {
  id: 'f1',
  since: '2026-11-20T12:00:00.000Z',
  program: 'npm',
  pid: 1,
  refused: 1,
  hosts: [],
};
const view = makeLiveView({
  groups: [k1, k2],
  floods: [flood],
  grants: [makeGrant({ id: 'g1' })],
  answers: [makeAnswer({ id: 'k0' })],
});

describe('applyEvent', () => {
  const cases: readonly { name: string; change: LiveChange; want: object }[] = [
    { name: 'changes nothing by nothing', change: {}, want: {} },
    {
      name: 'puts new questions last and changes others in their place',
      change: { groups: [{ ...k1, revision: 2 }, k3] },
      want: { groups: [{ ...k1, revision: 2 }, k2, k3] },
    },
    { name: 'closes questions', change: { closedGroups: ['k1', 'k9'] }, want: { groups: [k2] } },
    {
      name: 'closes and adds in one step',
      change: { groups: [k3], closedGroups: ['k1'] },
      want: { groups: [k2, k3] },
    },
    {
      name: 'ends floods and grants',
      change: { endedFloods: ['f1'], endedGrants: ['g1'] },
      want: { floods: [], grants: [] },
    },
    {
      name: 'puts new answers first and marks undone ones in their place',
      change: {
        answers: [makeAnswer({ id: 'k2' }), makeAnswer({ id: 'k0', undone: 'now' })],
      },
      want: { answers: [makeAnswer({ id: 'k2' }), makeAnswer({ id: 'k0', undone: 'now' })] },
    },
    {
      name: 'replaces the gate',
      change: { gate: makeGate({ pausedUntil: 'then' }) },
      want: { gate: makeGate({ pausedUntil: 'then' }) },
    },
    {
      name: 'takes a change of the policy, and its end',
      change: { policyChange: null },
      want: { policyChange: null },
    },
  ];
  for (const { name, change, want } of cases) {
    it(name, () =>
      assert.deepEqual(applyEvent(view, { type: 'change', id: 2, change }), { ...view, ...want }),
    );
  }
  it('begins anew with a snapshot', () => {
    const next = makeLiveView({ version: '2' });
    assert.equal(applyEvent(view, { type: 'snapshot', id: 1, view: next }), next);
    assert.equal(applyEvent(undefined, { type: 'snapshot', id: 1, view: next }), next);
  });
  it('keeps what has not changed the very same', () => {
    const next = applyEvent(view, { type: 'change', id: 2, change: { groups: [k3] } });
    assert.equal(next.grants, view.grants);
    assert.equal(next.groups[0], k1);
  });
  it('keeps at most 50 answers', () => {
    const answers = Array.from({ length: 50 }, (_, n) => makeAnswer({ id: `a${n}` }));
    const next = applyEvent(makeLiveView({ answers }), {
      type: 'change',
      id: 2,
      change: { answers: [makeAnswer({ id: 'new' })] },
    });
    assert.deepEqual([next.answers.length, next.answers[0]?.id], [50, 'new']);
  });
  it('refuses a change without a view', () => {
    assert.throws(() => applyEvent(undefined, { type: 'change', id: 1, change: {} }), TypeError);
  });
});
