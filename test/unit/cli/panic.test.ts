import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { panicCommand } from '../../../src/cli/panic.ts';
import { recordIo, startStandIn } from '../../support/command.ts';
import { makeGate } from '../../support/views.ts';

describe('panic', () => {
  it('shuts the gate without a question', async (t) => {
    const gate = makeGate({ panicSince: '2026-11-20T14:05:00.000Z' });
    const daemon = await startStandIn(t, () => [200, { gate, closed: 3 }]);
    const io = recordIo(daemon.env);
    assert.equal(await panicCommand.run([], io), 0);
    assert.match(io.written.out, /^panic since .*; 3 connections closed\n$/);
    assert.deepEqual(daemon.seen, [{ method: 'POST', path: '/v1/panic', body: { on: true } }]);
  });

  it('opens it again', async (t) => {
    const daemon = await startStandIn(t, () => [200, { gate: makeGate(), closed: 0 }]);
    const io = recordIo(daemon.env);
    assert.equal(await panicCommand.run(['--off', '--json'], io), 0);
    assert.deepEqual(JSON.parse(io.written.out), { gate: makeGate(), closed: 0 });
    assert.deepEqual(daemon.seen[0]?.body, { on: false });
  });

  it('ends with 5 when the daemon takes the caller for a program that asks', async (t) => {
    const refusal = { error: { code: 'self_approval', message: 'not by you' } };
    const daemon = await startStandIn(t, () => [403, refusal]);
    await assert.rejects(panicCommand.run(['--off'], recordIo(daemon.env)), {
      reason: 'self_approval',
    });
  });

  it('takes no words', async () => {
    await assert.rejects(panicCommand.run(['off'], recordIo()), { code: 'ERR_USAGE' });
  });
});
