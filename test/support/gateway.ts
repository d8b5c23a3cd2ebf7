// The gateway for its tests: started on loopback over a gate of the test, asked as a client asks, and an origin
// behind it that tells what came.
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import type { Gate } from '../../src/gate.ts';
import type { Permit, Route } from '../../src/policy/decision.ts';
import { createDialer, type Dialer } from '../../src/proxy/dial.ts';
import { createGatewayHandler } from '../../src/proxy/gateway.ts';
import type { GatewayParts } from '../../src/proxy/gateway-door.ts';
import { type ClosedRecord, createLive, type Live } from '../../src/proxy/live.ts';
import { startHttpOrigin } from './origin.ts';
import { createPermit } from './permit.ts';

/** Everybody's way: the origins of the tests. */
export const direct: Route = { via: 'direct', addresses: ['127.0.0.1'] };
/** A gate that lets everything through. */
export const allow: Gate = (request) => Promise.resolve(createPermit(request, direct));

/** What the tests of this process have opened; emptied by `closeOpened`. */
export const opened: (() => unknown)[] = [];
/** Keeps the clients' connections; `ask` goes through it unless told otherwise. */
export const agent = new http.Agent({ keepAlive: true });

/** Closes everything; for `afterEach`. */
export async function closeOpened(): Promise<void> {
  agent.destroy();
  await Promise.all(opened.splice(0).map((close) => close()));
}

/** A gateway and what it told its daemon. */
export interface Running {
  readonly port: number;
  readonly live: Live;
  readonly closed: ClosedRecord[];
  readonly malformed: { readonly what: string; readonly text: string }[];
  readonly dials: Permit[];
}

/** Starts one for this upstream; closed by `closeOpened`. */
export async function startGateway(
  upstream: string,
  more: Partial<Pick<GatewayParts, 'gate' | 'upstream' | 'onBug'>> & {
    readonly dialer?: Pick<Dialer, 'dialTunnel' | 'dialTls'>;
  } = {},
): Promise<Running> {
  const closed: ClosedRecord[] = [];
  const malformed: { what: string; text: string }[] = [];
  const dials: Permit[] = [];
  const live = createLive({ onClosed: (record) => closed.push(record), now: () => 0 });
  const dialer = more.dialer ?? createDialer();
  const base = new URL(upstream);
  const server = createGatewayHandler({
    gate: more.gate ?? allow,
    live,
    upstream: more.upstream ?? (() => base),
    dialTls: (permit, target, signal) => {
      dials.push(permit);
      return dialer.dialTls(permit, target, signal);
    },
    dialTunnel: (permit, signal) => {
      dials.push(permit);
      return dialer.dialTunnel(permit, signal);
    },
    onMalformed: async ({ what, text }) => void malformed.push({ what, text }),
    onBug:
      more.onBug ??
      ((error) => {
        throw error;
      }),
    date: () => 'Fri, 20 Nov 2026 10:00:00 GMT',
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  opened.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { port: (server.address() as AddressInfo).port, live, closed, malformed, dials };
}

/** What a client got. */
export interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** One request over connections that are kept. */
export async function ask(
  port: number,
  path: string,
  options: http.RequestOptions = {},
  body?: string,
): Promise<Answer> {
  const request = http.request({ port, path, host: '127.0.0.1', agent, ...options });
  request.end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return {
    status: response.statusCode ?? 0,
    reason: response.statusMessage ?? '',
    headers: response.headers,
    body: Buffer.concat(chunks).toString(),
  };
}

/** Bytes in, everything that comes back until the end. */
export async function raw(port: number, text: string): Promise<string> {
  const socket = net.connect(port, '127.0.0.1');
  socket.write(text);
  let came = '';
  for await (const chunk of socket) came += String(chunk);
  return came;
}

/** An origin that answers 201 with the body it got, and keeps the heads. */
export async function echoOrigin(): Promise<{
  readonly port: number;
  readonly heads: string[][];
  readonly accepted: () => number;
  readonly open: () => number;
}> {
  const heads: string[][] = [];
  const origin = await startHttpOrigin((request, response) => {
    heads.push([`${request.method} ${request.url}`, ...request.rawHeaders]);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      response.writeHead(201, 'Made', {
        'X-Request-Id': 'r1',
        'Set-Cookie': ['a=1', 'b=2'],
        'Proxy-Authenticate': 'Basic',
        Connection: 'keep-alive, x-hop',
        'X-Hop': 'gone',
      });
      response.end(Buffer.concat(chunks));
    });
  });
  opened.push(origin.close);
  return { port: origin.port, heads, accepted: origin.accepted, open: origin.open };
}
