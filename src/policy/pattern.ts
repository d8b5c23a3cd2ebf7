// Rule text to Pattern: exact names, `*.x`, `**.x`, `*`, stars inside one label, addresses and CIDR blocks.
// A pattern that says more than its writer can have meant is refused with the text to write instead.
// The only importer of picomatch, which sees in-label stars and nothing else.
import picomatch from 'picomatch';
import { andWords, formatAddress, maskBits, maskWords, readAddress, readIpv6 } from './address.ts';
import type { Address } from './address.ts';
import { formatHostPort, parsePort, parseRuleHost } from './destination.ts';
import type { Parsed } from './destination.ts';
import { ownershipOf } from './public-suffix.ts';

/** What every pattern has. */
interface PatternBase {
  /** Canonical text: lower-case A-labels, canonical addresses, the port when there is one. */
  readonly text: string;
  /** The one port it is for, 1 to 65535; undefined for every port. */
  readonly port: number | undefined;
  /** What a reader should know about it, in words that fit after a colon. */
  readonly warnings: readonly string[];
}

/** `*`: every host. */
export interface AnyPattern extends PatternBase {
  readonly shape: 'any';
}

/** `x` (exact), `*.x` (below: any depth, not the apex) or `**.x` (apex_and_below). */
export interface NamePattern extends PatternBase {
  readonly shape: 'exact' | 'below' | 'apex_and_below';
  readonly name: string;
}

/** `region*.v2.x`: each star stays inside its label; `fixed` is what follows the last label with a star. */
export interface StarPattern extends PatternBase {
  readonly shape: 'star';
  readonly name: string;
  readonly fixed: string;
}

/** An address (`length` is 32 or 128) or a CIDR block; IPv4-mapped addresses have become IPv4. */
export interface NetworkPattern extends PatternBase {
  readonly shape: 'network';
  readonly base: Address;
  readonly length: number;
}

/** One rule's host side. */
export type Pattern = AnyPattern | NamePattern | StarPattern | NetworkPattern;

/** Which list the text stands in. */
export interface PatternOptions {
  /** Over-broad allows are refused; a deny may name a whole top-level domain, but never everything. */
  readonly outcome: 'allow' | 'deny';
  /** True where a rule may carry `:port`: our own files, not Codex's, where it would cover every port. */
  readonly port: boolean;
}

const none: readonly string[] = [];
const starWarning: readonly string[] = [
  'has a star that stays inside its label here; in Codex it also crosses dots',
];
const textLimit = 1000; // Unicode of more than 253 octets can still be a short name in A-labels
const starsInLabel = 2; // bounds the work a label can cost the matcher

/** Reads one rule. The problem quotes the text and names the mend. Never throws. */
export function parsePattern(text: string, options: PatternOptions): Parsed<Pattern> {
  const fault = shapeFault(text, options);
  if (fault !== undefined) return fault;
  const split = splitPort(text, options);
  if (!split.ok) return split;
  const { host, port } = split.value;
  const rule: Rule = { text, host, port, options };
  if (host.includes('/')) return parseBlock(rule);
  if (host === '*') return parseAny(rule);
  if (host.startsWith('**.')) return parseSuffix(rule, 'apex_and_below', host.slice(3));
  if (host.startsWith('*.')) return parseSuffix(rule, 'below', host.slice(2));
  if (host.includes('*')) return parseStar(rule);
  return parseExact(rule);
}

/** A matcher for whole names. Costs some ten microseconds to make, so make it when first needed. */
export function createStarMatcher(pattern: StarPattern): (name: string) => boolean {
  // With slashes for dots the library's rule that a star stops at a slash is our rule about dots.
  const matches = picomatch(pattern.name.replaceAll('.', '/'), {
    dot: true,
    nobrace: true,
    nobracket: true,
    noext: true,
    noglobstar: true,
    nonegate: true,
    strictSlashes: true,
  });
  return (name) => matches(name.replaceAll('.', '/'));
}

interface Rule {
  readonly text: string;
  readonly host: string;
  readonly port: number | undefined;
  readonly options: PatternOptions;
}

type Problem = { readonly ok: false; readonly problem: string };

function problem(text: string, words: string): Problem {
  const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  return { ok: false, problem: `${JSON.stringify(shown)} ${words}` };
}

/** What cannot be a pattern by its looks alone, with what its writer most likely meant. */
function shapeFault(text: string, options: PatternOptions): Problem | undefined {
  if (text.trim() === '') return problem(text, 'is empty; name a host, such as "example.com"');
  if (text.length > textLimit) return problem(text, 'is longer than any host');
  if (text.trim() !== text) return problem(text, `has blanks around it; ${write(text, options)}`);
  if (text.includes('://')) return problem(text, `is a URL, not a host; ${write(text, options)}`);
  if (text.includes('@')) return problem(text, `has a user name; ${write(text, options)}`);
  if (text.includes('%'))
    return problem(text, `has a zone id or an escape; ${write(text, options)}`);
  if (/[?{}!()|]/.test(text)) {
    return problem(text, 'has a sign that patterns do not have; only "*" stands for other text');
  }
  return undefined;
}

/** `write "…"` when cutting the text down to its host gives a rule, else a general word of help. */
function write(text: string, options: PatternOptions): string {
  const host = text
    .trim()
    .replace(/^[^/]*:\/\//, '')
    .replace(/[/?#].*$/s, '')
    .replace(/^.*@/s, '')
    .replace(/%[^\]]*/s, '');
  const candidates = [host, host.replace(/:\d*$/, '')];
  const fit = candidates.find((each) => each !== text && parsePattern(each, options).ok);
  return fit === undefined ? 'write a host, such as "example.com"' : `write ${JSON.stringify(fit)}`;
}

interface HostAndPort {
  readonly host: string;
  readonly port: number | undefined;
}

/** Cuts `:port` off; more than one colon without brackets is an IPv6 address and has none. */
function splitPort(text: string, options: PatternOptions): Parsed<HostAndPort> {
  const bracketed = /^\[([^[\]]*)\](?::(.*))?$/s.exec(text);
  if (bracketed === null && /[[\]]/.test(text)) {
    return problem(text, 'has brackets; they stand only around an IPv6 address');
  }
  const [, inner, portText] = bracketed ?? /^([^:]*):([^:]*)$/s.exec(text) ?? [];
  if (bracketed !== null && inner?.includes(':') !== true) {
    return problem(text, 'has brackets; they stand only around an IPv6 address');
  }
  const host = inner ?? text;
  if (portText === undefined) return { ok: true, value: { host, port: undefined } };
  const bare = bracketed === null ? host : `[${host}]`;
  if (!options.port) {
    return problem(text, `has a port, and rules here cover every port; write ${quote(bare)}`);
  }
  const port = parsePort(portText);
  if (port.ok) return { ok: true, value: { host, port: port.value } };
  return problem(text, `has a port that is not 1 to 65535; for every port write ${quote(bare)}`);
}

function quote(text: string): string {
  return JSON.stringify(text);
}

function withPort(text: string, port: number | undefined): string {
  return port === undefined ? text : `${text}:${port}`;
}

function parseAny({ text, host, port, options }: Rule): Parsed<Pattern> {
  if (options.outcome === 'deny') {
    return problem(
      text,
      'would deny everything; set unknown = "deny" and list what may pass in allowed_domains',
    );
  }
  const warnings = [
    'allows every public host; name the hosts, or set unknown = "ask" and answer what comes up',
  ];
  return { ok: true, value: { shape: 'any', text: withPort(host, port), port, warnings } };
}

function parseExact({ text, host, port }: Rule): Parsed<Pattern> {
  if (host.startsWith('.')) {
    const rest = host.slice(1);
    return problem(
      text,
      `starts with a dot; write ${quote(`*.${rest}`)} for what is below, or ${quote(`**.${rest}`)}`,
    );
  }
  const read = parseRuleHost(host);
  if (!read.ok) return problem(text, `is not a host: ${read.problem}`);
  const { text: name, kind } = read.value;
  const address = kind === 'name' ? undefined : readAddress(name);
  if (address === undefined) {
    const value = {
      shape: 'exact',
      text: withPort(name, port),
      name,
      port,
      warnings: none,
    } as const;
    return { ok: true, value };
  }
  const shown = port === undefined ? name : formatHostPort(name, kind, port);
  const length = address.family === 4 ? 32 : 128;
  return {
    ok: true,
    value: { shape: 'network', text: shown, base: address, length, port, warnings: none },
  };
}

function parseSuffix(rule: Rule, shape: 'below' | 'apex_and_below', rest: string): Parsed<Pattern> {
  const { text, port, options } = rule;
  const star = shape === 'below' ? '*.' : '**.';
  if (rest.includes('*')) {
    return problem(
      text,
      `has a second star; "${star}" already covers every depth, such as "${star}example.com"`,
    );
  }
  const read = parseRuleHost(rest);
  if (!read.ok) return problem(text, `is not a host pattern: ${read.problem}`);
  const { text: name, kind } = read.value;
  if (kind !== 'name') return problem(text, `has a star before an address; write ${quote(name)}`);
  const isBroad = !name.includes('.');
  if (isBroad && options.outcome === 'allow') {
    return problem(
      text,
      `is too broad; name at least two labels, such as "${star}example.${name}"`,
    );
  }
  if (options.outcome === 'deny') {
    const warnings = isBroad ? [`denies everything below "${name}"`] : none;
    return tail(shape, star, { name, port, warnings });
  }
  const { kind: owner, isSuffix } = ownershipOf(name);
  if (isSuffix && owner === 'icann') {
    return problem(
      text,
      `is too broad: anybody can register a name below "${name}"; name one more label, such as "${star}example.${name}"`,
    );
  }
  const warnings =
    isSuffix && owner === 'private'
      ? [`lets through what anybody may put below "${name}"; name the sites that are meant`]
      : none;
  return tail(shape, star, { name, port, warnings });
}

function tail(
  shape: 'below' | 'apex_and_below',
  star: string,
  rest: Pick<NamePattern, 'name' | 'port' | 'warnings'>,
): Parsed<Pattern> {
  const text = withPort(`${star}${rest.name}`, rest.port);
  return { ok: true, value: { shape, text, ...rest } };
}

function parseStar(rule: Rule): Parsed<Pattern> {
  const { text, port, options } = rule;
  const host = rule.host.endsWith('.') ? rule.host.slice(0, -1) : rule.host;
  const labels = host.toLowerCase().split('.');
  const count = labels.findLastIndex((label) => label.includes('*')) + 1;
  const head = labels.slice(0, count);
  if (/^[\d.*]+$/.test(host) && host !== '**') {
    return problem(
      text,
      'has a star in an address; write it as a CIDR block, such as "10.0.0.0/8"',
    );
  }
  const fault = starFault(head);
  if (fault !== undefined) return problem(text, fault);
  if (count === labels.length) {
    return problem(text, 'has a star in its last label; write the end of the name out');
  }
  const read = parseRuleHost(labels.slice(count).join('.'));
  if (!read.ok) return problem(text, `is not a host pattern: ${read.problem}`);
  const { text: fixed, kind } = read.value;
  if (kind !== 'name') return problem(text, `has a star before an address; write ${quote(fixed)}`);
  const name = `${head.join('.')}.${fixed}`;
  if (!fixed.includes('.') && options.outcome === 'allow') return broadStar(text, head, fixed);
  if (name.length > 253) return problem(text, 'is longer than 253 octets');
  return {
    ok: true,
    value: { shape: 'star', text: withPort(name, port), name, fixed, port, warnings: starWarning },
  };
}

function broadStar(text: string, head: readonly string[], fixed: string): Problem {
  const [label = ''] = head;
  if (head.length === 1 && label.startsWith('*')) {
    const meant = `**.${label.slice(1)}.${fixed}`;
    return problem(text, `is too broad; write "${meant}" if you mean that name and what is below`);
  }
  const mend = `${head.join('.')}.example.${fixed}`;
  return problem(text, `is too broad; two labels must follow the star, such as "${mend}"`);
}

/** What is wrong with the labels up to the last that has a star; `*` alone is one whole label. */
function starFault(head: readonly string[]): string | undefined {
  for (const label of head) {
    if (label === '**' && head.length === 1) return 'is not a pattern; every host is "*"';
    if (label.includes('**')) return 'has "**" inside; it stands only at the start, as "**."';
    if (label.split('*').length - 1 > starsInLabel) return 'has more than two stars in one label';
    if (!/^[a-z0-9_*](?:[a-z0-9_*-]*[a-z0-9_*])?$/.test(label) || label.length > 63) {
      return 'has a label that is no LDH label (with a star it is written in ASCII, as xn--…)';
    }
  }
  return undefined;
}

/** A CIDR block, RFC 4632 and RFC 4291 §2.3; anything else with a slash is taken for a path. */
function parseBlock({ text, host, port, options }: Rule): Parsed<Pattern> {
  const slash = host.indexOf('/');
  const baseText = host.slice(0, slash);
  const lengthText = host.slice(slash + 1);
  const base = readAddress(baseText);
  if (base === undefined) return problem(text, `has a path; ${write(text, options)}`);
  const bits = base.family === 4 ? 32 : 128;
  const length = /^(?:0|[1-9]\d{0,2})$/.test(lengthText) ? Number(lengthText) : Number.NaN;
  if (isMappedText(baseText, base)) {
    return problem(text, `is an IPv4 block; write it as one, such as ${quote('192.0.2.0/24')}`);
  }
  if (!(length <= bits)) return problem(text, `has a prefix length that is not 0 to ${bits}`);
  const network = maskAddress(base, length);
  const mend = `${formatAddress(network)}/${length}`;
  if (formatAddress(network) !== formatAddress(base)) {
    const single = quote(formatAddress(base));
    return problem(
      text,
      `has bits set beyond /${length}; write ${quote(mend)} for the block or ${single} for the address`,
    );
  }
  const least = leastLength(base, options);
  if (length < least) {
    return problem(text, `is too broad; a block here is /${least} or longer`);
  }
  const shown = port === undefined ? mend : blockWithPort(mend, base, port);
  return {
    ok: true,
    value: { shape: 'network', text: shown, base: network, length, port, warnings: none },
  };
}

function blockWithPort(block: string, base: Address, port: number): string {
  return base.family === 4 ? `${block}:${port}` : `[${block}]:${port}`;
}

function isMappedText(text: string, base: Address): boolean {
  return base.family === 4 && readIpv6(text) !== undefined;
}

/** An allow block lifts the local-address guard, so it is no wider than the widest private one. */
function leastLength(base: Address, options: PatternOptions): number {
  if (options.outcome === 'deny') return 1;
  return base.family === 4 ? 8 : 7;
}

function maskAddress(address: Address, length: number): Address {
  if (address.family === 4) {
    return { family: 4, value: (address.value & maskBits(length)) >>> 0 };
  }
  return { family: 6, words: andWords(address.words, maskWords(length)) };
}
