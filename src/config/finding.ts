// What is said about a mistake in the configuration: its place, its words, and a near miss.
import { escapePrintable } from '../policy/printable.ts';

/** One mistake or warning, with the 1-based place it is about. */
export interface Finding {
  readonly severity: 'error' | 'warning';
  /** As the person named it; `environment` for a variable. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** `key: what is wrong; what to do`, lower case, without the place. */
  readonly message: string;
}

/** The finding as one line: `file:line:column: [warning: ]message`. */
export function formatFinding(finding: Finding): string {
  const { severity, file, line, column, message } = finding;
  const kind = severity === 'warning' ? 'warning: ' : '';
  return escapePrintable(`${file}:${line}:${column}: ${kind}${message}`);
}

/** `text` quoted for a message: JSON escapes, everything invisible or reordering escaped, cut at 80 characters. */
export function quote(text: string): string {
  const cut = text.length > 80 ? `${text.slice(0, 77)}...` : text;
  return escapePrintable(JSON.stringify(cut));
}

/** The candidate that `text` most likely meant, or undefined when none is close. */
export function nearest(text: string, candidates: Iterable<string>): string | undefined {
  const wanted = plain(text);
  if (wanted.length > 64) return undefined;
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, plain(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Spelling differences that are no difference: case, `-` for `_`. */
function plain(text: string): string {
  return text.toLowerCase().replaceAll('-', '_');
}

/** Edits (insert, drop, replace, swap of neighbours) that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row += 1) {
    const line = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (line[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1);
      line.push(cost);
    }
    beforeLast = last;
    last = line;
  }
  return last[b.length] ?? 0;
}
