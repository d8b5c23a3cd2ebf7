// What differs between two effective configurations, when it takes effect, and whether it widens.
import { isDeepStrictEqual } from 'node:util';
import type { RuleRef } from '../policy/decision.ts';
import type { Config, ConfigRule } from './config.ts';
import { keys, type KeySpec } from './schema.ts';
import { escapePrintable } from '../policy/printable.ts';

/** One key whose effective value differs. */
export interface ChangedKey {
  readonly key: string;
  readonly effect: KeySpec['effect'];
  /** For people; an exporter shows only its kind, never its headers. */
  readonly before: string;
  readonly after: string;
  /** True when the new value lets more through than the old one, or guards less. */
  readonly widens: boolean;
}

/** The whole difference. */
export interface ConfigDiff {
  readonly changed: readonly ChangedKey[];
  readonly added: readonly RuleRef[];
  readonly removed: readonly RuleRef[];
  /** True when the reload lets through what was refused or asked before, or may do so. */
  readonly widens: boolean;
}

/** Compares two effective configurations; places and warnings do not count. */
export function diffConfigs(before: Config, after: Config): ConfigDiff {
  const changed = changedKeys(before, after);
  const added = missingFrom(after.rules, before.rules);
  const removed = missingFrom(before.rules, after.rules);
  const widens =
    changed.some((change) => change.widens && change.effect === 'reload') ||
    added.some(({ outcome }) => outcome === 'allow') ||
    removed.some(({ outcome }) => outcome === 'deny');
  return { changed, added, removed, widens };
}

/** The difference a line each, safe to look at: keys, then rules that came, then rules that went. */
export function diffLines({ changed, added, removed }: ConfigDiff): readonly string[] {
  return [
    ...changed.map(
      ({ key, before, after, effect }) =>
        `${key}: ${before} -> ${after}${effect === 'restart' ? ' (at the next start)' : ''}`,
    ),
    ...added.map(({ outcome, text }) => `+ ${outcome} ${text}`),
    ...removed.map(({ outcome, text }) => `- ${outcome} ${text}`),
  ].map(escapePrintable);
}

/** The keys (rules aside) whose effective values differ, in the order of the schema. */
export function changedKeys(before: Config, after: Config): readonly ChangedKey[] {
  return keys.flatMap((spec) => {
    if (spec.narrows === 'rules') return [];
    const [old, now] = [valueOf(before, spec.path), valueOf(after, spec.path)];
    if (isDeepStrictEqual(old, now)) return [];
    const { path: key, effect } = spec;
    return [{ key, effect, before: show(old), after: show(now), widens: isWider(spec, old, now) }];
  });
}

/** Keys of `[network]` whose Config field is not the camelCase of their name. */
const renamed: Readonly<Record<string, string>> = { managed_allowed_domains_only: 'managedOnly' };

function valueOf(config: Config, path: string): unknown {
  const [table = '', key = ''] = path.split('.');
  const field =
    renamed[key] ?? key.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  const group: unknown = Object.entries(config).find(([name]) => name === table)?.[1];
  if (typeof group !== 'object' || group === null || !(field in group)) {
    throw new TypeError(`the configuration has no field for ${path}`);
  }
  const value: unknown = Object.entries(group).find(([name]) => name === field)?.[1];
  if (path === 'approvals.hold_seconds') return [value, config.approvals.holdSecondsExplicit];
  return value instanceof URL ? value.href : value;
}

function show(value: unknown): string {
  if (value === undefined) return 'unset';
  if (Array.isArray(value)) return `${value[0]}${value[1] === true ? '' : ' (default)'}`;
  if (typeof value === 'object' && value !== null && 'kind' in value) return String(value.kind);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Keys that say where keys and records go, past the rules for hosts, or whom is trusted to be there. */
const places: ReadonlySet<string> = new Set([
  'gateway.upstream',
  'gateway.extra_ca',
  'otel.exporter',
]);

function leadsElsewhere(before: unknown, after: unknown): boolean {
  const place = placeOf(after);
  return place !== undefined && place !== placeOf(before);
}

/** Of an exporter its address and roots: another header leads nowhere else. */
function placeOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null || !('endpoint' in value)) return undefined;
  return JSON.stringify([value.endpoint, 'tls' in value ? value.tls : undefined]);
}

function isWider(spec: KeySpec, before: unknown, after: unknown): boolean {
  switch (spec.narrows) {
    case 'false':
      return after === true;
    case 'true':
      return after === false;
    case 'choice': {
      const values: readonly unknown[] = spec.type.kind === 'choice' ? spec.type.values : [];
      return values.indexOf(after) > values.indexOf(before);
    }
    case 'managed':
      return places.has(spec.path) && leadsElsewhere(before, after);
    case 'lower': // limits of waiting, not of what passes
    case 'rules':
      return false;
    default:
      return spec.narrows satisfies never;
  }
}

function missingFrom(
  rules: readonly ConfigRule[],
  others: readonly ConfigRule[],
): readonly RuleRef[] {
  const known = new Set(others.map(nameOf));
  return rules.filter((rule) => !known.has(nameOf(rule))).map(({ ref }) => ref);
}

function nameOf({ pattern, ref }: ConfigRule): string {
  return `${ref.outcome} ${pattern.text}`;
}
