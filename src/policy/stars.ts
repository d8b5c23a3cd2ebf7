// The in-label star rules of one policy, found without trying each: a rule is filed under its fixed end and
// under its own outline, the name with each starred label cut down to what stands before and after its stars.
import { createStarMatcher } from './pattern.ts';
import type { StarPattern } from './pattern.ts';
import type { RuleRef } from './decision.ts';

/** The star rules; filled while a policy is compiled, only read afterwards. */
export interface StarTable {
  /** The different label outlines under each fixed end, so that a host is cut only as some rule needs it. */
  readonly outlines: Map<string, readonly HeadOutline[]>;
  readonly rules: Map<string, readonly StarRule[]>;
}

/** Per label left of the fixed end: undefined when written out, else the lengths around its stars. */
type HeadOutline = readonly (LabelOutline | undefined)[];

interface LabelOutline {
  readonly before: number;
  readonly after: number;
}

interface StarRule {
  readonly pattern: StarPattern;
  readonly ref: RuleRef;
  matches: ((name: string) => boolean) | undefined;
}

/** An empty table. */
export function createStarTable(): StarTable {
  return { outlines: new Map(), rules: new Map() };
}

/** Files one rule; of two rules with the same text the later stays. */
export function addStar(table: StarTable, pattern: StarPattern, ref: RuleRef): void {
  const head = headOf(pattern.name, pattern.fixed);
  const outline = head.map(outlineOf);
  const known = table.outlines.get(pattern.fixed);
  if (known === undefined) table.outlines.set(pattern.fixed, [outline]);
  else if (!known.some((each) => isSame(each, outline))) {
    table.outlines.set(pattern.fixed, [...known, outline]);
  }
  const key = `${cut(head, outline)}.${pattern.fixed}`;
  const filed = table.rules.get(key);
  const rule: StarRule = { pattern, ref, matches: undefined };
  const others = filed?.filter((each) => each.pattern.text !== pattern.text) ?? [];
  table.rules.set(key, [...others, rule]);
}

/** The rule for a name whose end is `fixed`; a rule for this port goes before one for every port. */
export function findStar(
  table: StarTable,
  name: string,
  fixed: string,
  port: number,
): RuleRef | undefined {
  const outlines = table.outlines.get(fixed);
  if (outlines === undefined) return undefined;
  const head = headOf(name, fixed);
  let found: StarRule | undefined;
  for (const outline of outlines) {
    const key = outline.length === head.length ? cut(head, outline) : undefined;
    const rules = key === undefined ? undefined : table.rules.get(`${key}.${fixed}`);
    for (const rule of rules ?? []) {
      if (rule.pattern.port !== undefined && rule.pattern.port !== port) continue;
      rule.matches ??= createStarMatcher(rule.pattern);
      if (!rule.matches(name)) continue;
      if (rule.pattern.port !== undefined) return rule.ref;
      found ??= rule;
    }
  }
  return found?.ref;
}

function headOf(name: string, fixed: string): readonly string[] {
  return name.slice(0, name.length - fixed.length - 1).split('.');
}

function outlineOf(label: string): LabelOutline | undefined {
  const first = label.indexOf('*');
  if (first === -1) return undefined;
  return { before: first, after: label.length - 1 - label.lastIndexOf('*') };
}

/** The head with each starred label as `before*after`; undefined when a label is too short for that. */
function cut(head: readonly string[], outline: HeadOutline): string | undefined {
  const labels: string[] = [];
  for (const [index, label] of head.entries()) {
    const around = outline[index];
    if (around === undefined) labels.push(label);
    else if (label.length < around.before + around.after) return undefined;
    else {
      const end = label.slice(label.length - around.after);
      labels.push(`${label.slice(0, around.before)}*${end}`);
    }
  }
  return labels.join('.');
}

function isSame(one: HeadOutline, other: HeadOutline): boolean {
  return (
    one.length === other.length &&
    one.every((label, index) => {
      const twin = other[index];
      return label?.before === twin?.before && label?.after === twin?.after;
    })
  );
}
