// Offsets and lines of a text that is edited in place: line starts, line ends, replaced stretches.
// Pure; offsets count UTF-16 units.

/** A stretch of a text, `end` exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A stretch and what takes its place. */
export interface Splice extends Span {
  readonly text: string;
}

/** The text with every splice made; splices must not overlap, their order does not matter. */
export function splice(text: string, splices: readonly Splice[]): string {
  let made = text;
  for (const { start, end, text: put } of splices.toSorted((a, b) => b.start - a.start)) {
    made = made.slice(0, start) + put + made.slice(end);
  }
  return made;
}

/** Where the line with this offset starts. */
export function lineStartAt(text: string, offset: number): number {
  return offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1;
}

/** Where the line after this offset starts; undefined when the text ends without another line end. */
export function nextLineAt(text: string, offset: number): number | undefined {
  const at = text.indexOf('\n', offset);
  return at === -1 ? undefined : at + 1;
}

/** The blanks that a line starting at `lineStart` begins with. */
export function indentAt(text: string, lineStart: number): string {
  return /[ \t]*/y.exec(text.slice(lineStart, lineStart + 1000))?.[0] ?? '';
}

/** The line end used around an offset: that of its line, of the line before, else the first of the text, else `\n`. */
export function lineEndNear(text: string, offset: number): '\n' | '\r\n' {
  const after = text.indexOf('\n', offset);
  const before = offset === 0 ? -1 : text.lastIndexOf('\n', offset - 1);
  const at = after === -1 ? before : after;
  return at > 0 && text[at - 1] === '\r' ? '\r\n' : '\n';
}

/** The lines with their line ends; none for an empty text. */
export function splitLines(text: string): readonly string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** A line without its line end. */
export function bareLine(line: string): string {
  return line.replace(/\r?\n$/, '');
}
