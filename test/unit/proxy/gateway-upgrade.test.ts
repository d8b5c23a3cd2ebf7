import assert from 'node:assert/strict';
import { once } from 'node:events';
import type http from 'node:http';
import type { IncomingMessage } from 'node:http';
import net from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { closeOpened, opened, raw, startGateway } from '../../support/gateway.ts';
import { connectRaw } from '../../support/http-door.ts';
import { startHttpOrigin, startTcpOrigin, startWebSocketOrigin } from '../../support/origin.ts';

afterEach(closeOpened);

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

  it('is given up after a minute without an answer to its handshake', async (t) => {
    const asked = Promise.withResolvers<void>();
    const origin = await startTcpOrigin((socket) => {
      socket.once('data', () => asked.resolve());
      socket.on('end', () => socket.end());
    });
    opened.push(origin.close);
    const { port, closed } = await startGateway(`http://127.0.0.1:${origin.port}/v1`);
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/x`);
    const answered = once(socket, 'unexpected-response');
    await asked.promise;
    t.mock.timers.tick(60_000);
    const [, response] = (await answered) as [unknown, IncomingMessage];
    assert.equal(response.statusCode, 504);
    response.resume();
    await once(response, 'close');
    await origin.idle();
    assert.deepEqual(
      closed.map(({ reason }) => reason),
      ['error'],
    );
  });

  it('is cut short when an answer that is no 101 is (a 502 once stood within it)', async () => {
    const origin = await startTcpOrigin((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 403 No\r\nContent-Length: 10\r\n\r\nhalf', () =>
          socket.resetAndDestroy(),
        );
      });
    });
    opened.push(origin.close);
    const { port, closed } = await startGateway(`http://127.0.0.1:${origin.port}/v1`);
    const client = await connectRaw(port);
    client.send(
      `GET /v1/x HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    );
    await client.gone();
    assert.doesNotMatch(client.text(), /502/);
    assert.equal(closed.length, 1);
  });

  it('ends when its policy does', async () => {
    const origin = await startWebSocketOrigin();
    opened.push(origin.close);
    const { port, live, closed } = await startGateway(`http://127.0.0.1:${origin.port}/v1`);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/x`);
    socket.on('error', () => undefined);
    await once(socket, 'open');
    const gone = once(socket, 'close');
    live.rejudge(() => false);
    await Promise.all([gone, origin.idle()]);
    assert.deepEqual(
      closed.map(({ reason }) => reason),
      ['policy_changed'],
    );
  });
});
