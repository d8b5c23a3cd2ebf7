import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  answerOf,
  byAge,
  isOpenChange,
  isSuspicious,
  needsPerson,
  openGroups,
  undoableAnswer,
  verbsFor,
} from '../../../src/tray/model-input.ts';
import { makeGroups, makeInput, nowMs } from '../../support/tray.ts';
import { makeAnswer, makeFacts, makeGate, makeGroup, makeLiveView } from '../../support/views.ts';

const lookAlike = { of: 'example.net', kind: 'confusable', sentence: 'looks like it' } as const;

describe('who needs a person', () => {
  const cases = [
    { name: 'a held connection', given: {}, want: true },
    { name: 'a question whose client has gone', given: { waiting: 0 }, want: true },
    { name: 'a question under review', given: { reviewing: true, why: 'reviewer' }, want: false },
    { name: 'what a reviewer passed on', given: { why: 'reviewer' }, want: true },
    { name: 'what a pause refused', given: { waiting: 0, why: 'paused' }, want: false },
    { name: 'what was held before a pause', given: { why: 'paused' }, want: true },
  ] as const;
  for (const { name, given, want } of cases) {
    it(`${want ? 'counts' : 'leaves out'} ${name}`, () => {
      assert.equal(needsPerson(makeGroup(given)), want);
    });
  }

  it('puts the oldest first, whatever order they come in', () => {
    const groups = makeGroups(4);
    const ids = openGroups(makeLiveView({ groups: groups.toReversed() })).map(({ id }) => id);
    assert.deepEqual(ids, ['k1', 'k2', 'k3', 'k4']);
    const twins = [makeGroup({ id: 'k2' }), makeGroup({ id: 'k1' })];
    assert.deepEqual(
      [...twins].sort(byAge).map(({ id }) => id),
      ['k1', 'k2'],
    );
  });

  it('puts what somebody waits in before what is kept for a next try', () => {
    const [kept, waits] = [
      makeGroup({ id: 'k1', waiting: 0 }),
      makeGroup({ id: 'k2', waiting: 1 }),
    ];
    const ids = openGroups(makeLiveView({ groups: [kept, waits] })).map(({ id }) => id);
    assert.deepEqual(ids, ['k2', 'k1']);
  });

  it('is wary of look-alikes and of warnings', () => {
    assert.equal(isSuspicious(makeGroup()), false);
    assert.equal(isSuspicious(makeGroup({ facts: makeFacts({ lookAlike }) })), true);
    assert.equal(isSuspicious(makeGroup({ warnings: ['names may carry data'] })), true);
  });
});

describe('what one click may do', () => {
  const group = makeGroup();
  const all = ['deny', 'allow-once', 'allow-1h'];
  const cases = [
    { name: 'everything for an approver', view: {}, group, want: all },
    { name: 'nothing for a viewer', view: { role: 'viewer' }, group, want: [] },
    {
      name: 'no allow for a warned host',
      view: {},
      group: makeGroup({ quickAllow: false }),
      want: ['deny'],
    },
    {
      name: 'no allow with deny-only',
      view: { gate: makeGate({ desktop: 'deny-only' }) },
      group,
      want: ['deny'],
    },
    {
      name: 'nothing with notify-only',
      view: { gate: makeGate({ desktop: 'notify-only' }) },
      group,
      want: [],
    },
  ] as const;
  for (const { name, view, group: given, want } of cases) {
    it(`is ${name}`, () => {
      assert.deepEqual(verbsFor(given, makeLiveView(view)), want);
    });
  }

  it('quotes the revision that was seen', () => {
    const want = { kind: 'answer', id: 'k3', revision: 7, verb: 'deny' };
    assert.deepEqual(answerOf(makeGroup({ revision: 7 }), 'deny'), want);
  });
});

describe('what can be taken back', () => {
  const at = new Date(nowMs - 5000).toISOString();
  const mine = makeAnswer({ surface: 'tray', at });
  const gate = makeGate({ desktop: 'deny-only' });
  const cases = [
    { name: 'an answer given here', view: { answers: [mine] }, want: true },
    {
      name: 'one behind an answer from elsewhere',
      view: { answers: [makeAnswer(), mine] },
      want: true,
    },
    { name: 'no answer from elsewhere', view: { answers: [makeAnswer({ at })] }, want: false },
    {
      name: 'no answer that was taken back',
      view: { answers: [makeAnswer({ surface: 'tray', at, undone: at })] },
      want: false,
    },
    {
      name: 'no answer of ten seconds ago',
      view: {
        answers: [makeAnswer({ surface: 'tray', at: new Date(nowMs - 10_000).toISOString() })],
      },
      want: false,
    },
    { name: 'nothing for a viewer', view: { answers: [mine], role: 'viewer' }, want: false },
    { name: 'an allow with deny-only', view: { answers: [mine], gate }, want: true },
    {
      name: 'no deny with deny-only',
      view: { answers: [makeAnswer({ surface: 'tray', at, outcome: 'deny' })], gate },
      want: false,
    },
  ] as const;
  for (const { name, view, want } of cases) {
    it(`is ${name}`, () => {
      assert.equal(undoableAnswer(makeInput(view)) !== undefined, want);
    });
  }

  it('is a policy change that waits or holds, and no other', () => {
    const change = { id: 'c1', at, lines: [], version: 'v2' };
    const states = ['waiting', 'applied', 'undone', 'rejected', 'replaced'] as const;
    assert.deepEqual(
      states.map((state) => isOpenChange({ ...change, state })),
      [true, true, false, false, false],
    );
  });
});
