import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createGate } from '../../src/gate.ts';
import type { GateParts, HoldEnd } from '../../src/gate.ts';
import type {
  AllowVerdict,
  Decision,
  DecisionEntry,
  DecisionRequest,
  DenyReason,
  DenyVerdict,
  GrantRef,
  HoldSummary,
  Parent,
  Route,
  Source,
  Verdict,
} from '../../src/policy/decision.ts';

const request: DecisionRequest = {
  destination: { protocol: 'https_connect', host: 'api.example', kind: 'name', port: 443 },
  listener: 'http',
  method: 'CONNECT',
  form: 'tunnel',
  client: { address: '127.0.0.1', port: 40_000, localPort: 4128 },
};

const literal: DecisionRequest = {
  ...request,
  destination: { ...request.destination, host: '93.184.215.14', kind: 'ipv4' },
};

const addresses = ['93.184.215.14', '93.184.215.15'];
const parent: Parent = {
  protocol: 'http',
  host: 'parent.example',
  port: 3128,
  credentials: undefined,
};

const ask: Verdict = { outcome: 'ask' };
const allow: AllowVerdict = {
  outcome: 'allow',
  source: 'baseline_policy',
  reason: 'allow',
  override: false,
  wouldDeny: false,
  rule: undefined,
  grant: undefined,
};

function deny(reason: DenyReason, source: Source, grant?: GrantRef): DenyVerdict {
  return { outcome: 'deny', source, reason, rule: undefined, grant };
}

function override(grant?: GrantRef): AllowVerdict {
  return { ...allow, source: 'decider', reason: 'not_allowed', override: true, grant };
}

const summary: HoldSummary = {
  group: 'k3',
  waitedMs: 20,
  approver: { name: 'ada', surface: 'cli' },
};
const grant: GrantRef = { id: 'g1', outcome: 'allow', ticket: false };
const ticket: GrantRef = { id: 't1', outcome: 'allow', ticket: true };
const denyTicket: GrantRef = { id: 't2', outcome: 'deny', ticket: true };

function ended(end: HoldEnd['end'], left?: GrantRef): HoldEnd {
  return { end, grant: left, summary };
}

/** One try of the gate: what each part answers, and in which order they were asked. */
interface Script {
  readonly request?: DecisionRequest;
  /** Answers of evaluate in turn; the last one stays. */
  readonly verdicts: readonly Verdict[];
  readonly tickets?: readonly boolean[];
  readonly hold?: HoldEnd;
  readonly parent?: Parent;
  readonly vetoes?: Readonly<Record<string, DenyVerdict>>;
  readonly failure?: 'dns_failed' | 'dns_timeout';
  /** The client leaves while this part works. */
  readonly leaves?: 'hold' | 'resolve';
  readonly recordFails?: boolean;
  readonly throws?: keyof GateParts;
}

interface Ran {
  readonly decision: Decision;
  readonly calls: readonly string[];
  readonly records: readonly { readonly uid: string; readonly entry: DecisionEntry }[];
  readonly bugs: readonly unknown[];
}

const boom = new Error('boom');

async function run(script: Script): Promise<Ran> {
  const calls: string[] = [];
  const records: { uid: string; entry: DecisionEntry }[] = [];
  const bugs: unknown[] = [];
  const controller = new AbortController();
  let evaluated = 0;
  let consumed = 0;
  const call = (part: keyof GateParts, detail = ''): void => {
    calls.push(`${part}${detail}`);
    if (script.throws === part) throw boom;
    if (script.leaves === part) controller.abort();
  };
  const parts: GateParts = {
    evaluate: () => {
      call('evaluate');
      const verdict = script.verdicts[Math.min(evaluated, script.verdicts.length - 1)];
      evaluated += 1;
      assert.ok(verdict);
      return verdict;
    },
    vet: (_request, address) => {
      call('vet', ` ${address}`);
      return script.vetoes?.[address];
    },
    consume: ({ id }) => {
      call('consume', ` ${id}`);
      consumed += 1;
      return script.tickets?.[consumed - 1] ?? false;
    },
    hold: async () => {
      call('hold');
      assert.ok(script.hold);
      return script.hold;
    },
    parentFor: async () => {
      call('parentFor');
      return script.parent;
    },
    resolve: async (host) => {
      call('resolve', ` ${host}`);
      return script.failure === undefined
        ? { kind: 'addresses', addresses }
        : { kind: 'failed', failure: script.failure };
    },
    record: async (uid, entry) => {
      call('record');
      if (script.recordFails === true) throw new Error('disk full');
      records.push({ uid, entry });
    },
    policyVersion: () => 'p7',
    generation: () => 0,
    isUndone: () => false,
    onBug: (error) => bugs.push(error),
  };
  const decision = await createGate(parts)(script.request ?? request, controller.signal);
  return { decision, calls, records, bugs };
}

const direct: Route = { via: 'direct', addresses };

/** What a case expects; `verdict` is both what the caller gets and what the record says. */
interface Want {
  readonly verdict: AllowVerdict | DenyVerdict;
  readonly route?: Route;
  readonly hold?: HoldSummary;
  readonly pinned?: boolean;
  readonly calls: string;
}

interface Case extends Script {
  readonly name: string;
  readonly want: Want;
}

const lookUp = 'parentFor, resolve api.example, vet 93.184.215.14, vet 93.184.215.15';
const asked = 'evaluate, hold, evaluate';

const cases: readonly Case[] = [
  {
    name: 'permits an allowed name at exactly the vetted addresses',
    verdicts: [allow],
    want: { verdict: allow, route: direct, calls: `evaluate, ${lookUp}, record` },
  },
  {
    name: 'permits an allowed address without a look-up, but vets it',
    request: literal,
    verdicts: [allow],
    want: {
      verdict: allow,
      route: { via: 'direct', addresses: ['93.184.215.14'] },
      calls: 'evaluate, parentFor, vet 93.184.215.14, record',
    },
  },
  {
    name: 'looks nothing up when a parent takes the name, and says that it is not pinned',
    verdicts: [allow],
    parent,
    want: {
      verdict: allow,
      route: { via: 'parent', parent },
      pinned: false,
      calls: 'evaluate, parentFor, vet parent.example, record',
    },
  },
  {
    name: 'refuses our own ports through a parent on this machine, which would take the name for it',
    verdicts: [allow],
    parent: { ...parent, host: 'localhost' },
    vetoes: { '127.0.0.1': deny('proxy_loop', 'proxy_state') },
    want: {
      verdict: deny('proxy_loop', 'proxy_state'),
      calls: 'evaluate, parentFor, vet 127.0.0.1, record',
    },
  },
  {
    name: 'does not judge the address of a parent as if it were that of the destination',
    verdicts: [allow],
    parent,
    vetoes: { 'parent.example': deny('not_allowed_local', 'baseline_policy') },
    want: {
      verdict: allow,
      route: { via: 'parent', parent },
      pinned: false,
      calls: 'evaluate, parentFor, vet parent.example, record',
    },
  },
  {
    name: 'permits nothing to dial when the name does not resolve',
    verdicts: [allow],
    failure: 'dns_failed',
    want: {
      verdict: allow,
      route: { via: 'nowhere', failure: 'dns_failed' },
      calls: 'evaluate, parentFor, resolve api.example, record',
    },
  },
  {
    name: 'says apart that the look-up took too long',
    verdicts: [allow],
    failure: 'dns_timeout',
    want: {
      verdict: allow,
      route: { via: 'nowhere', failure: 'dns_timeout' },
      calls: 'evaluate, parentFor, resolve api.example, record',
    },
  },
  {
    name: 'refuses when one address of several may not be dialled',
    verdicts: [allow],
    vetoes: { '93.184.215.15': deny('not_allowed_local', 'baseline_policy') },
    want: {
      verdict: deny('not_allowed_local', 'baseline_policy'),
      calls: `evaluate, ${lookUp}, record`,
    },
  },
  {
    name: 'refuses a look-up that leads back to us',
    verdicts: [allow],
    vetoes: { '93.184.215.14': deny('proxy_loop', 'proxy_state') },
    want: {
      verdict: deny('proxy_loop', 'proxy_state'),
      calls: 'evaluate, parentFor, resolve api.example, vet 93.184.215.14, record',
    },
  },
  {
    name: 'refuses a denied name without a look-up or a question',
    verdicts: [deny('denied', 'baseline_policy')],
    want: { verdict: deny('denied', 'baseline_policy'), calls: 'evaluate, record' },
  },
  {
    name: 'permits what a person allowed, as an override of the miss',
    verdicts: [ask, override(grant)],
    hold: ended('allowed', grant),
    want: {
      verdict: override(grant),
      route: direct,
      hold: summary,
      calls: `${asked}, ${lookUp}, record, evaluate`,
    },
  },
  {
    name: 'vets the addresses of a name that a person allowed',
    verdicts: [ask],
    hold: ended('allowed'),
    vetoes: { '93.184.215.14': deny('not_allowed_local', 'baseline_policy') },
    want: {
      verdict: deny('not_allowed_local', 'baseline_policy'),
      hold: summary,
      calls: `${asked}, parentFor, resolve api.example, vet 93.184.215.14, record`,
    },
  },
  {
    name: 'lets a deny that came in meanwhile beat the answer',
    verdicts: [ask, deny('denied', 'baseline_policy')],
    hold: ended('allowed', grant),
    want: {
      verdict: deny('denied', 'baseline_policy'),
      hold: summary,
      calls: `${asked}, record`,
    },
  },
  {
    name: 'keeps the answer as the reason when the policy allows by now too',
    verdicts: [ask, allow],
    hold: ended('allowed'),
    want: {
      verdict: override(),
      route: direct,
      hold: summary,
      calls: `${asked}, ${lookUp}, record`,
    },
  },
  {
    name: 'takes the allow of a reload that ended the hold',
    verdicts: [ask, allow],
    hold: ended('policy'),
    want: {
      verdict: allow,
      route: direct,
      hold: summary,
      calls: `${asked}, ${lookUp}, record`,
    },
  },
  {
    name: 'takes the ticket that allows once a reload has ended the hold',
    verdicts: [ask, override(ticket)],
    tickets: [true],
    hold: ended('policy'),
    want: {
      verdict: override(ticket),
      route: direct,
      hold: summary,
      calls: `${asked}, consume t1, ${lookUp}, record`,
    },
  },
  {
    name: 'takes the deny of a reload that ended the hold',
    verdicts: [ask, deny('method_not_allowed', 'mode_guard')],
    hold: ended('policy'),
    want: {
      verdict: deny('method_not_allowed', 'mode_guard'),
      hold: summary,
      calls: `${asked}, record`,
    },
  },
  {
    name: 'refuses when the reload that ended the hold was itself undone',
    verdicts: [ask],
    hold: ended('policy'),
    want: {
      verdict: deny('policy_changed', 'proxy_state'),
      hold: summary,
      calls: `${asked}, record`,
    },
  },
  ...(
    [
      ['denied', deny('not_allowed', 'decider', grant)],
      ['timeout', deny('approval_timeout', 'decider')],
      ['gone', deny('client_gone', 'decider')],
      ['limit', deny('approval_limit', 'proxy_state')],
      ['stopping', deny('stopping', 'proxy_state')],
    ] as const
  ).map(([end, verdict]): Case => ({
    name: `refuses with ${verdict.reason} when the hold ended by ${end}`,
    verdicts: [ask],
    hold: ended(end, grant),
    want: { verdict, hold: summary, calls: 'evaluate, hold, record' },
  })),
  {
    name: 'dials nothing for a client that left while it was held',
    verdicts: [ask],
    hold: ended('allowed', grant),
    leaves: 'hold',
    want: {
      verdict: deny('client_gone', 'decider'),
      hold: summary,
      calls: `${asked}, record`,
    },
  },
  {
    name: 'takes a one-use ticket before it counts',
    verdicts: [override(ticket)],
    tickets: [true],
    want: {
      verdict: override(ticket),
      route: direct,
      calls: `evaluate, consume t1, ${lookUp}, record`,
    },
  },
  {
    name: 'takes a one-use refusal before it counts',
    verdicts: [deny('not_allowed', 'decider', denyTicket)],
    tickets: [true],
    want: {
      verdict: deny('not_allowed', 'decider', denyTicket),
      calls: 'evaluate, consume t2, record',
    },
  },
  {
    name: 'asks when another request took the ticket first',
    verdicts: [override(ticket), ask],
    tickets: [false],
    hold: ended('denied'),
    want: {
      verdict: deny('not_allowed', 'decider'),
      hold: summary,
      calls: 'evaluate, consume t1, evaluate, hold, record',
    },
  },
  {
    name: 'tries the next ticket when the first is lost',
    verdicts: [override(ticket), override({ ...ticket, id: 't9' })],
    tickets: [false, true],
    want: {
      verdict: override({ ...ticket, id: 't9' }),
      route: direct,
      calls: `evaluate, consume t1, evaluate, consume t9, ${lookUp}, record`,
    },
  },
  {
    name: 'does not take a grant that is no ticket',
    verdicts: [override(grant)],
    want: {
      verdict: override(grant),
      route: direct,
      calls: `evaluate, ${lookUp}, record, evaluate`,
    },
  },
];

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('the gate', () => {
  for (const { name, want, ...script } of cases) {
    it(name, async () => {
      const { decision, calls, records, bugs } = await run(script);
      const given = script.request ?? request;
      const { verdict, route, hold, pinned = true } = want;
      const uid = records[0]?.uid ?? '';
      assert.match(uid, uuid);
      assert.deepEqual(
        decision,
        route === undefined
          ? { outcome: 'deny', request: given, verdict, hold }
          : { outcome: 'allow', request: given, verdict, route, hold, uid },
      );
      const entry = { request: given, verdict, hold, pinned, policyVersion: 'p7' };
      assert.deepEqual(records, [{ uid, entry }]);
      assert.equal(calls.join(', '), want.calls);
      assert.deepEqual(bugs, []);
    });
  }
});

describe('a record that cannot be written', () => {
  const refused = deny('audit_unavailable', 'proxy_state');
  const scripts: readonly (Script & { readonly name: string; readonly held?: HoldSummary })[] = [
    { name: 'an allow', verdicts: [allow] },
    { name: 'a deny', verdicts: [deny('denied', 'baseline_policy')] },
    { name: "a person's allow", verdicts: [ask], hold: ended('allowed'), held: summary },
  ];
  for (const { name, held, ...script } of scripts) {
    it(`turns ${name} into a refusal`, async () => {
      const { decision, bugs } = await run({ ...script, recordFails: true });
      assert.deepEqual(decision, { outcome: 'deny', request, verdict: refused, hold: held });
      assert.deepEqual(bugs, []);
    });
  }
});

describe('an exception on the decision path', () => {
  const parts: readonly (keyof GateParts)[] = [
    'evaluate',
    'consume',
    'hold',
    'parentFor',
    'resolve',
    'vet',
  ];
  for (const part of parts) {
    it(`in ${part} is a recorded refusal and a bug to log`, async () => {
      const first = part === 'hold' ? ask : override(ticket);
      const script: Script = { verdicts: [first], tickets: [true], throws: part };
      const { decision, records, bugs } = await run(script);
      const verdict = deny('internal_error', 'proxy_state');
      assert.deepEqual(decision, { outcome: 'deny', request, verdict, hold: undefined });
      assert.deepEqual(
        records.map(({ entry }) => entry.verdict),
        [verdict],
      );
      assert.deepEqual(bugs, [boom]);
    });
  }

  it('after a hold keeps what is known of the hold', async () => {
    const script: Script = { verdicts: [ask], hold: ended('allowed'), throws: 'resolve' };
    const { decision } = await run(script);
    assert.deepEqual(decision.hold, summary);
  });
});

describe('a client that leaves', () => {
  it('during the look-up still has its permit recorded; the dial sees the signal', async () => {
    const { decision, records } = await run({ verdicts: [allow], leaves: 'resolve' });
    assert.equal(decision.outcome, 'allow');
    assert.equal(records.length, 1);
  });
});

describe('many requests at once', () => {
  it('share one ticket between them only once', async () => {
    let left = true;
    const held: string[] = [];
    const gate = createGate({
      evaluate: () => (left ? override(ticket) : ask),
      consume: () => {
        const was = left;
        left = false;
        return was;
      },
      vet: () => undefined,
      hold: async () => {
        held.push('held');
        return ended('timeout');
      },
      parentFor: async () => undefined,
      resolve: async () => ({ kind: 'addresses', addresses }),
      record: async () => undefined,
      policyVersion: () => 'p7',
      generation: () => 0,
      isUndone: () => false,
      onBug: (error) => assert.fail(String(error)),
    });
    const { signal } = new AbortController();
    const decisions = await Promise.all(Array.from({ length: 20 }, () => gate(request, signal)));
    assert.equal(decisions.filter(({ outcome }) => outcome === 'allow').length, 1);
    assert.equal(held.length, 19);
  });
});

describe('a change while the permit is on its way', () => {
  it('refuses what an answer allowed that was undone meanwhile', async () => {
    const records: string[] = [];
    let undone = false;
    const gate = createGate({
      evaluate: () => ask,
      consume: () => false,
      vet: () => undefined,
      hold: async () => ended('allowed'),
      parentFor: async () => undefined,
      resolve: async () => {
        undone = true;
        return { kind: 'addresses', addresses };
      },
      record: async (_uid, { verdict }) => void records.push(verdict.reason),
      policyVersion: () => 'p7',
      generation: () => 0,
      isUndone: (question) => undone && question === summary.group,
      onBug: (error) => assert.fail(String(error)),
    });
    const decision = await gate(request, new AbortController().signal);
    assert.equal(decision.outcome, 'deny');
    assert.deepEqual(records, ['not_allowed', 'policy_changed']);
  });

  const boundCases: readonly {
    readonly name: string;
    readonly grant: GrantRef;
    readonly stands?: boolean;
    readonly undone?: string;
    readonly want: readonly string[];
  }[] = [
    {
      name: 'lets through what was allowed for its program, which the policy does not see',
      grant: { id: 'g1', outcome: 'allow', ticket: false, bound: true },
      want: ['not_allowed'],
    },
    {
      name: 'refuses it when that was revoked meanwhile',
      grant: { id: 'g1', outcome: 'allow', ticket: false, bound: true },
      stands: false,
      want: ['not_allowed', 'policy_changed'],
    },
    {
      name: 'lets a ticket through that was taken when it was found',
      grant: { id: 'g1', outcome: 'allow', ticket: true, bound: true, question: 'k2' },
      stands: false,
      want: ['not_allowed'],
    },
    {
      name: 'refuses a ticket whose answer was undone meanwhile',
      grant: { id: 'g1', outcome: 'allow', ticket: true, bound: true, question: 'k2' },
      undone: 'k2',
      want: ['not_allowed', 'policy_changed'],
    },
  ];
  for (const { name, grant: found, stands = true, undone, want } of boundCases) {
    it(name, async () => {
      const records: string[] = [];
      const gate = createGate({
        evaluate: () => ask,
        consume: ({ id }) => id === found.id && stands,
        vet: () => undefined,
        hold: async () => ({
          end: 'allowed',
          grant: found,
          summary: { ...summary, group: undefined },
        }),
        parentFor: async () => undefined,
        resolve: async () => ({ kind: 'addresses', addresses }),
        record: async (_uid, { verdict }) => void records.push(verdict.reason),
        policyVersion: () => 'p7',
        generation: () => 0,
        isUndone: (question) => question === undone,
        onBug: (error) => assert.fail(String(error)),
      });
      await gate(request, new AbortController().signal);
      assert.deepEqual(records, want);
    });
  }

  const changes = [
    {
      name: 'refuses what a policy that came during the look-up denies',
      verdicts: [allow, deny('denied', 'baseline_policy')],
      versions: ['p7', 'p8'],
      want: ['allow of p7', 'denied of p8'],
    },
    {
      name: 'keeps what the new policy would only ask about',
      verdicts: [allow, ask],
      versions: ['p7', 'p8'],
      want: ['allow of p7'],
    },
    {
      name: 'refuses what a grant allowed that was revoked meanwhile',
      verdicts: [override(grant), ask],
      versions: ['p7', 'p7'],
      want: ['not_allowed of p7', 'policy_changed of p7'],
    },
  ] as const;
  for (const { name, verdicts, versions, want } of changes) {
    it(name, async () => {
      const records: string[] = [];
      let evaluated = 0;
      let changed = false;
      const gate = createGate({
        evaluate: () => verdicts[evaluated++] ?? assert.fail('asked too often'),
        consume: () => false,
        vet: () => undefined,
        hold: async () => assert.fail('nothing is held'),
        parentFor: async () => undefined,
        resolve: async () => {
          changed = true;
          return { kind: 'addresses', addresses };
        },
        record: async (_uid, { verdict, policyVersion }) =>
          void records.push(`${verdict.reason} of ${policyVersion}`),
        policyVersion: () => versions[changed ? 1 : 0],
        generation: () => (changed ? 1 : 0),
        isUndone: () => false,
        onBug: (error) => assert.fail(String(error)),
      });
      const decision = await gate(request, new AbortController().signal);
      assert.deepEqual(records, want);
      assert.equal(decision.outcome, want.length > 1 ? 'deny' : 'allow');
    });
  }
});
