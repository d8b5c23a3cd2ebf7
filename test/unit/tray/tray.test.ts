import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { ControlError } from '../../../src/control/client.ts';
import { SallyportError } from '../../../src/errors.ts';
import type { TrayAction } from '../../../src/tray/adapter.ts';
import { runTray, type TrayParts } from '../../../src/tray/tray.ts';
import {
  createFakeDaemon,
  createFakeDesktop,
  soon,
  type FakeDaemon,
  type FakeDesktop,
} from '../../support/fake-desktop.ts';
import { nowMs } from '../../support/tray.ts';
import { makeAnswer, makeGroup, makeLiveView } from '../../support/views.ts';

const deny: TrayAction = { kind: 'answer', id: 'k3', revision: 1, verb: 'deny' };

interface Bench {
  readonly desktop: FakeDesktop;
  readonly daemon: FakeDaemon;
  readonly told: string[];
  readonly opened: string[];
  readonly stop: () => void;
  readonly end: Promise<'stopped' | 'taken'>;
  readonly called: (name: string) => Promise<readonly unknown[]>;
}

function start(context: TestContext, given: Partial<TrayParts> = {}): Bench {
  const desktop = createFakeDesktop();
  const daemon = createFakeDaemon();
  const told: string[] = [];
  const opened: string[] = [];
  const stop = new AbortController();
  const end = runTray(
    {
      connect: () => daemon.client,
      openDesktop: desktop.open,
      openAddress: (url) => {
        opened.push(url);
        return Promise.resolve(true);
      },
      nowMs: () => nowMs,
      timeOf: (iso) => iso.slice(11, 16),
      tell: (line) => told.push(line),
      pauseMs: 1,
      ...given,
    },
    stop.signal,
  );
  const halt = (): void => {
    stop.abort();
  };
  context.after(async () => {
    halt();
    await end;
  });
  return {
    desktop,
    daemon,
    told,
    opened,
    stop: halt,
    end,
    called: (name) => soon(name, () => daemon.calls.find(([called]) => called === name)),
  };
}

/** Shows one question and waits until the desktop has it. */
async function ask(bench: Bench): Promise<void> {
  bench.daemon.snapshot(makeLiveView({ groups: [makeGroup()] }));
  await bench.desktop.until(({ state }) => state === 'waiting');
}

describe('the tray', () => {
  it('is crossed until the daemon answers, then shows what it says and what changes', async (context) => {
    const bench = start(context);
    assert.equal(bench.desktop.last().state, 'unreachable');
    await ask(bench);
    bench.daemon.send({ type: 'change', id: 9, change: { closedGroups: ['k3'] } });
    await bench.desktop.until(({ state }) => state === 'idle');
  });

  const clicks = [
    {
      action: deny,
      want: ['answer', 'k3', { outcome: 'deny', for: 'once', revision: 1 }],
    },
    {
      action: { ...deny, verb: 'allow-once' },
      want: ['answer', 'k3', { outcome: 'allow', for: 'once', revision: 1 }],
    },
    {
      action: { ...deny, verb: 'allow-1h' },
      want: ['answer', 'k3', { outcome: 'allow', for: '1h', revision: 1 }],
    },
    { action: { kind: 'undo', id: 'k3' }, want: ['undo', 'k3'] },
    { action: { kind: 'pause' }, want: ['pause', '10m'] },
    { action: { kind: 'resume' }, want: ['resume'] },
    { action: { kind: 'panic' }, want: ['panic', true] },
    { action: { kind: 'reopen' }, want: ['panic', false] },
    { action: { kind: 'lift', id: 'f1' }, want: ['lift', 'f1'] },
    { action: { kind: 'change', id: 'c1', verb: 'undo' }, want: ['change', 'c1', 'undo'] },
    { action: { kind: 'change', id: 'c1', verb: 'reject' }, want: ['change', 'c1', 'reject'] },
  ] as const;
  for (const { action, want } of clicks) {
    it(`turns ${JSON.stringify(action)} into a call`, async (context) => {
      const bench = start(context);
      await ask(bench);
      bench.desktop.click(action);
      assert.deepEqual(await bench.called(want[0]), want);
    });
  }

  const pages = [
    { action: { kind: 'open' }, place: '' },
    { action: { kind: 'details', id: 'k3' }, place: '/k3' },
  ] as const;
  for (const { action, place } of pages) {
    it(`opens the page with a code of its own for ${action.kind}`, async (context) => {
      const bench = start(context);
      await ask(bench);
      bench.desktop.click(action);
      await soon('the page', () => bench.opened[0]);
      assert.deepEqual(bench.opened, [`http://127.0.0.1:4131/#code=abc${place}`]);
    });
  }

  it('opens nothing that is not on this machine', async (context) => {
    const bench = start(context);
    const url = 'http://127.0.0.1.example:4131/#code=abc';
    Object.assign(bench.daemon.client, { pageCode: () => Promise.resolve({ url, expires: '' }) });
    await ask(bench);
    bench.desktop.click({ kind: 'open' });
    await bench.desktop.until(({ notification }) =>
      Boolean(notification?.lines.includes('the page is not on this machine')),
    );
    assert.deepEqual(bench.opened, []);
  });

  it('says so when no browser could be opened', async (context) => {
    const bench = start(context, { openAddress: () => Promise.resolve(false) });
    await ask(bench);
    bench.desktop.click({ kind: 'open' });
    await bench.desktop.until(({ notification }) =>
      Boolean(notification?.lines.some((line) => line.includes('sallyport open --print'))),
    );
  });

  it('asks to look again when the question changed while it was answered', async (context) => {
    const bench = start(context);
    await ask(bench);
    bench.daemon.fail('answer', new ControlError(409, 'changed', 'changed'));
    bench.desktop.click(deny);
    const model = await bench.desktop.until(
      ({ notification }) => notification?.lines[0] === 'Changed, look again.',
    );
    assert.deepEqual(model.notification?.about, ['k3@1']);
    bench.daemon.send({ type: 'change', id: 9, change: { groups: [makeGroup({ revision: 2 })] } });
    await bench.desktop.until(({ notification }) => notification?.about[0] === 'k3@2');
  });

  it('tells that somebody else was faster', async (context) => {
    const bench = start(context);
    await ask(bench);
    bench.daemon.fail('answer', new ControlError(410, 'gone', 'the question is answered'));
    bench.desktop.click(deny);
    await bench.desktop.until(({ notification }) =>
      Boolean(notification?.lines.includes('That was settled elsewhere in the meantime.')),
    );
  });

  it('shows what an answer was refused for', async (context) => {
    const bench = start(context);
    await ask(bench);
    bench.daemon.fail('answer', new ControlError(403, 'self_approval', 'it asks for itself'));
    bench.desktop.click(deny);
    await bench.desktop.until(({ notification }) =>
      Boolean(notification?.lines.includes('it asks for itself')),
    );
  });

  it('takes a double click for one', async (context) => {
    const bench = start(context);
    await ask(bench);
    bench.desktop.click(deny);
    bench.desktop.click(deny);
    bench.desktop.click({ kind: 'pause' });
    await bench.called('pause');
    assert.equal(bench.daemon.calls.filter(([name]) => name === 'answer').length, 1);
  });

  it('is crossed when the daemon goes, does nothing then, and comes back with it', async (context) => {
    const bench = start(context, { pauseMs: 20 });
    await ask(bench);
    bench.daemon.hangUp();
    await bench.desktop.until(({ state }) => state === 'unreachable');
    bench.desktop.click(deny);
    assert.ok(!bench.daemon.calls.some(([name]) => name === 'answer'));
    assert.deepEqual(bench.told, ['the daemon broke off']);
    await ask(bench);
  });

  it('starts before the daemon does, and says so once', async (context) => {
    let isUp = false;
    const daemon = createFakeDaemon();
    let tries = 0;
    const bench = start(context, {
      connect: () => {
        tries += 1;
        if (isUp) return daemon.client;
        throw new SallyportError('ERR_CONTROL_UNREACHABLE', 'no daemon runs');
      },
    });
    await soon('a third try', () => (tries > 2 ? true : undefined));
    assert.deepEqual(bench.told, ['no daemon runs']);
    isUp = true;
    daemon.snapshot(makeLiveView());
    await bench.desktop.until(({ state }) => state === 'idle');
  });

  it('reports what the desktop cannot show, and again to a daemon that comes back', async (context) => {
    const bench = start(context);
    bench.desktop.events().onProblem('there is no tray on this desktop');
    assert.deepEqual(bench.told, ['there is no tray on this desktop']);
    await ask(bench);
    assert.deepEqual(await bench.called('reportTray'), [
      'reportTray',
      'there is no tray on this desktop',
    ]);
    bench.daemon.hangUp();
    await bench.desktop.until(({ state }) => state === 'unreachable');
    await ask(bench);
    const reports = bench.daemon.calls.filter(([name]) => name === 'reportTray');
    assert.equal(reports.length, 2);
  });

  it('reports one problem after the other, so that the last one stays', async (context) => {
    const bench = start(context);
    await ask(bench);
    await bench.called('reportTray');
    const arrived: (string | null)[] = [];
    const late = Promise.withResolvers<void>();
    Object.assign(bench.daemon.client, {
      reportTray: async (problem: string | null) => {
        if (problem === 'first') await late.promise;
        arrived.push(problem);
      },
    });
    bench.desktop.events().onProblem('first');
    bench.desktop.events().onProblem(null);
    await bench.desktop.until(() => true);
    late.resolve();
    await soon('both', () => (arrived.length === 2 ? true : undefined));
    assert.deepEqual(arrived, ['first', null]);
  });

  it('ends when another tray has the desktop', async (context) => {
    const bench = start(context);
    bench.desktop.events().onTaken();
    assert.equal(await bench.end, 'taken');
    assert.equal(bench.desktop.isClosed(), true);
  });

  it('takes everything off the screen when it is stopped, and says goodbye', async (context) => {
    const bench = start(context);
    await ask(bench);
    bench.stop();
    assert.equal(await bench.end, 'stopped');
    assert.equal(bench.desktop.isClosed(), true);
    assert.deepEqual(bench.daemon.calls.at(-1), ['reportTray', null]);
  });

  it('takes Undo away by itself when its time is over', async (context) => {
    let now = nowMs;
    const bench = start(context, { nowMs: () => now });
    const at = new Date(now - 9990).toISOString();
    bench.daemon.snapshot(makeLiveView({ answers: [makeAnswer({ surface: 'tray', at })] }));
    await bench.desktop.until(({ notification }) => notification?.buttons[0]?.label === 'Undo');
    now += 10;
    await bench.desktop.until(({ notification }) => notification === null);
  });
});
