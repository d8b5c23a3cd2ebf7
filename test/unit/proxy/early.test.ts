import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { describe, it } from 'node:test';
import { watchClient } from '../../../src/proxy/early.ts';
import { connectRaw, type RawClient } from '../../support/http-door.ts';

async function pair(): Promise<[RawClient, net.Socket]> {
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[net.Socket]>;
  const client = await connectRaw((server.address() as net.AddressInfo).port);
  const [socket] = await accepted;
  socket.on('error', () => undefined);
  server.close();
  return [client, socket];
}

describe('watchClient', () => {
  it('keeps the head and what comes behind it, in order, and stops reading when it is taken', async () => {
    const [client, socket] = await pair();
    const waiting = watchClient(socket, Buffer.from('head '));
    client.send('more');
    await once(socket, 'data');
    assert.equal(waiting.take()?.toString(), 'head more');
    assert.ok(socket.isPaused());
    assert.equal(waiting.signal.aborted, false);
    client.socket.destroy();
    socket.destroy();
  });

  it('gives nothing when nothing came', async () => {
    const [client, socket] = await pair();
    assert.equal(watchClient(socket, Buffer.alloc(0)).take(), undefined);
    client.socket.destroy();
    socket.destroy();
  });

  it('stops reading once 64 KiB are kept', async () => {
    const [client, socket] = await pair();
    const waiting = watchClient(socket, Buffer.alloc(0));
    client.send('x'.repeat(4 * 1024 * 1024));
    await once(socket, 'pause');
    const kept = waiting.take()?.length ?? 0;
    assert.ok(kept >= 64 * 1024 && kept < 192 * 1024, `${kept} bytes`);
    client.socket.destroy();
    socket.destroy();
  });

  it('does not read at all when the head alone is 64 KiB', async () => {
    const [client, socket] = await pair();
    watchClient(socket, Buffer.alloc(64 * 1024));
    assert.ok(socket.isPaused());
    client.socket.destroy();
    socket.destroy();
  });

  for (const [name, leave] of [
    ['a FIN', (client: RawClient) => client.socket.end()],
    ['a reset', (client: RawClient) => client.socket.resetAndDestroy()],
  ] as const) {
    it(`takes ${name} for leaving`, async () => {
      const [client, socket] = await pair();
      const { signal } = watchClient(socket, Buffer.alloc(0));
      leave(client);
      await once(signal, 'abort');
      client.socket.destroy();
      socket.destroy();
    });
  }

  it('is over at once for a client that is gone already', async () => {
    const [client, socket] = await pair();
    socket.destroy();
    assert.ok(watchClient(socket, Buffer.alloc(0)).signal.aborted);
    await client.gone();
  });

  it('no longer aborts after it was taken', async () => {
    const [client, socket] = await pair();
    const waiting = watchClient(socket, Buffer.alloc(0));
    waiting.take();
    socket.resume();
    client.socket.end();
    await once(socket, 'end');
    assert.equal(waiting.signal.aborted, false);
    socket.destroy();
  });
});
