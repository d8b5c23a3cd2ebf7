// What a document says of rules, as values, and what it must say after an edit: the measure that rule-edit.ts holds
// its text against. Pure.
import type { Parsed } from '../policy/destination.ts';
import { parsePattern } from '../policy/pattern.ts';
import { quote } from './finding.ts';
import { isTable, type Table } from './toml.ts';

/** One change to a list. */
export interface RuleEdit {
  readonly kind: 'add' | 'remove';
  readonly list: 'allow' | 'deny';
  /** The rule's text; one to remove may also be named by its canonical form. */
  readonly rule: string;
}

/** The names of the two lists. */
export const keyNames = { allow: 'allowed_domains', deny: 'denied_domains' } as const;

/** Most entries that one edit removes. */
const removeLimit = 100;

/** What a document says: its domain lists, and everything else of it. */
export interface RuleContent {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  readonly map: ReadonlyMap<string, string>;
  /** Other keys of the table, and other tables; an empty table is as good as none. */
  readonly otherKeys: ReadonlyMap<string, unknown>;
  readonly otherTables: ReadonlyMap<string, unknown>;
}

/** The same with the form it is written in. */
export interface WrittenContent {
  readonly shape: 'map' | 'lists';
  readonly says: RuleContent;
}

/** What a document without the table has in it. */
const none: Table = Object.create(null);

/** Reads it from a parsed document; the problem says what to mend before anything can be edited. */
export function readContent(root: Table, name: string): Parsed<WrittenContent> {
  const { [name]: table = none, ...tables } = root;
  if (!isTable(table)) return problem(`${name} is not a table; mend it first`);
  const { allowed_domains: allow = [], denied_domains: deny = [], domains, ...keys } = table;
  if (!isTexts(allow) || !isTexts(deny)) {
    return problem(`${name}: a domain list holds something else than texts; mend it first`);
  }
  const map = mapOf(domains);
  if (map === undefined) {
    return problem(`${name}.domains: every value must be "allow" or "deny"; mend it first`);
  }
  const isMap = domains !== undefined;
  if (isMap && ['allowed_domains', 'denied_domains'].some((key) => key in table)) {
    return problem(`${name}: has both the lists and domains; keep one of them first`);
  }
  const otherKeys = new Map(Object.entries(keys));
  const says = { allow, deny, map, otherKeys, otherTables: new Map(Object.entries(tables)) };
  return { ok: true, value: { shape: isMap ? 'map' : 'lists', says } };
}

function mapOf(domains: unknown): RuleContent['map'] | undefined {
  if (domains === undefined) return new Map();
  if (!isTable(domains)) return undefined;
  const entries = Object.entries(domains);
  return entries.every(isOutcome) ? new Map(entries) : undefined;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function isOutcome(entry: readonly [string, unknown]): entry is [string, 'allow' | 'deny'] {
  return entry[1] === 'allow' || entry[1] === 'deny';
}

/** What the document must say afterwards; the problem says why the edit makes no sense. */
export function intendEdit(
  before: WrittenContent,
  edit: RuleEdit,
  dialect: 'own' | 'codex',
): Parsed<RuleContent> {
  return edit.kind === 'add'
    ? intendAdd(before, edit, dialect)
    : intendRemove(before, edit, dialect);
}

function intendAdd(
  before: WrittenContent,
  edit: RuleEdit,
  dialect: 'own' | 'codex',
): Parsed<RuleContent> {
  const { list, rule } = edit;
  const { shape, says } = before;
  const pattern = parsePattern(rule, { outcome: list, port: dialect === 'own' });
  if (!pattern.ok) return pattern;
  if (/["'\\\p{C}]/u.test(rule)) return problem(`${quote(rule)} cannot be written as a rule`);
  const [same] = findEntries(before, edit, dialect);
  if (same !== undefined) return problem(`${quote(same)} is ${namedIn(before, list)} already`);
  if (shape === 'lists') return { ok: true, value: { ...says, [list]: [...says[list], rule] } };
  const other = says.map.get(rule);
  if (other !== undefined) {
    return problem(`${quote(rule)} is "${other}" in domains; remove that first`);
  }
  return { ok: true, value: { ...says, map: new Map([...says.map, [rule, list]]) } };
}

function intendRemove(
  before: WrittenContent,
  edit: RuleEdit,
  dialect: 'own' | 'codex',
): Parsed<RuleContent> {
  const { list, rule } = edit;
  const { shape, says } = before;
  const gone = findEntries(before, edit, dialect);
  if (gone.length === 0) return problem(`${quote(rule)} is not ${namedIn(before, list)}`);
  if (gone.length > removeLimit) {
    return problem(
      `${quote(rule)} stands ${gone.length} times ${namedIn(before, list)}; edit the text`,
    );
  }
  if (shape === 'map') {
    const map = new Map([...says.map].filter(([text]) => !gone.includes(text)));
    return { ok: true, value: { ...says, map } };
  }
  const kept = says[list].filter((text) => !gone.includes(text));
  return { ok: true, value: { ...says, [list]: kept } };
}

function namedIn({ shape }: WrittenContent, list: RuleEdit['list']): string {
  return shape === 'map' ? `"${list}" in domains` : `in ${keyNames[list]}`;
}

function rulesOf({ shape, says }: WrittenContent, list: RuleEdit['list']): readonly string[] {
  if (shape === 'lists') return says[list];
  return [...says.map].filter(([, outcome]) => outcome === list).map(([text]) => text);
}

/** The entries that an edit is about: those of exactly this text and those that mean the same. */
export function findEntries(
  before: WrittenContent,
  { rule, list }: RuleEdit,
  dialect: 'own' | 'codex',
): readonly string[] {
  const canonical = (text: string): string | undefined => {
    const read = parsePattern(text, { outcome: list, port: dialect === 'own' });
    return read.ok ? read.value.text : undefined;
  };
  const wanted = canonical(rule);
  return rulesOf(before, list).filter(
    (text) => text === rule || (wanted !== undefined && canonical(text) === wanted),
  );
}

function problem(text: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem: text };
}
