import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { after, afterEach, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { SallyportError } from '../../../src/errors.ts';
import type { Gate } from '../../../src/gate.ts';
import type { DecisionRequest, Permit, Route } from '../../../src/policy/decision.ts';
import { createDialer, type Dialer } from '../../../src/proxy/dial.ts';
import { createGatewayHandler } from '../../../src/proxy/gateway.ts';
import type { GatewayParts } from '../../../src/proxy/gateway-door.ts';
import { type ClosedRecord, createLive, type Live } from '../../../src/proxy/live.ts';
import { connectRaw } from '../../support/http-door.ts';
import { startHttpOrigin, startTcpOrigin, startWebSocketOrigin } from '../../support/origin.ts';
import { startHttpParent } from '../../support/parent-proxy.ts';
import { createPermit } from '../../support/permit.ts';
import { createAuthority } from '../../support/tls.ts';

const direct: Route = { via: 'direct', addresses: ['127.0.0.1'] };
const allow: Gate = (request) => Promise.resolve(createPermit(request, direct));

const opened: (() => unknown)[] = [];
afterEach(() => Promise.all(opened.splice(0).map((close) => close())));
const agent = new http.Agent({ keepAlive: true });
after(() => agent.destroy());

interface Running {
  readonly port: number;
  readonly live: Live;
  readonly closed: ClosedRecord[];
  readonly malformed: { readonly what: string; readonly text: string }[];
  readonly dials: Permit[];
}

async function startGateway(
  upstream: string,
  more: Partial<Pick<GatewayParts, 'gate' | 'upstream'>> & { readonly dialer?: Dialer } = {},
): Promise<Running> {
  const closed: ClosedRecord[] = [];
  const malformed: { what: string; text: string }[] = [];
  const dials: Permit[] = [];
  const live = createLive({ onClosed: (record) => closed.push(record), now: () => 0 });
  const dialer = more.dialer ?? createDialer();
  const base = new URL(upstream);
  const server = createGatewayHandler({
    gate: more.gate ?? allow,
    live,
    upstream: more.upstream ?? (() => base),
    dialTls: (permit, target, signal) => {
      dials.push(permit);
      return dialer.dialTls(permit, target, signal);
    },
    dialTunnel: (permit, signal) => {
      dials.push(permit);
      return dialer.dialTunnel(permit, signal);
    },
    onMalformed: async ({ what, text }) => void malformed.push({ what, text }),
    onBug: (error) => {
      throw error;
    },
    date: () => 'Fri, 20 Nov 2026 10:00:00 GMT',
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  opened.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { port: (server.address() as AddressInfo).port, live, closed, malformed, dials };
}

interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

async function ask(
  port: number,
  path: string,
  options: http.RequestOptions = {},
  body?: string,
): Promise<Answer> {
  const request = http.request({ port, path, host: '127.0.0.1', agent, ...options });
  request.end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return {
    status: response.statusCode ?? 0,
    reason: response.statusMessage ?? '',
    headers: response.headers,
    body: Buffer.concat(chunks).toString(),
  };
}

/** Bytes in, everything that comes back until the end. */
async function raw(port: number, text: string): Promise<string> {
  const socket = net.connect(port, '127.0.0.1');
  socket.write(text);
  let came = '';
  for await (const chunk of socket) came += String(chunk);
  return came;
}

async function echoOrigin(): Promise<{
  readonly port: number;
  readonly heads: string[][];
  readonly accepted: () => number;
}> {
  const heads: string[][] = [];
  const origin = await startHttpOrigin((request, response) => {
    heads.push([`${request.method} ${request.url}`, ...request.rawHeaders]);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      response.writeHead(201, 'Made', {
        'X-Request-Id': 'r1',
        'Set-Cookie': ['a=1', 'b=2'],
        'Proxy-Authenticate': 'Basic',
        Connection: 'keep-alive, x-hop',
        'X-Hop': 'gone',
      });
      response.end(Buffer.concat(chunks));
    });
  });
  opened.push(origin.close);
  return { port: origin.port, heads, accepted: origin.accepted };
}

describe('the gateway', () => {
  it('sends /v1/<rest> to <upstream>/<rest> with the fields that belong there', async () => {
    const origin = await echoOrigin();
    const { port, closed, malformed } = await startGateway(`http://127.0.0.1:${origin.port}/base/`);
    const answer = await ask(
      port,
      '/v1/responses?a=b%2Fc&d=?e',
      {
        method: 'POST',
        headers: {
          Authorization: 'Bearer sk-secret',
          'Content-Type': 'application/json',
          'Proxy-Authorization': 'Basic eDp5',
          'X-Hop': 'gone',
          'Keep-Alive': 'timeout=5',
          Connection: 'keep-alive, X-Hop',
        },
      },
      '{"a":1}',
    );
    assert.deepEqual(origin.heads, [
      [
        'POST /base/responses?a=b%2Fc&d=?e',
        'authorization',
        'Bearer sk-secret',
        'content-type',
        'application/json',
        'content-length',
        '7',
        'host',
        `127.0.0.1:${origin.port}`,
        'Connection',
        'keep-alive',
      ],
    ]);
    const { date: _, ...headers } = answer.headers;
    assert.deepEqual(
      { ...answer, headers },
      {
        status: 201,
        reason: 'Made',
        body: '{"a":1}',
        headers: {
          'x-request-id': 'r1',
          'set-cookie': ['a=1', 'b=2'],
          connection: 'keep-alive',
          'transfer-encoding': 'chunked',
        },
      },
    );
    assert.deepEqual(
      closed.map(({ reason, bytesUp, bytesDown, remoteAddress }) => ({
        reason,
        bytesUp,
        bytesDown,
        remoteAddress,
      })),
      [{ reason: 'upstream_closed', bytesUp: 7, bytesDown: 7, remoteAddress: '127.0.0.1' }],
    );
    assert.ok(!JSON.stringify([closed, malformed]).includes('sk-secret'));
  });

  it('asks the gate for the upstream, with the method as sent', async () => {
    const origin = await echoOrigin();
    const requests: DecisionRequest[] = [];
    const { port } = await startGateway(`http://127.0.0.1:${origin.port}/v1`, {
      gate: (request) => {
        requests.push(request);
        return Promise.resolve(createPermit(request, direct));
      },
    });
    await ask(port, '/v1/models', { method: 'GET' });
    assert.deepEqual(
      requests.map(({ client: { address, localPort }, ...rest }) => ({
        ...rest,
        address,
        localPort,
      })),
      [
        {
          destination: { protocol: 'http', host: '127.0.0.1', kind: 'ipv4', port: origin.port },
          listener: 'gateway',
          method: 'GET',
          form: 'request',
          address: '127.0.0.1',
          localPort: port,
        },
      ],
    );
    assert.equal(origin.heads[0]?.[0], 'GET /v1/models');
  });

  const turnedAway = [
    { name: 'a path outside /v1/', path: '/v2/x', status: 404, recorded: false },
    { name: 'a path that only starts like /v1', path: '/v1x', status: 404, recorded: false },
    { name: 'a path that climbs out of /v1/', path: '/v1/../admin', status: 404, recorded: false },
    {
      name: 'a path that climbs in disguise',
      path: '/v1/%2e%2e/admin',
      status: 404,
      recorded: false,
    },
    { name: 'an encoded slash', path: '/v1/a%2fb', status: 400, recorded: true },
    { name: 'an absolute target', path: 'http://127.0.0.1/v1/x', status: 400, recorded: true },
    { name: 'another Host', headers: { Host: 'rebound.test:80' }, status: 421, recorded: true },
    { name: 'another port in Host', headers: { Host: '127.0.0.1:1' }, status: 421, recorded: true },
    {
      name: 'a foreign Origin',
      headers: { Origin: 'https://page.test' },
      status: 403,
      recorded: true,
    },
    { name: 'an opaque Origin', headers: { Origin: 'null' }, status: 403, recorded: true },
    {
      name: 'a cross-site page',
      headers: { 'Sec-Fetch-Site': 'cross-site' },
      status: 403,
      recorded: true,
    },
    {
      name: 'a chunked body without its method',
      method: 'DELETE',
      headers: { 'Transfer-Encoding': 'chunked' },
      status: 400,
      recorded: true,
    },
  ];
  for (const {
    name,
    path = '/v1/x',
    headers = {},
    method = 'GET',
    status,
    recorded,
  } of turnedAway) {
    it(`turns ${name} away before the gate`, async () => {
      const { port, malformed } = await startGateway('http://127.0.0.1:1/v1', {
        gate: () => Promise.reject(new Error('the gate was asked')),
      });
      const answer = await ask(port, path, { headers, method });
      assert.equal(answer.status, status);
      assert.equal(answer.headers['x-proxy-error'], undefined);
      assert.equal(malformed.length, recorded ? 1 : 0);
    });
  }

  it('takes its own Origin and every one of its names', async () => {
    const origin = await echoOrigin();
    const { port } = await startGateway(`http://127.0.0.1:${origin.port}/v1`);
    for (const host of ['127.0.0.1', 'LocalHost', '[::1]']) {
      const headers = {
        Host: `${host}:${port}`,
        Origin: `http://${host}:${port}`,
        'Sec-Fetch-Site': 'same-origin',
      };
      assert.equal((await ask(port, '/v1/x', { headers })).status, 201);
    }
  });

  const smuggled = [
    { name: 'both framings', head: 'Content-Length: 5\r\nTransfer-Encoding: chunked' },
    { name: 'two Hosts', head: 'Host: 127.0.0.1' },
    { name: 'two lengths', head: 'Content-Length: 5\r\nContent-Length: 6' },
    { name: 'a field name with a blank', head: 'X : y' },
    { name: 'a folded line', head: 'X: y\r\n z' },
  ];
  for (const { name, head } of smuggled) {
    it(`refuses a head with ${name}`, async () => {
      const { port, dials, malformed } = await startGateway('http://127.0.0.1:1/v1');
      const text = `POST /v1/x HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n${head}\r\n\r\n`;
      assert.match(await raw(port, text), /^HTTP\/1\.1 400 Bad Request: /);
      assert.deepEqual([dials.length, malformed.length], [0, 1]);
    });
  }

  it('answers a refusal in JSON and keeps the connection', async () => {
    const { port, dials } = await startGateway('http://api.test/v1', {
      gate: (request) =>
        Promise.resolve({
          outcome: 'deny',
          request,
          hold: undefined,
          verdict: {
            outcome: 'deny',
            source: 'baseline_policy',
            reason: 'denied',
            rule: undefined,
            grant: undefined,
          },
        }),
    });
    const answer = await ask(port, '/v1/responses', { method: 'POST' }, '{}');
    assert.deepEqual(
      { status: answer.status, error: answer.headers['x-proxy-error'] },
      { status: 403, error: 'blocked-by-denylist' },
    );
    const { message: _, ...body } = JSON.parse(answer.body) as Record<string, unknown>;
    assert.deepEqual(body, {
      status: 'blocked',
      host: 'api.test',
      reason: 'denied',
      decision: 'deny',
      source: 'baseline_policy',
      protocol: 'http',
      port: 80,
    });
    assert.deepEqual(dials, []);
  });

  for (const form of ['request', 'upgrade'] as const) {
    it(`lets go of a held ${form} when its client leaves`, async () => {
      const held = Promise.withResolvers<AbortSignal>();
      const { port, dials } = await startGateway('http://127.0.0.1:1/v1', {
        gate: async (request, signal) => {
          held.resolve(signal);
          await once(signal, 'abort');
          return createPermit(request, direct); // even an allow that comes too late dials nothing
        },
      });
      const upgrade = form === 'upgrade' ? 'Connection: Upgrade\r\nUpgrade: websocket\r\n' : '';
      const socket = net.connect(port, '127.0.0.1');
      socket.write(`GET /v1/x HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${upgrade}\r\n`);
      const signal = await held.promise;
      socket.destroy();
      if (!signal.aborted) await once(signal, 'abort');
      await new Promise(setImmediate);
      assert.deepEqual(dials, []);
    });
  }

  it('says 100 Continue only after the allow', async () => {
    const origin = await echoOrigin();
    const allowed = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const { port } = await startGateway(`http://127.0.0.1:${origin.port}/v1`, {
      gate: async (request) => {
        asked.resolve();
        await allowed.promise;
        return createPermit(request, direct);
      },
    });
    let continued = false;
    const headers = { Expect: '100-continue', 'Content-Length': 2 };
    const request = http.request({
      port,
      host: '127.0.0.1',
      path: '/v1/x',
      method: 'POST',
      headers,
      agent,
    });
    request.on('continue', () => {
      continued = true;
      request.end('{}');
    });
    request.flushHeaders();
    await asked.promise;
    await ask(port, '/nowhere'); // a whole turn through the server
    assert.equal(continued, false);
    allowed.resolve();
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    assert.deepEqual([continued, response.statusCode], [true, 201]);
    response.resume();
  });

  it('passes events on one by one, each before the next is sent', async () => {
    let next = Promise.withResolvers<void>();
    const origin = await startHttpOrigin((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.flushHeaders();
      void (async () => {
        for (const n of [1, 2, 3]) {
          await next.promise; // the client has seen all that was sent before
          next = Promise.withResolvers();
          response.write(`data: ${n}\n\n`);
        }
        response.end();
      })();
    });
    opened.push(origin.close);
    const { port } = await startGateway(`http://127.0.0.1:${origin.port}/v1`);
    const request = http.get({ port, host: '127.0.0.1', path: '/v1/responses', agent });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    assert.equal(response.headers['content-type'], 'text/event-stream');
    const events: string[] = [];
    next.resolve();
    for await (const chunk of response) {
      events.push(String(chunk));
      next.resolve();
    }
    assert.deepEqual(events, ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']);
  });

  it('relays a redirect and follows none', async () => {
    const origin = await startHttpOrigin((_request, response) => {
      response.writeHead(302, { Location: 'http://169.254.169.254/' }).end();
    });
    opened.push(origin.close);
    const { port, dials } = await startGateway(`http://127.0.0.1:${origin.port}/v1`);
    const answer = await ask(port, '/v1/x');
    assert.deepEqual([answer.status, answer.headers.location], [302, 'http://169.254.169.254/']);
    assert.equal(dials.length, 1);
  });

  it('keeps a connection for the next request, and for the same pinned addresses only', async () => {
    const origin = await echoOrigin();
    let route: Route = { via: 'direct', addresses: ['127.0.0.2', '127.0.0.1'] };
    const { port, dials } = await startGateway(`http://127.0.0.1:${origin.port}/v1`, {
      gate: (request) => Promise.resolve(createPermit(request, route)),
    });
    await ask(port, '/v1/a');
    route = { via: 'direct', addresses: ['127.0.0.1', '127.0.0.2'] };
    await ask(port, '/v1/b');
    assert.deepEqual([origin.accepted(), dials.length], [1, 1]);
    route = { via: 'direct', addresses: ['127.0.0.1'] };
    await ask(port, '/v1/c');
    assert.deepEqual([origin.accepted(), dials.length], [2, 2]);
  });

  const troubles = [
    { code: 'ERR_UPSTREAM_REFUSED', status: 502 },
    { code: 'ERR_UPSTREAM_TLS', status: 502 },
    { code: 'ERR_PARENT_FAILED', status: 502 },
    { code: 'ERR_DNS_FAILED', status: 502 },
    { code: 'ERR_DNS_TIMEOUT', status: 504 },
    { code: 'ERR_UPSTREAM_TIMEOUT', status: 504 },
  ] as const;
  for (const { code, status } of troubles) {
    it(`answers ${status} for ${code}, to a request and to an upgrade`, async () => {
      const fail = (): Promise<never> => Promise.reject(new SallyportError(code, 'in the test'));
      const { port, closed } = await startGateway('https://api.test/v1', {
        dialer: { dial: fail, dialTunnel: fail, dialTls: fail },
      });
      const answer = await ask(port, '/v1/x', { method: 'POST' }, '{}');
      assert.deepEqual([answer.status, answer.headers['x-proxy-error']], [status, undefined]);
      assert.match(answer.body, /^upstream failure: api\.test:443 /);
      const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/x`);
      const [, response] = (await once(socket, 'unexpected-response')) as [
        unknown,
        http.IncomingMessage,
      ];
      assert.equal(response.statusCode, status);
      response.resume();
      await once(response, 'close');
      assert.deepEqual(new Set(closed.map(({ reason }) => reason)), new Set(['error']));
    });
  }

  const nonsense = [
    {
      name: 'both framings',
      bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    },
    { name: 'no HTTP', bytes: 'hello\r\n\r\n' },
    {
      name: 'an unasked 101',
      bytes: 'HTTP/1.1 101 No\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
    },
    { name: 'nothing', bytes: '' },
  ];
  for (const { name, bytes } of nonsense) {
    it(`answers 502 when the upstream says ${name}`, async () => {
      const origin = await startTcpOrigin(
        (socket) => void socket.once('data', () => socket.end(bytes)),
      );
      opened.push(origin.close);
      const { port } = await startGateway(`http://127.0.0.1:${origin.port}/v1`);
      assert.equal((await ask(port, '/v1/x')).status, 502);
    });
  }

  it('cuts the answer short when the upstream does', async () => {
    const origin = await startTcpOrigin((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf', () =>
          socket.resetAndDestroy(),
        );
      });
    });
    opened.push(origin.close);
    const { port, closed } = await startGateway(`http://127.0.0.1:${origin.port}/v1`);
    await assert.rejects(ask(port, '/v1/x', { agent: false }));
    assert.deepEqual(
      closed.map(({ reason }) => reason),
      ['upstream_reset'],
    );
  });

  it('frees the upstream at once when the client leaves', async () => {
    const gone = Promise.withResolvers<void>();
    const origin = await startHttpOrigin((_request, response) => {
      response.write('first');
      response.once('close', () => gone.resolve());
    });
    opened.push(origin.close);
    const { port, closed } = await startGateway(`http://127.0.0.1:${origin.port}/v1`);
    const request = http.get({ port, host: '127.0.0.1', path: '/v1/x', agent: false });
    request.on('error', () => undefined);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    response.on('error', () => undefined);
    request.destroy();
    await gone.promise;
    assert.deepEqual(
      closed.map(({ reason }) => reason),
      ['client_closed'],
    );
  });

  it('ends what a new policy no longer allows', async () => {
    const origin = await startHttpOrigin((_request, response) => void response.write('first'));
    opened.push(origin.close);
    const { port, live, closed } = await startGateway(`http://127.0.0.1:${origin.port}/v1`);
    const request = http.get({ port, host: '127.0.0.1', path: '/v1/x', agent: false });
    request.on('error', () => undefined);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    response.on('error', () => undefined).resume();
    assert.equal(
      live.rejudge(() => false),
      1,
    );
    while (closed.length === 0) await new Promise(setImmediate);
    assert.deepEqual(
      closed.map(({ reason }) => reason),
      ['policy_changed'],
    );
  });

  it('verifies the certificate of an https upstream', async () => {
    const authority = createAuthority();
    const server = https.createServer(authority.issue(['api.test']), (request, response) => {
      response.end(`${request.headers.host} ${request.url}`);
    });
    server.on('tlsClientError', () => undefined);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    opened.push(() => [server.close(), server.closeAllConnections()]);
    const upstream = `https://api.test:${(server.address() as AddressInfo).port}/v1`;
    const trusting = createDialer({ ca: [authority.certificate] });
    const { port } = await startGateway(upstream, { dialer: trusting });
    const answer = await ask(port, '/v1/x');
    assert.deepEqual([answer.status, answer.body], [200, `${new URL(upstream).host} /v1/x`]);
    const doubting = await startGateway(upstream);
    assert.equal((await ask(doubting.port, '/v1/x')).status, 502);
  });

  it('goes through an HTTP parent in a tunnel, by name', async (t) => {
    const origin = await echoOrigin();
    const parent = await startHttpParent({ route: () => origin.port });
    t.after(parent.close);
    const { port } = await startGateway('http://api.test/v1', {
      gate: (request) =>
        Promise.resolve(
          createPermit(request, {
            via: 'parent',
            parent: {
              protocol: 'http',
              host: '127.0.0.1',
              port: parent.port,
              credentials: undefined,
            },
          }),
        ),
    });
    assert.equal((await ask(port, '/v1/x', { agent: false })).status, 201);
    assert.deepEqual(
      parent.asked.map(({ kind, target }) => [kind, target]),
      [['connect', 'api.test:80']],
    );
  });
});

describe('a WebSocket through the gateway', () => {
  it('carries messages both ways, whole, with the handshake the client sent', async () => {
    const heads: string[] = [];
    const origin = await startWebSocketOrigin((rawHeaders, url) => heads.push(url, ...rawHeaders));
    opened.push(origin.close);
    const { port, closed } = await startGateway(`http://127.0.0.1:${origin.port}/base`);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/responses?x=1`, {
      headers: { Authorization: 'Bearer sk-secret', 'Proxy-Authorization': 'Basic eDp5' },
    });
    const messages = [Buffer.alloc(300_000, 7), Buffer.from('ünïcode'), Buffer.alloc(0)];
    await once(socket, 'open');
    for (const message of messages) {
      socket.send(message);
      const [echoed] = (await once(socket, 'message')) as [Buffer];
      assert.ok(message.equals(echoed));
    }
    socket.close(4001, 'done');
    const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
    assert.deepEqual([code, String(reason)], [4001, 'done']);
    assert.equal(heads[0], '/base/responses?x=1');
    assert.ok(heads.includes('Bearer sk-secret'));
    assert.ok(!heads.some((text) => text.toLowerCase().startsWith('proxy-')));
    while (closed.length === 0) await new Promise(setImmediate);
    assert.ok((closed[0]?.bytesUp ?? 0) > 300_000 && (closed[0]?.bytesDown ?? 0) > 300_000);
    assert.ok(!JSON.stringify(closed).includes('sk-secret'));
  });

  it('passes bytes that come with the 101, and ends when the upstream does', async () => {
    const origin = await startTcpOrigin((socket) => {
      socket.once('data', () => {
        socket.write(
          'HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nearly',
        );
        socket.once('data', (chunk) => socket.end(chunk));
      });
    });
    opened.push(origin.close);
    const { port } = await startGateway(`http://127.0.0.1:${origin.port}/v1`);
    const head = `GET /v1/x HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
    const came = await raw(port, `${head}client-early`);
    assert.match(came, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
    assert.match(came, /\r\n\r\nearlyclient-early$/);
  });

  it('relays an answer that is no 101 as it is', async () => {
    const origin = await startHttpOrigin((_request, response) => {
      response.writeHead(426, 'Use POST', { 'X-Why': 'no websockets' }).end('not here');
    });
    opened.push(origin.close);
    const { port } = await startGateway(`http://127.0.0.1:${origin.port}/v1`);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/responses`);
    const [, response] = (await once(socket, 'unexpected-response')) as [
      unknown,
      http.IncomingMessage,
    ];
    let body = '';
    for await (const chunk of response) body += String(chunk);
    assert.deepEqual(
      [response.statusCode, response.statusMessage, response.headers['x-why'], body],
      [426, 'Use POST', 'no websockets', 'not here'],
    );
    assert.equal(response.headers.connection, 'close');
  });

  it('frees the upstream when the client vanishes', async () => {
    const gone = Promise.withResolvers<void>();
    const origin = await startTcpOrigin((socket) => {
      socket.on('error', () => undefined);
      socket.once('close', () => gone.resolve());
      socket.once('data', () => {
        socket.write('HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
        socket.resume().once('end', () => socket.end());
      });
    });
    opened.push(origin.close);
    const { port, closed } = await startGateway(`http://127.0.0.1:${origin.port}/v1`);
    const socket = net.connect(port, '127.0.0.1');
    socket.write(
      `GET /v1/x HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    );
    await once(socket, 'data');
    socket.resetAndDestroy();
    await gone.promise;
    assert.deepEqual(
      closed.map(({ reason }) => reason),
      ['client_closed'],
    );
  });
});

describe('createGatewayHandler', () => {
  it('refuses an upstream it could not reach by any name', () => {
    const rest = { gate: allow, live: createLive({ onClosed: () => undefined, now: () => 0 }) };
    const { dialTls, dialTunnel } = createDialer();
    const onMalformed = (): Promise<void> => Promise.resolve();
    for (const upstream of ['ftp://api.test/', 'http://1.2.3/']) {
      const url = new URL(upstream);
      const parts = { ...rest, upstream: () => url };
      if (url.hostname === '1.2.0.3') continue; // URL has made a strict address of it
      assert.throws(() => createGatewayHandler({ ...parts, dialTls, dialTunnel, onMalformed }), {
        code: 'ERR_CONFIG_INVALID',
      });
    }
  });
});

describe('one connection to the gateway', () => {
  const pipelined = (port: number, path: string): string =>
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;

  it('has one request under way, whatever is pipelined (each once had an upstream connection at once)', async () => {
    const waiting: http.ServerResponse[] = [];
    const arrival = Promise.withResolvers<void>();
    const origin = await startHttpOrigin((_request, response) => {
      waiting.push(response);
      arrival.resolve();
    });
    opened.push(origin.close);
    const { port, dials } = await startGateway(`http://127.0.0.1:${origin.port}/v1`);
    const client = await connectRaw(port);
    client.send(pipelined(port, '/v1/a').repeat(100));
    await arrival.promise;
    await ask(port, '/elsewhere'); // a whole exchange later there is still one
    assert.deepEqual([waiting.length, dials.length], [1, 1]);
    client.socket.destroy();
  });

  it('closes when an Upgrade stands behind a request without its answer (the 101 once came first)', async () => {
    const paths: string[] = [];
    const origin = await startHttpOrigin((request) => void paths.push(request.url ?? ''));
    opened.push(origin.close);
    const { port } = await startGateway(`http://127.0.0.1:${origin.port}/v1`);
    const client = await connectRaw(port);
    const upgrade = `Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
    client.send(
      `${pipelined(port, '/v1/a')}${pipelined(port, '/v1/b').replace(/\r\n$/, '')}${upgrade}`,
    );
    await client.gone();
    assert.equal(client.text(), '');
    assert.ok(!paths.includes('/v1/b'));
  });

  it('records and answers what is malformed behind an answer that is whole (it once was not)', async () => {
    const origin = await startHttpOrigin((_request, response) => response.end('ok'));
    opened.push(origin.close);
    const { port, malformed } = await startGateway(`http://127.0.0.1:${origin.port}/v1`);
    const client = await connectRaw(port, pipelined(port, '/v1/a'));
    await client.until(/ok$/);
    client.send('GET /v1/b HTTP/1.1\r\nHost : x\r\n\r\n');
    assert.match(await client.ended(), /okHTTP\/1\.1 400 Bad Request/);
    assert.deepEqual(malformed, [
      { what: 'not valid HTTP/1.1: HPE_INVALID_HEADER_TOKEN', text: '' },
    ]);
  });

  it('records what is malformed behind a request without its answer, and answers nothing', async () => {
    const origin = await startHttpOrigin((_request, response) => void response.write('half'));
    opened.push(origin.close);
    const { port, malformed } = await startGateway(`http://127.0.0.1:${origin.port}/v1`);
    const client = await connectRaw(port, pipelined(port, '/v1/a'));
    await client.until(/half/);
    client.send('GET /v1/b HTTP/1.1\r\nHost : x\r\n\r\n');
    await client.gone();
    assert.doesNotMatch(client.text(), /400/);
    assert.equal(malformed.length, 1);
  });
});
