import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createAnswers } from '../../../src/approval/answers.ts';
import type { Caller, SelfApproval } from '../../../src/approval/answers.ts';
import { createHolds } from '../../../src/approval/holds.ts';
import type { Asker } from '../../../src/approval/process-tree.ts';
import type { Askers } from '../../../src/approval/question.ts';
import type { AnswerRequest } from '../../../src/control/messages.ts';
import type { ApproverRef } from '../../../src/policy/decision.ts';
import {
  makeAsker,
  makeClient,
  makeDestination,
  makeProcess,
  makeRequest,
  makeShell,
} from '../../support/asking.ts';
import { makeHoldsParts } from '../../support/holds.ts';

const destination = makeDestination('a.example.net');
const codex = makeProcess(50);
const asker = makeAsker(makeProcess(70), codex, makeShell(30));
const secondAsker = makeAsker(makeProcess(71), makeProcess(51), makeShell(31));
const person = makeAsker(makeProcess(90), makeShell(32));
const self = makeAsker(makeProcess(91), makeProcess(61), codex, makeShell(30));
const secondSelf = makeAsker(makeProcess(92), makeProcess(51), makeShell(31));
const client = makeClient();

interface Given {
  readonly caller: Asker | undefined;
  readonly askers?: Askers | undefined;
  readonly allowSelf?: boolean;
  readonly answer?: Partial<AnswerRequest>;
  /** How it came; over the control port unless said. */
  readonly origin?: Caller;
  readonly surface?: string;
  readonly desktop?: 'answer' | 'deny-only' | 'notify-only';
  /** Whether the connection is another user's; nobody can tell unless said. */
  readonly isOtherUser?: boolean;
  /** Known to be behind the gate, whoever asks. */
  readonly agent?: Asker;
  /** Known to have been left behind by one. */
  readonly leftBehind?: Asker;
}

async function judge({
  caller,
  askers = { destination, askers: [asker], unidentified: false },
  allowSelf = false,
  answer = {},
  origin = { client },
  surface = 'cli',
  desktop,
  isOtherUser,
  agent,
  leftBehind,
}: Given) {
  const taken: ApproverRef[] = [];
  const told: SelfApproval[] = [];
  const answers = createAnswers({
    holds: {
      answer: (id, { outcome }, approver) => {
        taken.push(approver);
        return { status: 'answered', response: { id, outcome, released: 1, grant: null } };
      },
      askersOf: () => askers,
      settled: () => Promise.resolve(),
    },
    findAsker: () => Promise.resolve(caller),
    findProcess: () => Promise.resolve(caller),
    userName: (uid) => `user${uid}`,
    allowSelfApproval: () => allowSelf,
    onSelfApproval: (event) => told.push(event),
    isAgent: (asking) => asking === agent,
    isLeftBehind: (asking) => asking === leftBehind,
    ...(isOtherUser === undefined ? {} : { isOtherUser: () => Promise.resolve(isOtherUser) }),
    ...(desktop === undefined ? {} : { desktop: () => desktop }),
  });
  const result = await answers('k3', { outcome: 'allow', ...answer }, { ...origin, surface });
  return { status: result.status, taken, told };
}

describe('the self-approval guard', () => {
  const named = { name: 'user1000', surface: 'cli' };
  const unknown = { name: 'unknown', surface: 'cli' };
  const both: Askers = { destination, askers: [asker, secondAsker], unidentified: false };
  const hidden: Askers = { destination, askers: [asker], unidentified: true };
  const service = makeProcess(1, { executable: '/usr/lib/systemd/systemd', name: 'systemd' });
  const leftBehind: Askers = {
    destination,
    askers: [makeAsker(makeProcess(72), service)],
    unidentified: false,
  };
  const exec = makeProcess(52, { isExec: true });
  const underExec: Askers = {
    destination,
    askers: [makeAsker(makeProcess(73), exec, service)],
    unidentified: false,
  };
  const wide: readonly Partial<AnswerRequest>[] = [
    { for: 'always' },
    { for: '1h', host: '*.example.net' },
    { for: '1h', port: 'any' },
  ];
  const narrow: readonly Partial<AnswerRequest>[] = [
    {},
    { for: '30m' },
    { for: '2h' },
    { for: 'restart' },
  ];
  const cases: readonly (Given & {
    readonly name: string;
    readonly want: readonly [string, ApproverRef?];
  })[] = [
    { name: 'takes a person', caller: person, want: ['answered', named] },
    { name: 'refuses the asking tree', caller: self, want: ['self'] },
    { name: 'refuses the tree of any asker', caller: secondSelf, askers: both, want: ['self'] },
    {
      name: 'refuses a deny from the tree, too',
      caller: self,
      answer: { outcome: 'deny' },
      want: ['self'],
    },
    {
      name: 'refuses the tree also when another asker is not known',
      caller: self,
      askers: hidden,
      want: ['self'],
    },
    {
      name: 'takes the tree where the configuration says so',
      caller: self,
      allowSelf: true,
      want: ['answered', named],
    },
    ...[...narrow, ...wide].map((answer) => ({
      name: `takes ${JSON.stringify(answer)} from a person`,
      caller: person,
      answer,
      want: ['answered', named] as const,
    })),
    ...narrow.map((answer) => ({
      name: `takes ${JSON.stringify(answer)} from nobody knows whom`,
      caller: undefined,
      answer,
      want: ['answered', unknown] as const,
    })),
    ...wide.map((answer) => ({
      name: `refuses ${JSON.stringify(answer)} from nobody knows whom`,
      caller: undefined,
      answer,
      want: ['unplaced'] as const,
    })),
    ...narrow.map((answer) => ({
      name: `takes ${JSON.stringify(answer)} while an asker is not known`,
      caller: person,
      askers: hidden,
      answer,
      want: ['answered', named] as const,
    })),
    ...wide.map((answer) => ({
      name: `refuses ${JSON.stringify(answer)} while an asker is not known`,
      caller: person,
      askers: hidden,
      answer,
      want: ['unplaced'] as const,
    })),
    {
      name: 'refuses a program behind the gate while an asker is not known',
      caller: secondSelf,
      agent: secondSelf,
      askers: hidden,
      want: ['self'],
    },
    {
      name: 'refuses a program behind the gate when an asker was left behind',
      caller: secondSelf,
      agent: secondSelf,
      askers: leftBehind,
      want: ['self'],
    },
    {
      name: 'takes a person when an asker was left behind',
      caller: person,
      agent: secondSelf,
      askers: leftBehind,
      answer: { for: 'always' },
      want: ['answered', named],
    },
    {
      name: 'refuses a program that one behind the gate left behind, whoever asks',
      caller: secondSelf,
      leftBehind: secondSelf,
      want: ['self'],
    },
    {
      name: 'takes another program behind the gate where the askers are known',
      caller: secondSelf,
      agent: secondSelf,
      want: ['answered', named],
    },
    {
      name: 'takes it, too, where the asker is under an exec that was left behind',
      caller: secondSelf,
      agent: secondSelf,
      askers: underExec,
      want: ['answered', named],
    },
    {
      name: 'refuses a caller of our own user that is not found',
      caller: undefined,
      isOtherUser: false,
      want: ['unplaced'],
    },
    {
      name: 'takes a caller of another user that is not found',
      caller: undefined,
      isOtherUser: true,
      want: ['answered', unknown],
    },
    {
      name: 'refuses a wide answer of another user that is not found',
      caller: undefined,
      isOtherUser: true,
      answer: { for: 'always' },
      want: ['unplaced'],
    },
    {
      name: 'leaves what makes no sense to the question',
      caller: undefined,
      answer: { for: 'sometimes' },
      want: ['answered', unknown],
    },
  ];
  for (const { name, want, ...given } of cases) {
    it(name, async () => {
      const { status, taken } = await judge(given);
      assert.deepEqual([status, ...taken], want);
    });
  }

  for (const allowSelf of [false, true]) {
    it(`tells of an answer from the tree that was ${allowSelf ? 'taken' : 'refused'}`, async () => {
      const { told } = await judge({ caller: self, allowSelf });
      assert.deepEqual(told, [
        {
          id: 'k3',
          destination,
          outcome: 'allow',
          approver: named,
          caller: self,
          taken: allowSelf,
        },
      ]);
    });
  }

  it('knows the process on the unix socket and refuses one of the asking tree', async () => {
    const origin = { client: undefined, pid: 77 };
    assert.equal((await judge({ caller: self, origin })).status, 'self');
    assert.deepEqual(await judge({ caller: person, origin }), {
      status: 'answered',
      taken: [named],
      told: [],
    });
  });

  it('refuses a caller that is gone before it is found, since it may hide so', async () => {
    const gone: readonly Caller[] = [
      { client, isConnected: () => false },
      { client: undefined, pid: 77, isConnected: () => true },
    ];
    for (const origin of gone) {
      assert.deepEqual(await judge({ caller: undefined, origin }), {
        status: 'unplaced',
        taken: [],
        told: [
          {
            id: 'k3',
            destination,
            outcome: 'allow',
            approver: unknown,
            caller: undefined,
            taken: false,
          },
        ],
      });
    }
  });

  it('leaves a question that is not there to the holds', async () => {
    const answers = createAnswers({
      holds: {
        answer: () => ({ status: 'gone' }),
        askersOf: () => undefined,
        settled: () => Promise.resolve(),
      },
      findAsker: () => Promise.reject(new Error('no /proc')),
      findProcess: () => Promise.resolve(undefined),
      userName: String,
      allowSelfApproval: () => false,
      onSelfApproval: () => assert.fail('nothing to tell'),
    });
    assert.deepEqual(
      await answers('k3', { outcome: 'allow' }, { client: undefined, surface: 'api' }),
      { status: 'gone' },
    );
    assert.deepEqual(await answers('k3', { outcome: 'allow' }, { client, surface: 'api' }), {
      status: 'gone',
    });
  });

  it('does not wait for ever for look-ups', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const answers = createAnswers({
      holds: {
        answer: () => ({ status: 'gone' }),
        askersOf: () => undefined,
        settled: () => new Promise(() => undefined),
      },
      findAsker: () => Promise.resolve(undefined),
      findProcess: () => Promise.resolve(undefined),
      userName: String,
      allowSelfApproval: () => false,
      onSelfApproval: () => undefined,
    });
    const answered = answers('k3', { outcome: 'allow' }, { client: undefined, surface: 'api' });
    await setImmediate();
    context.mock.timers.tick(6000);
    assert.deepEqual(await answered, { status: 'gone' });
  });

  it('takes no answer for a program that joined while the caller was looked for', async () => {
    const joining = makeClient();
    const found = Promise.withResolvers<Asker>();
    const holds = createHolds(
      makeHoldsParts({
        findAsker: (from) => (from === joining ? found.promise : Promise.resolve(asker)),
      }),
    );
    const never = new AbortController().signal;
    void holds.hold(makeRequest(destination), never);
    await setImmediate();
    const [shown] = holds.list();
    const answers = createAnswers({
      holds,
      findAsker: async () => {
        await setImmediate();
        void holds.hold(makeRequest(destination, { client: joining }), never);
        await setImmediate();
        return person;
      },
      findProcess: () => Promise.resolve(undefined),
      userName: String,
      allowSelfApproval: () => false,
      onSelfApproval: () => assert.fail('nothing to tell'),
    });
    const { id = '', revision = 0 } = shown ?? {};
    const answered = answers(id, { outcome: 'allow', revision }, { client, surface: 'cli' });
    for (let turn = 0; turn < 4; turn += 1) await setImmediate();
    found.resolve(secondAsker);
    assert.deepEqual(await answered, { status: 'changed' });
    holds.stop();
  });

  it('refuses a caller on the socket whose process cannot be read in time', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const answers = createAnswers({
      holds: {
        answer: () => assert.fail('nothing may be answered'),
        askersOf: () => ({ destination, askers: [asker], unidentified: false }),
        settled: () => Promise.resolve(),
      },
      findAsker: () => Promise.resolve(undefined),
      findProcess: () => new Promise(() => undefined),
      userName: String,
      allowSelfApproval: () => false,
      onSelfApproval: () => undefined,
    });
    const origin = { client: undefined, pid: 77, surface: 'cli' };
    const answered = answers('k3', { outcome: 'allow' }, origin);
    context.mock.timers.tick(6000);
    assert.equal((await answered).status, 'unplaced');
  });
});

describe('what a desktop may answer', () => {
  const cases = [
    { desktop: undefined, surface: 'tray', outcome: 'allow', want: 'answered' },
    { desktop: 'answer', surface: 'tray', outcome: 'allow', want: 'answered' },
    { desktop: 'deny-only', surface: 'tray', outcome: 'allow', want: 'unplaced' },
    { desktop: 'deny-only', surface: 'tray', outcome: 'deny', want: 'answered' },
    { desktop: 'notify-only', surface: 'tray', outcome: 'deny', want: 'unplaced' },
    { desktop: 'notify-only', surface: 'page', outcome: 'allow', want: 'answered' },
    { desktop: 'notify-only', surface: 'cli', outcome: 'deny', want: 'answered' },
  ] as const;
  for (const { desktop, surface, outcome, want } of cases) {
    it(`${outcome} from ${surface} where it is ${desktop}: ${want}`, async () => {
      const setting = desktop === undefined ? {} : { desktop };
      const { status } = await judge({ caller: person, surface, answer: { outcome }, ...setting });
      assert.equal(status, want);
    });
  }
});
