// `sallyport exec`: runs a program with the environment that leads through the daemon, and stays as its parent:
// whatever runs below this process is one asker's tree (design S5). Words, input, signals and the way it ends are
// the program's own.
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { homeFolder } from '../state.ts';
import { addCodexBaseUrl } from './codex-words.ts';
import { exitCodes, type Command, type CommandIo } from './command.ts';
import { findDaemon, notRunning } from './daemon-address.ts';
import { childEnvironment, withheldFromChild, type DaemonAddress } from './environment.ts';
import { usageError } from './options.ts';
import { ignoredSignals } from './own-environment.ts';
import { exactCommand, ignoringSignals, type SpawnWords } from './raw-words.ts';
import { escapeText } from './render.ts';
import { findSshHelper } from './ssh-helper.ts';
import { hasTerminal, isForeground } from './terminal.ts';

const usage = `usage: sallyport exec [--keep-desktop] [-v] [--] PROGRAM [WORD]…

Runs PROGRAM so that it and everything it starts goes through the running daemon (see "sallyport env" for the
variables). Its words, input, output and signals are passed on as they are, and its exit status becomes this one's.
127: PROGRAM was not found, 126: it cannot be run, 1: no daemon is running.

PROGRAM is not told where the desktop is (session bus, X, Wayland) nor where sallyport keeps its state, since what
asks must not press the buttons that answer. It is no wall: a program of the same user can find them in other ways.

  --keep-desktop   leave the desktop's variables, for programs that open windows
  -v, --verbose    say on standard error which variables were taken away

Codex takes its model address from its own configuration only, so codex and npx codex also get
-c openai_base_url="…" when the gateway is on and neither its words nor its config.toml name one.

  sallyport exec -- codex
  sallyport exec -- curl https://api.example.com/
`;

/** The command; its exit code is the program's, or the signal that ended the program ends us too. */
export const execCommand: Command = {
  name: 'exec',
  summary: 'run a program through the gate',
  usage,
  run: async (args, io) => {
    const { words, keepDesktop, verbose } = readWords(args);
    const address = await findDaemon(io.env);
    if (address === undefined) throw notRunning(io.env);
    const { set, notes } = childEnvironment(io.env, address, findSshHelper(io.env));
    const withheld = withheldFromChild(io.env, keepDesktop);
    if (keepDesktop)
      notes.push('the program is told where your desktop is, and could press its buttons');
    if (verbose && withheld.length > 0) notes.push(`took away ${withheld.join(', ')}`);
    const full = wordsFor(words, address, io.env, notes);
    for (const note of full.notes) io.stderr(escapeText(`sallyport: ${note}`) + '\n');
    const command = ignoringSignals(exactCommand(full.words), ignoredSignals(process.env));
    const env = { ...io.env, ...set };
    for (const name of withheld) delete env[name];
    return await runProgram(command, env, io);
  },
};

interface Words {
  readonly words: readonly string[];
  readonly keepDesktop: boolean;
  readonly verbose: boolean;
}

/** Our own options stand before the program's name or `--`; everything after is the program's. */
function readWords(args: readonly string[]): Words {
  const end = args.findIndex((word) => word === '--' || !word.startsWith('-'));
  const own = end < 0 ? args : args.slice(0, end);
  const words = end < 0 ? [] : args.slice(args[end] === '--' ? end + 1 : end);
  for (const word of own) {
    if (!['--keep-desktop', '-v', '--verbose'].includes(word)) {
      throw usageError(`${JSON.stringify(word)} is not an option of exec`);
    }
  }
  if (words[0] === undefined || words[0] === '') throw usageError('exec needs a program to run');
  const verbose = own.includes('-v') || own.includes('--verbose');
  return { words, keepDesktop: own.includes('--keep-desktop'), verbose };
}

function wordsFor(
  words: readonly string[],
  { gateway, noProxy }: DaemonAddress,
  env: CommandIo['env'],
  notes: readonly string[],
): { readonly words: readonly string[]; readonly notes: readonly string[] } {
  if (gateway === null || noProxy === 'none') return { words, notes };
  const added = addCodexBaseUrl(words, gateway, readCodexConfig(env));
  return { words: added.words, notes: added.note === undefined ? notes : [...notes, added.note] };
}

function readCodexConfig(env: CommandIo['env']): string | undefined {
  const named = env['CODEX_HOME'];
  // empty is unset to Codex, and to us it would mean the current folder
  const home = named === undefined || named === '' ? join(homeFolder(env), '.codex') : named;
  try {
    return readFileSync(join(home, 'config.toml'), 'utf8');
  } catch {
    return undefined; // none, or not ours to judge
  }
}

async function runProgram(
  words: SpawnWords,
  env: Record<string, string | undefined>,
  io: CommandIo,
): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number | NodeJS.Signals>();
  // before the spawn: the program may be up, and be sent a signal through us, before spawn returns
  let child: ChildProcess | undefined;
  const stopPassing = passSignals((signal) => child?.kill(signal));
  try {
    child = spawn(words.program, [...words.args], { env, stdio: 'inherit' });
    child.once('error', (error) => resolve(startFailure(error, words.name, io)));
    child.once('exit', (code, signal) => resolve(signal ?? code ?? exitCodes.failed));
  } catch (error) {
    resolve(startFailure(error, words.name, io)); // Node throws what is rarer: ENOTDIR, E2BIG
  }
  const end = await promise;
  stopPassing();
  return typeof end === 'number' ? end : await endBy(end);
}

/** The exit codes of shells and env(1). */
function startFailure(error: unknown, program: string, io: CommandIo): number {
  const name = escapeText(program);
  const reason = error instanceof Error && 'code' in error ? error.code : error;
  const found = reason !== 'ENOENT';
  const text = found ? `cannot run ${name}: ${String(reason)}` : `${name} was not found`;
  io.stderr(`sallyport: ${text}\n`);
  return found ? 126 : 127;
}

const passed = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/** Passes on what was sent to us alone; a terminal sends to the whole process group, so the child has it already. */
function passSignals(pass: (signal: NodeJS.Signals) => void): () => void {
  const startedOnTerminal = hasTerminal();
  const handlers = passed.map((signal) => {
    const handler = (): void => {
      const keyed = (signal === 'SIGINT' || signal === 'SIGQUIT') && isForeground();
      const hungUp = signal === 'SIGHUP' && startedOnTerminal && !hasTerminal();
      if (!keyed && !hungUp) pass(signal);
    };
    process.on(signal, handler);
    return () => process.off(signal, handler);
  });
  return () => {
    for (const remove of handlers) remove();
  };
}

/** Signals that write a core file: the child has written its own, and ours would be of no use. */
const dumping = new Set([
  'SIGQUIT',
  'SIGILL',
  'SIGTRAP',
  'SIGABRT',
  'SIGBUS',
  'SIGFPE',
  'SIGSEGV',
  'SIGSYS',
]);

/** Ends this process as the child ended, so that our parent sees the same; the number is for where that fails. */
async function endBy(signal: NodeJS.Signals): Promise<number> {
  const code = 128 + constants.signals[signal];
  if (dumping.has(signal)) return code;
  process.kill(process.pid, signal);
  const { promise, resolve } = Promise.withResolvers<number>();
  setTimeout(resolve, 100, code);
  return await promise;
}
