import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { revokeCommand } from '../../../src/cli/revoke.ts';
import { recordIo, startStandIn, type Answer } from '../../support/command.ts';

const revoked = { id: 'g1', outcome: 'allow', host: 'a.example', port: 'any' };
const answers: Answer = (_method, path) =>
  path.endsWith('/g1')
    ? [200, { revoked }]
    : [404, { error: { code: 'not_found', message: 'nothing is remembered as g9' } }];

describe('revoke', () => {
  it('takes each answer back, and says what it was', async (t) => {
    const daemon = await startStandIn(t, answers);
    const io = recordIo(daemon.env);
    assert.equal(await revokeCommand.run(['g9', 'g1'], io), 3);
    assert.deepEqual(io.written, {
      out: 'revoked g1: allow a.example:*\n',
      err: 'sallyport: nothing is remembered as g9\n',
    });
    assert.deepEqual(
      daemon.seen.map(({ method, path }) => `${method} ${path}`),
      ['DELETE /v1/grants/g9', 'DELETE /v1/grants/g1'],
    );
  });

  it('prints JSON, one object a line', async (t) => {
    const daemon = await startStandIn(t, answers);
    const io = recordIo(daemon.env);
    assert.equal(await revokeCommand.run(['g1', '--json'], io), 0);
    assert.deepEqual(JSON.parse(io.written.out), { revoked });
  });

  it('needs an id', async () => {
    await assert.rejects(revokeCommand.run([], recordIo()), { code: 'ERR_USAGE' });
  });
});
