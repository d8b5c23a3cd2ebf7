// The state folder: token, grants, control.json, socket. A 0700 folder and 0600 files of this user or nothing;
// a symlink, a foreign owner or open permissions is a refusal that names its mend, never a repair.
// Writes replace a file whole or not at all. The journal keeps and checks its own folder and files.
import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { userInfo } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { SallyportError } from './errors.ts';

/** A checked state folder. Every function throws ERR_STATE_UNSAFE where the file is not safe to use. */
export interface State {
  /** Absolute path. */
  readonly folder: string;
  /** Where the control socket belongs. Throws ERR_STATE_UNSAFE when the OS cannot bind so long a path. */
  readonly socketPath: string;
  /** The whole file as text, undefined when there is none. ERR_STATE_CORRUPT: not UTF-8, or over 16 MiB. */
  readonly read: (name: string) => string | undefined;
  /** Replaces the file by `text`, 0600, on disk before it returns; the old one stays on any failure. */
  readonly writeAtomic: (name: string, text: string) => void;
  /** The secret in the file: 32 random bytes as base64url, made at the first call and the same ever after. */
  readonly createSecret: (name: string) => string;
  /** Removes the file if it is there. */
  readonly remove: (name: string) => void;
}

const fileLimitBytes = 16 * 1024 * 1024;
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = fs.constants;

/** Opens the folder, creating it 0700 with its missing parents. ERR_STATE_UNSAFE when it is not safe. */
export function openState(folder: string): State {
  const path = openPrivateFolder(folder);
  return {
    folder: path,
    get socketPath() {
      return socketPathIn(path);
    },
    read: (name) => readPrivate(join(path, checkName(name))),
    writeAtomic: (name, text) => writeAtomic(join(path, checkName(name)), text),
    createSecret: (name) => createSecret(join(path, checkName(name))),
    remove: (name) => fs.rmSync(join(path, checkName(name)), { force: true }),
  };
}

/** Like openState, but creates nothing: undefined when there is no such folder. */
export function findState(folder: string): State | undefined {
  const path = resolve(folder);
  try {
    if (fs.lstatSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
  } catch (error) {
    throw unsafe(path, reasonOf(error), mendPlace, error);
  }
  return openState(path);
}

/** Creates the folder 0700 if need be and checks it; gives its absolute path. */
function openPrivateFolder(folder: string): string {
  const path = resolve(folder);
  try {
    makeFolders(path);
  } catch (error) {
    throw unsafe(path, reasonOf(error), mendPlace, error);
  }
  const stat = fs.lstatSync(path);
  if (stat.isSymbolicLink()) {
    throw unsafe(path, 'is a symbolic link', 'name the folder it points to, or remove the link');
  }
  if (!stat.isDirectory()) throw unsafe(path, 'is not a folder', mendPlace);
  checkOwnerAndMode(path, stat, 'chmod 700');
  return path;
}

/** Like Node's recursive mkdir, which says ENOENT for a read-only disk and never comes back from /proc. */
function makeFolders(path: string): void {
  try {
    fs.mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // a folder of a read-only disk that is there already may answer something else than EEXIST
    if (fs.existsSync(path) || isCode(error, 'EEXIST')) return;
    if (!isCode(error, 'ENOENT') || fs.existsSync(dirname(path))) throw error;
    makeFolders(dirname(path));
    fs.mkdirSync(path, { mode: 0o700 });
  }
}

/** The folder to use: $SALLYPORT_STATE, else the platform's own place for state. */
export function stateFolder(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform = process.platform,
): string {
  const named = env['SALLYPORT_STATE'];
  if (named !== undefined && named !== '') return resolve(named);
  const home = homeFolder(env);
  if (platform === 'win32') {
    const local = env['LOCALAPPDATA'];
    const base = local === undefined || local === '' ? join(home, 'AppData', 'Local') : local;
    return join(base, 'sallyport');
  }
  // the XDG specification: a relative path in the variable is to be ignored
  const xdg = env['XDG_STATE_HOME'];
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, 'sallyport');
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'sallyport');
  return join(home, '.local', 'state', 'sallyport');
}

/** The user's home: $HOME, or the account's where that is empty or relative, since it would mean the current folder. */
export function homeFolder(env: Readonly<Record<string, string | undefined>>): string {
  const named = env['HOME'] ?? env['USERPROFILE'];
  return named !== undefined && isAbsolute(named) ? named : userInfo().homedir;
}

const mendPlace = 'set SALLYPORT_STATE to a folder of your own';

function unsafe(path: string, what: string, mend: string, cause?: unknown): SallyportError {
  return new SallyportError('ERR_STATE_UNSAFE', `${path}: ${what}; ${mend}`, { cause });
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.toLowerCase() : String(error);
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** Windows knows neither; there the folder lies in the user's own profile. */
function checkOwnerAndMode(path: string, stat: fs.Stats, chmod: string): void {
  const user = process.geteuid?.();
  if (user === undefined) return;
  if (stat.uid !== user) {
    const what = `belongs to user ${stat.uid}, but sallyport runs as user ${user}`;
    throw unsafe(path, what, `run it as its owner, or ${mendPlace}`);
  }
  if ((stat.mode & 0o077) !== 0) {
    const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
    throw unsafe(path, `others can get at it (mode ${mode})`, `run: ${chmod} '${path}'`);
  }
}

function checkName(name: string): string {
  if (!/^[a-z0-9][a-z0-9._-]*$/.test(name)) throw new TypeError(`not a state file name: ${name}`);
  return name;
}

/** sun_path is 108 bytes with its end on Linux, 104 elsewhere. */
function socketPathIn(folder: string): string {
  if (process.platform === 'win32') {
    const id = createHash('sha256').update(folder).digest('hex').slice(0, 16);
    return `\\\\.\\pipe\\sallyport-${id}`;
  }
  const path = join(folder, 'control.sock');
  const limit = process.platform === 'linux' ? 107 : 103;
  const length = Buffer.byteLength(path);
  if (length <= limit) return path;
  const what = `the path of the control socket has ${length} bytes, and the system takes ${limit}`;
  throw unsafe(path, what, 'set SALLYPORT_STATE to a shorter folder');
}

function readPrivate(path: string): string | undefined {
  let fd: number;
  try {
    // not blocking, since a named pipe left here must not hang the start
    fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    if (isCode(error, 'ELOOP')) throw unsafe(path, 'is a symbolic link', 'remove it', error);
    throw unsafe(path, reasonOf(error), 'check its owner and mode, or remove it', error);
  }
  try {
    const stat = fs.fstatSync(fd);
    if (!stat.isFile()) throw unsafe(path, 'is not a regular file', 'remove it');
    checkOwnerAndMode(path, stat, 'chmod 600');
    if (stat.size > fileLimitBytes) throw corrupt(path, 'is larger than 16 MiB');
    return decode(path, fs.readFileSync(fd));
  } finally {
    fs.closeSync(fd);
  }
}

function decode(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw corrupt(path, 'is not UTF-8 text');
  }
}

function corrupt(path: string, what: string): SallyportError {
  return new SallyportError('ERR_STATE_CORRUPT', `${path}: ${what}; restore it, or move it away`);
}

function writeAtomic(path: string, text: string): void {
  const draft = writeDraft(path, text);
  try {
    fs.renameSync(draft, path);
  } catch (error) {
    fs.rmSync(draft, { force: true });
    throw unsafe(path, reasonOf(error), 'check the folder and its disk', error);
  }
  syncFolder(dirname(path));
}

/** A finished 0600 file beside `path`, under a name nobody could have placed beforehand. */
function writeDraft(path: string, text: string): string {
  const draft = join(dirname(path), `.${basename(path)}.${randomBytes(8).toString('hex')}.tmp`);
  try {
    const fd = fs.openSync(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      fs.fchmodSync(fd, 0o600);
      fs.writeFileSync(fd, text);
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  } catch (error) {
    fs.rmSync(draft, { force: true });
    throw unsafe(path, reasonOf(error), 'check the folder and its disk', error);
  }
  return draft;
}

/** The rename itself is on disk only with its folder; Windows cannot open one. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const fd = fs.openSync(folder, O_RDONLY);
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

function createSecret(path: string): string {
  const kept = readPrivate(path);
  if (kept !== undefined) return checkSecret(path, kept);
  const draft = writeDraft(path, `${randomBytes(32).toString('base64url')}\n`);
  try {
    fs.linkSync(draft, path); // unlike rename it never replaces: of two starters one wins, both read its
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw unsafe(path, reasonOf(error), mendPlace, error);
  } finally {
    fs.rmSync(draft, { force: true });
  }
  syncFolder(dirname(path));
  return checkSecret(path, readPrivate(path) ?? '');
}

function checkSecret(path: string, text: string): string {
  const secret = text.replace(/\r?\n$/, '');
  if (/^[A-Za-z0-9_-]{43}$/.test(secret)) return secret;
  const what = 'is not one line of 43 base64url characters';
  throw new SallyportError(
    'ERR_STATE_CORRUPT',
    `${path}: ${what}; remove it to have a new one made`,
  );
}
