import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resumeCommand } from '../../../src/cli/resume.ts';
import { recordIo, startStandIn } from '../../support/command.ts';
import { makeGate } from '../../support/views.ts';

const answer = { gate: makeGate(), closed: 0 };

describe('resume', () => {
  it('ends a pause', async (t) => {
    const daemon = await startStandIn(t, () => [200, answer]);
    const io = recordIo(daemon.env);
    assert.equal(await resumeCommand.run([], io), 0);
    assert.match(io.written.out, /^open: the rules decide/);
    assert.deepEqual(daemon.seen, [{ method: 'POST', path: '/v1/resume', body: {} }]);
    assert.equal(await resumeCommand.run(['--json'], io), 0);
  });

  it('takes no words', async () => {
    await assert.rejects(resumeCommand.run(['now'], recordIo()), { code: 'ERR_USAGE' });
  });
});
