// A question as the control API shows it, and an asker as a question keeps it. What costs (look-alikes, the
// public suffix list, names seen below a domain) is found once per question; the rest is read afresh.
import type { AskerView, GroupView } from '../control/messages.ts';
import type { DecisionRequest } from '../policy/decision.ts';
import { escapePrintable } from '../policy/printable.ts';
import { createFloodWatch } from './flood.ts';
import type { FloodAsker, FloodWatch } from './flood.ts';
import { createHostMemory } from './host-memory.ts';
import type { HostMemory } from './host-memory.ts';
import type { PendingAsker, PendingGroup } from './pending.ts';
import { programOf, treeOf } from './process-tree.ts';
import type { Asker } from './process-tree.ts';
import { programPhrase } from './program-phrase.ts';

/** An asker with the keys that pending.ts tells askers apart by. */
export interface HeldAsker extends PendingAsker {
  readonly asker: Asker;
}

/** Processes of one tree that run the same program in the same place are one asker to a person. */
export function heldAsker(asker: Asker): HeldAsker {
  const tree = treeOf(asker).key;
  const { executable, name, cwd } = asker.process;
  return { tree, identity: JSON.stringify([tree, executable ?? name, cwd]), asker };
}

/** The asker as floods are told apart by, with the name that cards show. */
export function floodAsker({ tree, asker }: HeldAsker): FloodAsker {
  return { tree, program: escapePrintable(programPhrase(asker.process)), pid: asker.process.pid };
}

/** What the automatic reviewer does with a question, or why it left it to a person. */
export type Review =
  { readonly kind: 'reviewing' } | { readonly kind: 'asked'; readonly reason: string };

/** What views are made from. */
export interface GroupViewParts {
  readonly memory: HostMemory;
  readonly flood: FloodWatch;
  /** Undefined where the reviewer has nothing to do with it. */
  readonly reviewOf: (id: string) => Review | undefined;
  readonly stance: () => 'hold' | 'paused' | 'unattended';
  /** The user's home folder, shown as `~`. */
  readonly home: string;
}

/** Builds the function that shows questions. */
export function createGroupView(
  parts: GroupViewParts,
): (group: PendingGroup<HeldAsker>, request: DecisionRequest) => GroupView {
  return (group) => {
    const { protocol, host, port, kind } = group.destination;
    const known = parts.memory.of(host);
    const bundle = parts.flood.bundleOf(group.id);
    return {
      id: group.id,
      revision: group.revision,
      protocol,
      host,
      port,
      request: null,
      waiting: group.waiting,
      asked: group.asked,
      firstSeen: iso(group.firstSeenMs),
      lastSeen: iso(group.lastSeenMs),
      waitingSince: group.oldestMs === undefined ? null : iso(group.oldestMs),
      deadline: group.deadlineMs === undefined ? null : iso(group.deadlineMs),
      clientLeaves: null,
      expires: iso(group.expiresMs),
      why: 'no_rule',
      whySentence: 'No rule names this host.',
      facts: {
        unicode: null,
        kind,
        about: null,
        lookAlike: null,
        allowed: known?.allowed ?? 0,
        denied: known?.denied ?? 0,
        firstSeen: known === undefined ? null : iso(known.firstSeenMs),
      },
      wildcards: [],
      exactOnly: null,
      warnings: [],
      quickAllow: kind === 'name' && bundle?.suggests !== 'deny',
      bundle,
      askers: group.askers.map(({ asker }) => viewAsker(asker, parts.home)),
      unidentified: group.unidentified,
    };
  };
}

/** The plain view, without memory: until holds.ts is given the other one. */
export const groupView = (group: PendingGroup<HeldAsker>): GroupView => plain(group);

const plain = createGroupView({
  memory: createHostMemory(),
  flood: createFloodWatch(),
  reviewOf: () => undefined,
  stance: () => 'hold',
  home: '',
}) as (group: PendingGroup<HeldAsker>) => GroupView;

function viewAsker(asker: Asker, home: string): AskerView {
  const { pid, executable, commandLine, cwd } = asker.process;
  return {
    pid,
    program: escapePrintable(programOf(asker.process)),
    executable: executable === undefined ? null : escapePrintable(executable),
    commandLine: commandLine.map(escapePrintable),
    cwd: cwd === undefined ? null : shortFolder(cwd, home),
    repository: null,
    parents: asker.ancestors.map((ancestor) => escapePrintable(programOf(ancestor))),
  };
}

function shortFolder(folder: string, home: string): string {
  const isBelow = home !== '' && (folder === home || folder.startsWith(`${home}/`));
  return escapePrintable(isBelow ? `~${folder.slice(home.length)}` : folder);
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
