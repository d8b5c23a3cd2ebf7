// Request targets and Host fields to authorities (RFC 9112 §3.2, RFC 9110 §7.2). Pure text in, text out:
// a host is only cut out here, never judged; policy/destination.ts is the one place that normalises it.
// No problem text ever repeats what the client wrote, so none can carry it into a log or an answer.

/** A value, or what is wrong with the text in words that fit after a colon. */
export type ReadText<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

/** Host and port as the client spelled them; an IPv6 literal keeps its brackets. */
export interface Authority {
  readonly host: string;
  /** One to five digits, not yet checked for range; undefined when none was written. */
  readonly port: string | undefined;
}

/** The authority of a CONNECT: both parts are always there. */
export interface ConnectTarget {
  readonly host: string;
  readonly port: string;
}

/** An absolute-form target taken apart. */
export interface AbsoluteTarget extends Authority {
  readonly scheme: 'http' | 'ws';
  /** Origin-form path and query to send on, byte for byte as written; `/` when there was no path. */
  readonly origin: string;
}

/** A gateway's target after normalising: judge `path`, send on `target`. */
export interface OriginTarget {
  /** Starts with `/`; no dot segment, no empty segment but perhaps the last, no encoded slash. */
  readonly path: string;
  /** `path` and the query as it was written. */
  readonly target: string;
}

// Everything visible in ASCII that does not delimit a URI (RFC 3986 §2.2): the backslash is out
// because browsers read it as "/", the percent sign because no DNS name needs one.
const hostText = /^[!$&'()*+,;=\-.0-9A-Z_a-z~]+$/;
const bracketText = /^\[[0-9A-Fa-f:.]+\]$/;
const portText = /^[0-9]{1,5}$/;
const schemeText = /^[A-Za-z][A-Za-z0-9+.-]*:/;
// Bytes above ASCII are not legal in a target, but people do type them into curl; they reach the
// origin unchanged and no decision looks at a path here.
const visibleBytes = /^[\x21-\x7e\x80-\xff]*$/;
const visibleAscii = /^[\x21-\x7e]*$/;

/** Reads a CONNECT target: `host ":" 1*5DIGIT` and nothing else (RFC 9112 §3.2.3). */
export function readConnectTarget(target: string): ReadText<ConnectTarget> {
  const read = readAuthority(target);
  if (!read.ok) return read;
  const { host, port } = read.value;
  if (port === undefined) return bad('a CONNECT target needs a port, as in example.com:443');
  return { ok: true, value: { host, port } };
}

/**
 * Reads an absolute-form target with the scheme `http` or `ws` (RFC 9112 §3.2.2). Refuses user
 * information, fragments, control bytes and every other scheme. An OPTIONS without a path becomes
 * `/`, not `*`: the client library cannot send the asterisk-form.
 */
export function readAbsoluteTarget(target: string): ReadText<AbsoluteTarget> {
  if (!visibleBytes.test(target)) return bad('the target has a blank or a control character in it');
  const scheme = readScheme(target);
  if (!scheme.ok) return scheme;
  const start = scheme.value.length + 3;
  if (!target.startsWith('://', scheme.value.length)) return bad('the target has no authority');
  if (target.includes('#', start)) return bad('the target has a fragment, which is never sent');
  const end = findAuthorityEnd(target, start);
  const read = readAuthority(target.slice(start, end));
  if (!read.ok) return read;
  const rest = target.slice(end);
  const origin = rest.startsWith('/') ? rest : `/${rest}`;
  return { ok: true, value: { scheme: scheme.value, ...read.value, origin } };
}

/** Reads the value of a Host field: `uri-host [ ":" port ]` (RFC 9110 §7.2); empty is a problem. */
export function readHostField(value: string): ReadText<Authority> {
  return readAuthority(value);
}

/**
 * Reads an origin-form target and normalises its path before anybody judges it (RFC 3986 §6.2.2):
 * letters, digits, dots and such written as escapes are unescaped, dot segments resolved, runs of
 * slashes made one. What servers read in different ways is a problem: encoded slashes, backslashes,
 * control bytes, the same escaped twice, and broken escapes.
 */
export function readOriginTarget(target: string): ReadText<OriginTarget> {
  if (!target.startsWith('/')) return bad('the target must be a path that starts with "/"');
  if (!visibleAscii.test(target)) return bad('the target has a byte in it that must be escaped');
  if (target.includes('#')) return bad('the target has a fragment, which is never sent');
  const mark = target.indexOf('?');
  const written = mark === -1 ? target : target.slice(0, mark);
  const query = mark === -1 ? '' : target.slice(mark);
  if (/%(?![0-9A-Fa-f]{2})/.test(written)) return bad('the path has a broken percent escape');
  const unescaped = written.replace(/%[0-9A-Fa-f]{2}/g, unescapeUnreserved);
  // Only now: unescaping can itself spell another escape, as "%25%32%65" does "%252e".
  const problem = findPathProblem(unescaped);
  if (problem !== undefined) return bad(problem);
  const path = resolveDots(unescaped);
  return { ok: true, value: { path, target: path + query } };
}

function bad(problem: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem };
}

function readScheme(target: string): ReadText<'http' | 'ws'> {
  const written = schemeText.exec(target)?.[0].toLowerCase();
  switch (written) {
    case 'http:':
      return { ok: true, value: 'http' };
    case 'ws:':
      return { ok: true, value: 'ws' };
    case 'https:':
    case 'wss:':
      return bad('an https or wss target goes through a proxy with CONNECT');
    case undefined:
      return bad('this is a proxy: the target must be absolute, as in http://example.com/');
    default:
      return bad('the scheme of the target must be http or ws');
  }
}

/** The first "/" or "?" after `start`, or the end; a fragment has been refused before. */
function findAuthorityEnd(target: string, start: number): number {
  for (let index = start; index < target.length; index += 1) {
    const character = target[index];
    if (character === '/' || character === '?') return index;
  }
  return target.length;
}

/** `host [ ":" port ]`, where a colon inside brackets belongs to the host. */
function readAuthority(text: string): ReadText<Authority> {
  if (text.includes('@')) return bad('user information in a target is not accepted');
  const colon = text.startsWith('[') ? portColonAfterBracket(text) : text.indexOf(':');
  const host = colon === -1 ? text : text.slice(0, colon);
  const port = colon === -1 ? undefined : text.slice(colon + 1);
  if (host === '') return bad('the host is empty');
  if (!hostText.test(host) && !bracketText.test(host)) {
    return bad('the host has characters in it that no host name or address has');
  }
  if (port !== undefined && !portText.test(port)) return bad('the port must be one to five digits');
  return { ok: true, value: { host, port } };
}

/** Where the port's colon stands behind a bracketed literal; -1 when the text ends at the bracket. */
function portColonAfterBracket(text: string): number {
  const close = text.indexOf(']');
  // Anything else behind the bracket stays with the host, which then fails the check.
  return close !== -1 && text[close + 1] === ':' ? close + 1 : -1;
}

const unreserved = /[-.0-9A-Z_a-z~]/;

function unescapeUnreserved(escape: string): string {
  const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
  return unreserved.test(character) ? character : escape;
}

function findPathProblem(path: string): string | undefined {
  if (path.includes('\\')) return 'the path has a backslash in it';
  // `%2f`, `%252f`, `%25252f`…: how often a server unescapes is not ours to guess.
  if (/%(?:25)*(?:2f|5c)/i.test(path)) return 'the path has an escaped slash or backslash in it';
  if (/%(?:25)*(?:[01][0-9a-f]|7f)/i.test(path)) return 'the path has an escaped control byte';
  if (/%(?:25)+2e/i.test(path)) return 'the path has a dot in it that is escaped twice';
  return undefined;
}

/** Removes dot segments (RFC 3986 §5.2.4) and empty ones; a trailing slash is kept. */
function resolveDots(path: string): string {
  const kept: string[] = [];
  const segments = path.split('/');
  for (const segment of segments) {
    if (segment === '..') kept.pop();
    if (segment !== '' && segment !== '.' && segment !== '..') kept.push(segment);
  }
  const last = segments.at(-1);
  const folder = kept.length > 0 && (last === '' || last === '.' || last === '..');
  return `/${kept.join('/')}${folder ? '/' : ''}`;
}
