// Taking an answer back: what it remembered is forgotten, what it let through is closed, what it refused may ask
// again. Whether this approver may is judged by answers.ts.
import type { AnswerView, GrantView, UndoResponse } from '../control/messages.ts';
import type { ApproverRef } from '../policy/decision.ts';
import type { Destination } from '../policy/destination.ts';
import type { AnswerLog } from './answer-log.ts';

/** What undoing needs. */
export interface UndoParts {
  readonly log: Pick<AnswerLog, 'find' | 'undo'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Takes the grant back; undefined for one that is gone; may throw when that cannot be kept. */
  readonly revoke: (grantId: string) => GrantView | undefined;
  /** Closes what the answer to the question, or its grant, let through; gives how many that were. */
  readonly closeQuestion: (question: string, grantId: string | undefined) => number;
  /** Lets a destination that was denied once be asked for again. */
  readonly liftCooling: (destination: Destination) => void;
  readonly onUndone: (undone: UndoneAnswer) => void;
  /** Told of an exception in the others; the answer is undone all the same. */
  readonly onBug: (error: unknown) => void;
}

/** An answer that was taken back. */
export interface UndoneAnswer {
  readonly answer: AnswerView;
  /** Who took it back. */
  readonly approver: ApproverRef;
  /** Connections that were closed by it. */
  readonly closed: number;
  /** The grant that was revoked by it. */
  readonly revoked: GrantView | undefined;
}

/** Takes the answer to this question back, or the newest that stands; never throws. */
export type Undo = (
  question: string | undefined,
  approver: ApproverRef,
  /** `none`: there is no such answer; `gone`: it has been undone already. */
) => UndoResponse | 'none' | 'gone';

/** Builds the way to undo. */
export function createUndo(parts: UndoParts): Undo {
  const guarded = <T>(call: () => T): T | undefined => {
    try {
      return call();
    } catch (error) {
      parts.onBug(error);
      return undefined;
    }
  };
  return (question, approver) => {
    const found = parts.log.find(question);
    if (typeof found === 'string') return found;
    const { id, outcome, grant } = found.view;
    // Marked first: what is still on its way to the dial asks for it there, and then finds it.
    const answer = parts.log.undo(id, parts.now());
    if (answer === undefined) return 'gone';
    const revoked = grant === null ? undefined : guarded(() => parts.revoke(grant));
    if (outcome === 'deny') guarded(() => parts.liftCooling(found.destination));
    const closed =
      outcome === 'allow' ? guarded(() => parts.closeQuestion(id, grant ?? undefined)) : 0;
    const undone = { answer, closed: closed ?? 0 };
    guarded(() => parts.onUndone({ ...undone, approver, revoked }));
    return undone;
  };
}
