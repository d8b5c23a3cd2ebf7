import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { findDaemon } from '../../../src/cli/daemon-address.ts';
import { makeFolder, standInAddress, startStandIn } from '../../support/command.ts';

const { http, gateway } = standInAddress;

describe('findDaemon', () => {
  it('gives the addresses of the running daemon', async (t) => {
    const daemon = await startStandIn(t);
    assert.deepEqual(await findDaemon(daemon.env), { http, gateway, noProxy: 'local' });
  });

  it('knows a daemon without gateway, and no_proxy none', async (t) => {
    const daemon = await startStandIn(t, undefined, { gateway: null, noProxy: 'none' });
    assert.deepEqual(await findDaemon(daemon.env), { http, gateway: null, noProxy: 'none' });
  });

  it('is undefined without a state folder', async (t) => {
    assert.equal(await findDaemon({ SALLYPORT_STATE: join(makeFolder(t), 'none') }), undefined);
  });

  it('is undefined when the process is gone, as after kill -9', async (t) => {
    const { pid } = spawnSync('true');
    const daemon = await startStandIn(t, undefined, { pid });
    assert.equal(await findDaemon(daemon.env), undefined);
  });

  it('is undefined when another process has its pid and nobody answers', async (t) => {
    const files = { control: 'http://127.0.0.1:1', socket: '/nowhere' };
    const daemon = await startStandIn(t, undefined, files);
    assert.equal(await findDaemon(daemon.env), undefined);
  });

  const wrong = [
    { http: 'http://198.51.100.1:4128' },
    { http: 'https://127.0.0.1:4128' },
    { http: 'http://127.0.0.1.evil.example:4128' },
    { gateway: 'http://evil.example:1/v1' },
    { pid: '1' },
  ];
  for (const file of wrong) {
    it(`refuses a file with ${JSON.stringify(file)}`, async (t) => {
      const daemon = await startStandIn(t, undefined, file);
      const message = `${daemon.state}/control.json: does not name the daemon's listeners; stop the daemon, remove the file, start it again`;
      await assert.rejects(findDaemon(daemon.env), { code: 'ERR_STATE_CORRUPT', message });
    });
  }
});
