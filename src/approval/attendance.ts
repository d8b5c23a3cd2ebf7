// Whether anybody is there to answer: a tray, a page or a `watch` that listens, or an approver heard of a
// moment ago. Without anybody a request that waits would only hang, so it is refused at once (design
// section 6) and its question kept.
import type { Surface } from '../control/messages.ts';
import { clockText } from './clock-text.ts';
import type { Stance } from './question.ts';

/** What attendance is made of. */
export interface AttendanceParts {
  /** Milliseconds from a clock that does not jump. */
  readonly now: () => number;
  /** Told when somebody has come, when the last has gone, and when the number of watchers changes; must not throw. */
  readonly onChanged: () => void;
}

/** Who is there. */
export interface Attendance {
  /** An approver or admin called, from this surface. */
  readonly seen: (surface: Surface) => void;
  /** A live stream of this surface began (1) or ended (-1). */
  readonly watching: (surface: Surface, change: 1 | -1) => void;
  readonly isAttended: () => boolean;
  /** Live streams now, by surface; surfaces without any are left out. */
  readonly counts: () => Readonly<Partial<Record<Surface, number>>>;
  /** Ends the timer. */
  readonly close: () => void;
}

/** How long somebody who was heard of counts as there. */
const lingerMs = 60_000;

/** Surfaces that show a question to a person as soon as it comes. */
const showing: ReadonlySet<Surface> = new Set(['tray', 'page', 'watch']);

/** Starts attended: whoever started the daemon has a minute to open a surface. */
export function createAttendance({ now, onChanged }: AttendanceParts): Attendance {
  const streams = new Map<Surface, number>();
  let seenMs = now();
  let timer: NodeJS.Timeout | undefined;
  let wasAttended = true;

  const isWatched = (): boolean => [...streams.keys()].some((surface) => showing.has(surface));
  const isAttended = (): boolean => isWatched() || now() - seenMs < lingerMs;

  /** One timer: a call does not set it anew, since one that rings early looks again. */
  function arm(): void {
    if (timer !== undefined || isWatched()) return;
    const ring = (): void => {
      timer = undefined;
      if (isAttended()) arm();
      else tell();
    };
    timer = setTimeout(ring, Math.max(1, seenMs + lingerMs - now()));
    timer.unref();
  }

  function tell(): void {
    if (wasAttended === isAttended()) return;
    wasAttended = !wasAttended;
    onChanged();
  }

  function note(): void {
    seenMs = now();
    tell();
    arm();
  }

  arm();
  return {
    seen: note,
    watching: (surface, change) => {
      const count = (streams.get(surface) ?? 0) + change;
      if (count > 0) streams.set(surface, count);
      else streams.delete(surface);
      // Whoever has just closed one was there until now, and may be opening another.
      if (showing.has(surface)) note();
      onChanged();
    },
    isAttended,
    counts: () => Object.fromEntries(streams),
    close: () => {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}

/** How a new request waits, from what is known when it comes. */
export interface StanceFacts {
  /** Until when an approver has paused questions; undefined when nobody has. */
  readonly pausedUntilMs: number | undefined;
  readonly nowMs: number;
  readonly isAttended: boolean;
  readonly approvals: {
    readonly holdSeconds: number;
    readonly holdSecondsExplicit: boolean;
    readonly reviewer: 'user' | 'auto_review';
    readonly reviewSeconds: number;
  };
}

/** How long a new request waits, how it ends when nobody answers, and what its program is told then. */
export function stanceOf({ pausedUntilMs, nowMs, isAttended, approvals }: StanceFacts): Stance {
  if (pausedUntilMs !== undefined) {
    return { end: 'paused', holdMs: 0, say: pausedText(pausedUntilMs, nowMs) };
  }
  const { holdSeconds, holdSecondsExplicit, reviewer, reviewSeconds } = approvals;
  // Only CODEX_NON_INTERACTIVE=1 makes a default of 0.
  const isRunAlone = !holdSecondsExplicit && holdSeconds === 0;
  if (holdSecondsExplicit || (isAttended && !isRunAlone)) {
    return { end: 'timeout', holdMs: undefined, say: undefined };
  }
  const holdMs = reviewer === 'auto_review' ? reviewSeconds * 1000 : 0;
  const say = isRunAlone
    ? 'Nobody is asked in a run with CODEX_NON_INTERACTIVE=1.'
    : 'Nobody is watching for questions right now.';
  return { end: 'timeout', holdMs, say };
}

/** What a program is told whose request is refused since questions are paused; both in ms since 1970. */
export function pausedText(untilMs: number, nowMs: number): string {
  return `An approver has paused questions until ${clockText(untilMs, nowMs)}.`;
}
