// Every answer an approver can give, through the real gate: what it does to the connection that asked, and to every
// kind of connection that comes later.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { createAnswerLog } from '../../../src/approval/answer-log.ts';
import { createGrants } from '../../../src/approval/grants.ts';
import { createHolds } from '../../../src/approval/holds.ts';
import { createUndo } from '../../../src/approval/undo.ts';
import type { AnswerRequest } from '../../../src/control/messages.ts';
import { createGate } from '../../../src/gate.ts';
import { evaluate } from '../../../src/policy/evaluate.ts';
import { makeAsker, makeDestination, makeProcess, makeRequest } from '../../support/asking.ts';
import { makeHoldsParts } from '../../support/holds.ts';
import { makePolicy } from '../../support/policy.ts';

const approver = { name: 'dev', surface: 'cli' };
const askedHost = 'a.b.example.net';
const startMs = Date.UTC(2026, 10, 20, 12);
const programs = {
  curl: makeAsker(makeProcess(70, { executable: '/usr/bin/curl' })),
  wget: makeAsker(makeProcess(71, { executable: '/usr/bin/wget' })),
};
type Program = keyof typeof programs;
type End = 'allow' | 'deny' | 'ask';

/** A daemon's deciding parts over one file of kept grants. */
function start(file: { text: string | undefined }) {
  const grants = createGrants({
    store: { file: 'f', load: () => file.text, save: (text) => (file.text = text) },
    now: () => Date.now(),
  });
  const askers = new Map<number, Program>();
  const log = createAnswerLog();
  const policy = makePolicy();
  const judge = (request: Parameters<typeof evaluate>[0]) =>
    evaluate(request, policy, grants.find, new Set());
  const fail = (error: unknown) => assert.fail(String(error));
  const holds = createHolds(
    makeHoldsParts({
      findAsker: ({ port }) => Promise.resolve(programs[askers.get(port) ?? 'curl']),
      isBound: grants.isBound,
      findProgramGrant: grants.findFor,
      addGrant: grants.add,
      log,
      evaluate: judge,
      onBug: fail,
    }),
  );
  const undo = createUndo({
    log,
    now: () => Date.now(),
    revoke: grants.revoke,
    closeQuestion: () => 0,
    liftCooling: holds.liftCooling,
    onUndone: () => undefined,
    onBug: fail,
  });
  const gate = createGate({
    evaluate: judge,
    vet: () => undefined,
    consume: grants.consume,
    hold: holds.hold,
    parentFor: () => Promise.resolve(undefined),
    resolve: () => Promise.resolve({ kind: 'addresses', addresses: ['93.184.215.14'] }),
    record: (_, { verdict }) => {
      if (verdict.grant !== undefined) grants.noteUse(verdict.grant.id);
      return Promise.resolve();
    },
    policyVersion: () => 'p1',
    generation: () => 0,
    isUndone: log.isUndone,
    onBug: fail,
  });
  /** A connection of this program; `end` settles once it is decided, `leave` has its client go. */
  function open(host: string, port: number, program: Program) {
    const request = makeRequest(makeDestination(host, port));
    askers.set(request.client.port, program);
    const client = new AbortController();
    const end = gate(request, client.signal).then(({ outcome }) => outcome);
    return { end, leave: () => client.abort() };
  }
  /** What becomes of a connection; asking somebody is an end of its own. */
  async function probe(host: string, port: number, program: Program): Promise<End> {
    const { end, leave } = open(host, port, program);
    await turn();
    const isAsked = holds.counts().holds > 0;
    leave();
    return isAsked ? 'ask' : await end;
  }
  return { open, probe, holds, grants, undo };
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** Gives the answer to a question that was asked by curl, and whose client waits or has left. */
async function answered(answer: AnswerRequest, isWaiting = true) {
  const file: { text: string | undefined } = { text: undefined };
  const daemon = start(file);
  const { end, leave } = daemon.open(askedHost, 443, 'curl');
  await turn();
  if (!isWaiting) leave();
  const [group] = daemon.holds.list();
  const { status } = daemon.holds.answer(group?.id ?? '', answer, approver);
  assert.equal(status, 'answered');
  return { ...daemon, end: await end, file };
}

const durations = ['once', '30m', 'restart', 'always'] as const;
const scopes = [
  { host: 'exact', port: 'this' },
  { host: 'exact', port: 'any' },
  { host: '*.b.example.net', port: 'this' },
  { host: '*.b.example.net', port: 'any' },
] as const;

const every: AnswerRequest[] = [];
for (const outcome of ['allow', 'deny'] as const) {
  for (const lasts of durations) {
    for (const { host, port } of scopes) {
      if (lasts === 'once' && (host !== 'exact' || port !== 'this')) continue;
      for (const program of ['this', 'any'] as const) {
        every.push({ outcome, for: lasts, host, port, program });
      }
    }
  }
}

/** What a later connection meets, by the words of the answer alone. */
function expected(answer: AnswerRequest, host: string, port: number, program: Program): End {
  const { outcome } = answer;
  if (answer.for === 'once') {
    // A deny once goes on for a minute, for everything that asks the same question.
    return outcome === 'deny' && host === askedHost && port === 443 ? 'deny' : 'ask';
  }
  const isHost = host === askedHost || (answer.host !== 'exact' && host.endsWith('.b.example.net'));
  const isPort = answer.port === 'any' || port === 443;
  const isProgram = answer.program === 'any' || program === 'curl';
  return isHost && isPort && isProgram ? outcome : 'ask';
}

const later: readonly { name: string; host: string; port: number; program: Program }[] = [
  { name: 'the next connection', host: askedHost, port: 443, program: 'curl' },
  { name: 'another program', host: askedHost, port: 443, program: 'wget' },
  { name: 'another port', host: askedHost, port: 8443, program: 'curl' },
  { name: 'a name beside it', host: 'z.b.example.net', port: 443, program: 'curl' },
  { name: 'a name below it', host: `c.${askedHost}`, port: 443, program: 'curl' },
  { name: 'the domain itself', host: 'b.example.net', port: 443, program: 'curl' },
  { name: 'a name beside the domain', host: 'c.example.net', port: 443, program: 'curl' },
];

function freeze(context: TestContext): void {
  context.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: startMs });
}

for (const answer of every) {
  const { outcome, for: lasts, host, port, program } = answer;
  describe(`${outcome} ${lasts}, host ${host}, port ${port}, program ${program}`, () => {
    it('decides the connection that waits', async (context) => {
      freeze(context);
      assert.equal((await answered(answer)).end, outcome);
    });
    for (const { name, ...place } of later) {
      const want = expected(answer, place.host, place.port, place.program);
      it(`means ${want} for ${name}`, async (context) => {
        freeze(context);
        const { probe } = await answered(answer);
        assert.equal(await probe(place.host, place.port, place.program), want);
      });
    }
    const next = [askedHost, 443, 'curl'] as const;
    const kept = expected(answer, ...next);
    const afterRestart = lasts === 'always' ? outcome : 'ask';
    it(`means ${afterRestart} after a restart`, async (context) => {
      freeze(context);
      const { file } = await answered(answer);
      assert.equal(await start(file).probe(...next), afterRestart);
    });
    const afterHalfAnHour = lasts === 'once' || lasts === '30m' ? 'ask' : outcome;
    it(`means ${afterHalfAnHour} after half an hour`, async (context) => {
      freeze(context);
      const { probe } = await answered(answer);
      context.mock.timers.tick(30 * 60_000);
      assert.equal(await probe(...next), afterHalfAnHour);
    });
    const afterRevoking = lasts === 'once' ? kept : 'ask';
    it(`means ${afterRevoking} after its grant is revoked, if there is one`, async (context) => {
      freeze(context);
      const { probe, grants, file } = await answered(answer);
      assert.equal(grants.list().length, lasts === 'once' ? 0 : 1);
      grants.revoke('g1');
      assert.equal(await probe(...next), afterRevoking);
      assert.equal(await start(file).probe(...next), 'ask');
    });
    it('means a question again after it is undone', async (context) => {
      freeze(context);
      const { probe, undo } = await answered(answer);
      assert.equal(typeof undo(undefined, approver), 'object');
      assert.equal(await probe(...next), 'ask');
    });
  });
}

describe('once, when the client has left', () => {
  const allow = { outcome: 'allow' } as const;
  const next = [askedHost, 443, 'curl'] as const;
  const cases: readonly {
    readonly name: string;
    readonly answer: AnswerRequest;
    readonly waitMs?: number;
    readonly probes: readonly (readonly [string, number, Program])[];
    readonly want: readonly End[];
  }[] = [
    {
      name: 'allows its next try and no more',
      answer: allow,
      probes: [next, next],
      want: ['allow', 'ask'],
    },
    {
      name: 'allows it for ten minutes',
      answer: allow,
      waitMs: 600_000 - 1,
      probes: [next],
      want: ['allow'],
    },
    { name: 'allows it no longer', answer: allow, waitMs: 600_000, probes: [next], want: ['ask'] },
    {
      name: 'allows no other program, which does not use it up',
      answer: allow,
      probes: [[askedHost, 443, 'wget'], next],
      want: ['ask', 'allow'],
    },
    {
      name: 'allows any program where the approver says so',
      answer: { ...allow, program: 'any' },
      probes: [[askedHost, 443, 'wget'], next],
      want: ['allow', 'ask'],
    },
    {
      name: 'allows no other port',
      answer: allow,
      probes: [[askedHost, 8443, 'curl'], next],
      want: ['ask', 'allow'],
    },
    {
      name: 'denies every next try for a minute',
      answer: { outcome: 'deny' },
      probes: [next, next],
      want: ['deny', 'deny'],
    },
  ];
  for (const { name, answer, waitMs = 0, probes, want } of cases) {
    it(name, async (context) => {
      freeze(context);
      const { probe } = await answered(answer, false);
      context.mock.timers.tick(waitMs);
      const ends: End[] = [];
      for (const each of probes) ends.push(await probe(...each));
      assert.deepEqual(ends, want);
    });
  }
  it('allows nothing any more once it is undone', async (context) => {
    freeze(context);
    const { probe, undo } = await answered(allow, false);
    undo(undefined, approver);
    assert.equal(await probe(...next), 'ask');
  });
});
