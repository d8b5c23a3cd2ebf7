// One document to one layer: known tables and keys, each value checked, every mistake reported with
// its place. Layers are put together in merge.ts.
import type { Parsed } from '../policy/destination.ts';
import type { LayerSource } from './config.ts';
import { readExporter } from './exporter.ts';
import { nearest, quote, type Finding } from './finding.ts';
import { readHook } from './hook.ts';
import {
  emptyLayer,
  originOf,
  report,
  startWork,
  type DecodeContext,
  type DecodedLayer,
  type LayerText,
  type Setting,
  type Work,
} from './layer.ts';
import type { Path } from './locate.ts';
import { readPatternMap, readPatterns } from './rule-lists.ts';
import { codexKeys, findKey, keysOf, tables, type KeySpec } from './schema.ts';
import { isTable, parseDocument, type Table } from './toml.ts';
import { isScalar, readScalar, wrongType } from './value.ts';

/** Decodes one layer. Never throws. */
export function decodeLayer(text: LayerText, context: DecodeContext): DecodedLayer {
  const { layer, file } = text;
  const parsed = parseDocument(text.text);
  const source: LayerSource = { layer, file };
  if (!parsed.ok) {
    const message = `not valid TOML: ${parsed.problem}`;
    const finding: Finding = { severity: 'error', file, ...parsed.place, message };
    return { ...emptyLayer(source), findings: [finding] };
  }
  const work = startWork(text, context, parsed.value.locate, false);
  readTables(work, parsed.value.root);
  const { settings, allow, deny, presetFiles, findings } = work;
  const shape = shapeOf(parsed.value.root, text.dialect);
  return { source, settings, shape, allow, deny, presetFiles, findings };
}

/** The table of this document that holds our `[network]`. */
function networkName(dialect: LayerText['dialect']): string {
  return dialect === 'codex' ? 'experimental_network' : 'network';
}

function shapeOf(root: Table, dialect: LayerText['dialect']): DecodedLayer['shape'] {
  const network = root[networkName(dialect)];
  if (!isTable(network)) return 'none';
  if (network['domains'] !== undefined) return 'map';
  const lists = ['allowed_domains', 'presets'];
  return lists.some((name) => network[name] !== undefined) ? 'list' : 'none';
}

function readTables(work: Work, root: Table): void {
  for (const [name, value] of Object.entries(root)) {
    const table = tableOf(work, name);
    if (table === undefined) continue;
    if (isTable(value)) readTable(work, name, table, value);
    else report(work, [name], `${name}: ${wrongType(value, `a table, [${name}]`).problem}`);
  }
}

/** Our name of a top-level table, or undefined when it is not ours (reported where that is a mistake). */
function tableOf(work: Work, name: string): string | undefined {
  const codex = work.text.dialect === 'codex';
  const known = codex ? ['experimental_network', 'otel'] : Object.keys(tables);
  if (known.includes(name)) return name === 'experimental_network' ? 'network' : name;
  if (codex && name === 'network') {
    report(work, [name], `network: Codex's file spells this table [experimental_network]`, 'key');
    return undefined;
  }
  if (!codex && name === 'experimental_network') {
    report(work, [name], `experimental_network: in sallyport's own files this is [network]`, 'key');
    return undefined;
  }
  const near = nearest(name, known);
  if (codex && near === undefined) return undefined; // one of Codex's many other tables
  const hint = hintFor(near, name, `expected one of ${Object.keys(tables).join(', ')}`);
  report(work, [name], `${quote(name)} is not known here; ${hint}`, 'key');
  return undefined;
}

/** What to do about a key that is not known here: a near miss, the table that has it, or `otherwise`. */
function hintFor(near: string | undefined, key: string, otherwise: string): string {
  if (near !== undefined) return `did you mean "${near}"?`;
  const owner = Object.keys(tables).find((table) => keysOf(table).includes(key));
  return owner === undefined ? otherwise : `it belongs in [${owner}]`;
}

function readTable(work: Work, name: string, table: string, value: Table): void {
  for (const [key, entry] of Object.entries(value)) {
    const spec = findKey(`${table}.${key}`);
    if (spec === undefined) unknownKey(work, name, table, key);
    else if (mayStand(work, name, spec)) readKey(work, name, key, spec, entry);
  }
  if (table === 'network') refuseBothShapes(work, name, value);
}

function unknownKey(work: Work, name: string, table: string, key: string): void {
  const codexOwn = codexKeys[table]?.includes(key) ?? false;
  const codex = work.text.dialect === 'codex';
  if (codexOwn) {
    if (codex && table === 'otel') return;
    const words = `${name}.${key}: is a key of Codex that sallyport does not act on`;
    report(work, [name, key], words, 'key', 'warning');
    return;
  }
  const near = nearest(key, keysOf(table));
  const severity = codex && near === undefined ? 'warning' : 'error';
  const hint = hintFor(near, key, `its keys are ${keysOf(table).join(', ')}`);
  report(
    work,
    [name, key],
    `${name}: ${quote(key)} is not a key of [${name}]; ${hint}`,
    'key',
    severity,
  );
}

/** Reports a key that this layer or file may not set. */
function mayStand(work: Work, name: string, spec: KeySpec): boolean {
  const layer = work.text.layer === 'default' ? 'user' : work.text.layer;
  const key = spec.path.slice(spec.path.indexOf('.') + 1);
  if (work.preset && !['network.allowed_domains', 'network.denied_domains'].includes(spec.path)) {
    report(
      work,
      [name, key],
      `${spec.path}: a preset holds only allowed_domains and denied_domains`,
      'key',
    );
    return false;
  }
  if (spec.layers.includes(layer)) return true;
  const words =
    layer === 'user'
      ? 'may stand only in a managed file (/etc/sallyport/requirements.toml)'
      : "is not a key of Codex's file; write it in /etc/sallyport/requirements.toml";
  report(work, [name, key], `${name}.${key}: ${words}`, 'key');
  return false;
}

function readKey(work: Work, name: string, key: string, spec: KeySpec, value: unknown): void {
  const { type } = spec;
  if (isScalar(type)) {
    readSetting(work, [name, key], spec, readScalar(type, value, work.text.folder));
  } else if (type.kind === 'hook') {
    readSetting(work, [name, key], spec, readHook(value, work.text.folder));
  } else if (type.kind === 'exporter') {
    readExporterKey(work, [name, key], spec, value);
  } else if (type.kind === 'patterns') {
    readPatterns(work, [name, key], value, type.outcome);
  } else if (type.kind === 'pattern-map') {
    readPatternMap(work, [name, key], value);
  } else {
    readPresets(work, [name, key], value);
  }
}

function readSetting(work: Work, path: Path, spec: KeySpec, read: Parsed<Setting['value']>): void {
  if (!read.ok) {
    report(work, path, `${path.join('.')}: ${read.problem}`);
    return;
  }
  const missing =
    spec.type.kind === 'file' && typeof read.value === 'string'
      ? work.context.checkFile(read.value)
      : undefined;
  if (missing !== undefined) report(work, path, `${path.join('.')}: ${missing}`);
  else work.settings.set(spec.path, { value: read.value, origin: originOf(work, path) });
}

function readExporterKey(work: Work, path: Path, spec: KeySpec, value: unknown): void {
  const exporter = readExporter(value, {
    env: work.context.env,
    folder: work.text.folder,
    checkFile: work.context.checkFile,
    report: (inner, problem, part) => {
      report(work, [...path, ...inner], `${path.join('.')}: ${problem}`, part);
    },
  });
  if (exporter === undefined) return;
  work.settings.set(spec.path, { value: exporter, origin: originOf(work, path) });
}

function readPresets(work: Work, path: Path, value: unknown): void {
  const name = path.join('.');
  if (!Array.isArray(value)) {
    report(
      work,
      path,
      `${name}: ${wrongType(value, 'a list of preset names, such as ["codex"]').problem}`,
    );
    return;
  }
  for (const [index, preset] of value.entries()) {
    readPreset(work, [...path, index], `${name}[${index}]`, preset);
  }
}

function readPreset(work: Work, path: Path, name: string, preset: unknown): void {
  const { presets } = work.context;
  if (typeof preset !== 'string' || !presets.includes(preset)) {
    const near = typeof preset === 'string' ? nearest(preset, presets) : undefined;
    const hint =
      near === undefined ? `expected one of ${presets.join(', ')}` : `did you mean "${near}"?`;
    const written =
      typeof preset === 'string' ? `${quote(preset)} is not a preset` : 'is not a string';
    report(work, path, `${name}: ${written}; ${hint}`);
    return;
  }
  const file = work.context.readPreset(preset);
  if ('problem' in file) report(work, path, `${name}: ${file.problem}`);
  else includePreset(work, file);
}

/** Adds a preset's rules to this layer; they keep the preset's own file and line. */
function includePreset(work: Work, preset: { readonly file: string; readonly text: string }): void {
  work.presetFiles.push(preset.file);
  const parsed = parseDocument(preset.text);
  if (!parsed.ok) {
    const message = `not valid TOML: ${parsed.problem}`;
    work.findings.push({ severity: 'error', file: preset.file, ...parsed.place, message });
    return;
  }
  const text: LayerText = { ...work.text, ...preset, dialect: 'own' };
  const inner = startWork(text, work.context, parsed.value.locate, true);
  readTables(inner, parsed.value.root);
  work.allow.push(...inner.allow);
  work.deny.push(...inner.deny);
  work.findings.push(...inner.findings);
}

function refuseBothShapes(work: Work, name: string, table: Table): void {
  if (table['domains'] === undefined) return;
  for (const list of ['allowed_domains', 'denied_domains']) {
    if (table[list] === undefined) continue;
    const { line } = work.locate([name, list], 'key');
    const words = `cannot stand together with ${list} (line ${line}) in one file; move its entries there or drop the list`;
    report(work, [name, 'domains'], `${name}.domains: ${words}`, 'key');
  }
}
