import assert from 'node:assert/strict';
import { it } from 'node:test';
import { allowCommand } from '../../../src/cli/allow.ts';
import { recordIo, startStandIn } from '../../support/command.ts';

it('allow answers the question that is named', async (t) => {
  const taken = { id: 'k3', outcome: 'allow', released: 1, grant: null };
  const daemon = await startStandIn(t, () => [200, taken]);
  const io = recordIo(daemon.env);
  assert.equal(await allowCommand.run(['k3'], io), 0);
  assert.deepEqual(io.written, { out: 'allowed k3: 1 connection goes on\n', err: '' });
  assert.deepEqual(daemon.seen, [
    { method: 'POST', path: '/v1/pending/k3/answer', body: { outcome: 'allow' } },
  ]);
});
