import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it, type TestContext } from 'node:test';
import { createRunCommand, readyLine } from '../../../src/cli/run.ts';
import type { ReadyInfo } from '../../../src/daemon.ts';
import { SallyportError } from '../../../src/errors.ts';
import { launcherFile, recordIo } from '../../support/command.ts';

const ready: ReadyInfo = {
  http: 'http://127.0.0.1:4128',
  socks: 'socks5h://127.0.0.1:4129',
  gateway: 'http://127.0.0.1:4130/v1',
  control: 'http://127.0.0.1:4131',
  socket: '/s/control.sock',
  state: '/s',
};
const runFile = join(import.meta.dirname, '../../../src/cli/run.ts');

describe('readyLine', () => {
  it('names every listener and the exact words for a second terminal', () => {
    assert.equal(
      readyLine(ready, {}),
      `sallyport is ready: http http://127.0.0.1:4128, socks5 socks5h://127.0.0.1:4129, gateway http://127.0.0.1:4130/v1, control http://127.0.0.1:4131; run a command through it: ${launcherFile} exec -- CMD\n`,
    );
  });

  it('says what is off, and the state folder that the other terminal must name too', () => {
    const line = readyLine(
      { ...ready, gateway: null, control: null },
      { SALLYPORT_STATE: '/my state' },
    );
    assert.match(line, /, gateway off, control \/s\/control\.sock; /);
    assert.ok(line.endsWith(`: SALLYPORT_STATE='/my state' ${launcherFile} exec -- CMD\n`));
  });
});

describe('run', () => {
  it('hands over options and environment, prints JSON, and ends with the code of the daemon', async () => {
    const given: unknown[] = [];
    const command = createRunCommand(async () => async ({ configFile, env }) => {
      given.push({ configFile, env });
      return {
        ready,
        stopped: Promise.resolve(7),
        reload: () => undefined,
        stop: () => Promise.resolve(),
      };
    });
    const io = recordIo({ HOME: '/h' });
    assert.equal(await command.run(['--json', '--config', 'my.toml'], io), 7);
    assert.deepEqual(given, [{ configFile: 'my.toml', env: { HOME: '/h' } }]);
    const { socket, ...shown } = ready;
    assert.equal(socket, '/s/control.sock');
    assert.deepEqual(io.written, { out: `${JSON.stringify(shown)}\n`, err: '' });
  });

  it('prints no ready line when the daemon does not start', async () => {
    const command = createRunCommand(
      async () => () => Promise.reject(new SallyportError('ERR_PORT_IN_USE', 'port 4128 is taken')),
    );
    const io = recordIo();
    await assert.rejects(command.run([], io), { code: 'ERR_PORT_IN_USE' });
    assert.equal(io.written.out, '');
  });

  it('takes no words', async () => {
    const command = createRunCommand(() => Promise.reject(new Error('not to be loaded')));
    await assert.rejects(command.run(['curl'], recordIo()), { code: 'ERR_USAGE' });
  });
});

/** A process with `run` over a daemon that tells what happens to it; `stops` says whether a stop ever ends. */
function startRun(t: TestContext, stops: boolean, stopLimitMs = 60_000) {
  const script = `
    import { createRunCommand } from ${JSON.stringify(runFile)};
    const { promise, resolve } = Promise.withResolvers();
    const say = (text) => process.stdout.write(text + '\\n');
    const keep = setInterval(() => {}, 1000);
    const daemon = {
      ready: ${JSON.stringify(ready)},
      stopped: promise,
      reload: () => say('reload'),
      stop: async () => { say('stop'); if (${stops}) { clearInterval(keep); resolve(0); } },
    };
    const io = { env: {}, stdout: () => say('ready'), stderr: say };
    process.exit(await createRunCommand(async () => async () => daemon, ${stopLimitMs}).run([], io));`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => String((await lines.next()).value);
  return { child, next, ended: once(child, 'exit') };
}

describe('the signals of run', () => {
  it('are: SIGHUP reloads, SIGUSR1 opens no debugger, SIGTERM stops', async (t) => {
    const { child, next, ended } = startRun(t, true);
    assert.equal(await next(), 'ready');
    child.kill('SIGUSR1');
    child.kill('SIGHUP');
    assert.equal(await next(), 'reload');
    child.kill('SIGTERM');
    assert.equal(await next(), 'stop');
    assert.deepEqual(await ended, [0, null]);
  });

  it('are: SIGINT stops, a second one ends it at once', async (t) => {
    const { child, next, ended } = startRun(t, false);
    assert.equal(await next(), 'ready');
    child.kill('SIGINT');
    assert.equal(await next(), 'stop');
    child.kill('SIGINT');
    assert.equal(await next(), 'sallyport: ended at once');
    assert.deepEqual(await ended, [130, null]);
  });

  it('end it when the stop takes longer than it may', async (t) => {
    const { child, next, ended } = startRun(t, false, 100);
    assert.equal(await next(), 'ready');
    child.kill('SIGTERM');
    assert.equal(await next(), 'stop');
    assert.deepEqual(await ended, [1, null]);
  });
});
