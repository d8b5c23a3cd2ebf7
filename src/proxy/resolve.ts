// Name -> addresses within a deadline; given to the gate, which calls it only for names already
// allowed. Hosts file first, then c-ares (its own sockets, none of libuv's threads), then, where the
// system has sources that speak no DNS, a narrow lane to getaddrinfo. On macOS and Windows, where only
// the system knows split DNS, the lane comes first (written, not tried there).
import { Resolver as Ares } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';
import type { LookupFailure, Resolution } from '../policy/decision.ts';
import { createLookupLane, type LookupLane, type SystemLookup } from './lookup-lane.ts';
import {
  createFileView,
  type OtherSources,
  parseHosts,
  parseNameservers,
  parseSources,
} from './system-files.ts';

/** How names are looked up; everything has a default. */
export interface ResolverOptions {
  /** Limit for one look-up, in milliseconds. Default 5,000. */
  readonly deadlineMs?: number;
  /** Name servers, `address` or `address:port`, instead of those in resolv.conf. */
  readonly servers?: readonly string[];
  /** Default `/etc/hosts`. */
  readonly hostsFile?: string;
  /** Default `/etc/resolv.conf`. */
  readonly resolvConf?: string;
  /** Default `/etc/nsswitch.conf`. */
  readonly nsswitchConf?: string;
  /** Default `process.platform`. */
  readonly platform?: NodeJS.Platform;
  /** Size of libuv's pool (UV_THREADPOOL_SIZE); the lane leaves two of them to everybody else. Default 4. */
  readonly threads?: number;
  /** The system's resolver; default getaddrinfo. */
  readonly lookup?: SystemLookup;
  /** Milliseconds; default `Date.now`. */
  readonly now?: () => number;
}

/** Looks names up. */
export interface Resolver {
  /** Canonical name to canonical addresses (all of them, at most 64). Never rejects. */
  readonly resolve: (host: string, signal: AbortSignal) => Promise<Resolution>;
  /** Ends every open question; they fail. */
  readonly close: () => void;
}

const addressLimit = 64;
const cacheLimit = 4096;
const concurrentLimit = 256;
/** Names of one zone that may hang at a time: a wildcard rule for a mute zone must not stall every other. */
const zoneLimit = 64;
/** RFC 8305 §3 gives AAAA 50 ms more once A is there; so does A get them here. */
const graceMs = 50;
const ttlMinS = 1;
const ttlMaxS = 300;
/** getaddrinfo tells no TTL. */
const laneTtlS = 30;

/** Makes a resolver. */
export function createResolver(options: ResolverOptions = {}): Resolver {
  const lookups = new Lookups(options);
  return {
    resolve: (host, signal) => lookups.resolve(host, signal),
    close: () => lookups.close(),
  };
}

/** One family's records, or why there are none. */
interface Family {
  readonly addresses: readonly string[];
  /** Seconds; the shortest of the records. */
  readonly ttl: number;
  readonly failure: LookupFailure | undefined;
}

interface Found {
  readonly resolution: Resolution;
  readonly ttl: number;
}

class Lookups {
  readonly #now: () => number;
  readonly #deadlineMs: number;
  readonly #laneFirst: boolean;
  readonly #lane: LookupLane;
  readonly #hosts: () => ReadonlyMap<string, readonly string[]>;
  readonly #otherSources: () => OtherSources;
  readonly #servers: () => readonly string[];
  readonly #cache = new Map<string, { readonly resolution: Resolution; readonly until: number }>();
  readonly #flights = new Map<string, Promise<Resolution>>();
  readonly #prefersV6: () => boolean;
  #ares: Ares | undefined;
  #aresServers: readonly string[] = [];
  /** Hosts with a question still open at c-ares, also past our own deadline. */
  #open = 0;
  readonly #openByZone = new Map<string, number>();
  #closed = false;

  constructor(options: ResolverOptions) {
    const { servers, platform = process.platform, now = Date.now } = options;
    this.#now = now;
    this.#deadlineMs = options.deadlineMs ?? 5000;
    this.#laneFirst = (platform === 'darwin' || platform === 'win32') && servers === undefined;
    const slots = Math.max(2, (options.threads ?? 4) - 2);
    this.#lane = createLookupLane(slots, this.#deadlineMs, options.lookup);
    this.#hosts = createFileView(options.hostsFile ?? '/etc/hosts', parseHosts, now);
    const nsswitch = options.nsswitchConf ?? '/etc/nsswitch.conf';
    this.#otherSources = createFileView(nsswitch, parseSources, now);
    const resolvConf = options.resolvConf ?? '/etc/resolv.conf';
    const fromFile = createFileView(resolvConf, parseNameservers, now);
    this.#servers = servers === undefined ? fromFile : () => servers;
    this.#prefersV6 = createV6Check(now);
  }

  close(): void {
    this.#closed = true;
    this.#ares?.cancel();
  }

  async resolve(host: string, signal: AbortSignal): Promise<Resolution> {
    if (host === 'localhost' || host.endsWith('.localhost')) return loopback; // RFC 6761 §6.3
    const fixed = this.#hosts().get(host);
    if (fixed !== undefined) return found(fixed);
    const cached = this.#cached(host);
    if (cached !== undefined) return cached;
    if (signal.aborted || this.#closed) return failed('dns_timeout');
    return leaveOnAbort(this.#flights.get(host) ?? this.#start(host), signal);
  }

  #cached(host: string): Resolution | undefined {
    const entry = this.#cache.get(host);
    if (entry === undefined) return undefined;
    this.#cache.delete(host);
    if (entry.until <= this.#now()) return undefined;
    this.#cache.set(host, entry); // last again: the first entry is the one used longest ago
    return entry.resolution;
  }

  #keep(host: string, { resolution, ttl }: Found): void {
    if (resolution.kind === 'failed') return;
    const clamped = Math.min(Math.max(ttl, ttlMinS), ttlMaxS);
    this.#cache.delete(host);
    this.#cache.set(host, { resolution, until: this.#now() + clamped * 1000 });
    if (this.#cache.size <= cacheLimit) return;
    const [oldest] = this.#cache.keys();
    if (oldest !== undefined) this.#cache.delete(oldest);
  }

  /** One look-up for everybody who asks for the name meanwhile. */
  #start(host: string): Promise<Resolution> {
    const flight = withDeadline(this.#look(host), this.#deadlineMs)
      .then((answer) => {
        this.#keep(host, answer);
        return answer.resolution;
      })
      .finally(() => this.#flights.delete(host));
    this.#flights.set(host, flight);
    return flight;
  }

  async #look(host: string): Promise<Found> {
    if (this.#laneFirst && !this.#lane.busy()) return this.#askLane(host);
    const answer = await this.#askAres(host);
    if (answer.resolution.kind === 'addresses' || answer.resolution.failure !== 'dns_failed') {
      return answer;
    }
    return this.#laneFirst || this.#mayKnow(host) ? this.#askLane(host) : answer;
  }

  /** Whether a source beside files and DNS may know a name that DNS does not. */
  #mayKnow(host: string): boolean {
    const others = this.#otherSources();
    return others === 'any' || (others === 'local' && host.endsWith('.local'));
  }

  async #askLane(host: string): Promise<Found> {
    const answer = await this.#lane.ask(host);
    if (answer.kind === 'failed') return { resolution: answer, ttl: 0 };
    return { resolution: found(answer.addresses), ttl: laneTtlS };
  }

  async #askAres(host: string): Promise<Found> {
    const zone = zoneOf(host);
    const inZone = this.#openByZone.get(zone) ?? 0;
    if (this.#open >= concurrentLimit || inZone >= zoneLimit) {
      return { resolution: failed('dns_timeout'), ttl: 0 };
    }
    this.#open += 1;
    this.#openByZone.set(zone, inZone + 1);
    const ares = this.#currentAres();
    // resolve4 and resolve6 ask for exactly this name; search domains are never tried.
    const v4 = askFamily(ares.resolve4(host, { ttl: true }));
    const v6 = askFamily(ares.resolve6(host, { ttl: true }));
    const both = Promise.all([v6, v4]);
    let late = false;
    void both.then((families) => {
      this.#leave(zone);
      // The slower family goes with the next look-up: the gate must see every address it may dial.
      if (late) this.#keep(host, this.#merge(families));
    });
    const families = await inTime(v6, v4, both);
    late = families.length === 1;
    return this.#merge(families);
  }

  #leave(zone: string): void {
    this.#open -= 1;
    const left = (this.#openByZone.get(zone) ?? 1) - 1;
    if (left > 0) this.#openByZone.set(zone, left);
    else this.#openByZone.delete(zone);
  }

  #merge(families: readonly Family[]): Found {
    const ordered = this.#prefersV6() ? families : families.toReversed();
    const addresses = ordered.flatMap((family) => family.addresses);
    if (addresses.length > 0) {
      const ttls = families.filter((one) => one.addresses.length > 0).map((one) => one.ttl);
      return { resolution: found(addresses), ttl: Math.min(...ttls) };
    }
    const late = families.some((family) => family.failure === 'dns_timeout');
    return { resolution: failed(late ? 'dns_timeout' : 'dns_failed'), ttl: 0 };
  }

  /** c-ares reads resolv.conf once; it is made anew when the servers there have changed. */
  #currentAres(): Ares {
    const servers = this.#servers();
    if (this.#ares !== undefined && servers === this.#aresServers) return this.#ares;
    this.#aresServers = servers;
    // Three tries of 1, 2 and 2 fifths of the deadline.
    const timeout = Math.ceil(this.#deadlineMs / 5);
    this.#ares = new Ares({ timeout, tries: 3, maxTimeout: timeout * 2 });
    try {
      if (servers.length > 0) this.#ares.setServers(servers);
    } catch {
      // A spelling only c-ares's own reader takes, such as a zone id: it has read the file itself.
    }
    return this.#ares;
  }
}

const loopback: Resolution = { kind: 'addresses', addresses: ['127.0.0.1', '::1'] };

/** The last two labels: who runs the servers that may hang, near enough for a share. */
function zoneOf(host: string): string {
  return host.split('.').slice(-2).join('.');
}

function found(addresses: readonly string[]): Resolution {
  return { kind: 'addresses', addresses: addresses.slice(0, addressLimit) };
}

function failed(failure: LookupFailure): Resolution {
  return { kind: 'failed', failure };
}

async function askFamily(
  asked: Promise<readonly { readonly address: string; readonly ttl: number }[]>,
): Promise<Family> {
  try {
    const records = await asked;
    const addresses = records.map(({ address }) => address);
    return { addresses, ttl: Math.min(...records.map(({ ttl }) => ttl)), failure: undefined };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    const failure = code === 'ETIMEOUT' ? 'dns_timeout' : 'dns_failed';
    return { addresses: [], ttl: 0, failure };
  }
}

/** Both families, or the first one with addresses when the other is more than `graceMs` behind. */
async function inTime(
  v6: Promise<Family>,
  v4: Promise<Family>,
  both: Promise<readonly Family[]>,
): Promise<readonly Family[]> {
  const first = await Promise.race([v6, v4]);
  if (first.addresses.length === 0) return both;
  let timer: NodeJS.Timeout | undefined;
  const grace = new Promise<readonly Family[]>((resolve) => {
    timer = setTimeout(() => resolve([first]), graceMs);
  });
  const families = await Promise.race([both, grace]);
  clearTimeout(timer);
  return families;
}

async function withDeadline(work: Promise<Found>, limitMs: number): Promise<Found> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<Found>((resolve) => {
    timer = setTimeout(() => resolve({ resolution: failed('dns_timeout'), ttl: 0 }), limitMs);
  });
  try {
    return await Promise.race([work, deadline]);
  } catch {
    return { resolution: failed('dns_failed'), ttl: 0 };
  } finally {
    clearTimeout(timer);
  }
}

/** The look-up goes on for others; this client does not wait for it. */
function leaveOnAbort(flight: Promise<Resolution>, signal: AbortSignal): Promise<Resolution> {
  return new Promise((resolve) => {
    const leave = (): void => resolve(failed('dns_timeout'));
    signal.addEventListener('abort', leave, { once: true });
    void flight.then((resolution) => {
      signal.removeEventListener('abort', leave);
      resolve(resolution);
    });
  });
}

/** IPv6 first (RFC 6724) where the machine has an IPv6 address beyond its own links. */
function createV6Check(now: () => number): () => boolean {
  let known = false;
  let lookedAt = -Infinity;
  return () => {
    if (now() - lookedAt < 5000) return known;
    lookedAt = now();
    known = Object.values(networkInterfaces()).some((addresses) =>
      addresses?.some((one) => one.family === 'IPv6' && !one.internal && one.scopeid === 0),
    );
    return known;
  };
}
