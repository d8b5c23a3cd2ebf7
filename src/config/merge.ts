// Layers to one set of values and rules. Managed values bind: a user may narrow them and never widen.
// Between managed layers the higher one stands. A deny of any layer always counts.
import { isDeepStrictEqual } from 'node:util';
import type { Layer, Origin } from '../policy/decision.ts';
import type { ConfigRule } from './config.ts';
import type { DecodedLayer, Setting } from './layer.ts';
import type { Finding } from './finding.ts';
import { keys, type KeySpec } from './schema.ts';

/** The merged layers: a setting for every key that a layer or a default sets. */
export interface Merged {
  readonly settings: ReadonlyMap<string, Setting>;
  readonly rules: readonly ConfigRule[];
  readonly findings: readonly Finding[];
}

const builtIn: Origin = { layer: 'default', file: 'built-in', line: 1, column: 1 };

/** Merges the layers, lowest first; several user layers are not expected, the last would count. */
export function mergeLayers(layers: readonly DecodedLayer[]): Merged {
  const managed = layers.filter(({ source }) => isManaged(source.layer));
  const own = layers.filter(({ source }) => !isManaged(source.layer));
  const findings: Finding[] = [];
  const settings = new Map<string, Setting>();
  for (const spec of keys) {
    const setting = mergeKey(spec, lastOf(own, spec.path), lastOf(managed, spec.path), findings);
    if (setting !== undefined) settings.set(spec.path, setting);
  }
  keepGuard(settings, findings);
  // The highest layer first: of two equal rules the first is the one that is named.
  const deny = layers.toReversed().flatMap((layer) => layer.deny);
  const allow = mergeAllow(managed, own, settings, findings);
  return { settings, rules: [...deny, ...allow], findings };
}

function isManaged(layer: Layer): boolean {
  return layer !== 'default' && layer !== 'user';
}

function lastOf(layers: readonly DecodedLayer[], path: string): Setting | undefined {
  return layers.findLast((layer) => layer.settings.has(path))?.settings.get(path);
}

function mergeKey(
  spec: KeySpec,
  user: Setting | undefined,
  managed: Setting | undefined,
  findings: Finding[],
): Setting | undefined {
  if (managed === undefined) return user ?? fallbackOf(spec);
  if (user === undefined || isDeepStrictEqual(user.value, managed.value)) return managed;
  if (narrows(spec, user.value, managed.value)) return user;
  if (user.origin.layer === 'default') return managed; // the shipped file is nobody's mistake to mend
  const words =
    spec.narrows === 'managed' ? 'is set by the management' : 'is wider than the managed value';
  findings.push(
    warning(user.origin, `${spec.path}: ${words} (${place(managed.origin)}), which stands`),
  );
  return managed;
}

/** Where only managed allows count, a user may not lift the local guard either: a managed `*` would then reach it. */
function keepGuard(settings: Map<string, Setting>, findings: Finding[]): void {
  const path = 'network.allow_local_binding';
  const only = settings.get('network.managed_allowed_domains_only');
  const guard = settings.get(path);
  if (only?.value !== true || guard?.value !== true || isManaged(guard.origin.layer)) return;
  settings.set(path, { value: false, origin: builtIn });
  const words = `is ignored, since managed_allowed_domains_only is set (${place(only.origin)})`;
  findings.push(warning(guard.origin, `${path}: ${words}`));
}

function fallbackOf(spec: KeySpec): Setting | undefined {
  return spec.fallback === undefined ? undefined : { value: spec.fallback, origin: builtIn };
}

/** Whether the user's value only narrows the managed one. */
function narrows(spec: KeySpec, user: Setting['value'], managed: Setting['value']): boolean {
  switch (spec.narrows) {
    case 'false':
      return user === false;
    case 'true':
      return user === true;
    case 'lower':
      return Number(user) < Number(managed);
    case 'choice':
      return rank(spec, user) < rank(spec, managed);
    case 'managed':
    case 'rules':
      return false;
    default:
      return spec.narrows satisfies never;
  }
}

/** The place of a choice in its list, narrowest first. */
function rank(spec: KeySpec, value: Setting['value']): number {
  return spec.type.kind === 'choice' ? spec.type.values.findIndex((one) => one === value) : 0;
}

function mergeAllow(
  managed: readonly DecodedLayer[],
  own: readonly DecodedLayer[],
  settings: ReadonlyMap<string, Setting>,
  findings: Finding[],
): readonly ConfigRule[] {
  const only = settings.get('network.managed_allowed_domains_only');
  const bound = foldManaged(managed, findings);
  if (only?.value !== true) return [...bound, ...own.flatMap((layer) => layer.allow)];
  for (const layer of own) {
    const [first] = layer.allow;
    if (first === undefined || layer.source.layer === 'default') continue;
    const words = `network: the allow rules of this layer (${layer.allow.length}) are ignored, since managed_allowed_domains_only is set (${place(only.origin)})`;
    findings.push(warning(first.ref.origin, words));
  }
  return bound;
}

/** A higher list replaces what stood below; a higher map joins it pattern by pattern. */
function foldManaged(layers: readonly DecodedLayer[], findings: Finding[]): readonly ConfigRule[] {
  let rules = new Map<string, ConfigRule>();
  let below: DecodedLayer | undefined;
  for (const layer of layers) {
    if (layer.shape === 'none') {
      dropDenied(rules, layer);
      continue;
    }
    const [first] = layer.allow;
    if (below !== undefined && below.shape !== layer.shape && first !== undefined) {
      const words = `network: this layer writes its allow rules as a ${layer.shape} and ${below.source.file} as a ${below.shape}; Codex itself may refuse that mix`;
      findings.push(warning(first.ref.origin, words));
    }
    if (layer.shape === 'list') rules = new Map();
    dropDenied(rules, layer);
    for (const rule of layer.allow) rules.set(rule.pattern.text, rule);
    below = layer;
  }
  return [...rules.values()];
}

/** A higher deny of the same pattern takes the lower allow's place; it would win anyway. */
function dropDenied(rules: Map<string, ConfigRule>, layer: DecodedLayer): void {
  for (const rule of layer.deny) rules.delete(rule.pattern.text);
}

/** `file:line:column`. */
export function place(origin: Origin): string {
  return `${origin.file}:${origin.line}:${origin.column}`;
}

function warning(origin: Origin, message: string): Finding {
  const { file, line, column } = origin;
  return { severity: 'warning', file, line, column, message };
}
