// curl under `sallyport exec`, as an agent would run it: whoever answers in a test is outside of its tree. And the
// origin that it asks.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { launcher, type Finished, type RunningDaemon } from './daemon.ts';
import { startHttpOrigin, type Origin } from './origin.ts';

/** A curl that runs. */
export interface RunningCurl {
  readonly child: ChildProcess;
  /** Everything it printed so far. */
  readonly output: () => string;
  readonly ended: Promise<Finished>;
}

/** Starts it with these words, output unbuffered. */
export function startCurl(daemon: RunningDaemon, words: readonly string[]): RunningCurl {
  const child = spawn(launcher, ['exec', '--', 'curl', '-sS', '-N', ...words], {
    env: daemon.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close').then(([status, signal]) => {
    return { status, signal, stdout, stderr };
  });
  return { child, output: () => stdout, ended };
}

/** An origin that answers `origin` at once, but at `/stream`, which gets its first line and never ends. */
export async function startStreamingOrigin(): Promise<Origin> {
  return await startHttpOrigin((request, response) => {
    if (request.url === '/stream') response.write('first\n');
    else response.end('origin\n');
  });
}
