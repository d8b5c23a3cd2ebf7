// The order of precedence as a table: outcome, reason, source and rule of every row, and every order against
// every later one, the earlier winning.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { GrantRef, Verdict } from '../../../src/policy/decision.ts';
import { evaluate, vet } from '../../../src/policy/evaluate.ts';
import { allowed, denied, makePolicy, makeRef, makeRequest } from '../../support/policy.ts';
import type { PolicyWords } from '../../support/policy.ts';

const ownPorts: ReadonlySet<number> = new Set([4128, 4131]);
const grantAllow: GrantRef = { id: 'g1', outcome: 'allow', ticket: false };
const grantDeny: GrantRef = { id: 'g2', outcome: 'deny', ticket: true };
const ask: Verdict = { outcome: 'ask' };

interface Row {
  readonly name: string;
  readonly policy?: PolicyWords;
  readonly request: ReturnType<typeof makeRequest>;
  readonly grant?: GrantRef;
  readonly want: Verdict;
}

function check({ name, policy, request, grant, want }: Row): void {
  it(name, () => {
    const asked: string[] = [];
    const verdict = evaluate(
      request,
      makePolicy(policy),
      (destination) => {
        asked.push(destination.host);
        return grant;
      },
      ownPorts,
    );
    assert.deepEqual(verdict, want);
    assert.ok(asked.length <= 1, 'grants are looked up once at most');
  });
}

const get = { protocol: 'http', form: 'request', method: 'GET' } as const;
const post = { ...get, method: 'POST' } as const;
const upgrade = { ...get, form: 'upgrade' } as const;
const socks = { protocol: 'socks5_tcp', listener: 'socks5', method: 'none' } as const;
const gateway = { ...post, listener: 'gateway' } as const;

describe('panic', () => {
  it('denies what a rule allows and what the switched-off proxy would refuse otherwise', () => {
    for (const enabled of [true, false]) {
      const policy = makePolicy({ enabled, allow: ['example.com'] });
      const verdict = evaluate(
        makeRequest('example.com'),
        policy,
        () => grantAllow,
        ownPorts,
        true,
      );
      assert.deepEqual(verdict, denied('panic', 'proxy_state'));
    }
  });
});

describe('evaluate, each order', () => {
  const rows: readonly Row[] = [
    {
      name: '1 denies everything while the proxy is off',
      policy: { enabled: false, allow: ['example.com'] },
      request: makeRequest('example.com'),
      want: denied('proxy_disabled', 'proxy_state'),
    },
    ...[
      '127.0.0.1',
      '127.9.9.9',
      '0.0.0.0',
      '::1',
      '::',
      '::ffff:127.0.0.1',
      'localhost',
      'a.localhost',
    ].map((host): Row => ({
      name: `2 denies ${host} at a port of ours`,
      policy: { allow: ['127.0.0.0/8', '::1', 'localhost'], allowLocalBinding: true },
      request: makeRequest(host, 4131),
      want: denied('proxy_loop', 'proxy_state'),
    })),
    {
      name: '2 leaves the same port of another host alone',
      policy: { allow: ['example.com'] },
      request: makeRequest('example.com', 4128),
      want: allowed({ rule: makeRef('allow', 'example.com') }),
    },
    {
      name: '2 leaves a name that only ends like localhost alone',
      request: makeRequest('notlocalhost', 4128),
      want: ask,
    },
    {
      name: '3 denies by rule',
      policy: { deny: ['**.evil.test'] },
      request: makeRequest('a.evil.test'),
      want: denied('denied', 'baseline_policy', makeRef('deny', '**.evil.test')),
    },
    {
      name: '3 denies an address by block',
      policy: { deny: ['93.184.0.0/16'] },
      request: makeRequest('93.184.215.14'),
      want: denied('denied', 'baseline_policy', makeRef('deny', '93.184.0.0/16')),
    },
    {
      name: '3 denies a denied IPv4 address behind NAT64',
      policy: { deny: ['93.184.215.14'] },
      request: makeRequest('64:ff9b::93.184.215.14'),
      want: denied('denied', 'baseline_policy', makeRef('deny', '93.184.215.14')),
    },
    {
      name: '3 keeps a deny for one port to it',
      policy: { deny: ['example.com:22'], allow: ['example.com'] },
      request: makeRequest('example.com', 443),
      want: allowed({ rule: makeRef('allow', 'example.com') }),
    },
    {
      name: '4 refuses a tunnel in limited mode',
      policy: { mode: 'limited', allow: ['example.com'] },
      request: makeRequest('example.com'),
      want: denied('mitm_required', 'mode_guard'),
    },
    {
      name: '4 refuses an upgrade in limited mode',
      policy: { mode: 'limited', allow: ['example.com'] },
      request: makeRequest('example.com', 80, upgrade),
      want: denied('mitm_required', 'mode_guard'),
    },
    {
      name: '4 refuses POST in limited mode',
      policy: { mode: 'limited', allow: ['example.com'] },
      request: makeRequest('example.com', 80, post),
      want: denied('method_not_allowed', 'mode_guard'),
    },
    {
      name: '4 refuses SOCKS in limited mode',
      policy: { mode: 'limited', allow: ['example.com'] },
      request: makeRequest('example.com', 443, socks),
      want: denied('method_not_allowed', 'mode_guard'),
    },
    {
      name: '4 lets GET through in limited mode',
      policy: { mode: 'limited', allow: ['example.com'] },
      request: makeRequest('example.com', 80, get),
      want: allowed({ rule: makeRef('allow', 'example.com') }),
    },
    {
      name: '4 exempts the gateway',
      policy: { mode: 'limited', allow: ['example.com'] },
      request: makeRequest('example.com', 443, gateway),
      want: allowed({ rule: makeRef('allow', 'example.com') }),
    },
    ...[
      '10.0.0.1',
      '169.254.169.254',
      '::1',
      'fd00::1',
      'localhost',
      'app.localhost',
      '203.0.113.1',
    ].map((host): Row => ({
      name: `5 refuses the local ${host} whatever "*" allows and grants say`,
      policy: { allow: ['*', '**.app.localhost'], unknown: 'report' },
      request: makeRequest(host, 80, get),
      grant: grantAllow,
      want: denied('not_allowed_local', 'baseline_policy'),
    })),
    ...[
      ['10.0.0.1', '10.0.0.1'],
      ['10.0.0.1', '10.0.0.0/8'],
      ['::1', '::1'],
      ['fd00::7', 'fd00::/8'],
      ['localhost', 'localhost'],
      ['localhost', 'localhost:80'],
      ['app.localhost', 'app.localhost'],
    ].map(([host = '', rule = '']): Row => ({
      name: `5 lets ${host} through to the rule ${rule} that names it`,
      policy: { allow: [rule] },
      request: makeRequest(host, 80, get),
      want: allowed({ rule: makeRef('allow', rule) }),
    })),
    {
      name: '5 wants the port of the rule that names it',
      policy: { allow: ['localhost:3000', '*'] },
      request: makeRequest('localhost', 80, get),
      want: denied('not_allowed_local', 'baseline_policy'),
    },
    {
      name: '5 is off with allow_local_binding, and the target is then unknown like any other',
      policy: { allowLocalBinding: true },
      request: makeRequest('10.0.0.1'),
      want: ask,
    },
    {
      name: '6 allows by rule',
      policy: { allow: ['*.example.com', 'www.example.com'] },
      request: makeRequest('www.example.com'),
      grant: grantDeny,
      want: allowed({ rule: makeRef('allow', 'www.example.com') }),
    },
    {
      name: '6 allows a public address by "*"',
      policy: { allow: ['*'] },
      request: makeRequest('93.184.215.14'),
      want: allowed({ rule: makeRef('allow', '*') }),
    },
    {
      name: '7 allows by grant, which overrides the miss',
      request: makeRequest('example.com'),
      grant: grantAllow,
      want: allowed({
        source: 'decider',
        reason: 'not_allowed',
        override: true,
        grant: grantAllow,
      }),
    },
    {
      name: '7 denies by grant',
      request: makeRequest('example.com'),
      grant: grantDeny,
      want: denied('not_allowed', 'decider', undefined, grantDeny),
    },
    {
      name: '7 ignores grants with managed_allowed_domains_only',
      policy: { managedOnly: true },
      request: makeRequest('example.com'),
      grant: grantAllow,
      want: denied('not_allowed', 'baseline_policy'),
    },
    { name: '8 asks', request: makeRequest('example.com'), want: ask },
    {
      name: '8 denies where unknown is deny',
      policy: { unknown: 'deny' },
      request: makeRequest('example.com'),
      want: denied('not_allowed', 'baseline_policy'),
    },
    {
      name: '8 lets through and says so where unknown is report',
      policy: { unknown: 'report' },
      request: makeRequest('example.com'),
      want: allowed({ reason: 'not_allowed', wouldDeny: true }),
    },
    {
      name: '8 denies with managed_allowed_domains_only even where unknown is report',
      policy: { unknown: 'report', managedOnly: true },
      request: makeRequest('example.com'),
      want: denied('not_allowed', 'baseline_policy'),
    },
    {
      name: '8 denies where unknown is a word that no type knows',
      policy: { unknown: 'perhaps' as 'ask' }, // cast: what a bug elsewhere could hand us
      request: makeRequest('example.com'),
      want: denied('internal_error', 'proxy_state'),
    },
    {
      name: '8 asks under a policy without any rule',
      policy: { allow: [], deny: [] },
      request: makeRequest('93.184.215.14'),
      want: ask,
    },
  ];
  for (const row of rows) check(row);
});

describe('evaluate, each order against the later ones', () => {
  // One request that every order has something to say about, as long as its part of the policy stands:
  // a local literal at a port of ours, denied, in limited mode, not named, granted.
  const orders = [
    { order: 1, on: { enabled: false }, want: denied('proxy_disabled', 'proxy_state') },
    { order: 2, on: {}, port: 4128, want: denied('proxy_loop', 'proxy_state') },
    {
      order: 3,
      on: { deny: ['127.0.0.1'] },
      want: denied('denied', 'baseline_policy', makeRef('deny', '127.0.0.1')),
    },
    { order: 4, on: { mode: 'limited' }, want: denied('mitm_required', 'mode_guard') },
    {
      order: 5,
      on: { allowLocalBinding: false },
      want: denied('not_allowed_local', 'baseline_policy'),
    },
    { order: 6, on: { allow: ['*'] }, want: allowed({ rule: makeRef('allow', '*') }) },
    {
      order: 7,
      on: {},
      grant: grantDeny,
      want: denied('not_allowed', 'decider', undefined, grantDeny),
    },
    { order: 8, on: { unknown: 'deny' }, want: denied('not_allowed', 'baseline_policy') },
  ] as const;
  for (const [index, first] of orders.entries()) {
    for (const later of orders.slice(index + 1)) {
      check({
        name: `${first.order} comes before ${later.order}`,
        policy: { allowLocalBinding: true, ...later.on, ...first.on },
        request: makeRequest('127.0.0.1', 'port' in first || 'port' in later ? 4128 : 443),
        ...('grant' in first ? { grant: first.grant } : {}),
        ...('grant' in later ? { grant: later.grant } : {}),
        want: first.want,
      });
    }
  }
});

describe('vet', () => {
  const rows = [
    { name: 'lets a public address be dialled', address: '93.184.215.14', want: undefined },
    { name: 'lets a public IPv6 address be dialled', address: '2606:4700::1', want: undefined },
    {
      name: 'refuses a loopback address at a port of ours even where local targets are allowed',
      policy: { allowLocalBinding: true },
      port: 4131,
      address: '127.0.0.1',
      want: denied('proxy_loop', 'proxy_state'),
    },
    {
      name: 'sees our port behind NAT64',
      policy: { allowLocalBinding: true },
      port: 4131,
      address: '64:ff9b::127.0.0.1',
      want: denied('proxy_loop', 'proxy_state'),
    },
    {
      name: 'lets our port number of another address be',
      port: 4131,
      address: '93.184.215.14',
      want: undefined,
    },
    {
      name: 'refuses a denied address',
      policy: { deny: ['93.184.215.0/24'] },
      address: '93.184.215.14',
      want: denied('denied', 'baseline_policy', makeRef('deny', '93.184.215.0/24')),
    },
    {
      name: 'refuses a denied address in its mapped form',
      policy: { deny: ['93.184.215.14'] },
      address: '::ffff:93.184.215.14',
      want: denied('denied', 'baseline_policy', makeRef('deny', '93.184.215.14')),
    },
    {
      name: 'puts our own port before a deny rule',
      policy: { deny: ['127.0.0.1'] },
      port: 4128,
      address: '127.0.0.1',
      want: denied('proxy_loop', 'proxy_state'),
    },
    {
      name: 'puts a deny rule before the local guard',
      policy: { deny: ['10.0.0.1'] },
      address: '10.0.0.1',
      want: denied('denied', 'baseline_policy', makeRef('deny', '10.0.0.1')),
    },
    {
      name: 'refuses a local address of an allowed name',
      policy: { allow: ['example.com', '*'] },
      address: '10.0.0.1',
      want: denied('not_allowed_local', 'baseline_policy'),
    },
    {
      name: 'lets a local address be dialled that an address rule covers',
      policy: { allow: ['10.0.0.0/8:443'] },
      address: '10.0.0.1',
      want: undefined,
    },
    {
      name: 'wants the port of the address rule',
      policy: { allow: ['10.0.0.0/8:443'] },
      port: 80,
      address: '10.0.0.1',
      want: denied('not_allowed_local', 'baseline_policy'),
    },
    {
      name: 'lets local addresses be dialled with allow_local_binding',
      policy: { allowLocalBinding: true },
      address: '10.0.0.1',
      want: undefined,
    },
    {
      name: 'takes localhost named by a rule at its word for 127/8',
      policy: { allow: ['localhost'] },
      host: 'localhost',
      address: '127.0.0.1',
      want: undefined,
    },
    {
      name: 'takes localhost named by a rule at its word for ::1',
      policy: { allow: ['localhost'] },
      host: 'localhost',
      address: '::1',
      want: undefined,
    },
    {
      name: 'does not let localhost be anything but loopback',
      policy: { allow: ['localhost'] },
      host: 'localhost',
      address: '10.0.0.1',
      want: denied('not_allowed_local', 'baseline_policy'),
    },
    {
      name: 'wants localhost named for this port',
      policy: { allow: ['localhost:3000'] },
      host: 'localhost',
      address: '127.0.0.1',
      want: denied('not_allowed_local', 'baseline_policy'),
    },
    {
      name: 'does not take names below localhost for it',
      policy: { allow: ['a.localhost'] },
      host: 'a.localhost',
      address: '127.0.0.1',
      want: denied('not_allowed_local', 'baseline_policy'),
    },
    {
      name: 'refuses what it cannot read, whatever is allowed',
      policy: { allowLocalBinding: true, allow: ['*'] },
      address: 'fe80::1%eth0',
      want: denied('not_allowed_local', 'baseline_policy'),
    },
  ];
  for (const { name, policy, host = 'example.com', port = 443, address, want } of rows) {
    it(name, () => {
      const request = makeRequest(host, port);
      assert.deepEqual(vet(request, address, makePolicy(policy), ownPorts), want);
    });
  }
});
