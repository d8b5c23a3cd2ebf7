import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderUndone, undoCommand } from '../../../src/cli/undo.ts';
import { recordIo, startStandIn } from '../../support/command.ts';
import { makeAnswer } from '../../support/views.ts';

const undone = { answer: makeAnswer(), closed: 2 };

describe('undo', () => {
  for (const [words, body] of [
    [[], {}],
    [['k3'], { id: 'k3' }],
  ] as const) {
    it(`takes back ${words[0] ?? 'the last answer'}`, async (t) => {
      const daemon = await startStandIn(t, () => [200, undone]);
      const io = recordIo(daemon.env);
      assert.equal(await undoCommand.run(words, io), 0);
      assert.equal(io.written.out, 'undone k3: allow api.example.net:443; 2 connections closed\n');
      assert.deepEqual(daemon.seen, [{ method: 'POST', path: '/v1/undo', body }]);
    });
  }

  it('prints JSON', async (t) => {
    const daemon = await startStandIn(t, () => [200, undone]);
    const io = recordIo(daemon.env);
    assert.equal(await undoCommand.run(['--json'], io), 0);
    assert.deepEqual(JSON.parse(io.written.out), undone);
  });

  it('takes one id', async () => {
    await assert.rejects(undoCommand.run(['k3', 'k4'], recordIo()), { code: 'ERR_USAGE' });
  });

  it('speaks of no connections for a deny', () =>
    assert.equal(
      renderUndone({ answer: makeAnswer({ outcome: 'deny' }), closed: 0 }),
      'undone k3: deny api.example.net:443',
    ));
});
