import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ErrorResponse, Role } from '../../../src/control/messages.ts';
import { createRoutes } from '../../../src/control/routes.ts';
import type { RouteParts } from '../../../src/control/routes.ts';
import { openBench, openParts, send } from '../../support/control.ts';

/** Every route with its permission and its reach: a change of this table is a change of who may do what. */
const table = [
  'GET /v1/health anyone unchanged',
  'GET /v1/status view unchanged',
  'GET /v1/pending view unchanged',
  'GET /v1/pending/{id} view unchanged',
  'POST /v1/pending/{id}/answer answer own',
  'POST /v1/pending/{id}/preview answer unchanged',
  'POST /v1/pending/{id}/hold answer narrow',
  'GET /v1/events view unchanged',
  'GET /v1/grants view unchanged',
  'DELETE /v1/grants/{id} answer narrow',
  'POST /v1/undo answer narrow',
  'GET /v1/history view unchanged',
  'POST /v1/pause answer none',
  'POST /v1/resume answer narrow',
  'POST /v1/panic answer wide',
  'POST /v1/floods/{id}/lift answer narrow',
  'POST /v1/changes/{id}/accept answer wide',
  'POST /v1/changes/{id}/reject answer narrow',
  'POST /v1/changes/{id}/undo answer wide',
  'POST /v1/tray answer narrow',
  'POST /v1/reload admin none',
  'GET /v1/rules view unchanged',
  'GET /v1/rules/history admin unchanged',
  'POST /v1/rules/check admin narrow',
  'POST /v1/rules/save admin wide',
  'POST /v1/rules/undo admin wide',
  'GET /v1/tokens admin unchanged',
  'POST /v1/tokens admin wide',
  'DELETE /v1/tokens/{id} admin wide',
  'POST /v1/tokens/local/rotate admin wide',
  'POST /v1/page-codes answer narrow',
  'POST /v1/page-sessions anyone own',
];

/** Who passes a permission; nobody is whoever shows no token. */
const passes: Readonly<Record<string, readonly string[]>> = {
  anyone: ['nobody', 'viewer', 'approver', 'admin'],
  view: ['viewer', 'approver', 'admin'],
  answer: ['approver', 'admin'],
  admin: ['admin'],
};
const callers = ['nobody', 'viewer', 'approver', 'admin'] as const;

/** A body that each POST takes. */
const bodies: Readonly<Record<string, object>> = {
  '/v1/pending/{id}/answer': { outcome: 'deny' },
  '/v1/pending/{id}/preview': { outcome: 'deny' },
  '/v1/pending/{id}/hold': { for: '5m' },
  '/v1/pause': { for: '5m' },
  '/v1/panic': { on: true },
  '/v1/tray': { problem: null },
  '/v1/rules/check': { file: 'f', etag: 'e', text: '' },
  '/v1/rules/save': { file: 'f', etag: 'e', text: '' },
  '/v1/rules/undo': { id: 'e1' },
  '/v1/tokens': { name: 'wall', role: 'viewer' },
  '/v1/page-sessions': { code: 'c' },
};

describe('the route table', () => {
  it('names every route with its permission and its reach', (context) => {
    assert.deepEqual(
      createRoutes(openParts(context)).map(
        ({ method, path, permission, reach }) => `${method} ${path} ${permission} ${reach}`,
      ),
      table,
    );
  });

  it('gives viewers nothing that changes anything', (context) => {
    const routes = createRoutes(openParts(context));
    assert.deepEqual(
      routes.filter(({ method, permission }) => permission === 'view' && method !== 'GET'),
      [],
    );
    assert.deepEqual(
      routes.filter(
        ({ permission, reach, path }) =>
          permission === 'anyone' && reach !== 'unchanged' && path !== '/v1/page-sessions',
      ),
      [],
    );
  });

  it('has every change by POST or DELETE, judged', (context) => {
    const routes = createRoutes(openParts(context));
    assert.deepEqual(
      routes
        .filter(({ method, reach }) => (method === 'GET') !== (reach === 'unchanged'))
        .map(({ path }) => path),
      ['/v1/pending/{id}/preview'],
    );
  });

  for (const line of table) {
    const [method = '', path = '', permission = '', reach = ''] = line.split(' ');
    for (const caller of callers) {
      const may = passes[permission]?.includes(caller) === true;
      it(`${may ? 'lets' : 'does not let'} ${caller} ${method} ${path}`, async (context) => {
        const bench = await openBench(context);
        const { parts } = bench;
        if (path === '/v1/events') parts.feed.close();
        const received = await askAs(bench, caller, method, path);
        const code = (received.body as { error?: { code: string } } | undefined)?.error?.code;
        if (!may) {
          const want = caller === 'nobody' ? [401, 'unauthorized'] : [403, 'forbidden'];
          assert.deepEqual([received.status, code], want);
          assert.deepEqual([parts.judged, parts.acted, bench.calls], [[], [], []]);
          return;
        }
        assert.ok(code !== 'forbidden' && received.status !== 405, `status ${received.status}`);
        const isJudged = ['none', 'narrow', 'wide'].includes(reach);
        assert.equal(parts.judged.length, isJudged ? 1 : 0);
        const isCall = permission !== 'anyone' && caller !== 'viewer';
        assert.deepEqual(bench.calls, isCall ? [['api', caller]] : []);
        assert.deepEqual(bench.bugs, []);
      });
    }
  }

  const foreign = [
    { name: 'another page', headers: { origin: 'https://evil.example' }, want: [403, 'forbidden'] },
    { name: 'a page in a sandbox', headers: { origin: 'null' }, want: [403, 'forbidden'] },
    {
      name: 'a cross-site fetch',
      headers: { 'sec-fetch-site': 'cross-site' },
      want: [403, 'forbidden'],
    },
    { name: 'a rebound name', headers: { host: 'evil.example:4131' }, want: [421, 'misdirected'] },
  ];
  for (const { name, headers, want } of foreign) {
    it(`answers ${name} on no route, the right token or not`, async (context) => {
      const bench = await openBench(context);
      for (const line of table) {
        const [method = '', path = ''] = line.split(' ');
        const sent = { method, path: path.replace('{id}', 'x1'), headers };
        const { status, body } = await send(bench, sent);
        assert.deepEqual([status, (body as ErrorResponse).error.code], want, line);
      }
      assert.deepEqual([bench.calls, bench.parts.judged], [[], []]);
    });
  }

  const judged = table
    .map((line) => line.split(' '))
    .filter(([, , , reach = '']) => ['none', 'narrow', 'wide'].includes(reach));
  for (const [method = '', path = '', , reach = ''] of judged) {
    it(`does nothing by ${method} ${path} when the guard refuses`, async (context) => {
      const wanted: string[] = [];
      const never = () => assert.fail('it was done');
      const parts: Partial<RouteParts> = {
        judge: (_caller, _surface, { action, reach: asked }) => {
          wanted.push(asked, action);
          return Promise.resolve({ ok: false, status: 'self', problem: 'no' });
        },
        onActed: never,
        extend: never,
        undo: never,
        revoke: never,
        pause: never,
        resume: never,
        panic: never,
        lift: never,
        change: never,
        reportTray: never,
        reload: never,
      };
      const bench = await openBench(context, parts);
      secretFor(bench, 'admin');
      const before = bench.tokens.list();
      const { status, body } = await askAs(bench, 'admin', method, path);
      assert.deepEqual([status, body], [403, { error: { code: 'self_approval', message: 'no' } }]);
      // to panic needs no more than a role that may answer; to end it is the widest thing there is
      assert.equal(wanted[0], path === '/v1/panic' ? 'none' : reach);
      assert.match(wanted[1] ?? '', /^[a-z_]+$/);
      const used = bench.tokens.list().map((token) => ({ ...token, lastUsed: null }));
      assert.deepEqual(
        used,
        before.map((token) => ({ ...token, lastUsed: null })),
      );
    });
  }
});

async function askAs(
  bench: Awaited<ReturnType<typeof openBench>>,
  caller: (typeof callers)[number],
  method: string,
  path: string,
) {
  const authorization = caller === 'nobody' ? '' : `Bearer ${secretFor(bench, caller)}`;
  return await send(bench, {
    method,
    path: path.replace('{id}', 'x1'),
    headers: {
      authorization,
      ...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
    },
    ...(method === 'POST' ? { body: JSON.stringify(bodies[path] ?? {}) } : {}),
    endStream: true,
  });
}

const secrets = new WeakMap<object, string>();

/** A token of that role, the same at each call for one bench. */
function secretFor(bench: Awaited<ReturnType<typeof openBench>>, role: Role): string {
  const known = secrets.get(bench);
  if (known !== undefined) return known;
  const created = bench.tokens.create({ name: `the ${role}`, role });
  assert.ok(created.ok);
  secrets.set(bench, created.value.secret);
  return created.value.secret;
}
