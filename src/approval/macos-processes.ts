// macOS: connections from lsof, processes from ps. Written after their manuals and tested with outputs of
// that form; not tried on a Mac. Only the user's own processes are told to us, which is whom we ask about.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { HeldConnection, ListedProcess, Snapshot } from './process-snapshot.ts';

const run = promisify(execFile);
const limits = { timeout: 3000, maxBuffer: 16 * 1024 * 1024, encoding: 'utf8' } as const;
/** Nothing of the user's environment may change what these print. */
const environment = { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C' };

/** Takes a picture; rejects when one of the programs fails or takes more than 3 s. */
export async function takeMacosSnapshot(): Promise<Snapshot> {
  const options = { ...limits, env: environment };
  const [connections, processes, names, folders] = await Promise.all([
    run('/usr/sbin/lsof', ['-nP', '-iTCP', '-sTCP:ESTABLISHED', '-F', 'pn'], options),
    run('/bin/ps', ['-A', '-ww', '-o', 'pid=,ppid=,uid=,tty=,lstart=,command='], options),
    run('/bin/ps', ['-A', '-ww', '-o', 'pid=,comm='], options),
    // Ends with 1 when some process could not be read; what it did read is printed all the same.
    run('/usr/sbin/lsof', ['-nP', '-d', 'cwd', '-F', 'pn'], options).catch(outputOf),
  ]);
  return {
    connections: readLsofConnections(connections.stdout),
    processes: readPs(processes.stdout, readNames(names.stdout), readLsofNames(folders.stdout)),
  };
}

function outputOf(error: unknown): { readonly stdout: string } {
  const stdout = error instanceof Error && 'stdout' in error ? error.stdout : '';
  return { stdout: typeof stdout === 'string' ? stdout : '' };
}

/** Reads `lsof -F pn`: a `p` line opens a process, each `n` line names one of its files; others are skipped. */
function* readLsof(text: string): Generator<{ readonly pid: number; readonly name: string }> {
  let pid = Number.NaN;
  for (const line of text.split('\n')) {
    if (line.startsWith('p')) pid = Number(line.slice(1));
    else if (line.startsWith('n') && Number.isSafeInteger(pid)) yield { pid, name: line.slice(1) };
  }
}

/** Connections out of `lsof -nP -iTCP -sTCP:ESTABLISHED -F pn`: `n127.0.0.1:54321->127.0.0.1:4128`. */
export function readLsofConnections(text: string): readonly HeldConnection[] {
  const found: HeldConnection[] = [];
  for (const { pid, name } of readLsof(text)) {
    const match = /^\S+:(\d{1,5})->\S+:(\d{1,5})$/.exec(name);
    if (match === null) continue;
    found.push({ pid, localPort: Number(match[1]), remotePort: Number(match[2]) });
  }
  return found;
}

/** The one file of each process out of `lsof -d cwd -F pn`. */
export function readLsofNames(text: string): ReadonlyMap<number, string> {
  return new Map([...readLsof(text)].map(({ pid, name }) => [pid, name]));
}

/** Executables by pid out of `ps -o pid=,comm=`. */
export function readNames(text: string): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  for (const line of text.split('\n')) {
    const match = /^\s*(\d+)\s(.+)$/.exec(line);
    if (match?.[2] !== undefined) found.set(Number(match[1]), match[2].trim());
  }
  return found;
}

/** `Fri Nov 20 13:44:21 2026`; day and month may be the other way round. */
const psLine = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\w+\s+\w+\s+\w+\s+[\d:]+\s+\d{4})\s(.*)$/;

/** Processes out of `ps -o pid=,ppid=,uid=,tty=,lstart=,command=`; arguments are split at blanks, for display. */
export function readPs(
  text: string,
  names: ReadonlyMap<number, string>,
  folders: ReadonlyMap<number, string>,
): ReadonlyMap<number, ListedProcess> {
  const found = new Map<number, ListedProcess>();
  for (const line of text.split('\n')) {
    const [, pidText, parent, uid, terminal, started, command] = psLine.exec(line) ?? [];
    if (pidText === undefined || started === undefined || command === undefined) continue;
    const pid = Number(pidText);
    const executable = names.get(pid);
    found.set(pid, {
      pid,
      parentPid: Number(parent),
      started,
      executable: executable?.startsWith('/') === true ? executable : undefined,
      name: executable?.split('/').at(-1) ?? '',
      words: command.split(' ').filter((word) => word !== ''),
      cwd: folders.get(pid),
      hasTerminal: terminal !== '??' && terminal !== '-',
      uid: Number(uid),
    });
  }
  return found;
}
