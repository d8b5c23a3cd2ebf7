// Rules that contradict or repeat each other across all layers: what a deny makes idle, what a wider rule covers
// already, what lets through the names of several owners. Pure. Warnings at the rule, in the order of the rules;
// the work grows with the labels of the rules, not with their number squared.
import { andWords, maskBits, maskWords, type Address } from '../policy/address.ts';
import type { RuleRef } from '../policy/decision.ts';
import {
  createStarMatcher,
  type NamePattern,
  type NetworkPattern,
  type Pattern,
  type StarPattern,
} from '../policy/pattern.ts';
import { ownershipOf } from '../policy/public-suffix.ts';
import type { ConfigRule } from './config.ts';
import { quote, type Finding } from './finding.ts';

/** Most warnings given for one file. */
const findingLimit = 200;
/** In-label stars below one name that a name is held against. */
const starLimit = 16;

/** What is doubtful about the rules that stand in `file`; the others are what they are held against. */
export function findConflicts(rules: readonly ConfigRule[], file: string): readonly Finding[] {
  const index = { allow: createCoverIndex(), deny: createCoverIndex() };
  for (const rule of rules) addCover(index[rule.ref.outcome], rule);
  const findings: Finding[] = [];
  for (const rule of rules) {
    if (rule.ref.origin.file !== file) continue;
    const said = conflictOf(rule, index) ?? ownersOf(rule);
    if (said !== undefined) findings.push(at(rule.ref, said));
  }
  findings.push(...outsideConflicts(rules, file, index.deny));
  const more = findings.length - findingLimit;
  const [last] = findings.slice(findingLimit - 1);
  if (more <= 0 || last === undefined) return findings;
  return [
    ...findings.slice(0, findingLimit - 1),
    { ...last, message: `and ${more + 1} more like these` },
  ];
}

function at({ text, origin }: RuleRef, words: string): Finding {
  const { file, line, column } = origin;
  return { severity: 'warning', file, line, column, message: `${quote(text)} ${words}` };
}

function place({ text, origin }: RuleRef, file: string): string {
  const where = origin.file === file ? `line ${origin.line}` : `${origin.file}:${origin.line}`;
  return `${quote(text)} (${where})`;
}

interface Covers {
  readonly allow: CoverIndex;
  readonly deny: CoverIndex;
}

function conflictOf(rule: ConfigRule, { allow, deny }: Covers): string | undefined {
  const { pattern, ref } = rule;
  const { file, layer } = ref.origin;
  if (ref.outcome === 'allow') {
    const denied = findCover(deny, rule, false);
    if (denied !== undefined) return deniedWords(ref, denied, pattern);
  }
  const wider = findCover(ref.outcome === 'allow' ? allow : deny, rule, true);
  if (wider === undefined) return undefined;
  const isSame = wider.pattern.text === pattern.text;
  const other = place(wider.ref, file);
  if (!isSame) return `is covered by ${other} already`;
  return wider.ref.origin.layer === layer || wider.ref.origin.file === file
    ? `stands here twice; the other is ${other}`
    : `is set by ${other} already`;
}

function deniedWords(ref: RuleRef, denied: ConfigRule, pattern: Pattern): string {
  const { file, layer } = ref.origin;
  const other = place(denied.ref, file);
  const { layer: above } = denied.ref.origin;
  if (above !== layer && above !== 'user' && above !== 'default') {
    return `is denied by the management, ${other}, which stands`;
  }
  return denied.pattern.text === pattern.text
    ? `is allowed and denied; the deny counts, ${other}`
    : `never counts: it is denied by ${other}`;
}

/** An in-label star over a name that many owners share; `*.` and `**.` of such names are judged when parsed. */
function ownersOf({ pattern, ref }: ConfigRule): string | undefined {
  if (pattern.shape !== 'star' || ref.outcome !== 'allow') return undefined;
  const { isSuffix } = ownershipOf(pattern.fixed);
  return isSuffix
    ? `covers names of several owners below "${pattern.fixed}"; name them`
    : undefined;
}

/** Denies of this file that take away what other files allow: said once a rule, with one example. */
function outsideConflicts(
  rules: readonly ConfigRule[],
  file: string,
  deny: CoverIndex,
): readonly Finding[] {
  const taken = new Map<ConfigRule, ConfigRule[]>();
  for (const rule of rules) {
    if (rule.ref.outcome !== 'allow' || rule.ref.origin.file === file) continue;
    const denied = findCover(deny, rule, false);
    if (denied?.ref.origin.file !== file) continue;
    const list = taken.get(denied);
    if (list === undefined) taken.set(denied, [rule]);
    else list.push(rule);
  }
  return [...taken].map(([denied, [first, ...others]]) => {
    const tail = others.length === 0 ? '' : ` and ${others.length} more`;
    const allowed = first === undefined ? '' : place(first.ref, file);
    return at(denied.ref, `takes away what is allowed by ${allowed}${tail}`);
  });
}

/** Rules of one outcome by what they cover; of equal rules the first, since the later is the one too many. */
interface CoverIndex {
  readonly any: Keyed;
  readonly exact: Keyed;
  readonly below: Keyed;
  readonly apex_and_below: Keyed;
  readonly star: Keyed;
  /** Addresses and blocks. */
  readonly network: Keyed;
  /** In-label stars by the name they end in. */
  readonly endings: Map<string, ConfigRule[]>;
}

/** Rules by name: those for every port, and those for one by name and port. */
interface Keyed {
  readonly every: Map<string, ConfigRule>;
  readonly ported: Map<string, ConfigRule>;
}

function createCoverIndex(): CoverIndex {
  const keyed = (): Keyed => ({ every: new Map(), ported: new Map() });
  const [any, exact, below, apexAndBelow] = [keyed(), keyed(), keyed(), keyed()];
  const [star, network] = [keyed(), keyed()];
  return { any, exact, below, apex_and_below: apexAndBelow, star, network, endings: new Map() };
}

function addCover(index: CoverIndex, rule: ConfigRule): void {
  const { pattern } = rule;
  const { every, ported } = index[pattern.shape];
  const [map, key] =
    pattern.port === undefined
      ? [every, nameOf(pattern)]
      : [ported, `${nameOf(pattern)} ${pattern.port}`];
  if (!map.has(key)) map.set(key, rule);
  if (pattern.shape !== 'star') return;
  const list = index.endings.get(pattern.fixed);
  if (list === undefined) index.endings.set(pattern.fixed, [rule]);
  else list.push(rule);
}

function nameOf(pattern: Pattern): string {
  switch (pattern.shape) {
    case 'any':
      return '*';
    case 'network':
      return blockKey(pattern.base, pattern.length);
    case 'exact':
    case 'below':
    case 'apex_and_below':
    case 'star':
      return pattern.name;
    default:
      return pattern satisfies never;
  }
}

/** The rule of that name, for every port or this one, that is not the rule itself. */
function lookUp({ every, ported }: Keyed, name: string, rule: ConfigRule): ConfigRule | undefined {
  const { port } = rule.pattern;
  if (port !== undefined && ported.size > 0) {
    const found = ported.get(`${name} ${port}`);
    if (found !== undefined && found !== rule) return found;
  }
  const found = every.size === 0 ? undefined : every.get(name);
  return found === rule ? undefined : found;
}

/** A rule that covers all that this one covers, the closest first; `narrowly`: for the local guard too. */
function findCover(index: CoverIndex, rule: ConfigRule, narrowly: boolean): ConfigRule | undefined {
  const { pattern } = rule;
  const same = lookUp(index[pattern.shape], nameOf(pattern), rule);
  if (same !== undefined || pattern.shape === 'any') return same;
  const keepsGuard = narrowly && rule.ref.outcome === 'allow';
  if (pattern.shape === 'network') {
    const block = findBlock(index.network, pattern, rule);
    // Only an address or block excuses an address from the local guard, so `*` does not cover one.
    return block ?? (keepsGuard ? undefined : lookUp(index.any, '*', rule));
  }
  // Only its own name excuses localhost.
  if (keepsGuard && pattern.shape === 'exact' && isLocalName(pattern.name)) return undefined;
  const star = pattern.shape === 'exact' ? findStar(index, rule, pattern.name) : undefined;
  return star ?? findWiderName(index, pattern, rule) ?? lookUp(index.any, '*', rule);
}

function findBlock(
  network: Keyed,
  pattern: NetworkPattern,
  rule: ConfigRule,
): ConfigRule | undefined {
  for (let length = pattern.length - 1; length >= 0; length -= 1) {
    const found = lookUp(network, widerBlock(pattern, length), rule);
    if (found !== undefined) return found;
  }
  return undefined;
}

function findWiderName(
  index: CoverIndex,
  pattern: NamePattern | StarPattern,
  rule: ConfigRule,
): ConfigRule | undefined {
  const { below, apex_and_below: apexAndBelow } = index;
  const isNone = [below, apexAndBelow].every(({ every, ported }) => every.size + ported.size === 0);
  if (isNone) return undefined;
  const isStar = pattern.shape === 'star';
  let name = isStar ? pattern.fixed : pattern.name;
  let found = isStar ? lookUp(below, name, rule) : undefined;
  found ??= lookUp(apexAndBelow, name, rule);
  for (let dot = name.indexOf('.'); dot !== -1 && found === undefined; dot = name.indexOf('.')) {
    name = name.slice(dot + 1);
    found = lookUp(below, name, rule) ?? lookUp(apexAndBelow, name, rule);
  }
  return found;
}

function isLocalName(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost');
}

function findStar(
  { endings }: CoverIndex,
  { pattern }: ConfigRule,
  name: string,
): ConfigRule | undefined {
  if (endings.size === 0) return undefined;
  for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1)) {
    const found = endings
      .get(name.slice(dot + 1))
      ?.slice(0, starLimit)
      .find((rule) => isPortCovered(pattern, rule.pattern) && matchesStar(rule, name));
    if (found !== undefined) return found;
  }
  return undefined;
}

function isPortCovered(inner: Pattern, outer: Pattern): boolean {
  return outer.port === undefined || outer.port === inner.port;
}

const matchers = new WeakMap<StarPattern, (name: string) => boolean>();

function matchesStar({ pattern }: ConfigRule, name: string): boolean {
  if (pattern.shape !== 'star') return false;
  let matcher = matchers.get(pattern);
  if (matcher === undefined) {
    matcher = createStarMatcher(pattern);
    matchers.set(pattern, matcher);
  }
  return matcher(name);
}

function widerBlock({ base }: NetworkPattern, length: number): string {
  return blockKey(
    base.family === 4
      ? { family: 4, value: (base.value & maskBits(length)) >>> 0 }
      : { family: 6, words: andWords(base.words, maskWords(length)) },
    length,
  );
}

function blockKey(base: Address, length: number): string {
  const bits = base.family === 4 ? String(base.value) : base.words.join();
  return `block${base.family} ${bits}/${length}`;
}
