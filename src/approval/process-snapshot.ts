// Who asks, where the system gives no /proc: one picture of all connections and processes, taken by a
// program of the system's own, serves every question that came up meanwhile. What to run and how to read its
// output is macos-processes.ts's and windows-processes.ts's; here is only what follows from a picture.
import type { ClientAddress } from '../policy/decision.ts';
import { maskArguments } from './mask.ts';
import { isPromptingShell, programOf } from './process-tree.ts';
import type { Asker, ProcessInfo } from './process-tree.ts';

/** One end of an established TCP connection of this machine, and who holds it. */
export interface HeldConnection {
  readonly pid: number;
  readonly localPort: number;
  readonly remotePort: number;
}

/** One process as the system listed it. */
export interface ListedProcess {
  readonly pid: number;
  readonly parentPid: number;
  /** Start time in the system's own words; the same for the same process. */
  readonly started: string;
  readonly executable: string | undefined;
  readonly name: string;
  /** As near to its arguments as the system tells; not masked yet. */
  readonly words: readonly string[];
  readonly cwd: string | undefined;
  readonly hasTerminal: boolean;
  readonly uid: number;
}

/** Everything at one moment. */
export interface Snapshot {
  readonly connections: readonly HeldConnection[];
  readonly processes: ReadonlyMap<number, ListedProcess>;
}

/** What the finder is made of. */
export interface SnapshotFinderParts {
  /** Takes a picture; may reject, and has its own deadline. */
  readonly take: () => Promise<Snapshot>;
  /** The daemon's own pid: both ends of a loopback connection are listed. */
  readonly ownPid: number;
  /** Whether these words are our own `sallyport exec`. */
  readonly isExec: (words: readonly string[]) => boolean;
}

/** Both look-ups over pictures; neither rejects. */
export interface SnapshotFinder {
  readonly findAsker: (client: ClientAddress) => Promise<Asker | undefined>;
  readonly findProcess: (pid: number) => Promise<Asker | undefined>;
}

const deepest = 64;
const longestWord = 1024;
const queueLimit = 8192;

/** Builds the look-ups: at most one picture is being taken at a time, and none is used for a later question. */
export function createSnapshotFinder(parts: SnapshotFinderParts): SnapshotFinder {
  type Wanted = (snapshot: Snapshot | undefined) => void;
  let waiting: Wanted[] = [];
  let isTaking = false;

  async function run(): Promise<void> {
    isTaking = true;
    while (waiting.length > 0) {
      const served = waiting;
      waiting = [];
      const snapshot = await parts.take().catch(() => undefined);
      for (const wanted of served) wanted(snapshot);
    }
    isTaking = false;
  }

  async function next(): Promise<Snapshot | undefined> {
    if (waiting.length >= queueLimit) return undefined;
    const { promise, resolve } = Promise.withResolvers<Snapshot | undefined>();
    waiting.push(resolve);
    // A turn later, so that everything that comes in this turn shares one picture; it never rejects.
    if (!isTaking) setImmediate(() => void (isTaking || run()));
    return await promise;
  }

  return {
    findAsker: async (client) => {
      const snapshot = await next();
      const pid = snapshot && holderOf(snapshot, client, parts.ownPid);
      return pid === undefined ? undefined : askerOf(snapshot, pid, client.localPort, parts.isExec);
    },
    findProcess: async (pid) => askerOf(await next(), pid, 0, parts.isExec),
  };
}

/** Who holds the client's end; undefined when nobody is listed, or two are. */
function holderOf(
  { connections }: Snapshot,
  { port, localPort }: ClientAddress,
  ownPid: number,
): number | undefined {
  const holders = connections.filter(
    (one) => one.localPort === port && one.remotePort === localPort && one.pid !== ownPid,
  );
  const [first, ...others] = holders;
  return others.every(({ pid }) => pid === first?.pid) ? first?.pid : undefined;
}

function askerOf(
  snapshot: Snapshot | undefined,
  pid: number,
  listenerPort: number,
  isExec: SnapshotFinderParts['isExec'],
): Asker | undefined {
  const [process, ...ancestors] = lineOf(snapshot, pid).map((listed) => infoOf(listed, isExec));
  return process && { process, ancestors, listenerPort };
}

/** The process and its ancestors, nearest first; a parent that is not listed, or a ring, ends the line. */
function lineOf(snapshot: Snapshot | undefined, pid: number): readonly ListedProcess[] {
  const line: ListedProcess[] = [];
  for (let next = pid; line.length < deepest;) {
    const listed = snapshot?.processes.get(next);
    if (listed === undefined || line.includes(listed)) break;
    line.push(listed);
    next = listed.parentPid;
  }
  return line;
}

function infoOf(listed: ListedProcess, isExec: SnapshotFinderParts['isExec']): ProcessInfo {
  const { pid, started, executable, name, words, cwd, hasTerminal, uid } = listed;
  return {
    pid,
    started,
    executable,
    name,
    commandLine: maskArguments(words.map((word) => word.slice(0, longestWord))),
    cwd,
    repository: undefined,
    hasTerminal,
    isExec: isExec(words),
    isShell: isPromptingShell(programOf(listed), words),
    uid,
    proxyPorts: [],
  };
}
