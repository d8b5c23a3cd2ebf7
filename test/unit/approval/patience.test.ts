import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createPatience } from '../../../src/approval/patience.ts';
import type { Patience, Waiting } from '../../../src/approval/patience.ts';
import type { ProcessInfo } from '../../../src/approval/process-tree.ts';
import { makeProcess } from '../../support/asking.ts';
import { makeEntry } from '../../support/decisions.ts';

function running(pid: number, executable: string, ...commandLine: readonly string[]): ProcessInfo {
  return makeProcess(pid, { executable, commandLine });
}

/** Seconds after its first request that a client leaves which has waited for ten of forty seconds. */
function leaves(patience: Patience, given: Partial<Waiting>): number | undefined {
  const atMs = patience.leavesAt({
    protocol: 'https_connect',
    firstSeenMs: 1_000_000,
    oldestMs: 1_030_000,
    nowMs: 1_040_000,
    processes: [],
    ...given,
  });
  return atMs === undefined ? undefined : (atMs - 1_000_000) / 1000;
}

function leave(patience: Patience, pid: number, waitedMs: number): void {
  const asker = { pid, executable: '/usr/bin/node' };
  const hold = { group: 'k1', waitedMs, approver: undefined, asker };
  patience.note(makeEntry('x.test', { outcome: 'deny', reason: 'client_gone', hold }));
}

describe('createPatience', () => {
  const curl = running(70, '/usr/bin/curl', 'curl', 'https://x.test/');
  const cases = [
    { name: 'curl, from when it began to wait', processes: [curl], want: 330 },
    {
      name: 'pip, from its first try',
      processes: [running(71, '/usr/bin/python3.12', 'python3', '/usr/bin/pip', 'install')],
      want: 104,
    },
    {
      name: 'apt, whose transport has another name',
      processes: [running(72, '/usr/lib/apt/methods/https', '/usr/lib/apt/methods/https')],
      want: 157,
    },
    {
      name: 'the first to leave of several',
      processes: [curl, running(73, '/usr/bin/chromium', 'chromium')],
      want: 62,
    },
  ];
  for (const { name, processes, want } of cases) {
    it(`knows ${name}`, () => assert.equal(leaves(createPatience(), { processes }), want));
  }

  it('says nothing of programs and protocols that were not measured, nor of a time that is past', () => {
    const patience = createPatience();
    const node = running(74, '/usr/bin/node', 'node', 'server.js');
    assert.deepEqual(
      [
        leaves(patience, { processes: [] }),
        leaves(patience, { processes: [node] }),
        leaves(patience, { processes: [running(75, '/opt/constructor', 'x')] }),
        leaves(patience, { processes: [curl], protocol: 'http' }),
        leaves(patience, { processes: [curl], nowMs: 1_330_000 }),
      ],
      [undefined, undefined, undefined, undefined, undefined],
    );
  });

  it('learns the middle of how long a program waited before it left by itself', () => {
    const patience = createPatience();
    const node = running(74, '/usr/bin/node', 'node', '/usr/bin/npm', 'install');
    leave(patience, 74, 1_000); // nobody knows yet what this was
    assert.equal(leaves(patience, { processes: [node] }), undefined);
    leave(patience, 74, 15_000);
    assert.equal(leaves(patience, { processes: [node] }), undefined);
    for (const waitedMs of [16_000, 90_000]) leave(patience, 74, waitedMs);
    assert.equal(leaves(patience, { processes: [node] }), 46);
    assert.equal(leaves(patience, { processes: [node], protocol: 'http' }), undefined);
  });

  it('prefers what it saw to what was measured', () => {
    const patience = createPatience();
    leaves(patience, { processes: [curl] });
    for (const waitedMs of [20_000, 20_000]) leave(patience, 70, waitedMs);
    assert.equal(leaves(patience, { processes: [curl] }), 50);
  });

  it('learns nothing from other ends', () => {
    const patience = createPatience();
    leaves(patience, { processes: [curl] });
    const hold = { group: 'k1', waitedMs: 20_000, approver: undefined };
    const asker = { pid: 70, executable: '/usr/bin/curl' };
    for (let n = 0; n < 3; n += 1) {
      patience.note(makeEntry('x.test', { outcome: 'allow', hold: { ...hold, asker } }));
      patience.note(makeEntry('x.test', { outcome: 'deny', reason: 'client_gone', hold }));
    }
    assert.equal(leaves(patience, { processes: [curl] }), 330);
  });

  it('remembers the latest programs only', () => {
    const patience = createPatience();
    for (let pid = 1; pid <= 257; pid += 1) {
      leaves(patience, { processes: [running(pid, `/opt/p${pid}`, 'x')] });
      for (const waitedMs of [20_000, 20_000]) leave(patience, pid, waitedMs);
    }
    const known = [1, 2, 257].map((pid) =>
      leaves(patience, { processes: [running(pid, `/opt/p${pid}`, 'x')] }),
    );
    assert.deepEqual(known, [undefined, 50, 50]);
  });
});
