// Binds one loopback port, counts its connections, turns away those beyond the limit and closes in time.
// What a connection says is the business of whoever takes the sockets.
import type { Server as HttpServer } from 'node:http';
import net from 'node:net';
import { SallyportError } from '../errors.ts';
import type { ListenerKind } from '../policy/decision.ts';
import { findPortOwner } from './port-owner.ts';
import { renderAnswer, trouble } from './refusal.ts';

const backlog = 4096;
const lingerMs = 1_000;
const lingerLimit = 256;
// Looking through all connections at each one too many would help a flood.
const makeRoomEveryMs = 1_000;
const tellEveryMs = 60_000;

/** What to bind and who takes the connections. */
export interface ListenerOptions {
  readonly kind: ListenerKind | 'control';
  /** A loopback address; anything else is refused with ERR_LISTEN. */
  readonly host: '127.0.0.1' | '::1';
  /** 0 for an ephemeral port. */
  readonly port: number;
  /** An HTTP server that is not listening yet; or else `onSocket`. */
  readonly server?: HttpServer;
  /** Takes raw sockets; half-open is allowed on them. */
  readonly onSocket?: (socket: net.Socket) => void;
  /**
   * Connections beyond this are answered 503 (`server`, once those kept idle have been closed) or just closed
   * (`onSocket`). Default 16,384.
   */
  readonly maxConnections?: number;
  /**
   * Told that connections were turned away, or could not be accepted for want of descriptors: of the first, and
   * then once a minute at most, with how many there were since.
   */
  readonly onCapacity?: (count: number) => void;
}

/** A bound port. */
export interface Listener {
  readonly port: number;
  /** Connections open now. */
  readonly count: number;
  /** Takes no more connections; those that stand stay. */
  readonly stopAccepting: () => void;
  /** Stops accepting, waits up to `deadlineMs` for the connections to end, then ends them. */
  readonly close: (deadlineMs: number) => Promise<void>;
}

/** Opens a listener. Rejects with ERR_PORT_IN_USE (naming who has the port, where that can be seen) or ERR_LISTEN. */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const sockets = new Set<net.Socket>();
  const tellCapacity = createTeller(options.onCapacity);
  const server = createServer(options, sockets, tellCapacity);
  await bind(server, options);
  // Accepting can fail later (descriptors run out); that must not end the process.
  server.on('error', tellCapacity);
  const port = portOf(server);
  let stopped = false;
  const closed = new Promise<void>((resolve) => server.once('close', () => resolve()));
  const stopAccepting = (): void => {
    if (stopped) return;
    stopped = true;
    server.close();
  };
  return {
    port,
    get count() {
      return sockets.size;
    },
    stopAccepting,
    async close(deadlineMs) {
      stopAccepting();
      const timer = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, deadlineMs);
      await closed;
      clearTimeout(timer);
    },
  };
}

function createTeller(onCapacity: ListenerOptions['onCapacity']): () => void {
  let count = 0;
  let toldAtMs = -Infinity;
  return () => {
    count += 1;
    if (performance.now() - toldAtMs < tellEveryMs) return;
    toldAtMs = performance.now();
    onCapacity?.(count);
    count = 0;
  };
}

function createServer(
  options: ListenerOptions,
  sockets: Set<net.Socket>,
  tellCapacity: () => void,
): net.Server {
  const server = options.server ?? net.createServer({ allowHalfOpen: true, noDelay: true });
  // node:http takes a connection in a 'connection' listener of its own; ours stands before it so that a
  // connection too many never costs a parser.
  const takers = server.listeners('connection');
  if (options.onSocket !== undefined) takers.push(options.onSocket);
  server.removeAllListeners('connection');
  const limit = options.maxConnections ?? 16_384;
  const lingering = { count: 0 };
  let madeRoomAtMs = -Infinity;
  /** Connections kept between two requests give way, so that nobody can keep all of them for nothing. */
  const makeRoom = (): void => {
    if (options.server === undefined || performance.now() - madeRoomAtMs < makeRoomEveryMs) return;
    madeRoomAtMs = performance.now();
    options.server.closeIdleConnections();
    for (const socket of sockets) if (socket.destroyed) sockets.delete(socket);
  };
  server.on('connection', (socket: net.Socket) => {
    if (sockets.size >= limit) makeRoom();
    if (sockets.size >= limit) {
      tellCapacity();
      turnAway(socket, options, lingering);
      return;
    }
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', ignore); // whoever takes the socket adds its own; this one is never too late
    for (const take of takers) take.call(server, socket);
  });
  return server;
}

function turnAway(
  socket: net.Socket,
  options: ListenerOptions,
  lingering: { count: number },
): void {
  socket.on('error', ignore);
  if (options.server === undefined || lingering.count >= lingerLimit) {
    socket.destroy();
    return;
  }
  lingering.count += 1;
  socket.once('close', () => {
    lingering.count -= 1;
  });
  endGracefully(socket, renderAnswer(trouble({ kind: 'capacity' }), new Date().toUTCString()));
}

/**
 * Writes the last bytes and a FIN, then reads away what the client still sends until it closes too or, once
 * all is written, a second is over: a close with unread bytes would be a RST, which may overtake the answer.
 */
export function endGracefully(socket: net.Socket, last: Uint8Array): void {
  if (socket.destroyed) return;
  socket.on('error', ignore);
  socket.end(last, () => {
    if (socket.destroyed) return;
    const timer = setTimeout(() => socket.destroy(), lingerMs);
    socket.once('close', () => clearTimeout(timer));
  });
  socket.resume();
}

async function bind(server: net.Server, options: ListenerOptions): Promise<void> {
  const { kind, host, port } = options;
  if (!isLoopback(host)) {
    throw new SallyportError(
      'ERR_LISTEN',
      `the ${kind} listener may not bind ${host}: only loopback addresses are allowed`,
    );
  }
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port, backlog, exclusive: true }, () => {
        server.removeListener('error', reject);
        resolve();
      });
    });
  } catch (error) {
    throw await explainBindFailure(error, options);
  }
}

async function explainBindFailure(
  error: unknown,
  { kind, host, port }: ListenerOptions,
): Promise<SallyportError> {
  const code = (error as NodeJS.ErrnoException).code; // net only ever emits Errors here
  if (code !== 'EADDRINUSE') {
    return new SallyportError(
      'ERR_LISTEN',
      `the ${kind} listener cannot bind ${host}:${port}: ${code}`,
      {
        cause: error,
      },
    );
  }
  const owner = await findPortOwner(port);
  const by = owner === undefined ? 'by another program' : `by ${owner}`;
  return new SallyportError(
    'ERR_PORT_IN_USE',
    `the ${kind} listener cannot bind ${host}:${port}: the port is taken ${by}; stop that program or configure another port`,
    { cause: error },
  );
}

function isLoopback(host: string): boolean {
  return host === '::1' || (net.isIPv4(host) && host.startsWith('127.'));
}

function portOf(server: net.Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') {
    throw new SallyportError('ERR_LISTEN', 'the listener has no TCP port');
  }
  return address.port;
}

function ignore(): void {
  // A broken client connection is that client's end; its 'close' does the tidying.
}
