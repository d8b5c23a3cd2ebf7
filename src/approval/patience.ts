// When a client will likely give up by itself: measured limits of well-known programs, and what programs
// were seen to do. A guess for a person who decides when to answer; nothing depends on it.
import type { DecisionEntry } from '../policy/decision.ts';
import type { Protocol } from '../policy/destination.ts';
import { programNameOf } from './program-phrase.ts';
import type { ProcessInfo } from './process-tree.ts';

/** The memory of who left when. */
export interface Patience {
  /** Learns from clients that left by themselves; everything else is passed over. */
  readonly note: (entry: DecisionEntry) => void;
  /** When the client leaves, in ms since 1970; undefined when nobody can tell, or it should have left by now. */
  readonly leavesAt: (waiting: Waiting) => number | undefined;
}

/** A question that somebody waits in. */
export interface Waiting {
  readonly protocol: Protocol;
  readonly firstSeenMs: number;
  readonly oldestMs: number;
  readonly nowMs: number;
  readonly processes: readonly ProcessInfo[];
}

/**
 * How long an unanswered CONNECT was waited for, measured in seconds (Debian 12, 2026). `tries`: the program
 * opens a new connection for each of several tries, so its limit counts from its first one. Node is not here:
 * its `https` waits 5 s, its `fetch` 300 s, and nothing tells which one asks.
 */
const measured: ReadonlyMap<string, { readonly seconds: number; readonly tries?: true }> = new Map([
  ['curl', { seconds: 300 }],
  ['git', { seconds: 300 }],
  ['apt', { seconds: 127 }],
  ['apt-get', { seconds: 127 }],
  ['pip', { seconds: 104, tries: true }],
  ['pip3', { seconds: 104, tries: true }],
  ['cargo', { seconds: 131, tries: true }],
  ['codex', { seconds: 105, tries: true }],
  ['chromium', { seconds: 32 }],
  ['chrome', { seconds: 32 }],
  ['google-chrome', { seconds: 32 }],
]);

const programLimit = 256;
const processLimit = 512;
/** Waits kept of one program, the newest. */
const sampleLimit = 9;
/** One departure may be somebody's Ctrl-C; two are a habit. */
const leastSamples = 2;

/** Starts with the measured limits only. */
export function createPatience(): Patience {
  const left = new Map<string, readonly number[]>();
  /** What a pid was called when it was shown: records name only the executable, such as `node`. */
  const names = new Map<number, string>();

  function expectedMs(name: string): number | undefined {
    const waits = left.get(name) ?? [];
    if (waits.length < leastSamples) return undefined;
    return waits.toSorted((a, b) => a - b)[Math.floor(waits.length / 2)];
  }

  function leavesAt(
    name: string,
    { protocol, firstSeenMs, oldestMs }: Waiting,
  ): number | undefined {
    const learnt = expectedMs(`${protocol} ${name}`);
    if (learnt !== undefined) return oldestMs + learnt;
    const known = protocol === 'https_connect' ? measured.get(name) : undefined;
    if (known === undefined) return undefined;
    return (known.tries === true ? firstSeenMs : oldestMs) + known.seconds * 1000;
  }

  return {
    note({ request, verdict, hold }) {
      if (verdict.reason !== 'client_gone' || hold?.asker === undefined) return;
      const name = names.get(hold.asker.pid);
      if (name === undefined) return;
      const key = `${request.destination.protocol} ${name}`;
      const waits = [...(left.get(key) ?? []), hold.waitedMs].slice(-sampleLimit);
      keep(left, key, waits, programLimit);
    },
    leavesAt(waiting) {
      const times = waiting.processes.flatMap((each) => {
        const name = programNameOf(each);
        keep(names, each.pid, name, processLimit);
        return leavesAt(name, waiting) ?? [];
      });
      const earliest = Math.min(...times);
      return earliest > waiting.nowMs && earliest < Infinity ? earliest : undefined;
    },
  };
}

/** Puts it last, and lets the first give way. */
function keep<K, V>(table: Map<K, V>, key: K, value: V, limit: number): void {
  table.delete(key);
  table.set(key, value);
  const first = table.keys().next();
  if (table.size > limit && first.done !== true) table.delete(first.value);
}
