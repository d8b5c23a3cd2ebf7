import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createControlClient } from '../../../src/control/client.ts';
import type { PageSessionResponse } from '../../../src/control/messages.ts';
import { createRoutes } from '../../../src/control/routes.ts';
import { openControl } from '../../../src/control/server.ts';
import { SallyportError } from '../../../src/errors.ts';
import type { Caller } from '../../../src/approval/answers.ts';
import { openBench, send, sendRaw, token } from '../../support/control.ts';
import type { ControlBench, Sent } from '../../support/control.ts';
import { makeGrant } from '../../support/views.ts';

const json = { 'content-type': 'application/json' };
const parts = {
  routes: [],
  find: () => undefined,
  onCall: () => undefined,
  port: () => 0,
  peerOf: () => undefined,
  onBug: () => undefined,
};

describe('the control listener', () => {
  const post = (given: Partial<Sent>): Sent => ({
    method: 'POST',
    path: '/v1/reload',
    body: '{}',
    headers: json,
    ...given,
  });
  const cases: readonly { name: string; sent: Sent; want: readonly [number, string?] }[] = [
    {
      name: 'answers health without a token',
      sent: { path: '/v1/health', headers: { authorization: '' } },
      want: [200],
    },
    {
      name: 'checks the Host of health, too',
      sent: { path: '/v1/health', headers: { host: 'evil.example' } },
      want: [421, 'misdirected'],
    },
    { name: 'answers the token', sent: {}, want: [200] },
    { name: 'answers the token on the socket', sent: { overSocket: true }, want: [200] },
    {
      name: 'refuses no token',
      sent: { headers: { authorization: '' } },
      want: [401, 'unauthorized'],
    },
    {
      name: 'refuses no token on the socket',
      sent: { overSocket: true, headers: { authorization: '' } },
      want: [401, 'unauthorized'],
    },
    {
      name: 'refuses another token',
      sent: { headers: { authorization: 'Bearer no' } },
      want: [401, 'unauthorized'],
    },
    {
      name: 'looks at the Host before the token',
      sent: { headers: { host: 'evil.example', authorization: '' } },
      want: [421, 'misdirected'],
    },
    {
      name: 'refuses a rebound name',
      sent: { headers: { host: 'evil.example:4131' } },
      want: [421, 'misdirected'],
    },
    {
      name: 'refuses a foreign page',
      sent: { headers: { origin: 'https://evil.example' } },
      want: [403, 'forbidden'],
    },
    {
      name: 'refuses a cross-site fetch',
      sent: { headers: { 'sec-fetch-site': 'cross-site' } },
      want: [403, 'forbidden'],
    },
    {
      name: 'refuses the preflight of a foreign page',
      sent: { method: 'OPTIONS', headers: { origin: 'https://evil.example' } },
      want: [403, 'forbidden'],
    },
    {
      name: 'hides what there is from strangers',
      sent: { path: '/nothing', headers: { authorization: '' } },
      want: [401, 'unauthorized'],
    },
    { name: 'knows no other path', sent: { path: '/nothing' }, want: [404, 'not_found'] },
    { name: 'takes no query', sent: { path: '/v1/status?token=x' }, want: [404, 'not_found'] },
    { name: 'takes no dots in a path', sent: { path: '/v1/./status' }, want: [404, 'not_found'] },
    {
      name: 'takes no encoded id',
      sent: { method: 'DELETE', path: '/v1/grants/%67%31' },
      want: [404, 'not_found'],
    },
    {
      name: 'takes no empty id',
      sent: { method: 'DELETE', path: '/v1/grants/' },
      want: [404, 'not_found'],
    },
    {
      name: 'takes no other method',
      sent: { method: 'PUT', body: '{}' },
      want: [405, 'method_not_allowed'],
    },
    {
      name: 'changes nothing by GET',
      sent: { path: '/v1/reload' },
      want: [405, 'method_not_allowed'],
    },
    { name: 'takes JSON', sent: post({}), want: [200] },
    {
      name: 'takes JSON with a charset',
      sent: post({ headers: { 'content-type': 'application/json; charset=UTF-8' } }),
      want: [200],
    },
    {
      name: 'refuses a form',
      sent: post({ headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
      want: [415, 'bad_request'],
    },
    {
      name: 'refuses text',
      sent: post({ headers: { 'content-type': 'text/plain' } }),
      want: [415, 'bad_request'],
    },
    { name: 'refuses no type', sent: post({ headers: {} }), want: [415, 'bad_request'] },
    { name: 'refuses half a document', sent: post({ body: '{' }), want: [400, 'bad_request'] },
    { name: 'refuses an empty body', sent: post({ body: '' }), want: [400, 'bad_request'] },
    {
      name: 'reads a body of 64 KiB',
      sent: post({ body: `"${'x'.repeat(65_534)}"` }),
      want: [400, 'bad_request'],
    },
    {
      name: 'refuses a longer one',
      sent: post({ body: `"${'x'.repeat(65_535)}"` }),
      want: [413, 'too_large'],
    },
    {
      name: 'refuses a longer one in chunks',
      sent: post({
        headers: { ...json, 'transfer-encoding': 'chunked' },
        body: `"${'x'.repeat(65_535)}"`,
      }),
      want: [413, 'too_large'],
    },
  ];
  for (const { name, sent, want } of cases) {
    it(name, async (context) => {
      const bench = await openBench(context);
      const { status, body, headers } = await send(bench, sent);
      const code = (body as { error?: { code: string } } | undefined)?.error?.code;
      assert.deepEqual(code === undefined ? [status] : [status, code], want);
      assert.deepEqual(
        [
          headers['x-content-type-options'],
          headers['cache-control'],
          headers['content-security-policy'],
          headers['x-frame-options'],
        ],
        ['nosniff', 'no-store', "default-src 'none'; frame-ancestors 'none'", 'DENY'],
      );
      assert.equal(
        Object.keys(headers).some((header) => header.startsWith('access-control-')),
        false,
      );
      assert.deepEqual(bench.bugs, []);
    });
  }

  const raw: readonly { name: string; head: readonly string[]; want: RegExp }[] = [
    {
      name: 'refuses two Hosts',
      head: ['GET /v1/status HTTP/1.1', 'Host: 127.0.0.1:PORT', 'Host: 127.0.0.1:PORT'],
      want: /^HTTP\/1\.1 400 /,
    },
    { name: 'refuses no Host', head: ['GET /v1/health HTTP/1.1'], want: /^HTTP\/1\.1 421 / },
    {
      name: 'refuses the absolute form',
      head: ['GET http://127.0.0.1:PORT/v1/health HTTP/1.1', 'Host: 127.0.0.1:PORT'],
      want: /^HTTP\/1\.1 401 /,
    },
    {
      name: 'is no proxy',
      head: ['CONNECT a.example:443 HTTP/1.1', 'Host: a.example:443'],
      want: /^$/,
    },
    {
      name: 'refuses two framings',
      head: [
        'POST /v1/reload HTTP/1.1',
        'Host: 127.0.0.1:PORT',
        'Content-Length: 2',
        'Transfer-Encoding: chunked',
      ],
      want: /^HTTP\/1\.1 400 /,
    },
    { name: 'refuses what is no HTTP', head: ['hello'], want: /^HTTP\/1\.1 400 / },
    {
      name: 'refuses a head without end',
      head: ['GET /v1/health HTTP/1.1', `X: ${'x'.repeat(20_000)}`],
      want: /^HTTP\/1\.1 400 /,
    },
  ];
  for (const { name, head, want } of raw) {
    it(name, async (context) => {
      const { port } = await openBench(context);
      const text = `${head.join('\r\n').replaceAll('PORT', String(port))}\r\nConnection: close\r\n\r\n`;
      assert.match(await sendRaw(port, text), want);
    });
  }

  it('answers 500 without details when a part fails, and tells of the bug', async (context) => {
    const failure = new Error('inside');
    const bench = await openBench(context, { reload: () => Promise.reject(failure) });
    const { status, body } = await send(bench, post({}));
    assert.deepEqual(
      [status, body, bench.bugs],
      [500, { error: { code: 'internal', message: 'the daemon failed; see its log' } }, [failure]],
    );
  });

  it('refuses a body in chunks as soon as it is too long, and says so', async (context) => {
    const { port } = await openBench(context);
    const head = `POST /v1/page-sessions HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json`;
    const chunk = `1000\r\n${'x'.repeat(0x1000)}\r\n`; // more are promised, and never come
    const answer = await sendRaw(port, `${head}\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`);
    assert.match(answer, /^HTTP\/1\.1 413 /);
  });

  it('takes a client that leaves in the middle of a body for what it is, no bug', async (context) => {
    const bench = await openBench(context);
    const head = `POST /v1/page-sessions HTTP/1.1\r\nHost: 127.0.0.1:${bench.port}\r\nContent-Type: application/json`;
    for (const [framing, part] of [
      ['Content-Length: 50', '{"code"'],
      ['Transfer-Encoding: chunked', '7\r\n{"code"\r\n'],
    ]) {
      const socket = connect(bench.port, '127.0.0.1').on('error', () => undefined);
      socket.write(`${head}\r\n${framing}\r\n\r\n${part}`);
      await send(bench, {}); // by then the daemon reads the body
      socket.destroy();
      await once(socket, 'close');
    }
    await send(bench, {});
    await send(bench, {});
    assert.deepEqual(bench.bugs, []);
  });

  it('says who is at the other end of the port, and which process on the socket', async (context) => {
    const callers: (readonly [Caller, string])[] = [];
    const bench = await openBench(context, {
      judge: (caller, surface) => {
        callers.push([caller, surface]);
        return Promise.resolve({ ok: true, approver: { name: 'dev', surface } });
      },
    });
    await send(bench, {
      method: 'DELETE',
      path: '/v1/grants/g1',
      headers: { 'x-sallyport-surface': 'cli' },
    });
    await send(bench, {
      method: 'DELETE',
      path: '/v1/grants/g1',
      overSocket: true,
      headers: { 'x-sallyport-surface': 'forged' },
    });
    const [[first, cli] = [], [second, api] = []] = callers;
    assert.deepEqual(
      [first?.client?.address, first?.client?.localPort, first?.pid, cli],
      ['127.0.0.1', bench.port, undefined, 'cli'],
    );
    assert.deepEqual([second?.client, second?.pid, api], [undefined, process.pid, 'api']);
  });

  it('lets a person in while strangers hold every connection', async (context) => {
    const bench = await openBench(context);
    const strangers: Socket[] = [];
    for (let n = 0; n < 600; n += 1) {
      const socket = connect(bench.port, '127.0.0.1').on('error', () => undefined);
      strangers.push(socket);
      await once(socket, 'connect');
    }
    assert.equal((await send(bench, {})).status, 200);
    for (const socket of strangers) socket.destroy();
  });

  it('lets a person in while one who has the token holds every connection (it once did not)', async (context) => {
    const bench = await openBench(context);
    const abort = new AbortController();
    const client = createControlClient({ url: bench.url, token });
    const stream = client.watch(abort.signal)[Symbol.asyncIterator]();
    await stream.next();
    const begun = [
      'POST /v1/pause HTTP/1.1',
      `Host: 127.0.0.1:${bench.port}`,
      `Authorization: Bearer ${token}`,
      'Content-Type: application/json',
      'Content-Length: 99\r\n\r\n{',
    ].join('\r\n');
    const held: Socket[] = [];
    for (let n = 0; n < 800; n += 1) {
      const socket = connect(bench.port, '127.0.0.1').on('error', () => undefined);
      held.push(socket);
      await once(socket, 'connect');
      socket.write(begun);
    }
    assert.equal((await send(bench, {})).status, 200);
    assert.equal(bench.feed.count(), 1); // who watches is not crowded out
    for (const socket of held) socket.destroy();
    abort.abort();
    await stream.next();
  });

  it('knows a session of the page by its secret, and forces its surface', async (context) => {
    const bench = await openBench(context);
    const holder = bench.tokens.find(token);
    assert.ok(holder);
    const code = /#code=(.*)$/.exec(bench.pages.createCode(holder).url ?? '')?.[1];
    const exchange = {
      method: 'POST',
      path: '/v1/page-sessions',
      body: JSON.stringify({ code }),
      headers: { ...json, authorization: '' },
    };
    const { status, body } = await send(bench, exchange);
    const { secret, role } = body as PageSessionResponse;
    assert.deepEqual([status, role], [200, 'admin']);
    assert.deepEqual((await send(bench, exchange)).status, 401); // a code works once
    const headers = { authorization: `Bearer ${secret}`, 'x-sallyport-surface': 'cli' };
    assert.equal((await send(bench, { headers })).status, 200);
    assert.deepEqual(bench.calls, [['page', 'admin']]);
  });

  it('takes no code and no session of another run, and no code after a minute', async (context) => {
    const clock = { now: Date.now() };
    const bench = await openBench(context, { now: () => clock.now });
    const holder = bench.tokens.find(token);
    assert.ok(holder);
    const code = /#code=(.*)$/.exec(bench.pages.createCode(holder).url ?? '')?.[1];
    const enter = async (where: ControlBench) =>
      await send(where, {
        method: 'POST',
        path: '/v1/page-sessions',
        body: JSON.stringify({ code }),
        headers: { ...json, authorization: '' },
      });
    const other = await openBench(context);
    assert.equal((await enter(other)).status, 401);
    clock.now += 60_000;
    assert.deepEqual((await enter(bench)).body, {
      error: {
        code: 'unauthorized',
        message: 'this code was used, or is older than a minute; run "sallyport open" again',
      },
    });
    const session = bench.pages.open(
      /#code=(.*)$/.exec(bench.pages.createCode(holder).url ?? '')?.[1] ?? '',
    );
    assert.ok(typeof session === 'object');
    const headers = { authorization: `Bearer ${session.secret}` };
    assert.deepEqual(
      [(await send(bench, { headers })).status, (await send(other, { headers })).status],
      [200, 401],
    );
  });

  it('believes nobody to be the reviewer', async (context) => {
    const bench = await openBench(context);
    for (const surface of ['reviewer', 'nonsense', 'tray']) {
      await send(bench, { headers: { 'x-sallyport-surface': surface } });
    }
    assert.deepEqual(
      bench.calls.map(([surface]) => surface),
      ['api', 'api', 'tray'],
    );
  });

  it('takes a query where a route declares it, once each', async (context) => {
    const asked: unknown[] = [];
    const bench = await openBench(context, {
      history: (query) => {
        asked.push(query);
        return { entries: [], more: false };
      },
    });
    const statuses: number[] = [];
    for (const query of ['?', '?limit=5&host=a%2Eb', '?limit=5&limit=6', '?token=x', '?limit']) {
      statuses.push((await send(bench, { path: `/v1/history${query}` })).status);
    }
    assert.deepEqual(statuses, [200, 200, 400, 400, 400]);
    assert.deepEqual(asked, [{}, { limit: 5, host: 'a.b' }]);
  });

  it('takes a draft of rules of a MiB, and no larger one', async (context) => {
    const bench = await openBench(context);
    const check = async (text: string) =>
      await send(bench, {
        method: 'POST',
        path: '/v1/rules/check',
        headers: json,
        body: JSON.stringify({ file: 'f', etag: 'e', text }),
      });
    assert.deepEqual(
      [
        (await check('x\n'.repeat(1024 * 512))).status,
        (await check('x'.repeat(2 * 1024 * 1024))).status,
      ],
      [404, 413], // the parts of this bench know no such file
    );
  });

  it('ends streams when it closes, and does not wait for them', async (context) => {
    const bench = await openBench(context);
    const server = await openControl(
      {
        routes: createRoutes(bench.parts),
        find: bench.tokens.find,
        onCall: () => undefined,
        port: () => server.port ?? 0,
        peerOf: () => undefined,
        onBug: (bug) => bench.bugs.push(bug),
      },
      { port: 0 },
    );
    const client = createControlClient({ url: `http://127.0.0.1:${server.port}`, token });
    const stream = client.watch(new AbortController().signal)[Symbol.asyncIterator]();
    const first = await stream.next();
    assert.ok(first.done !== true && first.value.type === 'snapshot');
    const next = assert.rejects(stream.next(), { code: 'ERR_CONTROL_UNREACHABLE' });
    const startMs = performance.now();
    await server.close();
    assert.ok(performance.now() - startMs < 900, 'it waited for the stream');
    await next;
    assert.deepEqual([bench.feed.count(), bench.bugs], [0, []]);
  });

  it('refuses the 33rd watcher of a token', async (context) => {
    const bench = await openBench(context);
    const abort = new AbortController();
    const client = createControlClient({ url: bench.url, token });
    const streams = Array.from({ length: 32 }, () =>
      client.watch(abort.signal)[Symbol.asyncIterator](),
    );
    await Promise.all(streams.map(async (stream) => await stream.next()));
    await assert.rejects(client.watch(abort.signal)[Symbol.asyncIterator]().next(), {
      reason: 'busy',
    });
    abort.abort();
    const ends = await Promise.all(streams.map(async (stream) => await stream.next()));
    assert.ok(ends.every(({ done }) => done === true));
  });

  it('looks at who the ninth watcher of a token is', async (context) => {
    const bench = await openBench(context, {
      judge: () => Promise.resolve({ ok: false, status: 'self', problem: 'not for itself' }),
    });
    const abort = new AbortController();
    const client = createControlClient({ url: bench.url, token });
    const streams = Array.from({ length: 8 }, () =>
      client.watch(abort.signal)[Symbol.asyncIterator](),
    );
    await Promise.all(streams.map(async (stream) => await stream.next()));
    await assert.rejects(client.watch(abort.signal)[Symbol.asyncIterator]().next(), {
      reason: 'self_approval',
    });
    abort.abort();
    await Promise.all(streams.map(async (stream) => await stream.next()));
  });

  it('cuts off a watcher that does not read, and serves the others', async (context) => {
    const cut = Promise.withResolvers<void>();
    let uses = 0;
    const bench = await openBench(context, {
      live: {
        grants: () => {
          setImmediate(() => bench.feed.mark('gate')); // each answer makes the next one due
          setImmediate(() => bench.feed.mark('grants'));
          uses += 1;
          return [makeGrant({ note: 'x'.repeat(2 * 1024 * 1024), uses })];
        },
      },
      onWatching: (surface, change) => {
        if (surface === 'tray' && change === -1) cut.resolve();
      },
    });
    const abort = new AbortController();
    const quick = createControlClient({ url: bench.url, token }, { surface: 'page' });
    let isSlowGone = false;
    const reading = (async () => {
      let after = 0;
      for await (const event of quick.watch(abort.signal)) {
        if (event.type === 'change' && isSlowGone) after += 1;
        if (after === 2) abort.abort(); // it is still served
      }
      return after;
    })();
    const slow = connect(bench.port, '127.0.0.1').on('error', () => undefined);
    slow.write(
      `GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1:${bench.port}\r\nAuthorization: Bearer ${token}\r\nX-Sallyport-Surface: tray\r\n\r\n`,
    );
    await cut.promise;
    assert.equal(bench.feed.count(), 1);
    isSlowGone = true;
    assert.equal(await reading, 2);
    slow.destroy();
    assert.deepEqual(bench.bugs, []);
  });

  it('keeps the socket to its owner', async (context) => {
    const { socketPath } = await openBench(context);
    assert.equal(statSync(socketPath).mode & 0o777, 0o600);
  });
});

describe('openControl', () => {
  it('names a port in use and who has it', async (context) => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    context.after(() => other.close());
    const { port } = other.address() as AddressInfo;
    const place = { port, describeOwner: () => Promise.resolve('"nginx" (pid 7)') };
    await assert.rejects(
      openControl(parts, place),
      new SallyportError(
        'ERR_PORT_IN_USE',
        `port ${port} (control) is in use by "nginx" (pid 7); stop that program or set [control] port to another`,
      ),
    );
  });
  it('replaces a socket that was left behind, and nothing else', async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-control-'));
    context.after(() => {
      rmSync(folder, { recursive: true });
    });
    const path = join(folder, 'control.sock');
    const first = await openControl(parts, { path });
    const second = await openControl(parts, { path });
    await Promise.all([first.close(), second.close()]);
    const file = join(folder, 'file');
    writeFileSync(file, 'precious');
    await assert.rejects(openControl(parts, { path: file }), { code: 'ERR_LISTEN' });
  });
  it('closes with idle connections open', async (context) => {
    const server = await openControl(parts, { port: 0 });
    const socket = connect(server.port ?? 0, '127.0.0.1').on('error', () => undefined);
    context.after(() => socket.destroy());
    await once(socket, 'connect');
    const closed = once(socket.resume(), 'close');
    await server.close();
    await closed;
  });
});
