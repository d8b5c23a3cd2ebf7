// What differs between two texts, line by line: Myers' shortest edit script (Algorithmica 1, 1986), bounded.
// Pure. Also gives a draft that lost its CRLF line ends in an editor the old ones back.
import { bareLine, lineEndNear, splitLines } from './lines.ts';
import { escapePrintable } from '../policy/printable.ts';

/** One line of a diff; `line` counts from 1, in the old text for `removed`, in the new one for others. */
export interface DiffLine {
  readonly kind: 'same' | 'added' | 'removed';
  readonly line: number;
  /** Without its line end; signs that are not to be seen are escaped, tabs aside. */
  readonly text: string;
}

/** Lines that stand unchanged around each change. */
const context = 3;
/** Beyond this many edits the part between first and last difference is one removed and one added block. */
const editLimit = 1000;

/** The changed lines with three lines around each; empty when the texts are equal. */
export function diffTexts(before: string, after: string): readonly DiffLine[] {
  const [old, now] = [splitLines(before), splitLines(after)];
  const lines: DiffLine[] = alignLines(old, now).map(({ kind, before: from, after: to }) =>
    kind === 'removed'
      ? { kind, line: from + 1, text: shown(old[from]) }
      : { kind, line: to + 1, text: shown(now[to]) },
  );
  const near = nearChanges(lines);
  return lines.filter((_, index) => near[index] === 1);
}

/** 1 for each line that is changed, or near enough to one. */
function nearChanges(lines: readonly DiffLine[]): Uint8Array {
  const near = new Uint8Array(lines.length);
  for (const [index, { kind }] of lines.entries()) {
    if (kind !== 'same') near.fill(1, Math.max(0, index - context), index + context + 1);
  }
  return near;
}

function shown(line: string | undefined): string {
  return bareLine(line ?? '')
    .split('\t')
    .map(escapePrintable)
    .join('\t');
}

/** One step of an alignment: 0-based lines; for an added line `before` is where it would stand, and so on. */
interface Step {
  readonly kind: DiffLine['kind'];
  readonly before: number;
  readonly after: number;
}

/** Turns one list of lines into the other, in order; removed lines stand before those added in their place. */
export function alignLines(old: readonly string[], now: readonly string[]): readonly Step[] {
  const least = Math.min(old.length, now.length);
  let head = 0;
  while (head < least && old[head] === now[head]) head += 1;
  let tail = 0;
  while (tail < least - head && old.at(-1 - tail) === now.at(-1 - tail)) tail += 1;
  const middle = alignMiddle(
    old.slice(head, old.length - tail),
    now.slice(head, now.length - tail),
  );
  const same = (count: number, from: number, to: number): Step[] =>
    Array.from({ length: count }, (_, index) => ({
      kind: 'same',
      before: from + index,
      after: to + index,
    }));
  return [
    ...same(head, 0, 0),
    ...middle.map(({ kind, before, after }) => ({
      kind,
      before: before + head,
      after: after + head,
    })),
    ...same(tail, old.length - tail, now.length - tail),
  ];
}

function alignMiddle(old: readonly string[], now: readonly string[]): readonly Step[] {
  if (old.length === 0 || now.length === 0) return replaceAll(old, now);
  const trace = traceEdits(old, now);
  return trace === undefined ? replaceAll(old, now) : walkBack(trace, old.length, now.length);
}

function replaceAll(old: readonly string[], now: readonly string[]): readonly Step[] {
  return [
    ...old.map((_, before): Step => ({ kind: 'removed', before, after: 0 })),
    ...now.map((_, after): Step => ({ kind: 'added', before: old.length, after })),
  ];
}

/** Per number of edits the furthest old line on each diagonal; undefined when too many would be needed. */
function traceEdits(
  old: readonly string[],
  now: readonly string[],
): readonly Int32Array[] | undefined {
  const limit = Math.min(editLimit, old.length + now.length);
  const furthest = new Int32Array(2 * limit + 3);
  const middle = limit + 1;
  const trace: Int32Array[] = [];
  for (let edits = 0; edits <= limit; edits += 1) {
    trace.push(furthest.slice(middle - edits - 1, middle + edits + 2));
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const [less, more] = [
        furthest[middle + diagonal - 1] ?? 0,
        furthest[middle + diagonal + 1] ?? 0,
      ];
      let from = diagonal === -edits || (diagonal !== edits && less < more) ? more : less + 1;
      while (
        from < old.length &&
        from - diagonal < now.length &&
        old[from] === now[from - diagonal]
      ) {
        from += 1;
      }
      furthest[middle + diagonal] = from;
      if (from >= old.length && from - diagonal >= now.length) return trace;
    }
  }
  return undefined;
}

function walkBack(trace: readonly Int32Array[], from: number, to: number): readonly Step[] {
  const steps: Step[] = [];
  let [before, after] = [from, to];
  for (let edits = trace.length - 1; edits >= 0; edits -= 1) {
    const reached = trace[edits] ?? new Int32Array();
    const at = (diagonal: number): number => reached[diagonal + edits + 1] ?? 0;
    const diagonal = before - after;
    const isDown =
      diagonal === -edits || (diagonal !== edits && at(diagonal - 1) < at(diagonal + 1));
    const last = isDown ? diagonal + 1 : diagonal - 1;
    const start = edits === 0 ? 0 : at(last);
    const startAfter = edits === 0 ? 0 : start - last;
    while (before > start && after > startAfter) {
      before -= 1;
      after -= 1;
      steps.push({ kind: 'same', before, after });
    }
    if (edits === 0) break;
    if (isDown) after -= 1;
    else before -= 1;
    steps.push({ kind: isDown ? 'added' : 'removed', before, after });
  }
  return steps.toReversed();
}

/**
 * The draft with the line ends of the text it was made from: a form of a browser turns every CRLF into LF, and a
 * file must not change where nobody changed it. A draft that has a CR of its own is given back as it is.
 */
export function keepLineEnds(before: string, draft: string): string {
  if (!before.includes('\r\n') || draft.includes('\r')) return draft;
  const [old, now] = [splitLines(before), splitLines(draft)];
  const usual = lineEndNear(before, 0);
  return alignLines(old.map(bareLine), now.map(bareLine))
    .filter(({ kind }) => kind !== 'removed')
    .map(({ kind, before: from, after: to }) => {
      const line = now[to] ?? '';
      const kept = kind === 'same' ? (old[from] ?? '') : '';
      if (!line.endsWith('\n')) return line;
      return kept.endsWith('\n') ? kept : `${bareLine(line)}${usual}`;
    })
    .join('');
}
