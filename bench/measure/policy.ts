// What one decision of the policy costs with 100, 10,000 and 1,000,000 rules; each size in a process of its own,
// so that the heap of one is not the burden of the next.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { formatNumber } from '../statistics.ts';
import type { Benchmark, Row, Setup } from '../result.ts';

/** What the process for one size reports. */
export interface PolicyReport {
  readonly buildMs: number;
  readonly nanoseconds: readonly number[];
}

async function measure(rules: number, rounds: number): Promise<readonly Row[]> {
  const child = fork(join(import.meta.dirname, '..', 'policy-process.ts'), [
    `${rules}`,
    `${rounds}`,
  ]);
  const [report] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => {
      throw new Error('the policy did not answer as it must');
    }),
  ])) as [PolicyReport];
  const words = `${formatNumber(rules)} rules`;
  return [
    { what: `${words}, one decision`, unit: 'ns', values: report.nanoseconds },
    { what: `${words}, compiled in`, unit: 'ms', values: [report.buildMs] },
  ];
}

async function run({ rounds }: Setup): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const rules of [100, 10_000, 1_000_000]) rows.push(...(await measure(rules, rounds)));
  return rows;
}

/** Look-up cost of the rules. */
export const policyBenchmark: Benchmark = {
  name: 'policy',
  about: 'One call of `evaluate` for names of three to five labels, half of them known to a rule.',
  run,
};
