// Asks the real daemon's doors byte by byte, with host texts that no client library would send.
import { once } from 'node:events';
import net from 'node:net';

/** What came back: a status, or for SOCKS the REP field; undefined when the door only hung up. */
export type RawAnswer = number | undefined;

/** Sends bytes and gives everything that comes until the other side ends, at most for `limitMs`. */
export async function exchange(port: number, bytes: string, limitMs = 10_000): Promise<string> {
  const socket = net.connect(port, '127.0.0.1');
  let text = '';
  socket.on('error', () => undefined); // a refusal may end in a reset
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  const limit = setTimeout(() => socket.destroy(), limitMs);
  socket.write(bytes, 'latin1');
  if (!socket.closed) await once(socket, 'close');
  clearTimeout(limit);
  return text;
}

/** Sends bytes and gives the first line of the answer; hangs up then. */
export async function firstLine(port: number, bytes: string): Promise<string> {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => undefined); // as above
  const answer = new Promise<string>((resolve) => {
    socket.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1')));
    socket.once('close', () => resolve(''));
  });
  socket.write(bytes, 'latin1');
  const line = (await answer).split('\r\n')[0] ?? '';
  socket.destroy();
  return line;
}

/** The status a CONNECT to `host:port` gets, the host as it stands. */
export async function rawConnect(door: number, host: string, port: number): Promise<RawAnswer> {
  const authority = `${host}:${port}`;
  return statusOf(
    await firstLine(door, `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`),
  );
}

/** The status a plain GET of `http://host:port/` gets. */
export async function rawGet(door: number, host: string, port: number): Promise<RawAnswer> {
  const authority = `${host}:${port}`;
  const head = `GET http://${authority}/ HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`;
  return statusOf(await firstLine(door, head));
}

function statusOf(line: string): RawAnswer {
  return line === '' ? undefined : Number(line.split(' ')[1]);
}

/** A SOCKS5 host: a name as bytes, or an address of 4 or 16 bytes. */
export type SocksHost = string | Uint8Array;

/** Greeting and CONNECT in one write. */
export function socksRequest(host: SocksHost, port: number): Buffer {
  const address =
    typeof host === 'string'
      ? Buffer.concat([Buffer.of(3, host.length), Buffer.from(host, 'latin1')])
      : Buffer.concat([Buffer.of(host.length === 4 ? 1 : 4), host]);
  return Buffer.concat([Buffer.of(5, 1, 0, 5, 1, 0), address, Buffer.of(port >> 8, port & 255)]);
}

/** The REP field that a SOCKS5 CONNECT gets. */
export async function rawSocks(door: number, host: SocksHost, port: number): Promise<RawAnswer> {
  const socket = net.connect(door, '127.0.0.1');
  socket.on('error', () => undefined); // as above
  const answer = new Promise<RawAnswer>((resolve) => {
    let bytes = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length >= 4) resolve(bytes[3]); // 05 00 for the method, then 05 REP
    });
    socket.once('close', () => resolve(undefined));
  });
  socket.write(socksRequest(host, port));
  const rep = await answer;
  socket.destroy();
  return rep;
}
