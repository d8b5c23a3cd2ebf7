// The brakes of the gate as a whole: a pause (unknown hosts are denied without a question for a while) and
// panic (everything is denied until an approver lets go). Panic outlives the daemon: a program that can end
// the daemon must not be able to open the gate that way.
import { SallyportError } from '../errors.ts';

/** Where panic is kept; `save` must be atomic and throws when it cannot. */
export interface BrakeStore {
  /** The file as a person would look for it; for messages. */
  readonly file: string;
  readonly load: () => string | undefined;
  readonly save: (text: string) => void;
}

/** What brakes are made of. */
export interface BrakesParts {
  readonly store: BrakeStore;
  /** Wall clock in ms: a pause counts the time the machine slept. */
  readonly now: () => number;
  /** Told of every change, also when a pause runs out. */
  readonly onChanged: () => void;
}

/** The brakes. */
export interface Brakes {
  /** Until when unknown hosts are denied, in ms; undefined when not paused. */
  readonly pausedUntilMs: () => number | undefined;
  readonly pause: (ms: number) => void;
  /** False when nothing was paused. */
  readonly resume: () => boolean;
  /** Since when everything is denied, in ms; undefined without panic. */
  readonly panicSinceMs: () => number | undefined;
  /** Stops everything, first of all in memory; throws ERR_STATE_UNSAFE when it cannot be kept for a restart. */
  readonly panic: () => void;
  /** False when there was none. Throws, and stays closed, when that cannot be kept. */
  readonly reopen: () => boolean;
  /** Grows with every panic; a decision under way asks again when it has. */
  readonly generation: () => number;
  readonly close: () => void;
}

const longestTimerMs = 2 ** 31 - 1;

/** Reads what was kept; throws ERR_STATE_CORRUPT when the file holds anything else. */
export function createBrakes({ store, now, onChanged }: BrakesParts): Brakes {
  let panicMs = readPanic(store.load(), store.file);
  let pausedMs: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let generation = 0;

  const write = (sinceMs: number | undefined): void => {
    const panic = sinceMs === undefined ? null : new Date(sinceMs).toISOString();
    store.save(`${JSON.stringify({ panic })}\n`);
  };
  const setPause = (untilMs: number | undefined): void => {
    clearTimeout(timer);
    pausedMs = untilMs;
    if (untilMs !== undefined) {
      timer = setTimeout(onChanged, Math.min(Math.max(0, untilMs - now()) + 1, longestTimerMs));
      timer.unref();
    }
    onChanged();
  };
  const pausedUntilMs = (): number | undefined =>
    pausedMs !== undefined && pausedMs > now() ? pausedMs : undefined;

  return {
    pausedUntilMs,
    pause: (ms) => setPause(now() + ms),
    resume: () => {
      if (pausedUntilMs() === undefined) return false;
      setPause(undefined);
      return true;
    },
    panicSinceMs: () => panicMs,
    panic: () => {
      if (panicMs !== undefined) return;
      panicMs = now();
      generation += 1;
      onChanged();
      write(panicMs);
    },
    reopen: () => {
      if (panicMs === undefined) return false;
      write(undefined);
      panicMs = undefined;
      onChanged();
      return true;
    },
    generation: () => generation,
    close: () => clearTimeout(timer),
  };
}

function readPanic(text: string | undefined, file: string): number | undefined {
  if (text === undefined) return undefined;
  // Read by its form and not as JSON, where of two keys of one name the last would count.
  const [, said, time] = /^\s*\{\s*"panic"\s*:\s*(null|"([^"\\]*)")\s*\}\s*$/.exec(text) ?? [];
  if (said === 'null') return undefined;
  const ms = Date.parse(time ?? '');
  if (Number.isFinite(ms)) return ms;
  throw new SallyportError(
    'ERR_STATE_CORRUPT',
    `${file}: does not say whether the gate was closed; mend it to {"panic":null} to start with it open`,
  );
}
