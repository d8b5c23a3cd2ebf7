// What the doors share: their parts and the dial for a client that waits; and, for the HTTP door, how a
// request's target is read (the only place where its text becomes a destination) and the two ways to answer:
// on a raw socket, or on a response.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { SallyportError } from '../errors.ts';
import type { Gate } from '../gate.ts';
import type { ClientAddress, DecisionRequest, Malformed, Permit } from '../policy/decision.ts';
import { createDestination, parseHost, parsePort } from '../policy/destination.ts';
import type { Destination, Parsed, Protocol } from '../policy/destination.ts';
import { readAbsoluteTarget, type Authority } from '../wire/authority.ts';
import { checkRequestFields } from '../wire/fields.ts';
import type { WaitingClient } from './early.ts';
import { endGracefully } from './listener.ts';
import type { Live, LiveEntry } from './live.ts';
import { renderAnswer, trouble, type HttpAnswer } from './refusal.ts';
import { reset } from './tunnel.ts';

/** What every door needs; all given by the daemon. */
export interface DoorParts {
  readonly gate: Gate;
  /** Opens a connection to what the permit permits; rejects with a SallyportError. */
  readonly dial: (permit: Permit, signal: AbortSignal) => Promise<Socket>;
  readonly live: Live;
  /** Records a malformed request; the client is answered once this has settled, either way. */
  readonly onMalformed: (info: Malformed) => Promise<void>;
  /** Told of an exception on the way through; the client's connection has been closed. */
  readonly onBug?: (error: unknown) => void;
  /** HTTP-date for answers of our own (RFC 9110 §5.6.7); the system clock unless given. */
  readonly date?: () => string;
}

/** The client's end of a connection. */
export function clientOf(socket: Socket): ClientAddress {
  return {
    address: socket.remoteAddress ?? '',
    port: socket.remotePort ?? 0,
    localPort: socket.localPort ?? 0,
  };
}

/** Builds what the gate is asked. */
export function requestFor(
  message: IncomingMessage,
  destination: Destination,
  form: DecisionRequest['form'],
): DecisionRequest {
  const request: DecisionRequest = {
    destination,
    listener: 'http',
    method: message.method ?? 'none',
    form,
    client: clientOf(message.socket),
  };
  return form === 'tunnel' ? request : { ...request, target: message.url ?? '' };
}

/** Checks the head against the authority in its target and normalises that; the problem fits after a colon. */
export function readDestination(
  message: IncomingMessage,
  protocol: Protocol,
  authority: Authority,
): Parsed<Destination> {
  const problem = checkRequestFields({
    rawHeaders: message.rawHeaders,
    method: message.method ?? '',
    httpVersion: message.httpVersion,
    authority,
  });
  if (problem !== undefined) return { ok: false, problem };
  const host = parseHost(authority.host);
  if (!host.ok) return host;
  const port = parsePort(authority.port ?? '80');
  if (!port.ok) return port;
  return { ok: true, value: createDestination(protocol, host.value, port.value) };
}

/** Where a request in absolute form goes, and the origin-form path and query to send there. */
export interface PlainTarget {
  readonly destination: Destination;
  readonly path: string;
}

/** Reads the absolute-form target of a plain HTTP request or a WebSocket handshake, and checks its head. */
export function readPlainTarget(message: IncomingMessage): Parsed<PlainTarget> {
  const read = readAbsoluteTarget(message.url ?? '');
  if (!read.ok) return read;
  const destination = readDestination(message, 'http', read.value);
  if (!destination.ok) return destination;
  return { ok: true, value: { destination: destination.value, path: read.value.origin } };
}

/** Records a malformed request and gives the 400 for it. */
export async function refuseMalformed(
  parts: DoorParts,
  socket: Socket,
  problem: string,
  target: string,
): Promise<HttpAnswer> {
  const info: Malformed = {
    listener: 'http',
    client: clientOf(socket),
    what: problem,
    text: cutAuthority(target),
  };
  // Without a record the answer is the same: nothing is let through either way.
  await parts.onMalformed(info).catch(() => undefined);
  return trouble({ kind: 'malformed', problem });
}

/** A connection that stands, and its place in the register. */
export interface Dialled {
  readonly upstream: Socket;
  readonly entry: LiveEntry;
}

/**
 * Dials for a client that waits. When that fails, undefined is given, and the client has been told by `answer`,
 * or its connection reset where nobody waits any more.
 */
export async function dialFor(
  parts: Pick<DoorParts, 'dial' | 'live' | 'onBug'>,
  socket: Socket,
  client: WaitingClient,
  permit: Permit,
  answer: (error: unknown) => void,
): Promise<Dialled | undefined> {
  // Entered before the dial, so that a policy change or a revoked grant also stops what is on its way.
  const entry = parts.live.open(permit, client.leave);
  try {
    const upstream = await parts.dial(permit, client.signal);
    if (!client.signal.aborted) return { upstream, entry };
    upstream.on('error', ignore);
    upstream.destroy();
  } catch (error) {
    if (!client.signal.aborted) {
      if (!(error instanceof SallyportError)) parts.onBug?.(error);
      client.take();
      entry.end('error', 0, 0, undefined);
      answer(error);
      return undefined;
    }
  }
  entry.end('client_closed', 0, 0, undefined);
  reset(socket);
  return undefined;
}

/** The answer for whatever a dial or a forwarded request failed with. */
export function troubleFor(error: unknown, { request }: Permit): HttpAnswer {
  const code = error instanceof SallyportError ? error.code : 'ERR_UPSTREAM_RESET';
  return trouble({ kind: 'upstream', code, destination: request.destination });
}

/** Writes an answer on a raw socket and closes it in a way that lets the answer arrive. */
export function answerSocket(
  parts: Pick<DoorParts, 'date'>,
  socket: Socket,
  answer: HttpAnswer,
): void {
  endGracefully(socket, renderAnswer(answer, dateOf(parts)));
}

/**
 * Answers a plain HTTP request. The connection stays open for the next one, but not when a body is
 * still to come: that is not read, so where the next request begins would never be seen.
 */
export function answerRequest(
  parts: DoorParts,
  message: IncomingMessage,
  response: ServerResponse,
  answer: HttpAnswer,
): void {
  const { socket } = message;
  if (!socket.writable || response.headersSent) return;
  const body = message.method === 'HEAD' ? '' : answer.body;
  if (hasBody(message) && !message.complete) {
    message.on('error', ignore);
    message.resume();
    answerSocket(parts, socket, { ...answer, body });
    return;
  }
  const fields = [...answer.fields.flat(), 'date', dateOf(parts)];
  response.writeHead(answer.status, answer.reason, fields);
  response.end(body);
}

/** True when the head announces a body that is not empty. */
export function hasBody(message: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': coding } = message.headers;
  return coding !== undefined || (length !== undefined && length !== '0');
}

/** The Date of an answer of ours. */
export function dateOf(parts: Pick<DoorParts, 'date'>): string {
  return parts.date?.() ?? new Date().toUTCString();
}

/** The authority in a target that did not parse: no path, no query, no user information. */
function cutAuthority(target: string): string {
  const scheme = target.indexOf('://');
  const rest = scheme === -1 ? target : target.slice(scheme + 3);
  const end = rest.search(/[/?#\\]/);
  const authority = end === -1 ? rest : rest.slice(0, end);
  return authority.slice(authority.lastIndexOf('@') + 1);
}

function ignore(): void {
  // The end is seen on the socket's 'close'; here it must only not be unhandled.
}
