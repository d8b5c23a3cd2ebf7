// The real tray on the test's desktop, between the real daemon and a person's clicks.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { deadTimeMs } from '../../src/tray/adapter.ts';
import { openBus, type SessionBus } from '../../src/tray/bus.ts';
import { bodyColours } from '../../src/tray/icon.ts';
import { trayName } from '../../src/tray/linux.ts';
import { eventually, launcher, type Finished, type RunningDaemon } from './daemon.ts';
import type { Area, Desktop, Point } from './desktop.ts';

/** The running tray. */
export interface TraySession {
  readonly process: ChildProcess;
  readonly stderr: () => string;
  /** SIGTERM, or another signal, and the exit code once it is gone. */
  readonly end: (signal?: NodeJS.Signals) => Promise<number | null>;
}

/** Starts `sallyport tray`; the browser it would open writes its address into the desktop's folder instead. */
export function startTray(
  desktop: Desktop,
  daemon: RunningDaemon,
  env: NodeJS.ProcessEnv = {},
): TraySession {
  const programs = join(desktop.folder, 'bin');
  mkdirSync(programs, { recursive: true });
  const opener = join(programs, 'xdg-open');
  writeFileSync(opener, `#!/bin/sh\nprintf '%s\\n' "$1" > '${join(desktop.folder, 'opened')}'\n`);
  chmodSync(opener, 0o755);
  const child = spawn(launcher, ['tray'], {
    env: {
      ...desktop.env,
      PATH: `${programs}:${process.env['PATH'] ?? ''}`,
      SALLYPORT_STATE: daemon.state,
      ...env,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exited = once(child, 'exit');
  return {
    process: child,
    stderr: () => stderr,
    end: async (signal = 'SIGTERM') => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await exited;
      return child.exitCode;
    },
  };
}

/** The address that the tray gave to the browser. */
export async function openedAddress(desktop: Desktop): Promise<string> {
  return await eventually('the browser', () => {
    try {
      return readFileSync(join(desktop.folder, 'opened'), 'utf8').trim() || undefined;
    } catch {
      return undefined;
    }
  });
}

/** One program that asks; what it printed when it ends. */
export interface Asking {
  readonly child: ChildProcess;
  readonly ended: Promise<Finished>;
}

/** curl, or a copy of it, under `sallyport exec`, so that who answers stands outside of its tree. */
export function askFor(daemon: RunningDaemon, url: string, curl = 'curl'): Asking {
  const child = spawn(launcher, ['exec', '--', curl, '-sS', '-m', '60', url], {
    env: daemon.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close').then(([status, signal]): Finished => {
    return { status, signal, stdout, stderr };
  });
  return { child, ended };
}

/** Lets what has just appeared come alive: the tray itself ignores clicks for so long. */
export async function comeAlive(): Promise<void> {
  await delay(deadTimeMs + 100);
}

/** Finds the icon on the panel while it has this state's colour. */
export async function findIcon(desktop: Desktop, state: keyof typeof bodyColours): Promise<Point> {
  return await desktop.findColour(bodyColours[state], 12);
}

/** A menu item as the tray gives it: id, properties, children. */
export type LaidOut = readonly [
  number,
  Readonly<Record<string, string | boolean>>,
  readonly LaidOut[],
];

/** The tray's whole menu. */
export async function readMenu(bus: SessionBus): Promise<LaidOut> {
  const [, root] = await bus.call({
    destination: trayName,
    path: '/MenuBar',
    interface: 'com.canonical.dbusmenu',
    member: 'GetLayout',
    signature: 'iias',
    body: [0, -1, []],
  });
  return root as LaidOut; // as the signature says
}

/** A connection of the test's own to the desktop's bus. */
export async function joinBus(desktop: Desktop): Promise<SessionBus> {
  return await openBus(desktop.env['DBUS_SESSION_BUS_ADDRESS'] ?? '');
}

/** The children of a menu item that take up a row, in order. */
function rowsOf([, , children]: LaidOut): readonly LaidOut[] {
  return children.filter(([, properties]) => properties['type'] !== 'separator');
}

function labelOf([, properties]: LaidOut): string {
  return String(properties['label'] ?? '').replaceAll('__', '_');
}

/** The middle of a row; a line between rows is too thin to count. */
function pointOf(area: Area, rows: readonly LaidOut[], row: LaidOut): Point {
  const at = (rows.indexOf(row) + 0.5) / rows.length;
  return { x: area.x + 60, y: Math.round(area.y + area.height * at) };
}

/** An open submenu of the tray's menu. */
export interface OpenMenu {
  readonly area: Area;
  /** Clicks the row with this label, with the mouse. */
  readonly choose: (label: string) => Promise<void>;
}

interface RootMenu {
  readonly row: LaidOut;
  readonly point: Point;
}

/** Opens the menu with the right mouse button and finds the row whose label begins so. */
async function openRoot(
  desktop: Desktop,
  bus: SessionBus,
  icon: Point,
  label: string,
): Promise<RootMenu> {
  const rows = rowsOf(await readMenu(bus));
  const row = rows.find((one) => labelOf(one).startsWith(label));
  if (row === undefined) throw new Error(`no ${label} among ${rows.map(labelOf).join(', ')}`);
  const known = idsOf(await desktop.windows());
  await desktop.click(icon, 3);
  const area = await newMenu(desktop, known);
  return { row, point: pointOf(area, rows, row) };
}

/** Opens the menu and clicks its row whose label begins so, both with the mouse. */
export async function chooseInMenu(
  desktop: Desktop,
  bus: SessionBus,
  icon: Point,
  label: string,
): Promise<void> {
  const { point } = await openRoot(desktop, bus, icon, label);
  await desktop.move({ x: point.x - 10, y: point.y });
  await desktop.click(point);
}

/** Opens the menu and goes into the submenu whose label begins so. */
export async function openSubmenu(
  desktop: Desktop,
  bus: SessionBus,
  icon: Point,
  label: string,
): Promise<OpenMenu> {
  const { row, point } = await openRoot(desktop, bus, icon, label);
  const known = idsOf(await desktop.windows());
  await desktop.move({ x: point.x - 20, y: point.y });
  await desktop.move(point);
  const area = await newMenu(desktop, known);
  const inner = rowsOf(row);
  return {
    area,
    choose: async (wanted) => {
      const found = inner.find((one) => labelOf(one) === wanted);
      if (found === undefined) {
        throw new Error(`no ${wanted} among ${inner.map(labelOf).join(', ')}`);
      }
      const place = pointOf(area, inner, found);
      await desktop.move({ x: place.x - 10, y: place.y });
      await desktop.click(place);
    },
  };
}

function idsOf(areas: readonly Area[]): ReadonlySet<string> {
  return new Set(areas.map(({ id }) => id));
}

async function newMenu(desktop: Desktop, known: ReadonlySet<string>): Promise<Area> {
  return await eventually('a menu', async () =>
    (await desktop.windows()).find(
      ({ id, width, height }) => !known.has(id) && width > 80 && height > 20,
    ),
  );
}
