import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { createAnswerLog, type AnswerLog } from '../../../src/approval/answer-log.ts';
import { createGrants } from '../../../src/approval/grants.ts';
import type { Grants } from '../../../src/approval/grants.ts';
import { clockText } from '../../../src/approval/clock-text.ts';
import { heldAsker } from '../../../src/approval/group-view.ts';
import { createHolds, type Holds, type HoldsParts } from '../../../src/approval/holds.ts';
import type { Asker } from '../../../src/approval/process-tree.ts';
import type { AnsweredQuestion, OpenedQuestion } from '../../../src/approval/question.ts';
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
import { calmFlood, makeHoldsParts, plainView } from '../../support/holds.ts';

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
    const { holds } = bench(context, { limits: { ...limits, holdMs: 0 } });
    assert.equal((await holds.hold(request(), never())).end, 'timeout');
    await turn();
    const result = holds.answer('a1', { outcome: 'allow' }, approver);
    assert.equal(result.status === 'answered' && result.response.grant?.for, 'ticket');
    const next = await holds.hold(request(), never());
    assert.deepEqual([next.end, next.grant?.ticket], ['allowed', true]);
    assert.equal((await holds.hold(request(), never())).end, 'timeout');
  });
});

describe('questions', () => {
  it('are shown as their view says, once their program has been looked for', async (context) => {
    const first = request();
    const { holds, pass } = bench(context, {
      view: (group, opener) => {
        assert.equal(opener, first);
        return plainView(group);
      },
    });
    void holds.hold(first, never());
    assert.deepEqual(holds.list(), []);
    await turn();
    pass(1500);
    void holds.hold(request(), never());
    await turn();
    const [group] = holds.list();
    assert.equal(group?.askers[0]?.program, 'curl');
    const { waiting, asked, firstSeen, lastSeen, waitingSince, deadline, expires } = group;
    assert.deepEqual(
      { waiting, asked, firstSeen, lastSeen, waitingSince, deadline, expires },
      {
        waiting: 2,
        asked: 2,
        firstSeen: '2026-11-20T12:00:00.000Z',
        lastSeen: '2026-11-20T12:00:01.500Z',
        waitingSince: '2026-11-20T12:00:00.000Z',
        deadline: '2026-11-20T12:04:50.000Z',
        expires: '2026-11-20T12:30:01.500Z',
      },
    );
    assert.deepEqual(holds.get('a1'), group);
    assert.equal(holds.get('b1'), 'unknown');
    holds.answer('a1', { outcome: 'deny' }, approver);
    assert.equal(holds.get('a1'), 'gone');
  });
  it('are shown and told at once when nobody looks for their program', async (context) => {
    const { holds, opened } = bench(context, { limits: { ...limits, holds: 1 } });
    void holds.hold(request(), never());
    assert.equal((await holds.hold(request('b.example'), never())).end, 'limit');
    assert.deepEqual(
      holds.list().map(({ host }) => host),
      ['b.example'],
    );
    assert.deepEqual(
      opened.map(({ id, asker: found }) => [id, found]),
      [['b1', undefined]],
    );
  });
  it('are told once, with the program that asks', async (context) => {
    const { holds, opened } = bench(context);
    const client = makeClient();
    void holds.hold(request('a.example', { client }), never());
    assert.deepEqual(opened, []);
    await turn();
    const view = holds.get('a1');
    void holds.hold(request(), never());
    await turn();
    assert.deepEqual(opened, [
      { id: 'a1', destination: makeDestination('a.example'), client, asker, view },
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
          program: answer.for === 'once' && !waiting ? 'this' : 'any',
          note: undefined,
          approver,
          latencyMs: 0,
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

describe('an answer', () => {
  it('is logged, with how long it took and what it says', async (context) => {
    const { holds, log, answered, pass } = bench(context);
    void holds.hold(request(), never());
    await turn();
    pass(4000);
    const answer = { outcome: 'allow', for: '1h', program: 'this', note: 'the build' } as const;
    holds.answer('a1', answer, approver);
    assert.deepEqual(log.list(), [
      {
        id: 'a1',
        protocol: 'https_connect',
        host: 'a.example',
        port: 443,
        outcome: 'allow',
        for: '1h',
        scopeHost: 'exact',
        scopePort: 'this',
        at: '2026-11-20T12:00:04.000Z',
        approver: 'dev',
        surface: 'cli',
        latencyMs: 4000,
        released: 1,
        grant: 'g1',
        undone: null,
      },
    ]);
    const [{ program, note, latencyMs, grant } = assert.fail()] = answered;
    assert.deepEqual([program, note, latencyMs], ['this', 'the build', 4000]);
    const programs = [{ executable: '/usr/bin/curl', folder: '/home/dev/app' }];
    assert.deepEqual([grant?.programs, grant?.question], [programs, 'a1']);
    const found = log.find('a1');
    assert.equal(typeof found === 'string' ? found : found.destination.host, 'a.example');
  });
  it('that cannot be logged stands', async (context) => {
    const { holds, bugs } = bench(context, { log: { add: () => assert.fail('full') } });
    const end = holds.hold(request(), never());
    holds.answer('a1', { outcome: 'allow' }, approver);
    assert.deepEqual([(await end).end, bugs.length], ['allowed', 1]);
  });
  it('tells the refused program what the approver says', async (context) => {
    const { holds } = bench(context);
    const end = holds.hold(request(), never());
    await turn();
    const bad = holds.answer('a1', { outcome: 'deny', tell: 'a\nb' }, approver);
    assert.equal(bad.status, 'bad');
    holds.answer('a1', { outcome: 'deny', tell: 'use the mirror' }, approver);
    assert.equal((await end).summary.say, 'The approver says: use the mirror');
    const cooled = await holds.hold(request(), never());
    assert.equal(cooled.summary.say, 'The approver says: use the mirror');
  });
});

describe('a deny once', () => {
  it('refuses the same question for a minute, without asking', async (context) => {
    const { holds, opened, pass } = bench(context);
    void holds.hold(request(), never());
    await turn();
    holds.answer('a1', { outcome: 'deny' }, approver);
    pass(59_999);
    assert.deepEqual(await holds.hold(request(), never()), {
      end: 'denied',
      grant: undefined,
      summary: { group: 'a1', waitedMs: 0, approver },
    });
    assert.deepEqual([holds.list(), opened.length], [[], 1]);
    const port = holds.hold(makeRequest(makeDestination('a.example', 8443)), never());
    await turn();
    assert.deepEqual(
      holds.list().map(({ port: asked }) => asked),
      [8443],
    );
    pass(1);
    void holds.hold(request(), never());
    await turn();
    const [, again] = holds.list();
    assert.deepEqual([again?.port, again?.asked], [443, 2], 'the refused one counts as asked');
    holds.stop();
    assert.equal((await port).end, 'stopping');
  });
  it('does not cool when it lasts, and an allow never does', async (context) => {
    const { holds } = bench(context, { findProgramGrant: () => undefined });
    for (const answer of [{ outcome: 'allow' }, { outcome: 'deny', for: '1m' }] as const) {
      const end = holds.hold(request(), never());
      await turn();
      const [group] = holds.list();
      holds.answer(group?.id ?? '', answer, approver);
      await end;
    }
    void holds.hold(request(), never());
    await turn();
    assert.equal(holds.list().length, 1);
  });
  it('is over when it is undone', async (context) => {
    const { holds } = bench(context);
    void holds.hold(request(), never());
    await turn();
    holds.answer('a1', { outcome: 'deny' }, approver);
    holds.liftCooling(makeDestination('a.example'));
    void holds.hold(request(), never());
    await turn();
    assert.equal(holds.list()[0]?.waiting, 1);
  });
  it('gives way to what was allowed for its program meanwhile', async (context) => {
    const { holds, grants } = bench(context);
    void holds.hold(request('a.example.net'), never());
    await turn();
    holds.answer('a1', { outcome: 'deny' }, approver);
    const programs = [{ executable: '/usr/bin/curl', folder: '/home/dev/app' }];
    const spec = { outcome: 'allow', protocol: 'https_connect', for: 'restart' } as const;
    const place = { host: '*.example.net', port: 443, lastsMs: undefined } as const;
    const bound = grants.add({ ...spec, ...place, approver, programs });
    const allowed = await holds.hold(request('a.example.net'), never());
    assert.deepEqual([allowed.end, allowed.grant?.id], ['allowed', bound?.id]);
    grants.revoke(bound?.id ?? '');
    const other = [{ executable: '/usr/bin/wget', folder: null }];
    grants.add({ ...spec, ...place, approver, programs: other });
    const cooled = await holds.hold(request('a.example.net'), never());
    assert.deepEqual(
      [cooled.end, cooled.summary.group, cooled.summary.approver],
      ['denied', 'a1', approver],
    );
    assert.deepEqual(holds.list(), []);
  });
});

describe('an answer bound to the programs that ask', () => {
  const wget = makeAsker(makeProcess(71, { executable: '/usr/bin/wget' }), makeShell(31));

  for (const outcome of ['allow', 'deny'] as const) {
    it(`${outcome}s the same program without asking, and asks for another`, async (context) => {
      let who: Asker | undefined = asker;
      const { holds, opened } = bench(context, { findAsker: () => Promise.resolve(who) });
      void holds.hold(request(), never());
      await turn();
      holds.answer('a1', { outcome, for: '1h', program: 'this' }, approver);
      const same = await holds.hold(request(), never());
      assert.deepEqual(same, {
        end: outcome === 'allow' ? 'allowed' : 'denied',
        grant: { id: 'g1', outcome, ticket: false, bound: true },
        summary: { group: undefined, waitedMs: 0, approver: undefined, asker: asking },
      });
      assert.deepEqual([opened.length, holds.counts()], [1, { groups: 0, holds: 0 }]);
      for (const other of [wget, undefined]) {
        who = other;
        void holds.hold(request(), never());
        await turn();
      }
      assert.deepEqual(
        holds.list().map(({ waiting, unidentified }) => [waiting, unidentified]),
        [[2, true]],
      );
      assert.equal(opened.length, 2);
    });
  }
  it('closes other questions that it answers for all who asked them', async (context) => {
    let who: Asker | undefined = asker;
    const { holds } = bench(context, { findAsker: () => Promise.resolve(who) });
    const holdAs = async (program: Asker | undefined, host: string) => {
      who = program;
      const end = holds.hold(request(host), never());
      await turn();
      return { end };
    };
    await holdAs(asker, 'a.example.net');
    const covered = await holdAs(asker, 'b.example.net');
    await holdAs(asker, 'c.example.net');
    await holdAs(wget, 'c.example.net');
    await holdAs(asker, 'd.example.net');
    await holdAs(undefined, 'd.example.net');
    const wide = { for: '1h', host: '*.example.net', program: 'this' } as const;
    holds.answer('a1', { outcome: 'allow', ...wide }, approver);
    assert.equal((await covered.end).end, 'allowed');
    assert.deepEqual(
      holds.list().map(({ host, waiting }) => [host, waiting]),
      [
        ['c.example.net', 1],
        ['d.example.net', 1],
      ],
    );
    holds.stop();
  });

  it('is marked for the gate in the connections it releases', async (context) => {
    const { holds } = bench(context);
    const end = holds.hold(request(), never());
    await turn();
    holds.answer('a1', { outcome: 'allow', for: '1h', program: 'this' }, approver);
    assert.deepEqual((await end).grant, {
      id: 'g1',
      outcome: 'allow',
      ticket: false,
      bound: true,
    });
  });
  it('is refused while not every program is known', async (context) => {
    const { holds } = bench(context, { findAsker: () => Promise.resolve(undefined) });
    void holds.hold(request(), never());
    await turn();
    const bound = { outcome: 'allow', for: '1h', program: 'this' } as const;
    const result = holds.answer('a1', bound, approver);
    assert.match('problem' in result ? result.problem : '', /^program: not every program/);
    assert.equal(holds.answer('a1', { ...bound, for: 'once' }, approver).status, 'answered');
  });
  it('waits for the look at its program even where nothing is held', async (context) => {
    let who: Asker | undefined = asker;
    const say = 'Nobody is watching for questions right now.';
    const { holds } = bench(context, {
      findAsker: () => Promise.resolve(who),
      stance: () => ({ end: 'timeout', holdMs: 0, say }),
    });
    const refused = await holds.hold(request(), never());
    assert.deepEqual([refused.end, refused.summary.say], ['timeout', say]);
    await turn();
    holds.answer('a1', { outcome: 'allow' }, approver);
    who = wget;
    const other = await holds.hold(request(), never());
    assert.deepEqual([other.end, other.summary.say], ['timeout', say]);
    assert.deepEqual(
      holds.list().map(({ waiting, asked }) => [waiting, asked]),
      [[0, 1]],
    );
    who = asker;
    assert.equal((await holds.hold(request(), never())).end, 'allowed');
    assert.equal((await holds.hold(request(), never())).end, 'timeout');
  });
  it('does not wait for ever for a look that hangs', async (context) => {
    const { holds, grants, pass } = bench(context, {
      findAsker: () => new Promise(() => undefined),
      stance: () => ({ end: 'paused', holdMs: 0, say: 'paused' }),
      isBound: () => true,
    });
    assert.deepEqual(grants.list(), []);
    const end = holds.hold(request(), never());
    pass(5000);
    assert.deepEqual((await end).end, 'paused');
  });
  it('also answers what its programs wait for elsewhere', async (context) => {
    let who: Asker = asker;
    const { holds } = bench(context, { findAsker: () => Promise.resolve(who) });
    void holds.hold(request('a.example.net'), never());
    const covered = holds.hold(request('b.example.net'), never());
    await turn();
    who = wget;
    void holds.hold(request('b.example.net'), never());
    await turn();
    const wide = { outcome: 'allow', for: '1h', host: '*.example.net', program: 'this' } as const;
    holds.answer('a1', wide, approver);
    const { end, grant } = await covered;
    assert.deepEqual([end, grant?.id], ['allowed', 'g1']);
    assert.deepEqual(
      holds.list().map(({ host, waiting }) => [host, waiting]),
      [['b.example.net', 1]],
    );
  });
  it('that denies does not keep others from what everybody is allowed later', async (context) => {
    let who: Asker = asker;
    const { holds, grants } = bench(context, { findAsker: () => Promise.resolve(who) });
    void holds.hold(request('a.example.net'), never());
    await turn();
    holds.answer('a1', { outcome: 'deny', for: '1h', program: 'this' }, approver);
    who = wget;
    const other = holds.hold(request('a.example.net'), never());
    void holds.hold(request('b.example.net'), never());
    await turn();
    const [, b] = holds.list();
    const wide = { outcome: 'allow', for: '1h', host: '*.example.net' } as const;
    holds.answer(b?.id ?? '', wide, approver);
    assert.deepEqual([(await other).end, grants.list().length], ['allowed', 2]);
    who = asker;
    assert.equal((await holds.hold(request('a.example.net'), never())).end, 'denied');
  });
  it('is not asked for a client that left during the look', async (context) => {
    const { holds, bugs } = bench(context, {
      isBound: () => true,
      findProgramGrant: () => assert.fail('its ticket would be lost'),
    });
    const client = new AbortController();
    const end = holds.hold(request(), client.signal);
    client.abort();
    assert.equal((await end).end, 'gone');
    await turn();
    assert.deepEqual(bugs, []);
  });
  it('leaves the question standing when finding it fails', async (context) => {
    const fail = () => assert.fail('broken');
    const { holds, bugs } = bench(context, { isBound: fail, findProgramGrant: fail });
    void holds.hold(request(), never());
    await turn();
    assert.deepEqual([holds.list().length, bugs.length], [1, 2]);
  });
});

describe('a stance', () => {
  it('refuses at once, in its own words, and keeps the question', async (context) => {
    const say = 'An approver has paused questions until 14:05.';
    const { holds, opened } = bench(context, {
      stance: () => ({ end: 'paused', holdMs: 0, say }),
    });
    assert.deepEqual(await holds.hold(request(), never()), {
      end: 'paused',
      grant: undefined,
      summary: {
        group: 'a1',
        waitedMs: 0,
        approver: undefined,
        asker: { pid: 70, executable: '/usr/bin/curl' },
        say,
      },
    });
    await turn();
    assert.deepEqual([opened.length, holds.list()[0]?.waiting], [1, 0]);
  });
  it('refuses half a second later at most where nobody can tell which program it is', async (context) => {
    const { holds, pass } = bench(context, {
      stance: () => ({ end: 'timeout', holdMs: 0, say: undefined }),
      findAsker: async () => await new Promise(() => undefined),
    });
    const end = holds.hold(request(), never());
    await turn();
    pass(499);
    assert.equal(holds.counts().holds, 1);
    pass(1);
    assert.equal((await end).end, 'timeout');
    assert.deepEqual(holds.counts(), { groups: 1, holds: 0 });
  });
  it('may hold for less than is configured', async (context) => {
    const say = 'The reviewer did not decide in time.';
    const { holds, pass } = bench(context, {
      stance: () => ({ end: 'timeout', holdMs: 20_000, say }),
    });
    const end = holds.hold(request(), never());
    await turn();
    pass(19_999);
    assert.equal(holds.counts().holds, 1);
    pass(1);
    assert.deepEqual([(await end).end, (await end).summary.say], ['timeout', say]);
  });
  it('is for its own time alone: an answer says nothing of it', async (context) => {
    const { holds } = bench(context, {
      stance: () => ({ end: 'paused', holdMs: 20_000, say: 'late' }),
    });
    const end = holds.hold(request(), never());
    await turn();
    holds.answer('a1', { outcome: 'deny' }, approver);
    assert.deepEqual([(await end).end, (await end).summary.say], ['denied', undefined]);
  });
  it('that cannot be told leaves the request to a person', async (context) => {
    const { holds, bugs } = bench(context, { stance: () => assert.fail('broken') });
    void holds.hold(request(), never());
    await turn();
    assert.deepEqual([holds.list()[0]?.waiting, bugs.length], [1, 1]);
  });
});

describe('pauseAll', () => {
  it('ends what waits and keeps the questions', async (context) => {
    const { holds } = bench(context);
    const ends = ['a.example', 'b.example'].map((host) => holds.hold(request(host), never()));
    await turn();
    const say = 'An approver has paused questions until 14:05.';
    assert.equal(holds.pauseAll(say, approver), 2);
    const [first] = await Promise.all(ends);
    assert.deepEqual(first, {
      end: 'paused',
      grant: undefined,
      summary: { group: 'a1', waitedMs: 0, approver, asker: asking, say },
    });
    assert.deepEqual(
      holds.list().map(({ waiting }) => waiting),
      [0, 0],
    );
    assert.equal(holds.pauseAll(say, approver), 0);
  });
});

describe('extend', () => {
  it('has all that waits there wait longer, from now', async (context) => {
    const { holds, pass } = bench(context);
    const end = holds.hold(request(), never());
    const elsewhere = holds.hold(request('b.example'), never());
    await turn();
    pass(100_000);
    assert.equal(holds.extend('a1', 600_000), startMs + 700_000);
    pass(190_000);
    assert.equal((await elsewhere).end, 'timeout');
    pass(409_999);
    assert.deepEqual(holds.counts().holds, 1);
    pass(1);
    assert.deepEqual([(await end).end, (await end).summary.waitedMs], ['timeout', 700_000]);
  });
  it('is an hour at most, a minute at least, and never less than before', async (context) => {
    const { holds } = bench(context);
    void holds.hold(request(), never());
    await turn();
    assert.equal(holds.extend('a1', 1), startMs + 290_000);
    assert.equal(holds.extend('a1', 9e9), startMs + 3_600_000);
  });
  it('says when there is nothing to extend', async (context) => {
    const { holds } = bench(context, { limits: { ...limits, holdMs: 0 } });
    await holds.hold(request(), never());
    await turn();
    assert.deepEqual(
      [holds.extend('a1', 60_000), holds.extend('z9', 60_000)],
      ['nobody', 'unknown'],
    );
    holds.answer('a1', { outcome: 'deny' }, approver);
    assert.equal(holds.extend('a1', 60_000), 'gone');
  });
});

describe('preview', () => {
  it('says what an answer would do, and does nothing', async (context) => {
    const { holds, grants, log } = bench(context);
    void holds.hold(request('a.example.net'), never());
    void holds.hold(request('a.example.net'), never());
    await turn();
    const narrow = holds.preview('a1', { outcome: 'allow' });
    assert.deepEqual(narrow, {
      sentence: 'Allow curl in /home/dev/app to reach a.example.net:443 for these 2 connections.',
      rule: null,
      cautions: [],
      problem: null,
    });
    const wide = { outcome: 'allow', for: '1h', host: '*.example.net', revision: 1 } as const;
    const broad = holds.preview('a1', wide);
    const until = clockText(startMs + 3_600_000, startMs);
    assert.equal(
      typeof broad === 'string' ? broad : broad.rule,
      `allow https_connect *.example.net:443 until ${until}`,
    );
    assert.deepEqual([grants.list(), log.list(), holds.counts().holds], [[], [], 2]);
  });
  const cases: readonly { name: string; answer: AnswerRequest; says: RegExp }[] = [
    {
      name: 'a scope that cannot be',
      answer: { outcome: 'allow', for: '1h', host: '*.net' },
      says: /public suffix/,
    },
    { name: 'a changed question', answer: { outcome: 'allow', revision: 7 }, says: /has changed/ },
    { name: 'bad words', answer: { outcome: 'allow', tell: 'x' }, says: /goes with a deny/ },
  ];
  for (const { name, answer, says } of cases) {
    it(`says that ${name} would be refused`, async (context) => {
      const { holds } = bench(context);
      void holds.hold(request('a.example.net'), never());
      await turn();
      const preview = holds.preview('a1', answer);
      assert.match(typeof preview === 'string' ? preview : (preview.problem ?? ''), says);
    });
  }
  it('knows questions that are gone, and those that never were', async (context) => {
    const { holds } = bench(context);
    void holds.hold(request(), never());
    holds.answer('a1', { outcome: 'allow' }, approver);
    await turn();
    assert.deepEqual(
      ['a1', 'b1'].map((id) => holds.preview(id, { outcome: 'allow' })),
      ['gone', 'unknown'],
    );
  });
});

describe('a flood', () => {
  const quiet = {
    ...calmFlood,
    judge: () => 'quiet' as const,
    isQuiet: (tree: string) => tree === heldAsker(asker).tree,
  };
  it('is refused without a question, and counted', async (context) => {
    const refused: unknown[] = [];
    const { holds, opened } = bench(context, {
      flood: { ...quiet, refused: (tree, host) => refused.push([tree, host]) },
    });
    assert.deepEqual(await holds.hold(request(), never()), {
      end: 'limit',
      grant: undefined,
      summary: {
        group: undefined,
        waitedMs: 0,
        approver: undefined,
        asker: asking,
        say: 'This program asked for too many new destinations and is refused until a person looks.',
      },
    });
    assert.deepEqual(refused, [[heldAsker(asker).tree, 'a.example']]);
    assert.deepEqual([opened, holds.counts().groups], [[], 0]);
  });
  it('keeps no question where nothing is held either', async (context) => {
    const { holds } = bench(context, { flood: quiet, limits: { ...limits, holdMs: 0 } });
    assert.equal((await holds.hold(request(), never())).end, 'limit');
    await turn();
    assert.deepEqual(holds.counts(), { groups: 0, holds: 0 });
  });
  it('is judged once for a question, and again for each request of a quiet tree', async (context) => {
    const judged: (string | undefined)[] = [];
    let who: Asker | undefined;
    let isQuiet = false;
    const { holds } = bench(context, {
      findAsker: () => Promise.resolve(who),
      flood: {
        ...calmFlood,
        isQuiet: () => isQuiet,
        judge: (found, { host }, id, now) => {
          judged.push(`${found?.program} ${host} ${id} ${now - startMs}`);
          return isQuiet ? 'quiet' : 'ask';
        },
      },
    });
    void holds.hold(request(), never());
    void holds.hold(request(), never());
    await turn();
    who = asker;
    isQuiet = true;
    assert.equal((await holds.hold(request(), never())).end, 'limit');
    assert.deepEqual(judged, ['undefined a.example a1 0', 'curl a.example a1 0']);
    assert.equal(holds.list()[0]?.waiting, 2);
  });
  it('that cannot be judged is asked about, and closed questions are told', async (context) => {
    const closed: string[] = [];
    const { holds, bugs } = bench(context, {
      flood: {
        ...calmFlood,
        judge: () => assert.fail('broken'),
        closed: (id) => closed.push(id),
      },
    });
    void holds.hold(request(), never());
    await turn();
    holds.answer('a1', { outcome: 'deny' }, approver);
    assert.deepEqual([bugs.length, closed], [1, ['a1']]);
  });
});

describe('who is told', () => {
  it('of every program that asks', async (context) => {
    const askers: Asker[] = [];
    const { holds } = bench(context, { onAsker: (found) => askers.push(found) });
    void holds.hold(request(), never());
    void holds.hold(request(), never());
    await turn();
    assert.deepEqual(askers, [asker, asker]);
  });
  it('of questions that are gone, when they were told of', async (context) => {
    const closed: string[] = [];
    const { holds, pass } = bench(context, { onClosed: (id, why) => closed.push(`${id} ${why}`) });
    const client = new AbortController();
    void holds.hold(request(), client.signal);
    void holds.hold(request('b.example'), never());
    await turn();
    holds.answer('b1', { outcome: 'allow' }, approver);
    client.abort();
    pass(1_800_000);
    assert.deepEqual(closed, ['b1 answered', 'a1 expired']);
  });
  it('of every change that can be seen', async (context) => {
    const marks: string[] = [];
    const { holds, pass } = bench(context, { onChanged: (part) => marks.push(part) });
    const step = async (name: string, act: () => unknown) => {
      marks.length = 0;
      void act();
      await turn();
      return [name, marks.includes('groups'), marks.includes('answers')];
    };
    const client = new AbortController();
    const seen = [
      await step('one asks', () => holds.hold(request(), never())),
      await step('another asks', () => holds.hold(request(), client.signal)),
      await step('it leaves', () => client.abort()),
      await step('it is to wait longer', () => holds.extend('a1', 600_000)),
      await step('time passes', () => pass(1)),
      await step('it is denied', () => holds.answer('a1', { outcome: 'deny' }, approver)),
      await step('it is refused again', () => holds.hold(request(), never())),
    ];
    assert.deepEqual(seen, [
      ['one asks', true, false],
      ['another asks', true, false],
      ['it leaves', true, false],
      ['it is to wait longer', true, false],
      ['time passes', false, false],
      ['it is denied', true, true],
      ['it is refused again', false, false],
    ]);
  });
  it('although others who are told throw', async (context) => {
    const fail = () => assert.fail('broken');
    const { holds, bugs } = bench(context, {
      onChanged: fail,
      onAsker: fail,
      onClosed: fail,
      view: fail,
      flood: { ...calmFlood, closed: fail },
    });
    const end = holds.hold(request(), never());
    await turn();
    assert.deepEqual([holds.list(), holds.get('a1')], [[], 'gone']);
    assert.equal(holds.answer('a1', { outcome: 'allow' }, approver).status, 'answered');
    assert.equal((await end).end, 'allowed');
    assert.ok(bugs.length >= 6);
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
