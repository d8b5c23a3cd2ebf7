// Real origin servers on loopback, port 0: HTTP, raw TCP, echo, WebSocket, and a source and sink of many
// bytes checked by hash.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { WebSocketServer } from 'ws';

/** A running origin. */
export interface Origin {
  readonly port: number;
  /** Connections ever accepted. */
  readonly accepted: () => number;
  /** Connections open now. */
  readonly open: () => number;
  /** Resolves once no connection is open: nobody has left a descriptor behind. */
  readonly idle: () => Promise<void>;
  /** Ends every connection and stops. */
  readonly close: () => Promise<void>;
}

/** Serves HTTP/1.1 with the handler of the test. */
export async function startHttpOrigin(handler: http.RequestListener): Promise<Origin> {
  return listen(http.createServer({ requireHostHeader: false }, handler));
}

/** Gives each connection to the test as it is; half-open is allowed, errors are ignored. */
export async function startTcpOrigin(onSocket: (socket: net.Socket) => void): Promise<Origin> {
  return listen(net.createServer({ allowHalfOpen: true }, onSocket));
}

/** Sends back what it gets, and a FIN for a FIN. */
export async function startEchoOrigin(): Promise<Origin> {
  return startTcpOrigin((socket) => socket.pipe(socket));
}

/** Echoes WebSocket messages; `onHeaders` sees the handshake's head as Node's rawHeaders. */
export async function startWebSocketOrigin(
  onHeaders: (rawHeaders: readonly string[], url: string) => void = () => undefined,
): Promise<Origin> {
  const server = http.createServer();
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket, request) => {
    onHeaders(request.rawHeaders, request.url ?? '');
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  return listen(server);
}

/**
 * `GET /<n>` answers n MiB, `POST` takes any number of bytes and answers `<count> <sha256>`. Over raw TCP the
 * same can be had with `startTcpOrigin`, `writeMebibytes` and `hashOf`.
 */
export async function startBulkOrigin(): Promise<Origin> {
  return startHttpOrigin((request, response) => {
    if (request.method === 'GET') {
      const mebibytes = Number((request.url ?? '').slice(1));
      response.setHeader('content-length', mebibytes * 1024 * 1024);
      void writeMebibytes(response, mebibytes).then(() => response.end()); // the test sees a cut body
      return;
    }
    void hashOf(request).then((sum) => response.end(sum)); // as above
  });
}

const block = randomBytes(1024 * 1024);

/** Writes n times the same random MiB, waiting for drain. */
export async function writeMebibytes(
  target: NodeJS.WritableStream & NodeJS.EventEmitter,
  mebibytes: number,
): Promise<void> {
  for (let index = 0; index < mebibytes; index += 1) {
    if (!target.write(block)) await once(target, 'drain');
  }
}

/** What `hashOf` gives for n MiB of `writeMebibytes`. */
export function expectedHash(mebibytes: number): string {
  const hash = createHash('sha256');
  for (let index = 0; index < mebibytes; index += 1) hash.update(block);
  return `${mebibytes * 1024 * 1024} ${hash.digest('hex')}`;
}

/** Reads a stream to its end: `<count> <sha256>`. */
export async function hashOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash('sha256');
  let count = 0;
  for await (const chunk of stream) {
    hash.update(chunk);
    count += chunk.length;
  }
  return `${count} ${hash.digest('hex')}`;
}

async function listen(server: net.Server): Promise<Origin> {
  const sockets = new Set<net.Socket>();
  let accepted = 0;
  server.on('connection', (socket: net.Socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0) server.emit('idle');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port');
  return {
    port: address.port,
    accepted: () => accepted,
    open: () => sockets.size,
    async idle() {
      if (sockets.size > 0) await once(server, 'idle');
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
