// A list of rules to an immutable Policy. What a lookup costs depends on the labels of the host and on how
// many different prefix lengths there are, never on how many rules.
import { createHash } from 'node:crypto';
import { andWords, embeddedIpv4, maskBits, maskWords, readAddress } from './address.ts';
import type { Address, Words } from './address.ts';
import type { RuleRef } from './decision.ts';
import type { HostKind } from './destination.ts';
import type { Mode } from './mode.ts';
import { addName, createNameTable, emptyHash, findEnd, growHash, hashOf, refOf } from './names.ts';
import type { NameTable } from './names.ts';
import type { NamePattern, NetworkPattern, Pattern } from './pattern.ts';
import { addStar, createStarTable, findStar } from './stars.ts';
import type { StarTable } from './stars.ts';

/** One rule with the place it was written. */
export interface PolicyRule {
  readonly pattern: Pattern;
  readonly ref: RuleRef;
}

/** Everything a policy is made of. */
export interface PolicyInput {
  /** False: every request is refused. */
  readonly enabled: boolean;
  readonly mode: Mode;
  /** What becomes of a destination no rule and no grant knows. */
  readonly unknown: 'ask' | 'deny' | 'report';
  /** True lifts the guard on loopback, private and reserved addresses. */
  readonly allowLocalBinding: boolean;
  /** True: unknown is deny whatever `unknown` says, and grants do not count. */
  readonly managedOnly: boolean;
  /** In any order, as many as wanted; of two with the same text and outcome the first is the one named. */
  readonly rules: readonly PolicyRule[];
}

/** How many different rules there are of each outcome. */
export interface RuleCounts {
  readonly allow: number;
  readonly deny: number;
}

/** Compiled rules and mode: an immutable snapshot. Hosts are canonical, as `Destination` carries them. */
export interface Policy {
  /** Twelve hex digits of a hash over settings and rules; the same content gives the same version. */
  readonly version: string;
  readonly enabled: boolean;
  readonly mode: Mode;
  readonly unknown: 'ask' | 'deny' | 'report';
  readonly allowLocalBinding: boolean;
  readonly managedOnly: boolean;
  readonly counts: RuleCounts;
  /** The most specific deny rule; an IPv6 address is also denied by a rule for the IPv4 address inside it. */
  readonly matchDeny: (host: string, kind: HostKind, port: number) => RuleRef | undefined;
  /** The most specific allow rule. */
  readonly matchAllow: (host: string, kind: HostKind, port: number) => RuleRef | undefined;
  /** The allow rule that names this host itself: an exact name, or an address or block that covers it. */
  readonly namesExactly: (host: string, kind: HostKind, port: number) => RuleRef | undefined;
  /** The allow rule for an address or block that covers this address (text without brackets). */
  readonly coversAddress: (address: string, port: number) => RuleRef | undefined;
}

/** Builds the policy. A million rules take well under a second. */
export function compilePolicy(input: PolicyInput): Policy {
  const allow = createTable(countAllows(input.rules));
  const deny = createTable(input.rules.length - allow.room);
  // Backwards, so that the first of two equal rules is what stays without asking whether it is there.
  for (let index = input.rules.length - 1; index >= 0; index -= 1) {
    const rule = input.rules[index];
    if (rule !== undefined) addRule(rule.ref.outcome === 'allow' ? allow : deny, rule);
  }
  sortNetworks(allow);
  sortNetworks(deny);
  const { enabled, mode, unknown, allowLocalBinding, managedOnly } = input;
  return Object.freeze({
    version: hashInput(input),
    enabled,
    mode,
    unknown,
    allowLocalBinding,
    managedOnly,
    counts: Object.freeze({ allow: countRules(allow), deny: countRules(deny) }),
    matchDeny: (host: string, kind: HostKind, port: number) =>
      find(deny, host, kind, port) ?? findInside(deny, host, kind, port),
    matchAllow: (host: string, kind: HostKind, port: number) => find(allow, host, kind, port),
    namesExactly: (host: string, kind: HostKind, port: number) =>
      kind === 'name' ? findExact(allow, host, port) : findAddress(allow, host, port),
    coversAddress: (address: string, port: number) => findAddress(allow, address, port),
  });
}

function countAllows(rules: readonly PolicyRule[]): number {
  let count = 0;
  for (const { ref } of rules) if (ref.outcome === 'allow') count += 1;
  return count;
}

/** Rules by key, those for every port apart from those for one. */
interface Index<K> {
  readonly every: Map<K, RuleRef>;
  readonly ported: Map<K, Map<number, RuleRef>>;
}

/** Rules for blocks of one prefix length, by the address that is left under the mask. */
interface Networks<K, M> {
  readonly length: number;
  readonly mask: M;
  readonly index: Index<K>;
}

interface Table {
  /** How many rules it was made for. */
  readonly room: number;
  readonly any: Index<'*'>;
  /** Name rules for every port. */
  readonly names: NameTable;
  /** Name rules for one port, by shape. */
  readonly ported: Readonly<Record<NamePattern['shape'], Index<string>>>;
  readonly stars: StarTable;
  readonly networks4: Networks<number, number>[];
  readonly networks6: Networks<string, Words>[];
}

function createIndex<K>(): Index<K> {
  return { every: new Map(), ported: new Map() };
}

function createTable(room: number): Table {
  return {
    room,
    any: createIndex(),
    names: createNameTable(room),
    ported: { exact: createIndex(), below: createIndex(), apex_and_below: createIndex() },
    stars: createStarTable(),
    networks4: [],
    networks6: [],
  };
}

function addRule(table: Table, { pattern, ref }: PolicyRule): void {
  switch (pattern.shape) {
    case 'any':
      return addKey(table.any, '*', pattern.port, ref);
    case 'exact':
    case 'below':
    case 'apex_and_below':
      if (pattern.port === undefined) return addName(table.names, pattern, ref);
      return addKey(table.ported[pattern.shape], pattern.name, pattern.port, ref);
    case 'star':
      return addStar(table.stars, pattern, ref);
    case 'network':
      return addNetwork(table, pattern, ref);
    default:
      throw new TypeError(`no such pattern shape: ${JSON.stringify(pattern satisfies never)}`);
  }
}

function addKey<K>(index: Index<K>, key: K, port: number | undefined, ref: RuleRef): void {
  if (port === undefined) {
    index.every.set(key, ref);
    return;
  }
  const ports = index.ported.get(key);
  if (ports === undefined) index.ported.set(key, new Map([[port, ref]]));
  else ports.set(port, ref);
}

function addNetwork(table: Table, { base, length, port }: NetworkPattern, ref: RuleRef): void {
  if (base.family === 4) {
    const networks = forLength(table.networks4, length, maskBits);
    return addKey(networks.index, base.value, port, ref);
  }
  const networks = forLength(table.networks6, length, maskWords);
  return addKey(networks.index, wordsKey(base.words), port, ref);
}

function forLength<K, M>(
  list: Networks<K, M>[],
  length: number,
  maskOf: (length: number) => M,
): Networks<K, M> {
  const known = list.find((each) => each.length === length);
  if (known !== undefined) return known;
  const made = { length, mask: maskOf(length), index: createIndex<K>() };
  list.push(made);
  return made;
}

/** Longest prefix first, so that the first find is the most specific. */
function sortNetworks({ networks4, networks6 }: Table): void {
  networks4.sort((one, other) => other.length - one.length);
  networks6.sort((one, other) => other.length - one.length);
}

function wordsKey(words: Words): string {
  return words.join();
}

function findKey<K>(index: Index<K>, key: K, port: number): RuleRef | undefined {
  const ported = index.ported.size === 0 ? undefined : index.ported.get(key)?.get(port);
  return ported ?? (index.every.size === 0 ? undefined : index.every.get(key));
}

function find(table: Table, host: string, kind: HostKind, port: number): RuleRef | undefined {
  const found = kind === 'name' ? findName(table, host, port) : findAddress(table, host, port);
  return found ?? findKey(table.any, '*', port);
}

/** One pass from the right over every end of the name; what a longer end gives replaces what a shorter gave. */
function findName(table: Table, name: string, port: number): RuleRef | undefined {
  let found: RuleRef | undefined;
  let hash = emptyHash;
  for (let index = name.length - 1; index >= 0; index -= 1) {
    const code = name.charCodeAt(index);
    if (code === dot) found = findBelow(table, name, index + 1, hash, port) ?? found;
    hash = growHash(hash, code);
  }
  return findWhole(table, name, hash, port) ?? found;
}

/** The rules for the whole name: exact, then `**.` for its apex. */
function findWhole(table: Table, name: string, hash: number, port: number): RuleRef | undefined {
  const link = findEnd(table.names, name, 0, hash);
  return (
    findKey(table.ported.exact, name, port) ??
    refOf(table.names, link, 'exact') ??
    findKey(table.ported.apex_and_below, name, port) ??
    refOf(table.names, link, 'apex_and_below')
  );
}

/** The rules for names below the end that begins at `start`: in-label stars, `*.`, `**.`. */
function findBelow(
  table: Table,
  name: string,
  start: number,
  hash: number,
  port: number,
): RuleRef | undefined {
  const { below, apex_and_below: apexAndBelow } = table.ported;
  const link = findEnd(table.names, name, start, hash);
  const isCut = table.stars.rules.size + below.ported.size + apexAndBelow.ported.size > 0;
  const end = isCut ? name.slice(start) : '';
  return (
    (isCut ? findStar(table.stars, name, end, port) : undefined) ??
    findKey(below, end, port) ??
    refOf(table.names, link, 'below') ??
    findKey(apexAndBelow, end, port) ??
    refOf(table.names, link, 'apex_and_below')
  );
}

const dot = 46;

function findExact(table: Table, name: string, port: number): RuleRef | undefined {
  return (
    findKey(table.ported.exact, name, port) ??
    refOf(table.names, findEnd(table.names, name, 0, hashOf(name)), 'exact')
  );
}

function findAddress(table: Table, text: string, port: number): RuleRef | undefined {
  if (table.networks4.length === 0 && table.networks6.length === 0) return undefined;
  const address = readAddress(text);
  return address === undefined ? undefined : findNetwork(table, address, port);
}

function findNetwork(table: Table, address: Address, port: number): RuleRef | undefined {
  if (address.family === 4) {
    for (const { mask, index } of table.networks4) {
      const found = findKey(index, (address.value & mask) >>> 0, port);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  for (const { mask, index } of table.networks6) {
    const found = findKey(index, wordsKey(andWords(address.words, mask)), port);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A denied IPv4 address is denied in its IPv6 disguises too: the packets would end there. */
function findInside(table: Table, host: string, kind: HostKind, port: number): RuleRef | undefined {
  if (kind !== 'ipv6' || table.networks4.length === 0) return undefined;
  const address = readAddress(host);
  const inner = address?.family === 6 ? embeddedIpv4(address.words) : undefined;
  return inner === undefined ? undefined : findNetwork(table, { family: 4, value: inner }, port);
}

function countRules(table: Table): number {
  let count = table.names.names.length;
  const networks = [...table.networks4, ...table.networks6].map(({ index }) => index);
  for (const { every, ported } of [table.any, ...Object.values(table.ported), ...networks]) {
    count += every.size;
    for (const ports of ported.values()) count += ports.size;
  }
  for (const rules of table.stars.rules.values()) count += rules.length;
  return count;
}

/** Hashes in batches: one update per rule would take most of the time at a million rules. */
function hashInput(input: PolicyInput): string {
  const { enabled, mode, unknown, allowLocalBinding, managedOnly, rules } = input;
  const hash = createHash('sha256');
  let batch = JSON.stringify([enabled, mode, unknown, allowLocalBinding, managedOnly]);
  for (const { pattern, ref } of rules) {
    batch += ref.outcome === 'allow' ? `\n+${pattern.text}` : `\n-${pattern.text}`;
    if (batch.length < batchLength) continue;
    hash.update(batch);
    batch = '';
  }
  return hash.update(batch).digest('hex').slice(0, 12);
}

const batchLength = 65_536;
