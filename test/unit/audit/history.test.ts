import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { decisionEvent } from '../../../src/audit/event.ts';
import { heartbeatEvent } from '../../../src/audit/gate-events.ts';
import { readPast, readRecent } from '../../../src/audit/history.ts';
import { formatLine } from '../../../src/audit/line.ts';
import type { DecisionEntry } from '../../../src/policy/decision.ts';
import { makeDestination, makeRequest } from '../../support/asking.ts';

const root = mkdtempSync(join(tmpdir(), 'sallyport-history-'));
after(() => rmSync(root, { recursive: true, force: true }));
const startMs = Date.UTC(2026, 10, 20);

function decision(n: number, host = `h${n}.example`): string {
  const entry: DecisionEntry = {
    request: makeRequest(makeDestination(host)),
    verdict: {
      outcome: n % 2 === 0 ? 'allow' : 'deny',
      source: 'decider',
      reason: 'not_allowed',
      override: n % 2 === 0,
      wouldDeny: false,
      rule: undefined,
      grant: undefined,
    },
    hold: {
      group: 'k3',
      waitedMs: 1,
      approver: undefined,
      asker: { pid: n, executable: n % 3 === 0 ? '/usr/bin/git' : '/usr/bin/curl' },
    },
    pinned: true,
    policyVersion: 'v1',
  };
  return formatLine(decisionEvent(`u${n}`, startMs + n * 1000, entry));
}

let folders = 0;
/** A journal of two files: decisions 0 to 9, then 10 to `count` with other events and a torn end. */
function makeJournal(count: number): string {
  folders += 1;
  const folder = mkdtempSync(join(root, 'audit-'));
  const lines = Array.from({ length: count }, (_, n) => decision(n));
  writeFileSync(join(folder, '0000000001-20261120T000000.000Z.jsonl'), lines.slice(0, 10).join(''));
  const second = join(folder, '0000000002-20261120T010000.000Z.jsonl');
  const beat = heartbeatEvent('beat', startMs, {
    uptimeMs: 1,
    connections: 0,
    groups: 0,
    holds: 0,
    exported: 0,
    dropped: 0,
    policyVersion: 'v1',
  });
  writeFileSync(second, formatLine(beat) + lines.slice(10).join(''));
  appendFileSync(second, '{"uid":"torn","time":"2026');
  return folder;
}

const uidsOf = async (folder: string, query: Parameters<typeof readPast>[1]): Promise<string[]> =>
  (await readPast(folder, query)).entries.map(({ uid }) => uid);

describe('readPast', () => {
  it('gives decisions newest first over all files, past a torn end', async () => {
    const folder = makeJournal(13);
    const past = await readPast(folder, {});
    assert.deepEqual(
      past.entries.map(({ uid }) => uid),
      Array.from({ length: 13 }, (_, n) => `u${12 - n}`),
    );
    assert.equal(past.more, false);
  });

  it('gives as many as are asked for and says that there are more', async () => {
    const past = await readPast(makeJournal(13), { limit: 4 });
    assert.deepEqual(
      [past.entries.map(({ uid }) => uid), past.more],
      [['u12', 'u11', 'u10', 'u9'], true],
    );
  });

  it('takes only what fits all of the query', async () => {
    const folder = makeJournal(13);
    const at = (n: number): string => new Date(startMs + n * 1000).toISOString();
    const cases = [
      { query: { host: 'H7.' }, want: ['u7'] },
      { query: { program: 'git', outcome: 'allow' }, want: ['u12', 'u6', 'u0'] },
      { query: { since: at(10), before: at(12) }, want: ['u11', 'u10'] },
    ] as const;
    for (const { query, want } of cases) assert.deepEqual(await uidsOf(folder, query), want);
  });

  it('finds the border of a line wherever a piece of the file ends', async () => {
    const folder = mkdtempSync(join(root, 'audit-'));
    // Lines of many lengths, more than two pieces of them.
    const lines = Array.from({ length: 1500 }, (_, n) =>
      decision(n, `${'a'.repeat(n % 60)}.example`),
    );
    writeFileSync(join(folder, '0000000001-20261120T000000.000Z.jsonl'), lines.join(''));
    const past = await readPast(folder, { limit: 2000 });
    assert.deepEqual(
      past.entries.map(({ uid }) => uid),
      lines.map((_, n) => `u${1499 - n}`),
    );
  });
});

describe('readRecent', () => {
  it('stops once it has read as much as it may', async () => {
    const seen: string[] = [];
    const limit = decision(12).length * 3;
    await readRecent(makeJournal(13), limit, ({ uid }) => seen.push(uid));
    assert.deepEqual(seen, ['u12', 'u11']);
  });
  it('ends where a file has been rotated away meanwhile', async () => {
    const folder = makeJournal(13);
    const seen: string[] = [];
    await readRecent(folder, 1_000_000, ({ uid }) => {
      seen.push(uid);
      rmSync(join(folder, '0000000001-20261120T000000.000Z.jsonl'), { force: true });
    });
    assert.deepEqual(seen, ['u12', 'u11', 'u10', 'beat']);
  });
});
