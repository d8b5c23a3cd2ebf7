import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { TLSSocket } from 'node:tls';
import { describe, it } from 'node:test';
import { createLive, type ClosedRecord, type Live } from '../../../src/proxy/live.ts';
import { joinTunnel, reset } from '../../../src/proxy/tunnel.ts';
import { connectRaw, permitFor, type RawClient } from '../../support/http-door.ts';

interface Rig {
  /** The program's end and the destination's end; the tunnel is between them. */
  readonly client: RawClient;
  readonly origin: RawClient;
  /** The tunnel's own ends. */
  readonly near: net.Socket;
  readonly far: net.Socket;
  readonly live: Live;
  readonly closed: Promise<ClosedRecord>;
}

const request = {
  destination: { protocol: 'https_connect', host: 'a.test', kind: 'name', port: 443 },
  listener: 'http',
  method: 'CONNECT',
  form: 'tunnel',
  client: { address: '127.0.0.1', port: 1, localPort: 2 },
} as const;

/** Two loopback connections whose near ends are joined. */
async function rig(early?: Buffer): Promise<Rig> {
  const [client, near] = await pair();
  const [origin, far] = await pair();
  const { promise, resolve } = Promise.withResolvers<ClosedRecord>();
  const live = createLive({ onClosed: resolve, now: () => 0 });
  const entry = live.open(permitFor(request), () => undefined);
  joinTunnel(near, far, { early, entry });
  return { client, origin, near, far, live, closed: promise };
}

async function pair(): Promise<[RawClient, net.Socket]> {
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[net.Socket]>;
  const outer = await connectRaw((server.address() as net.AddressInfo).port);
  const [inner] = await accepted;
  server.close();
  return [outer, inner];
}

describe('joinTunnel', () => {
  it('relays both ways, early bytes first, and counts them', async () => {
    const { client, origin, closed } = await rig(Buffer.from('early '));
    client.send('late');
    await origin.until(/^early late$/);
    origin.send('answer');
    await client.until(/^answer$/);
    client.socket.end();
    const { reason, bytesUp, bytesDown, remoteAddress } = await closed;
    assert.deepEqual(
      { reason, bytesUp, bytesDown, remoteAddress },
      { reason: 'client_closed', bytesUp: 10, bytesDown: 6, remoteAddress: '127.0.0.1' },
    );
  });

  it('passes a half-close on and keeps the other direction open', async () => {
    const { client, origin, closed } = await rig();
    origin.socket.removeAllListeners('end');
    const halfClosed = once(origin.socket, 'end');
    client.socket.end('request');
    await halfClosed;
    origin.socket.end('whole answer');
    assert.equal(await client.ended(), 'whole answer');
    assert.equal((await closed).reason, 'client_closed');
  });

  it('says that the upstream closed first when it did', async () => {
    const { client, origin, closed } = await rig();
    origin.socket.end('bye');
    assert.equal(await client.ended(), 'bye');
    assert.equal((await closed).reason, 'upstream_closed');
  });

  it('passes a reset of the upstream on as a reset', async () => {
    const { client, origin, closed } = await rig();
    origin.send('some');
    await client.until(/some/);
    origin.socket.resetAndDestroy();
    assert.equal(await client.gone(), 'ECONNRESET');
    assert.equal((await closed).reason, 'upstream_reset');
  });

  it('passes a reset of the client on as a reset', async () => {
    const { client, origin, closed } = await rig();
    client.send('some');
    await origin.until(/some/);
    client.socket.resetAndDestroy();
    assert.equal(await origin.gone(), 'ECONNRESET');
    assert.equal((await closed).reason, 'client_reset');
  });

  it('resets both ends when the register asks, and records its reason', async () => {
    const { client, origin, live, closed } = await rig();
    origin.send('some');
    await client.until(/some/);
    live.closeAll('stopping');
    assert.equal(await client.gone(), 'ECONNRESET');
    assert.equal(await origin.gone(), 'ECONNRESET');
    const { reason, bytesDown } = await closed;
    assert.deepEqual({ reason, bytesDown }, { reason: 'stopping', bytesDown: 4 });
  });

  it('stops reading from a fast side while the slow side does not read', async () => {
    const { client, origin, near, far, closed } = await rig();
    const size = 32 * 1024 * 1024;
    let mostQueued = 0;
    far.on('data', () => (mostQueued = Math.max(mostQueued, near.writableLength)));
    client.socket.pause();
    far.once('pause', () => client.socket.resume());
    origin.socket.end(Buffer.alloc(size));
    assert.equal((await client.ended()).length, size);
    assert.ok(mostQueued > 0 && mostQueued <= 256 * 1024, `${mostQueued} bytes were queued`);
    assert.equal((await closed).bytesDown, size);
  });

  it('is over on both sides when it is closed after a half-close (the handle once leaked)', async () => {
    const { client, origin, near, far, live, closed } = await rig();
    origin.socket.removeAllListeners('end');
    const halfClosed = once(origin.socket, 'end');
    const bothGone = Promise.all([once(near, 'close'), once(far, 'close')]);
    client.socket.end('request');
    await halfClosed;
    live.closeAll('stopping');
    await bothGone;
    await client.gone();
    origin.socket.destroy(); // it half-closed nothing, so it has seen a FIN and no more
    assert.equal((await closed).reason, 'stopping');
  });

  it('is over on both sides when it is closed while a FIN is on its way', async () => {
    const { client, near, far, live, closed } = await rig();
    const bothGone = Promise.all([once(near, 'close'), once(far, 'close')]);
    near.once('end', () => live.closeAll('stopping'));
    client.socket.end('request');
    await bothGone;
    assert.equal((await closed).reason, 'stopping');
  });

  it('ends at once when one socket was gone before the tunnel stood', async () => {
    const [client, near] = await pair();
    const [, far] = await pair();
    near.destroy();
    const { promise, resolve } = Promise.withResolvers<ClosedRecord>();
    const live = createLive({ onClosed: resolve, now: () => 0 });
    joinTunnel(near, far, {
      early: undefined,
      entry: live.open(permitFor(request), () => undefined),
    });
    assert.equal((await promise).reason, 'client_reset');
    assert.equal(live.count, 0);
    client.socket.destroy();
  });
});

describe('reset', () => {
  it('closes what cannot send a RST, such as TLS to a parent', async () => {
    const [client, near] = await pair();
    const secured = new TLSSocket(near);
    secured.on('error', () => undefined);
    const closed = once(secured, 'close');
    reset(secured);
    await closed;
    client.socket.destroy();
  });

  it('leaves a socket alone that is gone', async () => {
    const [client, near] = await pair();
    near.destroy();
    reset(near);
    await client.gone();
  });
});
