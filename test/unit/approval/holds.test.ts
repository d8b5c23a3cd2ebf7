import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { createAnswerLog, type AnswerLog } from '../../../src/approval/answer-log.ts';
import { createGrants } from '../../../src/approval/grants.ts';
import type { Grants } from '../../../src/approval/grants.ts';
import { createHolds } from '../../../src/approval/holds.ts';
import type {
  AnsweredQuestion,
  Holds,
  HoldsParts,
  OpenedQuestion,
} from '../../../src/approval/holds.ts';
import type { Asker } from '../../../src/approval/process-tree.ts';
import type { AnswerRequest } from '../../../src/control/messages.ts';
import type { HoldEnd } from '../../../src/gate.ts';
import type { DecisionRequest, Verdict } from '../../../src/policy/decision.ts';
import {
  makeAsker,
  makeClient,
  makeDestination,
  makeProcess,
  makeRequest,
  makeShell,
} from '../../support/asking.ts';
import { makeHoldsParts } from '../../support/holds.ts';

const startMs = Date.UTC(2026, 10, 20, 12);
const approver = { name: 'dev', surface: 'cli' };
const asker = makeAsker(
  makeProcess(70, { executable: '/usr/bin/curl' }),
  makeProcess(50, { executable: '/usr/bin/codex' }),
  makeShell(30),
);
const limits = {
  holdMs: 290_000,
  questionMs: 1_800_000,
  holdsPerGroup: 1024,
  holds: 4096,
  groups: 64,
};
const denyVerdict: Verdict = {
  outcome: 'deny',
  source: 'baseline_policy',
  reason: 'denied',
  rule: undefined,
  grant: undefined,
};

interface Bench {
  readonly holds: Holds;
  readonly grants: Grants;
  readonly log: AnswerLog;
  readonly opened: OpenedQuestion[];
  readonly answered: AnsweredQuestion[];
  readonly bugs: unknown[];
  readonly pass: (ms: number) => void;
}

function bench(context: TestContext, given: Partial<HoldsParts> = {}): Bench {
  context.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: startMs });
  const opened: OpenedQuestion[] = [];
  const answered: AnsweredQuestion[] = [];
  const bugs: unknown[] = [];
  const grants = createGrants({
    store: { file: 'f', load: () => undefined, save: () => undefined },
    now: () => Date.now(),
  });
  const log = createAnswerLog();
  const holds = createHolds(
    makeHoldsParts({
      findAsker: () => Promise.resolve(asker),
      isBound: grants.isBound,
      findProgramGrant: grants.findFor,
      addGrant: grants.add,
      log,
      onOpened: (question) => opened.push(question),
      onAnswered: (question) => answered.push(question),
      onBug: (error) => bugs.push(error),
      ...given,
    }),
  );
  const pass = (ms: number) => context.mock.timers.tick(ms);
  return { holds, grants, log, opened, answered, bugs, pass };
}

/** Lets look-ups that are already resolved reach the questions. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

function never(): AbortSignal {
  return new AbortController().signal;
}

const request = (host = 'a.example', given: Partial<DecisionRequest> = {}) =>
  makeRequest(makeDestination(host), given);

/** The program of `asker`, as records name it. */
const asking = { pid: asker.process.pid, executable: '/usr/bin/curl' };

describe('hold', () => {
  it('frees 500 holds of one destination by one answer, and leaves another port waiting', async (context) => {
    const { holds, opened } = bench(context);
    const signal = never();
    const waiting = Array.from({ length: 500 }, () =>
      holds.hold(request(), new AbortController().signal),
    );
    const elsewhere = holds.hold(makeRequest(makeDestination('a.example', 8443)), signal);
    await turn();
    assert.deepEqual(
      holds.list().map(({ waiting: count, port }) => [count, port]),
      [
        [500, 443],
        [1, 8443],
      ],
    );
    const [group] = holds.list();
    const result = holds.answer(group?.id ?? '', { outcome: 'allow' }, approver);
    assert.deepEqual(result, {
      status: 'answered',
      response: { id: group?.id, outcome: 'allow', released: 500, grant: null },
    });
    const ends = await Promise.all(waiting);
    const want: HoldEnd = {
      end: 'allowed',
      grant: undefined,
      summary: { group: group?.id, waitedMs: 0, approver, asker: asking },
    };
    for (const end of ends) assert.deepEqual(end, want);
    assert.deepEqual(holds.counts(), { groups: 1, holds: 1 });
    assert.equal(opened.length, 2);
    holds.stop();
    assert.equal((await elsewhere).end, 'stopping');
  });
  it('ends at the deadline and keeps the question for half an hour', async (context) => {
    const { holds, pass } = bench(context);
    const end = holds.hold(request(), never());
    await turn();
    pass(289_999);
    assert.equal(holds.counts().holds, 1);
    pass(1);
    assert.deepEqual(await end, {
      end: 'timeout',
      grant: undefined,
      summary: { group: 'a1', waitedMs: 290_000, approver: undefined, asker: asking },
    });
    assert.deepEqual(holds.counts(), { groups: 1, holds: 0 });
    pass(1_800_000 - 290_000);
    assert.deepEqual(holds.counts(), { groups: 0, holds: 0 });
    assert.deepEqual(holds.answer('a1', { outcome: 'allow' }, approver), { status: 'gone' });
  });
  it('ends when its client leaves, and forgets its signal either way', async (context) => {
    const { holds, pass } = bench(context);
    const leaving = new AbortController();
    const staying = new AbortController();
    const left = holds.hold(request(), leaving.signal);
    const stayed = holds.hold(request(), staying.signal);
    pass(5000);
    leaving.abort();
    assert.deepEqual(await left, {
      end: 'gone',
      grant: undefined,
      summary: { group: 'a1', waitedMs: 5000, approver: undefined },
    });
    holds.answer('a1', { outcome: 'deny' }, approver);
    assert.equal((await stayed).end, 'denied');
    assert.deepEqual(
      [leaving, staying].map(({ signal }) => getEventListeners(signal, 'abort').length),
      [0, 0],
    );
  });
  it('asks nobody for a client that has left already, nor after the stop', async (context) => {
    const { holds } = bench(context);
    const summary = { group: undefined, waitedMs: 0, approver: undefined };
    assert.deepEqual(await holds.hold(request(), AbortSignal.abort()), {
      end: 'gone',
      grant: undefined,
      summary,
    });
    holds.stop();
    assert.deepEqual(await holds.hold(request(), never()), {
      end: 'stopping',
      grant: undefined,
      summary,
    });
    assert.deepEqual(holds.counts(), { groups: 0, holds: 0 });
  });
  it('tells each end beyond a limit', async (context) => {
    const { holds } = bench(context, { limits: { ...limits, groups: 1 } });
    void holds.hold(request(), never());
    const end = await holds.hold(request('b.example'), never());
    assert.deepEqual(end, {
      end: 'limit',
      grant: undefined,
      summary: { group: undefined, waitedMs: 0, approver: undefined, asker: asking },
    });
  });
  it('refuses at once when holding is off, and an answer then serves the next try', async (context) => {
    const { holds, grants } = bench(context, { limits: { ...limits, holdMs: 0 } });
    assert.equal((await holds.hold(request(), never())).end, 'timeout');
    await turn();
    const result = holds.answer('a1', { outcome: 'allow' }, approver);
    assert.equal(result.status === 'answered' && result.response.grant?.for, 'ticket');
    assert.equal(grants.find(makeDestination('a.example'))?.ticket, true);
  });
});

describe('questions', () => {
  it('are shown whole, command line and parents included', async (context) => {
    const { holds, pass } = bench(context);
    void holds.hold(request(), never());
    await turn();
    pass(1500);
    void holds.hold(request(), never());
    await turn();
    assert.deepEqual(holds.list(), [
      {
        id: 'a1',
        revision: 1,
        protocol: 'https_connect',
        host: 'a.example',
        port: 443,
        waiting: 2,
        asked: 2,
        firstSeen: '2026-11-20T12:00:00.000Z',
        lastSeen: '2026-11-20T12:00:01.500Z',
        deadline: '2026-11-20T12:04:50.000Z',
        expires: '2026-11-20T12:30:01.500Z',
        askers: [
          {
            pid: 70,
            program: 'curl',
            commandLine: ['program'],
            cwd: '/home/dev/app',
            parents: ['codex', 'bash'],
          },
        ],
      },
    ]);
  });
  it('are told once, with the program that asks', async (context) => {
    const { holds, opened } = bench(context);
    const client = makeClient();
    void holds.hold(request('a.example', { client }), never());
    void holds.hold(request(), never());
    assert.deepEqual(opened, []);
    await turn();
    assert.deepEqual(opened, [
      { id: 'a1', destination: makeDestination('a.example'), client, asker },
    ]);
  });
  it('are told without a program when the look-up fails', async (context) => {
    const failing = bench(context, { findAsker: () => Promise.reject(new Error('no /proc')) });
    void failing.holds.hold(request(), never());
    await turn();
    assert.deepEqual(
      failing.opened.map((question) => question.asker),
      [undefined],
    );
    assert.equal(failing.holds.askersOf('a1')?.unidentified, true);
  });
  it('wait for look-ups under way when asked to settle', async (context) => {
    const found = Promise.withResolvers<Asker | undefined>();
    const { holds, opened } = bench(context, { findAsker: () => found.promise });
    void holds.hold(request(), never());
    let isSettled = false;
    const settled = holds.settled('a1').then(() => (isSettled = true));
    await turn();
    assert.deepEqual([isSettled, holds.askersOf('a1')?.unidentified], [false, true]);
    found.resolve(asker);
    await settled;
    assert.deepEqual(holds.askersOf('a1'), {
      destination: makeDestination('a.example'),
      askers: [asker],
      unidentified: false,
    });
    await holds.settled('a1');
    await holds.settled('nothing');
    assert.equal(holds.askersOf('nothing'), undefined);
    assert.equal(opened.length, 1);
  });
  it('settle and are told when they end during a look-up', async (context) => {
    const found = Promise.withResolvers<Asker | undefined>();
    const { holds, opened } = bench(context, { findAsker: () => found.promise });
    void holds.hold(request(), never());
    const settled = holds.settled('a1');
    holds.answer('a1', { outcome: 'deny' }, approver);
    await settled;
    assert.deepEqual(
      opened.map((question) => question.asker),
      [undefined],
    );
    found.resolve(asker);
    await turn();
    assert.equal(opened.length, 1);
  });
  it('survive listeners that throw', async (context) => {
    const fail = () => {
      throw new Error('listener');
    };
    const { holds, bugs } = bench(context, { onOpened: fail, onAnswered: fail });
    const end = holds.hold(request(), never());
    await turn();
    holds.answer('a1', { outcome: 'allow' }, approver);
    assert.equal((await end).end, 'allowed');
    assert.equal(bugs.length, 2);
  });
});

describe('answer', () => {
  interface Case {
    readonly answer: AnswerRequest;
    readonly waiting: boolean;
    /** Undefined: no grant; a text: the problem. */
    readonly want: object | undefined | string;
  }
  const durations = [
    { for: 'once', ticket: 600_000 },
    { for: '30m', lasts: 1_800_000, as: 'until' },
    { for: '2h', lasts: 7_200_000, as: 'until' },
    { for: 'restart', as: 'restart' },
    { for: 'always', as: 'always' },
  ];
  const scopes = [
    { host: 'a.b.example.net', port: 443, given: {} },
    { host: 'a.b.example.net', port: 'any', given: { port: 'any' } },
    { host: '*.example.net', port: 443, given: { host: '*.example.net' } },
    { host: '*.b.example.net', port: 'any', given: { host: '*.b.example.net', port: 'any' } },
  ] as const;
  const cases: Case[] = [];
  for (const outcome of ['allow', 'deny'] as const) {
    for (const duration of durations) {
      for (const { host, port, given } of scopes) {
        for (const waiting of [true, false]) {
          const isWide = host !== 'a.b.example.net' || port === 'any';
          const lasts = duration.lasts ?? duration.ticket;
          const grant = {
            outcome,
            host,
            port,
            for: duration.as ?? 'ticket',
            expires: lasts === undefined ? null : new Date(startMs + lasts).toISOString(),
          };
          const isOnce = duration.for === 'once';
          const want = isOnce && isWide ? 'bad' : isOnce && waiting ? undefined : grant;
          cases.push({ answer: { outcome, for: duration.for, ...given }, waiting, want });
        }
      }
    }
  }
  for (const { answer, waiting, want } of cases) {
    it(`${JSON.stringify(answer)} with ${waiting ? 'somebody' : 'nobody'} waiting leaves ${JSON.stringify(want) ?? 'nothing'}`, async (context) => {
      const { holds, grants, answered } = bench(context);
      const client = new AbortController();
      const end = holds.hold(request('a.b.example.net'), client.signal);
      if (!waiting) client.abort();
      await turn();
      const result = holds.answer('a1', answer, approver);
      if (want === 'bad') {
        assert.equal(result.status, 'bad');
        assert.deepEqual([grants.list(), answered, holds.counts().groups], [[], [], 1]);
        return;
      }
      const [grant] = grants.list();
      const seen = grant && {
        outcome: grant.outcome,
        host: grant.host,
        port: grant.port,
        for: grant.for,
        expires: grant.expires,
      };
      assert.deepEqual(seen, want);
      assert.deepEqual(result, {
        status: 'answered',
        response: {
          id: 'a1',
          outcome: answer.outcome,
          released: waiting ? 1 : 0,
          grant: grant ?? null,
        },
      });
      const { end: kind, grant: ref } = await end;
      assert.equal(kind, waiting ? (answer.outcome === 'allow' ? 'allowed' : 'denied') : 'gone');
      assert.deepEqual(
        ref,
        waiting && grant ? { id: grant.id, outcome: answer.outcome, ticket: false } : undefined,
      );
      assert.deepEqual(answered, [
        {
          id: 'a1',
          destination: makeDestination('a.b.example.net'),
          outcome: answer.outcome,
          for: answer.for,
          host: answer.host ?? 'exact',
          port: answer.port ?? 'this',
          approver,
          released: waiting ? 1 : 0,
          grant,
        },
      ]);
    });
  }
  it('is taken once: the second comes too late', async (context) => {
    const { holds } = bench(context);
    void holds.hold(request(), never());
    await turn();
    assert.equal(holds.answer('a1', { outcome: 'allow' }, approver).status, 'answered');
    assert.deepEqual(holds.answer('a1', { outcome: 'allow' }, approver), { status: 'gone' });
    assert.deepEqual(holds.answer('b1', { outcome: 'allow' }, approver), { status: 'unknown' });
  });
  it('must quote the revision that stands', async (context) => {
    const { holds } = bench(context);
    void holds.hold(request(), never());
    await turn();
    assert.deepEqual(holds.answer('a1', { outcome: 'allow', revision: 2 }, approver), {
      status: 'changed',
    });
    assert.equal(
      holds.answer('a1', { outcome: 'allow', revision: 1 }, approver).status,
      'answered',
    );
  });
  it('that cannot be kept is not taken at all', async (context) => {
    for (const [status, addGrant] of [
      ['full', () => undefined],
      ['failed', () => assert.fail('disk full')],
    ] as const) {
      context.mock.timers.reset();
      const { holds } = bench(context, { addGrant });
      void holds.hold(request(), never());
      await turn();
      assert.equal(
        holds.answer('a1', { outcome: 'allow', for: 'always' }, approver).status,
        status,
      );
      assert.equal(holds.counts().holds, 1);
      assert.equal(holds.answer('a1', { outcome: 'allow' }, approver).status, 'answered');
    }
  });
  it('that lasts also ends the holds of other questions it covers', async (context) => {
    const grantBench: { find?: Grants['find'] } = {};
    const evaluate = (asked: DecisionRequest): Verdict => {
      const grant = grantBench.find?.(asked.destination);
      return grant === undefined ? { outcome: 'ask' } : { ...denyVerdict, grant };
    };
    const { holds, grants } = bench(context, { evaluate });
    grantBench.find = grants.find;
    void holds.hold(request('a.example.net'), never());
    const covered = holds.hold(request('b.example.net'), never());
    const apart = holds.hold(request('c.example.org'), never());
    await turn();
    holds.answer('a1', { outcome: 'deny', for: '1h', host: '*.example.net' }, approver);
    assert.equal((await covered).end, 'policy');
    assert.deepEqual(
      holds.list().map(({ host }) => host),
      ['c.example.org'],
    );
    holds.stop();
    assert.equal((await apart).end, 'stopping');
  });
});

describe('rejudge', () => {
  it('ends what the new policy decides and leaves the rest', async (context) => {
    const { holds } = bench(context);
    const decided = holds.hold(request('a.example', { method: 'POST', form: 'request' }), never());
    void holds.hold(request('a.example', { method: 'GET', form: 'request' }), never());
    const left = new AbortController();
    void holds.hold(request('gone.example'), left.signal);
    left.abort();
    await turn();
    const ended = holds.rejudge(({ method, destination }) =>
      method === 'POST' || destination.host === 'gone.example' ? denyVerdict : { outcome: 'ask' },
    );
    assert.equal(ended, 1);
    assert.deepEqual(await decided, {
      end: 'policy',
      grant: undefined,
      summary: { group: 'a1', waitedMs: 0, approver: undefined, asker: asking },
    });
    assert.deepEqual(
      holds.list().map(({ host, waiting }) => [host, waiting]),
      [['a.example', 1]],
    );
  });
  it('leaves a ticket to the request it is for', async (context) => {
    const { holds } = bench(context);
    void holds.hold(request(), never());
    await turn();
    const ticket = { id: 'g1', outcome: 'allow', ticket: true } as const;
    assert.equal(
      holds.rejudge(() => ({ ...denyVerdict, grant: ticket })),
      0,
    );
    assert.equal(holds.counts().holds, 1);
  });
});
