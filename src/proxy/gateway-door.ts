// What the gateway's files share: its parts, and what a request must look like to be taken at all: addressed
// to us, by a program and not by somebody else's web page, and to /v1/. Nothing here opens or forwards anything.
import type { IncomingMessage } from 'node:http';
import type { DecisionRequest } from '../policy/decision.ts';
import type { Destination } from '../policy/destination.ts';
import { readOriginTarget } from '../wire/authority.ts';
import { checkRequestFields, endToEndFields } from '../wire/fields.ts';
import type { Dialer } from './dial.ts';
import { clientOf, type DoorParts } from './door.ts';
import { type HttpAnswer, trouble } from './refusal.ts';

/** What the gateway needs; all given by the daemon. */
export interface GatewayParts extends Omit<DoorParts, 'dial'> {
  readonly dialTunnel: Dialer['dialTunnel'];
  readonly dialTls: Dialer['dialTls'];
  /**
   * Base address such as `https://api.example/v1`; no credentials, query or fragment. Asked for each request:
   * a reload gives another object, and requests under way end where they began.
   */
  readonly upstream: () => URL;
}

/** A request that may go to the gate, or the answer it gets instead. */
export type Admission =
  /** `target` is what to send to the upstream, base path included. */
  | { readonly ok: true; readonly target: string }
  /** `what` is recorded as malformed; undefined: nothing of interest, a path we do not serve. */
  | { readonly ok: false; readonly answer: HttpAnswer; readonly what: string | undefined };

/** Field names and values for node:http; names in lower case, repeats as a list. */
export type FieldTable = Record<string, string | string[]>;

/** Judges the head of a request; `basePath` is the upstream's path without its last slash. */
export function admit(message: IncomingMessage, basePath: string): Admission {
  const problem = findProblem(message);
  if (problem !== undefined) return malformed(problem);
  const own = ownHosts(message.socket.localPort ?? 0);
  if (!own.has(message.headers.host?.toLowerCase() ?? '')) {
    return { ok: false, answer: trouble({ kind: 'misdirected' }), what: 'a Host that is not ours' };
  }
  if (isForeign(message, own)) {
    const answer = trouble({ kind: 'foreign_origin' });
    return { ok: false, answer, what: 'a page of another origin' };
  }
  const read = readOriginTarget(message.url ?? '');
  if (!read.ok) return malformed(read.problem);
  if (!read.value.path.startsWith('/v1/')) {
    return { ok: false, answer: trouble({ kind: 'not_found' }), what: undefined };
  }
  return { ok: true, target: basePath + read.value.target.slice('/v1'.length) };
}

function malformed(problem: string): Admission {
  return { ok: false, answer: trouble({ kind: 'malformed', problem }), what: problem };
}

function findProblem(message: IncomingMessage): string | undefined {
  const { rawHeaders, method = '', httpVersion, headers } = message;
  const problem = checkRequestFields({ rawHeaders, method, httpVersion, authority: undefined });
  if (problem !== undefined) return problem;
  // node:http frames no chunked body for these, and http-proxy would send such a body behind a
  // "Content-Length: 0", where the upstream takes it for the next request.
  return bodiless.has(method) && headers['transfer-encoding'] !== undefined
    ? 'a body with this method needs a Content-Length'
    : undefined;
}

/** Builds what the gate is asked: always for the upstream, whatever the client called us. */
export function requestFor(
  message: IncomingMessage,
  destination: Destination,
  form: DecisionRequest['form'],
): DecisionRequest {
  const { method = 'none', socket } = message;
  return { destination, listener: 'gateway', method, form, client: clientOf(socket) };
}

/** Records a request that was not admitted; `what` as in its Admission. Never rejects. */
export async function recordMalformed(
  { onMalformed }: Pick<GatewayParts, 'onMalformed'>,
  message: IncomingMessage,
  what: string | undefined,
): Promise<void> {
  if (what === undefined) return;
  const text = message.headers.host ?? '';
  const client = clientOf(message.socket);
  // Without a record the answer is the same: nothing is let through either way.
  await onMalformed({ listener: 'gateway', client, what, text }).catch(() => undefined);
}

/** Methods whose requests node:http sends without a body unless a Content-Length says otherwise. */
export const bodiless: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

/** A fixed list: a name that was rebound to 127.0.0.1 is not in it. */
function ownHosts(port: number): ReadonlySet<string> {
  const names = ['127.0.0.1', 'localhost', '[::1]'];
  return new Set(
    names.flatMap((name) => (port === 80 ? [name, `${name}:80`] : [`${name}:${port}`])),
  );
}

function isForeign({ headers }: IncomingMessage, own: ReadonlySet<string>): boolean {
  const { origin, 'sec-fetch-site': site } = headers;
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  if (origin === undefined) return false;
  return !(origin.startsWith('http://') && own.has(origin.slice('http://'.length).toLowerCase()));
}

/** The end-to-end fields as a table, without Host, which is made anew from the upstream's address. */
export function fieldTable(rawHeaders: readonly string[]): FieldTable {
  const fields = endToEndFields(rawHeaders);
  const table: FieldTable = Object.create(null) as FieldTable; // a field may be called __proto__
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = (fields[i] ?? '').toLowerCase();
    const value = fields[i + 1] ?? '';
    if (name === 'host') continue;
    const known = table[name];
    if (known === undefined) table[name] = value;
    // Added to in place: copied each time, the 64 KiB of one head could hold 16,000 repeats and the daemon up.
    else if (Array.isArray(known)) known.push(value);
    else table[name] = [known, value];
  }
  return table;
}
