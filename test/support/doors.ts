// The four doors as one client: each asks for a host and port in its own protocol and says what came of it.
import http from 'node:http';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { SocksClient, SocksClientError } from 'socks';
import { connectThrough } from './proxy-client.ts';
import type { RunningDaemon } from './daemon.ts';

/** What a client learns, in words that fit every protocol. */
export type Came = 'reached' | 'refused' | 'malformed' | 'trouble' | 'unavailable';

/** One attempt that can be waited for or given up. */
export interface DoorAttempt {
  readonly came: Promise<Came>;
  readonly leave: () => void;
}

/** One door. */
export interface Door {
  readonly name: 'CONNECT' | 'plain HTTP' | 'SOCKS5' | 'the gateway';
  readonly protocol: 'https_connect' | 'http' | 'socks5_tcp';
  readonly listener: 'http' | 'socks5' | 'gateway';
  readonly method: string;
  /** Asks for host and port; the gateway asks for what its configuration names. */
  readonly ask: (daemon: RunningDaemon, host: string, port: number) => DoorAttempt;
}

/** Status codes as every HTTP door uses them. */
function byStatus(status: number): Came {
  if (status === 200) return 'reached';
  if (status === 400) return 'malformed';
  if (status === 403) return 'refused';
  if (status === 503) return 'unavailable';
  if (status === 502 || status === 504) return 'trouble';
  throw new Error(`no door answers ${status}`);
}

function askConnect(daemon: RunningDaemon, host: string, port: number): DoorAttempt {
  const { socket, answer } = connectThrough(daemon.http, `${host}:${port}`);
  const came = throughTunnel(socket, answer);
  came.catch(() => undefined); // an attempt that was left is not waited for
  return { came, leave: () => socket.destroy() };
}

async function throughTunnel(socket: Socket, answer: Promise<string>): Promise<Came> {
  const came = byStatus(Number((await answer).split(' ')[1]));
  return came === 'reached' ? exchange(socket) : came;
}

/** One HTTP exchange in an open tunnel proves that it leads to the origin. */
async function exchange(socket: Socket): Promise<Came> {
  let text = '';
  socket.on('data', (data: Buffer) => (text += data.toString('latin1')));
  const ended = once(socket, 'end');
  socket.write('GET / HTTP/1.1\r\nHost: inside\r\nConnection: close\r\n\r\n');
  await ended;
  socket.destroy();
  return byStatus(Number(text.split(' ')[1]));
}

function askHttp(port: number, options: http.RequestOptions): DoorAttempt {
  const request = http.request({ host: '127.0.0.1', port, agent: false, ...options });
  const came = new Promise<Came>((resolve, reject) => {
    request.once('error', reject);
    request.once('response', (response) => {
      response.resume().once('end', () => resolve(byStatus(response.statusCode ?? 0)));
    });
  });
  came.catch(() => undefined); // as above
  request.end();
  return { came, leave: () => request.destroy() };
}

function askSocks(daemon: RunningDaemon, host: string, port: number): DoorAttempt {
  const client = new SocksClient({
    proxy: { host: '127.0.0.1', port: daemon.socks, type: 5 },
    command: 'connect',
    destination: { host, port },
    timeout: 60_000,
  });
  const came = new Promise<Came>((resolve, reject) => {
    client.once('error', (error: Error) => {
      const text = error instanceof SocksClientError ? error.message : '';
      if (/NotAllowed/.test(text)) resolve('refused');
      else if (/Failure|Unreachable|ConnectionRefused/.test(text)) resolve('trouble');
      else reject(error);
    });
    client.once('established', ({ socket }: { socket: Socket }) => {
      exchange(socket).then(resolve, reject);
    });
  });
  came.catch(() => undefined); // as above
  client.connect();
  const { socket } = client as unknown as { socket: Socket }; // the library has no way to give up
  return { came, leave: () => socket.destroy() };
}

/** All four, in the order tests run them. */
export const doors: readonly Door[] = [
  {
    name: 'CONNECT',
    protocol: 'https_connect',
    listener: 'http',
    method: 'CONNECT',
    ask: askConnect,
  },
  {
    name: 'plain HTTP',
    protocol: 'http',
    listener: 'http',
    method: 'GET',
    ask: (daemon, host, port) =>
      askHttp(daemon.http, {
        path: `http://${host}:${port}/`,
        headers: { host: `${host}:${port}` },
      }),
  },
  { name: 'SOCKS5', protocol: 'socks5_tcp', listener: 'socks5', method: 'none', ask: askSocks },
  {
    name: 'the gateway',
    protocol: 'http',
    listener: 'gateway',
    method: 'GET',
    ask: (daemon) => askHttp(daemon.gateway ?? 0, { path: '/v1/models' }),
  },
];
