// Configuration layers from texts alone: no file system, no machine, no environment but what is given.
import type { WatchedFiles } from '../../src/config/config.ts';
import { decodeLayer } from '../../src/config/decode.ts';
import type { DecodeContext, DecodedLayer, LayerText } from '../../src/config/layer.ts';
import { formatFinding } from '../../src/config/finding.ts';
import { assemble, type LoadResult } from '../../src/config/load.ts';

/** A layer's name and text; the file is named after the layer. */
export type Texts = Partial<Record<LayerText['layer'], string>>;

const order = ['user', 'codex-requirements', 'requirements', 'managed-preferences'] as const;
const files: WatchedFiles = { read: [], absent: [], stamp: '' };

/** The text of the preset `git`. */
export const gitPreset = '[network]\nallowed_domains = ["git.example"]\n';

/** `codex` is gone; `broken` and `wide` are what no shipped preset may be. */
const presetTexts: Readonly<Record<string, string | undefined>> = {
  codex: undefined,
  git: gitPreset,
  broken: '[network\n',
  wide: '[network]\nmode = "full"\n',
};

/** A context with a few presets and no files but those that end in `.pem`. */
export function fakeContext(env: DecodeContext['env'] = {}): DecodeContext {
  return {
    env,
    presets: Object.keys(presetTexts),
    readPreset: (name) => {
      const text = Object.hasOwn(presetTexts, name) ? presetTexts[name] : undefined;
      if (text === undefined) return { problem: `the preset file ${name}.toml is gone` };
      return { file: `${name}.toml`, text };
    },
    checkFile: (path) => (path.endsWith('.pem') ? undefined : `the file ${path} does not exist`),
  };
}

/** Decodes one text as this layer. */
export function decodeText(
  layer: LayerText['layer'],
  text: string,
  env: DecodeContext['env'] = {},
): DecodedLayer {
  const codex = layer === 'codex-requirements' || layer === 'managed-preferences';
  const dialect = codex ? 'codex' : 'own';
  return decodeLayer(
    { layer, dialect, file: fileOf(layer), folder: '/conf', text },
    fakeContext(env),
  );
}

/** Loads the layers as `loadConfig` would load files. */
export function loadTexts(texts: Texts, env: DecodeContext['env'] = {}): LoadResult {
  const layers = order.flatMap((layer) => {
    const text = texts[layer];
    return text === undefined ? [] : [decodeText(layer, text, env)];
  });
  return assemble(layers, files, fakeContext(env));
}

/** Every finding as the line a person sees. */
export function linesOf(result: LoadResult): readonly string[] {
  return (result.ok ? result.warnings : result.findings).map(formatFinding);
}

function fileOf(layer: LayerText['layer']): string {
  return layer === 'user' ? 'config.toml' : `${layer}.toml`;
}
