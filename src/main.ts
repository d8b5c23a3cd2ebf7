#!/usr/bin/env node
// Entry: hands the command line to cli/cli.ts and makes its answer the exit code. Started without the launcher
// in an environment that could weaken this process, it first starts itself over without those variables.
// Output is written straight to the descriptors: process.stdout would make a pipe that `exec` shares with its
// child non-blocking, and would still hold text when the process ends.
import { writeSync } from 'node:fs';
import { runCli } from './cli/cli.ts';
import { foundWithheld, ownEnvironment, userEnvironment } from './cli/own-environment.ts';

async function start(): Promise<number> {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < 26) {
    const launcher = `${import.meta.dirname}/sallyport`;
    writeAll(
      2,
      `sallyport: Node.js ${process.version} is too old for it; start it with ${launcher}\n`,
    );
    return 1;
  }
  leaveWeakenedProcess();
  return await runCli(process.argv.slice(2), {
    stdout: (text) => writeAll(1, text),
    stderr: (text) => writeAll(2, text),
    env: userEnvironment(process.env),
  });
}

/** Set when output was lost to a full disk or its like: a command is not done whose answer nobody has. */
let outputLost = false;

/** Waits for a slow reader; a reader that went away (`sallyport status | head -1`) is no failure of ours. */
function writeAll(fd: number, text: string): void {
  let rest: Uint8Array = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code !== 'EAGAIN') return loseOutput(fd, code);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5); // somebody made it non-blocking
    }
  }
}

function loseOutput(fd: number, code: unknown): void {
  if (fd !== 1 || outputLost || code === 'EPIPE') return;
  outputLost = true;
  writeAll(2, `sallyport: the output could not be written: ${String(code)}\n`);
}

/** Node has already read NODE_OPTIONS and its like when we get here: only a new program image is free of them. */
function leaveWeakenedProcess(): void {
  const found = foundWithheld(process.env);
  if (found.length === 0) return;
  const own = ownEnvironment(process.env);
  if (process.platform !== 'win32' && process.execve !== undefined) {
    const main = import.meta.filename;
    const args = [process.execPath, ...process.execArgv, main, ...process.argv.slice(2)];
    process.execve(process.execPath, args, own);
  }
  for (const name of found) delete process.env[name];
  Object.assign(process.env, own);
  if (found.includes('NODE_OPTIONS')) {
    writeAll(2, 'sallyport: NODE_OPTIONS was in force at the start; unset it for the daemon\n');
  }
}

const exitCode = await start();
process.exit(exitCode === 0 && outputLost ? 1 : exitCode);
