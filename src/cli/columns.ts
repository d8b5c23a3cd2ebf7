// Text in terminal columns: how wide it is, and how it is cut, wrapped and coloured. Pure; what is passed in has
// been escaped already. Lines are spans, so that a test reads their text and only paint.ts knows colours.

/** How a span looks; the words of a line say the same, so that nothing is lost without colours. */
export type Tone = 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'inverse';

/** A piece of a line. */
export interface Span {
  readonly text: string;
  readonly tone?: Tone;
}

/** One line of the screen. */
export type Line = readonly Span[];

/** Letters of East Asian scripts and pictures, which take two columns (UAX #11). */
const wide =
  /[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const plain = /^[\x20-\x7e]*$/;

/** How many columns the text takes. */
export function widthOf(text: string): number {
  if (plain.test(text)) return text.length;
  let width = 0;
  for (const letter of text) width += letterWidth(letter);
  return width;
}

function letterWidth(letter: string): number {
  if (/^\p{M}$/u.test(letter)) return 0;
  return wide.test(letter) ? 2 : 1;
}

/** The text within so many columns; `…` stands for an end that was cut. */
export function clip(text: string, columns: number): string {
  return widthOf(text) <= columns ? text : `${takeStart(text, Math.max(0, columns - 1))}…`;
}

/** The text within so many columns with both its ends: of a host the last labels are what tells whose it is. */
export function cutMiddle(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  const start = takeStart(text, Math.max(0, Math.floor((columns - 1) / 3)));
  return `${start}…${takeEnd(text, columns - 1 - widthOf(start))}`;
}

function takeStart(text: string, columns: number): string {
  let taken = '';
  let width = 0;
  for (const letter of text) {
    width += letterWidth(letter);
    if (width > columns) break;
    taken += letter;
  }
  return taken;
}

function takeEnd(text: string, columns: number): string {
  let taken = '';
  let width = 0;
  for (const letter of Array.from(text).toReversed()) {
    width += letterWidth(letter);
    if (width > columns) break;
    taken = letter + taken;
  }
  return taken;
}

/** The text in lines of at most so many columns, broken at blanks; longer words are broken, never shortened. */
export function wrap(text: string, columns: number): string[] {
  const limit = Math.max(2, columns);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((each) => breakWord(each, limit))) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (widthOf(longer) <= limit) {
      line = longer;
      continue;
    }
    lines.push(line);
    line = word;
  }
  return [...lines, line];
}

function breakWord(word: string, limit: number): string[] {
  const parts: string[] = [];
  let rest = word;
  while (widthOf(rest) > limit) {
    const part = takeStart(rest, limit);
    parts.push(part);
    rest = rest.slice(part.length);
  }
  return [...parts, rest];
}

/** The text in one tone, wrapped; lines after the first are indented by the given number of columns. */
export function wrapLines(text: string, columns: number, tone?: Tone, indent = 0): Line[] {
  return wrap(text, columns - indent).map((part, index) => {
    const shown = index === 0 ? part : ' '.repeat(indent) + part;
    return [tone === undefined ? { text: shown } : { text: shown, tone }];
  });
}

/** The line within so many columns. */
export function clipLine(line: Line, columns: number): Line {
  const spans: Span[] = [];
  let left = columns;
  for (const span of line) {
    if (left <= 0) break;
    const text = clip(span.text, left);
    spans.push({ ...span, text });
    left -= widthOf(text);
  }
  return spans;
}

/** The words of a line. */
export function textOf(line: Line): string {
  return line.map(({ text }) => text).join('');
}
