// Holds the house plan: who may import what, one file per dependency, one file that dials, one that permits.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { describe, it } from 'node:test';

const root = join(import.meta.dirname, '..', '..');
const source = join(root, 'src');

/** What each part of src may import of ours, beside its own folder; the arrows of the house plan. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  main: ['cli', 'log', 'state'],
  cli: [
    'control/client',
    'control/messages',
    'control/mirror',
    'tray',
    'config',
    'policy',
    'daemon',
    'state',
    'log',
    'version',
  ],
  tray: ['control/client', 'control/messages', 'control/mirror', 'policy', 'state', 'log'],
  daemon: [
    'proxy',
    'control',
    'approval',
    'audit',
    'config',
    'gate',
    'policy',
    'state',
    'log',
    'version',
  ],
  gate: ['policy'],
  policy: [],
  wire: [],
  proxy: ['gate', 'wire', 'policy', 'log'],
  approval: ['policy', 'gate', 'control/messages', 'state', 'log'],
  audit: ['policy', 'state', 'log'],
  config: ['policy', 'state', 'log'],
  control: ['policy', 'approval', 'config', 'state', 'log'],
  errors: [],
  log: [],
  state: ['log'],
  version: [],
};

/** Imports of one part by another that may only be of types: siblings meet in daemon.ts alone. */
const typesOnly: readonly (readonly [string, string])[] = [
  ['approval', 'gate'],
  ['proxy', 'gate'],
  ['control', 'approval'],
  ['control', 'config'],
];

/** The one file of src that may import each package. */
const homes: Readonly<Record<string, string>> = {
  'dbus-native': 'tray/bus.ts',
  'http-proxy': 'proxy/gateway-upstream.ts',
  'proxy-agent': 'proxy/dial.ts',
  'smol-toml': 'config/toml.ts',
  'toml-eslint-parser': 'config/locate.ts',
  picomatch: 'policy/pattern.ts',
  pino: 'log.ts',
  socks: 'proxy/dial.ts',
  tldts: 'policy/public-suffix.ts',
  undici: 'proxy/forward.ts',
};

/** Node's modules that pure code must not touch. */
const impure =
  /^node:(net|tls|http|https|http2|dgram|dns|fs|child_process|timers|os|process|worker_threads|cluster|readline|inspector)/;

/** What it must not reach for without an import; `process.pid` and its like are often a process that was looked up. */
const ambient =
  /(?<![.\w])process\.(?!pid\b|commandLine\b|executable\b|hasTerminal\b|isShell\b)|\bDate\.now\b|\bnew Date\(\)|\bset(?:Timeout|Interval|Immediate)\b|\bfetch\(/;

/** Pure code that does not say so in its head comment; what does ("Pure.") is held to it by its own word. */
const pureFiles = [
  'approval/due-queue.ts',
  'approval/host-memory.ts',
  'approval/known-hosts.ts',
  'approval/mask.ts',
  'approval/patience.ts',
  'approval/pending.ts',
  'approval/scope.ts',
  'audit/approval-events.ts',
  'audit/attributes.ts',
  'audit/draft.ts',
  'audit/escape.ts',
  'audit/event.ts',
  'gate.ts',
  'proxy/refusal.ts',
];

interface Import {
  readonly file: string;
  readonly specifier: string;
  readonly isType: boolean;
}

const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .map((name) => name.split(sep).join('/'))
  .filter((name) => name.endsWith('.ts'))
  .sort();
const texts = new Map(files.map((file) => [file, readFileSync(join(source, file), 'utf8')]));
const imports: readonly Import[] = files.flatMap((file) => importsOf(file));

function importsOf(file: string): Import[] {
  const found: Import[] = [];
  const pattern =
    /^\s*(?:import|export)\s+(type\s)?[^'"`;]*?from\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)|^import\s+['"]([^'"]+)['"]/gm;
  for (const match of (texts.get(file) ?? '').matchAll(pattern)) {
    found.push({
      file,
      specifier: match[2] ?? match[3] ?? match[4] ?? '',
      isType: match[1] !== undefined,
    });
  }
  return found;
}

function partOf(file: string): string {
  return file.includes('/') ? (file.split('/')[0] ?? '') : file.replace(/\.ts$/, '');
}

/** The folders of pure code, the files listed above, and every file whose head comment claims it. */
function isPure(file: string): boolean {
  const head = /^(?:\/\/.*\n)*/.exec(texts.get(file) ?? '')?.[0] ?? '';
  return /^(?:policy|wire)\//.test(file) || pureFiles.includes(file) || /\bPure\b/.test(head);
}

function targetOf({ file, specifier }: Import): string {
  return relative(source, join(source, dirname(file), specifier))
    .split(sep)
    .join('/');
}

describe('imports', () => {
  it('follow the arrows of the house plan', () => {
    const wrong = imports
      .filter((one) => one.specifier.startsWith('.'))
      .filter((one) => {
        const target = targetOf(one);
        const [from, to] = [partOf(one.file), partOf(target)];
        if (from === to || target === 'errors.ts') return false;
        const allowed = arrows[from] ?? [];
        return !allowed.some((arrow) => arrow === to || `${arrow}.ts` === target);
      });
    assert.deepEqual(wrong, []);
  });

  it('take only types where two parts must not meet', () => {
    const wrong = imports.filter(
      (one) =>
        one.specifier.startsWith('.') &&
        !one.isType &&
        typesOnly.some(([from, to]) => partOf(one.file) === from && partOf(targetOf(one)) === to),
    );
    assert.deepEqual(wrong, []);
  });

  it('reach the daemon from the run command only', () => {
    const wrong = imports.filter(
      (one) =>
        one.specifier.startsWith('.') &&
        partOf(targetOf(one)) === 'daemon' &&
        partOf(one.file) !== 'daemon' &&
        one.file !== 'cli/run.ts',
    );
    assert.deepEqual(wrong, []);
  });

  it('keep each package behind one file', () => {
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    const wrong = imports.filter(({ file, specifier }) => {
      if (specifier.startsWith('.') || specifier.startsWith('node:')) return false;
      if (specifier.startsWith('@opentelemetry/')) return file !== 'audit/export.ts';
      return homes[specifier] !== file;
    });
    assert.deepEqual(wrong, []);
    const imported = new Set(imports.map(({ specifier }) => specifier));
    const unused = Object.keys(manifest.dependencies).filter(
      (name) => name !== 'node' && !imported.has(name),
    );
    assert.deepEqual(unused, []);
  });

  it('keep sockets, files, clocks and the environment out of pure files', () => {
    assert.deepEqual(
      pureFiles.filter((file) => !files.includes(file)),
      [],
    );
    const wrong = imports.filter(({ file, specifier }) => isPure(file) && impure.test(specifier));
    assert.deepEqual(wrong, []);
    const reaching = files.filter(isPure).filter((file) => ambient.test(code(file)));
    assert.deepEqual(reaching, []);
  });
});

/** A file's text without its comments. */
function code(file: string): string {
  return (texts.get(file) ?? '')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|[^:'"`])\/\/.*$/gm, '$1');
}

describe('the single doors', () => {
  it('opens upstream connections in proxy/dial.ts alone', () => {
    const dials = /\b(?:net|tls)\.(?:connect|createConnection)\(|\bnew (?:net\.)?Socket\(/;
    const named =
      /import\s*(?!type\b)\{[^}]*\b(?:connect|createConnection)\b[^}]*\}\s*from\s*'node:(?:net|tls)'/;
    assert.deepEqual(
      files.filter((file) => dials.test(code(file)) || named.test(code(file))),
      ['proxy/dial.ts'],
    );
  });

  it('makes permits in gate.ts alone', () => {
    assert.deepEqual(
      files.filter(
        (file) =>
          file !== 'gate.ts' && /\bas Permit\b|<Permit>|satisfies Permit\b/.test(code(file)),
      ),
      [],
    );
  });

  it('reach the tray from the tray command only', () => {
    const wrong = imports.filter(
      (one) =>
        one.specifier.startsWith('.') &&
        partOf(targetOf(one)) === 'tray' &&
        partOf(one.file) !== 'tray' &&
        one.file !== 'cli/tray.ts',
    );
    assert.deepEqual(wrong, []);
  });

  it('spells attribute names in audit/ alone', () => {
    assert.deepEqual(
      files.filter(
        (file) =>
          !file.startsWith('audit/') && /'network\.policy\.|'server\.address'/.test(code(file)),
      ),
      [],
    );
  });
});
