// Fresh connections: how many a second, how long one takes, and what the daemon's processor pays; through
// CONNECT and SOCKS5, against a direct connection in the same rounds.
import type { Way } from '../jobs.ts';
import { interleave, ratios, type Benchmark, type Row, type Setup } from '../result.ts';
import { cpuMs, pidOf, type Rig } from '../rig.ts';
import { percentile } from '../statistics.ts';

interface Series {
  readonly perSecond: number[];
  readonly p50Us: number[];
  readonly p99Us: number[];
  readonly cpuUs: number[];
}

async function measure(
  { load, daemon }: Rig,
  way: Way,
  concurrency: number,
  count: number,
  into: Series,
): Promise<void> {
  const before = cpuMs(pidOf(daemon));
  const { wallMs, latenciesMs } = await load.run({ kind: 'exchange', way, concurrency, count });
  into.cpuUs.push(((cpuMs(pidOf(daemon)) - before) * 1000) / count);
  into.perSecond.push((count * 1000) / wallMs);
  into.p50Us.push(percentile(latenciesMs, 0.5) * 1000);
  into.p99Us.push(percentile(latenciesMs, 0.99) * 1000);
}

function createSeries(): Series {
  return { perSecond: [], p50Us: [], p99Us: [], cpuUs: [] };
}

async function run(
  { rounds, rig: open }: Setup,
  via: 'connect' | 'socks',
): Promise<readonly Row[]> {
  const rig = await open();
  const direct = rig.way('direct', rig.ports.echo);
  const through = rig.way(via, rig.ports.echo);
  const [one, oneDirect, many, manyDirect] = Array.from({ length: 4 }, createSeries) as [
    Series,
    Series,
    Series,
    Series,
  ];
  // The first thousands of connections run in code that is not compiled yet: measured by nobody's patience.
  for (const way of [direct, through]) await measure(rig, way, 32, 3000, createSeries());
  await interleave(rounds, {
    oneDirect: () => measure(rig, direct, 1, 600, oneDirect),
    one: () => measure(rig, through, 1, 600, one),
    manyDirect: () => measure(rig, direct, 32, 3000, manyDirect),
    many: () => measure(rig, through, 32, 3000, many),
  });
  return [
    { what: 'one at a time, p50', unit: 'µs', values: one.p50Us },
    { what: 'one at a time, direct, p50', unit: 'µs', values: oneDirect.p50Us },
    {
      what: 'one at a time, p50 over direct',
      unit: '×',
      values: ratios(one.p50Us, oneDirect.p50Us),
    },
    { what: '32 at a time', unit: 'connections/s', values: many.perSecond },
    { what: '32 at a time, direct', unit: 'connections/s', values: manyDirect.perSecond },
    {
      what: '32 at a time, share of direct',
      unit: '×',
      values: ratios(many.perSecond, manyDirect.perSecond),
    },
    { what: '32 at a time, p50', unit: 'µs', values: many.p50Us },
    { what: '32 at a time, p99', unit: 'µs', values: many.p99Us },
    {
      what: '32 at a time, processor time of the daemon',
      unit: 'µs/connection',
      values: many.cpuUs,
    },
  ];
}

/** CONNECT by name. */
export const connectBenchmark: Benchmark = {
  name: 'connect',
  about: 'Fresh CONNECT tunnels by name, each carrying 64 bytes out and back.',
  run: (setup) => run(setup, 'connect'),
};

/** SOCKS5 by name. */
export const socksBenchmark: Benchmark = {
  name: 'socks',
  about: 'Fresh SOCKS5 tunnels by name, each carrying 64 bytes out and back.',
  run: (setup) => run(setup, 'socks'),
};
