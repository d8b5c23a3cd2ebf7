// Real upstream proxies on loopback: HTTP (CONNECT and forwarding, with TLS in front if wanted) and
// SOCKS 4a/5. They write down what they were asked, and know where names "really" are.
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Leaf } from './tls.ts';

/** One question a parent was asked. */
export interface Asked {
  readonly kind: 'connect' | 'forward' | 'socks4' | 'socks5';
  /** As it was written: `host:port`, or the absolute form. */
  readonly target: string;
  /** `user:password`, undefined when none came. */
  readonly credentials: string | undefined;
}

/** How a parent behaves. */
export interface ParentOptions {
  /** Where a `host:port` really is; default: the port on 127.0.0.1. */
  readonly route?: (target: string) => number;
  /** TLS in front of an HTTP parent. */
  readonly tls?: Leaf;
  /** HTTP status or SOCKS reply code that refuses everything. */
  readonly refuse?: number;
  /** Demands SOCKS5 user and password. */
  readonly demandsUser?: boolean;
  /** Sent in one write with the answer that opens the tunnel, as a server that speaks first may. */
  readonly early?: string;
  /** Takes connections and never says a word. */
  readonly mute?: boolean;
}

/** A running parent. */
export interface ParentProxy {
  readonly port: number;
  readonly asked: readonly Asked[];
  /** Sockets open now. */
  readonly sockets: ReadonlySet<net.Socket>;
  readonly close: () => Promise<void>;
}

/** Starts an HTTP proxy: CONNECT is tunnelled, absolute-form is answered with what was asked. */
export function startHttpParent(options: ParentOptions = {}): Promise<ParentProxy> {
  const asked: Asked[] = [];
  const server =
    options.tls === undefined
      ? http.createServer()
      : https.createServer({ ...options.tls, allowHalfOpen: true });
  server.on('request', (request, response) => {
    asked.push({ kind: 'forward', target: request.url ?? '', credentials: basic(request) });
    response.statusCode = options.refuse ?? 200;
    response.end(`forwarded ${request.url ?? ''}`);
  });
  server.on('connect', (request: http.IncomingMessage, socket: Duplex, head: Buffer) => {
    const target = request.url ?? '';
    asked.push({ kind: 'connect', target, credentials: basic(request) });
    socket.on('error', () => undefined);
    if (options.mute === true) return hush(socket);
    if (options.refuse !== undefined) {
      socket.end(`HTTP/1.1 ${options.refuse} No\r\nContent-Length: 4\r\n\r\nbody`);
      return;
    }
    const opening = `HTTP/1.1 200 Fine\r\n\r\n${options.early ?? ''}`;
    relay(socket, portOf(options, target), Buffer.from(opening), head);
  });
  return listen(server, asked);
}

/** Starts a SOCKS proxy that speaks 4a and 5; CONNECT only, one read per message is assumed. */
export function startSocksParent(options: ParentOptions = {}): Promise<ParentProxy> {
  const asked: Asked[] = [];
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    if (options.mute === true) return hush(socket);
    void serveSocks(socket, options, asked).catch(() => socket.destroy()); // the client left midway
  });
  return listen(server, asked);
}

/** Says nothing, and goes when the client goes. */
function hush(socket: Duplex): void {
  socket.resume();
  socket.once('end', () => socket.destroy());
}

async function serveSocks(
  socket: net.Socket,
  options: ParentOptions,
  asked: Asked[],
): Promise<void> {
  const greeting = await read(socket);
  if (greeting[0] === 4) return serveSocks4(socket, greeting, options, asked);
  let credentials: string | undefined;
  if (options.demandsUser === true) {
    if (!greeting.subarray(2).includes(2)) return void socket.end(Buffer.of(5, 0xff));
    socket.write(Buffer.of(5, 2));
    const login = await read(socket);
    const nameEnd = 2 + (login[1] ?? 0);
    credentials = `${login.toString('utf8', 2, nameEnd)}:${login.toString('utf8', nameEnd + 1)}`;
    socket.write(Buffer.of(1, 0));
  } else {
    socket.write(Buffer.of(5, 0));
  }
  const request = await read(socket);
  const target = `${socksHost(request)}:${request.readUInt16BE(request.length - 2)}`;
  asked.push({ kind: 'socks5', target, credentials });
  const reply = Buffer.of(5, options.refuse ?? 0, 0, 1, 0, 0, 0, 0, 0, 0);
  if (options.refuse !== undefined) return void socket.end(reply);
  relay(socket, portOf(options, target), Buffer.concat([reply, Buffer.from(options.early ?? '')]));
}

function serveSocks4(
  socket: net.Socket,
  request: Buffer,
  options: ParentOptions,
  asked: Asked[],
): void {
  const userEnd = request.indexOf(0, 8);
  const named = request.readUInt32BE(4) < 256;
  const host = named
    ? request.toString('latin1', userEnd + 1, request.length - 1)
    : request.subarray(4, 8).join('.');
  const target = `${host}:${request.readUInt16BE(2)}`;
  const user = request.toString('latin1', 8, userEnd);
  asked.push({ kind: 'socks4', target, credentials: user === '' ? undefined : user });
  const reply = Buffer.of(0, options.refuse ?? 90, 0, 0, 0, 0, 0, 0);
  if (options.refuse !== undefined) return void socket.end(reply);
  relay(socket, portOf(options, target), Buffer.concat([reply, Buffer.from(options.early ?? '')]));
}

function socksHost(request: Buffer): string {
  const kind = request[3];
  if (kind === 3) return request.toString('latin1', 5, request.length - 2);
  if (kind === 1) return request.subarray(4, 8).join('.');
  return request.toString('hex', 4, 20);
}

async function read(socket: net.Socket): Promise<Buffer> {
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  return chunk;
}

function portOf({ route }: ParentOptions, target: string): number {
  return route?.(target) ?? Number(target.slice(target.lastIndexOf(':') + 1));
}

function relay(client: Duplex, port: number, opening: Buffer, head?: Buffer): void {
  const upstream = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  upstream.on('error', () => client.destroy());
  client.on('close', () => upstream.destroy());
  upstream.once('connect', () => {
    client.write(opening);
    if (head !== undefined && head.length > 0) upstream.write(head);
    client.pipe(upstream).pipe(client);
  });
}

function basic({ headers }: http.IncomingMessage): string | undefined {
  const [, value] = /^Basic (.+)$/.exec(headers['proxy-authorization'] ?? '') ?? [];
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8');
}

async function listen(server: net.Server, asked: readonly Asked[]): Promise<ParentProxy> {
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket: net.Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    sockets,
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
