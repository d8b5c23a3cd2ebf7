// Where configuration files live on each system, and how one is read: bounded, never blocking on a
// pipe, never following doubt. Managed places are fixed; no flag or variable moves them.
import { execFileSync } from 'node:child_process';
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, posix, resolve, win32 } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Layer } from '../policy/decision.ts';
import { homeFolder } from '../state.ts';
import type { Env } from './exporter.ts';

/** One place where a layer may stand. */
export interface Source {
  readonly layer: Layer;
  /** `codex`: `[experimental_network]` and `[otel]` among keys of Codex's; `own`: all our tables. */
  readonly dialect: 'own' | 'codex';
  readonly file: string;
  /** `toml`: the file is the document; `plist`: it is inside a property list, base64. */
  readonly format: 'toml' | 'plist';
  /** True when somebody named it: then its absence is a mistake. */
  readonly required: boolean;
}

/** What reading one file gave. A problem is a phrase that fits after `file: `. */
export type FileText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'problem'; readonly problem: string; readonly line: number };

/** Largest configuration file read, in bytes. */
const sizeLimit = 16 * 1024 * 1024;

/** The folder of the files shipped with sallyport: default, presets, example. */
export const shippedFolder = fileURLToPath(new URL('../../config/', import.meta.url));

/** The user's file: `--config`, `$SALLYPORT_CONFIG`, the platform's place, else the shipped default. */
export function userSource(
  configFile: string | undefined,
  env: Env,
  platform: NodeJS.Platform,
): Source {
  const named = configFile ?? nonEmpty(env['SALLYPORT_CONFIG']);
  const rest = { dialect: 'own', format: 'toml' } as const;
  if (named !== undefined) return { layer: 'user', ...rest, file: named, required: true };
  const file = userFile(env, platform);
  if (stands(file)) return { layer: 'user', ...rest, file, required: false };
  return {
    layer: 'default',
    ...rest,
    file: resolve(shippedFolder, 'default.toml'),
    required: true,
  };
}

/** True unless nothing at all has this name: an unreadable file or a dangling link must not count as none. */
function stands(file: string): boolean {
  try {
    lstatSync(file);
    return true;
  } catch (error) {
    return failure(error, file).kind !== 'missing';
  }
}

/** The platform's place of the user's file (XDG base directories, Library, AppData). */
export function userFile(env: Env, platform: NodeJS.Platform): string {
  if (platform === 'win32') {
    const home = nonEmpty(env['USERPROFILE']) ?? homedir();
    const roaming = nonEmpty(env['APPDATA']) ?? win32.join(home, 'AppData', 'Roaming');
    return win32.join(roaming, 'sallyport', 'config.toml');
  }
  const home = homeFolder(env);
  if (platform === 'darwin') {
    return posix.join(home, 'Library', 'Application Support', 'sallyport', 'config.toml');
  }
  const xdg = nonEmpty(env['XDG_CONFIG_HOME']);
  // The XDG specification says that a relative value is to be ignored.
  const base = xdg !== undefined && posix.isAbsolute(xdg) ? xdg : posix.join(home, '.config');
  return posix.join(base, 'sallyport', 'config.toml');
}

/** The managed places of this platform, lowest first. Windows and macOS preferences are untried. */
export function managedSources(platform: NodeJS.Platform, userName: string): readonly Source[] {
  const toml = { format: 'toml', required: false } as const;
  if (platform === 'win32') {
    // Not from %ProgramData%: the environment belongs to the user.
    const root = 'C:\\ProgramData';
    const codex = win32.join(root, 'OpenAI', 'Codex', 'requirements.toml');
    const own = win32.join(root, 'sallyport', 'requirements.toml');
    return [
      { layer: 'codex-requirements', dialect: 'codex', file: codex, ...toml },
      { layer: 'requirements', dialect: 'own', file: own, ...toml },
    ];
  }
  const files: Source[] = [
    {
      layer: 'codex-requirements',
      dialect: 'codex',
      file: '/etc/codex/requirements.toml',
      ...toml,
    },
    { layer: 'requirements', dialect: 'own', file: '/etc/sallyport/requirements.toml', ...toml },
  ];
  return platform === 'darwin' ? [...files, ...preferences(userName)] : files;
}

/** Only what a profile forces stands in these files; a user's own defaults do not. */
function preferences(userName: string): readonly Source[] {
  const folder = '/Library/Managed Preferences';
  const plist = 'com.openai.codex.plist';
  const files = [posix.join(folder, plist)];
  if (/^[\w.-]+$/.test(userName)) files.push(posix.join(folder, userName, plist));
  return files.map((file) => ({
    layer: 'managed-preferences',
    dialect: 'codex',
    file,
    format: 'plist',
    required: false,
  }));
}

/** Reads a source. Never throws. */
export function readSource(source: Source): FileText {
  const text = readTextFile(source.file);
  if (source.format === 'toml' || text.kind === 'missing') return text;
  return readPreferences(source.file);
}

/** Reads a UTF-8 text file of at most 16 MiB; pipes, devices and folders are refused. */
export function readTextFile(file: string): FileText {
  let bytes: Buffer | string;
  try {
    bytes = readBounded(file);
  } catch (error) {
    return failure(error, file);
  }
  return typeof bytes === 'string' ? trouble(bytes) : decode(bytes);
}

/** What is wrong with a file that is only named here and read elsewhere, or undefined. */
export function checkFile(file: string): string | undefined {
  try {
    const bytes = readBounded(file);
    return typeof bytes === 'string' ? `the file ${file} ${bytes}` : undefined;
  } catch (error) {
    const read = failure(error, file);
    return `the file ${file} ${read.kind === 'problem' ? read.problem : 'does not exist'}`;
  }
}

/** The bytes, or a phrase that says why not. Throws what the file system throws. */
function readBounded(file: string): Buffer | string {
  // O_NONBLOCK: opening a pipe must not wait for its writer.
  const descriptor = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stat = fstatSync(descriptor);
    if (stat.isDirectory()) return 'is a folder; name the file in it';
    if (!stat.isFile()) return 'is not a regular file';
    if (stat.size > sizeLimit) return tooLarge;
    return readAll(descriptor, stat.size);
  } finally {
    closeSync(descriptor);
  }
}

const tooLarge = 'is larger than 16 MiB; split the rules or use wider patterns';

/** The file may grow while it is read, so the limit counts what arrives. */
function readAll(descriptor: number, expected: number): Buffer | string {
  const chunks: Buffer[] = [];
  let total = 0;
  for (;;) {
    const chunk = Buffer.allocUnsafe(Math.max(4096, expected - total + 1));
    const count = readSync(descriptor, chunk);
    if (count === 0) return Buffer.concat(chunks, total);
    total += count;
    if (total > sizeLimit) return tooLarge;
    chunks.push(chunk.subarray(0, count));
  }
}

function failure(error: unknown, file: string): FileText {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return isLink(file) ? trouble('is a link to a file that is not there') : { kind: 'missing' };
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return trouble('cannot be read: permission denied; let the user of sallyport read it');
  }
  return trouble(`cannot be read (${typeof code === 'string' ? code : 'unknown error'})`);
}

function isLink(file: string): boolean {
  try {
    return lstatSync(file).isSymbolicLink();
  } catch {
    return false;
  }
}

function decode(bytes: Buffer): FileText {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    return trouble('is UTF-16 text; save it as UTF-8');
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return { kind: 'text', text };
  } catch {
    return trouble('is not UTF-8 text; save it as UTF-8', firstBadLine(bytes));
  }
}

/** The 1-based line of the first byte that is not UTF-8. */
function firstBadLine(bytes: Buffer): number {
  const lenient = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const good = Buffer.from(lenient);
  let line = 1;
  for (let index = 0; index < bytes.length && bytes[index] === good[index]; index += 1) {
    if (bytes[index] === 0x0a) line += 1;
  }
  return line;
}

/**
 * The document inside a managed preferences file: `requirements_toml_base64`. Untried on a real Mac;
 * whatever does not come out as expected is a problem (closed), only a missing key is no layer.
 */
function readPreferences(file: string): FileText {
  let xml: string;
  try {
    xml = execFileSync('/usr/bin/plutil', ['-convert', 'xml1', '-o', '-', file], {
      encoding: 'utf8',
      timeout: 5000,
      maxBuffer: 2 * sizeLimit,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return trouble('is a property list that plutil cannot read');
  }
  return textOfPreferences(xml);
}

/** The decoded `requirements_toml_base64` of an XML property list; `missing` without that key. */
export function textOfPreferences(xml: string): FileText {
  const key = /<key>requirements_toml_base64<\/key>\s*(?:<string>([^<]*)<\/string>)?/.exec(xml);
  if (key === null) return { kind: 'missing' };
  const base64 = (key[1] ?? '').replaceAll(/\s+/g, '');
  if (base64 === '' || !/^[0-9A-Za-z+/]+={0,2}$/.test(base64)) {
    return trouble('requirements_toml_base64 is not base64 text');
  }
  return decode(Buffer.from(base64, 'base64'));
}

/** The folder that relative paths of this file start from. */
export function folderOf(file: string): string {
  return dirname(resolve(file));
}

function trouble(problem: string, line = 1): FileText {
  return { kind: 'problem', problem, line };
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
