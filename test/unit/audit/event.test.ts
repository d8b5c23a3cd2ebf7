import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decisionEvent, malformedEvent, readDecision } from '../../../src/audit/event.ts';
import type { AllowVerdict, DenyVerdict } from '../../../src/policy/decision.ts';
import {
  approver,
  asker,
  byRule,
  entry,
  everything,
  request,
  time,
  timeMs,
} from '../../support/events.ts';

const byPerson: AllowVerdict = {
  ...byRule,
  source: 'decider',
  reason: 'not_allowed',
  override: true,
  rule: undefined,
  grant: { id: 'g1', outcome: 'allow', ticket: false },
};

const byMode: DenyVerdict = {
  outcome: 'deny',
  source: 'mode_guard',
  reason: 'mitm_required',
  rule: undefined,
  grant: undefined,
};

const shared = {
  'event.name': 'codex.network_proxy.policy_decision',
  'event.timestamp': time,
  'network.transport.protocol': 'https_connect',
  'server.address': 'api.example',
  'server.port': 443,
  'http.request.method': 'CONNECT',
  'client.address': '127.0.0.1:40000',
  'sallyport.listener': 'http',
  'sallyport.policy.version': 'p7',
  'sallyport.schema_version': 1,
  'sallyport.uid': 'u1',
};

describe('decisionEvent', () => {
  const cases = [
    {
      name: 'names the rule that allowed, with its place',
      entry,
      want: {
        ...shared,
        'network.policy.scope': 'domain',
        'network.policy.decision': 'allow',
        'network.policy.source': 'baseline_policy',
        'network.policy.reason': 'allow',
        'network.policy.override': false,
        'sallyport.rule.text': '*.example',
        'sallyport.rule.layer': 'user',
        'sallyport.rule.file': 'config.toml',
        'sallyport.rule.line': 12,
        'sallyport.pinned': true,
        'sallyport.would_deny': false,
      },
    },
    {
      name: 'keeps the reason not_allowed when a person overrode it, and says who and after how long',
      entry: {
        ...entry,
        verdict: byPerson,
        pinned: false,
        hold: {
          group: 'k3',
          waitedMs: 1500.4,
          approver: { name: 'ada', surface: 'cli' },
          asker: { pid: 4711, executable: '/usr/bin/curl' },
        },
      },
      want: {
        ...shared,
        'network.policy.scope': 'domain',
        'network.policy.decision': 'allow',
        'network.policy.source': 'decider',
        'network.policy.reason': 'not_allowed',
        'network.policy.override': true,
        'sallyport.group.id': 'k3',
        'sallyport.grant.id': 'g1',
        'sallyport.approver.name': 'ada',
        'sallyport.approver.surface': 'cli',
        'sallyport.wait_ms': 1500,
        'sallyport.pinned': false,
        'sallyport.would_deny': false,
        'sallyport.process.executable': '/usr/bin/curl',
        'sallyport.process.pid': 4711,
      },
    },
    {
      name: 'has the scope non_domain when the mode refused',
      entry: { ...entry, verdict: byMode },
      want: {
        ...shared,
        'network.policy.scope': 'non_domain',
        'network.policy.decision': 'deny',
        'network.policy.source': 'mode_guard',
        'network.policy.reason': 'mitm_required',
        'network.policy.override': false,
        'sallyport.pinned': true,
        'sallyport.would_deny': false,
      },
    },
    {
      name: 'marks what report-only mode let through',
      entry: {
        ...entry,
        verdict: {
          ...byPerson,
          source: 'baseline_policy',
          override: false,
          wouldDeny: true,
        } as const,
      },
      want: {
        ...shared,
        'network.policy.scope': 'domain',
        'network.policy.decision': 'allow',
        'network.policy.source': 'baseline_policy',
        'network.policy.reason': 'not_allowed',
        'network.policy.override': false,
        'sallyport.grant.id': 'g1',
        'sallyport.pinned': true,
        'sallyport.would_deny': true,
      },
    },
  ];
  for (const { name, entry: given, want } of cases) {
    it(name, () => {
      const event = decisionEvent('u1', timeMs, given);
      assert.deepEqual(event, { uid: 'u1', time, name: shared['event.name'], attributes: want });
    });
  }

  const methods = [
    ['none', 'none'],
    ['M-SEARCH', 'M-SEARCH'],
    ['get', 'get'],
    ['X'.repeat(32), 'X'.repeat(32)],
    ['X'.repeat(33), '_OTHER'],
    ['GET /secret', '_OTHER'],
    ['GET\n', '_OTHER'],
    ['GÉT', '_OTHER'],
    ['', '_OTHER'],
  ] as const;
  for (const [method, want] of methods) {
    it(`writes the method ${JSON.stringify(method)} as ${want}`, () => {
      const event = decisionEvent('u1', timeMs, { ...entry, request: { ...request, method } });
      assert.equal(event.attributes['http.request.method'], want);
    });
  }

  const clients = [
    ['::1', '[::1]:40000'],
    ['127.0.0.1', '127.0.0.1:40000'],
    ['', 'unknown'],
  ] as const;
  for (const [address, want] of clients) {
    it(`writes the client ${JSON.stringify(address)} as ${want}`, () => {
      const client = { address, port: 40_000, localPort: 1 };
      const event = decisionEvent('u1', timeMs, { ...entry, request: { ...request, client } });
      assert.equal(event.attributes['client.address'], want);
    });
  }
});

describe('malformedEvent', () => {
  const cases = [
    { text: 'ex\u0000am\u202eple', want: 'ex\\x00am\\u202eple' },
    { text: 'a\\b', want: 'a\\\\b' },
    { text: 'user:hunter2@host:80', want: '***@host:80' },
    { text: 'http://user:hun@ter2@host/path', want: '***@host' },
    { text: 'http://host_/path?query#fragment', want: 'host_' },
    { text: 'user:hun/ter2@host', want: '***' },
    { text: '/path?secret', want: '' },
    { text: 'x'.repeat(257), want: `${'x'.repeat(253)}...` },
    { text: 'x'.repeat(256), want: 'x'.repeat(256) },
    { text: `${'x'.repeat(250)}\u202e\u202e`, want: `${'x'.repeat(250)}...` },
  ];
  for (const { text, want } of cases) {
    it(`shows ${JSON.stringify(text.slice(0, 40))} as ${JSON.stringify(want.slice(0, 40))}`, () => {
      const event = malformedEvent('u1', timeMs, {
        listener: 'socks5',
        client: request.client,
        what: 'the host has a byte that is no letter',
        text,
      });
      assert.deepEqual(event, {
        uid: 'u1',
        time,
        name: 'sallyport.request.malformed',
        attributes: {
          'event.name': 'sallyport.request.malformed',
          'event.timestamp': time,
          'client.address': '127.0.0.1:40000',
          'sallyport.listener': 'socks5',
          'sallyport.malformed.what': 'the host has a byte that is no letter',
          'sallyport.malformed.text': want,
          'sallyport.schema_version': 1,
          'sallyport.uid': 'u1',
        },
      });
    });
  }

  it('hides userinfo that the problem quotes', () => {
    const what = 'in "user:hunter2@host" a user stands before the host';
    const event = malformedEvent('u1', timeMs, { ...request, what, text: '' });
    assert.equal(
      event.attributes['sallyport.malformed.what'],
      'in ***@host" a user stands before the host',
    );
  });

  it('takes time linear in the text', () => {
    const text = 'a'.repeat(1_000_000);
    const event = malformedEvent('u1', timeMs, { ...request, what: text, text: `${text}@` });
    assert.equal(event.attributes['sallyport.malformed.text'], '***@');
  });
});

describe('connectionClosedEvent', () => {
  it('tie a closed connection to its permit, with whole milliseconds', () => {
    const closed = everything.find(({ name }) => name === 'sallyport.connection.closed');
    assert.deepEqual(closed?.attributes, {
      'event.name': 'sallyport.connection.closed',
      'event.timestamp': time,
      'network.transport.protocol': 'https_connect',
      'server.address': 'api.example',
      'server.port': 443,
      'client.address': '127.0.0.1:40000',
      'sallyport.listener': 'http',
      'sallyport.connection.permit_uid': 'p',
      'sallyport.connection.reason': 'client_closed',
      'sallyport.connection.bytes_up': 1,
      'sallyport.connection.bytes_down': 2,
      'sallyport.connection.duration_ms': 4,
      'sallyport.connection.remote_address': '93.184.215.14',
      'sallyport.schema_version': 1,
      'sallyport.uid': 'u',
    });
  });
});

describe('readDecision', () => {
  it('gives back what a decision said', () => {
    const hold = { group: 'k3', waitedMs: 1, approver, asker };
    assert.deepEqual(readDecision(decisionEvent('u', timeMs, { ...entry, hold })), {
      uid: 'u',
      at: time,
      outcome: 'allow',
      protocol: 'https_connect',
      host: 'api.example',
      port: 443,
      method: 'CONNECT',
      reason: entry.verdict.reason,
      source: entry.verdict.source,
      rule: '*.example (config.toml:12)',
      question: 'k3',
      grant: entry.verdict.grant?.id ?? null,
      approver: approver.name,
      surface: approver.surface,
      waitMs: 1,
      program: asker.executable,
      pid: asker.pid,
    });
  });

  it('gives nothing for other events and for lines that are not ours', () => {
    const others = everything.filter(({ name }) => !name.startsWith('codex.'));
    assert.deepEqual(
      others.map(readDecision),
      others.map(() => undefined),
    );
    const name = 'codex.network_proxy.policy_decision';
    assert.equal(readDecision({ uid: 'u', time, name, attributes: {} }), undefined);
  });
});
