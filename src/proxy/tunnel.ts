// Joins two connected sockets and relays bytes both ways until both have ended. It judges nothing and
// waits for nothing else: an open tunnel has no total and no idle limit, TCP keep-alive finds dead peers.
import type { Socket } from 'node:net';
import type { CloseReason, LiveEntry } from './live.ts';

const keepAliveDelayMs = 60_000;

/** What a tunnel needs beside its two sockets. */
export interface TunnelOptions {
  /** Bytes the client sent before the tunnel stood; they go up first. */
  readonly early: Buffer | undefined;
  /** Ended once both sockets are closed; bytes are those read from one side and handed to the other. */
  readonly entry: LiveEntry;
}

/**
 * Relays with back-pressure; a FIN is passed on as a FIN, a reset as a reset. Both sockets must have been
 * made with `allowHalfOpen` and be unread since `early`; the tunnel owns them from here on.
 */
export function joinTunnel(client: Socket, upstream: Socket, options: TunnelOptions): void {
  const { early, entry } = options;
  const remoteAddress = upstream.remoteAddress;
  let bytesUp = early?.length ?? 0;
  let bytesDown = 0;
  let reason: CloseReason | undefined;
  let open = 2;

  const finish = (): void => {
    entry.end(reason ?? 'error', bytesUp, bytesDown, remoteAddress);
  };
  const fail = (why: CloseReason): void => {
    reason ??= why;
    reset(client);
    reset(upstream);
  };
  const onSocketClose = (): void => {
    open -= 1;
    if (open > 0) return;
    finish();
  };

  client.on('error', () => fail('client_reset'));
  upstream.on('error', () => fail('upstream_reset'));
  if (client.destroyed || upstream.destroyed) {
    reason = client.destroyed ? 'client_reset' : 'upstream_reset';
    reset(client);
    reset(upstream);
    finish();
    return;
  }
  client.on('close', () => {
    // Closed without having ended both ways: torn down, and never to look complete to the other side.
    if (!client.readableEnded) fail('client_reset');
    onSocketClose();
  });
  upstream.on('close', () => {
    if (!upstream.readableEnded) fail('upstream_reset');
    onSocketClose();
  });
  entry.onClose(fail);

  tune(client);
  tune(upstream);
  if (early !== undefined && early.length > 0) upstream.write(early);

  client.on('data', (chunk: Buffer) => {
    bytesUp += chunk.length;
    entry.onRead(chunk.length);
    if (!upstream.write(chunk)) client.pause();
  });
  upstream.on('data', (chunk: Buffer) => {
    bytesDown += chunk.length;
    entry.onRead(chunk.length);
    if (!client.write(chunk)) upstream.pause();
  });
  upstream.on('drain', () => client.resume());
  client.on('drain', () => upstream.resume());
  client.on('end', () => {
    reason ??= 'client_closed';
    upstream.end();
  });
  upstream.on('end', () => {
    reason ??= 'upstream_closed';
    client.end();
  });
  client.resume();
  upstream.resume();
}

/** Ends a socket with a RST where it can, so that a cut transfer is not taken for a whole one. */
export function reset(socket: Socket): void {
  if (socket.destroyed) return;
  // While a FIN is being sent libuv refuses to reset (EINVAL), and Node then leaks the handle for ever;
  // everything we had to say is with the kernel by then, so closing cuts nothing short.
  if (socket.writableEnded && socket.writableLength === 0 && !socket.writableFinished) {
    socket.destroy();
    return;
  }
  try {
    socket.resetAndDestroy();
  } catch {
    // Only plain TCP handles can send a RST (a TLS hop to a parent cannot); close it as it is.
    socket.destroy();
  }
}

function tune(socket: Socket): void {
  socket.setTimeout(0); // whatever deadline the handshake had is over
  socket.setNoDelay(true);
  socket.setKeepAlive(true, keepAliveDelayMs);
}
