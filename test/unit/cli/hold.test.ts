import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { holdCommand, renderHeld } from '../../../src/cli/hold.ts';
import { renderClock } from '../../../src/cli/render.ts';
import { recordIo, startStandIn } from '../../support/command.ts';

const held = { id: 'k3', until: '2026-11-20T14:05:00.000Z' };

describe('hold', () => {
  for (const [words, span] of [
    [['k3'], '5m'],
    [['k3', '10m'], '10m'],
  ] as const) {
    it(`asks for ${span}`, async (t) => {
      const daemon = await startStandIn(t, () => [200, held]);
      const io = recordIo(daemon.env);
      assert.equal(await holdCommand.run(words, io), 0);
      assert.equal(io.written.out, `k3 waits until ${renderClock(held.until)}\n`);
      assert.deepEqual(daemon.seen, [
        { method: 'POST', path: '/v1/pending/k3/hold', body: { for: span } },
      ]);
    });
  }

  for (const words of [[], ['k3', '5s'], ['k3', '5m', 'x']]) {
    it(`refuses: ${words.join(' ')}`, async () => {
      await assert.rejects(holdCommand.run(words, recordIo()), { code: 'ERR_USAGE' });
    });
  }

  it('escapes what it prints', () =>
    assert.equal(renderHeld({ ...held, id: '\u001b' }).slice(0, 6), '\\u001b'));
});
