// IP addresses as numbers: reading, writing (RFC 5952) and which special-purpose block one lies in.
// An IPv6 address that carries an IPv4 one is judged by both. Anything unreadable counts as special.

/** An IPv6 address as four unsigned 32-bit words, most significant first. */
export type Words = readonly [number, number, number, number];

/** An address in numbers; `value` is an unsigned 32-bit integer. */
export type Address =
  { readonly family: 4; readonly value: number } | { readonly family: 6; readonly words: Words };

/** A block that is not the public internet, and the document that set it apart. */
export interface SpecialRange {
  readonly name: string;
  readonly rfc: string;
}

const quad = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;
const group = /^[0-9a-f]{1,4}$/i;
const longestIpv6 = 45; // 'ffff:'.repeat(6) + '255.255.255.255'

/** Reads a strict dotted quad: four decimal parts of 0 to 255 without leading zeros, nothing else. */
export function readIpv4(text: string): number | undefined {
  const parts = text.length > 15 ? null : quad.exec(text);
  if (parts === null) return undefined;
  let value = 0;
  for (let index = 1; index <= 4; index += 1) {
    const octet = Number(parts[index]);
    if (octet > 255) return undefined;
    value = value * 256 + octet;
  }
  return value;
}

/** Reads RFC 4291 §2.2 text without brackets or zone id; a dotted quad may be the last part. */
export function readIpv6(text: string): Words | undefined {
  if (text.length > longestIpv6) return undefined;
  const [head, tail, ...more] = hexOnly(text)?.split('::') ?? [];
  if (head === undefined || more.length > 0) return undefined;
  const left = readGroups(head);
  if (left === undefined) return undefined;
  if (tail === undefined) return left.length === 8 ? toWords(left) : undefined;
  const right = readGroups(tail);
  if (right === undefined || left.length + right.length > 7) return undefined;
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => 0);
  return toWords([...left, ...zeros, ...right]);
}

/** The same text with a dotted quad at its end written as two groups. */
function hexOnly(text: string): string | undefined {
  if (!text.includes('.')) return text;
  const start = text.lastIndexOf(':') + 1;
  const value = start === 0 ? undefined : readIpv4(text.slice(start));
  if (value === undefined) return undefined;
  return `${text.slice(0, start)}${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}`;
}

function readGroups(text: string): readonly number[] | undefined {
  if (text === '') return [];
  const groups = text.split(':');
  return groups.every((each) => group.test(each))
    ? groups.map((each) => Number.parseInt(each, 16))
    : undefined;
}

function toWords(groups: readonly number[]): Words {
  // Cast: the callers pass exactly eight groups.
  const [a, b, c, d, e, f, g, h] = groups as readonly [...Words, ...Words];
  return [a * 0x10000 + b, c * 0x10000 + d, e * 0x10000 + f, g * 0x10000 + h];
}

/** Reads either family; an IPv4-mapped IPv6 address is the IPv4 address (RFC 4291 §2.5.5.2). */
export function readAddress(text: string): Address | undefined {
  if (!text.includes(':')) {
    const value = readIpv4(text);
    return value === undefined ? undefined : { family: 4, value };
  }
  const words = readIpv6(text);
  if (words === undefined) return undefined;
  return isMapped(words) ? { family: 4, value: words[3] } : { family: 6, words };
}

function isMapped(words: Words): boolean {
  return words[0] === 0 && words[1] === 0 && words[2] === 0xffff;
}

/** Writes a dotted quad. */
function formatIpv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

/** Writes RFC 5952 text: lower case, no leading zeros, the first longest run of zero groups as `::`. */
function formatIpv6(words: Words): string {
  const groups = words.flatMap((word) => [word >>> 16, word & 0xffff]);
  const [start, length] = longestZeroRun(groups);
  const text = (part: readonly number[]): string => part.map((each) => each.toString(16)).join(':');
  if (length < 2) return text(groups);
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

function longestZeroRun(groups: readonly number[]): readonly [start: number, length: number] {
  let best: readonly [number, number] = [0, 0];
  let length = 0;
  for (const [index, each] of groups.entries()) {
    length = each === 0 ? length + 1 : 0;
    if (length > best[1]) best = [index + 1 - length, length];
  }
  return best;
}

/** Writes either family. */
export function formatAddress(address: Address): string {
  return address.family === 4 ? formatIpv4(address.value) : formatIpv6(address.words);
}

/** The four words of a mask with `length` leading ones, 0 to 128. */
export function maskWords(length: number): Words {
  return [maskBits(length), maskBits(length - 32), maskBits(length - 64), maskBits(length - 96)];
}

/** An unsigned 32-bit mask with `length` leading ones; below 0 is 0 and above 32 is 32. */
export function maskBits(length: number): number {
  if (length <= 0) return 0;
  return length >= 32 ? 0xffffffff : ~(0xffffffff >>> length) >>> 0;
}

/** The address with every bit outside the mask cleared. */
export function andWords(words: Words, mask: Words): Words {
  return [
    (words[0] & mask[0]) >>> 0,
    (words[1] & mask[1]) >>> 0,
    (words[2] & mask[2]) >>> 0,
    (words[3] & mask[3]) >>> 0,
  ];
}

// IANA IPv4 Special-Purpose Address Registry, whole: also the anycast blocks that are reachable, since
// nothing there is a service an agent has business with.
const ipv4Blocks = [
  ['0.0.0.0/8', 'this network', 'RFC 791'],
  ['10.0.0.0/8', 'private use', 'RFC 1918'],
  ['100.64.0.0/10', 'carrier-grade NAT', 'RFC 6598'],
  ['127.0.0.0/8', 'loopback', 'RFC 1122'],
  ['169.254.0.0/16', 'link local', 'RFC 3927'],
  ['172.16.0.0/12', 'private use', 'RFC 1918'],
  ['192.0.0.0/24', 'IETF protocol assignments', 'RFC 6890'],
  ['192.0.2.0/24', 'documentation', 'RFC 5737'],
  ['192.31.196.0/24', 'AS112', 'RFC 7535'],
  ['192.52.193.0/24', 'multicast tunnelling', 'RFC 7450'],
  ['192.88.99.0/24', '6to4 relay', 'RFC 7526'],
  ['192.168.0.0/16', 'private use', 'RFC 1918'],
  ['192.175.48.0/24', 'AS112', 'RFC 7534'],
  ['198.18.0.0/15', 'benchmarking', 'RFC 2544'],
  ['198.51.100.0/24', 'documentation', 'RFC 5737'],
  ['203.0.113.0/24', 'documentation', 'RFC 5737'],
  ['224.0.0.0/4', 'multicast', 'RFC 5771'],
  ['255.255.255.255/32', 'limited broadcast', 'RFC 919'],
  ['240.0.0.0/4', 'reserved', 'RFC 1112'],
] as const;

// IANA IPv6 Special-Purpose Address Registry; the narrower block stands first. Two are missing on purpose:
// 64:ff9b::/96 and 2002::/16 are judged by the IPv4 address inside, or an IPv6-only network (DNS64) would
// reach nothing.
const ipv6Blocks = [
  ['::/128', 'unspecified', 'RFC 4291'],
  ['::1/128', 'loopback', 'RFC 4291'],
  ['::/96', 'IPv4-compatible', 'RFC 4291'],
  ['64:ff9b:1::/48', 'local-use translation', 'RFC 8215'],
  ['100::/64', 'discard only', 'RFC 6666'],
  ['100:0:0:1::/64', 'dummy prefix', 'RFC 9780'],
  ['2001::/32', 'Teredo', 'RFC 4380'],
  ['2001:2::/48', 'benchmarking', 'RFC 5180'],
  ['2001:10::/28', 'overlay identifiers', 'RFC 4843'],
  ['2001:20::/28', 'overlay identifiers', 'RFC 7343'],
  ['2001::/23', 'IETF protocol assignments', 'RFC 2928'],
  ['2001:db8::/32', 'documentation', 'RFC 3849'],
  ['2620:4f:8000::/48', 'AS112', 'RFC 7534'],
  ['3fff::/20', 'documentation', 'RFC 9637'],
  ['5f00::/16', 'segment routing', 'RFC 9602'],
  ['fc00::/7', 'unique local', 'RFC 4193'],
  ['fe80::/10', 'link local', 'RFC 4291'],
  ['fec0::/10', 'site local', 'RFC 3879'],
  ['ff00::/8', 'multicast', 'RFC 4291'],
] as const;

const unreadable: SpecialRange = { name: 'not an address', rfc: 'RFC 4291' };
const notGlobal: SpecialRange = { name: 'outside global unicast', rfc: 'RFC 4291' };

// The casts below: the tables are ours and every row has a test, so each block splits and reads.
const special4 = ipv4Blocks.map(([block, name, rfc]) => {
  const [base, length] = block.split('/') as [string, string];
  return { base: readIpv4(base) as number, mask: maskBits(Number(length)), range: { name, rfc } };
});
const special6 = ipv6Blocks.map(([block, name, rfc]) => {
  const [base, length] = block.split('/') as [string, string];
  return { base: readIpv6(base) as Words, mask: maskWords(Number(length)), range: { name, rfc } };
});

/**
 * The special-purpose block an address lies in, or undefined for a public one. Takes text without brackets;
 * text that is no address is special too, so that doubt is a deny.
 */
export function specialRange(address: string): SpecialRange | undefined {
  const read = readAddress(address);
  return read === undefined ? unreadable : specialRangeOf(read);
}

/** As `specialRange`, for an address already read. */
function specialRangeOf(address: Address): SpecialRange | undefined {
  if (address.family === 4) return special4Of(address.value);
  const { words } = address;
  for (const { base, mask, range } of special6) {
    if (isWithin(words, base, mask)) return range;
  }
  const inner = embeddedIpv4(words);
  if (inner !== undefined) return special4Of(inner);
  return words[0] >>> 29 === 1 ? undefined : notGlobal; // 2000::/3
}

function special4Of(value: number): SpecialRange | undefined {
  for (const { base, mask, range } of special4) {
    if ((value & mask) >>> 0 === base) return range;
  }
  return undefined;
}

function isWithin(words: Words, base: Words, mask: Words): boolean {
  return (
    (words[0] & mask[0]) >>> 0 === base[0] &&
    (words[1] & mask[1]) >>> 0 === base[1] &&
    (words[2] & mask[2]) >>> 0 === base[2] &&
    (words[3] & mask[3]) >>> 0 === base[3]
  );
}

/**
 * The IPv4 address that packets to this IPv6 address may end at: compatible (RFC 4291), NAT64 with a /96
 * prefix (RFC 6052, RFC 8215), 6to4 (RFC 3056), Teredo (RFC 4380) and ISATAP (RFC 5214).
 */
export function embeddedIpv4(words: Words): number | undefined {
  const [first, second, third, last] = words;
  if (first === 0 && second === 0 && (third === 0 || third === 0xffff)) return last;
  if (first === 0x64ff9b && (second >>> 16 === 1 || (second === 0 && third === 0))) return last;
  if (first >>> 16 === 0x2002) return (((first & 0xffff) << 16) | (second >>> 16)) >>> 0;
  if (first === 0x20010000) return ~last >>> 0; // Teredo writes the client's address inverted
  if ((third & 0xfdffffff) >>> 0 === 0x5efe) return last; // ISATAP, with either universal/local bit
  return undefined;
}

/** True for every address that reaches this machine itself: 127/8, 0/8, ::1, :: and what carries those. */
export function isLoopbackOrUnspecified(address: string): boolean {
  const read = readAddress(address);
  if (read === undefined) return false;
  if (read.family === 4) return isLoopback4(read.value);
  const [first, second, third, last] = read.words;
  if (first === 0 && second === 0 && third === 0 && last <= 1) return true;
  const inner = embeddedIpv4(read.words);
  return inner !== undefined && isLoopback4(inner);
}

function isLoopback4(value: number): boolean {
  return value >>> 24 === 127 || value >>> 24 === 0;
}
