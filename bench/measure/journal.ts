// How fast the journal takes decision records: one after the other, and as many at a time as connections come.
import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decisionEvent } from '../../src/audit/event.ts';
import { createJournal, readJournal, type Journal } from '../../src/audit/journal.ts';
import type { DecisionEntry } from '../../src/policy/decision.ts';
import { createDestination, parseHost } from '../../src/policy/destination.ts';
import { removeFolder } from '../../test/support/daemon.ts';
import { interleave, type Benchmark, type Row, type Setup } from '../result.ts';

const count = 10_000;

function makeEntry(): DecisionEntry {
  const host = parseHost('api.bench.test');
  if (!host.ok) throw new Error(host.problem);
  const origin = { layer: 'user', file: '/home/user/config.toml', line: 12, column: 3 } as const;
  return {
    request: {
      destination: createDestination('https_connect', host.value, 443),
      listener: 'http',
      method: 'CONNECT',
      form: 'tunnel',
      client: { address: '127.0.0.1', port: 50_000, localPort: 4128 },
    },
    verdict: {
      outcome: 'allow',
      source: 'baseline_policy',
      reason: 'allow',
      override: false,
      wouldDeny: false,
      rule: { text: '*.bench.test', outcome: 'allow', origin },
      grant: undefined,
    },
    hold: undefined,
    pinned: true,
    policyVersion: '0123456789ab',
  };
}

/** Appends `count` records, `together` in one turn of the event loop; records a second. */
async function append(journal: Journal, entry: DecisionEntry, together: number): Promise<number> {
  const start = performance.now();
  for (let done = 0; done < count; done += together) {
    await Promise.all(
      Array.from({ length: together }, () =>
        journal.append(decisionEvent(randomUUID(), Date.now(), entry)),
      ),
    );
  }
  return (count * 1000) / (performance.now() - start);
}

async function run({ rounds }: Setup): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-'));
  const audit = join(folder, 'audit');
  const problems: string[] = [];
  const journal = createJournal({
    folder: audit,
    onProblem: (problem) => problems.push(problem),
    onRecovered: () => undefined,
  });
  const entry = makeEntry();
  const single: number[] = [];
  const batched: number[] = [];
  try {
    await append(journal, entry, 20);
    await interleave(rounds, {
      single: async () => void single.push(await append(journal, entry, 1)),
      batched: async () => void batched.push(await append(journal, entry, 20)),
    });
    await journal.close();
    await checkJournal(audit, count * (1 + 2 * rounds), problems);
  } finally {
    removeFolder(folder);
  }
  return [
    { what: 'one in a turn', unit: 'records/s', values: single },
    { what: '20 in a turn', unit: 'records/s', values: batched },
  ];
}

async function checkJournal(
  folder: string,
  expected: number,
  problems: readonly string[],
): Promise<void> {
  const uids = new Set<string>();
  for await (const { uid } of readJournal(folder)) uids.add(uid);
  if (uids.size === expected && problems.length === 0) return;
  throw new Error(`the journal holds ${uids.size} of ${expected} records; ${problems.join('; ')}`);
}

/** Records a second. */
export const journalBenchmark: Benchmark = {
  name: 'journal',
  about:
    'Decision records made and appended until the kernel has them, in the folder for temporary files.',
  run,
};
