// A program behind the gate may close the gate, and open nothing: not by itself, not through what it left behind.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { StatusResponse } from '../../src/control/messages.ts';
import {
  eventually,
  launcher,
  removeFolder,
  startSallyport,
  type Finished,
  type RunningDaemon,
} from '../support/daemon.ts';

describe('a program behind the gate', { timeout: 120_000 }, () => {
  let daemon: RunningDaemon;
  before(async () => {
    daemon = await startSallyport({ config: '' });
  });
  after(async () => {
    await daemon.stop();
    removeFolder(daemon.folder);
  });

  /** As a program that has found the state folder, which `exec` does not tell it. */
  const command = (words: string): string =>
    `SALLYPORT_STATE='${daemon.state}' '${launcher}' ${words}`;
  const inside = (words: string): Promise<Finished> =>
    daemon.sallyport(['exec', '--', 'sh', '-c', command(words)]);
  const isPaused = async (): Promise<boolean> => {
    const { stdout } = await daemon.sallyport(['status', '--json']);
    return (JSON.parse(stdout) as StatusResponse).gate.pausedUntil !== null;
  };

  it('may pause questions but not go on with them; a person may', async () => {
    assert.equal((await inside('pause 10m')).status, 0);
    const refused = await inside('resume');
    assert.deepEqual([refused.status, await isPaused()], [5, true]);
    assert.match(refused.stderr, /a program behind the gate may not do this for itself/);
    assert.equal((await daemon.sallyport(['resume'])).status, 0);
    assert.equal(await isPaused(), false);
  });

  it('may stop everything but not let go of it; a person may', async () => {
    assert.equal((await inside('panic')).status, 0);
    assert.equal((await inside('panic --off')).status, 5);
    assert.equal((await daemon.sallyport(['panic', '--off'])).status, 0);
  });

  it('may make itself no token and no way into the page', async () => {
    assert.equal((await inside('token create mine --role admin')).status, 5);
    assert.equal((await inside('open --print')).status, 5);
  });

  it('may not do it through a program that it left behind', async () => {
    assert.equal((await daemon.sallyport(['pause', '10m'])).status, 0);
    const file = join(daemon.folder, 'left-behind');
    const script = `${command('resume')}; echo $? > '${file}.new'; mv '${file}.new' '${file}'`;
    const started = await daemon.sallyport(['exec', '--', 'setsid', '-f', 'sh', '-c', script]);
    assert.equal(started.status, 0, started.stderr);
    await eventually(
      'the program that was left behind has tried',
      () => existsSync(file) || undefined,
    );
    assert.deepEqual([readFileSync(file, 'utf8').trim(), await isPaused()], ['5', true]);
    assert.equal((await daemon.sallyport(['resume'])).status, 0);
  });

  it('is recorded when it tries', () => {
    const tries = daemon.journal().filter(({ name }) => name === 'sallyport.control.refused');
    assert.deepEqual(
      tries.map(({ attributes }) => attributes['sallyport.control.action']),
      ['resume', 'panic', 'token_create', 'page_code', 'resume'],
    );
  });
});
