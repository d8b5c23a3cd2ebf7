// The control listeners: HTTP/1.1 on 127.0.0.1 and on a unix socket, the same routes on both. Guards,
// limits and framing are here; what can be asked is in routes.ts.
import { lstat, chmod, unlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { SallyportError } from '../errors.ts';
import { callerOf } from './caller.ts';
import { checkOrigin, findHolder, singleHeaders } from './guard.ts';
import { matchRoutes, readQuery, splitTarget } from './match.ts';
import { surfaces } from './messages.ts';
import type { Role, Surface } from './messages.ts';
import { writeReply } from './reply.ts';
import { isEnough, refuse, stranger } from './route.ts';
import type { ControlListener, ControlReply, Holder, Refused, Route } from './route.ts';

/** What the listeners are made of. */
export interface ControlParts {
  readonly routes: readonly Route[];
  /** Whose secret this is: a token's or a page session's. */
  readonly find: (secret: string) => Holder | undefined;
  /** Told of every call of somebody who may answer: a person is, or was just now, there. */
  readonly onCall: (surface: Surface, role: Role) => void;
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
/** Of those who have shown no token, and of those who have; streams, which are bounded elsewhere, not counted. */
const connectionLimit = 256;
const closeMs = 1000;

/** Opens one listener; fails with ERR_PORT_IN_USE or ERR_LISTEN. Strangers never crowd out who has shown the token. */
export async function openControl(
  parts: ControlParts,
  place: ControlPlace,
): Promise<ControlServer> {
  const streams = new Set<ServerResponse>();
  const server = createControlServer(parts, 'port' in place ? 'tcp' : 'socket', streams);
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
    close: async () => await closeServer(server, streams),
  };
}

/** The HTTP server of one listener, not listening yet; strict framing, short limits. Open streams are put into the set. */
function createControlServer(
  parts: ControlParts,
  listener: ControlListener,
  streams: Set<ServerResponse>,
): Server {
  const strangers = new Set<Socket>();
  const known = new Set<Socket>();
  const handle = createHandler(parts, listener, {
    onKnown: (socket) => {
      if (known.has(socket)) return;
      strangers.delete(socket);
      admit(known, socket);
    },
    onStream: (response) => {
      if (response.socket !== null) known.delete(response.socket);
      streams.add(response);
      response.once('close', () => streams.delete(response));
    },
  });
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
  server.maxConnections = 3 * connectionLimit;
  server.on('checkContinue', handle); // answered without "100 Continue": nothing that large is taken
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    else socket.destroy();
  });
  server.on('connection', (socket) => {
    socket.on('error', () => undefined);
    socket.once('close', () => {
      strangers.delete(socket);
      known.delete(socket);
    });
    admit(strangers, socket);
  });
  return server;
}

/** The oldest gives way, so that a flood, also by a program that has the token, cannot lock a person out. */
function admit(sockets: Set<Socket>, socket: Socket): void {
  const [oldest] = sockets;
  if (oldest !== undefined && sockets.size >= connectionLimit) {
    sockets.delete(oldest);
    oldest.destroy();
  }
  sockets.add(socket);
}

interface Told {
  /** Of a connection whose caller has shown a token. */
  readonly onKnown: (socket: Socket) => void;
  /** Of an answer that stays open. */
  readonly onStream: (response: ServerResponse) => void;
}

/** Guards, then the route, then the answer; no exception leaves it. */
function createHandler(
  parts: ControlParts,
  listener: ControlListener,
  { onKnown, onStream }: Told,
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
      try {
        writeReply(response, reply, onStream);
      } catch (error) {
        parts.onBug(error);
        response.destroy();
      }
    });
  };
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
  const { path, query } = splitTarget(url);
  const matches = matchRoutes(parts.routes, path).filter(
    ({ route }) => route.listener === undefined || route.listener === listener,
  );
  const match = matches.find(({ route }) => route.method === method);
  const access = checkAccess(parts, rawHeaders, match?.route);
  if ('refused' in access) return access;
  const { holder } = access;
  if (holder !== stranger) onKnown(socket);
  if (matches.length === 0) return refuse(404, 'not_found', 'there is nothing at this path');
  if (match === undefined) {
    const methods = matches.map(({ route }) => route.method).join(', ');
    return refuse(405, 'method_not_allowed', `this path takes ${methods}`);
  }
  const { route, id } = match;
  if (query !== undefined && route.query === undefined) {
    return refuse(404, 'not_found', 'this path takes no query');
  }
  const parameters = readQuery(query, route.query ?? []);
  if (!parameters.ok) return refuse(400, 'bad_request', parameters.problem);
  const surface = surfaceOf(request, holder);
  if (isEnough(holder.role, 'answer')) parts.onCall(surface, holder.role);
  const body = method === 'POST' ? await readBody(request, route.bodyLimitBytes) : undefined;
  if (body !== undefined && 'refused' in body) return body;
  const caller = callerOf(listener, socket, parts.peerOf);
  return await route.handle({
    id,
    query: parameters.value,
    body: body?.value,
    caller,
    surface,
    holder,
  });
}

/** Who asks, or why they may not. Without a token nobody learns which paths there are. */
function checkAccess(
  parts: ControlParts,
  rawHeaders: readonly string[],
  route: Route | undefined,
): { readonly holder: Holder } | { readonly refused: Refused } {
  if (route?.permission === 'anyone') return { holder: stranger };
  const holder = findHolder(rawHeaders, parts.find);
  if ('status' in holder) return { refused: holder };
  if (route === undefined || isEnough(holder.role, route.permission)) return { holder };
  const message = `the role ${holder.role} may not do this; it needs a token that may "${route.permission}"`;
  return refuse(403, 'forbidden', message);
}

/** What the caller says it is, unless its secret says so; nobody outside is the daemon's own reviewer. */
function surfaceOf(request: IncomingMessage, holder: Holder): Surface {
  const said = request.headers['x-sallyport-surface'];
  const known = surfaces.find((surface) => surface === said);
  return holder.surface ?? (known === undefined || known === 'reviewer' ? 'api' : known);
}

async function readBody(
  request: IncomingMessage,
  limitBytes = bodyLimitBytes,
): Promise<{ readonly value: unknown } | { readonly refused: Refused }> {
  const type = singleHeaders(request.rawHeaders)?.get('content-type') ?? '';
  // A type that forms cannot send: a foreign page would have to ask first (CORS), and is refused then.
  if (!/^application\/json(?:\s*;\s*charset=utf-8)?$/i.test(type)) {
    return refuse(415, 'bad_request', 'the body must be application/json');
  }
  const tooLarge = refuse(413, 'too_large', `the body is longer than ${limitBytes} bytes`);
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) return tooLarge;
  const bytes = await readBytes(request, limitBytes);
  if (bytes === 'too large') return tooLarge;
  if (bytes === 'broken off') return refuse(400, 'bad_request', 'the body broke off');
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return { value: JSON.parse(text) as unknown };
  } catch {
    return refuse(400, 'bad_request', 'the body is not JSON');
  }
}

async function readBytes(
  request: IncomingMessage,
  limitBytes: number,
): Promise<Buffer | 'too large' | 'broken off'> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limitBytes) return 'too large';
      chunks.push(chunk);
    }
  } catch {
    return 'broken off'; // the client has left, or was too slow
  }
  return Buffer.concat(chunks);
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

async function closeServer(server: Server, streams: ReadonlySet<ServerResponse>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  for (const stream of streams) stream.end();
  server.closeIdleConnections();
  const timer = setTimeout(() => {
    server.closeAllConnections();
  }, closeMs);
  await promise;
  clearTimeout(timer);
}
