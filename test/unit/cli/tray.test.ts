import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createTrayCommand, type TrayCommandParts } from '../../../src/cli/tray.ts';
import type { CommandIo } from '../../../src/cli/command.ts';
import { autostartFile } from '../../../src/tray/autostart.ts';
import {
  createFakeDaemon,
  createFakeDesktop,
  type FakeDesktop,
} from '../../support/fake-desktop.ts';
import { makeLiveView } from '../../support/views.ts';

interface Bench {
  readonly io: CommandIo;
  readonly out: string[];
  readonly err: string[];
  readonly desktop: FakeDesktop;
  readonly stop: AbortController;
  readonly run: (...args: readonly string[]) => Promise<number>;
}

function bench(env: CommandIo['env'] = {}, given: Partial<TrayCommandParts> = {}): Bench {
  const out: string[] = [];
  const err: string[] = [];
  const desktop = createFakeDesktop();
  const daemon = createFakeDaemon();
  daemon.snapshot(makeLiveView());
  const stop = new AbortController();
  const io = {
    stdout: (text: string) => out.push(text),
    stderr: (text: string) => err.push(text),
    env,
  };
  const command = createTrayCommand({
    connect: () => daemon.client,
    openDesktop: () => desktop.open,
    stopSignal: () => ({ signal: stop.signal, undo: () => undefined }),
    platform: 'linux',
    ...given,
  });
  return { io, out, err, desktop, stop, run: async (...args) => await command.run(args, io) };
}

describe('sallyport tray', () => {
  it('runs until it is told to stop', async () => {
    const { run, desktop, stop, err } = bench();
    const end = run();
    await desktop.until(({ state }) => state === 'idle');
    stop.abort();
    assert.equal(await end, 0);
    assert.deepEqual(err, []);
  });

  it('ends with 1 beside another tray, and says so', async () => {
    const { run, desktop, err } = bench();
    const end = run();
    await desktop.until(({ state }) => state === 'idle');
    desktop.events().onTaken();
    assert.equal(await end, 1);
    assert.deepEqual(err, [
      'sallyport: tray: another tray runs in this desktop session; end that one first\n',
    ]);
  });

  it('says what cannot be shown, with control characters visible', async () => {
    const { run, desktop, stop, err } = bench();
    const end = run();
    await desktop.until(({ state }) => state === 'idle');
    desktop.events().onProblem('no tray\u001b[2J');
    stop.abort();
    await end;
    assert.deepEqual(err, ['sallyport: tray: no tray\\u001b[2J\n']);
  });

  it('writes and removes the entry that starts it with the desktop', async () => {
    const home = mkdtempSync(join(tmpdir(), 'sallyport-home-'));
    const env = { HOME: home, SALLYPORT_STATE: '/state' };
    const { run, out, desktop } = bench(env);
    assert.equal(await run('--autostart', 'on'), 0);
    const text = readFileSync(autostartFile(env), 'utf8');
    assert.match(text, /^Exec="env" "SALLYPORT_STATE=\/state" ".*\/src\/sallyport" "tray"$/m);
    assert.equal(await run('--autostart=off'), 0);
    assert.equal(existsSync(autostartFile(env)), false);
    assert.equal(out.length, 2);
    assert.deepEqual(desktop.models, []);
    rmSync(home, { recursive: true });
  });

  const mistakes = [
    { args: ['now'], message: /takes no words/ },
    { args: ['--autostart', 'maybe'], message: /on or off/ },
  ];
  for (const { args, message } of mistakes) {
    it(`does not take ${args.join(' ')}`, async () => {
      await assert.rejects(bench().run(...args), { code: 'ERR_USAGE', message });
    });
  }

  it('has an autostart entry for Linux only', async () => {
    const { run } = bench({}, { platform: 'darwin' });
    await assert.rejects(run('--autostart', 'on'), { code: 'ERR_USAGE', message: /login items/ });
  });
});
