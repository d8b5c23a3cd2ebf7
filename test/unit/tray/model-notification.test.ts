import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NotificationModel } from '../../../src/tray/adapter.ts';
import { openGroups, type LiveInput } from '../../../src/tray/model-input.ts';
import { buildNotification } from '../../../src/tray/model-notification.ts';
import { makeGroups, makeInput, nowMs } from '../../support/tray.ts';
import { makeAnswer, makeFacts, makeGate, makeGroup } from '../../support/views.ts';

function notificationOf(input: LiveInput): NotificationModel | null {
  return buildNotification(input, openGroups(input.view));
}

function buttonsOf(input: LiveInput): string[] {
  return notificationOf(input)?.buttons.map(({ label }) => label) ?? [];
}

const flood = {
  id: 'f1',
  since: '2026-11-20T12:00:00.000Z',
  program: 'node',
  pid: 7,
  refused: 23,
  hosts: ['a.example'],
};
const change = {
  id: 'c1',
  at: new Date(nowMs).toISOString(),
  state: 'waiting',
  lines: ['+ allow *.example.net'],
  version: 'v2',
} as const;

describe('the notification', () => {
  it('says nothing while nothing waits', () => {
    assert.equal(notificationOf(makeInput()), null);
  });

  it('shows one question with its buttons, Deny first', () => {
    assert.deepEqual(notificationOf(makeInput({ groups: [makeGroup()] })), {
      about: ['k3'],
      title: 'api.example.net:443',
      lines: [
        'curl https://api.example.net/, pid 4711',
        'in /home/dev/app',
        'HTTPS, 1 connection waits',
        'No rule names this host.',
      ],
      buttons: [
        { label: 'Deny', action: { kind: 'answer', id: 'k3', revision: 1, verb: 'deny' } },
        {
          label: 'Allow once',
          action: { kind: 'answer', id: 'k3', revision: 1, verb: 'allow-once' },
        },
        {
          label: 'Allow for 1 hour',
          action: { kind: 'answer', id: 'k3', revision: 1, verb: 'allow-1h' },
        },
        { label: 'Details', action: { kind: 'details', id: 'k3' } },
      ],
      click: { kind: 'details', id: 'k3' },
      urgent: true,
    });
  });

  it('shows the older of two, and that one more waits', () => {
    const shown = notificationOf(makeInput({ groups: makeGroups(2) }));
    assert.equal(shown?.title, 'h1.example.net:443');
    assert.deepEqual(shown?.about, ['k1', 'k2']);
    assert.equal(shown?.lines.at(-1), 'and 1 more destination waits');
  });

  it('only counts from three on, and never offers to allow them all', () => {
    const input = makeInput({ groups: makeGroups(7) });
    const shown = notificationOf(input);
    assert.equal(shown?.title, '7 destinations wait');
    assert.deepEqual(shown?.lines.slice(-2), ['h5.example.net:443', 'and 2 more']);
    assert.deepEqual(buttonsOf(input), ['Open', 'Pause 10 min']);
  });

  it('offers no allow for a warned host, and says why', () => {
    const warning = 'exarnple.net looks like example.net: "rn" for "m".';
    const facts = makeFacts({ lookAlike: { of: 'example.net', kind: 'typo', sentence: warning } });
    const input = makeInput({
      groups: [makeGroup({ facts, warnings: [warning], quickAllow: false })],
    });
    assert.equal(notificationOf(input)?.lines[0], `! ${warning}`);
    assert.deepEqual(buttonsOf(input), ['Deny', 'Details']);
  });

  it('offers what the configuration leaves', () => {
    const groups = [makeGroup()];
    const only = (desktop: 'deny-only' | 'notify-only'): string[] =>
      buttonsOf(makeInput({ groups, gate: makeGate({ desktop }) }));
    assert.deepEqual(only('deny-only'), ['Deny', 'Details']);
    assert.deepEqual(only('notify-only'), ['Details']);
    assert.deepEqual(buttonsOf(makeInput({ groups, role: 'viewer' })), ['Details']);
  });

  it('is not raised for a question under review', () => {
    assert.equal(notificationOf(makeInput({ groups: [makeGroup({ reviewing: true })] })), null);
  });

  it('is about something new once an answer did not count', () => {
    const input = makeInput(
      { groups: [makeGroup({ revision: 2 })] },
      { lookAgain: new Set(['k3']) },
    );
    assert.deepEqual(notificationOf(input)?.about, ['k3@2']);
    assert.equal(notificationOf(input)?.lines[0], 'Changed, look again.');
  });

  it('is silent in a panic, when there is nothing to decide', () => {
    const gate = makeGate({ panicSince: change.at });
    assert.equal(notificationOf(makeInput({ gate, groups: makeGroups(3), floods: [flood] })), null);
  });

  it('tells of a flood, of a policy change, of a refused click and of what can be undone', () => {
    const at = new Date(nowMs - 1000).toISOString();
    const answers = [makeAnswer({ surface: 'tray', at })];
    const told = [
      makeInput({ floods: [flood], policyChange: change, answers }),
      makeInput({ policyChange: change, answers }),
      makeInput({ policyChange: { ...change, state: 'applied' } }),
      makeInput({ answers }),
      makeInput({ floods: [flood] }, { notice: 'the answer was not taken' }),
    ].map((input) => [notificationOf(input)?.title, ...buttonsOf(input)]);
    assert.deepEqual(told, [
      ['! node, pid 7, asked for too much', 'Open'],
      ['! A policy that lets more through waits', 'Open', 'Keep the old one'],
      ['The policy lets more through', 'Open', 'Undo'],
      ['sallyport', 'Undo'],
      ['sallyport', 'Open'],
    ]);
  });

  it('tells of a policy change in force only while it is news', () => {
    const policyChange = { ...change, state: 'applied' } as const;
    const input = makeInput({ policyChange }, { nowMs: nowMs + 600_000 });
    assert.equal(notificationOf(input), null);
  });

  it('never makes a click beside the buttons an answer', () => {
    for (const count of [1, 2, 3, 10]) {
      const kind = notificationOf(makeInput({ groups: makeGroups(count) }))?.click.kind;
      assert.match(String(kind), /^(open|details)$/);
    }
  });
});
