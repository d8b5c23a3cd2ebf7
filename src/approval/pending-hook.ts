// Tells a chat or a phone (`on_pending`) of each question that a person must answer. Best effort: a question
// never waits for it, and what fails is tried twice more while the question stands, then left.
import type { GroupView } from '../control/messages.ts';
import type { HookEnd } from './hook-answer.ts';
import { pendingNotice, type PendingNotice } from './hook-question.ts';

/** What telling needs. */
export interface PendingHookParts {
  /** Runs the hook; undefined where none is configured. Never rejects. */
  readonly run: ((notice: PendingNotice, limitMs: number) => Promise<HookEnd>) | undefined;
  /** While an approver has paused questions nobody is told of any. */
  readonly isPaused: () => boolean;
  /** The question as it is now. */
  readonly group: (id: string) => GroupView | 'unknown' | 'gone';
  /** Told once when telling stops working; the phrase holds nothing secret. Must not throw. */
  readonly onProblem: (problem: string) => void;
  /** Told once when it works again. Must not throw. */
  readonly onRecovered: () => void;
}

/** The teller. */
export interface PendingHook {
  /** A question for a person; never throws. */
  readonly opened: (view: GroupView) => void;
  /** Why the last try failed; null when it did not. */
  readonly problem: () => string | null;
  /** Forgets what was to be tried again. */
  readonly close: () => void;
}

const limitMs = 10_000;
/** Questions that are to be told again, at a time. */
const retryLimit = 64;
/** Before the second and the third try. */
const pausesMs = [1_000, 5_000] as const;

/** Starts with nothing told. */
export function createPendingHook(parts: PendingHookParts): PendingHook {
  const timers = new Set<NodeJS.Timeout>();
  let problem: string | null = null;
  let isClosed = false;

  function note(end: HookEnd): void {
    const before = problem;
    problem = end.status === 'done' ? null : end.problem;
    if (problem !== null && before === null) parts.onProblem(problem);
    if (problem === null && before !== null) parts.onRecovered();
  }

  async function tell(
    run: NonNullable<PendingHookParts['run']>,
    view: GroupView,
    failures: number,
  ): Promise<void> {
    const end = await run(pendingNotice(view), limitMs);
    if (isClosed) return;
    note(end);
    const pauseMs = end.status === 'done' ? undefined : pausesMs[failures];
    if (pauseMs === undefined || timers.size >= retryLimit) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      const now = parts.group(view.id);
      if (typeof now !== 'string') void tell(run, now, failures + 1); // never rejects
    }, pauseMs);
    timer.unref();
    timers.add(timer);
  }

  return {
    opened: (view) => {
      if (parts.run === undefined || isClosed || parts.isPaused()) return;
      void tell(parts.run, view, 0); // never rejects
    },
    problem: () => problem,
    close: () => {
      isClosed = true;
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
}
