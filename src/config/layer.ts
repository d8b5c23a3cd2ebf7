// What a layer is before, during and after decoding, and how a decoding reports: shared by decode.ts and
// rule-lists.ts.
import type { Layer, Origin } from '../policy/decision.ts';
import type { ConfigRule, Hook, LayerSource } from './config.ts';
import type { Env, Exporter } from './exporter.ts';
import type { Finding } from './finding.ts';
import type { Locate, Path } from './locate.ts';

/** The text of one layer. */
export interface LayerText {
  readonly layer: Layer;
  readonly dialect: 'own' | 'codex';
  readonly file: string;
  /** Absolute; relative paths in the text start here. */
  readonly folder: string;
  readonly text: string;
}

/** What decoding asks of the outside. */
export interface DecodeContext {
  readonly env: Env;
  readonly presets: readonly string[];
  /** The shipped preset of this name, or what is wrong with it. */
  readonly readPreset: (
    name: string,
  ) => { readonly file: string; readonly text: string } | { readonly problem: string };
  /** What is wrong with the file at this absolute path, or undefined. */
  readonly checkFile: (path: string) => string | undefined;
}

/** One effective scalar, exporter or hook with its place. */
export interface Setting {
  readonly value: boolean | number | string | Exporter | Hook;
  readonly origin: Origin;
}

/** A layer after decoding: what could be read of it, which is all of it when there is no error. */
export interface DecodedLayer {
  readonly source: LayerSource;
  readonly settings: ReadonlyMap<string, Setting>;
  /** How the layer spelled its allow rules; a list replaces lower ones, a map joins them. */
  readonly shape: 'none' | 'list' | 'map';
  readonly allow: readonly ConfigRule[];
  readonly deny: readonly ConfigRule[];
  /** Files of presets that were read. */
  readonly presetFiles: readonly string[];
  readonly findings: readonly Finding[];
}

/** A decoding under way: the text's own facts and the collections being filled. */
export interface Work {
  readonly text: LayerText;
  readonly context: DecodeContext;
  readonly locate: Locate;
  /** Set for a preset, which may hold only the two lists. */
  readonly preset: boolean;
  readonly settings: Map<string, Setting>;
  readonly allow: ConfigRule[];
  readonly deny: ConfigRule[];
  readonly presetFiles: string[];
  readonly findings: Finding[];
}

/** A layer without anything in it. */
export function emptyLayer(source: LayerSource): DecodedLayer {
  return {
    source,
    settings: new Map(),
    shape: 'none',
    allow: [],
    deny: [],
    presetFiles: [],
    findings: [],
  };
}

/** An empty decoding of this text. */
export function startWork(
  text: LayerText,
  context: DecodeContext,
  locate: Locate,
  preset: boolean,
): Work {
  return {
    text,
    context,
    locate,
    preset,
    settings: new Map(),
    allow: [],
    deny: [],
    presetFiles: [],
    findings: [],
  };
}

/** Where the value at `path` (or its key) stands, as the layer's own place. */
export function originOf(work: Work, path: Path, part: 'key' | 'value' = 'value'): Origin {
  const { layer, file } = work.text;
  return { layer, file, ...work.locate(path, part) };
}

/** Notes a finding at the value (or key) at `path`. */
export function report(
  work: Work,
  path: Path,
  message: string,
  part: 'key' | 'value' = 'value',
  severity: Finding['severity'] = 'error',
): void {
  work.findings.push({ severity, file: work.text.file, ...work.locate(path, part), message });
}
