// Known names, kept so that what a look for look-alikes costs does not grow with how many there are: by
// skeleton, and by what is left of a label when one letter (two in long ones) is taken out. Pure.
import { ownershipOf } from '../policy/public-suffix.ts';
import type { PolicyRule } from '../policy/rules.ts';
import {
  compareNames,
  decodeLabel,
  describeDifference,
  namesInside,
  readName,
  twoTypoLetters,
} from './look-alike.ts';
import type { ReadName, ResemblanceKind } from './look-alike.ts';

/** What a name was found to look like. */
export interface Resemblance {
  readonly kind: ResemblanceKind;
  /** The registrable domain of the known name. */
  readonly of: string;
  /** The registrable domain of the name asked about. */
  readonly domain: string;
  /** `"rn" for "m"`, not escaped; empty for `subdomain`. */
  readonly difference: string;
}

/** Known names to compare with. */
export interface NameIndex {
  /** Adds a canonical host, by its registrable domain; beyond the limits it is compared by what it looks like only, or not at all. */
  readonly add: (host: string) => void;
  /** Whether a host with this registrable domain (or public suffix) was added. */
  readonly has: (domain: string) => boolean;
  /** Whether this very host was added. */
  readonly hasHost: (host: string) => boolean;
  /** Known names that could resemble this one; `cuts` are its own, from `cutsOf`. */
  readonly near: (name: ReadName, cuts: ReadonlySet<number>) => readonly ReadName[];
  /** How many domains it knows. */
  readonly size: () => number;
}

/** Domains compared by every index; rules beyond that are known and not compared. */
const domainLimit = 20_000;
/** Labels with letters taken out; most labels have a dozen of them, a long one some three hundred. */
const cutLimit = 60_000;
/** Names that share a key; more are a family of one owner and not worth another look. */
const bucketLimit = 32;

/** An index of these hosts. Addresses and single labels do no harm in it. */
export function createNameIndex(hosts: Iterable<string> = []): NameIndex {
  const domains = new Set<string>();
  const exact = new Set<string>();
  const bySkeleton = new Map<string, ReadName[]>();
  const byCut = new Map<number, ReadName[]>();

  function add(host: string): void {
    const domain = domainOf(host);
    if (exact.size < domainLimit) exact.add(host);
    if (domains.has(domain)) return;
    domains.add(domain);
    const name = domains.size <= domainLimit ? readName(domain) : undefined;
    if (name === undefined) return;
    put(bySkeleton, name.skeleton, name);
    if (byCut.size < cutLimit) for (const key of cutsOf(name)) put(byCut, key, name);
  }

  for (const host of hosts) add(host);
  return {
    add,
    has: (domain) => domains.has(domain),
    hasHost: (host) => exact.has(host),
    near(name, cuts) {
      const found = new Set(bySkeleton.get(name.skeleton));
      for (const key of cuts) for (const each of byCut.get(key) ?? []) found.add(each);
      return [...found];
    },
    size: () => domains.size,
  };
}

function put<K>(table: Map<K, ReadName[]>, key: K, name: ReadName): void {
  const names = table.get(key);
  if (names === undefined) table.set(key, [name]);
  else if (names.length < bucketLimit) names.push(name);
}

function domainOf(host: string): string {
  return ownershipOf(host).domain ?? host;
}

/**
 * The label with up to one letter taken out, up to two where two slips count, each as a hash: labels that are so
 * few slips apart share one of them. Under another suffix slips do not count, so it is part of the hash.
 */
export function cutsOf({ latin, suffix }: ReadName): ReadonlySet<number> {
  const isLong = latin.length >= twoTypoLetters.from && latin.length <= twoTypoLetters.to;
  const begin = hashWithout(hashBegin, suffix, none, none);
  const cuts = new Set([hashWithout(begin, latin, none, none)]);
  for (let first = 0; first < latin.length; first += 1) {
    cuts.add(hashWithout(begin, latin, first, none));
    if (!isLong) continue;
    for (let second = first + 1; second < latin.length; second += 1) {
      cuts.add(hashWithout(begin, latin, first, second));
    }
  }
  return cuts;
}

const none = -1;
const hashBegin = 0x811c9dc5;

/**
 * FNV-1a of the text without the characters at two places. Names that collide are compared in vain, no more, and
 * of those under one key only `bucketLimit` are kept.
 */
function hashWithout(begin: number, text: string, first: number, second: number): number {
  let hash = begin;
  for (let at = 0; at < text.length; at += 1) {
    if (at !== first && at !== second) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return hash;
}

const kindOrder: readonly ResemblanceKind[] = ['confusable', 'typo', 'suffix'];

/**
 * What a host looks like among the known names of all indexes; undefined when nothing, and for every host of a
 * domain that is known itself. Costs some hundred look-ups however many names are known.
 */
export function findResemblance(
  host: string,
  indexes: readonly NameIndex[],
): Resemblance | undefined {
  const domain = domainOf(host);
  const isKnown = (name: string): boolean => indexes.some((index) => index.has(name));
  if (isKnown(domain) || isKnown(host)) return undefined;
  for (const inside of namesInside(host)) {
    const of = domainOf(inside);
    if (of !== domain && of.includes('.') && isKnown(of)) {
      return { kind: 'subdomain', of, domain, difference: '' };
    }
  }
  const name = readName(host);
  if (name === undefined) return undefined;
  const cuts = cutsOf(name);
  const found = indexes
    .flatMap((index) => index.near(name, cuts))
    .flatMap((known) => {
      const kind = compareNames(name, known);
      return kind === undefined ? [] : [{ kind, known }];
    })
    .sort((a, b) => kindOrder.indexOf(a.kind) - kindOrder.indexOf(b.kind));
  const [first] = found;
  if (first === undefined) return undefined;
  const { kind, known } = first;
  return { kind, of: known.domain, domain, difference: describeDifference(name, known) };
}

/** The names that allow rules speak of, for an index; addresses and `*` give none. */
export function hostsOfRules(rules: Iterable<PolicyRule>): string[] {
  const hosts: string[] = [];
  for (const { pattern, ref } of rules) {
    if (ref.outcome !== 'allow' || pattern.shape === 'any' || pattern.shape === 'network') continue;
    hosts.push(pattern.shape === 'star' ? pattern.fixed : pattern.name);
  }
  return hosts;
}

/** The whole name in its own letters. */
export function decodeName(host: string): string {
  return host.includes('xn--') ? host.split('.').map(decodeLabel).join('.') : host;
}
