// `sallyport run`: the daemon in the foreground. Starts it, says where it listens, and hands it the signals;
// everything else is daemon.ts, which no other command loads.
import { join, resolve } from 'node:path';
import type { Daemon, ReadyInfo } from '../daemon.ts';
import type { DaemonOptions } from '../daemon/parts.ts';
import { createLog, type Log } from '../log.ts';
import { exitCodes, type Command, type CommandIo } from './command.ts';
import { readOptions, usageError } from './options.ts';
import { quoteWord } from './render.ts';
import { hasTerminal } from './terminal.ts';

/** Starts the daemon. ERR_CONFIG_INVALID has one finding a line; others say what could not be had. */
export type StartDaemon = (options: DaemonOptions) => Promise<Daemon>;

/** What a stop may take before the process ends in spite of it; the promise is 5 s. */
const defaultStopLimitMs = 4_800;

const usage = `usage: sallyport run [--config FILE] [--json]

Opens every listener and stays in the foreground. Prints one line when it is ready: the listeners, and the words
that run a command through it; with --json one object with http, socks, gateway, control and state.

  --config FILE   the user's configuration (default: $SALLYPORT_CONFIG, else the platform's place)

SIGHUP (or "sallyport reload") reads the configuration again; SIGTERM or Ctrl-C stops: what waits is denied, open
tunnels get 3 s. A second Ctrl-C ends it at once. State is kept in $SALLYPORT_STATE, else in the platform's place.
`;

/** The command. */
export const runCommand: Command = createRunCommand(
  async () => (await import('../daemon.ts')).startDaemon,
);

/** The command over a daemon of the caller's choice; `load` is called once the options are understood. */
export function createRunCommand(
  load: () => Promise<StartDaemon>,
  stopLimitMs = defaultStopLimitMs,
): Command {
  return {
    name: 'run',
    summary: 'open the gate and stay in the foreground',
    usage,
    run: async (args, io) => {
      const { values, positionals } = readOptions(args, {
        config: { type: 'string' },
        json: { type: 'boolean', default: false },
      });
      if (positionals.length > 0)
        throw usageError('run takes no words; for a program there is exec');
      const log = createLog();
      // Node would open its debugger on a port, for anybody on this machine; the launcher's flag starts even earlier.
      process.on('SIGUSR1', ignore);
      try {
        const startDaemon = await load();
        const daemon = await startDaemon({ configFile: values.config, env: io.env, log });
        // handles signals from here on: whoever reads the ready line may send one at once
        const stopped = untilStopped(daemon, log, io, stopLimitMs);
        io.stdout(values.json ? readyJson(daemon.ready) : readyLine(daemon.ready, io.env));
        return await stopped;
      } finally {
        process.off('SIGUSR1', ignore);
        await log.close();
      }
    },
  };
}

function ignore(): void {
  // a signal that has been taken note of
}

function readyJson({ http, socks, gateway, control, state }: ReadyInfo): string {
  return `${JSON.stringify({ http, socks, gateway, control, state })}\n`;
}

/** One line: every listener, and the exact words for a second terminal. */
export function readyLine(ready: ReadyInfo, env: CommandIo['env']): string {
  const listeners = [
    `http ${ready.http}`,
    `socks5 ${ready.socks}`,
    `gateway ${ready.gateway ?? 'off'}`,
    `control ${ready.control ?? ready.socket}`,
  ];
  return `sallyport is ready: ${listeners.join(', ')}; run a command through it: ${execWords(env)}\n`;
}

/** The launcher by its own path; a state folder that was named must be named there too. */
function execWords(env: CommandIo['env']): string {
  const windows = process.platform === 'win32';
  const launcher = join(import.meta.dirname, '..', windows ? 'sallyport.cmd' : 'sallyport');
  const named = env['SALLYPORT_STATE'];
  const state =
    named === undefined || named === '' || windows
      ? ''
      : `SALLYPORT_STATE=${quoteWord(resolve(named))} `;
  return `${state}${quoteWord(launcher)} exec -- CMD`;
}

async function untilStopped(
  daemon: Daemon,
  log: Log,
  io: CommandIo,
  stopLimitMs: number,
): Promise<number> {
  let asked = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (asked && signal === 'SIGINT') {
      io.stderr('sallyport: ended at once\n');
      process.exit(128 + 2);
    }
    if (asked) return;
    asked = true;
    log.info('stopping', { signal });
    setTimeout(() => process.exit(exitCodes.failed), stopLimitMs).unref();
    daemon.stop().catch((error: unknown) => {
      log.error('the stop failed', { problem: error instanceof Error ? error.message : 'unknown' });
      process.exit(exitCodes.failed);
    });
  };
  const remove = handleSignals(stop, daemon.reload);
  try {
    return await daemon.stopped;
  } finally {
    remove();
  }
}

function handleSignals(stop: (signal: NodeJS.Signals) => void, reload: () => void): () => void {
  const onTerminal = process.stdin.isTTY && hasTerminal();
  const handlers: readonly (readonly [NodeJS.Signals, (signal: NodeJS.Signals) => void])[] = [
    ['SIGTERM', stop],
    ['SIGINT', stop],
    // A terminal that was closed sends SIGHUP too, and a daemon without one is not what was meant.
    ['SIGHUP', (signal) => (onTerminal && !hasTerminal() ? stop(signal) : reload())],
  ];
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}
