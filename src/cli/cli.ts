// The table of commands: finds the one that was typed, answers --help and --version, and turns what a command
// throws into text and an exit code. Each command's file is loaded only when it runs.
import { nearest } from '../config/finding.ts';
import { readVersion } from '../version.ts';
import { exitCodes, type Command, type CommandIo } from './command.ts';
import { escapeLines } from './render.ts';
import { reportError } from './report.ts';

type Load = () => Promise<Command>;

/** Every command in the order `--help` shows them; loading one loads nothing of the others. */
export const commands: Readonly<Record<string, Load>> = {
  run: async () => (await import('./run.ts')).runCommand,
  exec: async () => (await import('./exec.ts')).execCommand,
  env: async () => (await import('./env.ts')).envCommand,
  status: async () => (await import('./status.ts')).statusCommand,
  pending: async () => (await import('./pending.ts')).pendingCommand,
  show: async () => (await import('./show.ts')).showCommand,
  allow: async () => (await import('./allow.ts')).allowCommand,
  deny: async () => (await import('./deny.ts')).denyCommand,
  hold: async () => (await import('./hold.ts')).holdCommand,
  undo: async () => (await import('./undo.ts')).undoCommand,
  watch: async () => (await import('./watch.ts')).watchCommand,
  open: async () => (await import('./open.ts')).openCommand,
  tray: async () => (await import('./tray.ts')).trayCommand,
  grants: async () => (await import('./grants.ts')).grantsCommand,
  revoke: async () => (await import('./revoke.ts')).revokeCommand,
  history: async () => (await import('./history.ts')).historyCommand,
  pause: async () => (await import('./pause.ts')).pauseCommand,
  resume: async () => (await import('./resume.ts')).resumeCommand,
  panic: async () => (await import('./panic.ts')).panicCommand,
  lift: async () => (await import('./lift.ts')).liftCommand,
  rules: async () => (await import('./rules.ts')).rulesCommand,
  changes: async () => (await import('./changes.ts')).changesCommand,
  token: async () => (await import('./token.ts')).tokenCommand,
  reload: async () => (await import('./reload.ts')).reloadCommand,
  check: async () => (await import('./check.ts')).checkCommand,
  explain: async () => (await import('./explain.ts')).explainCommand,
  presets: async () => (await import('./presets.ts')).presetsCommand,
};

/** Runs one command line (without `node` and the script); resolves with the exit code and never rejects. */
export async function runCli(argv: readonly string[], io: CommandIo): Promise<number> {
  const [name = '', ...args] = argv;
  try {
    if (name === '--version' || name === '-V') return printVersion(io);
    if (name === '--help' || name === '-h' || name === 'help') return await printHelp(io, args[0]);
    const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (load === undefined) return unknownCommand(name, io);
    const asked = findQuestion(name, args);
    if (asked === '--version') return printVersion(io);
    const command = await load();
    if (asked === '--help') {
      io.stdout(command.usage);
      return exitCodes.done;
    }
    return await command.run(args, io);
  } catch (error) {
    return reportError(error, name, io);
  }
}

/** --help or --version among a command's own words; everything after the program of `exec` is the program's. */
function findQuestion(name: string, args: readonly string[]): string | undefined {
  const stop = args.findIndex(
    (word) => word === '--' || (name === 'exec' && !word.startsWith('-')),
  );
  const own = stop < 0 ? args : args.slice(0, stop);
  if (own.some((word) => word === '--help' || word === '-h')) return '--help';
  return own.some((word) => word === '--version' || word === '-V') ? '--version' : undefined;
}

function printVersion(io: CommandIo): number {
  io.stdout(`sallyport ${readVersion()}\n`);
  return exitCodes.done;
}

async function printHelp(io: CommandIo, about: string | undefined): Promise<number> {
  const load = about !== undefined && Object.hasOwn(commands, about) ? commands[about] : undefined;
  io.stdout(load === undefined ? await overview() : (await load()).usage);
  return exitCodes.done;
}

async function overview(): Promise<string> {
  const all = await Promise.all(Object.values(commands).map((load) => load()));
  const lines = all.map(({ name, summary }) => `  ${name.padEnd(8)}  ${summary}`);
  return `usage: sallyport COMMAND [OPTION]…

The one door out for coding agents on this machine: allowed hosts pass, denied hosts are refused,
unknown hosts wait until a person answers.

${lines.join('\n')}

Every command takes --help and --version.
Exit codes: 0 done, 1 failed, 2 usage, 3 gone, 4 changed meanwhile, 5 refused.
`;
}

function unknownCommand(name: string, io: CommandIo): number {
  if (name === '') {
    io.stderr('sallyport: which command? "sallyport --help" lists them\n');
    return exitCodes.usage;
  }
  const near = nearest(name, Object.keys(commands));
  const hint = near === undefined ? '' : ` did you mean "${near}"?`;
  const kind = name.startsWith('-') ? 'an option of sallyport itself' : 'a command';
  const text = `${JSON.stringify(name)} is not ${kind};${hint} "sallyport --help" lists the commands`;
  io.stderr(escapeLines(`sallyport: ${text}\n`));
  return exitCodes.usage;
}
