// What any program on the session bus can send to the tray: nothing of it may throw, and nothing may count as a click
// but what was posted, to whom it was posted.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { NotificationModel, TrayAction, TrayModel } from '../../src/tray/adapter.ts';
import type { BusSignal, ServedInterface, SessionBus } from '../../src/tray/bus.ts';
import { openNotifier } from '../../src/tray/notifier.ts';
import { openStatusItem } from '../../src/tray/status-item.ts';
import { watcherName } from '../../src/tray/tray-hosts.ts';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 20_000);
const service = 'org.freedesktop.Notifications';
const [owner, panel, busItself] = [':1.7', ':1.8', 'org.freedesktop.DBus'];

interface FakeBus {
  readonly bus: SessionBus;
  readonly send: (signal: BusSignal) => void;
  readonly served: Map<string, ServedInterface>;
  readonly posted: (readonly unknown[])[];
}

/** A bus without a connection: what is sent arrives at once. */
function fakeBus(): FakeBus {
  const listeners: ((signal: BusSignal) => void)[] = [];
  const served = new Map<string, ServedInterface>();
  const posted: (readonly unknown[])[] = [];
  const owners = new Map([
    [service, owner],
    [watcherName, panel],
  ]);
  return {
    served,
    posted,
    send: (signal) => {
      for (const listener of listeners) listener(signal);
    },
    bus: {
      name: ':1.1',
      call: ({ member, body = [] }) => {
        if (member !== 'Notify') return Promise.resolve([]);
        posted.push(body);
        return Promise.resolve([5]);
      },
      match: () => Promise.resolve(),
      onSignal: (listener) => listeners.push(listener),
      serve: (one) => served.set(one.name, one),
      emit: () => undefined,
      ownName: () => Promise.resolve(true),
      ownerOf: (name) => Promise.resolve(owners.get(name) ?? null),
      listNames: () => Promise.resolve([...owners.keys()]),
      closed: new Promise(() => undefined),
      close: () => Promise.resolve(),
    },
  };
}

const allow: TrayAction = { kind: 'answer', id: 'k3', revision: 1, verb: 'allow-once' };
const question: NotificationModel = {
  about: ['k3'],
  title: 'a.example:443',
  lines: [],
  buttons: [{ label: 'Allow once', action: allow }],
  click: { kind: 'details', id: 'k3' },
  urgent: true,
};
const model: TrayModel = {
  state: 'waiting',
  badge: '1',
  tooltip: ['sallyport'],
  menu: [{ kind: 'item', key: 'k3:allow', label: 'Allow once', action: allow }],
  notification: null,
};

const value = fc.oneof(
  fc.integer(),
  fc.string(),
  fc.boolean(),
  fc.constantFrom('clicked', 'opened', 'closed', 'default', service, watcherName, owner, panel, ''),
  fc.array(fc.oneof(fc.integer({ min: 0, max: 3 }), fc.string(), fc.constant('clicked')), {
    maxLength: 4,
  }),
);
const sender = fc.constantFrom(owner, panel, busItself, ':1.99', '');
const signals = fc.record({
  sender,
  path: fc.constantFrom('/org/freedesktop/Notifications', '/', '/MenuBar'),
  interface: fc.constantFrom(service, busItself, 'com.canonical.dbusmenu'),
  member: fc.constantFrom('ActionInvoked', 'NotificationClosed', 'NameOwnerChanged', 'Other'),
  body: fc.array(fc.oneof(fc.constant(5), value), { maxLength: 4 }),
});

async function throwsNothing(sent: readonly BusSignal[]): Promise<void> {
  const { bus, send, posted } = fakeBus();
  const actions: TrayAction[] = [];
  const notifier = await openNotifier({
    bus,
    nowMs: () => actions.length + 1e6 * posted.length,
    onAction: (action) => actions.push(action),
    onProblem: () => undefined,
  });
  notifier.show(question);
  await Promise.resolve();
  for (const signal of sent) send(signal);
  await Promise.resolve();
  await notifier.close();
  // the key's secret is 128 random bits, so none of what is made up here can answer
  assert.deepEqual(
    actions.filter(({ kind }) => kind === 'answer'),
    [],
  );
}

describe('signals from anybody', () => {
  it('answer nothing and break nothing', async () => {
    await fc.assert(fc.asyncProperty(fc.array(signals, { maxLength: 5 }), throwsNothing), {
      numRuns: Math.ceil(numRuns / 5),
    });
  });

  it('break nothing that was found before', async () => {
    const file = join(import.meta.dirname, 'corpus', 'tray.json');
    const kept = JSON.parse(readFileSync(file, 'utf8')) as BusSignal[][];
    for (const sent of kept) await throwsNothing(sent);
  });
});

describe('menu calls from anybody', () => {
  it('act only for a tray host, on an id that is there', async () => {
    const { bus, served } = fakeBus();
    const actions: TrayAction[] = [];
    let now = 0;
    const item = await openStatusItem({
      bus,
      nowMs: () => now,
      onAction: (action) => actions.push(action),
      onProblem: () => undefined,
    });
    item.show(model);
    now = 1000;
    const menu = served.get('com.canonical.dbusmenu');
    const members = Object.keys(menu?.methods ?? {});
    fc.assert(
      fc.property(
        fc.constantFrom(...members),
        fc.array(fc.oneof(fc.integer({ min: -1, max: 3 }), value), { maxLength: 4 }),
        sender,
        (member, args, from) => {
          actions.length = 0;
          let answered: readonly unknown[] | undefined;
          try {
            answered = menu?.methods[member]?.answer(args, from);
          } catch (error) {
            assert.ok(error instanceof Error);
            assert.match(error.message, /^(only the tray may call this|no such (item|property))$/);
          }
          if (from !== panel && /^(Event|AboutToShow)/.test(member)) {
            assert.equal(answered, undefined);
          }
          if (actions.length > 0) assert.equal(from, panel);
          for (const action of actions) assert.deepEqual(action, allow);
        },
      ),
      { numRuns },
    );
    item.close();
  });
});
