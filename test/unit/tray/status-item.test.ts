import assert from 'node:assert/strict';
import { once, EventEmitter } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import type { TrayAction, TrayModel } from '../../../src/tray/adapter.ts';
import { variant, type BusSignal, type SessionBus } from '../../../src/tray/bus.ts';
import { openStatusItem, type StatusItem } from '../../../src/tray/status-item.ts';
import { watcherName } from '../../../src/tray/tray-hosts.ts';
import { startBroker, type TestBus } from '../../support/broker.ts';

const deny: TrayAction = { kind: 'answer', id: 'k3', revision: 1, verb: 'deny' };
const model: TrayModel = {
  state: 'waiting',
  badge: '1',
  tooltip: ['sallyport: 1 destination waits', 'a.example:443 <1>'],
  menu: [
    {
      kind: 'submenu',
      key: 'group:k3',
      label: 'a.example:443',
      entries: [
        { kind: 'text', key: 'k3:fact', label: 'curl' },
        { kind: 'item', key: 'k3:deny', label: 'Deny', action: deny },
      ],
    },
  ],
  notification: null,
};
const [submenuId, textId, denyId] = [1, 2, 3];

interface Bench {
  readonly broker: TestBus;
  readonly item: StatusItem;
  readonly bus: SessionBus;
  readonly panel: SessionBus;
  readonly registered: string[];
  readonly actions: TrayAction[];
  readonly problems: (string | null)[];
  readonly signals: BusSignal[];
  readonly clock: { now: number };
  readonly menu: (
    from: SessionBus,
    member: string,
    signature: string,
    body: unknown[],
  ) => Promise<readonly unknown[]>;
  readonly property: (name: string) => Promise<unknown>;
}

/** A panel that keeps the list of icons; tells each that registers. */
async function becomePanel(panel: SessionBus, registered: string[]): Promise<EventEmitter> {
  const events = new EventEmitter();
  panel.serve({
    path: '/StatusNotifierWatcher',
    name: watcherName,
    methods: {
      RegisterStatusNotifierItem: {
        takes: 's',
        gives: '',
        answer: ([name]) => {
          registered.push(String(name));
          events.emit('registered');
          return [];
        },
      },
    },
    properties: {},
    signals: {},
  });
  await panel.ownName(watcherName);
  return events;
}

async function open(context: TestContext): Promise<Bench> {
  const broker = await startBroker(context);
  const [panel, bus] = [await broker.connect(), await broker.connect()];
  const registered: string[] = [];
  await becomePanel(panel, registered);
  const signals: BusSignal[] = [];
  panel.onSignal((signal) => {
    if (signal.sender === bus.name) signals.push(signal);
  });
  await panel.match(`type='signal',sender='${bus.name}'`);
  const actions: TrayAction[] = [];
  const problems: (string | null)[] = [];
  const clock = { now: 1000 };
  const item = await openStatusItem({
    bus,
    nowMs: () => clock.now,
    onAction: (action) => actions.push(action),
    onProblem: (problem) => problems.push(problem),
  });
  context.after(() => {
    item.close();
  });
  return {
    broker,
    item,
    bus,
    panel,
    registered,
    actions,
    problems,
    signals,
    clock,
    menu: async (from, member, signature, body) =>
      await from.call({
        destination: bus.name,
        path: '/MenuBar',
        interface: 'com.canonical.dbusmenu',
        member,
        signature,
        body,
      }),
    property: async (name) => {
      const [value] = await panel.call({
        destination: bus.name,
        path: '/StatusNotifierItem',
        interface: 'org.freedesktop.DBus.Properties',
        member: 'Get',
        signature: 'ss',
        body: ['org.kde.StatusNotifierItem', name],
      });
      return value;
    },
  };
}

function clicked(id: number): unknown[] {
  return [id, 'clicked', variant('i', 0), 0];
}

describe('the icon on a Linux panel', () => {
  it('registers under a name of its own and shows its state', async (context) => {
    const { item, registered, property, problems, signals } = await open(context);
    assert.deepEqual(registered, [`org.kde.StatusNotifierItem-${process.pid}-1`]);
    assert.deepEqual(problems, [null]);
    assert.equal(await property('Status'), 'Active');
    item.show(model);
    assert.equal(await property('Status'), 'NeedsAttention');
    const pixmaps = (await property('IconPixmap')) as [number, number, Buffer][];
    assert.deepEqual(
      pixmaps.map(([width, height, bytes]) => [width, height, bytes.length]),
      [16, 22, 24, 32, 48].map((size) => [size, size, size * size * 4]),
    );
    assert.deepEqual(await property('ToolTip'), [
      '',
      [],
      'sallyport: 1 destination waits',
      'a.example:443 &lt;1&gt;',
    ]);
    assert.deepEqual(
      signals.map(({ member }) => member),
      ['NewIcon', 'NewAttentionIcon', 'NewStatus', 'NewToolTip', 'LayoutUpdated'],
    );
    item.show({ ...model });
    await property('Status');
    assert.equal(signals.length, 5);
  });

  it('gives its menu as the panel asks for it', async (context) => {
    const { item, menu, panel } = await open(context);
    item.show(model);
    const fact = [textId, { label: 'curl', enabled: false }, []];
    const answer = [denyId, { label: 'Deny' }, []];
    const submenu = { label: 'a.example:443', 'children-display': 'submenu' };
    assert.deepEqual(await menu(panel, 'GetLayout', 'iias', [0, -1, []]), [
      2,
      [0, { 'children-display': 'submenu' }, [[submenuId, submenu, [fact, answer]]]],
    ]);
    assert.deepEqual(await menu(panel, 'GetLayout', 'iias', [0, 1, ['label']]), [
      2,
      [0, {}, [[submenuId, { label: 'a.example:443' }, []]]],
    ]);
    assert.deepEqual(await menu(panel, 'GetGroupProperties', 'aias', [[denyId, 99], []]), [
      [[denyId, { label: 'Deny' }]],
    ]);
    assert.deepEqual(await menu(panel, 'GetProperty', 'is', [denyId, 'label']), ['Deny']);
    await assert.rejects(menu(panel, 'GetProperty', 'is', [denyId, 'toString']));
    await assert.rejects(menu(panel, 'GetLayout', 'iias', [99, -1, []]));
  });

  it('takes a click from the panel', async (context) => {
    const { item, menu, panel, actions, clock } = await open(context);
    item.show(model);
    clock.now += 500;
    assert.deepEqual(await menu(panel, 'AboutToShow', 'i', [0]), [false]);
    await menu(panel, 'Event', 'isvu', clicked(denyId));
    assert.deepEqual(actions, [deny]);
    const [errors] = await menu(panel, 'EventGroup', 'a(isvu)', [[clicked(denyId), clicked(99)]]);
    assert.deepEqual([actions.length, errors], [2, [99]]);
  });

  it('takes a click from a host that is not the watcher', async (context) => {
    const { broker, item, menu, actions, clock, bus } = await open(context);
    const host = await broker.connect();
    await host.ownName('org.kde.StatusNotifierHost-5');
    await bus.listNames();
    item.show(model);
    clock.now += 500;
    await menu(host, 'Event', 'isvu', clicked(denyId));
    assert.deepEqual(actions, [deny]);
  });

  it('takes no click from anybody else', async (context) => {
    const { broker, item, menu, actions, clock, bus } = await open(context);
    const stranger = await broker.connect();
    item.show(model);
    clock.now += 500;
    await assert.rejects(menu(stranger, 'Event', 'isvu', clicked(denyId)), /only the tray/);
    await assert.rejects(
      menu(stranger, 'EventGroup', 'a(isvu)', [[clicked(denyId)]]),
      /only the tray/,
    );
    await assert.rejects(menu(stranger, 'AboutToShow', 'i', [0]), /only the tray/);
    const activate = {
      destination: bus.name,
      path: '/StatusNotifierItem',
      signature: 'ii',
      body: [0, 0],
    };
    await assert.rejects(
      stranger.call({ ...activate, interface: 'org.kde.StatusNotifierItem', member: 'Activate' }),
      /only the tray/,
    );
    assert.deepEqual(actions, []);
  });

  it('refuses an id whose question has gone', async (context) => {
    const { item, menu, panel, actions, clock } = await open(context);
    item.show(model);
    clock.now += 500;
    item.show({ ...model, menu: [] });
    await assert.rejects(menu(panel, 'Event', 'isvu', clicked(denyId)), /no such item/);
    assert.deepEqual(actions, []);
  });

  it('keeps its menu still while the panel shows it', async (context) => {
    const { item, menu, panel, actions, clock, signals } = await open(context);
    item.show(model);
    clock.now += 500;
    await menu(panel, 'AboutToShow', 'i', [0]);
    const before = await menu(panel, 'GetLayout', 'iias', [0, -1, []]);
    item.show({ ...model, menu: [] });
    assert.deepEqual(await menu(panel, 'GetLayout', 'iias', [0, -1, []]), before);
    await menu(panel, 'Event', 'isvu', clicked(denyId));
    assert.deepEqual(actions, [deny]);
    const layouts = signals.filter(({ member }) => member === 'LayoutUpdated');
    assert.deepEqual(
      layouts.map(({ body }) => body),
      [
        [2, 0],
        [3, 0],
      ],
    );
  });

  it('opens the page on a left click', async (context) => {
    const { panel, bus, actions } = await open(context);
    await panel.call({
      destination: bus.name,
      path: '/StatusNotifierItem',
      interface: 'org.kde.StatusNotifierItem',
      member: 'Activate',
      signature: 'ii',
      body: [10, 10],
    });
    assert.deepEqual(actions, [{ kind: 'open' }]);
  });

  it('tells that there is no tray, and registers when one comes', async (context) => {
    const broker = await startBroker(context);
    const problems: (string | null)[] = [];
    const item = await openStatusItem({
      bus: await broker.connect(),
      nowMs: () => 0,
      onAction: () => undefined,
      onProblem: (problem) => problems.push(problem),
    });
    assert.deepEqual(problems, ['there is no tray on this desktop: no panel with a tray runs']);
    const registered: string[] = [];
    const events = await becomePanel(await broker.connect(), registered);
    if (registered.length === 0) await once(events, 'registered');
    assert.equal(registered.length, 1);
    item.close();
  });
});
