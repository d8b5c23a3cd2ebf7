// The self-approval guard of everything that is no answer to one question: undoing, revoking, resuming, rules,
// tokens, ways into the page. Such an act has no asker to compare with, so every program that has asked in
// this run counts as one, and so does what a `sallyport exec` started or what was left behind by either.
//
//                             none    narrow    wide      how far the act could open the gate
//   a person's program        taken   taken     taken
//   inside an asking tree     taken   refused   refused   (told; taken where configured so)
//   not found                 taken   taken     refused
//   hidden, or gone           taken   refused   refused   (told)
import type { ApproverRef } from '../policy/decision.ts';
import {
  approverRef,
  findCaller,
  goneText,
  isHidden,
  type Caller,
  type CallerParts,
} from './answers.ts';
import { isOrphan, processKey, treeOf, type Asker } from './process-tree.ts';

/** What somebody wants to do through the control API. */
export interface WantedAct {
  /** For the record: `resume`, `undo`, `revoke`, `save rules`. */
  readonly action: string;
  /** `none`: it can only close; `narrow`: it may open what one answer could; `wide`: more than that. */
  readonly reach: 'none' | 'narrow' | 'wide';
}

/** Whether the act may be done, and by whom; `problem` is a sentence for the caller. */
export type ActJudgement =
  | { readonly ok: true; readonly approver: ApproverRef }
  | {
      readonly ok: false;
      /** `self`: a program that asks; `unplaced`: a caller that cannot be placed. */
      readonly status: 'self' | 'unplaced';
      readonly problem: string;
      readonly approver: ApproverRef;
    };

/** An act that a program which asks, or one that hid, wanted to do for itself. */
export interface RefusedAct {
  readonly action: string;
  readonly approver: ApproverRef;
  /** Undefined when it hid. */
  readonly caller: Asker | undefined;
  /** True when `dangerously_allow_self_approval` let it through. */
  readonly taken: boolean;
}

/** What the guard needs. */
export interface AgentWatchParts extends CallerParts {
  readonly allowSelfApproval: () => boolean;
  /** Ports of our listeners; what was started with one of them as its proxy is a program behind the gate. */
  readonly proxyPorts: () => ReadonlySet<number>;
  readonly onRefused: (refused: RefusedAct) => void;
  /** Whether a process of that pid runs; tests pass their own. */
  readonly isRunning?: (pid: number) => boolean;
}

/** The guard. */
export interface AgentWatch {
  /** Told of every program that was found asking; cheap. */
  readonly remember: (asker: Asker) => void;
  /** Whether a program counts as one that asks. */
  readonly isAgent: (caller: Asker) => boolean;
  /** Whether a program has lost its parents and was started with any of our ports as its proxy. */
  readonly isLeftBehind: (caller: Asker) => boolean;
  /** Never rejects; takes as long as finding the caller, 6 s at most. */
  readonly judge: (caller: Caller, surface: string, wanted: WantedAct) => Promise<ActJudgement>;
}

const treeLimit = 1024;
const memberLimit = 64;
/** New trees between two looks for those that have ended. */
const sweepEvery = 128;

/** Starts knowing of nobody. */
export function createAgentWatch(parts: AgentWatchParts): AgentWatch {
  const trees = createTreeMemory(parts.isRunning ?? isRunning);

  function isAgent(caller: Asker): boolean {
    const line = [caller.process, ...caller.ancestors];
    if (line.some(({ isExec }) => isExec) || trees.hasAny(line.map(processKey))) return true;
    return isLeftBehind(caller);
  }

  function isLeftBehind(caller: Asker): boolean {
    const ports = parts.proxyPorts();
    return isOrphan(caller) && caller.process.proxyPorts.some((port) => ports.has(port));
  }

  return {
    isAgent,
    isLeftBehind,
    remember: (asker) => {
      const { key, members } = treeOf(asker);
      trees.add(key, members.map(processKey));
    },
    judge: async (origin, surface, { action, reach }) => {
      const caller = await findCaller(parts, origin);
      const approver = approverRef(parts, caller, surface);
      const taken: ActJudgement = { ok: true, approver };
      if (reach === 'none') return taken;
      const refused = (status: 'self' | 'unplaced', problem: string): ActJudgement => {
        return { ok: false, status, problem, approver };
      };
      if (caller === undefined) {
        if (await isHidden(parts, origin)) {
          parts.onRefused({ action, approver, caller, taken: false });
          return refused('unplaced', goneText);
        }
        return reach === 'wide' ? refused('unplaced', unknownText) : taken;
      }
      if (!isAgent(caller)) return taken;
      const isAllowed = parts.allowSelfApproval();
      parts.onRefused({ action, approver, caller, taken: isAllowed });
      return isAllowed ? taken : refused('self', selfText);
    },
  };
}

const selfText =
  'a program behind the gate may not do this for itself; do it in another terminal or let a person do it';
const unknownText =
  'a caller the operating system cannot name may not do this; use the control port ([control] tcp = true) or the page';

interface TreeMemory {
  readonly add: (key: string, members: readonly string[]) => void;
  readonly hasAny: (members: readonly string[]) => boolean;
}

/** Trees that asked, the one that asked longest ago first; ended ones give way before that one does. */
function createTreeMemory(isPidRunning: (pid: number) => boolean): TreeMemory {
  const trees = new Map<string, Set<string>>();
  let addedSinceSweep = sweepEvery;

  function makeRoom(): void {
    addedSinceSweep += 1;
    if (trees.size < treeLimit) return;
    if (addedSinceSweep > sweepEvery) {
      addedSinceSweep = 0;
      for (const [key, members] of trees) {
        if (![...members].some((member) => isPidRunning(pidOf(member)))) trees.delete(key);
      }
    }
    const [oldest] = trees.keys();
    if (trees.size >= treeLimit && oldest !== undefined) trees.delete(oldest);
  }

  return {
    add: (key, members) => {
      const known = trees.get(key);
      if (known === undefined) makeRoom();
      const kept = known ?? new Set([key]);
      trees.delete(key);
      trees.set(key, kept);
      for (const member of members) {
        if (kept.has(member)) continue;
        const [, second] = kept; // the first is the root, which stands for all that still have their parents
        if (kept.size >= memberLimit && second !== undefined) kept.delete(second);
        kept.add(member);
      }
    },
    hasAny: (members) => {
      for (const kept of trees.values()) {
        if (members.some((member) => kept.has(member))) return true;
      }
      return false;
    },
  };
}

function pidOf(key: string): number {
  return Number.parseInt(key, 10); // `4711@started`
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
