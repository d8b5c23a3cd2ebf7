// Whether names whose servers say nothing delay others: 500 connections to names that are looked up each time,
// with and without 20 look-ups hanging, through a daemon that asks a real name server.
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeFolder, startSallyport } from '../../test/support/daemon.ts';
import { startDnsServer, type DnsServer } from '../../test/support/dns-server.ts';
import type { Way } from '../jobs.ts';
import { interleave, ratios, type Benchmark, type Row, type Setup } from '../result.ts';
import { startLoad, startTarget, type Load } from '../rig.ts';
import { percentile } from '../statistics.ts';

const requests = 500;
const hanging = 20;
const concurrency = 8;

interface Series {
  readonly p50Ms: number[];
  readonly p99Ms: number[];
}

interface Stage {
  readonly load: Load;
  /** For the questions that hang; the other generator's latencies must not suffer from them. */
  readonly hanger: Load;
  readonly dns: DnsServer;
  readonly way: Way;
}

let serial = 0;

/** Names nobody has asked for, so that each is looked up. */
function newNames({ dns }: Stage, count: number, muted: boolean): readonly string[] {
  return Array.from({ length: count }, () => {
    serial += 1;
    const name = `n${serial}.${muted ? 'mute' : 'good'}.bench.test`;
    dns.names.set(name, muted ? { mute: true } : { a: ['127.0.0.1'], ttl: 1 });
    return name;
  });
}

async function connectAll(stage: Stage, count: number): Promise<readonly number[]> {
  const hosts = newNames(stage, count, false);
  const { latenciesMs } = await stage.load.run({
    kind: 'exchange',
    way: stage.way,
    concurrency,
    count,
    hosts,
  });
  const asked = new Set(stage.dns.asked);
  if (hosts.some((name) => !asked.has(`A ${name}`))) throw new Error('a name was not looked up');
  return latenciesMs;
}

async function measure(stage: Stage, into: Series): Promise<void> {
  const latenciesMs = await connectAll(stage, requests);
  into.p50Ms.push(percentile(latenciesMs, 0.5));
  into.p99Ms.push(percentile(latenciesMs, 0.99));
}

/** The same with `hanging` look-ups under way from before the first to after the last request. */
async function measureHanging(stage: Stage, into: Series): Promise<void> {
  const hosts = newNames(stage, hanging, true);
  let isOver = false;
  const asked = stage.hanger.run({ kind: 'ask', way: stage.way, hosts }).then((done) => {
    isOver = true;
    return done;
  });
  const last = hosts.at(-1) ?? '';
  while (!stage.dns.asked.includes(`A ${last}`)) {
    await new Promise((resolve) => void setImmediate(resolve));
    if (isOver) throw new Error('the hanging names were answered');
  }
  await measure(stage, into);
  if (isOver) throw new Error('the hanging look-ups ended before the requests did');
  const { statuses } = await asked;
  if (statuses.some((status) => status !== 504)) {
    throw new Error(`hanging names were answered ${statuses.join()}`);
  }
}

async function openStage(): Promise<Stage & { readonly close: () => Promise<void> }> {
  const dns = await startDnsServer({});
  const target = await startTarget();
  const [load, hanger] = [await startLoad(), await startLoad()];
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-'));
  mkdirSync(join(folder, 'etc'));
  const daemon = await startSallyport({
    config: '[network]\nunknown = "deny"\nallowed_domains = ["*.bench.test", "127.0.0.1"]\n',
    etc: { 'resolv.conf': `nameserver ${dns.address}\n`, 'nsswitch.conf': 'hosts: files dns\n' },
    folder,
  });
  const { echo: port } = target.ports;
  return {
    load,
    hanger,
    dns,
    way: { via: 'connect', proxyPort: daemon.http, host: 'unused.bench.test', port },
    close: async () => {
      load.close();
      hanger.close();
      target.close();
      await daemon.stop();
      await dns.close();
      removeFolder(folder);
    },
  };
}

async function run({ rounds }: Setup): Promise<readonly Row[]> {
  const stage = await openStage();
  const without: Series = { p50Ms: [], p99Ms: [] };
  const withHanging: Series = { p50Ms: [], p99Ms: [] };
  try {
    await connectAll(stage, 4 * requests);
    // Each begins from the same state: after the seconds in which the hanging names run out all is cold again.
    await interleave(rounds, {
      without: async () => {
        await connectAll(stage, requests);
        await measure(stage, without);
      },
      withHanging: async () => {
        await connectAll(stage, requests);
        await measureHanging(stage, withHanging);
      },
    });
  } finally {
    await stage.close();
  }
  return [
    { what: 'nothing hangs, p50', unit: 'ms', values: without.p50Ms },
    { what: 'nothing hangs, p99', unit: 'ms', values: without.p99Ms },
    { what: `${hanging} names hang, p50`, unit: 'ms', values: withHanging.p50Ms },
    { what: `${hanging} names hang, p99`, unit: 'ms', values: withHanging.p99Ms },
    { what: 'p50 over p50', unit: '×', values: ratios(withHanging.p50Ms, without.p50Ms) },
    {
      what: 'p99 over p99',
      unit: '×',
      values: ratios(withHanging.p99Ms, without.p99Ms),
      atMost: 2,
    },
  ];
}

/** Hanging DNS. */
export const dnsBenchmark: Benchmark = {
  name: 'dns',
  about: `${requests} CONNECTs, ${concurrency} at a time, each to a name that has to be looked up; with and without ${hanging} look-ups under way that nobody answers.`,
  run,
};
