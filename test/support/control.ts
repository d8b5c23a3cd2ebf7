// A control listener with made-up parts on a free port and on a socket, and raw requests to it.
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createRoutes } from '../../src/control/routes.ts';
import type { RouteParts } from '../../src/control/routes.ts';
import { createPeerFinder } from '../../src/control/peer.ts';
import { openControl } from '../../src/control/server.ts';
import type { StatusResponse } from '../../src/control/messages.ts';

/** The token of these listeners. */
export const token = 'TestTokenTestTokenTestTokenTestTokenTestTok';

/** Two open listeners. */
export interface ControlBench {
  readonly port: number;
  readonly url: string;
  readonly folder: string;
  readonly socketPath: string;
  readonly bugs: unknown[];
}

/** Opens both listeners over parts that do nothing unless given, and closes them after the test. */
export async function openBench(
  context: TestContext,
  given: Partial<RouteParts> = {},
): Promise<ControlBench> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-control-'));
  const bugs: unknown[] = [];
  const routes = createRoutes({
    status: () => ({ version: '0.0.0' }) as StatusResponse, // as much of it as these tests look at
    pending: () => [],
    answer: () => Promise.resolve({ status: 'unknown' }),
    grants: () => [],
    approverOf: (_client, surface) => Promise.resolve({ name: 'dev', surface }),
    revoke: () => undefined,
    reload: () => Promise.resolve({ loaded: true, version: 'v1', messages: [] }),
    ...given,
  });
  let port = 0;
  const parts = {
    routes,
    token: () => token,
    port: () => port,
    peerOf: createPeerFinder(),
    onBug: (bug: unknown) => bugs.push(bug),
  };
  const socketPath = join(folder, 'control.sock');
  const tcp = await openControl(parts, { port: 0 });
  const socket = await openControl(parts, { path: socketPath });
  port = tcp.port ?? 0;
  context.after(async () => {
    await Promise.all([tcp.close(), socket.close()]);
    rmSync(folder, { recursive: true });
  });
  return { port, url: `http://127.0.0.1:${port}`, folder, socketPath, bugs };
}

/** One request as a test writes it. */
export interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Over the unix socket instead of the port. */
  readonly overSocket?: boolean;
}

/** What came back. */
export interface Received {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

/** Sends one request with the token unless the headers say otherwise (empty: left out). */
export async function send(bench: ControlBench, sent: Sent): Promise<Received> {
  const { method = 'GET', path = '/v1/status', headers = {}, body, overSocket = false } = sent;
  const { promise, resolve, reject } = Promise.withResolvers<Received>();
  const all = Object.entries({ authorization: `Bearer ${token}`, ...headers });
  const outgoing = request({
    ...(overSocket ? { socketPath: bench.socketPath } : { host: '127.0.0.1', port: bench.port }),
    method,
    path,
    agent: false,
    headers: {
      host: overSocket ? 'localhost' : `127.0.0.1:${bench.port}`,
      ...Object.fromEntries(all.filter(([, value]) => value !== '')),
    },
  });
  outgoing.on('error', reject);
  outgoing.on('response', (incoming) => {
    let text = '';
    incoming.setEncoding('utf8').on('data', (part: string) => (text += part));
    incoming.on('end', () => {
      const decoded = text === '' ? undefined : (JSON.parse(text) as unknown);
      resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: decoded });
    });
  });
  outgoing.end(body);
  return await promise;
}

/** Writes bytes as they are and gives everything that comes back until the other side closes. */
export async function sendRaw(port: number, text: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('error', () => undefined);
  socket.setEncoding('latin1').on('data', (part) => (answer += String(part)));
  socket.on('close', () => {
    resolve(answer);
  });
  socket.write(text, 'latin1');
  return await promise;
}
