import assert from 'node:assert/strict';
import { EventEmitter, on, once } from 'node:events';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { deadTimeMs, type DesktopAdapter, type TrayAction } from '../../../src/tray/adapter.ts';
import { openHelperDesktop } from '../../../src/tray/helper.ts';
import { makeModel, makeVerb } from '../../support/tray-models.ts';

const helperFile = join(import.meta.dirname, '..', '..', 'support', 'tray-helper.ts');

interface Bench {
  readonly desktop: DesktopAdapter;
  readonly actions: TrayAction[];
  /** Emits `problem` with what the desktop told, and `action`. */
  readonly told: EventEmitter<{ problem: [string | null]; action: [TrayAction] }>;
  /** Resolves with what the helper told once this is in it. */
  readonly until: (text: string) => Promise<string>;
  readonly clock: { nowMs: number };
}

function openBench(context: TestContext, mode: string, label = 'Deny'): Bench {
  const actions: TrayAction[] = [];
  const told: Bench['told'] = new EventEmitter();
  const seen: (string | null)[] = [];
  const clock = { nowMs: 0 };
  told.on('problem', (problem) => seen.push(problem));
  const desktop = openHelperDesktop(
    {
      program: process.execPath,
      args: ['--disable-warning=ExperimentalWarning', helperFile, mode, label],
      name: 'the helper',
      pauseMs: 1,
      nowMs: () => clock.nowMs,
    },
    {
      onAction: (action) => {
        actions.push(action);
        told.emit('action', action);
      },
      onProblem: (problem) => told.emit('problem', problem),
      onTaken: () => assert.fail('nobody takes it'),
    },
  );
  context.after(() => desktop.close());
  const until = async (text: string): Promise<string> => {
    const already = seen.find((problem) => problem?.includes(text));
    if (typeof already === 'string') return already;
    for await (const [problem] of on(told, 'problem') as AsyncIterable<[string | null]>) {
      if (problem?.includes(text) === true) return problem;
    }
    return assert.fail('the desktop has ended');
  };
  return { desktop, actions, told, until, clock };
}

describe('a desktop behind a helper', () => {
  it('takes no click for as long as nobody can have meant it', async (context) => {
    const { desktop, actions, until } = openBench(context, 'at-once');
    desktop.show(makeModel('k3'));
    await until('shown 1');
    desktop.show(makeModel('k3'));
    await until('shown 2'); // the click of the first has been read by now
    assert.deepEqual(actions, []);
  });

  it('takes a click once it has been shown for long enough', async (context) => {
    const { desktop, told, until, clock } = openBench(context, 'at-once');
    desktop.show(makeModel('k3'));
    await until('shown 1');
    clock.nowMs += deadTimeMs;
    const clicked = once(told, 'action');
    desktop.show(makeModel('k3')); // the same entry: it keeps its id and its age, and is clicked at once
    assert.deepEqual(await clicked, [makeVerb('k3', 'deny')]);
  });

  it('takes no click on what is not shown any more', async (context) => {
    const { desktop, actions, until, clock } = openBench(context, 'stale');
    for (const [at, id] of ['k3', 'm3', 'm3'].entries()) {
      desktop.show(makeModel(id));
      await until(`shown ${at + 1}`);
      clock.nowMs += deadTimeMs;
    }
    assert.deepEqual(actions, []);
  });

  it('takes no click of another run', async (context) => {
    const { desktop, actions, until, clock } = openBench(context, 'forged');
    for (const shown of [1, 2, 3]) {
      desktop.show(makeModel('k3'));
      await until(`shown ${shown}`);
      clock.nowMs += deadTimeMs;
    }
    assert.deepEqual(actions, []);
  });

  it('leaves an open menu as it is, and shows what came meanwhile once it is closed', async (context) => {
    const { desktop, until, told } = openBench(context, 'freeze');
    const problems: (string | null)[] = [];
    told.on('problem', (problem) => problems.push(problem));
    desktop.show(makeModel('k3'));
    const pid = Number((await until('menu open')).split(' ').at(-1));
    desktop.show(makeModel('m3'));
    desktop.show(makeModel('p3'));
    assert.ok(!problems.includes('shown 2'));
    process.kill(pid, 'SIGUSR2');
    await until('shown 2'); // one, the latest
    assert.ok(!problems.includes('shown 3'));
  });

  it('starts a helper again that has ended, and shows it everything', async (context) => {
    const { desktop, until } = openBench(context, 'die');
    desktop.show(makeModel('k3'));
    await until('ended (3)');
    await until('shown 1');
  });

  it('ends a helper that does not speak the protocol', async (context) => {
    const { desktop, until } = openBench(context, 'flood');
    desktop.show(makeModel('k3'));
    await until('ended (SIGKILL)');
  });

  it('says so when there is no such program, and goes on', async (context) => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const desktop = openHelperDesktop(
      { program: '/nowhere/osascript', args: [], name: 'the macOS helper', pauseMs: 1 },
      {
        onAction: () => assert.fail('nothing was shown'),
        onProblem: (problem) => resolve(problem ?? ''),
        onTaken: () => undefined,
      },
    );
    context.after(() => desktop.close());
    assert.match(await promise, /^the macOS helper cannot be started \(.*ENOENT/);
  });
});
