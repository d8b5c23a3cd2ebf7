// `sallyport tray`: icon, menu and notifications of one desktop session, as a client of the control API. A process of
// its own, so that nothing a desktop does can reach the proxy.
import { join } from 'node:path';
import type { DesktopAdapter, DesktopEvents, OpenDesktop } from '../tray/adapter.ts';
import { setAutostart } from '../tray/autostart.ts';
import { openLinuxDesktop } from '../tray/linux.ts';
import { openMacosDesktop } from '../tray/macos.ts';
import { runTray, type TrayClient } from '../tray/tray.ts';
import { openWindowsDesktop } from '../tray/windows.ts';
import { exitCodes, type Command, type CommandIo } from './command.ts';
import { openClient } from './daemon-client.ts';
import { openAddress } from './open.ts';
import { readOptions, usageError } from './options.ts';
import { escapeText, renderClock } from './render.ts';

const usage = `usage: sallyport tray [--autostart on|off]

Shows what waits in the desktop's tray and as a notification with buttons, until it is ended. Deny, Allow once and
Allow for 1 hour are there; everything wider is on the page, which a click on the icon opens. Runs beside the daemon
and outlives it. One tray per desktop session: a second one says so and ends with exit code 1.

  --autostart on|off   starts the tray with the desktop session from now on, or no more (Linux); starts nothing now
`;

/** What the command uses of the outside; tests pass their own. */
export interface TrayCommandParts {
  readonly connect: (env: CommandIo['env']) => TrayClient;
  readonly openDesktop: (env: CommandIo['env']) => OpenDesktop;
  /** Aborted when the process is told to end; `undo` lets go of what listens for that. */
  readonly stopSignal: () => { readonly signal: AbortSignal; readonly undo: () => void };
  readonly platform: NodeJS.Platform;
}

/** The command. */
export const trayCommand: Command = createTrayCommand({
  connect: (env) => openClient(env, 'tray'),
  openDesktop: (env) => (events) => openDesktopOf(process.platform, env, events),
  stopSignal: listenForStop,
  platform: process.platform,
});

/** The command over a client and a desktop of the caller's choice. */
export function createTrayCommand(parts: TrayCommandParts): Command {
  return {
    name: 'tray',
    summary: 'show what waits in the desktop tray and as notifications',
    usage,
    run: async (args, io) => {
      const { values, positionals } = readOptions(args, { autostart: { type: 'string' } });
      if (positionals.length > 0) throw usageError('tray takes no words');
      if (values.autostart !== undefined) return autostart(values.autostart, parts.platform, io);
      return await show(parts, io);
    },
  };
}

async function show(parts: TrayCommandParts, io: CommandIo): Promise<number> {
  const tell = (line: string): void => {
    io.stderr(`sallyport: tray: ${escapeText(line)}\n`);
  };
  const { signal, undo } = parts.stopSignal();
  try {
    const end = await runTray(
      {
        connect: () => parts.connect(io.env),
        openDesktop: parts.openDesktop(io.env),
        openAddress: async (url) => await openAddress(url, io.env),
        nowMs: Date.now,
        timeOf: renderClock,
        tell,
      },
      signal,
    );
    if (end === 'stopped') return exitCodes.done;
    tell('another tray runs in this desktop session; end that one first');
    return exitCodes.failed;
  } finally {
    undo();
  }
}

function autostart(wanted: string, platform: NodeJS.Platform, io: CommandIo): number {
  if (wanted !== 'on' && wanted !== 'off') throw usageError('--autostart takes on or off');
  if (platform !== 'linux') {
    throw usageError('--autostart is for Linux; elsewhere, add the command to your login items');
  }
  const launcher = join(import.meta.dirname, '..', 'sallyport');
  const state = io.env['SALLYPORT_STATE'];
  const named = state === undefined || state === '' ? [] : ['env', `SALLYPORT_STATE=${state}`];
  const file = setAutostart(wanted === 'on', [...named, launcher, 'tray'], io.env);
  const said = wanted === 'on' ? 'the tray starts with your desktop from now on' : 'removed';
  io.stdout(`${escapeText(`${said}: ${file}`)}\n`);
  return exitCodes.done;
}

function openDesktopOf(
  platform: NodeJS.Platform,
  env: CommandIo['env'],
  events: DesktopEvents,
): DesktopAdapter {
  if (platform === 'darwin') return openMacosDesktop(events);
  if (platform === 'win32') return openWindowsDesktop(env['SystemRoot'] ?? 'C:\\Windows', events);
  return openLinuxDesktop({ env }, events);
}

/** A second signal ends the process at once, should closing hang. */
function listenForStop(): { readonly signal: AbortSignal; readonly undo: () => void } {
  const stop = new AbortController();
  const signals: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP'];
  const end = (): void => {
    if (stop.signal.aborted) process.exit(exitCodes.failed);
    stop.abort();
  };
  for (const signal of signals) process.on(signal, end);
  return {
    signal: stop.signal,
    undo: () => {
      for (const signal of signals) process.off(signal, end);
    },
  };
}
