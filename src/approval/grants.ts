// Answers that outlive their question: found by destination on the data path, listed, revoked, and the
// `always` ones kept in the state folder. Deny beats allow. Rules are not here, they are policy.
//
// A grant bound to programs is not seen where only the destination is known (`find`); holds.ts asks for it once
// it knows who asks (`findFor`). A bound deny hides an unbound allow from `find`, so that it is asked for, too.
import type { GrantProgram, GrantView } from '../control/messages.ts';
import type { ApproverRef, GrantRef } from '../policy/decision.ts';
import type { Destination } from '../policy/destination.ts';
import { createGrantTable, type Coverage, type GrantTable } from './grant-table.ts';
import { formatGrants, grantLimit, readGrants } from './grants-file.ts';
import type { Asker } from './process-tree.ts';
import { isOneOf } from './programs.ts';

/** Where `always` grants live; `save` must be atomic and throws when it cannot. */
export interface GrantStore {
  /** The file as a person would look for it; for messages. */
  readonly file: string;
  readonly load: () => string | undefined;
  readonly save: (text: string) => void;
}

/** What a new grant says. */
export interface GrantSpec extends Coverage {
  readonly outcome: 'allow' | 'deny';
  readonly for: GrantView['for'];
  /** From now, in ms; undefined for `restart` and `always`. */
  readonly lastsMs: number | undefined;
  readonly approver: ApproverRef;
  /** Undefined: any program. */
  readonly programs?: readonly GrantProgram[] | undefined;
  /** Why, in the approver's words. */
  readonly note?: string | undefined;
  /** The id of the question it came from. */
  readonly question?: string | undefined;
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
  /** What decides this destination, whoever asks, if anything; the cost does not grow with the number of grants. */
  readonly find: (destination: Destination) => GrantRef | undefined;
  /** Whether who asks may matter, so that `findFor` must be asked before a person is. */
  readonly isBound: (destination: Destination) => boolean;
  /** What decides this destination for this program, if anything. A ticket is taken by it. */
  readonly findFor: (destination: Destination, asker: Asker) => GrantRef | undefined;
  /** Takes a ticket; false when it, or any other grant, is not there any more. */
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
  /** Writes what has changed since it was written last; throws when it cannot. */
  readonly flush: () => void;
}

/** What grants are made of. */
export interface GrantsParts {
  readonly store: GrantStore;
  /** Wall clock in ms, so that an hour that was slept through counts. */
  readonly now: () => number;
  /** Told of every grant that comes or goes; revoking is told by whoever revokes. */
  readonly onChanged?: (change: 'created' | 'expired', grant: GrantView) => void;
  /** Told of every use, on the data path; it must be cheap. */
  readonly onUsed?: (id: string) => void;
}

/** Ids set aside in the file at a time, so that none means a second thing after a crash. */
const idBlock = 64;

/** Loads the kept grants; throws ERR_STATE_CORRUPT naming the file when it holds anything else. */
export function createGrants({ store, now, onChanged, onUsed }: GrantsParts): Grants {
  const byId = new Map<string, Grant>();
  const unbound = createGrantTable<Grant>();
  const bound = createGrantTable<Grant>();
  const kept = readGrants(store.load(), store.file);
  let next = kept.next;
  /** Ids below this one are not given out by the next daemon. */
  let setAside = kept.next;
  let boundCount = 0;
  let isDirty = false;
  for (const grant of kept.grants) insert(grant);

  function tableOf({ programs }: Grant): GrantTable<Grant> {
    return programs === undefined ? unbound : bound;
  }

  function insert(grant: Grant): void {
    tableOf(grant).insert(grant);
    byId.set(grant.ref.id, grant);
    if (grant.programs !== undefined) boundCount += 1;
  }

  function remove(grant: Grant): void {
    if (!byId.delete(grant.ref.id)) return;
    tableOf(grant).remove(grant);
    if (grant.programs !== undefined) boundCount -= 1;
  }

  function expire(grant: Grant): void {
    remove(grant);
    onChanged?.('expired', viewOf(grant));
  }

  function isThere(grant: Grant): boolean {
    if (!hasExpired(grant, now())) return true;
    expire(grant);
    return false;
  }

  function save(extra: readonly Grant[] = [], upTo = next): void {
    const lasting = [...byId.values(), ...extra].filter((grant) => grant.for === 'always');
    store.save(formatGrants(lasting, upTo));
    setAside = upTo;
    isDirty = false;
  }

  function sweep(): void {
    const at = now();
    for (const grant of byId.values()) if (hasExpired(grant, at)) expire(grant);
  }

  /** The one of the table that counts for the destination. */
  function best(
    table: GrantTable<Grant>,
    destination: Destination,
    suits: (grant: Grant) => boolean,
  ): Grant | undefined {
    let found: Grant | undefined;
    table.forEach(destination, (grant) => {
      if (found !== undefined && rank(grant) <= rank(found)) return;
      if (isThere(grant) && suits(grant)) found = grant;
    });
    return found;
  }

  function find(destination: Destination): GrantRef | undefined {
    if (byId.size === 0) return undefined;
    const found = best(unbound, destination, anyGrant);
    if (found === undefined || found.outcome === 'deny' || boundCount === 0) return found?.ref;
    const denied = best(bound, destination, denies);
    return denied === undefined ? found.ref : undefined;
  }

  function findFor(destination: Destination, asker: Asker): GrantRef | undefined {
    const own = best(bound, destination, ({ programs = [] }) => isOneOf(programs, asker));
    const any = best(unbound, destination, anyGrant);
    const found = own === undefined || (any !== undefined && rank(any) > rank(own)) ? any : own;
    if (found?.ref.ticket === true) remove(found);
    return found && { ...found.ref, bound: true };
  }

  function newId(isKept: boolean): string {
    const id = `g${next++}`;
    if (isKept || next <= setAside) return id;
    try {
      save([], next + idBlock);
    } catch {
      // The answer counts all the same; ids are set aside by the next one, or by the next flush.
    }
    return id;
  }

  function add({ lastsMs, ...said }: GrantSpec): GrantView | undefined {
    if (byId.size >= grantLimit) sweep();
    if (byId.size >= grantLimit) return undefined;
    const isKept = said.for === 'always';
    const id = newId(isKept);
    const plain = { id, outcome: said.outcome, ticket: said.for === 'ticket' };
    const { question } = said;
    const ref = plain.ticket && question !== undefined ? { ...plain, question } : plain;
    const createdMs = now();
    const expiresMs = lastsMs === undefined ? undefined : createdMs + lastsMs;
    const grant: Grant = { ...said, ref, expiresMs, createdMs, uses: 0, lastUsedMs: undefined };
    // Kept before it counts: an answer that said "always" must not be one that a crash forgets.
    if (isKept) save([grant]);
    insert(grant);
    const view = viewOf(grant);
    onChanged?.('created', view);
    return view;
  }

  function list(): readonly GrantView[] {
    sweep();
    return [...byId.values()].map((grant) => viewOf(grant));
  }

  return {
    find,
    findFor,
    isBound: (destination) => boundCount > 0 && best(bound, destination, anyGrant) !== undefined,
    add,
    list,
    sweep,
    consume: (ref) => {
      const grant = byId.get(ref.id);
      if (grant === undefined || !isThere(grant)) return false;
      if (ref.ticket) remove(grant);
      return true;
    },
    noteUse: (id) => {
      const grant = byId.get(id);
      if (grant === undefined) return;
      grant.uses += 1;
      grant.lastUsedMs = now();
      isDirty ||= grant.for === 'always';
      onUsed?.(id);
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
      if (isDirty || setAside !== next) save();
    },
  };
}

/** Built once: `find` stands on the way of every connection. */
const anyGrant = (): boolean => true;
const denies = ({ outcome }: Grant): boolean => outcome === 'deny';

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
    programs: grant.programs ?? null,
    note: grant.note ?? null,
    question: grant.question ?? null,
  };
}

function isoOf(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
