// A hand-made proxy client for tests that need the connection itself rather than what a real client shows.
import net from 'node:net';

/** An attempt at a tunnel: the socket, and the status line once there is one (`closed` when there never is). */
export interface Attempt {
  readonly socket: net.Socket;
  readonly answer: Promise<string>;
}

/** Asks the HTTP door for a tunnel and keeps the socket. */
export function connectThrough(proxyPort: number, authority: string): Attempt {
  const socket = net.connect(proxyPort, '127.0.0.1');
  socket.on('error', () => undefined); // a refusal may end in a reset
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  const answer = new Promise<string>((resolve) => {
    socket.once('data', (data: Buffer) => resolve(data.toString('latin1').split('\r\n')[0] ?? ''));
    socket.once('close', () => resolve('closed'));
  });
  return { socket, answer };
}

/** Resolves once the socket is closed, by a FIN or by a reset; unlike node:events' `once` a reset is no failure. */
export function closed(socket: net.Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
}
