import assert from 'node:assert/strict';
import { it } from 'node:test';
import { denyCommand } from '../../../src/cli/deny.ts';
import { recordIo, startStandIn } from '../../support/command.ts';

it('deny answers the question that is named', async (t) => {
  const taken = { id: 'k3', outcome: 'deny', released: 1, grant: null };
  const daemon = await startStandIn(t, () => [200, taken]);
  const io = recordIo(daemon.env);
  assert.equal(await denyCommand.run(['k3'], io), 0);
  assert.deepEqual(io.written, { out: 'denied k3: 1 connection refused\n', err: '' });
  assert.deepEqual(daemon.seen, [
    { method: 'POST', path: '/v1/pending/k3/answer', body: { outcome: 'deny' } },
  ]);
});
