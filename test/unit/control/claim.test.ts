import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { claimState } from '../../../src/control/claim.ts';
import { openState, type State } from '../../../src/state.ts';

describe('claimState', () => {
  let state: State;
  let lock = '';
  beforeEach(() => {
    state = openState(mkdtempSync(join(tmpdir(), 'sallyport-claim-')));
    lock = join(state.folder, 'daemon.lock');
  });
  afterEach(() => rmSync(state.folder, { recursive: true, force: true }));

  it('takes a free folder and gives it back', async () => {
    const release = await claimState(state);
    assert.equal(state.read('daemon.lock'), `${process.pid}\n`);
    release();
    assert.equal(existsSync(lock), false);
  });

  it('refuses a folder whose daemon is only starting', async () => {
    writeFileSync(lock, `${process.ppid}\n`, { mode: 0o600 });
    await assert.rejects(claimState(state), {
      code: 'ERR_ALREADY_RUNNING',
      message: `${state.folder}: another daemon (pid ${process.ppid}) is already running on this state folder; stop it, or name another folder in SALLYPORT_STATE`,
    });
  });

  it('takes over from a daemon that was killed', async () => {
    writeFileSync(lock, '4194305\n', { mode: 0o600 }); // above the largest pid Linux gives out
    const release = await claimState(state);
    assert.equal(state.read('daemon.lock'), `${process.pid}\n`);
    release();
  });

  it('takes over when the pid came back as a program that does not answer', async () => {
    writeFileSync(lock, `${process.ppid}\n`, { mode: 0o600 });
    utimesSync(lock, new Date(0), new Date(0));
    const release = await claimState(state);
    assert.equal(state.read('daemon.lock'), `${process.pid}\n`);
    release();
  });

  it('leaves the lock of another start that came while the old owner was asked', async (t) => {
    const server = createServer((_request, response) => {
      writeFileSync(lock, '1\n');
      response.destroy();
    });
    t.after(() => server.close());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo; // a TCP server has one
    state.createSecret('token');
    state.writeAtomic('control.json', `{"control":"http://127.0.0.1:${port}"}`);
    writeFileSync(lock, `${process.ppid}\n`, { mode: 0o600 });
    utimesSync(lock, new Date(0), new Date(0));
    await assert.rejects(claimState(state), {
      code: 'ERR_ALREADY_RUNNING',
      message: /another daemon \(pid 1\)/,
    });
  });

  it('says so instead of trying for ever when a lock left behind cannot be moved away', async () => {
    writeFileSync(lock, '4194305\n', { mode: 0o600 });
    mkdirSync(`${lock}.${process.pid}`);
    await assert.rejects(claimState(state), {
      code: 'ERR_STATE_UNSAFE',
      message: `${lock}: is left from a daemon that is gone, and cannot be moved away; remove it`,
    });
  });
});
