// A desktop without a screen: an X server, a session bus, a panel with a tray and a notification service, each from
// Debian's packages and each ended by the test that started it. Clicks are made by xdotool, so they are as real as
// an X server knows them; places are found by colour and by the windows' own geometry.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { eventually, plainEnvironment, projectRoot, run } from './daemon.ts';

/** A point of the screen. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A window's place. */
export interface Area extends Point {
  readonly id: string;
  readonly width: number;
  readonly height: number;
}

/** Red, green and blue of a pixel. */
export type Rgb = readonly [number, number, number];

/** The running desktop. */
export interface Desktop {
  /** The environment of its session's programs. */
  readonly env: NodeJS.ProcessEnv;
  readonly folder: string;
  readonly startDunst: () => Promise<ChildProcess>;
  readonly startNotifyd: () => Promise<ChildProcess>;
  readonly startPanel: () => Promise<ChildProcess>;
  /** Starts any program of the session; ended with it. */
  readonly start: (
    command: string,
    args: readonly string[],
    env?: NodeJS.ProcessEnv,
  ) => ChildProcess;
  /** Ends one program and waits until it is gone. */
  readonly end: (child: ChildProcess) => Promise<void>;
  readonly endBus: () => Promise<void>;
  readonly startBus: () => Promise<void>;
  /** Runs a program of the session to its end and gives what it printed; fails when it fails. */
  readonly ask: (command: string, ...args: readonly string[]) => Promise<string>;
  /** Presses and releases a mouse button there. */
  readonly click: (at: Point, button?: 1 | 3) => Promise<void>;
  readonly move: (at: Point) => Promise<void>;
  /** The middle of everything that has about this colour; waits until there is enough of it. */
  readonly findColour: (colour: Rgb, least?: number) => Promise<Point>;
  /** Visible windows other than the given ones, waited for until there are some. */
  readonly newWindows: (known: ReadonlySet<string>) => Promise<readonly Area[]>;
  readonly windows: () => Promise<readonly Area[]>;
  /** Keeps a picture among the artefacts of the run. */
  readonly picture: (name: string) => Promise<string>;
}

const screen = { width: 1024, height: 600 };
/** Where pictures go; git ignores it. */
export const artefacts = join(projectRoot, 'test', 'artefacts');

/** Starts the X server and the bus; the rest when asked. Everything ends with `close`. */
export async function startDesktop(): Promise<Desktop & { readonly close: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-desktop-'));
  const busPath = join(folder, 'bus');
  const children: ChildProcess[] = [];
  const env = plainEnvironment({
    HOME: join(folder, 'home'),
    XDG_CONFIG_HOME: join(folder, 'home', '.config'),
    XDG_CACHE_HOME: join(folder, 'home', '.cache'),
    XDG_DATA_HOME: join(folder, 'home', '.local', 'share'),
    XDG_RUNTIME_DIR: join(folder, 'run'),
    XDG_CURRENT_DESKTOP: 'test',
    DBUS_SESSION_BUS_ADDRESS: `unix:path=${busPath}`,
    NO_AT_BRIDGE: '1',
    GTK_THEME: 'Adwaita',
    GSETTINGS_BACKEND: 'memory',
    LC_ALL: 'C.UTF-8',
  });
  for (const name of ['WAYLAND_DISPLAY', 'XAUTHORITY']) Reflect.deleteProperty(env, name);
  for (const name of ['home/.config', 'home/.cache', 'home/.local/share', 'run']) {
    mkdirSync(join(folder, name), { recursive: true, mode: 0o700 });
  }

  const start: Desktop['start'] = (command, args, extra = {}) => {
    const child = spawn(command, [...args], {
      env: { ...env, ...extra },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    child.on('error', () => undefined); // a missing program shows as one that never comes up
    for (const stream of [child.stdout, child.stderr])
      stream?.on('error', () => undefined).resume();
    children.push(child);
    return child;
  };
  const end: Desktop['end'] = async (child) => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    const limit = setTimeout(() => child.kill('SIGKILL'), 3000);
    await gone;
    clearTimeout(limit);
  };
  const ask: Desktop['ask'] = async (command, ...args) => {
    const { status, stdout, stderr } = await run(command, args, { env, timeoutMs: 15_000 });
    if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}${stdout}`);
    return stdout;
  };

  env['DISPLAY'] = await startX(start);
  let bus: ChildProcess | undefined;
  const startBus = async (): Promise<void> => {
    rmSync(busPath, { force: true });
    bus = start('dbus-daemon', [`--config-file=${writeBusConfig(folder, busPath)}`, '--nofork']);
    await eventually('the session bus', async () => await owned('org.freedesktop.DBus'));
  };
  const owned = async (name: string): Promise<true | undefined> => {
    const { stdout } = await run('gdbus', callOf('NameHasOwner', name), { env });
    return stdout.includes('true') ? true : undefined;
  };
  const service = async (name: string, child: ChildProcess): Promise<ChildProcess> => {
    await eventually(`${name} on the bus`, async () => await owned(name));
    return child;
  };
  await startBus();

  const windows: Desktop['windows'] = async () =>
    readWindows(await ask('xdotool', 'search', '--onlyvisible', '.*', ...geometry));
  const startSettings = async (): Promise<void> => {
    if ((await owned('org.xfce.Xfconf')) === true) return;
    writePanelConfig(join(folder, 'home', '.config'));
    await service('org.xfce.Xfconf', start(`${xfceFolder}/xfconf/xfconfd`, []));
  };

  return {
    env,
    folder,
    start,
    end,
    ask,
    windows,
    startBus,
    endBus: async () => {
      if (bus !== undefined) await end(bus);
    },
    startDunst: async () =>
      await service(
        'org.freedesktop.Notifications',
        start('dunst', ['-config', writeDunstConfig(folder)]),
      ),
    startNotifyd: async () => {
      await startSettings();
      return await service(
        'org.freedesktop.Notifications',
        start(`${xfceFolder}/notifyd/xfce4-notifyd`, []),
      );
    },
    startPanel: async () => {
      await startSettings();
      const panel = start('xfce4-panel', ['--disable-wm-check']);
      return await service('org.kde.StatusNotifierWatcher', panel);
    },
    click: async ({ x, y }, button = 1) => {
      await ask('xdotool', 'mousemove', String(x), String(y), 'click', String(button));
    },
    move: async ({ x, y }) => {
      await ask('xdotool', 'mousemove', String(x), String(y));
    },
    findColour: async (colour, least = 20) =>
      await eventually(`${least} pixels of ${colour.join()}`, async () =>
        middleOf(await screenPixels(env), colour, least),
      ),
    newWindows: async (known) =>
      await eventually('a new window', async () => {
        const fresh = (await windows()).filter(({ id }) => !known.has(id));
        return fresh.length === 0 ? undefined : fresh;
      }),
    picture: async (name) => {
      mkdirSync(artefacts, { recursive: true });
      const file = join(artefacts, `${name}.png`);
      await ask('import', '-window', 'root', file);
      return file;
    },
    close: async () => {
      for (const child of children.toReversed()) await end(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const xfceFolder = '/usr/lib/x86_64-linux-gnu/xfce4';

/** Takes a display number that is free, and tells it. */
async function startX(start: Desktop['start']): Promise<string> {
  const server = start('Xvfb', [
    '-displayfd',
    '3',
    '-screen',
    '0',
    `${screen.width}x${screen.height}x24`,
    '-nolisten',
    'tcp',
    '-ac',
  ]);
  const lines = createInterface({ input: server.stdio[3] as Readable }); // spawned with a pipe there
  const gone = once(server, 'exit').then(() => {
    throw new Error('Xvfb did not start; is it installed?');
  });
  const [line] = (await Promise.race([once(lines, 'line'), gone])) as [string];
  gone.catch(() => undefined); // its end at the end of the test is not a failure
  return `:${line.trim()}`;
}

/** A bus that starts nothing by itself: what runs here, a test has started. */
function writeBusConfig(folder: string, busPath: string): string {
  const file = join(folder, 'bus.conf');
  writeFileSync(
    file,
    `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=${busPath}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`,
  );
  return file;
}

function callOf(method: string, name: string): string[] {
  const to = ['--dest', 'org.freedesktop.DBus', '--object-path', '/org/freedesktop/DBus'];
  return ['call', '--session', ...to, '--method', `org.freedesktop.DBus.${method}`, name];
}

/** A left click opens dunst's list of actions; the script that stands for dmenu picks what `choice` holds. */
function writeDunstConfig(folder: string): string {
  const script = join(folder, 'choose');
  writeFileSync(
    script,
    `#!/bin/sh
tee '${folder}/offered' | grep -- "$(cat '${folder}/choice')" | head -n 1
`,
  );
  chmodSync(script, 0o755);
  writeFileSync(join(folder, 'choice'), 'nothing');
  const file = join(folder, 'dunstrc');
  writeFileSync(
    file,
    `[global]
    monitor = 0
    follow = none
    width = 420
    height = 300
    origin = bottom-left
    offset = 20x20
    frame_width = 2
    frame_color = "#1e6496"
    font = DejaVu Sans 10
    markup = full
    format = "<b>%s</b>\\n%b"
    dmenu = ${script}
    mouse_left_click = context
    mouse_middle_click = do_action
    mouse_right_click = close_current
    show_age_threshold = -1
    stack_duplicates = false
[urgency_critical]
    background = "#123456"
    foreground = "#ffffff"
[urgency_normal]
    background = "#234567"
    foreground = "#ffffff"
`,
  );
  return file;
}

/** One panel at the top with nothing but a tray. */
function writePanelConfig(config: string): void {
  const file = join(config, 'xfce4', 'xfconf', 'xfce-perchannel-xml', 'xfce4-panel.xml');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(
    file,
    `<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="icon-size" type="uint" value="22"/>
      <property name="size" type="uint" value="32"/>
      <property name="plugin-ids" type="array">
        <value type="int" value="1"/>
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="systray">
      <property name="square-icons" type="bool" value="true"/>
      <property name="known-items" type="array">
        <value type="string" value="sallyport"/>
      </property>
    </property>
  </property>
</channel>
`,
  );
}

/** What xdotool says of every window that it found. */
const geometry = ['getwindowgeometry', '--shell', '%@'];

/** Reads that: lines of NAME=number, beginning anew with each WINDOW. */
function readWindows(text: string): Area[] {
  return text.split(/^WINDOW=/m).flatMap((block) => {
    const [id = '', ...lines] = block.split('\n');
    const numbers = new Map(lines.map((line) => line.split('=', 2) as [string, string]));
    const of = (name: string): number => Number(numbers.get(name) ?? 0);
    if (id === '') return [];
    return [{ id, x: of('X'), y: of('Y'), width: of('WIDTH'), height: of('HEIGHT') }];
  });
}

async function screenPixels(env: NodeJS.ProcessEnv): Promise<Buffer> {
  const child = spawn('import', ['-window', 'root', '-depth', '8', 'rgb:-'], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(child, 'close');
  return Buffer.concat(chunks);
}

/** How far a channel may be from the colour looked for. */
const near = 6;

function middleOf(pixels: Buffer, colour: Rgb, least: number): Point | undefined {
  let [count, sumX, sumY] = [0, 0, 0];
  for (let index = 0; index * 3 < pixels.length; index += 1) {
    const isNear = colour.every(
      (channel, offset) => Math.abs((pixels[index * 3 + offset] ?? 999) - channel) <= near,
    );
    if (!isNear) continue;
    count += 1;
    sumX += index % screen.width;
    sumY += Math.floor(index / screen.width);
  }
  if (count < least) return undefined;
  return { x: Math.round(sumX / count), y: Math.round(sumY / count) };
}
