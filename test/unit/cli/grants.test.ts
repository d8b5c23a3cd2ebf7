import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { grantsCommand, isUnused, renderGrants } from '../../../src/cli/grants.ts';
import { recordIo, startStandIn } from '../../support/command.ts';
import { makeGrant } from '../../support/views.ts';

const grant = makeGrant({
  host: 'a.example',
  expires: '2026-11-20T10:30:00.000Z',
  created: '2026-11-20T10:00:00.000Z',
  approver: 'ann',
  uses: 3,
  lastUsed: '2026-11-20T10:19:00.000Z',
});
const now = Date.parse('2026-11-20T10:20:00.000Z');

describe('renderGrants', () => {
  it('shows a line for each remembered answer, and its note', () => {
    const always = { for: 'always', expires: null, lastUsed: null } as const;
    const text = renderGrants(
      [
        grant,
        {
          ...grant,
          ...always,
          id: 'g2',
          outcome: 'deny',
          host: '*.b.example',
          port: 'any',
          note: 'no data there\n',
        },
        {
          ...grant,
          id: 'g3',
          for: 'restart',
          expires: null,
          programs: [
            { executable: '/bin/a', folder: '/app' },
            { executable: '/bin/b', folder: null },
          ],
        },
        { ...grant, id: 'g4', for: 'ticket', approver: 'x\u202e' },
      ],
      now,
    );
    assert.equal(
      text,
      `ID  ANSWER  PROTOCOL       DESTINATION    HOLDS          USES        PROGRAM                 BY
g1  allow   https_connect  a.example:443  10m            3, 60s ago  any                     ann (cli)
g2  deny    https_connect  *.b.example:*  always         3           any                     ann (cli)
    no data there\\u000a
g3  allow   https_connect  a.example:443  until restart  3, 60s ago  /bin/a in /app, /bin/b  ann (cli)
g4  allow   https_connect  a.example:443  one use, 10m   3, 60s ago  any                     x\\u202e (cli)
`,
    );
  });

  it('says when there is none', () => assert.equal(renderGrants([], 0), 'nothing is remembered\n'));
});

describe('isUnused', () => {
  const old = '2026-10-01T10:00:00.000Z';
  const cases = [
    { name: 'an old one never used', given: { created: old, lastUsed: null }, want: true },
    { name: 'an old one used long ago', given: { created: old, lastUsed: old }, want: true },
    { name: 'an old one used today', given: { created: old }, want: false },
    { name: 'a new one', given: { lastUsed: null }, want: false },
    {
      name: 'one that ends by itself',
      given: { created: old, lastUsed: old, for: 'until' },
      want: false,
    },
  ] as const;
  for (const { name, given, want } of cases) {
    it(`is ${want} for ${name}`, () =>
      assert.equal(isUnused({ ...grant, for: 'always', ...given }, now), want));
  }
});

describe('grants', () => {
  it('prints what the daemon answers', async (t) => {
    const daemon = await startStandIn(t, () => [200, { grants: [grant] }]);
    const io = recordIo(daemon.env);
    assert.equal(await grantsCommand.run(['--json'], io), 0);
    assert.deepEqual(JSON.parse(io.written.out), { grants: [grant] });
    assert.deepEqual(daemon.seen, [{ method: 'GET', path: '/v1/grants', body: undefined }]);
  });

  it('prints those that nothing uses', async (t) => {
    const unused = makeGrant({ for: 'always', created: '2025-01-01T00:00:00.000Z' });
    const daemon = await startStandIn(t, () => [200, { grants: [grant, unused] }]);
    const io = recordIo(daemon.env);
    assert.equal(await grantsCommand.run(['--unused', '--json'], io), 0);
    assert.deepEqual(JSON.parse(io.written.out), { grants: [unused] });
  });

  it('takes no words', async () => {
    await assert.rejects(grantsCommand.run(['g1'], recordIo()), { code: 'ERR_USAGE' });
  });
});
