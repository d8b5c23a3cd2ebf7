// Adds and removes one element of an array or an inline table at text level: comments, line ends, indentation,
// trailing commas stay as they are. Pure; whoever calls it parses the result again.
import { indentAt, lineEndNear, lineStartAt, nextLineAt, splice, type Span } from './lines.ts';

/** A bracketed list in a text: offsets of its brackets and of what stands between them. */
export interface CommaList {
  readonly open: number;
  readonly close: number;
  readonly elements: readonly Span[];
}

/** The text with `item` as the last element. */
export function insertLast(text: string, list: CommaList, item: string): string {
  const last = list.elements.at(-1);
  if (last === undefined) return insertOnly(text, list, item);
  if (isOneLine(text, list)) return insertInLine(text, list, last, item);
  return insertLine(text, list, last, item);
}

/** The text without these elements; indices from 0, growing. */
export function removeElements(text: string, list: CommaList, indices: readonly number[]): string {
  let [made, { open, close, elements }] = [text, list];
  // From the last, so that what stands before keeps its place; what stands behind moves by what is gone.
  for (const index of indices.toReversed()) {
    const shorter = removeElement(made, { open, close, elements }, index);
    const gone = made.length - shorter.length;
    const behind = elements
      .slice(index + 1)
      .map(({ start, end }) => ({ start: start - gone, end: end - gone }));
    elements = [...elements.slice(0, index), ...behind];
    close -= gone;
    made = shorter;
  }
  return made;
}

function removeElement(text: string, list: CommaList, index: number): string {
  const element = list.elements[index];
  if (element === undefined) return text;
  const { start, end } = element;
  const [before, after] = [list.elements[index - 1], list.elements[index + 1]];
  const line = ownLine(text, list, index);
  if (line !== undefined) return splice(text, [{ ...line, text: '' }]);
  if (after !== undefined && isPlainGap(text, end, after.start)) {
    return splice(text, [{ start, end: after.start, text: '' }]);
  }
  if (before !== undefined && isPlainGap(text, before.end, start)) {
    return splice(text, [{ start: before.end, end, text: '' }]);
  }
  const comma = findComma(text, end, after?.start ?? list.close);
  if (comma === undefined || !isPlainGap(text, end, comma)) {
    const own = comma === undefined ? [] : [{ start: comma, end: comma + 1, text: '' }];
    return splice(text, [{ start, end: skipBlanks(text, end), text: '' }, ...own]);
  }
  return splice(text, [{ start, end: skipBlanks(text, comma + 1), text: '' }]);
}

/** The whole line of an element that shares it with nothing but a comma and a comment; else undefined. */
function ownLine(text: string, { elements, close }: CommaList, index: number): Span | undefined {
  const element = elements[index];
  if (element === undefined) return undefined;
  const stop = elements[index + 1]?.start ?? close;
  const lineStart = lineStartAt(text, element.start);
  const lead = text.slice(lineStart, element.start);
  const isFirst = index === 0;
  // A comma that begins the line is the one before this element and goes with it, then its own must stay.
  const isLeading = /^[ \t]*,[ \t]*$/.test(lead) && !isFirst;
  if (!isLeading && !/^[ \t]*$/.test(lead)) return undefined;
  const comma = findComma(text, element.end, stop);
  const isNear = comma !== undefined && isPlainGap(text, element.end, comma);
  if (isLeading ? isNear : comma !== undefined && !isNear) return undefined;
  const next = nextLineAt(text, isNear ? comma : element.end);
  return next === undefined || next > stop ? undefined : { start: lineStart, end: next };
}

function insertOnly(text: string, { open, close }: CommaList, item: string): string {
  const inner = text.slice(open + 1, close);
  if (!inner.includes('\n')) {
    const blank = inner === '' && text[open] === '{' ? ' ' : inner;
    return splice(text, [{ start: open + 1, end: close, text: `${blank}${item}${blank}` }]);
  }
  const lineStart = lineStartAt(text, close);
  const comment = /\n([ \t]*)#/.exec(inner)?.[1];
  const indent = comment ?? deeper(text, lineStart);
  const put = `${indent}${item},${lineEndNear(text, open)}`;
  return splice(text, [{ start: lineStart, end: lineStart, text: put }]);
}

function insertInLine(text: string, list: CommaList, last: Span, item: string): string {
  const before = list.elements.at(-2);
  const separator = before === undefined ? ', ' : text.slice(before.end, last.start);
  const comma = findComma(text, last.end, list.close);
  if (comma === undefined) {
    return splice(text, [{ start: last.end, end: last.end, text: `${separator}${item}` }]);
  }
  const blanks = separator.slice(separator.indexOf(',') + 1);
  return splice(text, [{ start: comma + 1, end: comma + 1, text: `${blanks}${item},` }]);
}

function insertLine(text: string, list: CommaList, last: Span, item: string): string {
  const indent = indentOf(text, list);
  const end = lineEndNear(text, list.open);
  const comma = findComma(text, last.end, list.close);
  const next = nextLineAt(text, comma ?? last.end) ?? Number.POSITIVE_INFINITY;
  const at = (offset: number, put: string) => ({ start: offset, end: offset, text: put });
  if (next > list.close) {
    // The closing bracket stands on the last element's line, and goes on standing behind the last.
    return comma === undefined
      ? splice(text, [at(last.end, `,${end}${indent}${item}`)])
      : splice(text, [at(comma + 1, `${end}${indent}${item},`)]);
  }
  return comma === undefined
    ? splice(text, [at(last.end, ','), at(next, `${indent}${item}${end}`)])
    : splice(text, [at(next, `${indent}${item},${end}`)]);
}

/** The indentation of the last element that begins a line; without one, a step deeper than the closing bracket. */
function indentOf(text: string, { elements, close }: CommaList): string {
  for (const { start } of elements.toReversed()) {
    const lineStart = lineStartAt(text, start);
    const lead = text.slice(lineStart, start);
    if (/^[ \t]*$/.test(lead)) return lead;
  }
  return deeper(text, lineStartAt(text, close));
}

function deeper(text: string, lineStart: number): string {
  const indent = indentAt(text, lineStart);
  return indent + (indent.includes('\t') || text.includes('\n\t') ? '\t' : '  ');
}

function isOneLine(text: string, { open, close, elements }: CommaList): boolean {
  const starts = [open + 1, ...elements.map(({ end }) => end)];
  const ends = [...elements.map(({ start }) => start), close];
  return starts.every((start, index) => !text.slice(start, ends[index]).includes('\n'));
}

/** True when nothing but blanks and a comma stands between, on one line. */
function isPlainGap(text: string, start: number, end: number): boolean {
  return /^[ \t]*,?[ \t]*$/.test(text.slice(start, end));
}

/** The comma between two elements, or behind the last; comments are passed over. */
function findComma(text: string, start: number, end: number): number | undefined {
  for (let at = start; at < end; at += 1) {
    if (text[at] === ',') return at;
    if (text[at] === '#') at = (nextLineAt(text, at) ?? end) - 1;
  }
  return undefined;
}

function skipBlanks(text: string, start: number): number {
  let at = start;
  while (text[at] === ' ' || text[at] === '\t') at += 1;
  return at;
}
