// The automatic reviewer (Codex's `auto_review`): a program or an address outside is given each question that
// it may decide, and its word is taken within narrow bounds (review-rules.ts). Everything else, every failure
// and every delay leaves the question to a person, who may answer at any time meanwhile.
import type { AnswerRequest, GroupView } from '../control/messages.ts';
import type { ApproverRef } from '../policy/decision.ts';
import type { HookEnd } from './hook-answer.ts';
import { reviewQuestion, type ReviewQuestion } from './hook-question.ts';
import { decodeVerdict, outcomeOf, whyForPerson, type Verdict } from './review-rules.ts';

/** What the reviewer does with a question, or why it left it to a person. */
export type ReviewState =
  { readonly kind: 'reviewing' } | { readonly kind: 'asked'; readonly reason: string };

/** Numbers of the configuration; read anew for each question. */
export interface ReviewSettings {
  readonly reviewSeconds: number;
  readonly reviewMinutes: number;
  readonly reviewPerHour: number;
}

/** One review that ended, for the record. */
export interface Reviewed {
  readonly id: string;
  readonly host: string;
  readonly port: number;
  /** Undefined when there was none that could be read. */
  readonly verdict: Verdict | undefined;
  /** `allowed` and `denied` by it, left to a person, or `late`: somebody or something was faster. */
  readonly end: 'allowed' | 'denied' | 'asked' | 'late';
  readonly tookMs: number;
}

/** What the reviewer needs; what is called `on…` must not throw. */
export interface ReviewerParts {
  /** Runs the hook; undefined where the configuration says `user`. Never rejects. */
  readonly ask: ((question: ReviewQuestion, limitMs: number) => Promise<HookEnd>) | undefined;
  readonly settings: () => ReviewSettings;
  /** Whether questions are paused or everything is stopped: then it is asked nothing and decides nothing. */
  readonly isPaused: () => boolean;
  /** The question as it is now. */
  readonly group: (id: string) => GroupView | 'unknown' | 'gone';
  /** Gives the answer to the question; it is nobody's caller, so no guard is asked. */
  readonly answer: (
    id: string,
    request: AnswerRequest,
    approver: ApproverRef,
  ) => { readonly status: string; readonly problem?: string };
  /** Milliseconds from a clock that does not jump. */
  readonly now: () => number;
  /** What `reviewOf` says of some question has changed. */
  readonly onChanged: () => void;
  /** The question is for a person now; called once for each. */
  readonly onAsked: (view: GroupView) => void;
  readonly onReviewed: (reviewed: Reviewed) => void;
  readonly onBug: (error: unknown) => void;
}

/** The reviewer. */
export interface Reviewer {
  /** A new question; never throws. */
  readonly opened: (view: GroupView) => void;
  /** The question is gone. */
  readonly closed: (id: string) => void;
  /** Undefined where it has nothing to do with the question. */
  readonly reviewOf: (id: string) => ReviewState | undefined;
  /** What went wrong at the last review, as a sentence for `status`; null when nothing did. */
  readonly problem: () => string | null;
}

/** Who answers, in the record. */
export const reviewApprover: ApproverRef = { name: 'auto_review', surface: 'reviewer' };

/** How one run of the hook ended; `changed`: the question is no longer what was reviewed. */
type Ended =
  | { readonly kind: 'allowed' | 'denied' | 'late'; readonly verdict: Verdict | undefined }
  | { readonly kind: 'asked'; readonly verdict: Verdict | undefined; readonly reason: string }
  | { readonly kind: 'changed'; readonly verdict: Verdict | undefined; readonly now: GroupView };

const hourMs = 3_600_000;
const stateLimit = 4096;
/** A review that has less time than this left is not begun. */
const leastMs = 250;
const changedText = 'it changed while it was reviewed';
const pausedText = 'questions are paused';

/** Starts with nothing to review. */
export function createReviewer(parts: ReviewerParts): Reviewer {
  const states = new Map<string, ReviewState>();
  const hour = createHourCount(parts.now);
  let problem: string | null = null;

  function setState(id: string, state: ReviewState): void {
    const [oldest] = states.keys();
    if (states.size >= stateLimit && !states.has(id) && oldest !== undefined) states.delete(oldest);
    states.set(id, state);
    parts.onChanged();
  }

  function forget(id: string): void {
    if (states.delete(id)) parts.onChanged();
  }

  function passOn(view: GroupView, reason: string): void {
    setState(view.id, { kind: 'asked', reason });
    // As it is now, which says why it was left.
    parts.onAsked(latest(view));
  }

  /** Why no review may begin; a place in the hour is taken when one may. */
  function takePlace(): string | undefined {
    const { reviewPerHour } = parts.settings();
    if (hour.take(reviewPerHour)) return undefined;
    return `the reviews of this hour (${reviewPerHour}) are used up`;
  }

  function readEnd(end: HookEnd): Verdict | undefined {
    const verdict = end.status === 'done' ? decodeVerdict(end.answer) : undefined;
    if (verdict !== undefined) problem = null;
    else if (end.status === 'failed') problem = `the reviewer ${end.problem}`;
    else problem = 'the reviewer answered with something that is no verdict';
    return verdict;
  }

  /** One run of the hook. Between the look at the question and the answer nothing is awaited. */
  async function reviewOnce(view: GroupView, ask: Ask, limitMs: number): Promise<Ended> {
    const { reviewMinutes } = parts.settings();
    const verdict = readEnd(await ask(reviewQuestion(view, reviewMinutes), limitMs));
    const now = parts.group(view.id);
    if (typeof now === 'string' || !states.has(view.id)) return { kind: 'late', verdict };
    if (now.revision !== view.revision) return { kind: 'changed', verdict, now };
    const asked = (reason: string): Ended => ({ kind: 'asked', verdict, reason });
    if (verdict === undefined) return asked(problem ?? 'the reviewer failed');
    if (parts.isPaused()) return asked(pausedText);
    const outcome = outcomeOf(verdict, view.revision, reviewMinutes);
    if (outcome.kind === 'ask') return asked(outcome.reason);
    const given = parts.answer(view.id, outcome.request, reviewApprover);
    if (given.status === 'answered') {
      return { kind: outcome.request.outcome === 'allow' ? 'allowed' : 'denied', verdict };
    }
    if (given.status === 'gone' || given.status === 'unknown') return { kind: 'late', verdict };
    return asked(given.problem ?? changedText);
  }

  /** A question that changes is reviewed once more, in the time that is left. */
  async function review(view: GroupView, ask: Ask, limitMs: number): Promise<void> {
    const startMs = parts.now();
    let ended = await reviewOnce(view, ask, limitMs);
    if (ended.kind === 'changed') {
      const { verdict, now } = ended;
      const leftMs = limitMs - (parts.now() - startMs);
      const reason = leftMs < leastMs ? changedText : (unfitText(now) ?? takePlace());
      if (reason === undefined) ended = await reviewOnce(now, ask, leftMs);
      else ended = { kind: 'asked', verdict, reason };
    }
    finish(view, ended, parts.now() - startMs);
  }

  function finish(view: GroupView, ended: Ended, tookMs: number): void {
    const { id, host, port } = view;
    const { kind, verdict } = ended;
    const end = kind === 'changed' ? 'asked' : kind;
    parts.onReviewed({ id, host, port, verdict, end, tookMs });
    if (end !== 'asked') forget(id);
    else passOn(view, ended.kind === 'asked' ? ended.reason : changedText);
  }

  function latest(view: GroupView): GroupView {
    const now = parts.group(view.id);
    return typeof now === 'string' ? view : now;
  }

  function begin(view: GroupView, ask: Ask): void {
    const reason = takePlace();
    if (reason !== undefined) {
      passOn(view, reason);
      return;
    }
    setState(view.id, { kind: 'reviewing' });
    // Nobody waits for it: whatever happens, the question stands and a person may answer it.
    void review(view, ask, parts.settings().reviewSeconds * 1000).catch((error: unknown) => {
      parts.onBug(error);
      if (states.has(view.id)) passOn(view, 'the reviewer failed');
    });
  }

  return {
    opened: (view) => {
      // What a person must see anyway is shown with its own reason and not with ours.
      if (parts.ask === undefined || parts.isPaused() || whyForPerson(view) !== undefined) {
        parts.onAsked(view);
      } else begin(view, parts.ask);
    },
    closed: forget,
    reviewOf: (id) => states.get(id),
    problem: () => problem,
  };
}

type Ask = NonNullable<ReviewerParts['ask']>;

function unfitText(view: GroupView): string | undefined {
  const unfit = whyForPerson(view);
  return unfit === undefined ? undefined : `it ${unfit}`;
}

/** Counts what began within the last hour. */
function createHourCount(now: () => number): { readonly take: (limit: number) => boolean } {
  let begun: number[] = [];
  return {
    take: (limit) => {
      const nowMs = now();
      begun = begun.filter((atMs) => nowMs - atMs < hourMs);
      if (begun.length >= limit) return false;
      begun.push(nowMs);
      return true;
    },
  };
}
