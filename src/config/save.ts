// Looks at a configuration file as one who means to replace it, and replaces it whole or not at all. A file of
// somebody else, in a folder that others can write, or under several names is left alone.
import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { readTextFile } from './sources.ts';

/** What stands at a path. */
export interface FileState {
  /** Undefined when it cannot be read as text, and for an absent file. */
  readonly text: string | undefined;
  /** SHA-256 of the bytes in hex; `absent`, or `hidden` for what cannot be read. */
  readonly etag: string;
  /** Why it cannot be replaced by us, as a phrase that fits after `file: `; undefined when it can. */
  readonly obstacle: string | undefined;
}

/** What replacing came to. */
export type Replaced =
  { readonly status: 'done' } | { readonly status: 'changed' | 'failed'; readonly problem: string };

/** The etag of a file that is not there. */
export const absent = 'absent';
/** The etag of a text that is not shown. */
export const hidden = 'hidden';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = fs.constants;

/** The etag of a text as it stands in a file. */
export function etagOf(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/** Looks at a file; follows links. Never throws. */
export function inspectFile(file: string): FileState {
  const read = readTextFile(file);
  if (read.kind === 'problem') return { text: undefined, etag: hidden, obstacle: read.problem };
  const place = findPlace(file);
  const obstacle = 'obstacle' in place ? place.obstacle : undefined;
  if (read.kind === 'missing') return { text: undefined, etag: absent, obstacle };
  return { text: read.text, etag: etagOf(read.text), obstacle };
}

/**
 * Replaces the text that `etag` names, on disk before it returns: same mode and group as before, 0644 for a new
 * file in a folder that is made 0700 if need be. A link stays and its target is replaced. Never throws.
 */
export function replaceFile(file: string, etag: string, text: string): Replaced {
  try {
    const place = findPlace(file);
    if ('obstacle' in place) return failed(file, place.obstacle);
    makeFolders(dirname(place.path));
    const draft = writeDraft(place, text);
    try {
      // As late as can be: what comes between this look and the rename is lost.
      if (inspectFile(file).etag !== etag) return changed(file);
      fs.renameSync(draft, place.path);
    } finally {
      fs.rmSync(draft, { force: true });
    }
    syncFolder(dirname(place.path));
    return { status: 'done' };
  } catch (error) {
    return failed(file, `cannot be written (${codeOf(error)})`);
  }
}

function changed(file: string): Replaced {
  return { status: 'changed', problem: `${file}: has changed since you saw it; look again` };
}

function failed(file: string, problem: string): Replaced {
  return { status: 'failed', problem: `${file}: ${problem}` };
}

/** Where the bytes go, behind any link, with what stands there now. */
interface Place {
  readonly path: string;
  readonly stat: fs.Stats | undefined;
}

function findPlace(file: string): Place | { readonly obstacle: string } {
  const path = resolve(file);
  let real: string;
  try {
    real = fs.realpathSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') return { obstacle: `cannot be reached (${codeOf(error)})` };
    if (isLink(path)) return { obstacle: 'is a link to a file that is not there' };
    return newPlace(path);
  }
  const stat = fs.statSync(real);
  const obstacle = fileObstacle(stat) ?? folderObstacle(dirname(real), real !== path);
  return obstacle === undefined ? { path: real, stat } : { obstacle };
}

/** For a file that is to be made: the closest folder above that is there must be fit to hold it. */
function newPlace(path: string): Place | { readonly obstacle: string } {
  let folder = dirname(path);
  while (!fs.existsSync(folder) && folder !== dirname(folder)) folder = dirname(folder);
  const real = fs.realpathSync(folder);
  const obstacle = folderObstacle(real, real !== folder);
  return obstacle === undefined ? { path, stat: undefined } : { obstacle };
}

function fileObstacle({ uid, nlink, mode }: fs.Stats): string | undefined {
  const me = process.geteuid?.();
  if (me !== undefined && uid !== me) {
    return `belongs to user ${uid}, and sallyport runs as user ${me}; edit it as its owner`;
  }
  if (nlink > 1)
    return `has ${nlink} names (hard links), which replacing it would part; edit it in place`;
  if ((mode & 0o222) === 0) return 'is write-protected; lift that first';
  return undefined;
}

/** Why a file in this folder must not be replaced by us; `strict` behind a link, which anybody may have placed. */
function folderObstacle(folder: string, strict: boolean): string | undefined {
  const me = process.geteuid?.();
  if (me === undefined) return undefined; // Windows: the rights of the folder decide when it is written
  const { uid, mode } = fs.statSync(folder);
  const isOurs = uid === me || (!strict && uid === 0);
  if (!isOurs) return `lies in a folder of user ${uid} (${folder}); edit it as its owner`;
  const isShared = (mode & 0o002) !== 0 && (mode & 0o1000) === 0;
  if (isShared)
    return `lies in a folder that everybody can write (${folder}); run: chmod o-w '${folder}'`;
  try {
    fs.accessSync(folder, fs.constants.W_OK | fs.constants.X_OK);
    return undefined;
  } catch {
    return `lies in a folder that user ${me} cannot write (${folder}); edit it as its owner`;
  }
}

function makeFolders(folder: string): void {
  if (fs.existsSync(folder)) return;
  makeFolders(dirname(folder));
  fs.mkdirSync(folder, { mode: 0o700 });
}

/** A finished file beside the place, under a name that nobody could have placed beforehand. */
function writeDraft({ path, stat }: Place, text: string): string {
  const name = `.${basename(path)}.${randomBytes(8).toString('hex')}.tmp`;
  const draft = join(dirname(path), name);
  const mode = stat === undefined ? 0o644 : stat.mode & 0o777;
  try {
    // Private until it has its owner: the text may hold the header of an exporter.
    const descriptor = fs.openSync(draft, O_WRONLY | O_CREAT | O_EXCL | (O_NOFOLLOW ?? 0), 0o600);
    try {
      fs.writeFileSync(descriptor, text);
      if (stat !== undefined && process.platform !== 'win32') {
        fs.fchownSync(descriptor, stat.uid, stat.gid);
      }
      fs.fchmodSync(descriptor, mode);
      fs.fsyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
  } catch (error) {
    fs.rmSync(draft, { force: true });
    throw error;
  }
  return draft;
}

/** The rename itself is on disk only with its folder; Windows cannot open one. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const descriptor = fs.openSync(folder, O_RDONLY);
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}

function isLink(path: string): boolean {
  try {
    return fs.lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}
