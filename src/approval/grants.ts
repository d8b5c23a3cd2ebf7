// Answers that outlive their question: found by destination on the data path, listed, revoked, and the
// `always` ones kept in the state folder. Deny beats allow. Rules are not here, they are policy.
import type { GrantView } from '../control/messages.ts';
import type { ApproverRef, GrantRef } from '../policy/decision.ts';
import type { Destination, Protocol } from '../policy/destination.ts';
import { formatGrants, grantLimit, readGrants } from './grants-file.ts';

/** Where `always` grants live; `save` must be atomic and throws when it cannot. */
export interface GrantStore {
  /** The file as a person would look for it; for messages. */
  readonly file: string;
  readonly load: () => string | undefined;
  readonly save: (text: string) => void;
}

/** What a new grant says. */
export interface GrantSpec {
  readonly outcome: 'allow' | 'deny';
  readonly protocol: Protocol;
  /** A canonical host, or `*.` and a domain: every name below it, at any depth, not itself. */
  readonly host: string;
  readonly port: number | 'any';
  readonly for: GrantView['for'];
  /** From now, in ms; undefined for `restart` and `always`. */
  readonly lastsMs: number | undefined;
  readonly approver: ApproverRef;
}

/** A grant as it is kept. */
export interface Grant extends Omit<GrantSpec, 'lastsMs'> {
  readonly ref: GrantRef;
  /** In ms of the wall clock; undefined for `restart` and `always`. */
  readonly expiresMs: number | undefined;
  readonly createdMs: number;
  uses: number;
  lastUsedMs: number | undefined;
}

/** What the grants are told and asked. */
export interface Grants {
  /** What decides this destination, if anything; the cost does not grow with the number of grants. */
  readonly find: (destination: Destination) => GrantRef | undefined;
  /** Takes a ticket; false when it was used or has expired. Other grants are always there to take. */
  readonly consume: (ref: GrantRef) => boolean;
  /** Counts one use; the caller says so once a decision stands. */
  readonly noteUse: (id: string) => void;
  /** The new grant, or undefined when there are as many as may be; throws when `always` cannot be kept. */
  readonly add: (spec: GrantSpec) => GrantView | undefined;
  /** Oldest first. */
  readonly list: () => readonly GrantView[];
  /** What was revoked, or undefined for an id that is not there. Gone at once, even when saving then throws. */
  readonly revoke: (id: string) => GrantView | undefined;
  /** Drops what has expired. */
  readonly sweep: () => void;
  /** Writes the `always` grants when their use counts have changed or a revoking was not saved; throws when it cannot. */
  readonly flush: () => void;
}

/** What grants are made of. */
export interface GrantsParts {
  readonly store: GrantStore;
  /** Wall clock in ms, so that an hour that was slept through counts. */
  readonly now: () => number;
  /** Told of every grant that comes or goes; revoking is told by whoever revokes. */
  readonly onChanged?: (change: 'created' | 'expired', grant: GrantView) => void;
}

/** A key for what a host's grants are told apart by: port (0: any) and protocol. */
type SlotKey = number;
type Slots = Map<SlotKey, Grant[]>;

const protocols: readonly Protocol[] = ['http', 'https_connect', 'socks5_tcp'];

/** Loads the kept grants; throws ERR_STATE_CORRUPT naming the file when it holds anything else. */
export function createGrants({ store, now, onChanged }: GrantsParts): Grants {
  const byId = new Map<string, Grant>();
  const exact = new Map<string, Slots>();
  const below = new Map<string, Slots>();
  const kept = readGrants(store.load(), store.file);
  let next = kept.next;
  let isDirty = false;
  for (const grant of kept.grants) insert(grant);

  function slotsOf(host: string): readonly [Map<string, Slots>, string] {
    return host.startsWith('*.') ? [below, host.slice(2)] : [exact, host];
  }

  function insert(grant: Grant): void {
    const [table, name] = slotsOf(grant.host);
    const slots = table.get(name) ?? new Map<SlotKey, Grant[]>();
    const key = slotKey(grant.protocol, grant.port);
    slots.set(key, [...(slots.get(key) ?? []), grant]);
    table.set(name, slots);
    byId.set(grant.ref.id, grant);
  }

  function remove(grant: Grant): void {
    if (!byId.delete(grant.ref.id)) return;
    const [table, name] = slotsOf(grant.host);
    const slots = table.get(name);
    const key = slotKey(grant.protocol, grant.port);
    const rest = slots?.get(key)?.filter((other) => other !== grant) ?? [];
    if (rest.length > 0) slots?.set(key, rest);
    else slots?.delete(key);
    if (slots?.size === 0) table.delete(name);
  }

  function expire(grant: Grant): void {
    remove(grant);
    onChanged?.('expired', viewOf(grant));
  }

  function save(extra: readonly Grant[] = []): void {
    const lasting = [...byId.values(), ...extra].filter((grant) => grant.for === 'always');
    store.save(formatGrants(lasting, next));
    isDirty = false;
  }

  function sweep(): void {
    const at = now();
    for (const grant of byId.values()) if (hasExpired(grant, at)) expire(grant);
  }

  /** The better of `best` and what stands in these slots for the destination. */
  function better(
    best: Grant | undefined,
    slots: Slots | undefined,
    destination: Destination,
  ): Grant | undefined {
    if (slots === undefined) return best;
    let found = best;
    for (const port of [destination.port, 'any'] as const) {
      for (const grant of slots.get(slotKey(destination.protocol, port)) ?? []) {
        if (hasExpired(grant, now())) expire(grant);
        else if (found === undefined || rank(grant) > rank(found)) found = grant;
      }
    }
    return found;
  }

  function find(destination: Destination): GrantRef | undefined {
    if (byId.size === 0) return undefined;
    const { host, kind } = destination;
    let best = better(undefined, exact.get(host), destination);
    if (kind !== 'name' || below.size === 0) return best?.ref;
    for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) {
      best = better(best, below.get(host.slice(dot + 1)), destination);
    }
    return best?.ref;
  }

  function add(spec: GrantSpec): GrantView | undefined {
    if (byId.size >= grantLimit) sweep();
    if (byId.size >= grantLimit) return undefined;
    const id = `g${next++}`;
    const ref = { id, outcome: spec.outcome, ticket: spec.for === 'ticket' };
    const { lastsMs, ...said } = spec;
    const createdMs = now();
    const expiresMs = lastsMs === undefined ? undefined : createdMs + lastsMs;
    const grant: Grant = { ...said, ref, expiresMs, createdMs, uses: 0, lastUsedMs: undefined };
    // Kept before it counts: an answer that said "always" must not be one that a crash forgets.
    if (spec.for === 'always') save([grant]);
    insert(grant);
    const view = viewOf(grant);
    onChanged?.('created', view);
    return view;
  }

  return {
    find,
    add,
    sweep,
    consume: (ref) => {
      const grant = byId.get(ref.id);
      if (grant === undefined) return false;
      if (hasExpired(grant, now())) {
        expire(grant);
        return false;
      }
      if (ref.ticket) remove(grant);
      return true;
    },
    noteUse: (id) => {
      const grant = byId.get(id);
      if (grant === undefined) return;
      grant.uses += 1;
      grant.lastUsedMs = now();
      isDirty ||= grant.for === 'always';
    },
    list: () => {
      sweep();
      return [...byId.values()].map((grant) => viewOf(grant));
    },
    revoke: (id) => {
      const grant = byId.get(id);
      if (grant === undefined) return undefined;
      remove(grant);
      if (grant.for === 'always') {
        isDirty = true; // when saving fails now, flush tries again: it must not be back at the next start
        save();
      }
      return viewOf(grant);
    },
    flush: () => {
      if (isDirty) save();
    },
  };
}

function slotKey(protocol: Protocol, port: number | 'any'): SlotKey {
  return (port === 'any' ? 0 : port) * protocols.length + protocols.indexOf(protocol);
}

function hasExpired(grant: Grant, at: number): boolean {
  return grant.expiresMs !== undefined && grant.expiresMs <= at;
}

/** Deny beats allow; a grant that lasts spares the ticket. */
function rank({ ref }: Grant): number {
  return (ref.outcome === 'deny' ? 2 : 0) + (ref.ticket ? 0 : 1);
}

function viewOf(grant: Grant): GrantView {
  return {
    id: grant.ref.id,
    outcome: grant.outcome,
    protocol: grant.protocol,
    host: grant.host,
    port: grant.port,
    for: grant.for,
    expires: isoOf(grant.expiresMs),
    created: new Date(grant.createdMs).toISOString(),
    approver: grant.approver.name,
    surface: grant.approver.surface,
    uses: grant.uses,
    lastUsed: isoOf(grant.lastUsedMs),
  };
}

function isoOf(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
