import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createSnapshotFinder,
  type ListedProcess,
  type Snapshot,
} from '../../../src/approval/process-snapshot.ts';

function listed(pid: number, parentPid: number, given: Partial<ListedProcess> = {}): ListedProcess {
  return {
    pid,
    parentPid,
    started: `Fri Nov 20 13:44:${pid % 60} 2026`,
    executable: '/usr/bin/curl',
    name: 'curl',
    words: ['curl', '--header', 'authorization: Bearer abcdefgh', 'https://api.example/'],
    cwd: '/Users/dev/app',
    hasTerminal: false,
    uid: 501,
    ...given,
  };
}

const client = { address: '127.0.0.1', port: 50_000, localPort: 4128 };

function makeFinder(snapshot: Snapshot | Error) {
  let taken = 0;
  const finder = createSnapshotFinder({
    take: async () => {
      taken += 1;
      if (snapshot instanceof Error) throw snapshot;
      return snapshot;
    },
    ownPid: 1000,
    isExec: (words) => words.includes('exec'),
  });
  return { finder, taken: () => taken };
}

const processes = new Map(
  [
    listed(42, 41),
    listed(41, 40, { executable: '/usr/local/bin/node', words: ['node', 'main.ts', 'exec'] }),
    listed(40, 1, { executable: '/bin/zsh', name: '-zsh', words: ['-zsh'], hasTerminal: true }),
  ].map((one) => [one.pid, one]),
);
const connections = [
  { pid: 42, localPort: 50_000, remotePort: 4128 },
  { pid: 1000, localPort: 4128, remotePort: 50_000 },
  { pid: 43, localPort: 50_000, remotePort: 443 },
];

describe('a look-up over a picture of the system', () => {
  it('finds the holder of the client end with its ancestors, secrets masked', async () => {
    const { finder } = makeFinder({ connections, processes });
    const asker = await finder.findAsker(client);
    assert.deepEqual(asker?.process.commandLine, [
      'curl',
      '--header',
      'authorization: ***',
      'https://api.example/',
    ]);
    assert.deepEqual(
      asker?.ancestors.map(({ pid, isExec, isShell }) => ({ pid, isExec, isShell })),
      [
        { pid: 41, isExec: true, isShell: false },
        { pid: 40, isExec: false, isShell: true },
      ],
    );
    assert.equal(asker?.listenerPort, 4128);
  });

  it('takes one picture for everything that comes in a turn, and a new one later', async () => {
    const { finder, taken } = makeFinder({ connections, processes });
    await Promise.all([finder.findAsker(client), finder.findProcess(42), finder.findAsker(client)]);
    assert.equal(taken(), 1);
    await finder.findProcess(42);
    assert.equal(taken(), 2);
  });

  it('finds nobody when two processes hold the same end, or none, or the picture fails', async () => {
    const shared = [...connections, { pid: 77, localPort: 50_000, remotePort: 4128 }];
    for (const picture of [
      { connections: shared, processes },
      { connections: [], processes },
      { connections, processes: new Map() },
      new Error('lsof is missing'),
    ]) {
      assert.equal(await makeFinder(picture).finder.findAsker(client), undefined);
    }
  });

  it('comes to an end over a ring of parents', async () => {
    const ring = new Map([listed(42, 41), listed(41, 42)].map((one) => [one.pid, one]));
    const asker = await makeFinder({ connections, processes: ring }).finder.findAsker(client);
    assert.deepEqual(
      asker?.ancestors.map(({ pid }) => pid),
      [41],
    );
  });
});
