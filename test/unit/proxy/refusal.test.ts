import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SallyportError, type ErrorCode } from '../../../src/errors.ts';
import { denyReasons, type DenyReason, type Refusal } from '../../../src/policy/decision.ts';
import type { Destination } from '../../../src/policy/destination.ts';
import {
  refusalForConnect,
  refusalForHttp,
  renderAnswer,
  socksReply,
  trouble,
  type HttpAnswer,
  type Trouble,
} from '../../../src/proxy/refusal.ts';

const tunnelTo: Destination = {
  protocol: 'https_connect',
  host: 'example.org',
  kind: 'name',
  port: 443,
};
const requestTo: Destination = { ...tunnelTo, protocol: 'http', port: 80 };

interface RefusalParts {
  readonly reason: DenyReason;
  readonly source?: Refusal['verdict']['source'];
  readonly group?: string;
  readonly destination?: Destination;
  readonly surface?: string;
  readonly say?: string;
}

function refuse(parts: RefusalParts): Refusal {
  const { reason, source, group, destination, surface, say } = parts;
  const approver = surface === undefined ? undefined : { name: 'dev', surface };
  const told = say === undefined ? {} : { say };
  return {
    outcome: 'deny',
    request: {
      destination: destination ?? tunnelTo,
      listener: 'http',
      method: 'CONNECT',
      form: 'tunnel',
      client: { address: '127.0.0.1', port: 50_000, localPort: 4128 },
    },
    verdict: {
      outcome: 'deny',
      source: source ?? 'baseline_policy',
      reason,
      rule: undefined,
      grant: undefined,
    },
    hold: group === undefined ? undefined : { group, waitedMs: 5, approver, ...told },
  };
}

function text(status: number, reason: string, header: string | undefined, body: string) {
  const length = ['content-length', String(body.length)];
  const fields = [['content-type', 'text/plain']];
  if (header !== undefined) fields.push(['x-proxy-error', header]);
  return { status, reason, fields: [...fields, length], body };
}

const way = 'Do not look for a way round this gate.';

describe('refusalForConnect', () => {
  const cases: { name: string; parts: RefusalParts; want: object }[] = [
    {
      name: 'names the allowlist for a miss',
      parts: { reason: 'not_allowed' },
      want: text(
        403,
        'Forbidden by sallyport: example.org:443 is not allowed',
        'blocked-by-allowlist',
        `Domain not in allowlist. sallyport refused example.org:443 (not_allowed). Ask the person in charge to add it to allowed_domains if it is needed. ${way}`,
      ),
    },
    {
      name: 'says that a person said no, and offers no question that is answered',
      parts: { reason: 'not_allowed', source: 'decider', group: 'k3' },
      want: text(
        403,
        'Forbidden by sallyport: example.org:443 was refused by a person',
        'blocked-by-allowlist',
        `Domain not in allowlist. sallyport refused example.org:443 (not_allowed). A person was asked and said no. ${way}`,
      ),
    },
    {
      name: 'says what that person tells, as a sentence',
      parts: {
        reason: 'not_allowed',
        source: 'decider',
        group: 'k3',
        surface: 'page',
        say: 'The approver says: use the mirror',
      },
      want: text(
        403,
        'Forbidden by sallyport: example.org:443 was refused by a person',
        'blocked-by-allowlist',
        `Domain not in allowlist. sallyport refused example.org:443 (not_allowed). A person was asked and said no. The approver says: use the mirror. ${way}`,
      ),
    },
    {
      name: 'names no person where the reviewer said no',
      parts: {
        reason: 'not_allowed',
        source: 'decider',
        group: 'k3',
        surface: 'reviewer',
        say: 'The reviewer says: is this a paste site?',
      },
      want: text(
        403,
        'Forbidden by sallyport: example.org:443 was refused by the automatic reviewer',
        'blocked-by-allowlist',
        `Domain not in allowlist. sallyport refused example.org:443 (not_allowed). The automatic reviewer said no. The reviewer says: is this a paste site? ${way}`,
      ),
    },
    {
      name: 'says what to type while the question is open',
      parts: { reason: 'approval_timeout', source: 'decider', group: 'k3' },
      want: text(
        403,
        'Forbidden by sallyport: example.org:443 is not allowed; ask for it with: sallyport allow k3',
        'blocked-by-policy',
        `Request blocked by network policy. sallyport refused example.org:443 (approval_timeout). Question k3 is open: ask the person in charge to run "sallyport allow k3", then try again. ${way}`,
      ),
    },
    {
      name: 'does without the id where there is none',
      parts: { reason: 'approval_timeout', source: 'decider' },
      want: text(
        403,
        'Forbidden by sallyport: example.org:443 is not allowed yet',
        'blocked-by-policy',
        `Request blocked by network policy. sallyport refused example.org:443 (approval_timeout). Nobody answered in time; ask the person in charge, then try again. ${way}`,
      ),
    },
    {
      name: 'puts brackets round an IPv6 address',
      parts: {
        reason: 'not_allowed_local',
        destination: { ...tunnelTo, host: '::1', kind: 'ipv6' },
      },
      want: text(
        403,
        'Forbidden by sallyport: [::1]:443 is, or resolves to, a local or private address',
        'blocked-by-allowlist',
        `Sandbox policy blocks local/private network addresses. sallyport refused [::1]:443 (not_allowed_local). Only an allow rule that names the address itself opens it; an approval does not. ${way}`,
      ),
    },
    {
      name: 'answers 503 without the header while switched off',
      parts: { reason: 'proxy_disabled', source: 'proxy_state' },
      want: text(
        503,
        'Service Unavailable by sallyport: the gate is switched off (network.enabled = false)',
        undefined,
        `Proxy is disabled. sallyport refused example.org:443 (proxy_disabled). Ask the person in charge to switch the network on. ${way}`,
      ),
    },
    {
      name: 'answers 503 without the header while nothing can be recorded',
      parts: { reason: 'audit_unavailable', source: 'proxy_state' },
      want: text(
        503,
        'Service Unavailable by sallyport: the audit journal cannot be written, so nothing is let through',
        undefined,
        `Audit journal unavailable. sallyport refused example.org:443 (audit_unavailable). Tell the person in charge; sallyport status names the problem. ${way}`,
      ),
    },
  ];
  for (const { name, parts, want } of cases) {
    it(name, () => assert.deepEqual(refusalForConnect(refuse(parts)), want));
  }

  const headers: Readonly<Record<DenyReason, string | undefined>> = {
    denied: 'blocked-by-denylist',
    not_allowed: 'blocked-by-allowlist',
    not_allowed_local: 'blocked-by-allowlist',
    method_not_allowed: 'blocked-by-method-policy',
    mitm_required: 'blocked-by-mitm-required',
    proxy_disabled: undefined,
    panic: 'blocked-by-policy',
    proxy_loop: 'blocked-by-policy',
    approval_timeout: 'blocked-by-policy',
    approval_limit: 'blocked-by-policy',
    client_gone: 'blocked-by-policy',
    stopping: 'blocked-by-policy',
    sni_mismatch: 'blocked-by-policy',
    policy_changed: 'blocked-by-policy',
    audit_unavailable: undefined,
    internal_error: 'blocked-by-policy',
  };
  const leads: Partial<Record<DenyReason, string>> = {
    denied: 'Domain denied by the sandbox policy.',
    not_allowed: 'Domain not in allowlist.',
    not_allowed_local: 'Sandbox policy blocks local/private network addresses.',
    method_not_allowed: 'Method not allowed in limited mode.',
    mitm_required: 'MITM required for limited HTTPS.',
    proxy_disabled: 'Proxy is disabled.',
    audit_unavailable: 'Audit journal unavailable.',
  };
  for (const reason of denyReasons) {
    it(`gives ${reason} its header, opening words and a phrase that fits`, () => {
      const longest = { ...tunnelTo, host: `${'a'.repeat(63)}.`.repeat(3) + 'b'.repeat(61) };
      for (const make of [refusalForConnect, refusalForHttp]) {
        const answer = make(refuse({ reason, group: 'k3', destination: longest }));
        assert.equal(answer.status, headers[reason] === undefined ? 503 : 403);
        assert.equal(fieldOf(answer, 'x-proxy-error'), headers[reason]);
        assert.match(answer.reason, /^[ -~]{1,200}$/);
        assert.doesNotMatch(answer.reason, /\.\.\.$/); // cut in the host, never in the words
        assert.ok(answer.body.includes(leads[reason] ?? 'Request blocked by network policy.'));
        assert.ok(answer.body.includes(longest.host));
        assert.ok(answer.body.includes(reason));
        assert.ok(answer.body.includes(way));
      }
    });
  }
});

describe('refusalForHttp', () => {
  it('answers in the JSON shape of Codex, members in its order', () => {
    const answer = refusalForHttp(refuse({ reason: 'not_allowed', destination: requestTo }));
    const body =
      '{"status":"blocked","host":"example.org","reason":"not_allowed","decision":"deny","source":"baseline_policy","protocol":"http","port":80,' +
      `"message":"Domain not in allowlist. sallyport refused example.org:80 (not_allowed). Ask the person in charge to add it to allowed_domains if it is needed. ${way}"}`;
    assert.deepEqual(answer, {
      status: 403,
      reason: 'Forbidden by sallyport: example.org:80 is not allowed',
      fields: [
        ['content-type', 'application/json'],
        ['x-proxy-error', 'blocked-by-allowlist'],
        ['content-length', String(body.length)],
      ],
      body,
    });
  });

  it('shows the question in phrase and message', () => {
    const answer = refusalForHttp(
      refuse({ reason: 'client_gone', source: 'decider', group: 'b7', destination: requestTo }),
    );
    assert.equal(
      answer.reason,
      'Forbidden by sallyport: example.org:80 is not allowed; ask for it with: sallyport allow b7',
    );
    assert.match(
      answer.body,
      /"message":"Request blocked by network policy\. .*sallyport allow b7/,
    );
  });

  it('answers 503 in text, as a switched-off proxy is no denial', () => {
    const refusal = refuse({ reason: 'proxy_disabled', source: 'proxy_state' });
    assert.deepEqual(refusalForHttp(refusal), refusalForConnect(refusal));
  });
});

describe('trouble', () => {
  const fixed: [cause: Trouble, status: number, reason: string][] = [
    [{ kind: 'malformed', problem: 'the host is empty' }, 400, 'Bad Request: the host is empty'],
    [
      { kind: 'malformed', problem: 'quoted \r\nSet-Cookie: \xfc' },
      400,
      'Bad Request: quoted ??Set-Cookie: ?',
    ],
    [{ kind: 'malformed', problem: 'x'.repeat(300) }, 400, `Bad Request: ${'x'.repeat(184)}...`],
    [
      { kind: 'head_timeout' },
      408,
      'Request Timeout: the head of the request did not arrive in time',
    ],
    [{ kind: 'head_too_large' }, 431, 'Request Header Fields Too Large: at most 64 KiB are read'],
    [{ kind: 'expectation' }, 417, 'Expectation Failed: only 100-continue is understood'],
    [{ kind: 'not_found' }, 404, 'Not Found: this gateway serves /v1/ only'],
    [{ kind: 'misdirected' }, 421, 'Misdirected Request: Host must be the address of this gateway'],
    [{ kind: 'foreign_origin' }, 403, 'Forbidden: pages of other origins may not use this gateway'],
    [{ kind: 'capacity' }, 503, 'Service Unavailable: sallyport has too many connections open'],
  ];
  for (const [cause, status, reason] of fixed) {
    it(`answers ${cause.kind} with ${String(status)} and no x-proxy-error`, () => {
      assert.deepEqual(trouble(cause), text(status, reason, undefined, reason));
    });
  }

  const upstream: [code: ErrorCode, status: number, reason: string][] = [
    ['ERR_UPSTREAM_REFUSED', 502, 'Bad Gateway: example.org:443 refused the connection'],
    [
      'ERR_UPSTREAM_UNREACHABLE',
      502,
      'Bad Gateway: example.org:443 cannot be reached: no route to it',
    ],
    ['ERR_UPSTREAM_TIMEOUT', 504, 'Gateway Timeout: example.org:443 did not answer in time'],
    ['ERR_UPSTREAM_TLS', 502, 'Bad Gateway: example.org:443 failed the TLS handshake'],
    ['ERR_UPSTREAM_RESET', 502, 'Bad Gateway: example.org:443 closed the connection too early'],
    [
      'ERR_UPSTREAM_INVALID',
      502,
      'Bad Gateway: example.org:443 answered with something that is not valid HTTP',
    ],
    ['ERR_DNS_FAILED', 502, 'Bad Gateway: example.org:443 has a name that does not resolve'],
    [
      'ERR_DNS_TIMEOUT',
      504,
      'Gateway Timeout: example.org:443 has a name whose look-up did not finish in time',
    ],
    [
      'ERR_PARENT_FAILED',
      502,
      'Bad Gateway: example.org:443 cannot be reached: the upstream proxy refused or failed',
    ],
    ['ERR_LISTEN', 502, 'Bad Gateway: example.org:443 could not be reached'],
  ];
  for (const [code, status, reason] of upstream) {
    it(`answers ${code} with ${String(status)}`, () => {
      const body = reason.replace(/^[^:]+/, 'upstream failure');
      const answer = trouble({ kind: 'upstream', code, destination: tunnelTo });
      assert.deepEqual(answer, text(status, reason, undefined, body));
    });
  }
});

describe('socksReply', () => {
  it('answers every refusal with "not allowed by ruleset"', () => {
    for (const reason of denyReasons) assert.equal(socksReply(refuse({ reason })), 0x02);
  });
  const failures: [name: string, error: SallyportError, rep: number][] = [
    ['refused', fail('ERR_UPSTREAM_REFUSED'), 0x05],
    ['no route to the host', fail('ERR_UPSTREAM_UNREACHABLE', 'EHOSTUNREACH'), 0x04],
    ['no route to the network', fail('ERR_UPSTREAM_UNREACHABLE', 'ENETUNREACH'), 0x03],
    [
      'no route to any network',
      fail('ERR_UPSTREAM_UNREACHABLE', 'ENETUNREACH', 'ENETUNREACH'),
      0x03,
    ],
    [
      'no route to one network and one host',
      fail('ERR_UPSTREAM_UNREACHABLE', 'ENETUNREACH', 'EHOSTUNREACH'),
      0x04,
    ],
    ['a parent without a route', fail('ERR_PARENT_FAILED', 'ENETUNREACH'), 0x01],
    ['no route, unexplained', fail('ERR_UPSTREAM_UNREACHABLE'), 0x04],
    ['too late', fail('ERR_UPSTREAM_TIMEOUT'), 0x04],
    ['no such name', fail('ERR_DNS_FAILED'), 0x04],
    ['no answer about the name', fail('ERR_DNS_TIMEOUT'), 0x04],
    ['TLS', fail('ERR_UPSTREAM_TLS'), 0x01],
    ['a parent that refuses', fail('ERR_PARENT_FAILED'), 0x01],
  ];
  for (const [name, error, rep] of failures) {
    it(`answers ${name} with ${String(rep)}`, () => assert.equal(socksReply(error), rep));
  }
});

describe('renderAnswer', () => {
  it('writes a whole message that ends the connection', () => {
    const answer = trouble({ kind: 'malformed', problem: 'no' });
    assert.equal(
      renderAnswer(answer, 'Fri, 20 Nov 2026 10:00:00 GMT').toString(),
      'HTTP/1.1 400 Bad Request: no\r\ncontent-type: text/plain\r\ncontent-length: 15\r\n' +
        'date: Fri, 20 Nov 2026 10:00:00 GMT\r\nconnection: close\r\n\r\nBad Request: no',
    );
  });
});

function fail(code: ErrorCode, ...system: string[]): SallyportError {
  const causes = system.map((name) => Object.assign(new Error('no'), { code: name }));
  const cause = causes.length > 1 ? new AggregateError(causes) : causes[0];
  return new SallyportError(code, 'no', { cause });
}

function fieldOf(answer: HttpAnswer, name: string): string | undefined {
  return answer.fields.find(([key]) => key === name)?.[1];
}
