// The stage of a measurement: far end, load generator and the real daemon, each a process of its own, and what
// the kernel says of the daemon's use of processor and memory.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { removeFolder, startSallyport, type RunningDaemon } from '../test/support/daemon.ts';
import type { Done, Job, Order, Report, Way } from './jobs.ts';
import type { TargetPorts } from './target-process.ts';

/** The name under which the daemon knows the far end, from its hosts file. */
export const targetHost = 'target.bench.test';
const deniedHost = 'denied.bench.test';

/** A load generator: one job at a time. */
export interface Load {
  readonly run: (job: Job) => Promise<Done>;
  readonly close: () => void;
}

/** A far end, a load generator and a daemon in between. */
export interface Rig {
  readonly ports: TargetPorts;
  readonly load: Load;
  readonly daemon: RunningDaemon;
  /** The way past the daemon, and the ways through it. */
  readonly way: (via: Way['via'], port: number) => Way;
  readonly close: () => Promise<void>;
}

/** Starts the far end. */
export async function startTarget(): Promise<{
  readonly ports: TargetPorts;
  readonly close: () => void;
}> {
  const child = fork(join(import.meta.dirname, 'target-process.ts'));
  const [ports] = (await once(child, 'message')) as [TargetPorts];
  return { ports, close: () => disconnect(child) };
}

/** Starts a load generator. */
export async function startLoad(): Promise<Load> {
  const child = fork(join(import.meta.dirname, 'load-process.ts'));
  await once(child, 'message');
  let last = 0;
  const waiting = new Map<number, PromiseWithResolvers<Done>>();
  child.on('message', (report: Report) => {
    const asked = waiting.get(report.id);
    waiting.delete(report.id);
    if ('done' in report) asked?.resolve(report.done);
    else asked?.reject(new Error(report.error));
  });
  child.on('exit', () => {
    for (const asked of waiting.values()) asked.reject(new Error('the load generator is gone'));
  });
  return {
    run: (job) => {
      last += 1;
      const asked = Promise.withResolvers<Done>();
      waiting.set(last, asked);
      child.send({ id: last, job } satisfies Order);
      return asked.promise;
    },
    close: () => disconnect(child),
  };
}

/** Starts all three. */
export async function startRig(): Promise<Rig> {
  const target = await startTarget();
  const load = await startLoad();
  const daemon = await startSallyport({
    config: `[network]\nunknown = "deny"\nallowed_domains = ["${targetHost}", "127.0.0.1"]\ndenied_domains = ["${deniedHost}"]\n`,
    hosts: { [targetHost]: '127.0.0.1', [deniedHost]: '127.0.0.1' },
  });
  const rig: Rig = {
    ports: target.ports,
    load,
    daemon,
    way: (via, port) =>
      via === 'direct'
        ? { via, port }
        : {
            via,
            proxyPort: via === 'socks' ? daemon.socks : daemon.http,
            host: targetHost,
            port,
          },
    close: async () => {
      load.close();
      target.close();
      await daemon.stop();
      removeFolder(daemon.folder);
    },
  };
  try {
    await checkRefusal(rig);
  } catch (error) {
    await rig.close();
    throw error;
  }
  return rig;
}

/** A gate that lets everything through must not be timed. */
async function checkRefusal({ load, way, ports }: Rig): Promise<void> {
  const asked = way('connect', ports.echo);
  const { statuses } = await load.run({ kind: 'ask', way: asked, hosts: [deniedHost, targetHost] });
  if (statuses.join() !== '403,200') throw new Error(`the daemon answered ${statuses.join()}`);
}

/** Ends a child that goes when its channel does. */
function disconnect(child: ChildProcess): void {
  if (child.connected) child.disconnect();
}

/** Processor time of a process so far, user and system, in milliseconds; the kernel counts in steps of 10. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Memory of a process in KiB: its share of what it maps (PSS), and all of that (RSS). */
export function memoryKib(pid: number): { readonly pss: number; readonly rss: number } {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  const read = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? Number.NaN);
  return { pss: read('Pss'), rss: read('Rss') };
}

/** The daemon's process id. */
export function pidOf({ process: child }: RunningDaemon): number {
  if (child.pid === undefined) throw new Error('the daemon has no process id');
  return child.pid;
}
