// Text to a TOML value with an index of places. The only importer of smol-toml; places come from
// locate.ts. Both parsers must agree that the text is TOML: a document that only one reads is refused.
import { parse, TomlError } from 'smol-toml';
import { createLocator, parseSyntax, type AST, type Locate, type Place } from './locate.ts';

/** A TOML table as the parser gives it: no prototype, so any key is safe. */
export type Table = Readonly<Record<string, unknown>>;

/** A parsed document. */
export interface Document {
  readonly root: Table;
  readonly locate: Locate;
}

/** The document, or what is wrong with the text and where. */
export type ParsedDocument =
  | { readonly ok: true; readonly value: Document }
  | { readonly ok: false; readonly place: Place; readonly problem: string };

/** Arrays and inline tables nested deeper than this are refused. */
const maxDepth = 64;

/** Parses TOML 1.1 text. Never throws. */
export function parseDocument(text: string): ParsedDocument {
  return parseWith(text, createLocator, (root, locate) => ({ root, locate }));
}

/** The same with the syntax in place of the index of places; ranges are those of the text without its mark. */
export function parseForEdit(
  text: string,
): Extract<ParsedDocument, { ok: false }> | { readonly ok: true; readonly value: Editable } {
  return parseWith(text, parseSyntax, (root, syntax) => ({ root, syntax }));
}

/** A parsed document with its syntax. */
export interface Editable {
  readonly root: Table;
  readonly syntax: AST.TOMLTopLevelTable;
}

function parseWith<A, B>(
  text: string,
  second: (body: string) => A,
  both: (root: Table, of: A) => B,
): Extract<ParsedDocument, { ok: false }> | { readonly ok: true; readonly value: B } {
  const body = text.startsWith('\uFEFF') ? text.slice(1) : text;
  try {
    const root = parse(body, { maxDepth });
    return { ok: true, value: both(root, second(body)) };
  } catch (error) {
    return { ok: false, ...explain(error) };
  }
}

/** What the parser's own words leave out: how it should have been written. */
const hints: readonly (readonly [start: string, hint: string])[] = [
  ['invalid value', 'text stands in quotes, such as "full"'],
  ['illegal character in key', 'expected key = value or a [table] on a line of its own'],
  [
    'control characters are not allowed in strings',
    'close the quotes before the line ends, and write others as \\u0000',
  ],
  ['trying to redefine', 'a key or a [table] stands once in a file; join the two'],
];

function explain(error: unknown): { readonly place: Place; readonly problem: string } {
  if (error instanceof TomlError) {
    const [first = ''] = error.message.replace(/^Invalid TOML document: /, '').split('\n');
    const hint = hints.find(([start]) => first.startsWith(start))?.[1];
    const problem = hint === undefined ? first : `${first}; ${hint}`;
    return { place: { line: error.line, column: error.column }, problem };
  }
  if (error instanceof SyntaxError) {
    // toml-eslint-parser's ParseError: a SyntaxError with a 1-based line and 0-based column.
    const { lineNumber, column } = error as SyntaxError & { lineNumber?: number; column?: number };
    const place = { line: lineNumber ?? 1, column: (column ?? 0) + 1 };
    return { place, problem: error.message.toLowerCase() };
  }
  return { place: { line: 1, column: 1 }, problem: 'too deeply nested or too large to read' };
}

/** True for a TOML table (not an array, not a date). */
export function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === null;
}
