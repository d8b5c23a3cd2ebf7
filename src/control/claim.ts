// Keeps a state folder to one daemon: a lock file, with a look whether its owner still answers, since a
// file outlives a kill and a pid may come back as another program.
import { closeSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { SallyportError } from '../errors.ts';
import type { State } from '../state.ts';
import { createControlClient } from './client.ts';

const lockName = 'daemon.lock';
/** A daemon that has just begun does not answer yet. */
const startingMs = 10_000;
const answerLimitMs = 2_000;

/** Takes the folder for this process; gives the way to release it. ERR_ALREADY_RUNNING names the other's pid. */
export async function claimState(state: State): Promise<() => void> {
  const path = join(state.folder, lockName);
  for (;;) {
    if (create(path)) return () => rmSync(path, { force: true });
    const text = state.read(lockName);
    const pid = Number(text);
    if (await isRunning(state, path, pid)) {
      throw new SallyportError(
        'ERR_ALREADY_RUNNING',
        `${state.folder}: another daemon (pid ${pid}) is already running on this state folder; stop it, or name another folder in SALLYPORT_STATE`,
      );
    }
    // read again: another start may have taken the folder while the old owner was asked
    if (state.read(lockName) === text) setAside(path);
  }
}

function create(path: string): boolean {
  try {
    const fd = openSync(path, 'wx', 0o600);
    writeSync(fd, `${process.pid}\n`);
    closeSync(fd);
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  }
}

async function isRunning(state: State, path: string, pid: number): Promise<boolean> {
  if (!isAlive(pid)) return false;
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat !== undefined && Date.now() - stat.mtimeMs < startingMs) return true;
  try {
    const client = createControlClient({ state: state.folder }, { timeoutMs: answerLimitMs });
    await client.health();
    return true;
  } catch {
    return false;
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isCode(error, 'EPERM');
  }
}

/** Of two starts that find the same stale lock only one moves it; the other begins anew. */
function setAside(path: string): void {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
    rmSync(aside, { force: true });
  } catch (cause) {
    if (isCode(cause, 'ENOENT')) return; // moved by another start
    const what = 'is left from a daemon that is gone, and cannot be moved away; remove it';
    throw new SallyportError('ERR_STATE_UNSAFE', `${path}: ${what}`, { cause });
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
