// Plain HTTP through the daemon: many requests on a kept connection, and a connection for each request.
import type { Way } from '../jobs.ts';
import { interleave, ratios, type Benchmark, type Row, type Setup } from '../result.ts';
import { cpuMs, pidOf } from '../rig.ts';
import { percentile } from '../statistics.ts';

interface Series {
  readonly perSecond: number[];
  readonly p50Us: number[];
  readonly cpuUs: number[];
}

async function run({ rounds, rig: open }: Setup): Promise<readonly Row[]> {
  const { load, daemon, way, ports } = await open();
  const pid = pidOf(daemon);
  const measure = async (by: Way, keepAlive: boolean, into: Series): Promise<void> => {
    const count = keepAlive ? 3000 : 1500;
    const before = cpuMs(pid);
    const done = await load.run({ kind: 'http', way: by, keepAlive, concurrency: 32, count });
    into.cpuUs.push(((cpuMs(pid) - before) * 1000) / count);
    into.perSecond.push((count * 1000) / done.wallMs);
    into.p50Us.push(percentile(done.latenciesMs, 0.5) * 1000);
  };
  const series = (): Series => ({ perSecond: [], p50Us: [], cpuUs: [] });
  const direct = way('direct', ports.http);
  const through = way('http', ports.http);
  const [kept, keptDirect, fresh, freshDirect] = [series(), series(), series(), series()];
  for (const by of [direct, through]) await measure(by, true, series());
  await interleave(rounds, {
    keptDirect: () => measure(direct, true, keptDirect),
    kept: () => measure(through, true, kept),
    freshDirect: () => measure(direct, false, freshDirect),
    fresh: () => measure(through, false, fresh),
  });
  const rows = (words: string, one: Series, straight: Series): readonly Row[] => [
    { what: words, unit: 'requests/s', values: one.perSecond },
    { what: `${words}, direct`, unit: 'requests/s', values: straight.perSecond },
    {
      what: `${words}, share of direct`,
      unit: '×',
      values: ratios(one.perSecond, straight.perSecond),
    },
    { what: `${words}, p50`, unit: 'µs', values: one.p50Us },
    { what: `${words}, processor time of the daemon`, unit: 'µs/request', values: one.cpuUs },
  ];
  return [
    ...rows('kept connection', kept, keptDirect),
    ...rows('a connection for each', fresh, freshDirect),
  ];
}

/** Absolute-form GET. */
export const httpBenchmark: Benchmark = {
  name: 'http',
  about: 'Plain HTTP GET of 64 bytes, 32 at a time.',
  run,
};
