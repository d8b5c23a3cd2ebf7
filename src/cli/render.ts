// Text for people at a terminal. Everything that came from outside passes escapeText, since an approver must
// not be shown a forged line (design S6); shell words are quoted where a person will paste them.
import { escapePrintable } from '../policy/printable.ts';

/** The text with control, bidi, zero-width and other invisible characters as `\uXXXX`; ordinary letters stay. */
export function escapeText(text: string): string {
  return escapePrintable(text);
}

/** Like escapeText, but line ends stay: for messages of ours that have several lines. */
export function escapeLines(text: string): string {
  return text.split('\n').map(escapeText).join('\n');
}

/** Columns of escaped cells under a heading, two blanks apart; '' for no rows. Ends in a newline. */
export function renderTable(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  if (rows.length === 0) return '';
  const cells = [heading, ...rows.map((row) => row.map(escapeText))];
  const widths = heading.map((_, column) =>
    Math.max(...cells.map((row) => (row[column] ?? '').length)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return `${cells.map(line).join('\n')}\n`;
}

/** Pretty JSON and a newline; JSON's own escapes plus those of escapeText, so that it is safe on a terminal. */
export function renderJson(value: unknown): string {
  return `${escapeLines(JSON.stringify(value, undefined, 2))}\n`;
}

/** The same on one line. */
export function renderJsonLine(value: unknown): string {
  return `${escapeText(JSON.stringify(value))}\n`;
}

/** One word for a POSIX shell, quoted only if it must be. */
export function quoteWord(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** How long until (or since) a moment, in its largest unit: `45s`, `12m`, `3h`, `9d`; never negative. */
export function renderSpan(fromMs: number, toMs: number): string {
  const seconds = Math.max(0, Math.round((toMs - fromMs) / 1000));
  if (seconds < 100) return `${seconds}s`;
  if (seconds < 100 * 60) return `${Math.round(seconds / 60)}m`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)}h`;
  return `${Math.round(seconds / 86_400)}d`;
}

/** The time of day of an ISO moment, as this machine's clock shows it: `14:05`. */
export function renderClock(iso: string): string {
  const at = new Date(iso);
  return [at.getHours(), at.getMinutes()].map((part) => String(part).padStart(2, '0')).join(':');
}

/** `1 question`, `2 questions`. */
export function renderCount(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** `host:port` with an IPv6 host in brackets. */
export function renderHostPort(host: string, port: number | string): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
