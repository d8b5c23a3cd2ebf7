// A question as the control API shows it, and an asker as a question keeps it. What costs (look-alikes, the
// public suffix list, names seen below a domain) is found once per question; the rest is read afresh.
import type { AskerView, BundleRef, GroupView } from '../control/messages.ts';
import type { DecisionRequest } from '../policy/decision.ts';
import { escapePrintable } from '../policy/printable.ts';
import type { FloodAsker, FloodWatch } from './flood.ts';
import type { HostMemory } from './host-memory.ts';
import { knownHostNames } from './known-hosts.ts';
import { createNameIndex } from './name-index.ts';
import type { NameIndex } from './name-index.ts';
import type { Patience } from './patience.ts';
import type { PendingAsker, PendingGroup } from './pending.ts';
import { hasLeftItsTree, programOf, treeOf } from './process-tree.ts';
import type { Asker } from './process-tree.ts';
import { programPhrase } from './program-phrase.ts';
import { steadyFacts, viewFacts, whyAsked } from './prompt-facts.ts';
import type { SteadyFacts } from './prompt-facts.ts';
import type { ReviewState } from './reviewer.ts';
import { requestLine } from './request-line.ts';
import { offerWildcards } from './wildcards.ts';
import type { WildcardOffers } from './wildcards.ts';

/** An asker with the keys that pending.ts tells askers apart by. */
export interface HeldAsker extends PendingAsker {
  readonly asker: Asker;
}

/**
 * Processes of one tree that run the same program in the same place are one asker to a person. What was left behind
 * by its tree shares one allowance: a program could make any number of such trees (`setsid -f`).
 */
export function heldAsker(asker: Asker): HeldAsker {
  const tree = hasLeftItsTree(asker) ? 'left behind' : treeOf(asker).key;
  const { executable, name, cwd } = asker.process;
  return { tree, identity: JSON.stringify([tree, executable ?? name, cwd]), asker };
}

/** The asker as floods are told apart by, with the name that cards show. */
export function floodAsker({ tree, asker }: HeldAsker): FloodAsker {
  return { tree, program: escapePrintable(programPhrase(asker.process)), pid: asker.process.pid };
}

/** What views are made from. */
export interface GroupViewParts {
  /** Milliseconds since 1970, from the same clock as the questions. */
  readonly now: () => number;
  readonly memory: HostMemory;
  readonly flood: FloodWatch;
  readonly patience: Patience;
  /** The names that rules speak of, made by `createNameIndex(hostsOfRules(…))` for the policy in force. */
  readonly ruleNames: () => NameIndex;
  /** Undefined where the reviewer has nothing to do with it. */
  readonly reviewOf: (id: string) => ReviewState | undefined;
  /** What is done with questions now; asked when a question is first shown. */
  readonly stance: () => 'hold' | 'paused' | 'unattended';
  /** The user's home folder, shown as `~`. */
  readonly home: string;
}

/** What is found once for a question. */
interface Steady extends SteadyFacts, WildcardOffers {
  readonly request: string | null;
  /** What was done with questions when this one came. */
  readonly stance: ReturnType<GroupViewParts['stance']>;
}

/** Questions whose facts are kept; ids are never used twice in a run, so nothing in it can be stale. */
const steadyLimit = 1024;

/** Builds the function that shows questions; `request` is the one that opened the question. */
export function createGroupView(
  parts: GroupViewParts,
): (group: PendingGroup<HeldAsker>, request: DecisionRequest) => GroupView {
  const { memory, flood, patience } = parts;
  const steady = new Map<string, Steady>();
  const askers = new WeakMap<Asker, AskerView>();
  const developerHosts = createNameIndex(knownHostNames());
  const allowedNames = createAllowedIndex(memory);

  function viewOnce(asker: Asker): AskerView {
    const known = askers.get(asker);
    if (known !== undefined) return known;
    const view = viewAsker(asker, parts.home);
    askers.set(asker, view);
    return view;
  }

  function findSteady(id: string, request: DecisionRequest): Steady {
    const known = steady.get(id);
    if (known !== undefined) return known;
    const { destination } = request;
    const indexes = [allowedNames(), parts.ruleNames(), developerHosts];
    const found = {
      ...steadyFacts(destination, indexes, memory, parts.now()),
      ...offerWildcards(destination, memory.namesBelow),
      request: requestLine(request),
      stance: parts.stance(),
    };
    steady.set(id, found);
    const oldest = steady.keys().next().value;
    if (steady.size > steadyLimit && oldest !== undefined) steady.delete(oldest);
    return found;
  }

  return (group, request) => {
    const { id, destination, waiting } = group;
    const { protocol, host, port, kind } = destination;
    const nowMs = parts.now();
    const facts = findSteady(id, request);
    const history = memory.of(host);
    const bundle = flood.bundleOf(id);
    const warnings = [...facts.warnings, ...warnOfBundle(bundle)];
    const review = parts.reviewOf(id);
    const because = {
      destination,
      waiting,
      stance: facts.stance,
      review,
      history,
      expiredMs: memory.expiredFor(protocol, host, port),
      nowMs,
    };
    return {
      id,
      revision: group.revision,
      protocol,
      host,
      port,
      request: facts.request,
      waiting,
      asked: group.asked,
      firstSeen: iso(group.firstSeenMs),
      lastSeen: iso(group.lastSeenMs),
      waitingSince: isoOrNull(group.oldestMs),
      deadline: isoOrNull(group.deadlineMs),
      clientLeaves: isoOrNull(leavesAt(patience, group, nowMs)),
      expires: iso(group.expiresMs),
      ...whyAsked(because),
      facts: viewFacts(destination, facts, history),
      wildcards: facts.wildcards,
      exactOnly: facts.exactOnly,
      warnings,
      quickAllow: kind === 'name' && warnings.length === 0,
      bundle,
      askers: group.askers.map(({ asker }) => viewOnce(asker)),
      unidentified: group.unidentified,
      ...(review?.kind === 'reviewing' ? { reviewing: true } : undefined),
    };
  };
}

/** Hosts that were let through, indexed anew only when there are others. */
function createAllowedIndex(memory: HostMemory): () => NameIndex {
  let index = createNameIndex();
  let version = -1;
  return () => {
    if (memory.allowedVersion() === version) return index;
    version = memory.allowedVersion();
    // Names that gave way in the memory stay here for a while, which does no harm, but not for ever.
    if (index.size() > allowedNamesLimit) index = createNameIndex();
    for (const host of memory.allowedHosts()) index.add(host);
    return index;
  };
}

const allowedNamesLimit = 4096;

function leavesAt(
  patience: Patience,
  { destination, firstSeenMs, oldestMs, askers }: PendingGroup<HeldAsker>,
  nowMs: number,
): number | undefined {
  if (oldestMs === undefined) return undefined;
  const processes = askers.map(({ asker }) => asker.process);
  return patience.leavesAt({
    protocol: destination.protocol,
    firstSeenMs,
    oldestMs,
    nowMs,
    processes,
  });
}

function warnOfBundle(bundle: BundleRef | null): string[] {
  if (bundle?.suggests !== 'deny') return [];
  return ['Many names below one domain were asked for at once: the names may carry data.'];
}

function viewAsker(asker: Asker, home: string): AskerView {
  const { pid, executable, commandLine, cwd, repository } = asker.process;
  return {
    pid,
    program: escapePrintable(programOf(asker.process)),
    executable: executable === undefined ? null : escapePrintable(executable),
    commandLine: commandLine.map(escapePrintable),
    cwd: cwd === undefined ? null : shortFolder(cwd, home),
    repository: repository === undefined ? null : shortFolder(repository, home),
    parents: asker.ancestors.map((ancestor) => escapePrintable(programOf(ancestor))),
  };
}

function shortFolder(folder: string, home: string): string {
  const isBelow = home !== '' && (folder === home || folder.startsWith(`${home}/`));
  return escapePrintable(isBelow ? `~${folder.slice(home.length)}` : folder);
}

function isoOrNull(ms: number | undefined): string | null {
  return ms === undefined ? null : iso(ms);
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
