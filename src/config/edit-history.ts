// Earlier texts of edited configuration files, so that an edit can be undone. Kept as one state file, bounded;
// what it holds is the files' own text, so it is as private as they are.
import { SallyportError } from '../errors.ts';
import type { DiffLine } from './line-diff.ts';

/** One saved edit. */
export interface KeptEdit {
  /** `e` and a number that only grows. */
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly file: string;
  readonly by: string;
  readonly surface: string;
  /** The whole text that the edit replaced. */
  readonly before: string;
  /** Names the text that the edit left. */
  readonly afterEtag: string;
  readonly diff: readonly DiffLine[];
}

/** Where the history is kept. */
export interface EditStore {
  /** Undefined when there is nothing yet. */
  readonly load: () => string | undefined;
  readonly save: (text: string) => void;
}

/** The history. Every function throws ERR_STATE_CORRUPT where the kept file is damaged, and what the store throws. */
export interface EditHistory {
  /** Newest first. */
  readonly list: () => readonly KeptEdit[];
  readonly find: (id: string) => KeptEdit | undefined;
  /** Keeps an edit before it is made; the oldest make room. */
  readonly add: (edit: Omit<KeptEdit, 'id'>) => KeptEdit;
  /** Takes back one that could not be made. */
  readonly drop: (id: string) => void;
}

const editLimit = 50;
const charLimit = 4 * 1024 * 1024;
const diffLineLimit = 500;

/** Reads the store at each call: the file is small and edits are rare. */
export function createEditHistory(store: EditStore): EditHistory {
  const read = (): Kept => parseKept(store.load());
  const write = (kept: Kept): void => store.save(`${JSON.stringify(kept)}\n`);
  return {
    list: () => read().edits,
    find: (id) => read().edits.find((edit) => edit.id === id),
    add: (edit) => {
      const { next, edits } = read();
      const kept: KeptEdit = { id: `e${next}`, ...edit, diff: shorten(edit.diff) };
      write({ next: next + 1, edits: newestOf([kept, ...edits]) });
      return kept;
    },
    drop: (id) => {
      const { next, edits } = read();
      write({ next, edits: edits.filter((edit) => edit.id !== id) });
    },
  };
}

interface Kept {
  readonly next: number;
  readonly edits: readonly KeptEdit[];
}

/** The newest that fit; the very newest always does. */
function newestOf(edits: readonly KeptEdit[]): readonly KeptEdit[] {
  let chars = 0;
  return edits.filter((edit, index) => {
    chars += JSON.stringify(edit).length;
    return index === 0 || (index < editLimit && chars <= charLimit);
  });
}

function shorten(diff: readonly DiffLine[]): readonly DiffLine[] {
  const more = diff.length - diffLineLimit;
  if (more <= 0) return diff;
  const line = diff[diffLineLimit]?.line ?? 1;
  return [
    ...diff.slice(0, diffLineLimit),
    { kind: 'same', line, text: `… and ${more} more lines of this diff` },
  ];
}

function parseKept(text: string | undefined): Kept {
  if (text === undefined) return { next: 1, edits: [] };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw damaged(cause);
  }
  if (!isKept(value)) throw damaged();
  return value;
}

function damaged(cause?: unknown): SallyportError {
  const words = 'edits.json: does not hold the history of edits; move it away to begin a new one';
  return new SallyportError('ERR_STATE_CORRUPT', words, { cause });
}

function isKept(value: unknown): value is Kept {
  if (!isObject(value)) return false;
  const { next, edits } = value;
  // One less than the last, so that there is a number for the edit to come.
  const isNumber = Number.isSafeInteger(next) && Number(next) < Number.MAX_SAFE_INTEGER;
  return isNumber && Number(next) > 0 && Array.isArray(edits) && edits.every(isEdit);
}

const textFields = ['id', 'at', 'file', 'by', 'surface', 'before', 'afterEtag'];

function isEdit(value: unknown): value is KeptEdit {
  if (!isObject(value)) return false;
  const { diff } = value;
  return (
    textFields.every((field) => typeof value[field] === 'string') &&
    Array.isArray(diff) &&
    diff.every(isDiffLine)
  );
}

function isDiffLine(value: unknown): value is DiffLine {
  if (!isObject(value)) return false;
  const { kind, line, text } = value;
  const isKind = kind === 'same' || kind === 'added' || kind === 'removed';
  return isKind && Number.isSafeInteger(line) && typeof text === 'string';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
