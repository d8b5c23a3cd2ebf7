import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { historyCommand, renderHistory } from '../../../src/cli/history.ts';
import type { HistoryEntry } from '../../../src/control/messages.ts';
import { recordIo, startStandIn } from '../../support/command.ts';

const entry: HistoryEntry = {
  uid: 'u1',
  at: '2026-11-20T12:00:05.123Z',
  outcome: 'allow',
  protocol: 'https_connect',
  host: 'a.example',
  port: 443,
  method: 'CONNECT',
  reason: 'allow',
  source: 'decider',
  rule: null,
  question: 'k3',
  grant: null,
  approver: 'ann',
  surface: 'tray',
  waitMs: 5000,
  program: '/usr/bin/curl',
  pid: 77,
};

describe('renderHistory', () => {
  it('shows a line for each decision', () => {
    const byRule = {
      ...entry,
      outcome: 'deny',
      host: '2606:4700::1',
      rule: '*.b.example (config.toml:3)',
      question: null,
      approver: null,
      program: 'x\u202e',
      pid: null,
    } as const;
    const byGrant = { ...entry, grant: 'g1', program: null, surface: null };
    assert.equal(
      renderHistory({ entries: [entry, byRule, byGrant], more: true, answers: [] }),
      `WHEN                  ANSWER  DESTINATION         WHY                               PROGRAM                 BY
2026-11-20 12:00:05Z  allow   a.example:443       allow (k3)                        /usr/bin/curl (pid 77)  ann (tray)
2026-11-20 12:00:05Z  deny    [2606:4700::1]:443  rule *.b.example (config.toml:3)  x\\u202e                 -
2026-11-20 12:00:05Z  allow   a.example:443       remembered g1                     -                       ann (unknown)
older ones are left out; --limit and --since reach further
`,
    );
  });

  it('says when nothing fits', () =>
    assert.equal(
      renderHistory({ entries: [], more: false, answers: [] }),
      'nothing that fits was decided\n',
    ));
});

describe('history', () => {
  it('asks for what was typed', async (t) => {
    const answer = { entries: [entry], more: false, answers: [] };
    const daemon = await startStandIn(t, () => [200, answer]);
    const io = recordIo(daemon.env);
    const words = ['--host', 'a', '--program', 'curl', '--denied', '--since', '2026-11-19'];
    assert.equal(await historyCommand.run([...words, '--limit', '5', '--json'], io), 0);
    assert.deepEqual(JSON.parse(io.written.out), answer);
    const { searchParams, pathname } = new URL(daemon.seen[0]?.path ?? '', 'http://localhost');
    assert.equal(pathname, '/v1/history');
    assert.deepEqual(Object.fromEntries(searchParams), {
      host: 'a',
      program: 'curl',
      outcome: 'deny',
      since: '2026-11-19T00:00:00.000Z',
      limit: '5',
    });
  });

  it('asks for everything', async (t) => {
    const daemon = await startStandIn(t, () => [200, { entries: [], more: false, answers: [] }]);
    assert.equal(await historyCommand.run([], recordIo(daemon.env)), 0);
    assert.deepEqual(
      daemon.seen.map(({ path }) => path),
      ['/v1/history'],
    );
  });

  for (const words of [
    ['a.example'],
    ['--denied', '--allowed'],
    ['--limit', '0'],
    ['--limit', '501'],
    ['--since', 'once'],
  ]) {
    it(`refuses: ${words.join(' ')}`, async () => {
      await assert.rejects(historyCommand.run(words, recordIo()), { code: 'ERR_USAGE' });
    });
  }
});
