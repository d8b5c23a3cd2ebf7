// The tray on a desktop without a screen: real daemon, real bus, real panel, real notification services, and real
// clicks that release a real curl. What must not count as a click is tried here as well.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { createControlClient, type ControlClient } from '../../src/control/client.ts';
import type { GroupView, StatusResponse } from '../../src/control/messages.ts';
import { variant, type SessionBus } from '../../src/tray/bus.ts';
import { trayName } from '../../src/tray/linux.ts';
import {
  eventually,
  removeFolder,
  startSallyport,
  type DaemonOptions,
  type RunningDaemon,
} from '../support/daemon.ts';
import { startDesktop, type Area, type Desktop } from '../support/desktop.ts';
import {
  askFor,
  chooseInMenu,
  comeAlive,
  findIcon,
  joinBus,
  openedAddress,
  openSubmenu,
  readMenu,
  startTray,
  type Asking,
  type TraySession,
} from '../support/tray-session.ts';

/** The background of an urgent notification in the test's dunstrc. */
const dunstColour = [0x12, 0x34, 0x56] as const;
const notifications = {
  path: '/org/freedesktop/Notifications',
  interface: 'org.freedesktop.Notifications',
} as const;

/** Looks like a name that the configuration allows. */
const lookAlike = 'sallyp0rt-demo.test';

let origin: Server;
let port = 0;
let desktop: Desktop & { readonly close: () => Promise<void> };
let daemon: RunningDaemon;
let control: ControlClient;
let options: DaemonOptions;
let bus: SessionBus;
let tray: TraySession | undefined;
const asking: Asking[] = [];
let names = 0;

/** A host that nobody has asked for yet. */
function freshHost(): string {
  names += 1;
  return `tray${names}.test`; // a domain of its own: many names below one are a warning by themselves
}

function ask(host: string, curl?: string): Asking {
  const one = askFor(daemon, `http://${host}:${port}/`, curl);
  asking.push(one);
  return one;
}

/** Asks, and waits until the question stands and the icon shows it. */
async function askAndWait(): Promise<{ readonly host: string; readonly curl: Asking }> {
  const host = freshHost();
  const curl = ask(host);
  await questionFor(host);
  await findIcon(desktop, 'waiting');
  return { host, curl };
}

async function released(curl: Asking): Promise<void> {
  const { status: code, stdout, stderr } = await curl.ended;
  assert.deepEqual([code, stdout], [0, 'origin\n'], stderr);
}

async function refused(curl: Asking): Promise<void> {
  const { stdout } = await curl.ended;
  assert.match(stdout, /denied|refused/i);
}

async function status(): Promise<StatusResponse> {
  return await control.status();
}

async function questionFor(host: string): Promise<GroupView> {
  return await eventually(`a question for ${host}`, async () =>
    (await control.pending()).groups.find((group) => group.host === host),
  );
}

/** Every answer the audit trail knows of this host. */
function answersFor(host: string): readonly (readonly unknown[])[] {
  return daemon
    .decisions()
    .filter(({ attributes }) => attributes['server.address'] === host)
    .map(({ attributes }) => [
      attributes['network.policy.decision'],
      attributes['sallyport.approver.surface'] ?? null,
    ]);
}

/** The windows of xfce4-notifyd, the only wide ones below the panel; waits for so many. */
async function notifydWindows(count: number): Promise<readonly Area[]> {
  return await eventually(`${count} notifications`, async () => {
    const areas = (await desktop.windows()).filter(
      ({ width, height, y }) => width > 300 && height > 80 && y > 0,
    );
    return areas.length === count ? areas : undefined;
  });
}

/** A click with the left button on dunst's notification, and this word picked from its list of actions. */
async function pickOnDunst(word: string): Promise<void> {
  rmSync(join(desktop.folder, 'offered'), { force: true });
  writeFileSync(join(desktop.folder, 'choice'), word);
  await desktop.click(await desktop.findColour(dunstColour, 2000));
  await eventually('dunst offers its actions', () => offered() || undefined);
}

/** Opens the list of actions, which names id and key of each, and picks none. */
async function lookOnDunst(): Promise<{ readonly id: string; readonly key: string }> {
  await pickOnDunst('nothing at all');
  return await eventually('dunst offers Allow once', () => {
    const [, id = '', key = ''] = /Allow once .*\[(\d+),(\S+)\]/.exec(offered()) ?? [];
    return key === '' ? undefined : { id, key };
  });
}

function offered(): string {
  try {
    return readFileSync(join(desktop.folder, 'offered'), 'utf8');
  } catch {
    return '';
  }
}

/** What dunst shows now; empty when nothing. */
async function dunstShows(): Promise<number> {
  return Number((await desktop.ask('dunstctl', 'count', 'displayed')).trim());
}

before(async () => {
  origin = createServer((_request, response) => response.end('origin\n')).listen(0, '127.0.0.1');
  await once(origin, 'listening');
  port = (origin.address() as AddressInfo).port;
  desktop = await startDesktop();
  await desktop.startPanel();
  options = {
    hosts: Object.fromEntries(
      [lookAlike, ...Array.from({ length: 60 }, (_, index) => `tray${index + 1}.test`)].map(
        (name) => [name, '127.0.0.1'],
      ),
    ),
    config: `[network]\nallowed_domains = ["127.0.0.1:${port}", "sallyport-demo.test"]\n`,
  };
  daemon = await startSallyport(options);
  control = createControlClient({ state: daemon.state });
});

after(async () => {
  await daemon.stop();
  await desktop.close();
  removeFolder(daemon.folder);
  origin.closeAllConnections();
  origin.close();
});

beforeEach(async () => {
  bus = await joinBus(desktop);
});

afterEach(async () => {
  for (const { child } of asking.splice(0)) child.kill('SIGKILL');
  await tray?.end();
  tray = undefined;
  await bus.close();
  // questions outlive their clients, and a panic its test: the next one begins with neither
  if ((await status()).gate.panicSince !== null) await control.panic(false);
  for (const { id } of (await control.pending()).groups) {
    await control.answer(id, { outcome: 'deny' });
  }
});

describe('the tray menu', { timeout: 300_000 }, () => {
  it('releases a held curl by a real click on Allow once', async () => {
    tray = startTray(desktop, daemon);
    const { host, curl } = await askAndWait();
    await comeAlive();
    const icon = await findIcon(desktop, 'waiting');
    const menu = await openSubmenu(desktop, bus, icon, `${host}:${port}`);
    await desktop.picture('tray-menu');
    await menu.choose('Allow once');
    await released(curl);
    assert.deepEqual(answersFor(host), [['allow', 'tray']]);
    await findIcon(desktop, 'idle');
  });

  it('denies by a real click on Deny, and takes that back by Undo', async () => {
    tray = startTray(desktop, daemon);
    const { host, curl } = await askAndWait();
    await comeAlive();
    const icon = await findIcon(desktop, 'waiting');
    const menu = await openSubmenu(desktop, bus, icon, `${host}:${port}`);
    await menu.choose('Deny');
    await refused(curl);
    assert.deepEqual(answersFor(host), [['deny', 'tray']]);
    await eventually(
      'Undo in the menu',
      async () =>
        JSON.stringify(await readMenu(bus)).includes(`Undo: denied once: ${host}`) || undefined,
    );
    await comeAlive();
    await chooseInMenu(desktop, bus, await findIcon(desktop, 'idle'), 'Undo');
    await eventually('it is taken back', async () => {
      const { answers } = await control.history();
      return answers.some((answer) => answer.host === host && answer.undone !== null) || undefined;
    });
  });

  it('stays still while it is open, and the click lands on what was shown', async () => {
    tray = startTray(desktop, daemon);
    const { host, curl } = await askAndWait();
    await comeAlive();
    const icon = await findIcon(desktop, 'waiting');
    const menu = await openSubmenu(desktop, bus, icon, `${host}:${port}`);
    const shown = JSON.stringify(await readMenu(bus));
    const later = ask(freshHost());
    const other = ask(freshHost());
    await eventually('two questions or more', async () => {
      const { waiting } = await status();
      return waiting.groups >= 2 ? true : undefined;
    });
    await desktop.picture('tray-menu-still');
    assert.equal(JSON.stringify(await readMenu(bus)), shown);
    const still = (await desktop.windows()).find(({ id }) => id === menu.area.id);
    assert.deepEqual(still, menu.area);
    await menu.choose('Allow once');
    await released(curl);
    await eventually('the new questions, once it is closed', async () =>
      JSON.stringify(await readMenu(bus)) === shown ? undefined : true,
    );
    for (const { child } of [later, other]) child.kill('SIGKILL');
  });

  it('opens the page on a left click, with a code that works once', async () => {
    tray = startTray(desktop, daemon);
    rmSync(join(desktop.folder, 'opened'), { force: true });
    await desktop.click(await findIcon(desktop, 'idle'));
    assert.match(await openedAddress(desktop), /^http:\/\/127\.0\.0\.1:\d+\/#code=[\w-]{20,}$/);
  });

  it('stops everything by one click on Panic, and opens again by two', async () => {
    tray = startTray(desktop, daemon);
    await findIcon(desktop, 'idle');
    const panic = async (on: boolean): Promise<void> => {
      await eventually(
        `panic ${on ? 'on' : 'off'}`,
        async () => ((await status()).gate.panicSince !== null) === on || undefined,
      );
    };
    await comeAlive();
    await chooseInMenu(desktop, bus, await findIcon(desktop, 'idle'), 'Panic: deny everything');
    await panic(true);
    await findIcon(desktop, 'panic');
    await comeAlive();
    const icon = await findIcon(desktop, 'panic');
    const menu = await openSubmenu(desktop, bus, icon, 'Panic: everything is denied');
    await menu.choose('Reopen the gate');
    await panic(false);
  });

  /** The ids of the items with this label, wherever they are. */
  async function menuIds(label: string): Promise<readonly number[]> {
    const found: number[] = [];
    const walk = ([id, properties, children]: Awaited<ReturnType<typeof readMenu>>): void => {
      if (properties['label'] === label) found.push(id);
      for (const child of children) walk(child);
    };
    await eventually(label, async () => {
      walk(await readMenu(bus));
      return found.length > 0 ? true : undefined;
    });
    return found;
  }

  /** Clicks as a tray host does; the test's connection becomes one first. */
  async function actAsHost(id: number | undefined): Promise<void> {
    assert.equal(await bus.ownName(`org.kde.StatusNotifierHost-${process.pid}`), true);
    await bus.listNames();
    await clickMenu(bus, id ?? -1);
  }

  async function clickMenu(from: SessionBus, id: number): Promise<void> {
    await from.call({
      destination: trayName,
      path: '/MenuBar',
      interface: 'com.canonical.dbusmenu',
      member: 'Event',
      signature: 'isvu',
      body: [id, 'clicked', variant('i', 0), 0],
    });
  }

  it('ignores a click on what has only just appeared', async () => {
    tray = startTray(desktop, daemon);
    await findIcon(desktop, 'idle');
    const appeared = Promise.withResolvers<void>();
    bus.onSignal(({ member }) => {
      if (member === 'LayoutUpdated') appeared.resolve();
    });
    await bus.match(`type='signal',interface='com.canonical.dbusmenu'`);
    const host = freshHost();
    const curl = ask(host);
    await appeared.promise;
    const [id] = await menuIds('Allow once');
    await actAsHost(id);
    await stillWaits(host, curl);
    await comeAlive();
    await actAsHost(id);
    await released(curl);
  });

  it('offers no allow for a name that looks like another one, and shows that in red', async () => {
    tray = startTray(desktop, daemon);
    const curl = ask(lookAlike);
    const icon = await findIcon(desktop, 'warning');
    await comeAlive();
    const menu = await openSubmenu(desktop, bus, icon, `! ${lookAlike}:${port}`);
    await desktop.picture('tray-look-alike');
    assert.doesNotMatch(JSON.stringify(await readMenu(bus)), /Allow/);
    await menu.choose('Deny');
    await refused(curl);
  });

  it('takes no answer to a question that changed while its menu was open', async () => {
    tray = startTray(desktop, daemon);
    const { host, curl } = await askAndWait();
    await comeAlive();
    const icon = await findIcon(desktop, 'waiting');
    const menu = await openSubmenu(desktop, bus, icon, `${host}:${port}`);
    const otherProgram = join(desktop.folder, 'other-curl');
    copyFileSync('/usr/bin/curl', otherProgram);
    const other = ask(host, otherProgram);
    await eventually('the other program in the question', async () =>
      (await questionFor(host)).revision > 1 ? true : undefined,
    );
    await menu.choose('Allow once');
    await eventually(
      'the menu asks to look again',
      async () => JSON.stringify(await readMenu(bus)).includes('Changed, look again') || undefined,
    );
    assert.equal((await questionFor(host)).waiting, 2);
    assert.deepEqual(answersFor(host), []);
    await comeAlive();
    await (await openSubmenu(desktop, bus, icon, `${host}:${port}`)).choose('Allow once');
    await released(curl);
    await released(other);
  });

  it('takes no click from a program that is no tray host', async () => {
    tray = startTray(desktop, daemon);
    const { host, curl } = await askAndWait();
    await comeAlive();
    const [id = -1] = await menuIds('Allow once');
    await assert.rejects(clickMenu(bus, id), /only the tray/);
    const forged = desktop.ask(
      'gdbus',
      'call',
      '--session',
      '--dest',
      trayName,
      '--object-path',
      '/MenuBar',
      '--method',
      'com.canonical.dbusmenu.Event',
      String(id),
      'clicked',
      '<0>',
      '0',
    );
    await assert.rejects(forged, /only the tray/);
    await stillWaits(host, curl);
  });

  it('refuses the id of a question that is gone', async () => {
    tray = startTray(desktop, daemon);
    const first = await askAndWait();
    const [stale = -1] = await menuIds('Allow once');
    const { id } = await questionFor(first.host);
    await control.answer(id, { outcome: 'deny' });
    await refused(first.curl);
    const second = await askAndWait();
    await comeAlive();
    const [fresh = -1] = await menuIds('Allow once');
    assert.ok(fresh > stale, 'ids only grow');
    await assert.rejects(actAsHost(stale), /no such item/);
    await stillWaits(second.host, second.curl);
    await actAsHost(fresh);
    await released(second.curl);
  });
});

/** Nothing was answered: the curl runs on and the audit trail knows of no decision. */
async function stillWaits(host: string, curl: Asking): Promise<void> {
  const { waiting } = await questionFor(host);
  assert.equal(waiting, 1);
  assert.equal(curl.child.exitCode, null);
  assert.deepEqual(answersFor(host), []);
}

describe('the notification of dunst', { timeout: 300_000 }, () => {
  let dunst: Awaited<ReturnType<Desktop['startDunst']>>;
  before(async () => {
    dunst = await desktop.startDunst();
  });
  after(async () => {
    await desktop.end(dunst);
  });
  afterEach(async () => {
    await desktop.ask('dunstctl', 'close-all');
  });

  it('releases a held curl by a real click', async () => {
    tray = startTray(desktop, daemon);
    const { host, curl } = await askAndWait();
    await desktop.findColour(dunstColour, 2000);
    await comeAlive();
    await desktop.picture('notification-dunst');
    await pickOnDunst('Allow once');
    await released(curl);
    assert.deepEqual(answersFor(host), [['allow', 'tray']]);
  });

  it('takes no forged click, broadcast or sent to the tray alone, even with the right secret', async () => {
    tray = startTray(desktop, daemon);
    const { host, curl } = await askAndWait();
    await desktop.findColour(dunstColour, 2000);
    await comeAlive();
    const { id, key } = await lookOnDunst();
    assert.match(key, /^\d\.[0-9a-f]{32}$/);
    const emit = [
      'emit',
      '--session',
      '--object-path',
      notifications.path,
      '--signal',
      `${notifications.interface}.ActionInvoked`,
    ];
    await desktop.ask('gdbus', ...emit, id, key);
    const owner = await bus.ownerOf(trayName);
    await desktop.ask('gdbus', ...emit, '--dest', owner ?? '', id, key);
    await bus.listNames();
    await stillWaits(host, curl);
    // the same key by a real click: so it was the sender that was wrong, and nothing else
    await pickOnDunst('Allow once');
    await released(curl);
  });

  it('answers nothing when it is closed, and the menu still can', async () => {
    tray = startTray(desktop, daemon);
    const { host, curl } = await askAndWait();
    await desktop.click(await desktop.findColour(dunstColour, 2000), 3);
    await eventually('it is closed', async () => ((await dunstShows()) === 0 ? true : undefined));
    await stillWaits(host, curl);
    const icon = await findIcon(desktop, 'waiting');
    const menu = await openSubmenu(desktop, bus, icon, `${host}:${port}`);
    await menu.choose('Allow once');
    await released(curl);
  });

  it('is one, replaced: many questions are counted, and never offered to be allowed', async () => {
    tray = startTray(desktop, daemon);
    const hosts = Array.from({ length: 5 }, freshHost);
    for (const host of hosts) ask(host);
    await eventually('five questions', async () =>
      (await status()).waiting.groups >= 5 ? true : undefined,
    );
    await desktop.findColour(dunstColour, 2000);
    await eventually('they are counted', async () => {
      await pickOnDunst('nothing at all');
      return offered().includes('5 destinations wait') ? true : undefined;
    });
    assert.equal(await dunstShows(), 1);
    assert.match(offered(), /Pause 10 min/);
    assert.doesNotMatch(offered(), /[Aa]llow/);
    await desktop.picture('notification-many');
  });

  it('is taken away when the tray is ended', async () => {
    tray = startTray(desktop, daemon);
    await askAndWait();
    await eventually('it shows', async () => ((await dunstShows()) === 1 ? true : undefined));
    assert.equal(await tray.end(), 0);
    await eventually('it is gone', async () => ((await dunstShows()) === 0 ? true : undefined));
  });

  it('is posted anew by another service that takes over', async () => {
    tray = startTray(desktop, daemon);
    const { host, curl } = await askAndWait();
    await desktop.findColour(dunstColour, 2000);
    await desktop.end(dunst);
    dunst = await desktop.startDunst();
    await eventually('it shows again', async () => ((await dunstShows()) === 1 ? true : undefined));
    await comeAlive();
    await pickOnDunst('Deny');
    await refused(curl);
    assert.deepEqual(answersFor(host), [['deny', 'tray']]);
  });
});

describe('the notification of xfce4-notifyd', { timeout: 300_000 }, () => {
  let notifyd: Awaited<ReturnType<Desktop['startNotifyd']>>;
  before(async () => {
    notifyd = await desktop.startNotifyd();
  });
  after(async () => {
    await desktop.end(notifyd);
  });

  /** Its buttons share the window's width, in the order they were given. */
  async function pressButton({ x, y, width, height }: Area, index: number): Promise<void> {
    const margin = 14;
    const step = (width - 2 * margin) / 4;
    await desktop.click({ x: Math.round(x + margin + step * (index + 0.5)), y: y + height - 30 });
  }

  const [denyButton, allowButton] = [0, 1];
  for (const [index, label, outcome] of [
    [allowButton, 'Allow once', 'allow'],
    [denyButton, 'Deny', 'deny'],
  ] as const) {
    it(`answers a held curl by a real click on its button ${label}`, async () => {
      tray = startTray(desktop, daemon);
      const { host, curl } = await askAndWait();
      const [area] = await notifydWindows(1);
      assert.ok(area !== undefined);
      await comeAlive();
      await desktop.picture(`notification-${outcome}`);
      await pressButton(area, index);
      await (outcome === 'allow' ? released(curl) : refused(curl));
      assert.deepEqual(answersFor(host), [[outcome, 'tray']]);
    });
  }

  it('is ignored when it was left over by a tray that was killed', async () => {
    tray = startTray(desktop, daemon);
    const { host, curl } = await askAndWait();
    const [orphan] = await notifydWindows(1);
    assert.ok(orphan !== undefined);
    await tray.end('SIGKILL');
    tray = startTray(desktop, daemon);
    const own = (await notifydWindows(2)).find(({ id }) => id !== orphan.id);
    assert.ok(own !== undefined);
    await comeAlive();
    await desktop.picture('notification-orphan');
    const invoked = Promise.withResolvers<void>();
    bus.onSignal(({ member }) => {
      if (member === 'ActionInvoked') invoked.resolve();
    });
    await bus.match(`type='signal',interface='${notifications.interface}'`);
    const place = (await notifydWindows(2)).find(({ id }) => id === orphan.id);
    await pressButton(place ?? orphan, allowButton);
    await invoked.promise; // it went out to everybody, the tray among them
    await notifydWindows(1);
    await stillWaits(host, curl);
    const [left = own] = await notifydWindows(1);
    await pressButton(left, allowButton);
    await released(curl);
  });
});

describe('the tray among its neighbours', { timeout: 300_000 }, () => {
  it('leaves a desktop that has one already', async () => {
    tray = startTray(desktop, daemon);
    await findIcon(desktop, 'idle');
    const second = startTray(desktop, daemon);
    const [code] = (await once(second.process, 'exit')) as [number | null];
    assert.equal(code, 1);
    assert.match(second.stderr(), /another tray runs in this desktop session/);
  });

  it('is crossed while the daemon is away, and works with the one that comes back', async () => {
    tray = startTray(desktop, daemon);
    await findIcon(desktop, 'idle');
    await daemon.stop();
    await findIcon(desktop, 'unreachable');
    await desktop.picture('tray-unreachable');
    daemon = await startSallyport({ ...options, folder: daemon.folder });
    await findIcon(desktop, 'idle');
    const { host, curl } = await askAndWait();
    await comeAlive();
    const icon = await findIcon(desktop, 'waiting');
    const menu = await openSubmenu(desktop, bus, icon, `${host}:${port}`);
    await menu.choose('Allow once');
    await released(curl);
  });

  it('runs without a bus, loses one and finds it again, and the gate never notices', async () => {
    const address = `unix:path=${join(desktop.folder, 'later')}`;
    const startBus = (): ChildProcess =>
      desktop.start('dbus-daemon', ['--session', '--nofork', `--address=${address}`]);
    const tells = async (problem: string, does: boolean): Promise<void> => {
      await eventually(
        `status ${does ? 'tells' : 'tells no more'}: ${problem}`,
        async () => ((await status()).tray?.includes(problem) ?? false) === does || undefined,
      );
    };
    tray = startTray(desktop, daemon, { DBUS_SESSION_BUS_ADDRESS: address });
    await tells('there is no session bus', true);
    assert.match(tray.stderr(), /^sallyport: tray: there is no session bus/);
    const first = startBus();
    await tells('no tray on this desktop', true); // the bus is there, and no panel on it
    await desktop.end(first);
    await tells('the session bus went away', true);
    const host = freshHost();
    const curl = ask(host);
    const { id } = await questionFor(host);
    await control.answer(id, { outcome: 'allow' });
    await released(curl);
    const second = startBus();
    await tells('no tray on this desktop', true);
    assert.equal(await tray.end(), 0);
    await desktop.end(second);
  });

  it('comes back to a panel that comes back', async () => {
    tray = startTray(desktop, daemon);
    await findIcon(desktop, 'idle');
    await desktop.ask('xfce4-panel', '--quit');
    await eventually(
      'status tells',
      async () => (await status()).tray?.includes('no tray on this desktop') === true || undefined,
    );
    await desktop.startPanel();
    await findIcon(desktop, 'idle');
    await eventually('status tells no more', async () =>
      (await status()).tray?.includes('no tray on this desktop') === true ? undefined : true,
    );
  });
});
