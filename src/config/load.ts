// Reads every layer, checks all of it and says all mistakes at once, or gives the whole Config.
// There is no half: a mistake anywhere means no Config (the caller keeps the last one, or refuses to start).
import { readdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Config, WatchedFiles } from './config.ts';
import { decodeLayer } from './decode.ts';
import { emptyLayer, type DecodeContext, type DecodedLayer } from './layer.ts';
import { makeConfig } from './effective.ts';
import type { Env } from './exporter.ts';
import type { Finding } from './finding.ts';
import { mergeLayers } from './merge.ts';
import {
  checkFile,
  folderOf,
  managedSources,
  readSource,
  readTextFile,
  shippedFolder,
  userFile,
  userSource,
  type Source,
} from './sources.ts';
import { joinStamps, stampFileSync } from './stamp.ts';

/** What loading depends on. */
export interface LoadOptions {
  /** `--config FILE`; wins over `$SALLYPORT_CONFIG`. */
  readonly configFile?: string | undefined;
  /** The daemon's environment: SALLYPORT_CONFIG, XDG and OTEL_* variables, `${NAME}` in headers. */
  readonly env: Env;
  readonly platform: NodeJS.Platform;
  /** The managed places, lowest first; only tests set it, nothing a user can write does. */
  readonly managedFiles?: readonly Source[] | undefined;
  /** Texts that stand in for files, by their name in a source: what a draft would do. */
  readonly drafts?: Drafts | undefined;
}

/** Texts by the name of the file they stand in for. */
export type Drafts = ReadonlyMap<string, string>;

/** The configuration with its warnings, or every finding when at least one is an error. */
export type LoadResult =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly Finding[] }
  | { readonly ok: false; readonly findings: readonly Finding[] };

/** Loads the effective configuration. Never throws; reads files synchronously. */
export function loadConfig(options: LoadOptions): LoadResult {
  const { env, drafts } = options;
  const { sources, awaited } = findSources(options);
  return loadSources(sources, createContext(env), awaited, drafts);
}

/** The places that `loadConfig` reads, lowest first, and those where a file would count once it appears. */
export function findSources(options: LoadOptions): {
  readonly sources: readonly Source[];
  readonly awaited: readonly string[];
} {
  const { configFile, env, platform, drafts } = options;
  const managed = options.managedFiles ?? managedSources(platform, userName());
  const user = userSource(configFile, env, platform);
  if (user.layer !== 'default') return { sources: [user, ...managed], awaited: [] };
  // With the shipped default in force, a user's file takes over as soon as it appears.
  const own = userFile(env, platform);
  if (drafts?.has(own) !== true) return { sources: [user, ...managed], awaited: [own] };
  return { sources: [{ ...user, layer: 'user', file: own }, ...managed], awaited: [] };
}

/** Loads exactly these sources, lowest first; `awaited` are further places to watch. */
export function loadSources(
  sources: readonly Source[],
  context: DecodeContext,
  awaited: readonly string[] = [],
  drafts?: Drafts,
): LoadResult {
  const read: string[] = [];
  const absent = [...awaited];
  // Before the reading, so that a write in between still looks like a change.
  const stamps = new Map([...sources.map(({ file }) => file), ...awaited].map(stamped));
  const layers: DecodedLayer[] = [];
  for (const source of sources) {
    const layer = loadSource(source, context, drafts);
    (layer === undefined ? absent : read).push(source.file);
    if (layer === undefined) continue;
    layers.push(layer);
    read.push(...layer.presetFiles);
  }
  const lines = [...read, ...absent].map((file) => stamps.get(file) ?? stampFileSync(file));
  return assemble(layers, { read, absent, stamp: joinStamps(lines) }, context);
}

function stamped(file: string): readonly [string, string] {
  return [file, stampFileSync(file)];
}

/** Merges decoded layers and judges the whole. */
export function assemble(
  layers: readonly DecodedLayer[],
  files: WatchedFiles,
  context: DecodeContext,
): LoadResult {
  const merged = mergeLayers(layers);
  const sources = layers.map(({ source }) => source);
  const made = makeConfig({ merged, layers: sources, files, context });
  const findings = [
    ...layers.flatMap((layer) => layer.findings),
    ...merged.findings,
    ...made.findings,
  ];
  const failed = findings.some(({ severity }) => severity === 'error');
  const sorted = inFileOrder(findings);
  if (failed) return { ok: false, findings: sorted };
  return { ok: true, config: made.config, warnings: sorted };
}

/** By file in the order the files were read, and by place within each. */
function inFileOrder(findings: readonly Finding[]): readonly Finding[] {
  const files = [...new Set(findings.map(({ file }) => file))];
  const order = new Map(files.map((file, index) => [file, index]));
  const rank = (finding: Finding): number => order.get(finding.file) ?? 0;
  return findings.toSorted((a, b) => rank(a) - rank(b) || a.line - b.line || a.column - b.column);
}

function loadSource(
  source: Source,
  context: DecodeContext,
  drafts: Drafts | undefined,
): DecodedLayer | undefined {
  const { layer, file, dialect } = source;
  const draft = drafts?.get(file);
  const read = draft === undefined ? readSource(source) : ({ kind: 'text', text: draft } as const);
  if (read.kind === 'text') {
    return decodeLayer({ layer, dialect, file, folder: folderOf(file), text: read.text }, context);
  }
  if (read.kind === 'missing' && !source.required) return undefined;
  const [line, message] =
    read.kind === 'missing'
      ? [1, 'the file does not exist; create it or name another']
      : [read.line, `the file ${read.problem}`];
  const finding: Finding = { severity: 'error', file, line, column: 1, message };
  return { ...emptyLayer({ layer, file }), findings: [finding] };
}

/** The real outside: shipped presets, the file system, the given environment. */
export function createContext(env: Env): DecodeContext {
  return { env, presets: presetNames(), readPreset, checkFile };
}

const notPresets = new Set(['default.toml', 'example.toml']);

/** Names of the shipped presets, sorted; none when the installation is broken. */
export function presetNames(): readonly string[] {
  let files: readonly string[];
  try {
    files = readdirSync(shippedFolder);
  } catch {
    return [];
  }
  return files
    .filter((file) => file.endsWith('.toml') && !notPresets.has(file))
    .map((file) => file.slice(0, -'.toml'.length))
    .toSorted();
}

/** The text of a shipped preset. */
export function readPreset(name: string): ReturnType<DecodeContext['readPreset']> {
  const file = join(shippedFolder, `${name}.toml`);
  const read = readTextFile(file);
  if (read.kind === 'text') return { file, text: read.text };
  return {
    problem: `the preset file ${file} ${read.kind === 'missing' ? 'is gone' : read.problem}`,
  };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return ''; // a user id without an entry: then there are no preferences of that user either
  }
}
