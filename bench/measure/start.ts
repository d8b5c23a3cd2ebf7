// From the spawn of the launcher to the ready line, against an empty program of the same Node.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launcher, plainEnvironment, removeFolder } from '../../test/support/daemon.ts';
import { interleave, type Benchmark, type Row, type Setup } from '../result.ts';

const config = `[network]
http_port = 0
socks_port = 0
allowed_domains = ["api.example.com"]
[gateway]
port = 0
[control]
port = 0
`;

/** Milliseconds until the first output, which begins with a brace; the program is then ended and waited for. */
async function untilOutput(
  command: string,
  args: readonly string[],
  state: string,
): Promise<number> {
  const from = performance.now();
  const child = spawn(command, [...args], {
    env: plainEnvironment({ SALLYPORT_STATE: state }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  const exited = once(child, 'exit');
  const first = (await Promise.race([once(child.stdout, 'data'), exited.then(() => undefined)])) as
    [Buffer] | undefined;
  const tookMs = performance.now() - from;
  child.kill('SIGTERM');
  await exited;
  if (first?.[0].toString('utf8').startsWith('{') !== true) {
    throw new Error(`no ready line; ${complaints}`);
  }
  return tookMs;
}

async function run({ rounds }: Setup): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-'));
  const configFile = join(folder, 'config.toml');
  writeFileSync(configFile, config);
  const state = join(folder, 'state');
  const daemon: number[] = [];
  const empty: number[] = [];
  const stay = 'process.stdout.write("{"); setInterval(() => {}, 1000)';
  try {
    await interleave(rounds * 2, {
      daemon: async () => {
        daemon.push(await untilOutput(launcher, ['run', '--json', '--config', configFile], state));
      },
      empty: async () => {
        empty.push(await untilOutput(process.execPath, ['-e', stay], state));
      },
    });
  } finally {
    removeFolder(folder);
  }
  return [
    { what: 'spawn to ready line', unit: 'ms', values: daemon },
    { what: 'an empty Node program, spawn to first output', unit: 'ms', values: empty },
  ];
}

/** Start-up. */
export const startBenchmark: Benchmark = {
  name: 'start',
  about: 'Start of the daemon, with a state folder that already stands from the second time on.',
  run,
};
