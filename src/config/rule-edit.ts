// Adds and removes rules of one configuration text so that nothing but the edited lines changes: comments, order,
// quotes, indentation and line ends stay. Pure. What comes out is parsed again, and anything but the edit that was
// meant is a problem: a form that cannot be edited safely is left to the person.
import { isDeepStrictEqual } from 'node:util';
import type { Parsed } from '../policy/destination.ts';
import { insertLast, removeElements, type CommaList } from './comma-list.ts';
import { indentAt, lineEndNear, lineStartAt, nextLineAt, splice, type Span } from './lines.ts';
import type { AST } from './locate.ts';
import {
  findEntries,
  intendEdit,
  keyNames,
  readContent,
  type RuleContent,
  type RuleEdit,
  type WrittenContent,
} from './rule-content.ts';
import { findRulePlaces, type PairPlace, type RulePlaces } from './rule-places.ts';
import { parseForEdit, type Editable } from './toml.ts';

/** Most characters that are parsed for one request: each edit is parsed again, while the daemon does nothing else. */
const workLimit = 4 * 1024 * 1024;

/** The text after the edits, in order; the problem says which edit cannot be made and why. Never throws. */
export function applyEdits(
  text: string,
  edits: readonly RuleEdit[],
  dialect: 'own' | 'codex',
): Parsed<string> {
  if (text.length * edits.length > workLimit) {
    return problem(`${edits.length} edits are too many for a file of this size; edit its text`);
  }
  if (edits.length === 0) return { ok: true, value: text };
  const mark = text.startsWith('\uFEFF') ? '\uFEFF' : '';
  let body = text.slice(mark.length);
  let parsed = parse(body);
  for (const edit of edits) {
    if (!parsed.ok) return parsed;
    const edited = applyEdit(body, parsed.value, edit, dialect);
    if (!edited.ok) return edited;
    ({ body, parsed } = edited.value);
  }
  return { ok: true, value: mark + body };
}

function parse(text: string): Parsed<Editable> {
  const parsed = parseForEdit(text);
  if (parsed.ok) return parsed;
  const { line, column } = parsed.place;
  return problem(`line ${line}:${column} is not valid TOML; mend it first`);
}

/** The text as the edits see it. */
interface Draft {
  readonly text: string;
  /** `network` or, in Codex's file, `experimental_network`. */
  readonly name: string;
  readonly dialect: 'own' | 'codex';
  readonly places: RulePlaces;
}

/** An edited text with what it parses to. */
interface Edited {
  readonly body: string;
  readonly parsed: Parsed<Editable>;
}

function applyEdit(
  text: string,
  { root, syntax }: Editable,
  edit: RuleEdit,
  dialect: Draft['dialect'],
): Parsed<Edited> {
  const name = dialect === 'codex' ? 'experimental_network' : 'network';
  const before = readContent(root, name);
  if (!before.ok) return before;
  const draft = { text, name, dialect, places: findRulePlaces(syntax, name) };
  const wanted = intendEdit(before.value, edit, dialect);
  if (!wanted.ok) return wanted;
  const body =
    edit.kind === 'add'
      ? addRule(draft, before.value, edit)
      : removeRules(draft, before.value, edit);
  return body === undefined ? unsafe : proven(body, name, wanted.value);
}

const unsafe = {
  ok: false,
  problem: 'the lists of this file are written in a form that is not edited safely; edit its text',
} as const;

/** The edited text, when it says what was meant and nothing else. */
function proven(body: string, name: string, wanted: RuleContent): Parsed<Edited> {
  const parsed = parse(body);
  const made = parsed.ok ? readContent(parsed.value.root, name) : undefined;
  return made?.ok === true && isDeepStrictEqual(made.value.says, wanted)
    ? { ok: true, value: { body, parsed } }
    : unsafe;
}

function addRule(draft: Draft, before: WrittenContent, edit: RuleEdit): string | undefined {
  if (before.shape === 'map') return addToMap(draft, edit);
  const { text, places } = draft;
  const pair = findPair(draft, keyNames[edit.list]);
  if (pair?.value.type === 'TOMLArray') {
    const list = listOf(pair.value, pair.value.elements);
    return insertLast(text, list, quoted(edit.rule, styleOf(pair.value.elements.at(-1))));
  }
  if (pair !== undefined) return undefined;
  const item = `${keyNames[edit.list]} = ["${edit.rule}"]`;
  const sibling = findPair(draft, keyNames[edit.list === 'allow' ? 'deny' : 'allow']);
  return addKey(draft, places, sibling, item);
}

/** Writes a new key of the table: beside its sibling, at the table's end, or in a table made for it. */
function addKey(
  draft: Draft,
  { table, pairs }: RulePlaces,
  sibling: PairPlace | undefined,
  item: string,
): string {
  const { text, name } = draft;
  const own = pairs.filter(({ path }) => path.length > 1);
  const inTable = own.findLast(({ home }) => home.kind === 'lines' && home.table === table);
  const whole = pairs.find(
    ({ path, value }) => path.length === 1 && value.type === 'TOMLInlineTable',
  );
  if (whole?.value.type === 'TOMLInlineTable') {
    return insertLast(text, listOf(whole.value, whole.value.body), item);
  }
  if (table !== undefined) {
    const anchor = sibling ?? inTable;
    return addLine(text, anchor ?? spanOf(table.key), item);
  }
  const dotted = sibling ?? inTable;
  if (dotted !== undefined) {
    const first = text.slice(dotted.start, dotted.keyEnd);
    return addLine(text, dotted, `${/^[^.]*\./.exec(first)?.[0] ?? `${name}.`}${item}`);
  }
  return addTable(text, `[${name}]`, item);
}

function addToMap(draft: Draft, { rule, list }: RuleEdit): string | undefined {
  const { text, places } = draft;
  const entries = places.pairs.filter(({ path }) => path.length === 3 && path[1] === 'domains');
  const last = entries.at(-1);
  if (last !== undefined) {
    const prefix = text.slice(last.start, last.nameStart);
    const key = quoted(rule, text[last.nameStart] === "'" ? 'literal' : 'basic');
    const between = text.slice(last.keyEnd, last.value.range[0]);
    const item = `${prefix}${key}${between}${quoted(list, styleOf(last.value))}`;
    if (last.home.kind === 'lines') return addLine(text, last, item);
    return insertLast(text, listOf(last.home.node, last.home.node.body), item);
  }
  const item = `"${rule}" = "${list}"`;
  if (places.mapTable !== undefined) return addLine(text, spanOf(places.mapTable.key), item);
  const whole = findPair(draft, 'domains')?.value;
  return whole?.type === 'TOMLInlineTable'
    ? insertLast(text, listOf(whole, whole.body), item)
    : undefined;
}

function removeRules(draft: Draft, before: WrittenContent, edit: RuleEdit): string | undefined {
  const { text, places, dialect } = draft;
  const gone = findEntries(before, edit, dialect);
  if (before.shape === 'lists') {
    const value = findPair(draft, keyNames[edit.list])?.value;
    if (value?.type !== 'TOMLArray') return undefined;
    const indices = value.elements.flatMap((element, index) =>
      element.type === 'TOMLValue' && gone.includes(String(element.value)) ? [index] : [],
    );
    return removeElements(text, listOf(value, value.elements), indices);
  }
  const pairs = places.pairs.filter(
    ({ path }) => path.length === 3 && path[1] === 'domains' && gone.includes(path[2] ?? ''),
  );
  const home = pairs[0]?.home;
  if (home?.kind === 'inline') {
    const list = listOf(home.node, home.node.body);
    const starts = new Set(pairs.map(({ start }) => start));
    const indices = list.elements.flatMap(({ start }, index) => (starts.has(start) ? [index] : []));
    return removeElements(text, list, indices);
  }
  return splice(
    text,
    pairs.map((pair) => ({ ...wholeLines(text, pair), text: '' })),
  );
}

function findPair({ name, places }: Draft, key: string): PairPlace | undefined {
  return places.pairs.find(({ path }) => path.length === 2 && path[0] === name && path[1] === key);
}

function listOf(node: AST.TOMLNode, elements: readonly AST.TOMLNode[]): CommaList {
  const [open, end] = node.range;
  return { open, close: end - 1, elements: elements.map(spanOf) };
}

function spanOf({ range: [start, end] }: AST.TOMLNode): Span {
  return { start, end };
}

function styleOf(node: AST.TOMLNode | undefined): 'basic' | 'literal' {
  return node?.type === 'TOMLValue' && node.kind === 'string' ? node.style : 'basic';
}

function quoted(text: string, style: 'basic' | 'literal'): string {
  return style === 'literal' ? `'${text}'` : `"${text}"`;
}

/** Writes a line below the one that a key or a header ends on, indented as that one. */
function addLine(text: string, anchor: Span, line: string): string {
  const indent = indentAt(text, lineStartAt(text, anchor.start));
  const end = lineEndNear(text, anchor.end);
  const next = nextLineAt(text, anchor.end);
  const put = next === undefined ? `${end}${indent}${line}` : `${indent}${line}${end}`;
  const at = next ?? text.length;
  return splice(text, [{ start: at, end: at, text: put }]);
}

function addTable(text: string, header: string, line: string): string {
  const end = lineEndNear(text, text.length);
  const isOpen = text !== '' && !text.endsWith('\n');
  const isBlank = text === '' || /(?:^|\n)[ \t]*\r?\n$/.test(text);
  return `${text}${isOpen ? end : ''}${isBlank ? '' : end}${header}${end}${line}${end}`;
}

function wholeLines(text: string, { start, end }: Span): Span {
  return { start: lineStartAt(text, start), end: nextLineAt(text, end) ?? text.length };
}

function problem(text: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem: text };
}
