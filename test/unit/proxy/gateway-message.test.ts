import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { afterEach, describe, it } from 'node:test';
import type { Route } from '../../../src/policy/decision.ts';
import {
  agent,
  ask,
  closeOpened,
  direct,
  echoOrigin,
  opened,
  raw,
  type Running,
  startGateway,
} from '../../support/gateway.ts';
import { startHttpOrigin, startTcpOrigin } from '../../support/origin.ts';
import { createPermit } from '../../support/permit.ts';

afterEach(closeOpened);

describe('a message through the gateway', () => {
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
});

describe('a kept connection that the upstream drops as it is used again', () => {
  const whole = 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na';

  /** Answers the first request of each connection and resets it at the second; `lost` connections at once. */
  async function startForgetful(
    second = '',
    lost: ReadonlySet<number> = new Set(),
  ): Promise<Running & { readonly lines: string[] }> {
    const lines: string[] = [];
    let connections = 0;
    const origin = await startTcpOrigin((socket) => {
      connections += 1;
      let isFirst = !lost.has(connections);
      socket.on('end', () => socket.end());
      socket.on('data', (chunk) => {
        const [line = ''] = String(chunk).split('\r\n');
        lines.push(`${connections}: ${line}`);
        if (isFirst) socket.write(whole);
        else if (second === '') socket.resetAndDestroy();
        else socket.write(second, () => socket.resetAndDestroy());
        isFirst = false;
      });
    });
    opened.push(origin.close);
    return { ...(await startGateway(`http://127.0.0.1:${origin.port}/`)), lines };
  }

  for (const method of ['GET', 'OPTIONS', 'DELETE']) {
    it(`has a ${method} without a body sent once more, over a connection of its own`, async () => {
      const { port, lines, closed } = await startForgetful();
      await ask(port, '/v1/warm');
      assert.deepEqual((await ask(port, '/v1/x', { method })).body, 'a');
      assert.deepEqual(lines, [
        '1: GET /warm HTTP/1.1',
        `1: ${method} /x HTTP/1.1`,
        `2: ${method} /x HTTP/1.1`,
      ]);
      assert.deepEqual(
        closed.map(({ reason, bytesDown }) => ({ reason, bytesDown })),
        [1, 2].map(() => ({ reason: 'upstream_closed', bytesDown: 1 })),
      );
    });
  }

  const once502: readonly { name: string; method: string; body?: string }[] = [
    { name: 'a POST, which may have been served', method: 'POST', body: '{}' },
    { name: 'a POST without a body', method: 'POST' },
    { name: 'a PUT', method: 'PUT', body: '{}' },
    { name: 'a DELETE with a body', method: 'DELETE', body: '{}' },
  ];
  for (const { name, method, body } of once502) {
    it(`has ${name} answered 502 and never repeated`, async () => {
      const { port, lines } = await startForgetful();
      await ask(port, '/v1/warm');
      const headers = body === undefined ? {} : { 'Content-Length': body.length };
      assert.equal((await ask(port, '/v1/x', { method, headers }, body)).status, 502);
      assert.deepEqual(lines, ['1: GET /warm HTTP/1.1', `1: ${method} /x HTTP/1.1`]);
    });
  }

  it('has nothing repeated twice', async () => {
    const { port, lines, closed } = await startForgetful('', new Set([2]));
    await ask(port, '/v1/warm');
    assert.equal((await ask(port, '/v1/x')).status, 502);
    assert.deepEqual(lines.slice(1), ['1: GET /x HTTP/1.1', '2: GET /x HTTP/1.1']);
    assert.deepEqual(
      closed.map(({ reason }) => reason),
      ['upstream_closed', 'error'],
    );
  });

  it('has nothing repeated whose answer had begun, or was no HTTP', async () => {
    const begun = await startForgetful('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf');
    await ask(begun.port, '/v1/warm');
    await assert.rejects(ask(begun.port, '/v1/x', { agent: false }));
    const nonsense = await startForgetful('no HTTP\r\n\r\n');
    await ask(nonsense.port, '/v1/warm');
    assert.equal((await ask(nonsense.port, '/v1/x')).status, 502);
    assert.deepEqual([begun.lines.length, nonsense.lines.length], [2, 2]);
  });

  it('is not what a new connection is: that is answered 502 at once', async () => {
    const { port, lines } = await startForgetful('', new Set([1]));
    assert.equal((await ask(port, '/v1/x')).status, 502);
    assert.deepEqual(lines, ['1: GET /x HTTP/1.1']);
  });

  it('loses no POST once its FIN has come', async () => {
    const left = Promise.withResolvers<void>();
    const origin = await startTcpOrigin((socket) => {
      socket.once('data', () => {
        socket.write(whole);
        socket.once('end', left.resolve);
        void answered.promise.then(() => socket.end());
      });
    });
    const answered = Promise.withResolvers<void>();
    opened.push(origin.close);
    const { port } = await startGateway(`http://127.0.0.1:${origin.port}/`);
    const post = { method: 'POST', headers: { 'Content-Length': 2 } };
    assert.equal((await ask(port, '/v1/x', post, '{}')).status, 200);
    answered.resolve();
    await left.promise; // the gateway has given the connection up
    assert.equal((await ask(port, '/v1/x', post, '{}')).status, 200);
    assert.equal(origin.accepted(), 2);
  });
});

describe('an answer of the gateway itself', () => {
  const refused = (port: number, fields: string, method = 'GET'): string =>
    `${method} /nowhere HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${fields}\r\n`;

  it('has no body for HEAD, and dates itself', async () => {
    const { port } = await startGateway('http://127.0.0.1:1/');
    const came = await raw(port, refused(port, 'Connection: close\r\n', 'HEAD'));
    assert.match(came, /^HTTP\/1\.1 404 [^\r]+\r\n/);
    assert.match(came, /\r\ndate: Fri, 20 Nov 2026 10:00:00 GMT\r\n/);
    assert.match(came, /\r\n\r\n$/);
  });

  it('closes the connection rather than wait for a body', async () => {
    const { port } = await startGateway('http://127.0.0.1:1/');
    const came = await raw(port, refused(port, 'Content-Length: 100\r\n', 'POST'));
    assert.match(came, /^HTTP\/1\.1 404 [^\r]+\r\n/);
    assert.match(came, /\r\nconnection: close\r\n/);
  });
});
