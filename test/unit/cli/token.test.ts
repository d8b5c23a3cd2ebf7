import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderTokens, tokenCommand } from '../../../src/cli/token.ts';
import { renderClock } from '../../../src/cli/render.ts';
import type { TokenView } from '../../../src/control/messages.ts';
import { recordIo, startStandIn, type Answer } from '../../support/command.ts';

const token: TokenView = {
  id: 't1',
  name: 'phone',
  role: 'approver',
  created: '2026-11-18T12:00:00.000Z',
  lastUsed: null,
  expires: '2026-11-23T12:00:00.000Z',
};
const oldExpires = '2026-11-20T14:05:00.000Z';
const answers: Answer = (method, path) => {
  if (path === '/v1/tokens/local/rotate') return [200, { token, oldExpires }];
  if (method === 'DELETE') return [200, { revoked: token }];
  return [200, method === 'GET' ? { tokens: [token] } : { token, secret: 's3cret' }];
};

describe('token', () => {
  it('lists', async (t) => {
    const daemon = await startStandIn(t, answers);
    const io = recordIo(daemon.env);
    assert.equal(await tokenCommand.run(['list', '--json'], io), 0);
    assert.deepEqual(JSON.parse(io.written.out), { tokens: [token] });
    assert.equal(await tokenCommand.run(['list'], recordIo(daemon.env)), 0);
  });

  it('prints a new secret alone on standard output', async (t) => {
    const daemon = await startStandIn(t, answers);
    const io = recordIo(daemon.env);
    const words = ['create', 'phone', '--role', 'approver', '--days', '30'];
    assert.equal(await tokenCommand.run(words, io), 0);
    assert.deepEqual(io.written, {
      out: 's3cret\n',
      err: 'sallyport: token t1 for phone (approver); its secret is shown once:\n',
    });
    const body = { name: 'phone', role: 'approver', days: 30 };
    assert.deepEqual(daemon.seen, [{ method: 'POST', path: '/v1/tokens', body }]);
  });

  it('revokes', async (t) => {
    const daemon = await startStandIn(t, answers);
    const io = recordIo(daemon.env);
    assert.equal(await tokenCommand.run(['revoke', 't1'], io), 0);
    assert.equal(io.written.out, 'revoked t1: phone (approver)\n');
    assert.equal(daemon.seen[0]?.path, '/v1/tokens/t1');
  });

  it('rotates', async (t) => {
    const daemon = await startStandIn(t, answers);
    const io = recordIo(daemon.env);
    assert.equal(await tokenCommand.run(['rotate'], io), 0);
    assert.match(io.written.out, new RegExp(`valid until ${renderClock(oldExpires)}\n$`));
  });

  for (const words of [
    [],
    ['drop'],
    ['list', 'x'],
    ['create'],
    ['create', 'phone'],
    ['create', 'phone', '--role', 'root'],
    ['create', 'phone', '--role', 'viewer', '--days', '400'],
    ['revoke'],
    ['rotate', 'x'],
    ['revoke', 'a', 'b'],
  ]) {
    it(`refuses: ${words.join(' ')}`, async () => {
      await assert.rejects(tokenCommand.run(words, recordIo()), { code: 'ERR_USAGE' });
    });
  }
});

describe('renderTokens', () => {
  it('shows ages', () => {
    const local = { ...token, id: 'local', name: 'local', role: 'admin', expires: null } as const;
    assert.equal(
      renderTokens(
        [{ ...local, lastUsed: '2026-11-20T11:00:00.000Z' }, token],
        Date.parse('2026-11-20T12:00:00.000Z'),
      ),
      `ID     NAME   ROLE      AGE  LAST USED  EXPIRES IN
local  local  admin     2d   60m        -
t1     phone  approver  2d   never      3d
`,
    );
  });
});
