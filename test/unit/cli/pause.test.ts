import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pauseCommand } from '../../../src/cli/pause.ts';
import { recordIo, startStandIn } from '../../support/command.ts';
import { makeGate } from '../../support/views.ts';

const answer = { gate: makeGate({ pausedUntil: '2026-11-20T14:05:00.000Z' }), closed: 0 };

describe('pause', () => {
  for (const [words, span] of [
    [[], '10m'],
    [['2h'], '2h'],
  ] as const) {
    it(`asks for ${span}`, async (t) => {
      const daemon = await startStandIn(t, () => [200, answer]);
      const io = recordIo(daemon.env);
      assert.equal(await pauseCommand.run(words, io), 0);
      assert.match(io.written.out, /^paused: unknown hosts are denied without a question until /);
      assert.deepEqual(daemon.seen, [{ method: 'POST', path: '/v1/pause', body: { for: span } }]);
    });
  }

  it('prints JSON', async (t) => {
    const daemon = await startStandIn(t, () => [200, answer]);
    const io = recordIo(daemon.env);
    assert.equal(await pauseCommand.run(['--json'], io), 0);
    assert.deepEqual(JSON.parse(io.written.out), answer);
  });

  for (const words of [['5'], ['1m', '2m'], ['--for', '1m']]) {
    it(`refuses: ${words.join(' ')}`, async () => {
      await assert.rejects(pauseCommand.run(words, recordIo()), { code: 'ERR_USAGE' });
    });
  }
});
