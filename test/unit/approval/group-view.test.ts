import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { groupView, heldAsker } from '../../../src/approval/group-view.ts';
import type { HeldAsker } from '../../../src/approval/group-view.ts';
import type { PendingGroup } from '../../../src/approval/pending.ts';
import { makeAsker, makeDestination, makeProcess, makeShell } from '../../support/asking.ts';

const codex = makeProcess(50, { executable: '/opt/codex (deleted)' });
const asker = makeAsker(
  makeProcess(70, { executable: undefined, name: 'curl', cwd: undefined }),
  codex,
  makeShell(30),
);
const group: PendingGroup<HeldAsker> = {
  id: 'k3',
  revision: 2,
  destination: makeDestination('2001:db8::1', 80, { protocol: 'http', kind: 'ipv6' }),
  waiting: 0,
  asked: 3,
  firstSeenMs: Date.UTC(2026, 10, 20),
  lastSeenMs: Date.UTC(2026, 10, 20, 1),
  deadlineMs: undefined,
  expiresMs: Date.UTC(2026, 10, 20, 2),
  askers: [heldAsker(asker)],
  unidentified: true,
};

describe('groupView', () => {
  it('shows a question nobody waits in', () => {
    assert.deepEqual(groupView(group), {
      id: 'k3',
      revision: 2,
      protocol: 'http',
      host: '2001:db8::1',
      port: 80,
      waiting: 0,
      asked: 3,
      firstSeen: '2026-11-20T00:00:00.000Z',
      lastSeen: '2026-11-20T01:00:00.000Z',
      deadline: null,
      expires: '2026-11-20T02:00:00.000Z',
      askers: [
        {
          pid: 70,
          program: 'curl',
          commandLine: ['program'],
          cwd: null,
          parents: ['codex', 'bash'],
        },
      ],
    });
  });
  it('shows the deadline of one that somebody waits in', () => {
    const { deadline } = groupView({ ...group, deadlineMs: Date.UTC(2026, 10, 20, 1, 5) });
    assert.equal(deadline, '2026-11-20T01:05:00.000Z');
  });
});

describe('heldAsker', () => {
  it('shares the tree between its processes and tells programs and folders apart', () => {
    const held = (given: object) =>
      heldAsker(makeAsker(makeProcess(71, given), codex, makeShell(30)));
    const [same, again, other, moved] = [
      {},
      { pid: 72, started: '9' },
      { executable: '/usr/bin/wget' },
      { cwd: '/tmp' },
    ].map(held);
    assert.equal(same?.tree, '50@1050');
    assert.equal(new Set([same, again, other, moved].map((each) => each?.tree)).size, 1);
    assert.equal(same?.identity, again?.identity);
    assert.equal(new Set([same, other, moved].map((each) => each?.identity)).size, 3);
  });
});
