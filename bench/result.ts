// What one benchmark is and what it gives back; and how that is written for people and programs.
import { formatNumber, summarize } from './statistics.ts';
import type { Rig } from './rig.ts';

/** One measured figure: a value for each round. */
export interface Row {
  readonly what: string;
  readonly unit: string;
  readonly values: readonly number[];
  /** A limit that the median must keep; a run that misses one ends with exit code 1. */
  readonly atMost?: number;
}

/** How a benchmark is to be run. */
export interface Setup {
  readonly rounds: number;
  /** The far end, the load generator and a daemon, started when first asked for and shared. */
  readonly rig: () => Promise<Rig>;
}

/** One benchmark; `run` throws when an answer is wrong, before anything is timed. */
export interface Benchmark {
  readonly name: string;
  /** One line on what is measured. */
  readonly about: string;
  readonly run: (setup: Setup) => Promise<readonly Row[]>;
}

/** The rows of one benchmark. */
export interface Result {
  readonly name: string;
  readonly about: string;
  readonly rows: readonly Row[];
}

/** False when the median misses the row's limit. */
export function isMet({ values, atMost }: Row): boolean {
  return atMost === undefined || summarize(values).median <= atMost;
}

/** Turns values per round into ratios per round; both lists are of the same rounds. */
export function ratios(over: readonly number[], under: readonly number[]): readonly number[] {
  return over.map((value, round) => value / (under[round] ?? Number.NaN));
}

/** Repeats a round of measurements, every other time in the opposite order, so that drift hits all alike. */
export async function interleave<K extends string>(
  rounds: number,
  measurements: Readonly<Record<K, () => Promise<void>>>,
): Promise<void> {
  const names = Object.keys(measurements) as K[]; // Record<K, …> has no other keys
  for (let round = 0; round < rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) await measurements[name]();
  }
}

/** Markdown tables, one for each benchmark. */
export function renderResults(results: readonly Result[]): string {
  return results
    .map(({ name, about, rows }) => {
      const lines = rows.map((row) => {
        const { median, min, max } = summarize(row.values);
        const spread = `${formatNumber(min)}–${formatNumber(max)}`;
        const goal =
          row.atMost === undefined
            ? ''
            : ` (goal: at most ${formatNumber(row.atMost)}, ${isMet(row) ? 'met' : 'MISSED'})`;
        return [`${row.what}${goal}`, row.unit, formatNumber(median), spread];
      });
      const head = ['measured', 'unit', 'median', 'min–max'];
      return `## ${name}\n\n${about}\n\n${renderTable([head, ...lines])}`;
    })
    .join('\n');
}

/** Columns of one width; the last two are numbers and stand to the right. */
function renderTable(lines: readonly (readonly string[])[]): string {
  const columns = lines[0]?.length ?? 0;
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(3, ...lines.map((line) => line[column]?.length ?? 0)),
  );
  const isNumber = (column: number): boolean => column >= columns - 2;
  const write = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  const pad = (text: string, column: number): string =>
    isNumber(column) ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0);
  const rule = widths.map((width, column) =>
    isNumber(column) ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width),
  );
  const [head = [], ...rest] = lines.map((line) => write(line.map(pad)));
  return `${String(head)}${write(rule)}${rest.join('')}`;
}
