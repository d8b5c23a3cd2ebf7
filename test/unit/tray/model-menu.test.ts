import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { answersTo, buildMenu, wordChange } from '../../../src/tray/model-menu.ts';
import { openGroups, type LiveInput } from '../../../src/tray/model-input.ts';
import { actionsOf, labelsOf, makeGroups, makeInput, nowMs } from '../../support/tray.ts';
import {
  makeAnswer,
  makeAskerView,
  makeFacts,
  makeGate,
  makeGroup,
  makeLiveView,
} from '../../support/views.ts';

function menuOf(input: LiveInput): ReturnType<typeof buildMenu> {
  return buildMenu(input, openGroups(input.view));
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

describe('the menu', () => {
  it('shows a question with its facts first, then Deny, then Details, then what allows', () => {
    assert.deepEqual(labelsOf(menuOf(makeInput({ groups: [makeGroup({ waiting: 4 })] }))), [
      '1 destination waits',
      '---',
      'api.example.net:443 (4)',
      '  HTTPS, 4 connections wait',
      '  curl https://api.example.net/, pid 4711',
      '  in /home/dev/app',
      '  as the operating system reports it, which is no proof',
      '  No rule names this host.',
      '  ---',
      '  Deny',
      '  Details…',
      '  Allow once',
      '  Allow for 1 hour',
      '---',
      'Open sallyport…',
      'Pause 10 min: deny unknown hosts',
      'Panic: deny everything',
    ]);
  });

  it('marks a deceptive name, reads it out and does not let it through', () => {
    const group = makeGroup({
      host: 'xn--exmple-cua.example',
      facts: makeFacts({ unicode: 'exämple.example' }),
      warnings: ['looks like example.example: "ä" for "a".'],
      quickAllow: false,
    });
    const labels = labelsOf(menuOf(makeInput({ groups: [group] })));
    assert.equal(labels[2], '! xn--exmple-cua.example:443 (1)');
    assert.ok(labels.includes('  reads exämple.example'));
    assert.ok(labels.includes('  looks like example.example: "ä" for "a".'));
    assert.ok(!labels.some((label) => label.includes('Allow')));
  });

  it('has room for six questions, and sends to the page for more', () => {
    const labels = labelsOf(menuOf(makeInput({ groups: makeGroups(9) })));
    assert.equal(labels.filter((label) => /^h\d\.example/.test(label)).length, 6);
    assert.ok(labels.includes('3 more on the page…'));
  });

  it('puts nothing that lets through outside a submenu, whatever is shown', () => {
    const gate = makeGate({ panicSince: change.at });
    const view = { groups: makeGroups(2), floods: [flood], policyChange: change, gate };
    const widening = /^Allow|^Reopen|^Let it/;
    for (const { depth, label } of actionsOf(menuOf(makeInput(view)))) {
      if (widening.test(label)) assert.equal(depth, 1, label);
    }
  });

  it('gives every entry a key of its own', () => {
    const view = { groups: makeGroups(8), floods: [flood], policyChange: change };
    const keys: string[] = [];
    const walk = (menu: ReturnType<typeof buildMenu>): void => {
      for (const entry of menu) {
        keys.push(entry.key);
        if (entry.kind === 'submenu') walk(entry.entries);
      }
    };
    walk(menuOf(makeInput(view)));
    assert.equal(new Set(keys).size, keys.length);
  });

  it('names an answer anew when the question has changed', () => {
    const keys = (revision: number): string[] =>
      answersTo(makeGroup({ revision }), makeLiveView()).map(({ key }) => key);
    assert.deepEqual(keys(1), ['k3:1:deny', 'k3:details', 'k3:1:allow-once', 'k3:1:allow-1h']);
    assert.deepEqual(keys(2), ['k3:2:deny', 'k3:details', 'k3:2:allow-once', 'k3:2:allow-1h']);
  });

  it('says that a question changed while it was being answered', () => {
    const input = makeInput({ groups: [makeGroup()] }, { lookAgain: new Set(['k3']) });
    assert.ok(labelsOf(menuOf(input)).includes('  Changed, look again'));
  });

  it('names at most two programs, or that none is known', () => {
    const askers = [1, 2, 3, 4].map((pid) => makeAskerView({ pid, cwd: null }));
    const many = labelsOf(menuOf(makeInput({ groups: [makeGroup({ askers })] })));
    assert.ok(many.includes('  and 2 more programs'));
    const none = labelsOf(menuOf(makeInput({ groups: [makeGroup({ askers: [] })] })));
    assert.ok(none.includes('  nobody knows which program asks'));
  });

  it('offers Undo on top, for ten seconds', () => {
    const at = new Date(nowMs - 1000).toISOString();
    const input = makeInput({ answers: [makeAnswer({ surface: 'tray', at })] });
    assert.equal(labelsOf(menuOf(input))[1], 'Undo: allowed once: api.example.net:443');
    const later = labelsOf(menuOf({ ...input, nowMs: nowMs + 9000 }));
    assert.ok(!later.some((label) => label.startsWith('Undo')));
  });

  it('offers to resume in a pause and to reopen in a panic', () => {
    const gate = makeGate({ pausedUntil: '2026-11-20T12:10:00.000Z', panicSince: change.at });
    assert.deepEqual(labelsOf(menuOf(makeInput({ gate }))).slice(-6), [
      'Open sallyport…',
      'Paused until 12:10',
      'Resume: ask again',
      'Panic: everything is denied',
      '  since 12:00',
      '  Reopen the gate',
    ]);
  });

  for (const desktop of ['deny-only', 'notify-only'] as const) {
    it(`takes only what denies with ${desktop}`, () => {
      const gate = makeGate({
        desktop,
        pausedUntil: '2026-11-20T12:10:00.000Z',
        panicSince: change.at,
      });
      const view = { gate, floods: [flood], groups: makeGroups(1) };
      const labels = actionsOf(menuOf(makeInput(view))).map(({ label }) => label);
      const want = ['Details…', 'Details…', 'Open sallyport…'];
      assert.deepEqual(labels, desktop === 'deny-only' ? ['Deny', ...want] : want);
    });
  }

  it('offers a viewer nothing but to look', () => {
    const view = { role: 'viewer', floods: [flood], policyChange: change } as const;
    const kinds = actionsOf(menuOf(makeInput({ ...view, groups: makeGroups(1) }))).map(
      ({ action }) => action.kind,
    );
    assert.deepEqual([...new Set(kinds)], ['details', 'open']);
  });

  it('shows a flood and lets the program ask again', () => {
    const labels = labelsOf(menuOf(makeInput({ floods: [flood] })));
    assert.deepEqual(labels.slice(1, 7), [
      '! node, pid 7, asked for too much',
      '  23 requests were refused quietly',
      '  a.example',
      '  ---',
      '  Details…',
      '  Let it ask again',
    ]);
  });

  it('shows a policy change and how to end it', () => {
    const shows = (state: typeof change.state | 'applied'): string[] =>
      labelsOf(menuOf(makeInput({ policyChange: { ...change, state } })));
    assert.deepEqual(shows('waiting').slice(1, 6), [
      '! A policy that lets more through waits',
      '  + allow *.example.net',
      '  ---',
      '  Details…',
      '  Keep the old policy',
    ]);
    assert.equal(shows('applied')[5], '  Undo this change');
    assert.equal(wordChange({ ...change, state: 'applied' }), 'The policy lets more through');
  });

  it('shows text from outside with its control characters visible', () => {
    const askers = [
      makeAskerView({ commandLine: ['curl', '\u202egnp.exe\n'], cwd: '/tmp/\u0000' }),
    ];
    const labels = labelsOf(menuOf(makeInput({ groups: [makeGroup({ askers })] })));
    assert.ok(labels.includes('  curl \\u202egnp.exe\\u000a, pid 4711'));
    assert.ok(labels.includes('  in /tmp/\\u0000'));
  });
});
