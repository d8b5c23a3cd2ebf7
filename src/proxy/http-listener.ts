// The HTTP door: one strict HTTP/1.1 server whose CONNECT, WebSocket and absolute-form requests are each read,
// judged and sent on their own. Frames messages; where they go is connect.ts, upgrade.ts and forward.ts.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { handleConnect } from './connect.ts';
import {
  answerRequest,
  answerSocket,
  readPlainTarget,
  refuseMalformed,
  requestFor,
  type DoorParts,
} from './door.ts';
import { createForwarder, type Forwarder } from './forward.ts';
import { refusalForHttp, trouble, type HttpAnswer } from './refusal.ts';
import { createStrictServer } from './strict-server.ts';
import { reset } from './tunnel.ts';
import { createTurns, type Turns } from './turns.ts';
import { handleUpgrade } from './upgrade.ts';

/** What is known of the client connections of one server. */
interface Connections {
  readonly turns: Turns;
  /** Where something malformed came: it is answered and recorded once, and nothing follows. */
  readonly malformed: WeakSet<Socket>;
}

/**
 * Builds the server; it is not listening yet and is opened with `openListener`. `server.close` also closes
 * the idle upstream connections.
 */
export function createHttpHandler(parts: DoorParts): Server {
  const forwarder = createForwarder(parts);
  const connections: Connections = { turns: createTurns(), malformed: new WeakSet() };
  const server = createStrictServer();

  const serve =
    (expectsContinue: boolean) => (message: IncomingMessage, response: ServerResponse) => {
      connections.turns.take(message, response, (signal) => {
        const served = { connections, message, response, signal, expectsContinue };
        guard(parts, message.socket, serveRequest(parts, forwarder, served));
      });
    };
  const leaveHttp =
    (handle: typeof handleConnect) => (message: IncomingMessage, duplex: unknown, head: Buffer) => {
      const socket = duplex as Socket; // node:net makes our connections
      socket.on('error', ignore);
      guard(parts, socket, takeOver(parts, connections, message, socket, head, handle));
    };

  server.on('request', serve(false));
  server.on('checkContinue', serve(true));
  server.on('checkExpectation', (message: IncomingMessage, response: ServerResponse) => {
    connections.turns.take(message, response, () => {
      answerRequest(parts, message, response, trouble({ kind: 'expectation' }));
    });
  });
  server.on('connect', leaveHttp(handleConnect));
  server.on('upgrade', leaveHttp(handleUpgrade));
  server.on('clientError', (error: NodeJS.ErrnoException, duplex: unknown) => {
    const socket = duplex as Socket; // as above
    guard(parts, socket, answerClientError(parts, connections, error, socket));
  });
  server.on('close', () => forwarder.close());
  return server;
}

interface Served {
  readonly connections: Connections;
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly signal: AbortSignal;
  readonly expectsContinue: boolean;
}

/** One plain HTTP request: read, judged, and forwarded or answered. */
async function serveRequest(parts: DoorParts, forwarder: Forwarder, served: Served): Promise<void> {
  const { message, response, signal } = served;
  const target = readPlainTarget(message);
  if (!target.ok) {
    served.connections.malformed.add(message.socket);
    const answer = await refuseMalformed(parts, message.socket, target.problem, message.url ?? '');
    // S3: 400 and close; the next request on this connection could be the second reading of this one.
    answerSocket(
      parts,
      message.socket,
      message.method === 'HEAD' ? { ...answer, body: '' } : answer,
    );
    return;
  }
  const { destination, path } = target.value;
  const decision = await parts.gate(requestFor(message, destination, 'request'), signal);
  if (decision.outcome === 'deny') {
    answerRequest(parts, message, response, refusalForHttp(decision));
    return;
  }
  if (signal.aborted) return;
  // RFC 9110 §10.1.1: asked for the body only now that it may go somewhere.
  if (served.expectsContinue) response.writeContinue();
  await forwarder.forward({ permit: decision, message, response, path, signal });
}

/** A request after which the connection is no longer HTTP. */
async function takeOver(
  parts: DoorParts,
  { turns }: Connections,
  message: IncomingMessage,
  socket: Socket,
  head: Buffer,
  handle: typeof handleConnect,
): Promise<void> {
  const current = turns.current(socket);
  if (current !== undefined) {
    // Its answer could not be told from that of the request before it.
    current.control.abort();
    const problem = 'a CONNECT or Upgrade stands behind a request that is not answered yet';
    await refuseMalformed(parts, socket, problem, message.url ?? '');
    reset(socket);
    return;
  }
  await handle(parts, message, socket, head);
}

/** What the parser refused, what took too long, and connections that broke. */
async function answerClientError(
  parts: DoorParts,
  { turns, malformed }: Connections,
  error: NodeJS.ErrnoException & { readonly reason?: string },
  socket: Socket,
): Promise<void> {
  const code = error.code ?? '';
  const isTimeout = code === 'ERR_HTTP_REQUEST_TIMEOUT';
  // A FIN within a message is the client leaving; without a byte there was never a request.
  const isGone = !socket.writable || code === 'HPE_INVALID_EOF_STATE' || socket.bytesRead === 0;
  if (isGone || !(isTimeout || code.startsWith('HPE_'))) {
    turns.current(socket)?.control.abort();
    socket.destroy();
    return;
  }
  if (malformed.has(socket)) return; // the parser saw it too, but the head came first
  malformed.add(socket);
  const problem = isTimeout
    ? 'the head did not arrive in time'
    : `not valid HTTP/1.1: ${error.reason ?? code}`;
  const answer = await refuseMalformed(parts, socket, problem, '');
  const current = turns.current(socket);
  current?.control.abort();
  if (current?.response.headersSent === true || turns.waiting(socket) > 0) {
    // An answer is half written, or others come first: none can be put behind them.
    reset(socket);
    return;
  }
  answerSocket(parts, socket, clientErrorAnswer(code) ?? answer);
}

function clientErrorAnswer(code: string): HttpAnswer | undefined {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return trouble({ kind: 'head_timeout' });
  if (code === 'HPE_HEADER_OVERFLOW') return trouble({ kind: 'head_too_large' });
  return undefined;
}

/** Ends the connection of a piece of work that threw: doubt closes, and the process goes on. */
function guard(parts: DoorParts, socket: Socket, work: Promise<void>): void {
  work.catch((error: unknown) => {
    socket.destroy();
    parts.onBug?.(error);
  });
}

function ignore(): void {
  // Seen on the socket's or the response's 'close'; here it must only not be unhandled.
}
