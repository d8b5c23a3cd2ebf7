import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { grantsCommand, renderGrants } from '../../../src/cli/grants.ts';
import type { GrantView } from '../../../src/control/messages.ts';
import { recordIo, startStandIn } from '../../support/command.ts';

const grant: GrantView = {
  id: 'g1',
  outcome: 'allow',
  protocol: 'https_connect',
  host: 'a.example',
  port: 443,
  for: 'until',
  expires: '2026-11-20T10:30:00.000Z',
  created: '2026-11-20T10:00:00.000Z',
  approver: 'ann',
  surface: 'cli',
  uses: 3,
  lastUsed: null,
};

describe('renderGrants', () => {
  it('shows a line for each remembered answer', () => {
    const text = renderGrants(
      [
        grant,
        {
          ...grant,
          id: 'g2',
          outcome: 'deny',
          host: '*.b.example',
          port: 'any',
          for: 'always',
          expires: null,
        },
        { ...grant, id: 'g3', for: 'restart', expires: null },
        { ...grant, id: 'g4', for: 'ticket', approver: 'x\u202e' },
      ],
      Date.parse('2026-11-20T10:20:00.000Z'),
    );
    assert.equal(
      text,
      `ID  ANSWER  PROTOCOL       DESTINATION    HOLDS          USES  BY
g1  allow   https_connect  a.example:443  10m            3     ann (cli)
g2  deny    https_connect  *.b.example:*  always         3     ann (cli)
g3  allow   https_connect  a.example:443  until restart  3     ann (cli)
g4  allow   https_connect  a.example:443  one use, 10m   3     x\\u202e (cli)
`,
    );
  });

  it('says when there is none', () => assert.equal(renderGrants([], 0), 'nothing is remembered\n'));
});

describe('grants', () => {
  it('prints what the daemon answers', async (t) => {
    const daemon = await startStandIn(t, () => [200, { grants: [grant] }]);
    const io = recordIo(daemon.env);
    assert.equal(await grantsCommand.run(['--json'], io), 0);
    assert.deepEqual(JSON.parse(io.written.out), { grants: [grant] });
    assert.deepEqual(daemon.seen, [{ method: 'GET', path: '/v1/grants', body: undefined }]);
  });

  it('takes no words', async () => {
    await assert.rejects(grantsCommand.run(['g1'], recordIo()), { code: 'ERR_USAGE' });
  });
});
