// Checks header fields as they came (Node's rawHeaders: name, value, name, value …) and picks those
// that go further. Node's own view hides a second Host and joins lists, so only the raw list is asked.
// Ambiguity is refused, never repaired (RFC 9112 §6.3, §11; RFC 9110 §7.2, §7.6.1).
import { readHostField, type Authority } from './authority.ts';

/** What of a request head is checked. */
export interface RequestHead {
  readonly rawHeaders: readonly string[];
  /** As sent; `CONNECT` lets Host lack the port. */
  readonly method: string;
  /** `1.0` or `1.1`, as Node's `message.httpVersion`. */
  readonly httpVersion: string;
  /** The authority in the request target, which Host must repeat; undefined for origin-form. */
  readonly authority: Authority | undefined;
}

/** What of a response head is checked. */
export interface ResponseHead {
  readonly rawHeaders: readonly string[];
  /** 100 to 999. */
  readonly status: number;
  /** Undefined where the client library does not tell; then HTTP/1.0 is not looked for. */
  readonly httpVersion: string | undefined;
  /** True when the request asked for an upgrade; an unasked 101 is a problem. */
  readonly upgradeAsked: boolean;
}

const fieldName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// Tab, blank, visible ASCII and obs-text: what is left out is NUL, CR, LF and the other controls.
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/;
// No leading zero, since some read it as octal; 15 digits are exact in every language.
const lengthText = /^(?:0|[1-9][0-9]{0,14})$/;

interface Framing {
  contentLength: string | undefined;
  transferEncoding: string | undefined;
  host: string | undefined;
  hosts: number;
}

/** Why a request head must be answered 400, or undefined when it can be read in one way only. */
export function checkRequestFields(head: RequestHead): string | undefined {
  if (head.httpVersion !== '1.1' && head.httpVersion !== '1.0') {
    return 'the protocol version must be HTTP/1.1 or HTTP/1.0';
  }
  const framing = readFraming(head.rawHeaders);
  if (typeof framing === 'string') return framing;
  return (
    findFramingProblem(framing, head.httpVersion) ??
    (head.method === 'CONNECT' ? findConnectProblem(framing) : undefined) ??
    findHostProblem(framing, head)
  );
}

/** Why a response head must become a 502, or undefined when it can be read in one way only. */
export function checkResponseFields(head: ResponseHead): string | undefined {
  if (head.status === 101 && !head.upgradeAsked) return 'the answer is a 101 nobody asked for';
  const framing = readFraming(head.rawHeaders);
  if (typeof framing === 'string') return framing;
  return findFramingProblem(framing, head.httpVersion);
}

/**
 * The fields to send on: order, case and repeats are kept; what belongs to this connection alone is
 * left out (RFC 9110 §7.6.1), that is Connection and what it names, Proxy-*, TE, Upgrade and framing
 * other than Content-Length. Host stays even when Connection names it, and so does Content-Length:
 * dropping either would change what the next server reads. The caller rewrites Host.
 *
 * Trailer goes because our own framing decides whether trailers can follow; Expect goes because we
 * answer the expectation ourselves once the request is allowed. Via is passed on but not added, so
 * that origins do not learn of the gate; Max-Forwards is passed on, since a request cannot come back
 * to us (proxy_loop) and answering a TRACE would hand a client's secrets back in a body.
 */
export function endToEndFields(rawHeaders: readonly string[]): string[] {
  const named = readConnectionNames(rawHeaders);
  const kept: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = textAt(rawHeaders, index);
    const key = name.toLowerCase();
    if (hopByHop.has(key) || key.startsWith('proxy-')) continue;
    if (named?.has(key) === true && key !== 'host' && key !== 'content-length') continue;
    kept.push(name, textAt(rawHeaders, index + 1));
  }
  return kept;
}

const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'expect',
]);

/** Names listed in Connection fields, lower-cased; undefined when there is none, the usual case. */
function readConnectionNames(rawHeaders: readonly string[]): Set<string> | undefined {
  let names: Set<string> | undefined;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (textAt(rawHeaders, index).toLowerCase() !== 'connection') continue;
    names ??= new Set();
    for (const name of textAt(rawHeaders, index + 1).split(',')) {
      names.add(name.trim().toLowerCase());
    }
  }
  return names;
}

function textAt(rawHeaders: readonly string[], index: number): string {
  return rawHeaders[index] as string; // callers stay below the length
}

/** One pass over the list: every name and value is checked, framing and Host are picked out. */
function readFraming(rawHeaders: readonly string[]): Framing | string {
  if (rawHeaders.length % 2 !== 0) return 'a field has no value';
  const found: Framing = {
    contentLength: undefined,
    transferEncoding: undefined,
    host: undefined,
    hosts: 0,
  };
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = textAt(rawHeaders, index);
    const value = textAt(rawHeaders, index + 1);
    if (!fieldName.test(name)) return 'a field name has characters in it that no name has';
    if (!fieldValue.test(value)) return 'a field value has a control character in it';
    const problem = takeFraming(found, name, value);
    if (problem !== undefined) return problem;
  }
  return found;
}

function takeFraming(found: Framing, name: string, value: string): string | undefined {
  // Only three names matter; their lengths spare most fields the lower-casing.
  if (name.length !== 4 && name.length !== 14 && name.length !== 17) return undefined;
  switch (name.toLowerCase()) {
    case 'host':
      found.hosts += 1;
      found.host = value;
      return found.hosts > 1 ? 'there is more than one Host field' : undefined;
    case 'content-length':
      if (found.contentLength !== undefined) return 'there is more than one Content-Length field';
      found.contentLength = value;
      return undefined;
    case 'transfer-encoding':
      if (found.transferEncoding !== undefined) {
        return 'there is more than one Transfer-Encoding field';
      }
      found.transferEncoding = value;
      return undefined;
    default:
      return undefined;
  }
}

function findFramingProblem(framing: Framing, httpVersion: string | undefined): string | undefined {
  const { contentLength, transferEncoding } = framing;
  if (contentLength !== undefined && !lengthText.test(contentLength)) {
    return 'Content-Length must be one plain number';
  }
  if (transferEncoding === undefined) return undefined;
  if (contentLength !== undefined) return 'Content-Length and Transfer-Encoding exclude each other';
  // Coding names are case-insensitive (RFC 9112 §7); a list, a parameter or `identity` is not taken.
  if (transferEncoding.toLowerCase() !== 'chunked') return 'Transfer-Encoding must be "chunked"';
  if (httpVersion === '1.0') return 'HTTP/1.0 has no Transfer-Encoding';
  return undefined;
}

/** A CONNECT has no content (RFC 9110 §9.3.6): bytes behind its head must not have two meanings. */
function findConnectProblem(framing: Framing): string | undefined {
  if (framing.transferEncoding !== undefined) return 'CONNECT has no Transfer-Encoding';
  const { contentLength } = framing;
  if (contentLength !== undefined && contentLength !== '0') return 'CONNECT has no content';
  return undefined;
}

function findHostProblem(framing: Framing, head: RequestHead): string | undefined {
  if (framing.host === undefined) {
    // Python's urllib still tunnels with HTTP/1.0 and no Host.
    return head.httpVersion === '1.0' ? undefined : 'the Host field is missing';
  }
  const read = readHostField(framing.host);
  if (!read.ok) return `Host: ${read.problem}`;
  if (head.authority === undefined) return undefined;
  const same =
    foldHost(read.value.host) === foldHost(head.authority.host) &&
    isSamePort(read.value.port, head.authority.port, head.method);
  return same ? undefined : 'Host does not name the authority of the request target';
}

function foldHost(host: string): string {
  const lower = host.toLowerCase();
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}

/** Port 80 is what an absent one means for http and ws; in CONNECT Host may simply lack it. */
function isSamePort(inHost: string | undefined, inTarget: string | undefined, method: string) {
  if (method === 'CONNECT' && inHost === undefined) return true;
  return Number(inHost ?? '80') === Number(inTarget ?? '80');
}
