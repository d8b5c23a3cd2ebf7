// One call to the daemon: finds it through its state folder, asks over the control port (so that the daemon can
// see who answers) and over the unix socket when that is off, and reads the answer or the "no".
import { readFile } from 'node:fs/promises';
import { Agent, request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { SallyportError } from '../errors.ts';
import { controlErrorCodes } from './messages.ts';
import type { ControlErrorCode, LiveEvent } from './messages.ts';
import { createSseReader } from './sse.ts';

/** The daemon's "no" with its HTTP status and code; `code` is always ERR_CONTROL_REFUSED. */
export class ControlError extends SallyportError {
  /** HTTP status, 400 to 599. */
  readonly status: number;
  /** What commands turn into exit codes: `gone` 3, `changed` 4, `self_approval` and `forbidden` 5. */
  readonly reason: ControlErrorCode;
  constructor(status: number, reason: ControlErrorCode, message: string) {
    super('ERR_CONTROL_REFUSED', message);
    this.status = status;
    this.reason = reason;
  }
}

/** Where the daemon is: its state folder, or (tests, other machines' tools) an address and a token. */
export type ControlTarget =
  { readonly state: string } | { readonly url: string; readonly token: string };

/** How a call is made. */
export interface CallOptions {
  /** What the audit trail calls this surface. */
  readonly surface: string;
  /** Longest wait for a whole answer. */
  readonly timeoutMs: number;
}

type Place =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'socket'; readonly path: string };

interface Access {
  readonly places: readonly Place[];
  readonly token: string;
}

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

const replyLimitBytes = 16 * 1024 * 1024;

/** The daemon sends something every 15 s at least. */
const silenceMs = 45_000;

async function findAccess(target: ControlTarget): Promise<Access> {
  if ('url' in target) return { places: [placeOf(target.url)], token: target.token };
  const file = join(target.state, 'control.json');
  const [text, token] = await Promise.all([
    readState(file),
    readState(join(target.state, 'token')),
  ]);
  return { places: readPlaces(text, file), token: token.trim() };
}

async function readState(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw unreachable(`cannot read ${file}`, cause);
  }
}

/** TCP first: only there can the daemon tell who answers, and a grant that lasts needs that. */
function readPlaces(text: string, file: string): readonly Place[] {
  try {
    const { control, socket } = JSON.parse(text) as { control: unknown; socket: unknown };
    const places: Place[] = [];
    if (typeof control === 'string' && isLoopback(control)) places.push(placeOf(control));
    if (typeof socket === 'string') places.push({ kind: 'socket', path: socket });
    if (places.length > 0) return places;
  } catch {
    // falls through to the one message below
  }
  throw new SallyportError(
    'ERR_STATE_CORRUPT',
    `${file} does not name the daemon's control address; stop the daemon, delete the file, start it again`,
  );
}

/** The token goes nowhere but to this machine, whatever the file says. */
function isLoopback(url: string): boolean {
  return /^(?:127(?:\.\d{1,3}){3}|localhost|\[::1\])$/.test(new URL(url).hostname);
}

function placeOf(url: string): Place {
  const { hostname, port } = new URL(url);
  return { kind: 'tcp', host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) };
}

/** One request. */
export interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

/** The body of a 200, as JSON. Rejects as the client's functions do. */
export async function callDaemon(
  target: ControlTarget,
  asked: Call,
  options: CallOptions,
): Promise<unknown> {
  const { places, token } = await findAccess(target);
  await knock(places, options);
  return readReply(await atOnePlace(places, (place) => send(place, token, asked, options)));
}

/**
 * Asks over the socket whether the daemon is there. Its address file outlives a crash, and then any user of this
 * machine may take the port and wait for the token; the socket lies where only our own user can put one.
 */
async function knock(places: readonly Place[], options: CallOptions): Promise<void> {
  const sockets = places.filter(({ kind }) => kind === 'socket');
  if (sockets.length === 0 || sockets.length === places.length) return;
  const asked = { method: 'GET', path: '/v1/health' };
  await atOnePlace(sockets, (place) => send(place, '', asked, options));
}

async function atOnePlace<T>(
  places: readonly Place[],
  attempt: (place: Place) => Promise<T>,
): Promise<T> {
  let failure: unknown;
  for (const place of places) {
    try {
      return await attempt(place);
    } catch (error) {
      // Only a connection that was never made may be tried elsewhere: an answer must not count twice.
      if (!isNotConnected(error)) throw error;
      failure = error;
    }
  }
  throw unreachable('the daemon does not answer', failure);
}

function isNotConnected(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ECONNREFUSED' || code === 'ENOENT' || code === 'EACCES' || code === 'EPERM';
}

function unreachable(what: string, cause: unknown): SallyportError {
  const message = `${what}: is the daemon running? start it with "sallyport run"`;
  return new SallyportError('ERR_CONTROL_UNREACHABLE', message, { cause });
}

async function send(
  place: Place,
  token: string,
  asked: Call,
  options: CallOptions,
): Promise<Reply> {
  const limitMs = options.timeoutMs;
  const signal = AbortSignal.timeout(limitMs);
  const what = () => (signal.aborted ? `no answer within ${limitMs} ms` : 'the daemon broke off');
  const incoming = await open(place, token, asked, { surface: options.surface, signal, what });
  return await readWhole(incoming, what);
}

async function readWhole(incoming: IncomingMessage, what: () => string): Promise<Reply> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > replyLimitBytes) throw new Error('the answer is too long');
      chunks.push(chunk);
    }
  } catch (error) {
    throw unreachable(what(), error);
  }
  return { status: incoming.statusCode ?? 0, body: decode(Buffer.concat(chunks)) };
}

interface Opening {
  readonly surface: string;
  readonly signal: AbortSignal;
  /** What to say of a failure. */
  readonly what: () => string;
}

/** Sends the call and gives the answer's head; what follows is the caller's to read. */
async function open(
  place: Place,
  token: string,
  { method, path, body }: Call,
  { surface, signal, what }: Opening,
): Promise<IncomingMessage> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const where =
    place.kind === 'tcp'
      ? { host: place.host, port: place.port }
      : { socketPath: place.path, headers: { host: 'localhost' } };
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const outgoing = httpRequest({
    ...where,
    // An agent of our own: the default one would follow HTTP_PROXY under NODE_USE_ENV_PROXY.
    agent: new Agent({ keepAlive: false }),
    method,
    path,
    signal,
    headers: {
      ...where.headers,
      // Some paths are open to all, so that asking whether anybody is there gives the token to nobody.
      ...(openPaths.has(path) ? undefined : { authorization: `Bearer ${token}` }),
      'x-sallyport-surface': surface,
      ...(text === undefined
        ? undefined
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
    },
  });
  outgoing.on('error', (error) => {
    reject(isNotConnected(error) ? error : unreachable(what(), error));
  });
  outgoing.on('response', (incoming) => {
    incoming.on('error', () => undefined); // told again to whoever reads it
    resolve(incoming);
  });
  outgoing.end(text);
  return await promise;
}

const openPaths = new Set(['/v1/health', '/v1/page-sessions']);

/** The live stream, until the signal is aborted; rejects as the client's functions do when the daemon ends it. */
export async function* watchDaemon(
  target: ControlTarget,
  { surface, timeoutMs }: CallOptions,
  signal: AbortSignal,
): AsyncGenerator<LiveEvent, void, undefined> {
  if (signal.aborted) return;
  const silence = new AbortController();
  const both = AbortSignal.any([signal, silence.signal]);
  let timer = setTimeout(() => silence.abort(), timeoutMs);
  const what = () =>
    silence.signal.aborted ? 'the daemon has fallen silent' : 'the daemon broke off';
  try {
    const { places, token } = await findAccess(target);
    await knock(places, { surface, timeoutMs });
    const asked = { method: 'GET', path: '/v1/events' };
    const incoming = await atOnePlace(places, (place) =>
      open(place, token, asked, { surface, signal: both, what }),
    );
    if (incoming.statusCode !== 200) {
      readReply(await readWhole(incoming, what));
      throw unreachable('the daemon gave no stream', undefined);
    }
    const reader = createSseReader(replyLimitBytes);
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      clearTimeout(timer);
      for (const data of reader.push(chunk)) yield readEvent(data);
      timer = setTimeout(() => silence.abort(), silenceMs);
    }
    throw unreachable(what(), undefined);
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof SallyportError) throw error;
    throw unreachable(what(), error);
  } finally {
    clearTimeout(timer);
  }
}

/** The daemon is ours and of the same version: beyond its kind, an event is trusted to be as messages.ts has it. */
function readEvent(data: string): LiveEvent {
  const event = decode(data);
  const isKnown = isRecord(event) && (isRecord(event['view']) || isRecord(event['change']));
  if (!isKnown) throw new Error('an event that is none');
  return event as unknown as LiveEvent;
}

function decode(bytes: Buffer | string): unknown {
  try {
    return JSON.parse(bytes.toString()) as unknown;
  } catch {
    return undefined;
  }
}

function readReply(reply: Reply): unknown {
  if (reply.status === 200 && reply.body !== undefined) return reply.body;
  const { code, message } = errorOf(reply.body);
  const text = typeof message === 'string' ? message : `unexpected answer, status ${reply.status}`;
  throw new ControlError(reply.status, code, text);
}

function errorOf(body: unknown): { readonly code: ControlErrorCode; readonly message: unknown } {
  const error = isRecord(body) && isRecord(body['error']) ? body['error'] : {};
  const code = controlErrorCodes.find((known) => known === error['code']) ?? 'internal';
  return { code, message: error['message'] };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
