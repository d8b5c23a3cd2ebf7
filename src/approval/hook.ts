// Runs what the user has asked to be told or to review: a program, or an address that is posted to. A few at a
// time, each with a deadline that counts the wait for its turn; nothing here ever keeps a request waiting.
import type { Resolution } from '../policy/decision.ts';
import { failed, type HookEnd, type HookRunner } from './hook-answer.ts';
import { createCommand } from './hook-command.ts';
import { createEndpoint } from './hook-endpoint.ts';

/** What a hook runs or calls. */
export type HookTarget =
  /** The program and its arguments; no shell sees them. */
  | { readonly kind: 'command'; readonly argv: readonly string[] }
  /** `https:`, or `http:` on this machine; may hold a secret, so it is never printed or logged. */
  | { readonly kind: 'endpoint'; readonly url: string };

/** What hooks are made of. */
export interface HookParts {
  readonly target: HookTarget;
  /** False: what it says does not count, and is not read. */
  readonly wantsAnswer: boolean;
  /** The user's environment; a program gets it without what is ours. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where a program starts. */
  readonly folder: string;
  /** PEM roots trusted beside the system's. */
  readonly extraCa?: readonly string[];
  /** How the name in an address is looked up; never rejects. Unless given Node's own way, which takes a thread. */
  readonly resolve?: (host: string, signal: AbortSignal) => Promise<Resolution>;
}

/** A hook. */
export interface Hook {
  /** Gives it this as JSON. Never rejects; `limitMs` counts from now, the wait for its turn included. */
  readonly run: (payload: unknown, limitMs: number) => Promise<HookEnd>;
  /** Ends what runs, and everything that still comes. */
  readonly close: () => void;
}

const atOnce = 4;
const queueLimit = 64;

/** Builds a hook; nothing is run or opened yet. */
export function createHook(parts: HookParts): Hook {
  const { target } = parts;
  const start: HookRunner =
    target.kind === 'command'
      ? createCommand({ ...parts, argv: target.argv })
      : createEndpoint({ ...parts, url: target.url });
  const closing = new AbortController();
  const turns = createTurns();

  async function run(payload: unknown, limitMs: number): Promise<HookEnd> {
    const limit = AbortSignal.timeout(limitMs);
    const signal = AbortSignal.any([limit, closing.signal]);
    const turn = await turns.take(signal);
    if (turn === 'full') return failed('has too much to do already');
    try {
      const end = signal.aborted ? undefined : await start(JSON.stringify(payload), signal);
      if (closing.signal.aborted) return failed('was stopped with the daemon');
      // What a runner says of its own end by the signal is less than we know here.
      if (limit.aborted) return failed(`did not answer within ${limitMs / 1000} s`);
      return end ?? failed('was stopped');
    } finally {
      if (turn === 'taken') turns.release();
    }
  }

  return {
    run: async (payload, limitMs) => {
      try {
        return await run(payload, limitMs);
      } catch {
        return failed('could not be run'); // a bug; what it was asked about goes to a person
      }
    },
    close: () => {
      closing.abort();
    },
  };
}

interface Turns {
  /** `aborted`: the signal came first, and there is nothing to release. */
  readonly take: (signal: AbortSignal) => Promise<'taken' | 'aborted' | 'full'>;
  readonly release: () => void;
}

function createTurns(): Turns {
  let running = 0;
  const queue = new Set<() => void>();
  return {
    take: async (signal) => {
      if (signal.aborted) return 'aborted';
      if (running < atOnce) {
        running += 1;
        return 'taken';
      }
      if (queue.size >= queueLimit) return 'full';
      const { promise, resolve } = Promise.withResolvers<'taken' | 'aborted'>();
      const enter = (): void => {
        signal.removeEventListener('abort', leave);
        resolve('taken');
      };
      const leave = (): void => {
        queue.delete(enter);
        resolve('aborted');
      };
      signal.addEventListener('abort', leave, { once: true });
      queue.add(enter);
      return await promise;
    },
    release: () => {
      const [next] = queue;
      if (next === undefined) {
        running -= 1;
        return;
      }
      queue.delete(next); // its turn is the one that was released
      next();
    },
  };
}
