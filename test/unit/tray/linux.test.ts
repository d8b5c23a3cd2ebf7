import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { DesktopAdapter, TrayModel } from '../../../src/tray/adapter.ts';
import { busAddress, openLinuxDesktop, trayName } from '../../../src/tray/linux.ts';
import { startBroker } from '../../support/broker.ts';
import { soon } from '../../support/fake-desktop.ts';
import { serveNotifications } from '../../support/notification-service.ts';

const model: TrayModel = {
  state: 'waiting',
  badge: '1',
  tooltip: ['sallyport'],
  menu: [],
  notification: {
    about: ['k3'],
    title: 'a.example:443',
    lines: [],
    buttons: [],
    click: { kind: 'open' },
    urgent: true,
  },
};

interface Opened {
  readonly desktop: DesktopAdapter;
  readonly problems: (string | null)[];
  readonly taken: () => boolean;
}

function open(context: TestContext, env: Readonly<Record<string, string>>): Opened {
  const problems: (string | null)[] = [];
  let isTaken = false;
  const desktop = openLinuxDesktop(
    { env, pauseMs: 5 },
    {
      onAction: () => undefined,
      onProblem: (problem) => problems.push(problem),
      onTaken: () => {
        isTaken = true;
      },
    },
  );
  context.after(async () => {
    await desktop.close();
  });
  return { desktop, problems, taken: () => isTaken };
}

describe('a Linux desktop', () => {
  it('shows the latest model once the bus is there, and takes it away at the end', async (context) => {
    const broker = await startBroker(context);
    const service = await serveNotifications(await broker.connect());
    const { desktop } = open(context, { DBUS_SESSION_BUS_ADDRESS: broker.address });
    desktop.show({ ...model, notification: null });
    desktop.show(model);
    await service.next();
    assert.equal(service.last().title, 'a.example:443');
    await desktop.close();
    assert.deepEqual(service.closed, [1]);
  });

  it('tells what is missing, as one sentence and once', async (context) => {
    const broker = await startBroker(context);
    const { desktop, problems } = open(context, { DBUS_SESSION_BUS_ADDRESS: broker.address });
    desktop.show(model);
    const both = await soon('both problems', () =>
      problems.find((problem) => problem?.includes(';') === true),
    );
    assert.match(String(both), /no tray on this desktop.*notifications cannot be shown/);
    assert.equal(new Set(problems).size, problems.length);
  });

  it('says that there is no bus, and keeps trying', async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-bus-'));
    context.after(() => {
      rmSync(folder, { recursive: true });
    });
    const { problems } = open(context, { DBUS_SESSION_BUS_ADDRESS: `unix:path=${folder}/bus` });
    await soon('a problem', () => problems[0] ?? undefined);
    assert.match(String(problems[0]), /^there is no session bus: /);
    assert.equal(problems.length, 1);
    const none = open(context, {});
    assert.deepEqual(
      [await soon('a problem', () => none.problems[0] ?? undefined)],
      ['there is no session bus: DBUS_SESSION_BUS_ADDRESS is not set'],
    );
  });

  it('tells when the bus goes away', async (context) => {
    const broker = await startBroker(context);
    const service = await serveNotifications(await broker.connect());
    const { desktop, problems } = open(context, { DBUS_SESSION_BUS_ADDRESS: broker.address });
    desktop.show(model);
    await service.next();
    broker.stop();
    await soon('a problem', () => problems.find((text) => text === 'the session bus went away'));
  });

  it('leaves a session that has a tray already', async (context) => {
    const broker = await startBroker(context);
    const first = await broker.connect();
    await first.ownName(trayName);
    const { taken } = open(context, { DBUS_SESSION_BUS_ADDRESS: broker.address });
    await soon('the end', () => (taken() ? true : undefined));
  });

  it('finds the bus where the environment says it is', (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-run-'));
    context.after(() => {
      rmSync(folder, { recursive: true });
    });
    assert.equal(busAddress({ DBUS_SESSION_BUS_ADDRESS: 'unix:path=/b' }), 'unix:path=/b');
    assert.equal(busAddress({ XDG_RUNTIME_DIR: folder }), undefined);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'bus'), '');
    assert.equal(busAddress({ XDG_RUNTIME_DIR: folder }), `unix:path=${folder}/bus`);
    assert.equal(busAddress({ XDG_RUNTIME_DIR: 'relative' }), undefined);
  });
});
