// The control listeners: HTTP/1.1 on 127.0.0.1 and on a unix socket, the same routes on both. Guards,
// limits and framing are here; what can be asked is in routes.ts.
import { lstat, chmod, unlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Caller } from '../approval/answers.ts';
import { SallyportError } from '../errors.ts';
import type { ClientAddress } from '../policy/decision.ts';
import { checkOrigin, checkToken, singleHeaders } from './guard.ts';
import type { ControlListener, Refused } from './guard.ts';
import type { ErrorResponse } from './messages.ts';

/** What a token's holder may do; today's one token is the local admin's and may do all. */
export type Permission = 'anyone' | 'view' | 'answer' | 'admin';

/** One request as a route sees it: past every guard. */
export interface ControlRequest {
  /** The text in the place of `{id}`; empty for routes without. */
  readonly id: string;
  /** The decoded JSON body of a POST; undefined otherwise. */
  readonly body: unknown;
  /** The other end of the connection. */
  readonly caller: Caller;
  /** What the caller says it is, from a closed list; not proof. */
  readonly surface: string;
}

/** What a route gives back: the body of a 200, or a refusal. */
export type ControlReply = { readonly body: unknown } | { readonly refused: Refused };

/** One line of the route table. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Segments; `{id}` stands for one of any text. */
  readonly path: string;
  readonly permission: Permission;
  readonly handle: (request: ControlRequest) => Promise<ControlReply>;
}

/** What the listeners are made of. */
export interface ControlParts {
  readonly routes: readonly Route[];
  readonly token: () => string;
  /** The TCP port in use, for the Host check. */
  readonly port: () => number;
  /** The process at the other end of a unix socket connection, where the kernel tells. */
  readonly peerOf: (socket: Socket) => number | undefined;
  /** Told of an exception in a route; the caller gets a 500 without details. */
  readonly onBug: (error: unknown) => void;
}

/** Where to listen. */
export type ControlPlace =
  | {
      /** 0 for any free port. */
      readonly port: number;
      /** Who has the port, when it is taken, in words; for the message. */
      readonly describeOwner?: (port: number) => Promise<string | undefined>;
    }
  /** A socket file in the state folder; one left behind is replaced. The caller holds the folder's lock. */
  | { readonly path: string };

/** An open control listener. */
export interface ControlServer {
  /** Undefined for the unix socket. */
  readonly port: number | undefined;
  /** Stops accepting, lets answers under way finish for up to a second, then closes. */
  readonly close: () => Promise<void>;
}

const bodyLimitBytes = 64 * 1024;
const headLimitBytes = 16 * 1024;
const connectionLimit = 256;
const closeMs = 1000;
const surfaces = new Set(['cli', 'watch', 'tray', 'page', 'api']);

/** On every answer. No CORS field, ever: a foreign page may neither send nor read. */
const securityHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

/** Opens one listener; fails with ERR_PORT_IN_USE or ERR_LISTEN. Who has shown the token is never crowded out. */
export async function openControl(
  parts: ControlParts,
  place: ControlPlace,
): Promise<ControlServer> {
  const server = createControlServer(parts, 'port' in place ? 'tcp' : 'socket');
  if ('path' in place) await removeStale(place.path);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  if ('port' in place) server.listen({ host: '127.0.0.1', port: place.port }, resolve);
  else server.listen({ path: place.path }, resolve);
  try {
    await promise;
    if ('path' in place) await chmod(place.path, 0o600);
  } catch (cause) {
    server.close();
    throw await listenError(place, cause);
  }
  server.on('error', parts.onBug);
  const address = server.address();
  return {
    port: typeof address === 'object' ? address?.port : undefined,
    close: async () => await closeServer(server),
  };
}

/** The HTTP server of one listener, not listening yet; strict framing, short limits. */
export function createControlServer(parts: ControlParts, listener: ControlListener): Server {
  const strangers = new Set<Socket>();
  const handle = createControlHandler(parts, listener, (socket) => strangers.delete(socket));
  const server = createServer(
    {
      insecureHTTPParser: false,
      requireHostHeader: false, // checked by us: its absence is misdirected on TCP, fine on the socket
      maxHeaderSize: headLimitBytes,
      headersTimeout: 5000,
      requestTimeout: 10_000,
      connectionsCheckingInterval: 1000,
      keepAliveTimeout: 5000,
      noDelay: true,
    },
    handle,
  );
  server.maxConnections = 2 * connectionLimit;
  server.on('checkContinue', handle); // answered without "100 Continue": nothing that large is taken
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    else socket.destroy();
  });
  server.on('connection', (socket) => {
    socket.on('error', () => undefined);
    socket.once('close', () => strangers.delete(socket));
    // Whoever has not shown the token gives way, oldest first, so that a flood cannot lock a person out.
    const [oldest] = strangers;
    if (strangers.size >= connectionLimit) oldest?.destroy();
    strangers.add(socket);
  });
  return server;
}

/** Guards, then the route, then the answer; no exception leaves it. `onKnown` is told who showed the token. */
export function createControlHandler(
  parts: ControlParts,
  listener: ControlListener,
  onKnown: (socket: Socket) => void,
): RequestListener {
  return (request, response) => {
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    const answered = answerRequest(parts, listener, request, onKnown).catch((error: unknown) => {
      parts.onBug(error);
      return refuse(500, 'internal', 'the daemon failed; see its log');
    });
    // Nothing is left to wait for: answerRequest's own failure has been turned into a reply.
    void answered.then((reply) => {
      writeReply(response, reply);
    });
  };
}

/** A refusal as a route's reply. */
export function refuse(
  status: number,
  code: Refused['code'],
  message: string,
): { readonly refused: Refused } {
  return { refused: { status, code, message } };
}

async function answerRequest(
  parts: ControlParts,
  listener: ControlListener,
  request: IncomingMessage,
  onKnown: (socket: Socket) => void,
): Promise<ControlReply> {
  const { rawHeaders, socket, url = '', method = '' } = request;
  const misdirected = checkOrigin({ rawHeaders, listener, port: parts.port() });
  if (misdirected !== undefined) return { refused: misdirected };
  const matches = parts.routes.flatMap((route) => {
    const id = matchPath(route.path, url);
    return id === undefined ? [] : [{ route, id }];
  });
  const match = matches.find(({ route }) => route.method === method);
  if (match?.route.permission !== 'anyone') {
    const stranger = checkToken(rawHeaders, parts.token());
    if (stranger !== undefined) return { refused: stranger };
    onKnown(socket);
  }
  if (matches.length === 0) return refuse(404, 'not_found', 'there is nothing at this path');
  if (match === undefined) {
    const methods = matches.map(({ route }) => route.method).join(', ');
    return refuse(405, 'method_not_allowed', `this path takes ${methods}`);
  }
  const body = method === 'POST' ? await readBody(request) : undefined;
  if (body !== undefined && 'refused' in body) return body;
  const surface = request.headers['x-sallyport-surface'];
  return await match.route.handle({
    id: match.id,
    body: body?.value,
    caller: callerOf(parts, listener, socket),
    surface: typeof surface === 'string' && surfaces.has(surface) ? surface : 'api',
  });
}

/** The `{id}` of a path that fits (empty when the route has none), or undefined. Queries fit nowhere. */
function matchPath(pattern: string, url: string): string | undefined {
  const [wanted, given] = [pattern.split('/'), url.split('/')];
  if (wanted.length !== given.length) return undefined;
  let id = '';
  for (const [at, segment] of wanted.entries()) {
    const text = given[at] ?? '';
    if (segment === '{id}') id = text;
    else if (segment !== text) return undefined;
  }
  return /^[A-Za-z0-9_-]{0,32}$/.test(id) && (id !== '' || !pattern.includes('{id}'))
    ? id
    : undefined;
}

function callerOf(parts: ControlParts, listener: ControlListener, socket: Socket): Caller {
  const isTcp = listener === 'tcp';
  return {
    client: isTcp ? clientOf(socket) : undefined,
    pid: isTcp ? undefined : parts.peerOf(socket),
    isConnected: () => !socket.destroyed && !socket.readableEnded,
  };
}

function clientOf({ remoteAddress, remotePort, localPort }: Socket): ClientAddress | undefined {
  if (remoteAddress === undefined || remotePort === undefined || localPort === undefined) {
    return undefined;
  }
  return { address: remoteAddress, port: remotePort, localPort };
}

async function readBody(
  request: IncomingMessage,
): Promise<{ readonly value: unknown } | { readonly refused: Refused }> {
  const type = singleHeaders(request.rawHeaders)?.get('content-type') ?? '';
  // A type that forms cannot send: a foreign page would have to ask first (CORS), and is refused then.
  if (!/^application\/json(?:\s*;\s*charset=utf-8)?$/i.test(type)) {
    return refuse(415, 'bad_request', 'the body must be application/json');
  }
  const tooLarge = refuse(413, 'too_large', `the body is longer than ${bodyLimitBytes} bytes`);
  if (Number(request.headers['content-length'] ?? 0) > bodyLimitBytes) return tooLarge;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyLimitBytes) return tooLarge;
    chunks.push(chunk);
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
    return { value: JSON.parse(text) as unknown };
  } catch {
    return refuse(400, 'bad_request', 'the body is not JSON');
  }
}

function writeReply(response: ServerResponse, reply: ControlReply): void {
  const isRefused = 'refused' in reply;
  const body: unknown = isRefused ? errorBody(reply.refused) : reply.body;
  const text = `${JSON.stringify(body)}\n`;
  if (response.destroyed) return;
  response.writeHead(isRefused ? reply.refused.status : 200, {
    ...securityHeaders,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    // After a refusal the rest of the request may be unread: the connection is not used again.
    ...(isRefused ? { connection: 'close' } : undefined),
    ...(isRefused && reply.refused.status === 401 ? { 'www-authenticate': 'Bearer' } : undefined),
  });
  response.end(text);
}

function errorBody({ code, message }: Refused): ErrorResponse {
  return { error: { code, message } };
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) {
    const message = `${path} is in the way of the control socket and is no socket; move it away`;
    throw new SallyportError('ERR_LISTEN', message);
  }
  await unlink(path);
}

async function listenError(place: ControlPlace, cause: unknown): Promise<SallyportError> {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
  if ('path' in place) {
    const message = `the control socket ${place.path} cannot be opened (${code}); name another state folder in SALLYPORT_STATE`;
    return new SallyportError('ERR_LISTEN', message, { cause });
  }
  const { port } = place;
  if (code !== 'EADDRINUSE') {
    const message = `the control port ${port} cannot be opened (${code}); set [control] port`;
    return new SallyportError('ERR_LISTEN', message, { cause });
  }
  const owner = await place.describeOwner?.(port);
  const message = `port ${port} (control) is in use${owner === undefined ? '' : ` by ${owner}`}; stop that program or set [control] port to another`;
  return new SallyportError('ERR_PORT_IN_USE', message, { cause });
}

async function closeServer(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  server.closeIdleConnections();
  const timer = setTimeout(() => {
    server.closeAllConnections();
  }, closeMs);
  await promise;
  clearTimeout(timer);
}
