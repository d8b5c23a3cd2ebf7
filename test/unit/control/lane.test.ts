import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLane, liveParts } from '../../../src/control/lane.ts';
import type { LiveChange, LiveEvent, LiveView } from '../../../src/control/messages.ts';
import { applyEvent } from '../../../src/control/mirror.ts';
import { makeAnswer, makeGate, makeGrant, makeGroup, makeLiveView } from '../../support/views.ts';

/** A source over a view that the test replaces. */
function bench(view: LiveView) {
  const now = { view };
  const lane = createLane({
    version: view.version,
    gate: () => now.view.gate,
    groups: () => now.view.groups,
    floods: () => now.view.floods,
    grants: () => now.view.grants,
    answers: () => now.view.answers,
    policyChange: () => now.view.policyChange,
  });
  return { now, lane };
}

/** The event in the text of one, whose three lines must agree. */
function eventOf(text: string): LiveEvent {
  const [, type, id, data = ''] = /^event: (\w+)\nid: (\d+)\ndata: (.*)\n\n$/.exec(text) ?? [];
  const event = JSON.parse(data) as LiveEvent;
  assert.deepEqual([event.type, event.id], [type, Number(id)]);
  return event;
}

const full = makeLiveView({
  groups: [makeGroup({ id: 'k1' }), makeGroup({ id: 'k2' })],
  floods: [{ id: 'f1', since: '', program: 'npm', pid: null, refused: 1, hosts: [] }],
  grants: [makeGrant()],
  answers: [makeAnswer({ id: 'k0' })],
  policyChange: { id: 'c1', at: '', state: 'waiting', lines: ['+ allow x\ny'], version: 'v2' },
});

describe('createLane', () => {
  it('begins with a snapshot of everything', () => {
    const { lane } = bench(full);
    assert.deepEqual(eventOf(lane.snapshot('approver')), {
      type: 'snapshot',
      id: 1,
      view: { ...full, role: 'approver' },
    });
  });

  const changes: readonly { name: string; next: Partial<LiveView>; want: LiveChange }[] = [
    {
      name: 'a new question',
      next: { groups: [...full.groups, makeGroup({ id: 'k3' })] },
      want: { groups: [makeGroup({ id: 'k3' })] },
    },
    {
      name: 'a changed question and a closed one',
      next: { groups: [makeGroup({ id: 'k2', waiting: 5 })] },
      want: { groups: [makeGroup({ id: 'k2', waiting: 5 })], closedGroups: ['k1'] },
    },
    { name: 'the end of a flood', next: { floods: [] }, want: { endedFloods: ['f1'] } },
    { name: 'the end of a grant', next: { grants: [] }, want: { endedGrants: ['g1'] } },
    {
      name: 'a used grant',
      next: { grants: [makeGrant({ uses: 1 })] },
      want: { grants: [makeGrant({ uses: 1 })] },
    },
    {
      name: 'a new answer, and none of those that fall off the end',
      next: { answers: [makeAnswer({ id: 'k9' })] },
      want: { answers: [makeAnswer({ id: 'k9' })] },
    },
    {
      name: 'another state of the gate',
      next: { gate: makeGate({ panicSince: 'now' }) },
      want: { gate: makeGate({ panicSince: 'now' }) },
    },
    { name: 'the end of a change', next: { policyChange: null }, want: { policyChange: null } },
  ];
  for (const { name, next, want } of changes) {
    it(`sends ${name}, once`, () => {
      const { lane, now } = bench(full);
      now.view = { ...full, ...next };
      assert.deepEqual(eventOf(lane.change(liveParts) ?? ''), {
        type: 'change',
        id: 2,
        change: want,
      });
      assert.equal(lane.change(liveParts), undefined);
      assert.deepEqual(eventOf(lane.snapshot('admin')), {
        type: 'snapshot',
        id: 2,
        view: {
          ...now.view,
          // what has fallen off the end of the answers is not in a new snapshot
          answers: now.view.answers,
        },
      });
    });
  }

  it('asks for the parts that are due, and no others', () => {
    const { lane, now } = bench(full);
    now.view = makeLiveView();
    assert.equal(lane.change([]), undefined);
    assert.deepEqual(eventOf(lane.change(['floods']) ?? ''), {
      type: 'change',
      id: 2,
      change: { endedFloods: ['f1'] },
    });
  });

  it('does not write out again what is the very same', () => {
    let written = 0;
    const grant = { ...makeGrant(), toJSON: () => ((written += 1), { id: 'g1' }) };
    const { lane, now } = bench(makeLiveView({ grants: [grant] }));
    now.view = makeLiveView({ grants: [grant] });
    lane.change(['grants']);
    assert.equal(written, 1);
  });

  it('takes a mirror along', () => {
    const { lane, now } = bench(makeLiveView());
    let mirror = applyEvent(undefined, eventOf(lane.snapshot('admin')));
    for (const view of [full, makeLiveView({ groups: [makeGroup({ id: 'k2' })] }), full]) {
      now.view = view;
      mirror = applyEvent(mirror, eventOf(lane.change(liveParts) ?? ''));
      assert.deepEqual(
        {
          ...mirror,
          groups: [...mirror.groups].sort((a, b) => (a.id < b.id ? -1 : 1)),
          answers: [],
        },
        { ...view, answers: [] },
      );
    }
  });
});
