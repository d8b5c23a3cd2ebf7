import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { SallyportError } from '../../../src/errors.ts';
import type { DecisionRequest } from '../../../src/policy/decision.ts';
import { createDialer } from '../../../src/proxy/dial.ts';
import { createGatewayHandler } from '../../../src/proxy/gateway.ts';
import { createLive } from '../../../src/proxy/live.ts';
import {
  allow,
  ask,
  closeOpened,
  direct,
  echoOrigin,
  opened,
  raw,
  startGateway,
} from '../../support/gateway.ts';
import { connectRaw } from '../../support/http-door.ts';
import { startHttpOrigin, startWebSocketOrigin } from '../../support/origin.ts';
import { createPermit } from '../../support/permit.ts';

afterEach(closeOpened);

describe('the gateway', () => {
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
    it(`refuses a head with ${name} and closes (two Hosts once kept the connection)`, async () => {
      const { port, dials, malformed } = await startGateway('http://127.0.0.1:1/v1');
      const text = `POST /v1/x HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${head}\r\n\r\n`;
      const next = `GET /v1/y HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`;
      assert.match(await raw(port, text + next), /^HTTP\/1\.1 400 Bad Request: /);
      assert.deepEqual([dials.length, malformed.length], [0, 1]);
    });
  }

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
        dialer: { dialTunnel: fail, dialTls: fail },
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

  it('closes when an Upgrade stands behind a request without its answer (the 101 once came first), and records it', async () => {
    const paths: string[] = [];
    const origin = await startHttpOrigin((request) => void paths.push(request.url ?? ''));
    opened.push(origin.close);
    const { port, malformed } = await startGateway(`http://127.0.0.1:${origin.port}/v1`);
    const client = await connectRaw(port);
    const upgrade = `Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
    client.send(
      `${pipelined(port, '/v1/a')}${pipelined(port, '/v1/b').replace(/\r\n$/, '')}${upgrade}`,
    );
    await client.gone();
    assert.equal(client.text(), '');
    assert.ok(!paths.includes('/v1/b'));
    const what = 'an Upgrade stands behind a request that is not answered yet';
    assert.deepEqual(malformed, [{ what, text: `127.0.0.1:${port}` }]);
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

describe('a reload with another upstream', () => {
  it('sends the next request there, while one under way ends where it began', async () => {
    const release = Promise.withResolvers<void>();
    const before = await startHttpOrigin((_request, response) => {
      response.write('old ');
      void release.promise.then(() => response.end('and whole'));
    });
    const next = await startHttpOrigin((request, response) => response.end(`new ${request.url}`));
    opened.push(before.close, next.close);
    let upstream = new URL(`http://127.0.0.1:${before.port}/v1`);
    const { port, dials, closed } = await startGateway('http://unused.test/', {
      upstream: () => upstream,
    });
    const request = http.get({ port, host: '127.0.0.1', path: '/v1/slow', agent: false });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    upstream = new URL(`http://127.0.0.1:${next.port}/base`);
    assert.equal((await ask(port, '/v1/x')).body, 'new /base/x');
    release.resolve();
    let body = '';
    for await (const chunk of response) body += String(chunk);
    assert.deepEqual([body, response.complete], ['old and whole', true]);
    assert.deepEqual(
      dials.map(({ request: { destination } }) => destination.port),
      [before.port, next.port],
    );
    assert.deepEqual(
      closed.map(({ reason }) => reason),
      ['upstream_closed', 'upstream_closed'],
    );
  });

  it('closes what was kept, also for an address that reads the same (its trust may differ)', async () => {
    const origin = await echoOrigin();
    let upstream = new URL(`http://127.0.0.1:${origin.port}/v1`);
    const { port } = await startGateway('http://unused.test/', { upstream: () => upstream });
    await ask(port, '/v1/a');
    await ask(port, '/v1/b');
    assert.equal(origin.accepted(), 1);
    upstream = new URL(upstream);
    await ask(port, '/v1/c');
    assert.deepEqual([origin.accepted(), origin.open()], [2, 1]);
  });

  it('holds for a WebSocket too, and leaves an open one alone', async () => {
    const heard: string[] = [];
    const [before, next] = await Promise.all(
      ['old', 'new'].map((name) => startWebSocketOrigin(() => heard.push(name))),
    );
    assert.ok(before !== undefined && next !== undefined);
    opened.push(before.close, next.close);
    let upstream = new URL(`http://127.0.0.1:${before.port}/`);
    const { port } = await startGateway('http://unused.test/', { upstream: () => upstream });
    const first = new WebSocket(`ws://127.0.0.1:${port}/v1/x`);
    await once(first, 'open');
    upstream = new URL(`http://127.0.0.1:${next.port}/`);
    const second = new WebSocket(`ws://127.0.0.1:${port}/v1/x`);
    await once(second, 'open');
    first.send('still here');
    const [echoed] = (await once(first, 'message')) as [Buffer];
    assert.deepEqual([heard, String(echoed)], [['old', 'new'], 'still here']);
    for (const socket of [first, second]) socket.terminate();
  });

  it('ends the connection and tells of a bug when the new one is none', async () => {
    const bugs: unknown[] = [];
    let upstream = new URL('http://127.0.0.1:1/v1');
    const { port, dials } = await startGateway('http://unused.test/', {
      upstream: () => upstream,
      onBug: (error) => bugs.push(error),
    });
    upstream = new URL('ftp://127.0.0.1/v1');
    const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
    for (const fields of ['', upgrade]) {
      const client = await connectRaw(port);
      client.send(`GET /v1/x HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${fields}\r\n`);
      await client.gone();
      assert.equal(client.text(), '');
    }
    assert.deepEqual(
      bugs.map((error) => error instanceof SallyportError && error.code),
      ['ERR_CONFIG_INVALID', 'ERR_CONFIG_INVALID'],
    );
    assert.deepEqual(dials, []);
  });
});
