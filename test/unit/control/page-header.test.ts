// The state of the gate as the page's header says it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gateNotices, stateOf } from '../../../src/control/page/header.js';
import { makeGate, makeGroup, makeLiveView } from '../../support/views.ts';

const now = new Date(2026, 10, 20, 12, 0, 0).getTime();
const pausedUntil = new Date(now + 600_000).toISOString();
const flood = { id: 'f1', since: pausedUntil, program: 'node', pid: 7, refused: 1, hosts: [] };
const groups = [makeGroup({ id: 'k1' }), makeGroup({ id: 'k2' })];

/** Its client has gone. */
const kept = makeGroup({ id: 'k3', waiting: 0, waitingSince: null });

describe('the state', () => {
  for (const [connection, live, words, tone] of [
    ['connecting', undefined, 'connecting', 'quiet'],
    ['unreachable', makeLiveView({ groups }), 'daemon unreachable', 'bad'],
    ['over', undefined, 'session over', 'bad'],
    ['live', makeLiveView(), 'nothing waits', 'good'],
    ['live', makeLiveView({ groups: [makeGroup()] }), '1 destination waits', 'waiting'],
    ['live', makeLiveView({ groups }), '2 destinations wait', 'waiting'],
    ['live', makeLiveView({ groups: [kept, ...groups, kept] }), '2 wait, 2 kept', 'waiting'],
    ['live', makeLiveView({ groups: [kept] }), 'nobody waits, 1 kept', 'waiting'],
    [
      'live',
      makeLiveView({ groups, floods: [flood] }),
      '2 destinations wait, and a flood is refused',
      'bad',
    ],
    ['live', makeLiveView({ gate: makeGate({ pausedUntil }) }), 'paused until 12:10:00', 'off'],
    [
      'live',
      makeLiveView({ groups, gate: makeGate({ panicSince: pausedUntil }) }),
      'panic: everything is denied',
      'bad',
    ],
  ] as const) {
    it(`is said as "${words}"`, () => {
      assert.deepEqual(stateOf(connection, live, now), { words, tone });
    });
  }

  it('comes with what is not well', () => {
    assert.deepEqual(gateNotices(makeGate()), []);
    const gate = makeGate({ attendance: 'unattended', pausedUntil, troubles: ['the journal'] });
    assert.deepEqual(gateNotices(gate), [
      'Paused: unknown destinations are denied without a question.',
      'Nobody was watching: unknown destinations were refused at once. Their questions are kept here.',
      'the journal',
    ]);
  });
});
