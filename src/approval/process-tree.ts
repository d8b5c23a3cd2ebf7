// Who belongs to whom: from a process and its ancestors to the tree that asks, and whether somebody
// who answers sits inside it. Pure; asker.ts reads the processes from the operating system.
//
//   systemd - gnome-terminal - bash (interactive) - codex - bash -c - curl      curl asks:
//   `--------- outside: a person may answer ------' `----- the tree -----'      its root is codex
import { basename } from 'node:path/posix';
import type { ProcessRef } from '../policy/decision.ts';

/** One process as the operating system reported it. Everything but pid and start may be forged by its owner. */
export interface ProcessInfo {
  readonly pid: number;
  /** Start time in the OS's own unit; with the pid it names one process for good, since pids are reused. */
  readonly started: string;
  /** Path of the executable; undefined when the process is another user's. */
  readonly executable: string | undefined;
  /** The kernel's short name, 15 characters. */
  readonly name: string;
  /** Arguments, secret-looking parts masked; at most 4 KiB. */
  readonly commandLine: readonly string[];
  readonly cwd: string | undefined;
  /** The nearest folder at or above `cwd` that holds a repository; undefined when there is none, or none was found in time. */
  readonly repository: string | undefined;
  readonly hasTerminal: boolean;
  /** True for our own `sallyport exec`. */
  readonly isExec: boolean;
  /** Set for a shell that reads commands from a person: no script and no `-c`. */
  readonly isShell: boolean;
  readonly uid: number;
  /** Ports of loopback proxies that its environment names; the environment it was started with. */
  readonly proxyPorts: readonly number[];
}

/** A program at the end of a connection, with its ancestors, nearest first. */
export interface Asker {
  readonly process: ProcessInfo;
  readonly ancestors: readonly ProcessInfo[];
  /** The port of ours that it connected to. */
  readonly listenerPort: number;
}

/** The part of an asker's ancestry that counts as asking itself. */
export interface Tree {
  /** The same for every process of the tree, never reused. */
  readonly key: string;
  /** The asker and its ancestors up to the root. */
  readonly members: readonly ProcessInfo[];
}

const namesIn = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

/** Programs that start others on behalf of the system; a process whose parent has died comes to one of them. */
const services = namesIn(
  `systemd launchd init runsvdir runsv s6-svscan s6-supervise supervisord openrc-run dinit tini dumb-init
  docker-init containerd-shim containerd-shim-runc-v2 conmon cron crond atd`,
);

/** Programs that start others on behalf of a person. */
const terminals = namesIn(
  `login sshd sshd-session tmux screen zellij dtach abduco gnome-terminal-server ptyxis-agent kgx xterm
  uxterm konsole yakuake xfce4-terminal mate-terminal lxterminal qterminal terminator tilix guake st urxvt
  rxvt urxvtd foot alacritty kitty wezterm wezterm-gui wezterm-mux-server ghostty warp warp-terminal rio
  contour code code-insiders codium cursor windsurf zed zed-editor windowsterminal conhost openconsole
  explorer`,
);

const shells = namesIn('sh bash zsh fish dash ash ksh ksh93 mksh tcsh csh pwsh nu elvish xonsh');

/** A name for one process that stays true when its pid is reused. */
export function processKey({ pid, started }: Pick<ProcessInfo, 'pid' | 'started'>): string {
  return `${pid}@${started}`;
}

/** The asker as the audit trail names it. */
export function processRef(asker: Asker | undefined): ProcessRef | undefined {
  if (asker === undefined) return undefined;
  const { pid, executable, name } = asker.process;
  return { pid, executable: executable ?? name };
}

/**
 * The program's name: from its executable, which is harder to fake than the name it gives itself; without the `.exe`
 * of Windows, whose paths are listed with slashes.
 */
export function programOf({ executable, name }: Pick<ProcessInfo, 'executable' | 'name'>): string {
  const own = executable === undefined ? name : basename(executable).replace(/ \(deleted\)$/, '');
  const program = own.replace(/\.exe$/i, '');
  return program === 'busybox' ? name : program;
}

/** Options of shells that take the next word; what follows them is no script. */
const withValue = /^(?:--rcfile|--init-file|--init-command|-C|[-+][oO])$/;

/** Whether argv is a shell that waits for commands from a person: no script, and no `-c`. */
export function isPromptingShell(program: string, commandLine: readonly string[]): boolean {
  if (!shells.has(program)) return false;
  const words = commandLine.slice(1).filter((_, at) => !withValue.test(commandLine[at] ?? ''));
  if (program === 'pwsh') {
    const isOneShot = words.some((word) =>
      /^-(?:c|command|f|file|ec?|encodedcommand)$/i.test(word),
    );
    return !isOneShot || words.some((word) => /^-noexit$/i.test(word));
  }
  return words.every((word) => /^[-+]/.test(word) && !/^-[a-zA-Z]*c|^--commands?\b/.test(word));
}

/** Where a tree ends: pid 1, service managers, terminals and their servers, and interactive shells. */
function boundaryOf(process: ProcessInfo): 'service' | 'person' | undefined {
  // "-bash", "tmux: server", and on Windows names are of any case.
  const program = programOf(process).replace(/^-/, '').replace(/:.*$/, '').toLowerCase();
  if (terminals.has(program) || (process.isShell && process.hasTerminal)) return 'person';
  return process.pid === 1 || services.has(program) ? 'service' : undefined;
}

/**
 * The tree of an asker (design S5): everything under the outermost `sallyport exec` above it; without
 * one, itself and its ancestors up to the first boundary. The asker itself is always a member.
 */
export function treeOf(asker: Asker): Tree {
  const line = [asker.process, ...asker.ancestors];
  const exec = line.findLastIndex(({ isExec }) => isExec);
  const boundary = line.findIndex((process, at) => at > 0 && boundaryOf(process) !== undefined);
  const end = exec >= 0 ? exec + 1 : boundary > 0 ? boundary : line.length;
  const members = line.slice(0, end);
  return { key: processKey(members.at(-1) ?? asker.process), members };
}

/**
 * Whether the caller belongs to the asker: it, or one of its ancestors, is a member of the asker's tree; or
 * it has lost its parents (`setsid -f`, `nohup … &`) and was started with the proxy that the asker used.
 */
export function isInsideTree(caller: Asker, asker: Asker): boolean {
  const members = new Set(treeOf(asker).members.map(processKey));
  const line = [caller.process, ...caller.ancestors];
  if (line.some((each) => members.has(processKey(each)))) return true;
  return isOrphan(caller) && caller.process.proxyPorts.includes(asker.listenerPort);
}

/** Whether nothing a person sits at stands between the caller and the system. */
export function isOrphan({ ancestors }: Asker): boolean {
  const boundary = ancestors.map(boundaryOf).find((found) => found !== undefined);
  return boundary !== 'person';
}

/** Whether an asker was left behind by what started it (`setsid -f`, `nohup … &`): its tree does not show whose it is. */
export function hasLeftItsTree(asker: Asker): boolean {
  const line = [asker.process, ...asker.ancestors];
  return isOrphan(asker) && !line.some(({ isExec }) => isExec);
}
