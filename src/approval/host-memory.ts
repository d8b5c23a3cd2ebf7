// What became of each host on this machine: a bounded memory for prompts, never asked by a decision.
// `note` stands on the way of every connection, so a host it knows costs one look-up and no allocation.
import type { GrantView, HistoryEntry } from '../control/messages.ts';
import type { DecisionEntry } from '../policy/decision.ts';

/** What is remembered of one host; times in ms since 1970, 0 for never. */
export interface HostHistory {
  readonly host: string;
  readonly firstSeenMs: number;
  /** Requests that were let through by a rule or a person; not those that report-only mode did not stop. */
  readonly allowed: number;
  readonly allowedSinceMs: number;
  readonly lastAllowedMs: number;
  /** Requests that were refused for what they asked; not those that nobody answered in time. */
  readonly denied: number;
  /** Times a person said no, however many connections that refused. */
  readonly refusals: number;
  readonly lastRefusedMs: number;
}

/** What a decision of an earlier run must say. */
export type PastDecision = Pick<
  HistoryEntry,
  'at' | 'outcome' | 'host' | 'reason' | 'source' | 'question' | 'approver'
>;

/** The memory; see the functions' own words. */
export interface HostMemory {
  /** One decision was made. */
  readonly note: (entry: DecisionEntry, nowMs: number) => void;
  /** One decision of an earlier run, as the journal tells it; the oldest first. */
  readonly seed: (past: PastDecision) => void;
  /** A remembered answer ran out. */
  readonly noteExpired: (grant: GrantView) => void;
  readonly of: (host: string) => HostHistory | undefined;
  /** When an allow for this destination ran out last, in ms since 1970; undefined when none did. */
  readonly expiredFor: (protocol: string, host: string, port: number) => number | undefined;
  /** Hosts below a domain, the last seen first. Looks at everything remembered. */
  readonly namesBelow: (domain: string, limit: number) => readonly string[];
  /** Since when this host or one below it is let through, in ms since 1970; undefined for never. */
  readonly allowedSince: (host: string) => number | undefined;
  /** Hosts that were let through, the last seen first. */
  readonly allowedHosts: () => Iterable<string>;
  /** Changes whenever `allowedHosts` has. */
  readonly allowedVersion: () => number;
}

type Entry = { -readonly [K in keyof HostHistory]: HostHistory[K] } & {
  /** The question that was refused last: its other connections are the same refusal. */
  lastQuestion: string | undefined;
  newer: Entry | undefined;
  older: Entry | undefined;
};

/** One half of the memory, so that a flood of refused names cannot push out what was allowed. */
interface Half {
  newest: Entry | undefined;
  oldest: Entry | undefined;
  size: number;
}

const halfLimit = 2048;
const expiredLimit = 1024;

/** Starts knowing nothing. */
export function createHostMemory(): HostMemory {
  const hosts = new Map<string, Entry>();
  const expired = new Map<string, number>();
  const allowedHalf: Half = { newest: undefined, oldest: undefined, size: 0 };
  const otherHalf: Half = { newest: undefined, oldest: undefined, size: 0 };
  let allowedVersion = 0;

  function add(host: string, nowMs: number): Entry {
    const entry = newEntry(host, nowMs);
    hosts.set(host, entry);
    push(otherHalf, entry);
    trim(otherHalf);
    return entry;
  }

  function trim(half: Half): void {
    const oldest = half.size > halfLimit ? half.oldest : undefined;
    if (oldest === undefined) return;
    unlink(half, oldest);
    hosts.delete(oldest.host);
    if (half === allowedHalf) allowedVersion += 1;
  }

  function noteAllow(entry: Entry, nowMs: number): void {
    // Earlier runs are learnt of after the first decisions of this one.
    if (nowMs > entry.lastAllowedMs) entry.lastAllowedMs = nowMs;
    entry.allowed += 1;
    if (entry.allowed > 1) {
      if (nowMs < entry.allowedSinceMs) entry.allowedSinceMs = nowMs;
      touch(allowedHalf, entry);
      return;
    }
    entry.allowedSinceMs = nowMs;
    unlink(otherHalf, entry);
    push(allowedHalf, entry);
    allowedVersion += 1;
    trim(allowedHalf);
  }

  function noteDeny(entry: Entry, reason: string): void {
    touch(entry.allowed > 0 ? allowedHalf : otherHalf, entry);
    if (isAboutHost(reason)) entry.denied += 1;
  }

  return {
    note({ request, verdict, hold }, nowMs) {
      const { host } = request.destination;
      const entry = hosts.get(host) ?? add(host, nowMs);
      if (verdict.outcome === 'allow') {
        if (!verdict.wouldDeny) noteAllow(entry, nowMs);
        return;
      }
      noteDeny(entry, verdict.reason);
      if (verdict.reason !== 'not_allowed' || hold?.approver === undefined) return;
      noteRefusal(entry, nowMs, hold.group);
    },
    seed({ at, outcome, host, reason, source, question, approver }) {
      const atMs = Date.parse(at);
      if (Number.isNaN(atMs)) return;
      const entry = hosts.get(host) ?? add(host, atMs);
      entry.firstSeenMs = Math.min(entry.firstSeenMs, atMs);
      if (outcome === 'allow') {
        const wouldDeny = reason === 'not_allowed' && source === 'baseline_policy';
        if (!wouldDeny) noteAllow(entry, atMs);
        return;
      }
      noteDeny(entry, reason);
      if (reason === 'not_allowed' && approver !== null) {
        noteRefusal(entry, atMs, question ?? undefined);
      }
    },
    noteExpired({ outcome, protocol, host, port, expires }) {
      const atMs = expires === null ? NaN : Date.parse(expires);
      if (outcome !== 'allow' || Number.isNaN(atMs)) return;
      const key = `${protocol} ${port} ${host}`;
      expired.delete(key);
      expired.set(key, atMs);
      const oldest = expired.keys().next().value;
      if (expired.size > expiredLimit && oldest !== undefined) expired.delete(oldest);
    },
    of: (host) => hosts.get(host),
    expiredFor(protocol, host, port) {
      const times = coveringHosts(host).flatMap((each) => [
        expired.get(`${protocol} ${port} ${each}`) ?? 0,
        expired.get(`${protocol} any ${each}`) ?? 0,
      ]);
      const lastMs = Math.max(...times);
      return lastMs === 0 ? undefined : lastMs;
    },
    namesBelow(domain, limit) {
      const end = `.${domain}`;
      const found: string[] = [];
      for (const half of [allowedHalf, otherHalf]) {
        for (let entry = half.newest; entry !== undefined; entry = entry.older) {
          if (found.length >= limit) return found;
          if (entry.host.endsWith(end)) found.push(entry.host);
        }
      }
      return found;
    },
    allowedSince(host) {
      const end = `.${host}`;
      let sinceMs = Infinity;
      for (const entry of walk(allowedHalf)) {
        if (entry.host !== host && !entry.host.endsWith(end)) continue;
        sinceMs = Math.min(sinceMs, entry.allowedSinceMs);
      }
      return sinceMs === Infinity ? undefined : sinceMs;
    },
    *allowedHosts() {
      for (const { host } of walk(allowedHalf)) yield host;
    },
    allowedVersion: () => allowedVersion,
  };
}

/** A person's no; the other connections of the same question are the same no. */
function noteRefusal(entry: Entry, nowMs: number, question: string | undefined): void {
  if (question !== undefined && question === entry.lastQuestion) return;
  entry.refusals += 1;
  entry.lastRefusedMs = Math.max(entry.lastRefusedMs, nowMs);
  entry.lastQuestion = question;
}

/** Refusals that say something about the destination, and not about the moment. */
function isAboutHost(reason: string): boolean {
  return reason === 'denied' || reason === 'not_allowed' || reason === 'not_allowed_local';
}

/** The host itself and every wildcard that covers it. */
function coveringHosts(host: string): string[] {
  const covering = [host];
  for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) {
    covering.push(`*${host.slice(dot)}`);
  }
  return covering;
}

function newEntry(host: string, nowMs: number): Entry {
  return {
    host,
    firstSeenMs: nowMs,
    allowed: 0,
    allowedSinceMs: 0,
    lastAllowedMs: 0,
    denied: 0,
    refusals: 0,
    lastRefusedMs: 0,
    lastQuestion: undefined,
    newer: undefined,
    older: undefined,
  };
}

function push(half: Half, entry: Entry): void {
  entry.older = half.newest;
  entry.newer = undefined;
  if (half.newest !== undefined) half.newest.newer = entry;
  half.newest = entry;
  half.oldest ??= entry;
  half.size += 1;
}

function unlink(half: Half, entry: Entry): void {
  if (entry.newer === undefined) half.newest = entry.older;
  else entry.newer.older = entry.older;
  if (entry.older === undefined) half.oldest = entry.newer;
  else entry.older.newer = entry.newer;
  half.size -= 1;
}

function touch(half: Half, entry: Entry): void {
  if (half.newest === entry) return;
  unlink(half, entry);
  push(half, entry);
}

function* walk(half: Half): Iterable<Entry> {
  for (let entry = half.newest; entry !== undefined; entry = entry.older) yield entry;
}
