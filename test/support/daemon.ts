// Starts the real daemon for end-to-end tests, in a mount namespace of its own where names stand in a
// hosts file and managed files in /etc, both of which the product reads from their fixed places.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { createControlClient } from '../../src/control/client.ts';
import type { GroupView, LiveView } from '../../src/control/messages.ts';

/** The project's root folder. */
export const projectRoot = join(import.meta.dirname, '..', '..');
/** The launcher a person would call. */
export const launcher = join(projectRoot, 'src', 'sallyport');

/** What a finished program left behind. */
export interface Finished {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One journal line. */
export interface JournalLine {
  readonly uid: string;
  readonly time: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

/** A running daemon and what a test needs of it. */
export interface RunningDaemon {
  readonly process: ChildProcess;
  /** Port numbers; null when the listener is off. */
  readonly http: number;
  readonly socks: number;
  readonly gateway: number | null;
  readonly control: number | null;
  readonly state: string;
  readonly folder: string;
  readonly configFile: string;
  /** The environment in which `sallyport …` finds this daemon. */
  readonly env: NodeJS.ProcessEnv;
  readonly stderr: () => string;
  readonly journal: () => JournalLine[];
  readonly decisions: () => JournalLine[];
  /** Runs `sallyport ARGS`. */
  readonly sallyport: (args: readonly string[], env?: NodeJS.ProcessEnv) => Promise<Finished>;
  /** Waits until a question for this host stands, and gives it. */
  readonly question: (host: string) => Promise<GroupView>;
  /** Everything a surface shows now. */
  readonly view: () => Promise<LiveView>;
  /** SIGTERM, and the exit status once it is gone. */
  readonly stop: () => Promise<number | null>;
}

/** How to start it. */
export interface DaemonOptions {
  /** The user configuration; ports are set to 0 unless the text names them. */
  readonly config: string;
  /** Names of the hosts file, beside localhost. */
  readonly hosts?: Readonly<Record<string, string>>;
  /** Files below /etc, such as `codex/requirements.toml`, as the daemon shall see them. */
  readonly etc?: Readonly<Record<string, string>>;
  readonly env?: NodeJS.ProcessEnv;
  /** Reuses a folder of an earlier daemon, for restarts. */
  readonly folder?: string;
  /** Words before the launcher, such as `prlimit …`. */
  readonly prefix?: readonly string[];
}

/** A process environment without anything that points at a proxy or at another daemon. */
export function plainEnvironment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (/proxy|^SALLYPORT|^OTEL_|^NODE_TEST|^OPENAI|^CODEX/i.test(name)) continue;
    env[name] = value;
  }
  return { ...env, ...extra };
}

/** Runs a program to its end; fails the test when it takes longer than `timeoutMs`. */
export async function run(
  command: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; input?: string; timeoutMs?: number } = {},
): Promise<Finished> {
  const child = spawn(command, [...args], {
    env: options.env ?? plainEnvironment(),
    cwd: options.cwd,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => undefined); // a program that never reads its input
  child.stdin.end(options.input ?? '');
  const limit = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 60_000);
  const [status, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(limit);
  return { status, signal, stdout, stderr };
}

/** Tries until it gives a value; the condition is another process's, so there is no event to wait for. */
export async function eventually<T>(
  what: string,
  attempt: () => T | undefined | Promise<T | undefined>,
  timeoutMs = 20_000,
): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const value = await attempt();
    if (value !== undefined) return value;
    if (Date.now() > end) throw new Error(`never came true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Every complete journal line below a state folder, oldest first. */
export function readJournalFolder(state: string): JournalLine[] {
  const folder = join(state, 'audit');
  const lines: JournalLine[] = [];
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()) {
    for (const text of readFileSync(join(folder, file), 'utf8').split('\n').slice(0, -1)) {
      if (text !== '') lines.push(JSON.parse(text) as JournalLine);
    }
  }
  return lines;
}

function withFreePorts(config: string): string {
  const tables = new Map<string, string[]>([
    ['network', ['http_port = 0', 'socks_port = 0']],
    ['gateway', ['port = 0']],
    ['control', ['port = 0']],
  ]);
  let text = config;
  for (const [table, keys] of tables) {
    const missing = keys.filter(
      (key) => !new RegExp(`^${key.split(' ')[0]}\\s*=`, 'm').test(sectionOf(text, table)),
    );
    if (missing.length === 0) continue;
    const head = `[${table}]\n`;
    text = text.includes(head)
      ? text.replace(head, `${head}${missing.join('\n')}\n`)
      : `${text}\n${head}${missing.join('\n')}\n`;
  }
  return text;
}

function sectionOf(text: string, table: string): string {
  const start = text.indexOf(`[${table}]\n`);
  if (start < 0) return '';
  const end = text.indexOf('\n[', start + 1);
  return text.slice(start, end < 0 ? undefined : end);
}

/** Shell text that puts the hosts file and the managed files in their places, then becomes the command. */
function namespaceScript(folder: string, options: DaemonOptions): string {
  const steps: string[] = [];
  if (options.etc !== undefined) {
    cpSync('/etc', join(folder, 'etc'), { recursive: true, verbatimSymlinks: true });
    for (const [name, text] of Object.entries(options.etc)) {
      mkdirSync(dirname(join(folder, 'etc', name)), { recursive: true });
      writeFileSync(join(folder, 'etc', name), text);
    }
    steps.push(`mount --bind '${join(folder, 'etc')}' /etc`);
  }
  const names = Object.entries(options.hosts ?? {}).map(
    ([name, address]) => `${address} ${name}\n`,
  );
  writeFileSync(join(folder, 'hosts'), `127.0.0.1 localhost\n::1 localhost\n${names.join('')}`);
  steps.push(`mount --bind '${join(folder, 'hosts')}' /etc/hosts`, 'exec "$@"');
  return steps.join(' && ');
}

/** Starts `sallyport run --json` and waits for its ready line; throws with its stderr when there is none. */
export async function startSallyport(options: DaemonOptions): Promise<RunningDaemon> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'sallyport-e2e-'));
  const state = join(folder, 'state');
  const configFile = join(folder, 'config.toml');
  writeFileSync(configFile, withFreePorts(options.config));
  const env = plainEnvironment({ ...options.env, SALLYPORT_STATE: state });
  if (process.getuid?.() !== 0) {
    throw new Error('the daemon is started in a mount namespace of its own: run the tests as root');
  }
  const words = [
    '-m',
    'sh',
    '-c',
    namespaceScript(folder, options),
    'sh',
    ...(options.prefix ?? []),
    launcher,
    'run',
    '--json',
    '--config',
    configFile,
  ];
  const child = spawn('unshare', words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const first = (await Promise.race([once(lines, 'line'), exited.then(() => undefined)])) as
    [string] | undefined;
  if (first === undefined) throw new Error(`the daemon did not start: ${stderr}`);
  const ready = JSON.parse(first[0]) as Record<
    'http' | 'socks' | 'gateway' | 'control' | 'state',
    string | null
  >;
  const portOf = (url: string | null): number | null =>
    url === null ? null : Number(new URL(url).port);
  const daemonEnv = plainEnvironment({ SALLYPORT_STATE: state, SALLYPORT_CONFIG: configFile });
  const sallyport: RunningDaemon['sallyport'] = (args, extra = {}) =>
    run(launcher, args, { env: { ...daemonEnv, ...extra } });
  const journal = (): JournalLine[] => readJournalFolder(state);
  return {
    process: child,
    http: portOf(ready.http) ?? 0,
    socks: portOf(ready.socks) ?? 0,
    gateway: portOf(ready.gateway),
    control: portOf(ready.control),
    state,
    folder,
    configFile,
    env: daemonEnv,
    stderr: () => stderr,
    journal,
    decisions: () =>
      journal().filter((line) => line.name === 'codex.network_proxy.policy_decision'),
    sallyport,
    question: (host) =>
      eventually(`a question for ${host}`, async () => {
        const { stdout } = await sallyport(['pending', '--json']);
        const { groups } = JSON.parse(stdout) as { groups: GroupView[] };
        return groups.find((group) => group.host === host);
      }),
    view: async () => {
      for await (const event of createControlClient({ state }).watch(AbortSignal.timeout(10_000))) {
        if (event.type === 'snapshot') return event.view;
      }
      throw new Error('the stream ended before its snapshot');
    },
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await exited;
      return child.exitCode;
    },
  };
}

/** Removes what a test's daemon left. */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
