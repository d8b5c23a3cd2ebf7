// `sallyport check [FILE…]`: validates configuration files. Reads files, starts nothing, dials nothing.
import { basename } from 'node:path';
import { parseDocument } from '../config/toml.ts';
import { formatFinding, type Finding } from '../config/finding.ts';
import { createContext, loadConfig, loadSources, type LoadResult } from '../config/load.ts';
import { readTextFile } from '../config/sources.ts';
import { exitCodes, type Command, type CommandIo } from './command.ts';
import { readOptions } from './options.ts';
import { renderCount, renderJsonLine } from './render.ts';
import { escapePrintable } from '../policy/printable.ts';

/** What was found in one file, or in the whole effective configuration. */
interface Checked {
  readonly name: string;
  readonly result: LoadResult;
}

const usage = `usage: sallyport check [FILE…] [--json]

Validates configuration: every mistake with file:line:column, what was expected and what to write.
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
  const checked =
    files.length === 0 ? [checkEffective(io)] : files.map((file) => checkFile(file, io));
  if (values.json) io.stdout(renderJsonLine(toJson(checked)));
  else for (const one of checked) io.stdout(toText(one));
  return checked.every(({ result }) => result.ok) ? exitCodes.done : exitCodes.failed;
}

function checkEffective({ env }: CommandIo): Checked {
  return { name: 'configuration', result: loadConfig({ env, platform: process.platform }) };
}

function checkFile(file: string, { env }: CommandIo): Checked {
  if (basename(file) !== 'requirements.toml') {
    return {
      name: file,
      result: loadConfig({ configFile: file, env, platform: process.platform }),
    };
  }
  const dialect = isCodexDocument(file) ? 'codex' : 'own';
  const layer = dialect === 'codex' ? 'codex-requirements' : 'requirements';
  const source = { layer, dialect, file, format: 'toml', required: true } as const;
  return { name: file, result: loadSources([source], createContext(env)) };
}

/** Codex's own requirements have no table of ours; ours have nothing else. */
function isCodexDocument(file: string): boolean {
  const read = readTextFile(file);
  const parsed = read.kind === 'text' ? parseDocument(read.text) : undefined;
  if (parsed?.ok !== true) return false;
  const names = Object.keys(parsed.value.root);
  return names.includes('experimental_network') || !names.includes('network');
}

function findingsOf(result: LoadResult): readonly Finding[] {
  return result.ok ? result.warnings : result.findings;
}

function toText({ name, result }: Checked): string {
  const lines = findingsOf(result).map((finding) => `${formatFinding(finding)}\n`);
  return `${lines.join('')}${escapePrintable(name)}: ${summary(result)}\n`;
}

function summary(result: LoadResult): string {
  const findings = findingsOf(result);
  const warnings = findings.filter(({ severity }) => severity === 'warning').length;
  const tail = warnings === 0 ? '' : `, ${renderCount(warnings, 'warning')}`;
  if (!result.ok) return `${renderCount(findings.length - warnings, 'mistake')}${tail}`;
  const { rules, layers } = result.config;
  const allow = rules.filter(({ ref }) => ref.outcome === 'allow').length;
  const names = layers.map(({ layer, file }) => `${layer} (${file})`).join(', ');
  return `ok${tail}; ${allow} allow and ${rules.length - allow} deny rules from ${names}`;
}

function toJson(checked: readonly Checked[]): unknown {
  const files = checked.map(({ name, result }) => ({
    file: name,
    ok: result.ok,
    findings: findingsOf(result),
  }));
  return { ok: files.every(({ ok }) => ok), files };
}
