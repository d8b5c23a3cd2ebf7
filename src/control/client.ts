// The typed client of the control API: finds the daemon through its state folder, asks over the
// control port (so that the daemon can see who answers) and over the unix socket when that is off.
// Used by the commands; knows nothing of how answers are printed.
import { readFile } from 'node:fs/promises';
import { Agent, request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { SallyportError } from '../errors.ts';
import { controlErrorCodes } from './messages.ts';
import type {
  AnswerRequest,
  AnswerResponse,
  ControlErrorCode,
  GrantsResponse,
  HealthResponse,
  PendingResponse,
  ReloadResponse,
  RevokeResponse,
  StatusResponse,
} from './messages.ts';

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

/** Options of the client. */
export interface ControlClientOptions {
  /** What the audit trail calls this surface; default `api`. */
  readonly surface?: 'cli' | 'watch' | 'tray' | 'page' | 'api';
  /** Longest wait for a whole answer; default 15 000 ms. */
  readonly timeoutMs?: number;
}

/**
 * The control API as functions. Each rejects with SallyportError ERR_CONTROL_UNREACHABLE (no daemon),
 * ERR_STATE_CORRUPT (its address file is not readable as such) or ControlError (it said no).
 */
export interface ControlClient {
  readonly health: () => Promise<HealthResponse>;
  readonly status: () => Promise<StatusResponse>;
  readonly pending: () => Promise<PendingResponse>;
  readonly answer: (id: string, answer: AnswerRequest) => Promise<AnswerResponse>;
  readonly grants: () => Promise<GrantsResponse>;
  readonly revoke: (id: string) => Promise<RevokeResponse>;
  readonly reload: () => Promise<ReloadResponse>;
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

/** Makes a client; nothing is read or opened before the first call, and every call looks afresh. */
export function createControlClient(
  target: ControlTarget,
  options: ControlClientOptions = {},
): ControlClient {
  const call = async (method: string, path: string, body?: unknown): Promise<unknown> =>
    await callDaemon(await findAccess(target), method, path, body, options);
  const named = (id: string) => encodeURIComponent(id);
  // The daemon is ours and of the same version, so its shapes are trusted as messages.ts has them.
  return {
    health: async () => (await call('GET', '/v1/health')) as HealthResponse,
    status: async () => (await call('GET', '/v1/status')) as StatusResponse,
    pending: async () => (await call('GET', '/v1/pending')) as PendingResponse,
    answer: async (id, answer) =>
      (await call('POST', `/v1/pending/${named(id)}/answer`, answer)) as AnswerResponse,
    grants: async () => (await call('GET', '/v1/grants')) as GrantsResponse,
    revoke: async (id) => (await call('DELETE', `/v1/grants/${named(id)}`)) as RevokeResponse,
    reload: async () => (await call('POST', '/v1/reload', {})) as ReloadResponse,
  };
}

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

async function callDaemon(
  access: Access,
  method: string,
  path: string,
  body: unknown,
  options: ControlClientOptions,
): Promise<unknown> {
  let failure: unknown;
  for (const place of access.places) {
    try {
      return readReply(await send(place, access.token, method, path, body, options));
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
  method: string,
  path: string,
  body: unknown,
  options: ControlClientOptions,
): Promise<Reply> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const where =
    place.kind === 'tcp'
      ? { host: place.host, port: place.port }
      : { socketPath: place.path, headers: { host: 'localhost' } };
  const limitMs = options.timeoutMs ?? 15_000;
  const signal = AbortSignal.timeout(limitMs);
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const fail = (error: Error) => {
    const what = signal.aborted ? `no answer within ${limitMs} ms` : 'the daemon broke off';
    reject(isNotConnected(error) ? error : unreachable(what, error));
  };
  const outgoing = httpRequest({
    ...where,
    // An agent of our own: the default one would follow HTTP_PROXY under NODE_USE_ENV_PROXY.
    agent: new Agent({ keepAlive: false }),
    method,
    path,
    signal,
    headers: {
      ...where.headers,
      // Health is open to all, so that asking whether anybody is there gives the token to nobody.
      ...(path === '/v1/health' ? undefined : { authorization: `Bearer ${token}` }),
      'x-sallyport-surface': options.surface ?? 'api',
      ...(text === undefined
        ? undefined
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
    },
  });
  outgoing.on('error', fail);
  outgoing.on('response', (incoming) => {
    const chunks: Buffer[] = [];
    let size = 0;
    incoming.on('error', fail);
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > replyLimitBytes) incoming.destroy(new Error('the answer is too long'));
      chunks.push(chunk);
    });
    incoming.on('end', () => {
      resolve({ status: incoming.statusCode ?? 0, body: decode(Buffer.concat(chunks)) });
    });
  });
  outgoing.end(text);
  return await promise;
}

function decode(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
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
