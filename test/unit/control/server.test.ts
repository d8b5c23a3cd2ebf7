import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openControl } from '../../../src/control/server.ts';
import { SallyportError } from '../../../src/errors.ts';
import type { Caller } from '../../../src/approval/answers.ts';
import { openBench, send, sendRaw } from '../../support/control.ts';
import type { Sent } from '../../support/control.ts';

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
