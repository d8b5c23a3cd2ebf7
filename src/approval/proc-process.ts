// Linux: one process and its ancestors out of /proc. All of it may be forged by the process itself but
// pid, parent and start time, which are the kernel's.
import { open, readFile, readlink, stat } from 'node:fs/promises';
import { maskArguments } from './mask.ts';
import { createOwnExecCheck, type IsOwnExec } from './own-exec.ts';
import { isPromptingShell, processKey, programOf } from './process-tree.ts';
import type { Asker, ProcessInfo } from './process-tree.ts';
import { createRepositoryFinder, type FindRepository } from './repository.ts';

/** What /proc/PID/stat says that we use. */
export interface ProcStat {
  readonly name: string;
  readonly parentPid: number;
  readonly hasTerminal: boolean;
  /** Clock ticks since boot. */
  readonly started: string;
}

const commandLineBytes = 4096;
const environmentBytes = 64 * 1024;
const deepest = 64;
const cacheLimit = 512;
const cacheMs = 2000;

/** Reads the one line of /proc/PID/stat; the name in brackets may itself hold blanks and brackets. */
export function readStat(text: string): ProcStat | undefined {
  const [first, last] = [text.indexOf('('), text.lastIndexOf(')')];
  if (first < 0 || last < first) return undefined;
  const fields = text.slice(last + 2).split(' ');
  const [, parent, , , terminal] = fields;
  const started = fields[19];
  if (parent === undefined || terminal === undefined || started === undefined) return undefined;
  return {
    name: text.slice(first + 1, last),
    parentPid: Number(parent),
    hasTerminal: terminal !== '0',
    started,
  };
}

/** Ports of loopback proxies in an environment as /proc/PID/environ holds it, upper and lower case. */
export function proxyPortsIn(environment: string): readonly number[] {
  const named = /(?:http|https|all|ws|wss)_proxy=\w+:\/\/(?:127\.0\.0\.1|localhost):(\d{1,5})/gi;
  return [...new Set([...environment.matchAll(named)].map((match) => Number(match[1])))];
}

/** A process and its ancestors. */
export type ProcessLine = Omit<Asker, 'listenerPort'>;

/** Gives the line of a pid, or undefined when it ended or changed parents meanwhile: doubt is no answer. */
export type ReadLine = (pid: number) => Promise<ProcessLine | undefined>;

/** `mainFile`: our own main.ts, by which `sallyport exec` is known. Processes are remembered for 2 s. */
export function createLineReader(mainFile: string, now: () => number): ReadLine {
  const cache = new Map<string, { readonly process: ProcessInfo; readonly atMs: number }>();
  const isOwnExec = createOwnExecCheck(mainFile);
  const findRepository = createRepositoryFinder({ now });

  async function describe(pid: number, known: ProcStat): Promise<ProcessInfo> {
    const key = `${processKey({ pid, started: known.started })} ${known.name}`;
    const cached = cache.get(key);
    if (cached !== undefined && now() - cached.atMs < cacheMs) return cached.process;
    const process = await readProcess(pid, known, isOwnExec, findRepository);
    if (cache.size >= cacheLimit) cache.clear();
    cache.set(key, { process, atMs: now() });
    return process;
  }

  async function line(pid: number): Promise<readonly ProcessInfo[] | undefined> {
    const processes: ProcessInfo[] = [];
    let next = pid;
    while (next > 0 && processes.length < deepest) {
      const known = await statOf(next);
      if (known === undefined) {
        const child = processes.at(-1);
        // Hidden from us (hidepid) is another user's and ends the line; gone means that the line is old.
        const isHidden = child !== undefined && (await statOf(child.pid))?.parentPid === next;
        return isHidden ? processes : undefined;
      }
      processes.push(await describe(next, known));
      next = known.parentPid;
    }
    return processes;
  }

  return async (pid) => {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const [process, ...ancestors] = (await line(pid)) ?? [];
      if (process !== undefined) return { process, ancestors };
    }
    return undefined;
  };
}

async function statOf(pid: number): Promise<ProcStat | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined);
  return text === undefined ? undefined : readStat(text);
}

async function readProcess(
  pid: number,
  known: ProcStat,
  isOwnExec: IsOwnExec,
  findRepository: FindRepository,
): Promise<ProcessInfo> {
  const folder = `/proc/${pid}`;
  const [executable, cwd, line, owner, environment] = await Promise.all([
    readlink(`${folder}/exe`).catch(() => undefined),
    readlink(`${folder}/cwd`).catch(() => undefined),
    readStart(`${folder}/cmdline`, commandLineBytes),
    stat(folder).catch(() => undefined),
    readStart(`${folder}/environ`, environmentBytes),
  ]);
  const program = programOf({ executable, name: known.name });
  const repository = cwd === undefined ? undefined : await findRepository(cwd);
  const argv = line.replace(/\0$/, '').split('\0');
  return {
    pid,
    started: known.started,
    executable,
    name: known.name,
    commandLine: maskArguments(argv),
    cwd,
    repository,
    hasTerminal: known.hasTerminal,
    isExec: await isOwnExec(argv, cwd),
    isShell: isPromptingShell(program, argv),
    uid: owner?.uid ?? -1,
    proxyPorts: proxyPortsIn(environment),
  };
}

/** The first bytes of a file as text; empty when it is not ours to read. */
async function readStart(file: string, bytes: number): Promise<string> {
  try {
    await using handle = await open(file, 'r');
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(bytes), 0, bytes, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch {
    return '';
  }
}
