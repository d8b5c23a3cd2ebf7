import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { liftCommand, renderFloods } from '../../../src/cli/lift.ts';
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

  it('asks the live view which there are', async (t) => {
    const daemon = await startStandIn(t, () => [503, { error: { code: 'busy', message: 'full' } }]);
    await assert.rejects(liftCommand.run([], recordIo(daemon.env)), { reason: 'busy' });
    assert.deepEqual(
      daemon.seen.map(({ path }) => path),
      ['/v1/events'],
    );
  });

  it('takes one id', async () => {
    await assert.rejects(liftCommand.run(['f1', 'f2'], recordIo()), { code: 'ERR_USAGE' });
  });
});

describe('renderFloods', () => {
  it('shows who asks for how much', () => {
    const flood = {
      id: 'f1',
      since: '2026-11-20T12:00:00.000Z',
      program: 'node\u202e',
      pid: 77,
      refused: 200,
      hosts: ['a.example', 'b.example'],
    };
    assert.equal(
      renderFloods(
        [flood, { ...flood, id: 'f2', pid: null }],
        Date.parse('2026-11-20T12:01:00.000Z'),
      ),
      `ID  PROGRAM              SINCE  REFUSED  HOSTS
f1  node\\u202e (pid 77)  60s    200      a.example, b.example
f2  node\\u202e           60s    200      a.example, b.example
`,
    );
    assert.equal(renderFloods([], 0), 'no program asks for too much\n');
  });
});
