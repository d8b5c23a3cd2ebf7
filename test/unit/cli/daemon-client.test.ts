import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { describe, it } from 'node:test';
import { openClient } from '../../../src/cli/daemon-client.ts';
import { makeFolder, startStandIn } from '../../support/command.ts';

describe('openClient', () => {
  it('finds the daemon of the state folder', async (t) => {
    const daemon = await startStandIn(t, () => [200, { groups: [] }]);
    assert.deepEqual(await openClient(daemon.env).pending(), { groups: [] });
  });

  it('says where it looked when there is none', (t) => {
    const folder = makeFolder(t);
    const message = `no daemon answers for the state folder ${folder}; start it with "sallyport run"`;
    const want = { code: 'ERR_CONTROL_UNREACHABLE', message };
    assert.throws(() => openClient({ SALLYPORT_STATE: folder }), want);
  });

  it('uses no token out of a folder that others can get at', async (t) => {
    const daemon = await startStandIn(t);
    chmodSync(daemon.state, 0o755);
    assert.throws(() => openClient(daemon.env), { code: 'ERR_STATE_UNSAFE' });
  });
});
