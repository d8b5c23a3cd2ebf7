// Where and when a run took place: a number without these says nothing.
import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { join } from 'node:path';

/** The circumstances of one run. */
export interface Machine {
  readonly date: string;
  /** Abbreviated; `+` where src differs from it. */
  readonly commit: string;
  readonly node: string;
  readonly system: string;
  readonly processors: string;
  readonly memoryGib: number;
  /** Load average of the minute before the run. */
  readonly loadBefore: number;
}

/** Looks at the machine; call it before the load begins. */
export function describeMachine(): Machine {
  const processors = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: commitOf(join(import.meta.dirname, '..')),
    node: process.version,
    system: `${type()} ${release()}`,
    processors: `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown'}`,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}

/** One paragraph for people. */
export function renderMachine(machine: Machine): string {
  const { date, commit, node, system, processors, memoryGib, loadBefore } = machine;
  return `${date}, commit ${commit}, Node ${node}, ${system}, ${processors}, ${memoryGib} GiB, load before the run ${loadBefore}`;
}

function commitOf(root: string): string {
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', root, ...args], { encoding: 'utf8' }).trim();
  try {
    const changed = git('status', '--porcelain', '--', 'src') !== '';
    return `${git('rev-parse', '--short=10', 'HEAD')}${changed ? '+' : ''}`;
  } catch {
    return 'unknown'; // an exported tree has no repository
  }
}
