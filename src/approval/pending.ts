// The pure state of everything that waits for a person: pending groups (questions) and the holds in
// them. Takes `now`, returns effects; holds.ts carries them out. No clock, no timer, no promise here.
//
//   open -> waiting -> allowed | denied | paused | timeout | gone | limit | policy | stopping   (a hold)
//   opened -> answered | expired | evicted | crowded | decided | stopped               (a question)
import { pendingKey } from '../policy/destination.ts';
import type { Destination } from '../policy/destination.ts';
import { DueQueue, unlinked } from './due-queue.ts';
import type { Due } from './due-queue.ts';

/** Bounds of everything an untrusted client can grow; counts are at least 1, times in ms. */
export interface PendingLimits {
  /** 0: every hold ends at once and only the question stays. */
  readonly holdMs: number;
  readonly questionMs: number;
  readonly holdsPerGroup: number;
  readonly holds: number;
  readonly groups: number;
}

/** What pending needs to know of a program that asks. */
export interface PendingAsker {
  /** Same for all processes of one tree: what limits are shared by. */
  readonly tree: string;
  /** Same for what an approver would call the same program; a new one changes the revision. */
  readonly identity: string;
}

/** Why a hold ended. */
export type EndKind =
  'allowed' | 'denied' | 'paused' | 'policy' | 'timeout' | 'limit' | 'gone' | 'stopping';
/** Why a question is no longer asked. */
export type ClosedWhy =
  | 'answered'
  | 'expired'
  /** Gave way to another. */
  | 'evicted'
  /** Never had a place of its own: whose program asked it has enough of them. */
  | 'crowded'
  | 'decided'
  | 'stopped';

/** What the caller must now do. */
export type Effect =
  | { readonly kind: 'opened'; readonly group: string }
  | {
      readonly kind: 'ended';
      readonly hold: number;
      readonly end: EndKind;
      /** Undefined when there was no room even for the question. */
      readonly group: string | undefined;
      readonly waitedMs: number;
    }
  | { readonly kind: 'closed'; readonly group: string; readonly why: ClosedWhy };

/** A question as it stands; times in ms of the caller's clock. */
export interface PendingGroup<A> {
  readonly id: string;
  readonly revision: number;
  readonly destination: Destination;
  readonly waiting: number;
  readonly asked: number;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  /** Since when the longest-held connection waits; undefined when none waits. */
  readonly oldestMs: number | undefined;
  /** When the longest-held connection gives up; undefined when none waits. */
  readonly deadlineMs: number | undefined;
  readonly expiresMs: number;
  readonly askers: readonly A[];
  /** True while a program that asks is not known: not found, still being looked for, or one too many. */
  readonly unidentified: boolean;
}

/** How one more request comes in. */
export interface Opening {
  /** Instead of the limit; 0: it ends at once and only the question stays. */
  readonly holdMs?: number | undefined;
  /** Requests of this question that were refused before it was asked again; counted as having asked. */
  readonly refusedBefore?: number | undefined;
  /** It may turn out not to be part of the question: it counts as having asked once `identify` says so. */
  readonly isProvisional?: boolean | undefined;
}

/** One more hold. */
export interface Opened {
  readonly hold: number;
  /** Undefined when there was no room for the question. */
  readonly group: string | undefined;
  /** True when `identify` or `pass` must follow, once. */
  readonly identify: boolean;
  readonly effects: readonly Effect[];
}

/** What came of an answer. */
export type Answered<A> =
  | { readonly status: 'answered'; readonly group: PendingGroup<A>; readonly released: number }
  | { readonly status: 'unknown' | 'gone' | 'changed' };

interface Group<A> extends Due {
  readonly id: string;
  readonly key: string;
  readonly destination: Destination;
  readonly holds: Set<Hold<A>>;
  readonly askers: Map<string, A>;
  readonly holdsByTree: Map<string, number>;
  /**
   * The tree charged for the question. Undefined until a program that has room for it is known: it then has
   * no place yet, and all of its holds are still to be identified.
   */
  owner: string | undefined;
  revision: number;
  asked: number;
  firstSeenMs: number;
  lastSeenMs: number;
  identifying: number;
  unidentified: boolean;
}

interface Hold<A> extends Due {
  readonly id: number;
  readonly group: Group<A>;
  readonly openedMs: number;
  tree: string | undefined;
  isProvisional: boolean;
}

interface Tree {
  holds: number;
  groups: number;
}

/** Without l, o and i, which look like digits. */
const letters = 'abcdefghjkmnpqrstuvwxyz';
/** Programs remembered for one question; more are counted as unknown. */
const askersPerGroup = 32;
/** All programs that could not be found share one allowance. */
const unknownTree = '?';

/** The `n`th short id: `a1`, `b1`, … `z1`, `a2`, …: neighbours differ in their first letter. */
export function formatGroupId(n: number): string {
  return `${letters[n % letters.length]}${1 + Math.floor(n / letters.length)}`;
}

/** The inverse of `formatGroupId`; undefined for text that is no id. */
export function parseGroupId(id: string): number | undefined {
  const match = /^([a-z])([1-9][0-9]{0,8})$/.exec(id);
  const letter = letters.indexOf(match?.[1] ?? ' ');
  if (letter < 0) return undefined;
  return (Number(match?.[2]) - 1) * letters.length + letter;
}

/** All questions and holds. Every operation costs the same however many there are. */
export class Pending<A extends PendingAsker> {
  #limits: PendingLimits;
  readonly #firstId: number;
  #nextId: number;
  #nextHold = 1;
  readonly #byKey = new Map<string, Group<A>>();
  readonly #byId = new Map<string, Group<A>>();
  readonly #holds = new Map<number, Hold<A>>();
  readonly #trees = new Map<string, Tree>();
  readonly #deadlines = new DueQueue<Hold<A>>();
  /** How many questions have a place, at most `groups`. */
  #owned = 0;
  /** How many holds are counted for a tree. */
  #charged = 0;
  /** Questions with a place and nobody waiting, the next to expire first. */
  readonly #idle = new DueQueue<Group<A>>();

  /** `firstId`: where short ids begin; chosen afresh for each run so that an old id rarely means a new question. */
  constructor(limits: PendingLimits, firstId = 0) {
    this.#limits = limits;
    this.#firstId = firstId;
    this.#nextId = firstId;
  }

  /** New limits for what comes from now on; nothing that waits is ended by them. */
  setLimits(limits: PendingLimits): void {
    this.#limits = limits;
  }

  /** How much there is. */
  counts(): { readonly groups: number; readonly holds: number } {
    return { groups: this.#byId.size, holds: this.#holds.size };
  }

  /** Every question, oldest first; of those without a place only as many as there are places left. */
  list(): PendingGroup<A>[] {
    let room = this.#limits.groups - this.#owned;
    return [...this.#byId.values()]
      .filter(({ owner }) => owner !== undefined || room-- > 0)
      .map((group) => this.#view(group));
  }

  /** One question, or whether there ever was one of that id in this run. */
  find(id: string): PendingGroup<A> | 'unknown' | 'gone' {
    const group = this.#byId.get(id);
    return group === undefined ? this.#missing(id) : this.#view(group);
  }

  /** When `tick` has something to do next, or undefined. */
  nextDueMs(): number | undefined {
    const hold = this.#deadlines.first?.dueMs;
    const question = this.#idle.first?.dueMs;
    return hold === undefined || question === undefined
      ? (hold ?? question)
      : Math.min(hold, question);
  }

  /** One more request for this destination. The hold may be ended in the same breath (limit, no holding). */
  open(destination: Destination, now: number, how: Opening = {}): Opened {
    const id = this.#nextHold++;
    const effects: Effect[] = [];
    const group = this.#groupFor(destination, now, effects);
    if (group === undefined) {
      effects.push({ kind: 'ended', hold: id, end: 'limit', group: undefined, waitedMs: 0 });
      return { hold: id, group: undefined, identify: false, effects };
    }
    group.asked += how.refusedBefore ?? 0;
    const { holds, holdsPerGroup } = this.#limits;
    const holdMs = how.holdMs ?? this.#limits.holdMs;
    const isProvisional = how.isProvisional === true;
    const isFull = this.#holds.size >= holds || group.holds.size >= holdsPerGroup;
    if (!isProvisional || isFull) countAsked(group, now);
    // Looking for the program behind each refusal of a flood would cost more than the flood.
    if (isFull) this.#addAsker(group, undefined);
    else group.identifying += 1;
    if (isFull || holdMs <= 0) {
      const end = isFull ? 'limit' : 'timeout';
      effects.push({ kind: 'ended', hold: id, end, group: group.id, waitedMs: 0 });
      if (group.identifying === 0) this.#settle(group, unknownTree, effects);
      else if (group.holds.size === 0) this.#rest(group);
      return { hold: id, group: group.id, identify: !isFull, effects };
    }
    const hold = {
      id,
      group,
      openedMs: now,
      tree: undefined,
      isProvisional,
      ...unlinked(now + holdMs),
    };
    this.#idle.remove(group);
    group.holds.add(hold);
    this.#holds.set(id, hold);
    this.#deadlines.add(hold);
    return { hold: id, group: group.id, identify: true, effects };
  }

  /**
   * Says which program a hold belongs to (undefined: not found), once for each `open` that asks for it.
   * Only now can a tree's half be enforced; what is too much ends with `limit`.
   */
  identify(groupId: string, holdId: number, asker: A | undefined, now: number): Effect[] {
    const group = this.#byId.get(groupId);
    if (group === undefined) return [];
    group.identifying -= 1;
    this.#addAsker(group, asker);
    const tree = asker?.tree ?? unknownTree;
    const effects: Effect[] = [];
    const hold = this.#holds.get(holdId);
    if (hold?.isProvisional === true) {
      hold.isProvisional = false;
      countAsked(group, now);
    }
    const tooMany = hold !== undefined && this.#charge(hold, tree);
    const noRoom = group.owner === undefined && !this.#own(group, tree, effects);
    if (hold !== undefined && (tooMany || noRoom)) {
      this.#end(hold, 'limit', now, effects, !noRoom);
    }
    if (group.holds.size > 0) return effects;
    if (noRoom && group.identifying === 0) this.#close(group, 'crowded', effects);
    else if (!group.queued) this.#rest(group);
    return effects;
  }

  /**
   * Says, in the place of `identify`, that a hold is no part of the question: something else has decided it. A
   * question without a place that nobody else asks is over without having been asked.
   */
  pass(groupId: string, holdId: number, end: EndKind, now: number): Effect[] {
    const group = this.#byId.get(groupId);
    if (group === undefined) return [];
    group.identifying -= 1;
    const effects: Effect[] = [];
    const hold = this.#holds.get(holdId);
    if (hold !== undefined) this.#end(hold, end, now, effects, false);
    const isUnasked = group.owner === undefined && group.identifying === 0;
    if (isUnasked && group.holds.size === 0) this.#close(group, 'crowded', effects);
    return effects;
  }

  /**
   * Everything that waits in the question waits until then at least. Gives when the first of it gives up, and
   * `nobody` when nothing waits.
   */
  extend(id: string, untilMs: number): number | 'unknown' | 'gone' | 'nobody' {
    const group = this.#byId.get(id);
    if (group === undefined) return this.#missing(id);
    let last: Hold<A> | undefined;
    for (const hold of group.holds) {
      if (hold.dueMs >= untilMs) continue;
      this.#deadlines.remove(hold);
      hold.dueMs = untilMs;
      this.#deadlines.add(hold, last);
      last = hold;
    }
    return deadlineOf(group) ?? 'nobody';
  }

  /** The client has left. */
  withdraw(holdId: number, now: number): Effect[] {
    return this.end(holdId, 'gone', now);
  }

  /** Ends one hold; nothing happens when it has ended already. */
  end(holdId: number, end: EndKind, now: number): Effect[] {
    const effects: Effect[] = [];
    const hold = this.#holds.get(holdId);
    if (hold !== undefined) this.#end(hold, end, now, effects);
    return effects;
  }

  /** A question that needs no answer any more; nothing happens while somebody waits in it. */
  decide(groupId: string): Effect[] {
    const effects: Effect[] = [];
    const group = this.#byId.get(groupId);
    if (group?.holds.size === 0) this.#close(group, 'decided', effects);
    return effects;
  }

  /** Whether an answer quoting this revision would be taken. */
  check(id: string, revision: number | undefined): Answered<A> {
    const group = this.#byId.get(id);
    if (group === undefined) return { status: this.#missing(id) };
    if (revision !== undefined && revision !== group.revision) return { status: 'changed' };
    return { status: 'answered', group: this.#view(group), released: group.holds.size };
  }

  /** One answer for the whole question: all its holds end, and it is gone. First answer wins. */
  answer(
    id: string,
    outcome: 'allow' | 'deny',
    revision: number | undefined,
    now: number,
  ): { readonly answered: Answered<A>; readonly effects: Effect[] } {
    const answered = this.check(id, revision);
    const effects: Effect[] = [];
    const group = this.#byId.get(id);
    if (answered.status !== 'answered' || group === undefined) return { answered, effects };
    const end = outcome === 'allow' ? 'allowed' : 'denied';
    for (const hold of group.holds) this.#end(hold, end, now, effects);
    this.#close(group, 'answered', effects);
    return { answered, effects };
  }

  /** Ends what is due: holds with `timeout`, questions nobody waits in. A timeout never becomes a rule. */
  tick(now: number): Effect[] {
    const effects: Effect[] = [];
    for (let hold = this.#deadlines.first; hold !== undefined && hold.dueMs <= now;) {
      this.#end(hold, 'timeout', now, effects);
      hold = this.#deadlines.first;
    }
    for (let group = this.#idle.first; group !== undefined && group.dueMs <= now;) {
      this.#close(group, 'expired', effects);
      group = this.#idle.first;
    }
    return effects;
  }

  /** Ends all holds; their questions stay. */
  endAll(end: EndKind, now: number): Effect[] {
    const effects: Effect[] = [];
    for (const hold of this.#holds.values()) this.#end(hold, end, now, effects);
    return effects;
  }

  /** Ends everything. */
  stop(now: number): Effect[] {
    const effects = this.endAll('stopping', now);
    for (const group of this.#byId.values()) this.#close(group, 'stopped', effects);
    return effects;
  }

  #missing(id: string): 'unknown' | 'gone' {
    const n = parseGroupId(id);
    return n !== undefined && n >= this.#firstId && n < this.#nextId ? 'gone' : 'unknown';
  }

  #groupFor(destination: Destination, now: number, effects: Effect[]): Group<A> | undefined {
    const key = pendingKey(destination);
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    // Whose it is comes later, and so does its place; or one program could keep all places taken with
    // questions that are about to be refused, and no other would ever find one.
    if (this.#byId.size >= this.#limits.groups + this.#limits.holds) return undefined;
    const group: Group<A> = {
      id: formatGroupId(this.#nextId++),
      key,
      destination,
      holds: new Set(),
      askers: new Map(),
      holdsByTree: new Map(),
      owner: undefined,
      revision: 1,
      asked: 0,
      firstSeenMs: now,
      lastSeenMs: now,
      identifying: 0,
      unidentified: false,
      ...unlinked(0),
    };
    this.#byKey.set(key, group);
    this.#byId.set(group.id, group);
    effects.push({ kind: 'opened', group: group.id });
    return group;
  }

  /** The first program is part of the question as first shown; later ones change it. */
  #addAsker(group: Group<A>, asker: A | undefined): void {
    const isFirst = group.askers.size === 0 && !group.unidentified;
    if (asker !== undefined && group.askers.has(asker.identity)) return;
    if (asker !== undefined && group.askers.size < askersPerGroup) {
      group.askers.set(asker.identity, asker);
      if (!isFirst) group.revision += 1;
      return;
    }
    if (group.unidentified) return;
    group.unidentified = true;
    if (!isFirst) group.revision += 1;
  }

  /** Counts the hold for its tree; true when the tree now has more than half of what others leave. */
  #charge(hold: Hold<A>, name: string): boolean {
    const { holds, holdsPerGroup } = this.#limits;
    const tree = this.#tree(name);
    const others = this.#charged - tree.holds;
    const inGroup = (hold.group.holdsByTree.get(name) ?? 0) + 1;
    tree.holds += 1;
    this.#charged += 1;
    hold.group.holdsByTree.set(name, inGroup);
    hold.tree = name;
    return tree.holds > half(holds - others) || inGroup > half(holdsPerGroup);
  }

  /**
   * Gives the question a place and counts it for its tree, after an idle one gave way where it must: one of its
   * own when the tree has its half, the oldest when all places are taken. False when it gets none. A tree's half
   * is that of what others leave; or a flood that is known and one that is not would have all between them.
   */
  #own(group: Group<A>, name: string, effects: Effect[]): boolean {
    const { groups } = this.#limits;
    const hasHalf = (): boolean => {
      const has = this.#trees.get(name)?.groups ?? 0;
      return has >= half(groups - (this.#owned - has));
    };
    if (hasHalf()) {
      for (const idle of this.#idle) {
        if (idle.owner !== name) continue;
        this.#close(idle, 'evicted', effects);
        break;
      }
    }
    if (hasHalf()) return false;
    const oldest = this.#idle.first;
    if (this.#owned >= groups && oldest !== undefined) this.#close(oldest, 'evicted', effects);
    if (this.#owned >= groups) return false;
    group.owner = name;
    this.#owned += 1;
    this.#tree(name).groups += 1;
    return true;
  }

  /** A question whose programs nobody looks for (any more), with nobody waiting or one place less to give. */
  #settle(group: Group<A>, name: string, effects: Effect[]): void {
    const hasPlace = group.owner !== undefined || this.#own(group, name, effects);
    if (group.holds.size > 0) return;
    if (hasPlace) this.#rest(group);
    else this.#close(group, 'crowded', effects);
  }

  #tree(name: string): Tree {
    const known = this.#trees.get(name);
    if (known !== undefined) return known;
    const tree = { holds: 0, groups: 0 };
    this.#trees.set(name, tree);
    return tree;
  }

  #discharge(name: string, what: 'holds' | 'groups'): void {
    const tree = this.#trees.get(name);
    if (tree === undefined) return;
    tree[what] -= 1;
    if (tree.holds <= 0 && tree.groups <= 0) this.#trees.delete(name);
  }

  /** `hasPlace`: false for a question that was never shown, which its end then does not name. */
  #end(hold: Hold<A>, end: EndKind, now: number, effects: Effect[], hasPlace = true): void {
    const { group } = hold;
    this.#holds.delete(hold.id);
    this.#deadlines.remove(hold);
    group.holds.delete(hold);
    if (hold.tree !== undefined) {
      this.#charged -= 1;
      this.#discharge(hold.tree, 'holds');
      const left = (group.holdsByTree.get(hold.tree) ?? 1) - 1;
      if (left > 0) group.holdsByTree.set(hold.tree, left);
      else group.holdsByTree.delete(hold.tree);
    }
    if (group.holds.size === 0) this.#rest(group);
    const waitedMs = Math.max(0, now - hold.openedMs);
    const shown = hasPlace ? group.id : undefined;
    effects.push({ kind: 'ended', hold: hold.id, end, group: shown, waitedMs });
  }

  /** Nobody waits: the question stands alone until it expires or gives way. Without a place it cannot rest yet. */
  #rest(group: Group<A>): void {
    if (group.owner === undefined) return;
    this.#idle.remove(group);
    group.dueMs = group.lastSeenMs + this.#limits.questionMs;
    this.#idle.add(group);
  }

  #close(group: Group<A>, why: ClosedWhy, effects: Effect[]): void {
    this.#idle.remove(group);
    this.#byKey.delete(group.key);
    this.#byId.delete(group.id);
    if (group.owner !== undefined) {
      this.#owned -= 1;
      this.#discharge(group.owner, 'groups');
    }
    effects.push({ kind: 'closed', group: group.id, why });
  }

  #view(group: Group<A>): PendingGroup<A> {
    const [oldest] = group.holds; // a set keeps the order in which they came
    return {
      id: group.id,
      revision: group.revision,
      destination: group.destination,
      waiting: group.holds.size,
      asked: group.asked,
      firstSeenMs: group.firstSeenMs,
      lastSeenMs: group.lastSeenMs,
      oldestMs: oldest?.openedMs,
      deadlineMs: deadlineOf(group),
      expiresMs: group.queued ? group.dueMs : group.lastSeenMs + this.#limits.questionMs,
      askers: [...group.askers.values()],
      unidentified: group.unidentified || group.identifying > 0,
    };
  }
}

function countAsked(group: Group<unknown>, now: number): void {
  group.asked += 1;
  group.lastSeenMs = now;
}

function deadlineOf({ holds }: Group<unknown>): number | undefined {
  let soonestMs: number | undefined;
  for (const { dueMs } of holds) soonestMs = Math.min(dueMs, soonestMs ?? dueMs);
  return soonestMs;
}

function half(limit: number): number {
  return Math.max(1, Math.floor(limit / 2));
}
