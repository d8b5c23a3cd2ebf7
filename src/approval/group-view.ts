// A question as the control API shows it, and an asker as a question keeps it.
import type { GroupView } from '../control/messages.ts';
import type { PendingAsker, PendingGroup } from './pending.ts';
import { programOf, treeOf } from './process-tree.ts';
import type { Asker } from './process-tree.ts';

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

/** The JSON shape of one question; command lines are masked already. */
export function groupView(group: PendingGroup<HeldAsker>): GroupView {
  const { protocol, host, port } = group.destination;
  return {
    id: group.id,
    revision: group.revision,
    protocol,
    host,
    port,
    waiting: group.waiting,
    asked: group.asked,
    firstSeen: iso(group.firstSeenMs),
    lastSeen: iso(group.lastSeenMs),
    deadline: group.deadlineMs === undefined ? null : iso(group.deadlineMs),
    expires: iso(group.expiresMs),
    askers: group.askers.map(({ asker }) => ({
      pid: asker.process.pid,
      program: programOf(asker.process),
      commandLine: asker.process.commandLine,
      cwd: asker.process.cwd ?? null,
      parents: asker.ancestors.map((ancestor) => programOf(ancestor)),
    })),
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
