// `npm run bench`: runs the benchmarks and prints what came of them. Exit code 1 when an answer was wrong or a
// goal was missed, 2 for wrong words.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine, renderMachine, type Machine } from './machine.ts';
import { bulkBenchmark } from './measure/bulk.ts';
import { dnsBenchmark } from './measure/dns.ts';
import { httpBenchmark } from './measure/http.ts';
import { idleBenchmark } from './measure/idle.ts';
import { journalBenchmark } from './measure/journal.ts';
import { policyBenchmark } from './measure/policy.ts';
import { startBenchmark } from './measure/start.ts';
import { connectBenchmark, socksBenchmark } from './measure/tunnels.ts';
import { isMet, renderResults, type Benchmark, type Result } from './result.ts';
import { startRig, type Rig } from './rig.ts';

const benchmarks: readonly Benchmark[] = [
  dnsBenchmark,
  connectBenchmark,
  socksBenchmark,
  httpBenchmark,
  bulkBenchmark,
  idleBenchmark,
  startBenchmark,
  policyBenchmark,
  journalBenchmark,
];

const usage = `usage: npm run bench -- [--only NAME,…] [--rounds N] [--json] [--write]

  --only NAME,…   some of: ${benchmarks.map(({ name }) => name).join(', ')}
  --rounds N      interleaved rounds, 1 to 100 (default 3)
  --json          one JSON object instead of tables
  --write         also writes bench/RESULTS.md
`;

interface Words {
  readonly chosen: readonly Benchmark[];
  readonly rounds: number;
  readonly json: boolean;
  readonly write: boolean;
}

function readWords(args: readonly string[]): Words {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      rounds: { type: 'string', default: '3' },
      json: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
    },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100) {
    throw new Error(`--rounds ${values.rounds}: expected a whole number from 1 to 100`);
  }
  if (values.write && values.only !== undefined) {
    throw new Error('--write with --only: RESULTS.md holds one whole run; leave one of them out');
  }
  const names = values.only?.split(',') ?? benchmarks.map(({ name }) => name);
  const chosen = names.map((wanted) => {
    const found = benchmarks.find(({ name }) => name === wanted);
    if (found === undefined) throw new Error(`--only ${wanted}: there is no such benchmark`);
    return found;
  });
  return { chosen, rounds, json: values.json, write: values.write };
}

async function measure({ chosen, rounds }: Words): Promise<readonly Result[]> {
  let rig: Promise<Rig> | undefined;
  const results: Result[] = [];
  try {
    for (const { name, about, run } of chosen) {
      process.stderr.write(`bench: ${name} …\n`);
      const rows = await run({ rounds, rig: () => (rig ??= startRig()) });
      results.push({ name, about, rows });
    }
  } finally {
    await (await rig)?.close();
  }
  return results;
}

function renderReport(machine: Machine, rounds: number, results: readonly Result[]): string {
  const head = `${renderMachine(machine)}; ${rounds} interleaved rounds.`;
  return `${head}\n\n${renderResults(results)}`;
}

async function main(): Promise<number> {
  let words: Words;
  try {
    words = readWords(process.argv.slice(2));
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : 'unknown'}\n\n${usage}`);
    return 2;
  }
  const machine = describeMachine();
  const results = await measure(words);
  const report = renderReport(machine, words.rounds, results);
  console.log(words.json ? JSON.stringify({ machine, rounds: words.rounds, results }) : report);
  if (words.write) {
    const title =
      '# Results\n\nWritten by `npm run bench -- --write`; what is measured is said in README.md.\n\n';
    writeFileSync(join(import.meta.dirname, 'RESULTS.md'), `${title}${report}`);
  }
  const missed = results.flatMap(({ rows }) => rows).filter((row) => !isMet(row));
  for (const { what } of missed) console.error(`bench: goal missed: ${what}`);
  return missed.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : 'unknown'}`);
  process.exitCode = 1;
}
