// `sallyport check [FILE…]`: validates configuration files. Reads files, starts nothing, dials nothing.
import { basename } from 'node:path';
import { findConflicts } from '../config/conflicts.ts';
import { formatFinding, type Finding } from '../config/finding.ts';
import { createContext, loadConfig, loadSources, type LoadResult } from '../config/load.ts';
import { readTextFile } from '../config/sources.ts';
import { parseDocument } from '../config/toml.ts';
import { exitCodes, type Command, type CommandIo } from './command.ts';
import { readOptions } from './options.ts';
import { escapeText, renderCount, renderJsonLine } from './render.ts';

/** What was found in one file, or in the whole effective configuration. */
interface Checked {
  readonly name: string;
  readonly result: LoadResult;
  readonly findings: readonly Finding[];
}

const usage = `usage: sallyport check [FILE…] [--json]

Validates configuration: every mistake with file:line:column, what was expected and what to write; and
warnings, among them rules that contradict or repeat each other.
Without FILE it checks what the daemon would load here: your file, or the shipped default, and the
managed files of this machine. A FILE named requirements.toml is checked as a managed file, any
other as your configuration under this machine's managed files.

  --json   {"ok", "files": [{"file", "ok", "findings": [{severity, file, line, column, message}]}]}

exit code: 0 nothing wrong (warnings may be shown), 1 mistakes, 2 usage
`;

/** The command. Exit code 1 when any file has a mistake. */
export const checkCommand: Command = {
  name: 'check',
  summary: 'validate configuration files; nothing is started',
  usage,
  run: (args, io) => Promise.resolve(runCheck(args, io)),
};

function runCheck(args: readonly string[], io: CommandIo): number {
  const { values, positionals: files } = readOptions(args, {
    json: { type: 'boolean', default: false },
  });
  const all = files.length === 0 ? [checkEffective(io)] : files.map((file) => checkFile(file, io));
  if (values.json) io.stdout(renderJsonLine(toJson(all)));
  else for (const one of all) io.stdout(toText(one));
  return all.every(({ result }) => result.ok) ? exitCodes.done : exitCodes.failed;
}

function checkEffective({ env }: CommandIo): Checked {
  return checked('configuration', loadConfig({ env, platform: process.platform }));
}

function checkFile(file: string, { env }: CommandIo): Checked {
  if (basename(file) !== 'requirements.toml') {
    return checked(file, loadConfig({ configFile: file, env, platform: process.platform }));
  }
  const dialect = isCodexDocument(file) ? 'codex' : 'own';
  const layer = dialect === 'codex' ? 'codex-requirements' : 'requirements';
  const source = { layer, dialect, file, format: 'toml', required: true } as const;
  return checked(file, loadSources([source], createContext(env)));
}

/** Codex's own requirements have no table of ours; ours have nothing else. */
function isCodexDocument(file: string): boolean {
  const read = readTextFile(file);
  const parsed = read.kind === 'text' ? parseDocument(read.text) : undefined;
  if (parsed?.ok !== true) return false;
  const names = Object.keys(parsed.value.root);
  return names.includes('experimental_network') || !names.includes('network');
}

function checked(name: string, result: LoadResult): Checked {
  return { name, result, findings: findingsOf(result) };
}

/** Of a configuration without mistakes also what contradicts or repeats each other in it, as the rules page shows. */
function findingsOf(result: LoadResult): readonly Finding[] {
  if (!result.ok) return result.findings;
  const { rules, layers } = result.config;
  return [...result.warnings, ...layers.flatMap(({ file }) => findConflicts(rules, file))];
}

function toText(one: Checked): string {
  const lines = one.findings.map((finding) => `${formatFinding(finding)}\n`);
  return `${lines.join('')}${escapeText(one.name)}: ${summary(one)}\n`;
}

function summary({ result, findings }: Checked): string {
  const warnings = findings.filter(({ severity }) => severity === 'warning').length;
  const tail = warnings === 0 ? '' : `, ${renderCount(warnings, 'warning')}`;
  if (!result.ok) return `${renderCount(findings.length - warnings, 'mistake')}${tail}`;
  const { rules, layers } = result.config;
  const allow = rules.filter(({ ref }) => ref.outcome === 'allow').length;
  const names = layers.map(({ layer, file }) => `${layer} (${file})`).join(', ');
  return `ok${tail}; ${allow} allow and ${rules.length - allow} deny rules from ${names}`;
}

function toJson(all: readonly Checked[]): unknown {
  const files = all.map(({ name, result, findings }) => ({ file: name, ok: result.ok, findings }));
  return { ok: files.every(({ ok }) => ok), files };
}
