import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { describe, it } from 'node:test';
import { openListener } from '../../../src/proxy/listener.ts';
import { connectRaw } from '../../support/http-door.ts';

const loopback = '127.0.0.1' as const;

describe('openListener', () => {
  it('names the port and the program that has it when the port is taken', async () => {
    const taken = net.createServer();
    taken.listen(0, loopback);
    await once(taken, 'listening');
    const { port } = taken.address() as net.AddressInfo;
    const opening = openListener({ kind: 'http', host: loopback, port, onSocket: () => undefined });
    await assert.rejects(opening, (error: Error & { code?: string }) => {
      assert.equal(error.code, 'ERR_PORT_IN_USE');
      assert.match(error.message, new RegExp(`^the http listener cannot bind 127.0.0.1:${port}: `));
      if (process.platform === 'linux') {
        assert.ok(error.message.includes(`(pid ${process.pid})`), error.message);
      }
      return true;
    });
    taken.close();
  });

  it('refuses to bind anything but loopback', async () => {
    const host = '0.0.0.0' as typeof loopback; // what a mistaken caller would pass
    const opening = openListener({ kind: 'http', host, port: 0, onSocket: () => undefined });
    await assert.rejects(opening, { code: 'ERR_LISTEN' });
  });

  it('closes a raw connection above the limit and says so', async () => {
    let refused = 0;
    const listener = await openListener({
      kind: 'socks5',
      host: loopback,
      port: 0,
      maxConnections: 1,
      onSocket: (socket) => socket.write('hello'),
      onCapacity: () => (refused += 1),
    });
    const first = await connectRaw(listener.port);
    await first.until(/hello/);
    const second = await connectRaw(listener.port);
    await second.gone();
    assert.deepEqual([second.text(), refused, listener.count], ['', 1, 1]);
    first.socket.destroy();
    await listener.close(10);
  });

  it('tells of the first connection it turned away, and a minute later of all since', async (t) => {
    let nowMs = 0;
    t.mock.method(performance, 'now', () => nowMs);
    const told: number[] = [];
    const listener = await openListener({
      kind: 'socks5',
      host: loopback,
      port: 0,
      maxConnections: 0,
      onSocket: () => assert.fail('no connection has room'),
      onCapacity: (count) => told.push(count),
    });
    for (const atMs of [0, 1, 59_999, 60_000]) {
      nowMs = atMs;
      const client = await connectRaw(listener.port);
      await client.gone();
    }
    assert.deepEqual(told, [1, 3]);
    await listener.close(10);
  });

  const get = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';

  it('answers 503 above the limit on an http listener and serves again once there is room', async () => {
    const waiting: http.ServerResponse[] = [];
    const server = http.createServer((_request, response) => {
      response.write('begun');
      waiting.push(response);
    });
    const listener = await openListener({
      kind: 'http',
      host: loopback,
      port: 0,
      maxConnections: 1,
      server,
    });
    const first = await connectRaw(listener.port, get);
    await first.until(/begun/);
    const second = await connectRaw(listener.port, get);
    assert.match(await second.ended(), /^HTTP\/1\.1 503 Service Unavailable/);
    assert.doesNotMatch(first.text(), /503/);
    first.socket.end();
    waiting[0]?.destroy();
    await first.gone();
    const third = await connectRaw(listener.port, get);
    await third.until(/begun/);
    third.socket.destroy();
    await listener.close(10);
  });

  it('closes connections that are only kept before it turns anybody away (a flood of them once shut all out)', async () => {
    let refused = 0;
    const server = http.createServer((_request, response) => response.end('served'));
    const listener = await openListener({
      kind: 'http',
      host: loopback,
      port: 0,
      maxConnections: 3,
      server,
      onCapacity: () => (refused += 1),
    });
    const kept = await Promise.all([1, 2, 3].map(() => connectRaw(listener.port, get)));
    await Promise.all(kept.map((client) => client.until(/served/)));
    const newcomer = await connectRaw(listener.port, get);
    await newcomer.until(/^HTTP\/1\.1 200 [^]*served/);
    await Promise.all(kept.map((client) => client.gone()));
    assert.deepEqual([refused, listener.count], [0, 1]);
    newcomer.socket.destroy();
    await listener.close(10);
  });

  it('stops accepting at once and ends what is left at the deadline', async () => {
    const listener = await openListener({
      kind: 'socks5',
      host: loopback,
      port: 0,
      onSocket: (socket) => socket.write('hello'),
    });
    const client = await connectRaw(listener.port);
    await client.until(/hello/);
    listener.stopAccepting();
    await assert.rejects(connectRaw(listener.port), { code: 'ECONNREFUSED' });
    assert.equal(listener.count, 1);
    await listener.close(10);
    await client.gone();
  });
});
