// Windows: connections and processes from one run of Windows PowerShell, as JSON. Written after the
// documentation of its commands and tested with outputs of that form; not tried on Windows.
import { execFile } from 'node:child_process';
import { win32 } from 'node:path';
import { promisify } from 'node:util';
import type { HeldConnection, ListedProcess, Snapshot } from './process-snapshot.ts';

const run = promisify(execFile);
const limits = { timeout: 3000, maxBuffer: 64 * 1024 * 1024, encoding: 'utf8' } as const;

/** Fixed text: nothing of a request ever comes into it. */
const script = `
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
$connections = @(Get-NetTCPConnection -State Established | ForEach-Object {
  ,@([int]$_.OwningProcess, [int]$_.LocalPort, [int]$_.RemotePort) })
$processes = @(Get-CimInstance Win32_Process | ForEach-Object {
  ,@([int]$_.ProcessId, [int]$_.ParentProcessId, $_.Name, $_.ExecutablePath, $_.CommandLine,
    $(if ($_.CreationDate) { $_.CreationDate.ToUniversalTime().ToString('o') } else { '' })) })
ConvertTo-Json -Compress -Depth 4 @{ connections = $connections; processes = $processes }
`;

/** Takes a picture; rejects when PowerShell fails, is not where it belongs, or takes more than 3 s. */
export async function takeWindowsSnapshot(systemRoot: string): Promise<Snapshot> {
  const program = win32.join(systemRoot, 'System32/WindowsPowerShell/v1.0/powershell.exe');
  const encoded = Buffer.from(script, 'utf16le').toString('base64');
  const words = ['-NoProfile', '-NonInteractive', '-EncodedCommand', encoded];
  const { stdout } = await run(program, words, { ...limits, windowsHide: true });
  return readWindowsSnapshot(stdout);
}

/** Reads the script's JSON; rows that are not of its form are left out, other text is no picture. */
export function readWindowsSnapshot(text: string): Snapshot {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) throw new TypeError('not a picture');
  const rows = (key: string): readonly unknown[] => {
    const list: unknown = Object.entries(value).find(([name]) => name === key)?.[1];
    return Array.isArray(list) ? list : [];
  };
  const connections = rows('connections').flatMap((row) => readConnection(row));
  const listed = rows('processes').flatMap((row) => readProcess(row));
  const processes = new Map(listed.map((one) => [one.pid, one]));
  return {
    connections,
    processes: new Map(listed.map((one) => [one.pid, orphaned(one, processes)])),
  };
}

function readConnection(row: unknown): readonly HeldConnection[] {
  if (!Array.isArray(row)) return [];
  const [pid, localPort, remotePort] = row as readonly unknown[];
  if (!isNumber(pid) || !isNumber(localPort) || !isNumber(remotePort)) return [];
  return [{ pid, localPort, remotePort }];
}

function readProcess(row: unknown): readonly ListedProcess[] {
  if (!Array.isArray(row)) return [];
  const [pid, parentPid, name, executable, command, started] = row as readonly unknown[];
  if (!isNumber(pid) || !isNumber(parentPid) || typeof started !== 'string') return [];
  return [
    {
      pid,
      parentPid,
      started,
      executable: typeof executable === 'string' ? executable.replaceAll('\\', '/') : undefined,
      name: typeof name === 'string' ? name : '',
      words: typeof command === 'string' ? splitCommand(command) : [],
      cwd: undefined,
      hasTerminal: true, // consoles are not told; a shell's arguments alone must do
      uid: -1,
    },
  ];
}

/** Windows keeps the parent's pid when the parent ends and uses it again: a parent younger than its child is none. */
function orphaned(one: ListedProcess, all: ReadonlyMap<number, ListedProcess>): ListedProcess {
  const parent = all.get(one.parentPid);
  return parent !== undefined && parent.started > one.started ? { ...one, parentPid: 0 } : one;
}

/** The words of a command line, quotes taken off; for display and for knowing our own `exec`. */
export function splitCommand(command: string): readonly string[] {
  const words = command.slice(0, 8192).match(/(?:[^\s"]|"[^"]*"?)+/g) ?? [];
  return words.map((word) => word.replaceAll('"', ''));
}

function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
