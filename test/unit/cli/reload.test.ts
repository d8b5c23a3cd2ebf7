import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { reloadCommand } from '../../../src/cli/reload.ts';
import { recordIo, startStandIn } from '../../support/command.ts';

describe('reload', () => {
  it('says what changed', async (t) => {
    const daemon = await startStandIn(t, () => [
      200,
      { loaded: true, version: 'v2', messages: ['1 rule more'] },
    ]);
    const io = recordIo(daemon.env);
    assert.equal(await reloadCommand.run([], io), 0);
    assert.deepEqual(io.written, { out: '1 rule more\npolicy in force: version v2\n', err: '' });
    assert.deepEqual(daemon.seen, [{ method: 'POST', path: '/v1/reload', body: {} }]);
  });

  const rejected = { loaded: false, version: 'v1', messages: ['c.toml:1:2: x: wrong\u001b'] };

  it('names every mistake of a file that was not taken, and fails', async (t) => {
    const daemon = await startStandIn(t, () => [200, rejected]);
    const io = recordIo(daemon.env);
    assert.equal(await reloadCommand.run([], io), 1);
    assert.deepEqual(io.written, {
      out: '',
      err: 'c.toml:1:2: x: wrong\\u001b\nnot reloaded; still in force: version v1\n',
    });
  });

  it('prints JSON also when it failed', async (t) => {
    const daemon = await startStandIn(t, () => [200, rejected]);
    const io = recordIo(daemon.env);
    assert.equal(await reloadCommand.run(['--json'], io), 1);
    assert.deepEqual(JSON.parse(io.written.out), rejected);
  });

  it('takes no words', async () => {
    await assert.rejects(reloadCommand.run(['x'], recordIo()), { code: 'ERR_USAGE' });
  });
});
