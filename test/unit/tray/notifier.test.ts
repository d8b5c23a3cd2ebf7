import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { NotificationModel, TrayAction } from '../../../src/tray/adapter.ts';
import type { SessionBus } from '../../../src/tray/bus.ts';
import { openNotifier, type Notifier } from '../../../src/tray/notifier.ts';
import { startBroker, type TestBus } from '../../support/broker.ts';
import {
  serveNotifications,
  type NotificationService,
} from '../../support/notification-service.ts';

const deny: TrayAction = { kind: 'answer', id: 'k3', revision: 1, verb: 'deny' };
const allow: TrayAction = { kind: 'answer', id: 'k3', revision: 1, verb: 'allow-once' };
const details: TrayAction = { kind: 'details', id: 'k3' };
const question: NotificationModel = {
  about: ['k3'],
  title: 'api.example.net:443',
  lines: ['curl </b><a href="x">, pid 7', 'in /home/dev/app'],
  buttons: [
    { label: 'Deny', action: deny },
    { label: 'Allow once', action: allow },
    { label: 'Details', action: details },
  ],
  click: details,
  urgent: true,
};
const other: NotificationModel = { ...question, about: ['k4'], title: 'other.example:443' };

interface Bench {
  readonly broker: TestBus;
  readonly bus: SessionBus;
  readonly service: NotificationService;
  readonly notifier: Notifier;
  readonly actions: TrayAction[];
  readonly problems: (string | null)[];
  readonly clock: { now: number };
  /** Everything that was sent before has been heard when this resolves. */
  readonly settled: () => Promise<void>;
}

async function open(context: TestContext): Promise<Bench> {
  const broker = await startBroker(context);
  const service = await serveNotifications(await broker.connect(), 40);
  const bus = await broker.connect();
  const actions: TrayAction[] = [];
  const problems: (string | null)[] = [];
  const clock = { now: 1000 };
  const notifier = await openNotifier({
    bus,
    nowMs: () => clock.now,
    onAction: (action) => actions.push(action),
    onProblem: (problem) => problems.push(problem),
  });
  const settled = async (): Promise<void> => {
    await service.bus.listNames(); // what it sent before has left
    await bus.listNames(); // and has arrived
    await bus.listNames();
  };
  return { broker, bus, service, notifier, actions, problems, clock, settled };
}

/** Shows the question and waits until its buttons are alive. */
async function ask(bench: Bench): Promise<{ id: number; key: (label: string) => string }> {
  bench.notifier.show(question);
  await bench.service.next();
  await bench.settled();
  bench.clock.now += 500;
  const { id, buttons } = bench.service.last();
  return { id, key: (label) => buttons.get(label) ?? 'none' };
}

describe('the notification on a Linux desktop', () => {
  it('is posted once, without a time limit, with escaped text and secret keys', async (context) => {
    const bench = await open(context);
    await ask(bench);
    bench.notifier.show({ ...question });
    await bench.settled();
    const { buttons, ...post } = bench.service.last();
    assert.deepEqual(post, {
      id: 40,
      replaces: 0,
      title: 'api.example.net:443',
      body: 'curl &lt;/b&gt;&lt;a href="x"&gt;, pid 7\nin /home/dev/app',
      hints: { urgency: 2, 'desktop-entry': 'sallyport-tray' },
      timeoutMs: 0,
    });
    assert.deepEqual([...buttons.keys()], ['Deny', 'Allow once', 'Details']);
    assert.match(buttons.get('Deny') ?? '', /^0\.[0-9a-f]{32}$/);
    assert.equal(buttons.get('Details'), 'default');
    assert.equal(bench.service.posts.length, 1);
    assert.deepEqual(bench.problems, [null]);
  });

  it('answers by a click on its button', async (context) => {
    const bench = await open(context);
    const { id, key } = await ask(bench);
    bench.service.click(id, key('Allow once'));
    bench.service.click(id, 'default');
    await bench.settled();
    assert.deepEqual(bench.actions, [allow, details]);
  });

  it('replaces itself under new secrets, and is taken away at last', async (context) => {
    const bench = await open(context);
    const { id, key } = await ask(bench);
    bench.notifier.show(other);
    await bench.service.next();
    assert.equal(bench.service.last().replaces, id);
    assert.notEqual(bench.service.last().buttons.get('Deny'), key('Deny'));
    await bench.settled();
    bench.clock.now += 500;
    bench.service.click(id, key('Deny')); // the button of the earlier text
    await bench.settled();
    assert.deepEqual(bench.actions, []);
    bench.notifier.show(null);
    await bench.service.next();
    assert.deepEqual(bench.service.closed, [id]);
  });

  it('ignores a click in the first half second, and comes back if that closed it', async (context) => {
    const bench = await open(context);
    const { id, key } = await ask(bench);
    bench.clock.now -= 1;
    bench.service.click(id, key('Allow once'));
    bench.service.dismiss(id);
    await bench.service.next();
    assert.deepEqual(bench.actions, []);
    assert.equal(bench.service.posts.length, 2);
    assert.equal(bench.service.last().replaces, 0);
  });

  it('takes no click from another program, sent to all or to us alone', async (context) => {
    const bench = await open(context);
    const { id, key } = await ask(bench);
    const forger = await bench.broker.connect();
    forger.emit(
      '/org/freedesktop/Notifications',
      'org.freedesktop.Notifications',
      'ActionInvoked',
      'us',
      [id, key('Allow once')],
    );
    await forger.listNames();
    await bench.broker.sendTo(bench.bus, {
      path: '/org/freedesktop/Notifications',
      interface: 'org.freedesktop.Notifications',
      member: 'ActionInvoked',
      signature: 'us',
      body: [id, key('Allow once')],
    });
    await bench.settled();
    assert.deepEqual(bench.actions, []);
  });

  it('believes nobody but the bus about who the service is', async (context) => {
    const bench = await open(context);
    const { id, key } = await ask(bench);
    await bench.broker.sendTo(bench.bus, {
      path: '/org/freedesktop/DBus',
      interface: 'org.freedesktop.DBus',
      member: 'NameOwnerChanged',
      signature: 'sss',
      body: ['org.freedesktop.Notifications', bench.service.bus.name, ':1.99'],
    });
    bench.service.click(id, key('Allow once'));
    await bench.settled();
    assert.deepEqual([bench.actions, bench.service.posts.length], [[allow], 1]);
  });

  it('takes no click on an id it did not post, nor with a key it did not give', async (context) => {
    const bench = await open(context);
    const { id, key } = await ask(bench);
    bench.service.click(id + 1, key('Allow once'));
    bench.service.click(id, '1');
    bench.service.click(id, `1.${'0'.repeat(32)}`);
    bench.service.click(id, `9.${key('Deny').slice(2)}`);
    bench.service.click(id, `2.${key('Deny').slice(2)}`);
    await bench.settled();
    assert.deepEqual(bench.actions, []);
  });

  it('answers nothing when it is dismissed, and stays away until there is something new', async (context) => {
    const bench = await open(context);
    const { id } = await ask(bench);
    bench.service.dismiss(id);
    await bench.settled();
    bench.notifier.show({ ...question, lines: ['2 connections wait'] });
    await bench.settled();
    assert.deepEqual([bench.actions, bench.service.posts.length], [[], 1]);
    bench.notifier.show({ ...question, about: ['k3', 'k4'] });
    await bench.service.next();
    assert.equal(bench.service.posts.length, 2);
  });

  it('does not come back by itself after a click that closed it', async (context) => {
    const bench = await open(context);
    const { id, key } = await ask(bench);
    bench.service.click(id, key('Deny'));
    bench.service.dismiss(id);
    await bench.settled();
    bench.notifier.show({ ...question });
    await bench.settled();
    assert.equal(bench.service.posts.length, 1);
    bench.notifier.show({ ...question, lines: ['Changed, look again.'] });
    await bench.service.next();
    assert.equal(bench.service.posts.length, 2);
  });

  it('takes a click that is told after the closing it caused', async (context) => {
    const bench = await open(context);
    const { id, key } = await ask(bench);
    bench.service.dismiss(id);
    bench.service.click(id, key('Deny'));
    await bench.settled();
    assert.deepEqual(bench.actions, [deny]);
  });

  it('forgets its ids and posts anew when another service takes over', async (context) => {
    const bench = await open(context);
    const { id, key } = await ask(bench);
    await bench.service.bus.close();
    const heir = await serveNotifications(await bench.broker.connect(), 40);
    await heir.next();
    assert.equal(heir.last().replaces, 0);
    await heir.bus.listNames();
    await bench.bus.listNames();
    bench.clock.now += 500;
    heir.click(id, key('Allow once')); // the same id, but a secret of the past
    await heir.bus.listNames();
    await bench.bus.listNames();
    assert.deepEqual(bench.actions, []);
  });

  it('tells when there is no service, and posts once there is one', async (context) => {
    const broker = await startBroker(context);
    const problem = Promise.withResolvers<string | null>();
    const notifier = await openNotifier({
      bus: await broker.connect(),
      nowMs: () => 0,
      onAction: () => undefined,
      onProblem: problem.resolve,
    });
    notifier.show(question);
    assert.match(String(await problem.promise), /^notifications cannot be shown: /);
    const service = await serveNotifications(await broker.connect());
    await service.next();
    assert.equal(service.last().title, question.title);
    await notifier.close();
  });

  it('takes its notification with it, and is silent afterwards', async (context) => {
    const bench = await open(context);
    const { id, key } = await ask(bench);
    await bench.notifier.close();
    assert.deepEqual(bench.service.closed, [id]);
    bench.service.click(id, key('Deny'));
    bench.notifier.show(other);
    await bench.settled();
    assert.deepEqual([bench.actions, bench.service.posts.length], [[], 1]);
  });

  it('shows only the last of many that come at once', async (context) => {
    const bench = await open(context);
    for (let index = 0; index < 100; index += 1) {
      bench.notifier.show({ ...question, title: `h${index}.example:443`, about: [`k${index}`] });
    }
    await bench.settled();
    await bench.settled();
    assert.equal(bench.service.last().title, 'h99.example:443');
    assert.ok(bench.service.posts.length <= 2, String(bench.service.posts.length));
  });
});
