import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AnswerOrigin, JudgedAnswer } from '../../../src/approval/answers.ts';
import { createRoutes, decodeAnswer } from '../../../src/control/routes.ts';
import type { RouteParts } from '../../../src/control/routes.ts';
import type { AnswerRequest, GrantView, StatusResponse } from '../../../src/control/messages.ts';

const grant: GrantView = {
  id: 'g1',
  outcome: 'allow',
  protocol: 'http',
  host: 'a.example',
  port: 80,
  for: 'restart',
  expires: null,
  created: '2026-11-20T12:00:00.000Z',
  approver: 'dev',
  surface: 'cli',
  uses: 0,
  lastUsed: null,
};
const client = { address: '127.0.0.1', port: 40_000, localPort: 4131 };
const caller = { client, pid: undefined, isConnected: () => true };

function table(given: Partial<RouteParts> = {}) {
  const routes = createRoutes({
    status: () => ({ version: '1' }) as StatusResponse, // as much of it as is looked at
    pending: () => [],
    answer: () => Promise.resolve({ status: 'gone' }),
    grants: () => [grant],
    approverOf: (_client, surface) => Promise.resolve({ name: 'dev', surface }),
    revoke: (id) => (id === 'g1' ? grant : undefined),
    reload: () => Promise.resolve({ loaded: false, version: 'v1', messages: ['m'] }),
    ...given,
  });
  return async (name: string, id = '', body?: unknown) => {
    const route = routes.find(({ method, path }) => `${method} ${path}` === name);
    assert.ok(route, name);
    return await route.handle({ id, body, caller, surface: 'cli' });
  };
}

describe('the route table', () => {
  it('names every route with its permission', () => {
    const routes = createRoutes({} as RouteParts); // no handler is called
    assert.deepEqual(
      routes.map(({ method, path, permission }) => `${method} ${path} ${permission}`),
      [
        'GET /v1/health anyone',
        'GET /v1/status view',
        'GET /v1/pending view',
        'POST /v1/pending/{id}/answer answer',
        'GET /v1/grants view',
        'DELETE /v1/grants/{id} answer',
        'POST /v1/reload admin',
      ],
    );
  });
  const plain = [
    { name: 'GET /v1/health', want: { ok: true } },
    { name: 'GET /v1/status', want: { version: '1' } },
    { name: 'GET /v1/pending', want: { groups: [] } },
    { name: 'GET /v1/grants', want: { grants: [grant] } },
    { name: 'POST /v1/reload', want: { loaded: false, version: 'v1', messages: ['m'] } },
  ];
  for (const { name, want } of plain) {
    it(`answers ${name}`, async () => assert.deepEqual(await table()(name), { body: want }));
  }
  it('revokes a grant, and says who did', async () => {
    const by: unknown[] = [];
    const call = table({
      revoke: (id, approver) => {
        by.push([id, approver]);
        return id === 'g1' ? grant : undefined;
      },
    });
    assert.deepEqual(await call('DELETE /v1/grants/{id}', 'g1'), { body: { revoked: grant } });
    assert.deepEqual(await call('DELETE /v1/grants/{id}', 'g2'), {
      refused: { status: 404, code: 'not_found', message: 'no grant "g2"; see "sallyport grants"' },
    });
    assert.deepEqual(by, [
      ['g1', { name: 'dev', surface: 'cli' }],
      ['g2', { name: 'dev', surface: 'cli' }],
    ]);
  });
});

describe('answering', () => {
  const response = { id: 'k3', outcome: 'allow', released: 2, grant } as const;
  const ends: readonly { judged: JudgedAnswer; want: readonly [number, string] | undefined }[] = [
    { judged: { status: 'answered', response }, want: undefined },
    { judged: { status: 'unknown' }, want: [404, 'not_found'] },
    { judged: { status: 'gone' }, want: [410, 'gone'] },
    { judged: { status: 'changed' }, want: [409, 'changed'] },
    { judged: { status: 'bad', problem: 'p' }, want: [400, 'bad_request'] },
    { judged: { status: 'full', problem: 'p' }, want: [503, 'unavailable'] },
    { judged: { status: 'failed', problem: 'p' }, want: [503, 'unavailable'] },
    { judged: { status: 'self', problem: 'p' }, want: [403, 'self_approval'] },
    { judged: { status: 'unplaced', problem: 'p' }, want: [403, 'forbidden'] },
  ];
  for (const { judged, want } of ends) {
    it(`turns ${judged.status} into ${want?.join(' ') ?? 'the answer'}`, async () => {
      const call = table({ answer: () => Promise.resolve(judged) });
      const reply = await call('POST /v1/pending/{id}/answer', 'k3', { outcome: 'allow' });
      if (want === undefined) assert.deepEqual(reply, { body: response });
      else assert.deepEqual('refused' in reply && [reply.refused.status, reply.refused.code], want);
    });
  }
  it('hands on the answer and where it came from', async () => {
    const given: (readonly [string, AnswerRequest, AnswerOrigin])[] = [];
    const call = table({
      answer: (id, request, origin) => {
        given.push([id, request, origin]);
        return Promise.resolve({ status: 'gone' });
      },
    });
    const body = { outcome: 'deny', for: '2h', host: '*.example.net', port: 'any', revision: 3 };
    await call('POST /v1/pending/{id}/answer', 'k3', body);
    assert.deepEqual(given, [['k3', body, { ...caller, surface: 'cli' }]]);
  });
});

describe('decodeAnswer', () => {
  const bad: readonly unknown[] = [
    undefined,
    null,
    [],
    'allow',
    {},
    { outcome: 'maybe' },
    { outcome: true },
    { for: 'once' },
    { outcome: 'allow', for: 5 },
    { outcome: 'allow', host: ['a'] },
    { outcome: 'allow', host: 'x'.repeat(256) },
    { outcome: 'allow', port: 443 },
    { outcome: 'allow', revision: '2' },
    { outcome: 'allow', revision: 1.5 },
    { outcome: 'allow', fro: 'always' },
    { outcome: 'allow', constructor: 'x' },
    JSON.parse('{"outcome":"allow","__proto__":{"for":"always"}}'),
  ];
  for (const body of bad) {
    it(`refuses ${JSON.stringify(body)?.slice(0, 60)}`, () =>
      assert.equal(decodeAnswer(body).ok, false));
  }
  it('takes outcome alone', () => {
    assert.deepEqual(decodeAnswer({ outcome: 'deny' }), { ok: true, value: { outcome: 'deny' } });
  });
});
