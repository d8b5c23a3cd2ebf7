// Who asks for too much at once, and which questions stand on one card. Pure state: takes `now`, knows no
// clock. A program tree that floods is denied quietly until a person lifts it; questions that one tree asks
// together, and names below one domain that could carry data out, are bundles.
import type { BundleRef, FloodView } from '../control/messages.ts';
import { pendingKey } from '../policy/destination.ts';
import type { Destination } from '../policy/destination.ts';
import { ownershipOf } from '../policy/public-suffix.ts';

/** A program that asks, as far as floods are told apart; undefined where nobody knows it. */
export interface FloodAsker {
  /** Same for all processes of one tree. */
  readonly tree: string;
  /** What a person would call it, such as `npm install`. */
  readonly program: string;
  readonly pid: number;
}

/** What holds ask about each new question, and surfaces show. Never throws; every table is bounded. */
export interface FloodWatch {
  /** Once for each question, when its first program is known: `quiet` refuses it without asking anybody. */
  readonly judge: (
    asker: FloodAsker | undefined,
    destination: Destination,
    groupId: string,
    now: number,
  ) => 'ask' | 'quiet';
  /** Whether this tree is refused quietly now. */
  readonly isQuiet: (tree: string, now: number) => boolean;
  /** One request of a quiet tree was refused. */
  readonly refused: (tree: string, host: string) => void;
  /** Trees that are refused quietly, oldest first. */
  readonly list: () => readonly FloodView[];
  /** Lets this tree ask again; false for an id that is none (any more). */
  readonly lift: (id: string) => boolean;
  /** The card a question stands on; null for one of its own. */
  readonly bundleOf: (groupId: string) => BundleRef | null;
  /** The question is gone. */
  readonly closed: (groupId: string) => void;
}

/** The tree that stands for all programs nobody can name; pending.ts counts them the same way. */
export const unknownTree = '?';

/** New destinations one tree may ask for within a minute. */
const newPerMinute = 20;
const minuteMs = 60_000;
/** Questions of one tree that come no further apart stand on one card. */
const togetherMs = 2_000;
/** Names below one registrable domain within a minute that still look like ordinary use. */
const namesPerDomain = 8;
const sampleHosts = 8;
const treeLimit = 256;
const floodLimit = 64;
const domainLimit = 256;
const namesKept = 256;
const groupLimit = 4096;

interface Flood {
  readonly id: string;
  readonly sinceMs: number;
  readonly program: string;
  readonly pid: number | null;
  refused: number;
  readonly hosts: Set<string>;
}

interface Tree {
  /** What it asked for within the last minute and when, oldest first. */
  readonly destinations: Map<string, number>;
  /** Its newest question and when it came: the next one may join its card. */
  last: { readonly group: string; readonly atMs: number } | undefined;
}

/** Questions of one program that came together. */
interface Together {
  readonly id: string;
  readonly program: string;
  readonly groups: Set<string>;
}

interface Domain {
  readonly name: string;
  /** Names below it within the last minute and when, oldest first. */
  readonly names: Map<string, number>;
  /** Its questions that are still open. */
  readonly groups: Set<string>;
  /** Set once there were too many: stays until all its questions are gone. */
  bundle: { readonly id: string; names: number } | undefined;
}

interface Question {
  readonly host: string;
  together: Together | undefined;
  readonly domain: Domain | undefined;
}

/** Starts with nobody quiet. `onFlood` is told of each tree that becomes quiet, once. */
export function createFloodWatch(onFlood: (flood: FloodView) => void = () => {}): FloodWatch {
  const trees = new Map<string, Tree>();
  const floods = new Map<string, Flood>();
  const domains = new Map<string, Domain>();
  const questions = new Map<string, Question>();
  let nextFlood = 1;
  let nextBundle = 1;

  function treeOf(name: string): Tree {
    const tree = trees.get(name) ?? { destinations: new Map(), last: undefined };
    trees.delete(name);
    trees.set(name, tree); // the one that asked last goes last, so the first is the one to give way
    if (trees.size > treeLimit) dropOldest(trees);
    return tree;
  }

  function startFlood(asker: FloodAsker | undefined, name: string, now: number): void {
    const flood: Flood = {
      id: `f${nextFlood++}`,
      sinceMs: now,
      program: asker?.program ?? 'programs that cannot be named',
      pid: asker?.pid ?? null,
      refused: 0,
      hosts: new Set(),
    };
    floods.set(name, flood);
    if (floods.size > floodLimit) dropOldest(floods);
    onFlood(viewFlood(flood));
  }

  /** Questions of one tree that follow each other closely share a card, however long the row grows. */
  function joinTogether(id: string, asker: FloodAsker, tree: Tree, now: number): void {
    const question = questions.get(id);
    const before = tree.last;
    tree.last = { group: id, atMs: now };
    if (question === undefined || before === undefined || now - before.atMs > togetherMs) return;
    const neighbour = questions.get(before.group);
    if (neighbour === undefined || before.group === id) return;
    neighbour.together ??= {
      id: `card${nextBundle++}`,
      program: asker.program,
      groups: new Set([before.group]),
    };
    question.together = neighbour.together;
    question.together.groups.add(id);
  }

  function domainOf({ host, kind }: Destination, now: number): Domain | undefined {
    const name = kind === 'name' ? ownershipOf(host).domain : undefined;
    if (name === undefined || name === host) return undefined;
    const domain = domains.get(name) ?? {
      name,
      names: new Map<string, number>(),
      groups: new Set<string>(),
      bundle: undefined,
    };
    domains.delete(name);
    domains.set(name, domain);
    if (domains.size > domainLimit) dropOldest(domains);
    forget(domain.names, now - minuteMs);
    const isNew = !domain.names.has(host);
    if (isNew && domain.names.size < namesKept) domain.names.set(host, now);
    if (domain.bundle !== undefined) domain.bundle.names += isNew ? 1 : 0;
    else if (domain.names.size > namesPerDomain) {
      domain.bundle = { id: `card${nextBundle++}`, names: domain.names.size };
    }
    return domain;
  }

  function addQuestion(id: string, destination: Destination, now: number): void {
    if (questions.has(id)) return;
    const domain = domainOf(destination, now);
    questions.set(id, { host: destination.host, together: undefined, domain });
    domain?.groups.add(id);
    const oldest = questions.keys().next().value;
    if (questions.size > groupLimit && oldest !== undefined) close(oldest);
  }

  function close(id: string): void {
    const question = questions.get(id);
    if (question === undefined) return;
    questions.delete(id);
    question.together?.groups.delete(id);
    const { domain } = question;
    domain?.groups.delete(id);
    if (domain?.groups.size === 0) domain.bundle = undefined;
  }

  function titleOf({ program, groups }: Together): string {
    // Those that moved to the card of their domain are counted there.
    const here = [...groups].flatMap((id) => questions.get(id) ?? []);
    const hosts = new Set(
      here.filter(({ domain }) => domain?.bundle === undefined).map(({ host }) => host),
    );
    return `${program} asks for ${hosts.size} new ${hosts.size === 1 ? 'host' : 'hosts'}`;
  }

  return {
    judge(asker, destination, groupId, now) {
      const name = asker?.tree ?? unknownTree;
      if (floods.has(name)) return 'quiet';
      const tree = treeOf(name);
      forget(tree.destinations, now - minuteMs);
      const key = pendingKey(destination);
      if (!tree.destinations.has(key)) tree.destinations.set(key, now);
      if (tree.destinations.size > newPerMinute) {
        trees.delete(name);
        startFlood(asker, name, now);
        return 'quiet';
      }
      addQuestion(groupId, destination, now);
      if (asker !== undefined) joinTogether(groupId, asker, tree, now);
      return 'ask';
    },
    isQuiet: (tree) => floods.has(tree),
    refused(tree, host) {
      const flood = floods.get(tree);
      if (flood === undefined) return;
      flood.refused += 1;
      if (flood.hosts.size < sampleHosts) flood.hosts.add(host);
    },
    list: () => [...floods.values()].map(viewFlood),
    lift(id) {
      for (const [name, flood] of floods) if (flood.id === id) return floods.delete(name);
      return false;
    },
    bundleOf(groupId) {
      const question = questions.get(groupId);
      const data = question?.domain?.bundle;
      if (question?.domain !== undefined && data !== undefined) {
        const title = `${data.names} names below ${question.domain.name}: names may carry data`;
        return { id: data.id, title, suggests: 'deny' };
      }
      const together = question?.together;
      return together === undefined
        ? null
        : { id: together.id, title: titleOf(together), suggests: null };
    },
    closed: close,
  };
}

/** Forgets what is older; entries are in the order of their times. */
function forget(times: Map<string, number>, beforeMs: number): void {
  for (const [key, atMs] of times) {
    if (atMs > beforeMs) return;
    times.delete(key);
  }
}

function dropOldest(table: Map<string, unknown>): void {
  const oldest = table.keys().next().value;
  if (oldest !== undefined) table.delete(oldest);
}

function viewFlood({ id, sinceMs, program, pid, refused, hosts }: Flood): FloodView {
  return { id, since: new Date(sinceMs).toISOString(), program, pid, refused, hosts: [...hosts] };
}
