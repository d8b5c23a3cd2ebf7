// What open tunnels cost while nothing happens in them: memory of a fresh daemon with and without a thousand.
import { setTimeout as pause } from 'node:timers/promises';
import { startRig, memoryKib, pidOf } from '../rig.ts';
import type { Benchmark, Row, Setup } from '../result.ts';

const tunnels = 1000;
const settleMs = 1000;

async function run({ rounds }: Setup): Promise<readonly Row[]> {
  const pss: number[] = [];
  const rss: number[] = [];
  const whole: number[] = [];
  for (let round = 0; round < Math.min(rounds, 3); round += 1) {
    const rig = await startRig();
    try {
      const { load, daemon, way, ports } = rig;
      const through = way('connect', ports.echo);
      // A first few, so that code and buffers needed once are not counted as the tunnels'.
      await load.run({ kind: 'exchange', way: through, concurrency: 16, count: 500 });
      await pause(settleMs);
      const before = memoryKib(pidOf(daemon));
      await load.run({ kind: 'hold', way: through, count: tunnels });
      await pause(settleMs);
      const held = memoryKib(pidOf(daemon));
      await load.run({ kind: 'drop' });
      pss.push((held.pss - before.pss) / tunnels);
      rss.push((held.rss - before.rss) / tunnels);
      whole.push(held.pss / 1024);
    } finally {
      await rig.close();
    }
  }
  return [
    { what: 'per tunnel, PSS', unit: 'KiB', values: pss },
    { what: 'per tunnel, RSS', unit: 'KiB', values: rss },
    { what: 'the whole daemon while they are open, PSS', unit: 'MiB', values: whole },
  ];
}

/** Memory per idle tunnel. */
export const idleBenchmark: Benchmark = {
  name: 'idle',
  about: `Memory of a fresh daemon that holds ${tunnels} CONNECT tunnels, each after one exchange.`,
  run,
};
