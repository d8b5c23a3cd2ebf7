import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { liftCommand } from '../../../src/cli/lift.ts';
import { recordIo, startStandIn } from '../../support/command.ts';
import { makeGate } from '../../support/views.ts';

describe('lift', () => {
  it('names the flood', async (t) => {
    const daemon = await startStandIn(t, () => [200, { gate: makeGate(), closed: 0 }]);
    const io = recordIo(daemon.env);
    assert.equal(await liftCommand.run(['f1'], io), 0);
    assert.deepEqual(daemon.seen, [{ method: 'POST', path: '/v1/floods/f1/lift', body: {} }]);
    assert.equal(await liftCommand.run(['f1', '--json'], io), 0);
  });

  for (const words of [[], ['f1', 'f2']]) {
    it(`refuses: ${words.join(' ')}`, async () => {
      await assert.rejects(liftCommand.run(words, recordIo()), { code: 'ERR_USAGE' });
    });
  }
});
