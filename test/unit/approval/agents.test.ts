import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createAgentWatch } from '../../../src/approval/agents.ts';
import type { ActJudgement, RefusedAct, WantedAct } from '../../../src/approval/agents.ts';
import type { Caller } from '../../../src/approval/answers.ts';
import type { Asker } from '../../../src/approval/process-tree.ts';
import { makeAsker, makeClient, makeProcess, makeShell } from '../../support/asking.ts';

const codex = makeProcess(50);
const asker = makeAsker(makeProcess(70), codex, makeShell(30));
const person = makeAsker(makeProcess(90), makeShell(32));
const self = makeAsker(makeProcess(91), makeProcess(61), codex, makeShell(30));
const exec = makeProcess(40, { isExec: true });
const underExec = makeAsker(makeShell(93), exec, makeShell(33));
const service = makeProcess(1, { executable: '/usr/lib/systemd/systemd', name: 'systemd' });
const leftBehind = makeAsker(makeProcess(94, { proxyPorts: [4129] }), service);
const otherProxy = makeAsker(makeProcess(95, { proxyPorts: [3128] }), service);
const proxiedShell = makeAsker(makeProcess(96, { proxyPorts: [4129] }), makeShell(34), service);
const client = makeClient();

interface Given {
  readonly caller: Asker | undefined;
  readonly reach: WantedAct['reach'];
  readonly origin?: Caller;
  readonly allowSelf?: boolean;
  /** Whether the connection is another user's; nobody can tell unless said. */
  readonly isOtherUser?: boolean;
}

function setUp({ caller, allowSelf = false, isOtherUser }: Omit<Given, 'reach'>) {
  const told: RefusedAct[] = [];
  const dead = new Set<number>();
  const watch = createAgentWatch({
    findAsker: () => Promise.resolve(caller),
    findProcess: () => Promise.resolve(caller),
    userName: (uid) => `user${uid}`,
    allowSelfApproval: () => allowSelf,
    proxyPorts: () => new Set([4128, 4129]),
    onRefused: (refused) => told.push(refused),
    isRunning: (pid) => !dead.has(pid),
    ...(isOtherUser === undefined ? {} : { isOtherUser: () => Promise.resolve(isOtherUser) }),
  });
  return { watch, told, dead };
}

async function judge(given: Given) {
  const { watch, told } = setUp(given);
  watch.remember(asker);
  const { reach, origin = { client } } = given;
  return { judged: await watch.judge(origin, 'cli', { action: 'resume', reach }), told };
}

function statusOf(judged: ActJudgement): string {
  return judged.ok ? 'ok' : judged.status;
}

describe('the guard of acts', () => {
  const hungUp: Caller = { client, isConnected: () => false };
  const onSocket: Caller = { client: undefined, pid: 77 };
  const cases: readonly (Omit<Given, 'reach'> & {
    readonly name: string;
    /** For `none`, `narrow` and `wide`. */
    readonly want: readonly [string, string, string];
  })[] = [
    { name: 'takes a person', caller: person, want: ['ok', 'ok', 'ok'] },
    { name: 'refuses the asking tree', caller: self, want: ['ok', 'self', 'self'] },
    {
      name: 'refuses the asking tree on the socket',
      caller: self,
      origin: onSocket,
      want: ['ok', 'self', 'self'],
    },
    { name: 'refuses what exec started', caller: underExec, want: ['ok', 'self', 'self'] },
    {
      name: 'refuses an orphan that was started with our proxy',
      caller: leftBehind,
      want: ['ok', 'self', 'self'],
    },
    {
      name: 'takes an orphan that was started with another proxy',
      caller: otherProxy,
      want: ['ok', 'ok', 'ok'],
    },
    {
      name: 'takes a person whose shell has our proxy',
      caller: proxiedShell,
      want: ['ok', 'ok', 'ok'],
    },
    {
      name: 'takes the tree where the configuration says so',
      caller: self,
      allowSelf: true,
      want: ['ok', 'ok', 'ok'],
    },
    {
      name: 'takes narrow acts of nobody knows whom',
      caller: undefined,
      want: ['ok', 'ok', 'unplaced'],
    },
    {
      name: 'takes narrow acts of another user',
      caller: undefined,
      isOtherUser: true,
      want: ['ok', 'ok', 'unplaced'],
    },
    {
      name: 'refuses a caller of our own user that is not found',
      caller: undefined,
      isOtherUser: false,
      want: ['ok', 'unplaced', 'unplaced'],
    },
    {
      name: 'refuses a caller that hung up',
      caller: undefined,
      origin: hungUp,
      want: ['ok', 'unplaced', 'unplaced'],
    },
    {
      name: 'refuses a caller on the socket that has gone',
      caller: undefined,
      origin: onSocket,
      want: ['ok', 'unplaced', 'unplaced'],
    },
  ];
  for (const { name, want, ...given } of cases) {
    it(name, async () => {
      const got: string[] = [];
      for (const reach of ['none', 'narrow', 'wide'] as const) {
        got.push(statusOf((await judge({ ...given, reach })).judged));
      }
      assert.deepEqual(got, want);
    });
  }

  it('names who acts, taken or refused', async () => {
    const approver = { name: 'user1000', surface: 'cli' };
    assert.deepEqual((await judge({ caller: person, reach: 'wide' })).judged, {
      ok: true,
      approver,
    });
    assert.deepEqual((await judge({ caller: self, reach: 'narrow' })).judged, {
      ok: false,
      status: 'self',
      problem:
        'a program behind the gate may not do this for itself; do it in another terminal or let a person do it',
      approver,
    });
    assert.deepEqual((await judge({ caller: undefined, reach: 'narrow' })).judged, {
      ok: true,
      approver: { name: 'unknown', surface: 'cli' },
    });
  });

  for (const allowSelf of [false, true]) {
    it(`tells of an act from the tree that was ${allowSelf ? 'taken' : 'refused'}`, async () => {
      const { told } = await judge({ caller: self, reach: 'narrow', allowSelf });
      const approver = { name: 'user1000', surface: 'cli' };
      assert.deepEqual(told, [{ action: 'resume', approver, caller: self, taken: allowSelf }]);
    });
  }

  it('tells of an act of a caller that hid', async () => {
    const given = { caller: undefined, isOtherUser: false, reach: 'narrow' } as const;
    const approver = { name: 'unknown', surface: 'cli' };
    const want = [{ action: 'resume', approver, caller: undefined, taken: false }];
    assert.deepEqual((await judge(given)).told, want);
  });

  it('tells of nobody for what can only close', async () => {
    assert.deepEqual((await judge({ caller: self, reach: 'none' })).told, []);
  });

  it('knows a process by its start, not by its pid alone', async () => {
    const reused = makeAsker(makeProcess(50, { started: '9' }), makeShell(32));
    assert.equal(statusOf((await judge({ caller: reused, reach: 'wide' })).judged), 'ok');
  });
});

describe('the memory of trees that asked', () => {
  const act: WantedAct = { action: 'undo', reach: 'narrow' };
  const flood = (watch: ReturnType<typeof setUp>['watch'], from: number, count: number) => {
    for (let at = 0; at < count; at += 1) {
      watch.remember(makeAsker(makeProcess(from + at), makeShell(30)));
    }
  };

  it('lets trees that have ended give way before one that runs', async () => {
    const { watch, dead } = setUp({ caller: self });
    watch.remember(asker);
    for (let pid = 10_000; pid < 30_000; pid += 1) dead.add(pid);
    flood(watch, 10_000, 20_000);
    assert.equal(statusOf(await watch.judge({ client }, 'cli', act)), 'self');
  });

  it('is bounded: of trees that all run, the one that asked longest ago gives way', async () => {
    const { watch } = setUp({ caller: self });
    watch.remember(asker);
    flood(watch, 10_000, 1023);
    assert.equal(statusOf(await watch.judge({ client }, 'cli', act)), 'self');
    flood(watch, 20_000, 1);
    assert.equal(statusOf(await watch.judge({ client }, 'cli', act)), 'ok');
  });

  it('keeps a tree that goes on asking', async () => {
    const { watch } = setUp({ caller: self });
    watch.remember(asker);
    flood(watch, 10_000, 1000);
    watch.remember(asker);
    flood(watch, 20_000, 1000);
    assert.equal(statusOf(await watch.judge({ client }, 'cli', act)), 'self');
  });

  it('keeps the root of a tree whatever number of its members asked', async () => {
    const { watch } = setUp({ caller: self });
    for (let pid = 1000; pid < 2000; pid += 1) {
      watch.remember(makeAsker(makeProcess(pid), codex, makeShell(30)));
    }
    assert.equal(statusOf(await watch.judge({ client }, 'cli', act)), 'self');
  });

  it('asks the operating system for what runs where no test says', async () => {
    const own = makeProcess(process.pid);
    const watch = createAgentWatch({
      findAsker: () => Promise.resolve(makeAsker(makeProcess(7), own, makeShell(30))),
      findProcess: () => Promise.resolve(undefined),
      userName: String,
      allowSelfApproval: () => false,
      proxyPorts: () => new Set(),
      onRefused: () => undefined,
    });
    watch.remember(makeAsker(own, makeShell(30)));
    flood(watch, 4_194_400, 1100); // above the greatest pid there can be
    assert.equal(statusOf(await watch.judge({ client }, 'cli', act)), 'self');
  });
});
