// `sallyport env`: prints the environment of `exec` for a shell to take in.
import { exitCodes, type Command, type CommandIo } from './command.ts';
import { findDaemon } from './daemon-address.ts';
import { childEnvironment, type DaemonAddress } from './environment.ts';
import { readOptions, usageError } from './options.ts';
import { quoteWord, renderJson } from './render.ts';
import { findSshHelper } from './ssh-helper.ts';

/** The forms `--shell` takes. */
export const shells = ['bash', 'fish', 'pwsh', 'dotenv'] as const;
/** One of `shells`. */
export type Shell = (typeof shells)[number];

const usage = `usage: sallyport env [--shell bash|fish|pwsh|dotenv] [--json]

Prints the variables that lead a program through the gate, ready for a shell (default: bash, which zsh and sh
read as well). Addresses are those of the running daemon; without one, those of the configuration.

  eval "$(sallyport env)"
  sallyport env --shell fish | source
  sallyport env --shell pwsh | Invoke-Expression
`;

/** The command. */
export const envCommand: Command = {
  name: 'env',
  summary: 'print the variables that lead through the gate',
  usage,
  run: async (args, io) => {
    const { values, positionals } = readOptions(args, {
      shell: { type: 'string', default: 'bash' },
      json: { type: 'boolean', default: false },
    });
    if (positionals.length > 0) throw usageError(`env takes no ${JSON.stringify(positionals[0])}`);
    const shell = shells.find((known) => known === values.shell);
    if (shell === undefined) throw usageError(`--shell takes one of ${shells.join(', ')}`);
    const { set, notes } = childEnvironment(io.env, await findAddress(io), findSshHelper(io.env));
    for (const note of notes) io.stderr(`sallyport: ${note}\n`);
    io.stdout(values.json ? renderJson(set) : renderVariables(set, shell));
    return exitCodes.done;
  },
};

/** One line for each variable, in the words of one shell. */
export function renderVariables(set: Readonly<Record<string, string>>, shell: Shell): string {
  return Object.entries(set)
    .map(([name, value]) => `${renderVariable(name, value, shell)}\n`)
    .join('');
}

function renderVariable(name: string, value: string, shell: Shell): string {
  switch (shell) {
    case 'bash':
      return `export ${name}=${value === '' ? '' : quoteWord(value)}`;
    case 'fish':
      return `set -gx ${name} '${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
    case 'pwsh':
      return `$env:${name} = '${value.replaceAll("'", "''")}'`;
    case 'dotenv':
      return `${name}=${quoteDotenv(value)}`;
    default:
      return shell satisfies never;
  }
}

/** Single quotes are taken literally by every dotenv reader; a value with one of its own needs double ones. */
function quoteDotenv(value: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]*$/.test(value)) return value;
  if (!/['\n]/.test(value)) return `'${value}'`;
  return `"${value.replaceAll(/["\\$`]/g, String.raw`\$&`).replaceAll('\n', String.raw`\n`)}"`;
}

async function findAddress(io: CommandIo): Promise<DaemonAddress> {
  const running = await findDaemon(io.env);
  if (running !== undefined) return running;
  io.stderr('sallyport: no daemon is running; these are the addresses of the configuration\n');
  const { configuredAddress } = await import('./configured-address.ts');
  return configuredAddress(io.env);
}
