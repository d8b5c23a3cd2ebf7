// What the terminal does on its own account: which signals it has sent to the whole process group, and
// whether it is still there.
import { closeSync, openSync, readFileSync } from 'node:fs';

/** True while this process has a controlling terminal; false once that has hung up. */
export function hasTerminal(): boolean {
  if (process.platform === 'win32') return false;
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}

/** True when a key such as Ctrl-C would signal our process group. Outside Linux: true on any terminal. */
export function isForeground(): boolean {
  if (!hasTerminal()) return false;
  if (process.platform !== 'linux') return true;
  try {
    return isForegroundStat(readFileSync('/proc/self/stat', 'latin1'));
  } catch {
    return true;
  }
}

/** Reads proc(5) `stat`: our group (field 5) is the terminal's foreground group (field 8). */
export function isForegroundStat(stat: string): boolean {
  // the program's name, in parentheses, may hold blanks and parentheses itself
  const [, , group, , terminal, foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return terminal !== '0' && group !== undefined && group === foreground;
}
