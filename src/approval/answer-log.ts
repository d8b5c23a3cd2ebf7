// The answers of this run: what was said, by whom, and what has been taken back. Pure and bounded; which
// answers were undone is remembered longer than the answers themselves, for connections still on their way.
import type { AnswerView } from '../control/messages.ts';
import type { Destination } from '../policy/destination.ts';

/** An answer as it is logged. */
export interface LoggedAnswer {
  readonly view: AnswerView;
  readonly destination: Destination;
}

/** The log. */
export interface AnswerLog {
  readonly add: (answer: Omit<AnswerView, 'undone'>, destination: Destination) => void;
  /** Newest first. */
  readonly list: () => readonly AnswerView[];
  /** That of this question, or the newest that stands; `gone`: undone already, `none`: not in the log. */
  readonly find: (question: string | undefined) => LoggedAnswer | 'none' | 'gone';
  /** Marks the answer of this question as taken back; what it says from then on, or undefined as `find`. */
  readonly undo: (question: string, atMs: number) => AnswerView | undefined;
  /** Whether the answer to this question has been taken back. */
  readonly isUndone: (question: string) => boolean;
}

const undoneLimit = 4096;

/** An empty one; keeps the last `limit` answers. */
export function createAnswerLog(limit = 256): AnswerLog {
  const answers = new Map<string, LoggedAnswer>();
  const undone = new Set<string>();

  function find(question: string | undefined): LoggedAnswer | 'none' | 'gone' {
    if (question !== undefined) {
      if (undone.has(question)) return 'gone';
      return answers.get(question) ?? 'none';
    }
    return [...answers.values()].findLast(({ view }) => view.undone === null) ?? 'none';
  }

  return {
    find,
    add: (answer, destination) => {
      answers.set(answer.id, { view: { ...answer, undone: null }, destination });
      keepNewest(answers, limit);
    },
    list: () => [...answers.values()].map(({ view }) => view).toReversed(),
    undo: (question, atMs) => {
      const found = find(question);
      if (typeof found === 'string') return undefined;
      const view = { ...found.view, undone: new Date(atMs).toISOString() };
      answers.set(question, { ...found, view });
      undone.add(question);
      keepNewest(undone, undoneLimit);
      return view;
    },
    isUndone: (question) => undone.has(question),
  };
}

function keepNewest(
  entries: { readonly size: number; keys(): Iterable<string>; delete(key: string): boolean },
  limit: number,
): void {
  for (const oldest of entries.keys()) {
    if (entries.size <= limit) return;
    entries.delete(oldest);
  }
}
