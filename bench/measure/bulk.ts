// Many bytes through open tunnels, one and eight at once, each way, against direct connections.
import { interleave, ratios, type Benchmark, type Row, type Setup } from '../result.ts';
import { cpuMs, pidOf } from '../rig.ts';

const mebibytes = 384;

interface Series {
  readonly direction: 'down' | 'up';
  readonly tunnels: number;
  readonly through: number[];
  readonly direct: number[];
  readonly cpuSeconds: number[];
}

async function run({ rounds, rig: open }: Setup): Promise<readonly Row[]> {
  const { load, daemon, way, ports } = await open();
  const pid = pidOf(daemon);
  const all: readonly Series[] = (['down', 'up'] as const).flatMap((direction) =>
    [1, 8].map((tunnels) => ({ direction, tunnels, through: [], direct: [], cpuSeconds: [] })),
  );
  const measure = async (one: Series, via: 'direct' | 'connect'): Promise<void> => {
    const { direction, tunnels } = one;
    const before = cpuMs(pid);
    const done = await load.run({
      kind: 'bulk',
      way: way(via, direction === 'down' ? ports.source : ports.sink),
      direction,
      tunnels,
      mebibytes: mebibytes / tunnels,
    });
    one[via === 'direct' ? 'direct' : 'through'].push((mebibytes * 1000) / done.wallMs);
    if (via === 'connect') one.cpuSeconds.push(((cpuMs(pid) - before) * 1.024) / mebibytes);
  };
  await interleave(
    rounds,
    Object.fromEntries(
      all.flatMap((one) =>
        (['direct', 'connect'] as const).map((via) => [
          `${one.direction} ${one.tunnels} ${via}`,
          () => measure(one, via),
        ]),
      ),
    ),
  );
  return all.flatMap(({ direction, tunnels, through, direct, cpuSeconds }) => {
    const words = `${direction}, ${tunnels === 1 ? 'one tunnel' : `${tunnels} tunnels`}`;
    return [
      { what: words, unit: 'MiB/s', values: through },
      { what: `${words}, share of direct`, unit: '×', values: ratios(through, direct) },
      { what: `${words}, processor time of the daemon`, unit: 's/GiB', values: cpuSeconds },
    ];
  });
}

/** Tunnel throughput. */
export const bulkBenchmark: Benchmark = {
  name: 'bulk',
  about: `${mebibytes} MiB through CONNECT tunnels, counted at the far end.`,
  run,
};
