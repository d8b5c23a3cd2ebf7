// Text to Destination: the one place where a host is normalised (security requirements 1 and 2).
// Every other part carries what comes out of here and never the client's own spelling.
import { domainToASCII } from 'node:url';
import { formatAddress, readAddress, readIpv4 } from './address.ts';
import type { Address } from './address.ts';

/** Codex's values of `network.transport.protocol`; a gateway request is `http`. */
export type Protocol = 'http' | 'https_connect' | 'socks5_tcp';

/** What a canonical host is: a DNS name or an address literal. */
export type HostKind = 'name' | 'ipv4' | 'ipv6';

/** A canonical host: lower-case A-labels without a trailing dot, dotted quad, or RFC 5952 text without brackets. */
export interface Host {
  readonly text: string;
  readonly kind: HostKind;
}

/** Where one request wants to go; what is matched is what is dialled and what is shown. */
export interface Destination {
  readonly protocol: Protocol;
  readonly host: string;
  readonly kind: HostKind;
  /** 1 to 65535. */
  readonly port: number;
}

/** A value, or what is wrong with the text in words that fit after a colon. */
export type Parsed<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

const nameLimit = 253; // RFC 1035 §2.3.4: 255 octets on the wire, two of them lengths
const labelLimit = 63;

/**
 * Reads a host as it stands in a request: an ASCII name of LDH labels and `_`, a strict dotted quad, or an
 * IPv6 literal in brackets without zone id; an IPv4-mapped literal becomes IPv4. Names are lower-cased and
 * lose one trailing dot. The problem never repeats the text, which may be anything. Never throws.
 */
export function parseHost(text: string): Parsed<Host> {
  if (text === '') return problem('the host is empty');
  if (text.startsWith('[')) return parseBracketed(text);
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  const fault = nameFault(name);
  if (fault !== undefined) return problem(fault);
  if (isNumberLike(name)) return parseQuad(text);
  return { ok: true, value: { text: name.toLowerCase(), kind: 'name' } };
}

/** Reads an address without brackets, as SOCKS5 and the resolver give it; same result as `parseHost`. */
export function parseAddress(text: string): Parsed<Host> {
  const address = readAddress(text);
  return address === undefined ? problem('not an IPv4 or IPv6 address') : literal(address);
}

/** Reads `1*5DIGIT` in 1 to 65535 (RFC 9110 §4.2; 0 is never a destination). */
export function parsePort(text: string): Parsed<number> {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > 65_535) return problem('the port is not a number from 1 to 65535');
  return { ok: true, value };
}

/**
 * Reads a host as a person writes it in a rule: Unicode becomes A-labels (UTS 46), the rest is as strict as
 * `parseHost`. An IPv6 address may stand without brackets.
 */
export function parseRuleHost(text: string): Parsed<Host> {
  if (text.includes(':') && !text.startsWith('[')) return parseAddress(text);
  if (isAscii(text)) return parseHost(text);
  // The converter is a URL parser: it would also decode %41, drop a path and fold 0x7f.1, so it sees no such text.
  if (!/^[\w.\-\u0080-\u{10ffff}]+$/u.test(text)) {
    return problem('the host has a character that names do not have');
  }
  const ascii = domainToASCII(text);
  if (ascii === '') return problem('the host is not a valid international name (UTS 46)');
  const host = parseHost(ascii);
  if (host.ok && host.value.kind !== 'name') {
    return problem('an address is written in ASCII digits and dots');
  }
  return host;
}

/** Puts a destination together from parts already read. */
export function createDestination(protocol: Protocol, host: Host, port: number): Destination {
  return { protocol, host: host.text, kind: host.kind, port };
}

/** Writes `host:port` (RFC 3986 §3.2.2: an IPv6 address in brackets). */
export function formatHostPort(host: string, kind: HostKind, port: number): string {
  return kind === 'ipv6' ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The key of the question a destination belongs to: one per protocol, host and port. */
export function pendingKey(destination: Destination): string {
  return `${destination.protocol} ${destination.host} ${destination.port}`;
}

function problem(text: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem: text };
}

function literal(address: Address): Parsed<Host> {
  const kind = address.family === 4 ? 'ipv4' : 'ipv6';
  return { ok: true, value: { text: formatAddress(address), kind } };
}

function parseBracketed(text: string): Parsed<Host> {
  const inner = text.endsWith(']') ? text.slice(1, -1) : '';
  if (inner.includes('%')) return problem('an IPv6 address here has no zone id');
  const address = inner.includes(':') ? readAddress(inner) : undefined;
  return address === undefined ? problem('brackets hold one IPv6 address') : literal(address);
}

/** No trailing dot here: `1.2.3.4.` is a name to some programs and an address to others. */
function parseQuad(text: string): Parsed<Host> {
  const value = readIpv4(text);
  if (value === undefined) return problem('a host that ends in a number is four decimal parts');
  return literal({ family: 4, value });
}

/** What WHATWG and inet_aton would take for an IPv4 address in one of its odd spellings. */
function isNumberLike(name: string): boolean {
  const last = name.slice(name.lastIndexOf('.') + 1);
  return /^(?:\d+$|0x)/i.test(last);
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    if (text.charCodeAt(index) > 127) return false;
  }
  return true;
}

/**
 * LDH labels by RFC 5890 §2.3.1, so no hyphen at either end of a label, and `_` anywhere. Browsers accept
 * `-a.example`; resolvers differ on it and command lines take it for an option, so here it is refused.
 */
function nameFault(name: string): string | undefined {
  if (name.length > nameLimit) return 'the host is longer than 253 octets';
  let start = 0;
  for (let index = 0; index <= name.length; index += 1) {
    const code = index === name.length ? dot : name.charCodeAt(index);
    if (code === dot) {
      const fault = labelFault(name, start, index);
      if (fault !== undefined) return fault;
      start = index + 1;
    } else if (!isNameCode(code)) {
      return code === 58
        ? 'the host has a colon; an IPv6 address stands in brackets'
        : 'the host has a character that names do not have';
    }
  }
  return undefined;
}

const dot = 46;
const hyphen = 45;

function labelFault(name: string, start: number, end: number): string | undefined {
  if (end === start) return 'the host has an empty label';
  if (end - start > labelLimit) return 'the host has a label longer than 63 octets';
  if (name.charCodeAt(start) === hyphen || name.charCodeAt(end - 1) === hyphen) {
    return 'the host has a label that begins or ends with a hyphen';
  }
  return undefined;
}

function isNameCode(code: number): boolean {
  const lower = code | 32;
  return (
    (lower >= 97 && lower <= 122 && code < 128) || // a-z, A-Z
    (code >= 48 && code <= 57) ||
    code === hyphen ||
    code === 95
  );
}
