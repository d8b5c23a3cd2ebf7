// `sallyport presets [NAME]`: lists or prints the rule files shipped with sallyport. Package registries
// are never written down: they are asked of npm, pip and cargo when this runs, and printed for a person to
// paste. They are not read when the daemon loads, since the program behind the gate can edit those settings.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { isTable, parseDocument } from '../config/toml.ts';
import { nearest, quote } from '../config/finding.ts';
import { presetNames, readPreset } from '../config/load.ts';
import { readTextFile } from '../config/sources.ts';
import { readHttpUrl } from '../config/value.ts';
import { SallyportError } from '../errors.ts';
import { formatHostPort, parseHost } from '../policy/destination.ts';
import { homeFolder } from '../state.ts';
import { exitCodes, type Command, type CommandIo } from './command.ts';
import { readOptions } from './options.ts';
import { escapeText, renderJson } from './render.ts';

const registriesName = 'package-registries';

const usage = `usage: sallyport presets [NAME] [--json]

Without NAME lists the presets; with NAME prints one, ready to paste into your configuration or to
name there as presets = ["NAME"]. ${registriesName} is made on the spot from what npm, pip and cargo
say on this machine; it can only be pasted. With --json an object with "presets" (name, about), or
with "name" and "toml".

exit code: 0 printed, 1 the preset cannot be read, 2 usage
`;

/** The command. */
export const presetsCommand: Command = {
  name: 'presets',
  summary: 'list or print rule files to use or paste',
  usage,
  run: runPresets,
};

async function runPresets(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = readOptions(args, { json: { type: 'boolean', default: false } });
  const [name, ...more] = positionals;
  const names = [...presetNames(), registriesName];
  if (name === undefined) {
    const presets = names.map((each) => ({ name: each, about: aboutPreset(each) }));
    const lines = presets.map((each) => `  ${each.name.padEnd(20)} ${each.about}\n`);
    io.stdout(values.json ? renderJson({ presets }) : lines.join(''));
    return exitCodes.done;
  }
  if (more.length > 0 || !names.includes(name)) throw unknownPreset(name, names);
  const toml = await presetText(name, io);
  io.stdout(values.json ? renderJson({ name, toml }) : toml);
  return exitCodes.done;
}

async function presetText(name: string, { env }: CommandIo): Promise<string> {
  if (name === registriesName) {
    return renderRegistries(await collectRegistries(createRunner(env), env));
  }
  const preset = readPreset(name);
  if ('problem' in preset) throw new SallyportError('ERR_CONFIG_READ', preset.problem);
  return preset.text;
}

function unknownPreset(name: string, names: readonly string[]): SallyportError {
  const near = nearest(name, names);
  const hint =
    near === undefined ? `expected one of ${names.join(', ')}` : `did you mean "${near}"?`;
  return new SallyportError('ERR_USAGE', `presets: ${quote(name)} is not a preset; ${hint}`);
}

/** The first line of the file's own comment. */
function aboutPreset(name: string): string {
  const preset = name === registriesName ? undefined : readPreset(name);
  const text = preset !== undefined && 'text' in preset ? preset.text : '';
  const about = /^# Preset "[^"]*": (.*)$/m.exec(text)?.[1];
  return about ?? 'the registries that npm, pip and cargo name on this machine';
}

/** Runs a tool and gives what it printed, or undefined when it is not there, fails or takes too long. */
export type RunTool = (tool: string, args: readonly string[]) => Promise<string | undefined>;

const toolLimitMs = 10_000;

function createRunner(env: CommandIo['env']): RunTool {
  return (tool, args) =>
    new Promise((settle) => {
      const options = {
        env,
        timeout: toolLimitMs,
        killSignal: 'SIGKILL',
        maxBuffer: 4_194_304,
      } as const;
      // A failure to start arrives in the callback like any other.
      const child = execFile(tool, args, options, (error, stdout) => {
        settle(error === null ? stdout : undefined);
      });
      child.stdin?.end();
    });
}

/** A registry host, or a word about a tool that named none. */
export interface RegistryLine {
  /** `host:port`; undefined: only the comment. */
  readonly rule: string | undefined;
  readonly comment: string;
}

/** Asks every tool; never rejects. */
export async function collectRegistries(
  run: RunTool,
  env: CommandIo['env'],
): Promise<readonly RegistryLine[]> {
  const lines = await Promise.all([npmRegistries(run), pipRegistries(run)]);
  return [...lines.flat(), ...cargoRegistries(env)];
}

/** The TOML to paste. */
export function renderRegistries(lines: readonly RegistryLine[]): string {
  const seen = new Set<string>();
  const entries = lines.map(({ rule, comment }) => {
    if (rule === undefined || seen.has(rule)) return `  # ${escapeText(comment)}\n`;
    seen.add(rule);
    return `  ${JSON.stringify(rule)},  # ${escapeText(comment)}\n`;
  });
  return `# Package registries as the tools of this machine name them. Downloads may come from further hosts;
# sallyport asks about those when they come up.
[network]
allowed_domains = [
${entries.join('')}]
`;
}

async function npmRegistries(run: RunTool): Promise<readonly RegistryLine[]> {
  const printed = await run('npm', ['config', 'list', '--json']);
  if (printed === undefined) return [silent('npm', 'not found, or it does not answer')];
  let settings: unknown;
  try {
    settings = JSON.parse(printed);
  } catch {
    return [silent('npm', 'its settings are not readable')];
  }
  if (typeof settings !== 'object' || settings === null) return [silent('npm', 'no settings')];
  return Object.entries(settings)
    .filter(([key]) => key === 'registry' || key.endsWith(':registry'))
    .map(([key, value]) => lineFor(value, `npm, ${key}`));
}

/** What is configured, else the default that pip's own help names. */
async function pipRegistries(run: RunTool): Promise<readonly RegistryLine[]> {
  const [listed, help] = await Promise.all([
    run('pip', ['config', 'list']),
    run('pip', ['install', '--help']),
  ]);
  if (listed === undefined && help === undefined) {
    return [silent('pip', 'not found, or it does not answer')];
  }
  const settings = [...(listed ?? '').matchAll(/^(\S*(?:extra-)?index-url)='(.*)'$/gm)];
  const lines = settings.flatMap(([, key = '', urls = '']) =>
    urls
      .split(/\\n|\s+/)
      .filter((url) => url !== '')
      .map((url) => lineFor(url, `pip, ${key}`)),
  );
  const replaced = settings.some(([, key = '']) => !key.endsWith('extra-index-url'));
  const fallback = /\(default\s+(https?:\/\/[^\s)]+)/.exec(help ?? '')?.[1];
  if (replaced || fallback === undefined) return lines;
  return [...lines, lineFor(fallback, 'pip, its default')];
}

/** Cargo has no command that prints its settings, so its file is read. */
function cargoRegistries(env: CommandIo['env']): readonly RegistryLine[] {
  const named = env['CARGO_HOME'];
  // empty is unset to Cargo, and to us it would mean the current folder
  const home = named === undefined || named === '' ? join(homeFolder(env), '.cargo') : named;
  const file = join(home, 'config.toml');
  const read = readTextFile(file);
  const parsed = read.kind === 'text' ? parseDocument(read.text) : undefined;
  const lines = parsed?.ok === true ? cargoSources(parsed.value.root) : [];
  if (lines.length > 0) return lines;
  const words = 'names none in its config.toml; its default is asked about when it comes up';
  return [silent('cargo', words)];
}

function cargoSources(root: Readonly<Record<string, unknown>>): readonly RegistryLine[] {
  return [
    ...namesIn(root['registries'], 'index', 'registries'),
    ...namesIn(root['source'], 'registry', 'source'),
  ];
}

function namesIn(table: unknown, key: string, name: string): readonly RegistryLine[] {
  if (!isTable(table)) return [];
  return Object.entries(table).flatMap(([entry, value]) => {
    const url = isTable(value) ? value[key] : undefined;
    return typeof url === 'string' ? [lineFor(url, `cargo, ${name}.${entry}`)] : [];
  });
}

/** Only host and port are shown: such addresses may carry passwords and tokens. */
function lineFor(value: unknown, comment: string): RegistryLine {
  const text = typeof value === 'string' ? value.replace(/^sparse\+/, '') : value;
  const bare = typeof text === 'string' ? text.replace(/^(https?:\/\/)[^/@]*@/i, '$1') : text;
  const url = readHttpUrl(bare);
  if (!url.ok) return { rule: undefined, comment: `${comment}: not a web address` };
  const host = parseHost(url.value.hostname);
  if (!host.ok) return { rule: undefined, comment: `${comment}: not a web address` };
  const fallback = url.value.protocol === 'https:' ? 443 : 80;
  const port = url.value.port === '' ? fallback : Number(url.value.port);
  return { rule: formatHostPort(host.value.text, host.value.kind, port), comment };
}

function silent(tool: string, words: string): RegistryLine {
  return { rule: undefined, comment: `${tool}: ${words}` };
}
