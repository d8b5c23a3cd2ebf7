// The far end of every measurement, in a process of its own: echo, HTTP, source and sink, each on its own port.
// It does as little as it can, so that it is not what limits the figures.
import { once } from 'node:events';
import net from 'node:net';

/** Ports of the far end. */
export interface TargetPorts {
  readonly echo: number;
  readonly http: number;
  /** Reads a count of MiB as text with a line feed, then sends as many. */
  readonly source: number;
  /** Reads until the end and then says `<bytes>\n`. */
  readonly sink: number;
}

const block = Buffer.alloc(1024 * 1024, 'sallyport');
const ok = Buffer.from(
  'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 64\r\n\r\n' + 'x'.repeat(64),
);

const echo = await listen((socket) => {
  socket.on('data', (data: Buffer) => socket.write(data));
  socket.on('end', () => socket.end());
});

const http = await listen((socket) => {
  let head = '';
  socket.on('data', (data: Buffer) => {
    head += data.toString('latin1');
    for (let end = head.indexOf('\r\n\r\n'); end >= 0; end = head.indexOf('\r\n\r\n')) {
      const closes = /\r\nconnection: close\r\n/i.test(head.slice(0, end + 2));
      head = head.slice(end + 4);
      socket.write(ok);
      if (closes) socket.end();
    }
  });
  socket.on('end', () => socket.end());
});

const source = await listen((socket) => {
  socket.once('data', (data: Buffer) => send(socket, Number(data.toString('latin1'))));
});

const sink = await listen((socket) => {
  let bytes = 0;
  socket.on('data', (data: Buffer) => (bytes += data.length));
  socket.on('end', () => socket.end(`${bytes}\n`));
});

/** Writes until the kernel takes no more, and goes on when it does. */
function send(socket: net.Socket, mebibytes: number): void {
  let left = mebibytes;
  const more = (): void => {
    while (left > 0) {
      left -= 1;
      if (!socket.write(block)) return;
    }
    socket.off('drain', more);
    socket.end();
  };
  socket.on('drain', more);
  more();
}

async function listen(onSocket: (socket: net.Socket) => void): Promise<number> {
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    onSocket(socket);
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port');
  return address.port;
}

process.on('disconnect', () => process.exit(0));
process.send?.({ echo, http, source, sink } satisfies TargetPorts);
