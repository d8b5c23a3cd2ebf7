import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildTrayModel, nextChangeMs } from '../../../src/tray/model.ts';
import { makeGroups, makeInput, nowMs } from '../../support/tray.ts';
import { makeAnswer, makeFacts, makeGate, makeGroup } from '../../support/views.ts';

const flood = {
  id: 'f1',
  since: '2026-11-20T12:00:00.000Z',
  program: 'node',
  pid: 7,
  refused: 23,
  hosts: ['a.example'],
};
const lookAlike = { of: 'example.net', kind: 'confusable', sentence: 'looks like it' } as const;
const deceptive = makeGroup({ facts: makeFacts({ lookAlike }), quickAllow: false });
const paused = makeGate({ pausedUntil: '2026-11-20T12:10:00.000Z' });

describe('the icon', () => {
  const cases = [
    { name: 'idle', view: {}, want: ['idle', ''] },
    { name: 'one question', view: { groups: makeGroups(1) }, want: ['waiting', '1'] },
    { name: 'nine questions', view: { groups: makeGroups(9) }, want: ['waiting', '9'] },
    { name: 'ten questions', view: { groups: makeGroups(10) }, want: ['waiting', '9+'] },
    { name: 'a look-alike', view: { groups: [deceptive] }, want: ['warning', '!'] },
    { name: 'a flood', view: { floods: [flood] }, want: ['warning', '!'] },
    {
      name: 'names that may carry data',
      view: { groups: [makeGroup({ bundle: { id: 'b1', title: '', suggests: 'deny' } })] },
      want: ['warning', '!'],
    },
    {
      name: 'a caution',
      view: { groups: [makeGroup({ warnings: ['a bare address'], quickAllow: false })] },
      want: ['waiting', '1'],
    },
    { name: 'a pause', view: { gate: paused }, want: ['paused', ''] },
    {
      name: 'a question held in a pause',
      view: { gate: paused, groups: makeGroups(1) },
      want: ['waiting', '1'],
    },
    {
      name: 'a question that a pause refused',
      view: { gate: paused, groups: [makeGroup({ waiting: 0, why: 'paused' })] },
      want: ['paused', ''],
    },
    {
      name: 'panic over all else',
      view: { gate: makeGate({ panicSince: '2026-11-20T12:00:00.000Z' }), groups: [deceptive] },
      want: ['panic', ''],
    },
  ] as const;
  for (const { name, view, want } of cases) {
    it(`shows ${name}`, () => {
      const { state, badge } = buildTrayModel(makeInput(view));
      assert.deepEqual([state, badge], want);
    });
  }

  it('is crossed while the daemon does not answer, and offers nothing', () => {
    const model = buildTrayModel({ ...makeInput(), view: null });
    assert.equal(model.state, 'unreachable');
    assert.equal(model.notification, null);
    assert.deepEqual([...new Set(model.menu.map(({ kind }) => kind))], ['text']);
  });
});

describe('the tooltip', () => {
  it('names who waits and what is not well', () => {
    const gate = makeGate({ pausedUntil: paused.pausedUntil, troubles: ['the export fails'] });
    const view = { gate, floods: [flood], groups: [...makeGroups(1), deceptive] };
    assert.deepEqual(buildTrayModel(makeInput(view)).tooltip, [
      'sallyport: 2 destinations wait',
      'paused until 12:10: unknown hosts are denied',
      'h1.example.net:443 (1)',
      '! api.example.net:443 (1)',
      '! a program that asked for too much is denied quietly',
      '! the export fails',
    ]);
  });

  it('stays short with a thousand questions', () => {
    assert.equal(buildTrayModel(makeInput({ groups: makeGroups(1000) })).tooltip.length, 6);
  });
});

describe('the next change without the daemon', () => {
  it('is the end of the time for undoing', () => {
    const at = new Date(nowMs - 4000).toISOString();
    const answers = [makeAnswer({ surface: 'tray', at })];
    assert.equal(nextChangeMs(makeInput({ answers })), nowMs + 6000);
    assert.equal(nextChangeMs({ ...makeInput({ answers }), nowMs: nowMs + 6000 }), null);
  });

  it('is the end of the news of a policy change', () => {
    const at = new Date(nowMs).toISOString();
    const policyChange = { id: 'c1', at, state: 'applied', lines: [], version: 'v2' } as const;
    assert.equal(nextChangeMs(makeInput({ policyChange })), nowMs + 600_000);
  });

  it('does not come while nothing runs out', () => {
    assert.equal(nextChangeMs(makeInput({ groups: makeGroups(2) })), null);
    assert.equal(nextChangeMs({ ...makeInput(), view: null }), null);
  });
});
