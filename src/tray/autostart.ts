// The entry that starts the tray with a Linux desktop session, as the XDG autostart specification has it.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where the entry is for this user. */
export function autostartFile(env: Environment): string {
  const config = env['XDG_CONFIG_HOME'];
  const folder = config !== undefined && isAbsolute(config) ? config : join(homeOf(env), '.config');
  return join(folder, 'autostart', 'sallyport-tray.desktop');
}

/** Writes the entry or removes it; gives the file's name. Throws as node:fs does. */
export function setAutostart(on: boolean, words: readonly string[], env: Environment): string {
  const file = autostartFile(env);
  if (!on) {
    rmSync(file, { force: true });
    return file;
  }
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, entryOf(words));
  return file;
}

/** The entry's text for a command line. */
export function entryOf(words: readonly string[]): string {
  return `[Desktop Entry]
Type=Application
Name=sallyport tray
Comment=Shows which programs ask to reach the network, and answers them
Exec=${words.map(quoteExec).join(' ')}
Terminal=false
NoDisplay=true
X-GNOME-Autostart-enabled=true
`;
}

/**
 * One argument of an Exec key: in double quotes, with a backslash before the four characters that mean something
 * there, every backslash doubled again since the value is a string, and `%` doubled (Desktop Entry 1.5).
 */
function quoteExec(word: string): string {
  const quoted = word
    .replace(/["`$\\]/g, '\\$&')
    .replaceAll('\\', '\\\\')
    .replaceAll('%', '%%');
  return `"${quoted}"`;
}

function homeOf(env: Environment): string {
  const home = env['HOME'];
  return home !== undefined && isAbsolute(home) ? home : homedir();
}
