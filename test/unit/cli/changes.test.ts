import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changesCommand, renderChange } from '../../../src/cli/changes.ts';
import { renderClock } from '../../../src/cli/render.ts';
import type { PolicyChangeView } from '../../../src/control/messages.ts';
import { recordIo, startStandIn, type Answer } from '../../support/command.ts';

const change: PolicyChangeView = {
  id: 'c1',
  at: '2026-11-20T14:05:00.000Z',
  state: 'waiting',
  lines: ['+ allow *.example.net', '- deny x\u202e'],
  version: 'p2',
};
const answers: Answer = (method) =>
  method === 'GET'
    ? [200, { policyChange: change }]
    : [200, { change: { ...change, state: 'applied' } }];

describe('changes', () => {
  it('shows what waits', async (t) => {
    const daemon = await startStandIn(t, answers);
    const io = recordIo(daemon.env);
    assert.equal(await changesCommand.run([], io), 0);
    assert.equal(
      io.written.out,
      `change c1 of 2026-11-20 ${renderClock(change.at)} waits to be accepted: not in force
  + allow *.example.net
  - deny x\\u202e
"sallyport changes accept" puts it in force, "sallyport changes reject" drops it
`,
    );
  });

  for (const verb of ['accept', 'reject', 'undo']) {
    it(`sends ${verb}`, async (t) => {
      const daemon = await startStandIn(t, answers);
      const io = recordIo(daemon.env);
      assert.equal(await changesCommand.run([verb, '--json'], io), 0);
      assert.deepEqual(daemon.seen[1], {
        method: 'POST',
        path: `/v1/changes/c1/${verb}`,
        body: {},
      });
      assert.deepEqual(JSON.parse(io.written.out), { change: { ...change, state: 'applied' } });
    });
  }

  it('says when there is none, and ends with 3 when one was meant', async (t) => {
    const daemon = await startStandIn(t, () => [200, { policyChange: null }]);
    const io = recordIo(daemon.env);
    assert.equal(await changesCommand.run([], io), 0);
    assert.equal(await changesCommand.run(['undo'], io), 3);
    assert.deepEqual(io.written, { out: 'no change\n', err: 'sallyport: there is no change\n' });
  });

  for (const words of [['yes'], ['undo', 'c1']]) {
    it(`refuses: ${words.join(' ')}`, async () => {
      await assert.rejects(changesCommand.run(words, recordIo()), { code: 'ERR_USAGE' });
    });
  }

  it('offers what can still be done', () => {
    assert.match(renderChange({ ...change, state: 'applied' }), /"sallyport changes undo" takes/);
    assert.doesNotMatch(renderChange({ ...change, state: 'rejected' }), /sallyport changes/);
  });
});
