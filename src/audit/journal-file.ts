// One file of the journal: opened so that nobody can redirect it, written whole or not at all,
// and checked after every write. When to write and what to do about a failure is journal.ts's.
import {
  closeSync,
  constants,
  fchmodSync,
  fdatasync,
  fstatSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  writeSync,
} from 'node:fs';
import type { Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { SallyportError } from '../errors.ts';

/** What became of a write; after `usable: false` the file must not be written again. */
export type Written =
  | { readonly ok: true }
  | { readonly ok: false; readonly problem: string; readonly usable: boolean };

/** File names sort in the order of writing, whatever the clock did. */
const fileName = /^(\d{10})-[0-9TZ.]+\.jsonl$/;

/**
 * Makes the folder when it is missing (0700) and checks that it is ours alone.
 * Throws ERR_STATE_UNSAFE, or ERR_AUDIT_UNAVAILABLE when the system says no.
 */
function secureFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      checkOwner(folder, fstatSync(fd));
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (error instanceof SallyportError) throw error;
    if (isLink(folder)) throw unsafe(folder, 'is a symbolic link; name the folder itself', error);
    throw unavailable(folder, error);
  }
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

function checkOwner(path: string, stats: Stats): void {
  if (process.platform === 'win32') return; // no owners or modes there; the profile folder's ACL holds
  if (stats.uid !== process.getuid?.()) {
    throw unsafe(path, `belongs to user ${stats.uid}; it must belong to the daemon's user`);
  }
  if ((stats.mode & 0o077) !== 0) {
    throw unsafe(path, `is open to other users; mend it with: chmod go= ${path}`);
  }
}

function unsafe(path: string, what: string, cause?: unknown): SallyportError {
  return new SallyportError('ERR_STATE_UNSAFE', `audit journal: ${path} ${what}`, { cause });
}

function unavailable(path: string, cause: unknown): SallyportError {
  const text = `audit journal: ${path} cannot be used: ${textOf(cause)}`;
  return new SallyportError('ERR_AUDIT_UNAVAILABLE', text, { cause });
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The journal's files of a folder, oldest first. */
export function listFiles(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => fileName.test(name))
    .sort()
    .map((name) => join(folder, name));
}

/** A journal file that is open for appending; nobody else writes to it. */
export class JournalFile {
  readonly path: string;
  readonly openedAtMs: number;
  readonly #folder: string;
  readonly #fd: number;
  #sizeBytes = 0;
  #dirty = true; // the name itself is not on the disk yet
  #named = false;
  #syncing: Promise<void> | undefined;

  private constructor(folder: string, path: string, fd: number, openedAtMs: number) {
    this.#folder = folder;
    this.path = path;
    this.#fd = fd;
    this.openedAtMs = openedAtMs;
  }

  /**
   * Opens a new file after all others of the folder: a file of an earlier run is never written again,
   * since its last line may be torn.
   * Throws ERR_STATE_UNSAFE or ERR_AUDIT_UNAVAILABLE.
   */
  static open(folder: string, nowMs: number): JournalFile {
    secureFolder(folder);
    const { O_WRONLY, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    const flags = O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW;
    const path = nextPath(folder, nowMs);
    try {
      const fd = openSync(path, flags, 0o600);
      fchmodSync(fd, 0o600); // an odd umask must not take our own right to read it back
      return new JournalFile(folder, path, fd, nowMs);
    } catch (error) {
      throw unavailable(path, error);
    }
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Appends all of `bytes`; what could not be written whole is taken back. Never throws. */
  write(bytes: Uint8Array): Written {
    try {
      for (let done = 0; done < bytes.length;) done += writeSync(this.#fd, bytes, done);
    } catch (error) {
      return { ok: false, problem: textOf(error), usable: this.#takeBack() };
    }
    this.#sizeBytes += bytes.length;
    this.#dirty = true;
    const problem = this.#damage();
    return problem === undefined ? { ok: true } : { ok: false, problem, usable: false };
  }

  /** Says what happened to the file behind our back, by its name in the folder too. */
  inspect(): string | undefined {
    const problem = this.#damage();
    if (problem !== undefined) return problem;
    try {
      const named = lstatSync(this.path, { throwIfNoEntry: false });
      const held = fstatSync(this.#fd);
      const same = named?.ino === held.ino && named.dev === held.dev;
      return same ? undefined : 'the file was moved away';
    } catch (error) {
      return textOf(error);
    }
  }

  /** Brings what was written until now to the disk, off the event loop; one sync at a time. */
  async sync(): Promise<void> {
    await this.#syncing;
    if (!this.#dirty) return;
    this.#syncing ??= this.#syncNow().finally(() => {
      this.#syncing = undefined;
    });
    await this.#syncing;
  }

  /** Syncs a last time and closes; the file cannot be written after the call. */
  async close(): Promise<void> {
    try {
      await this.sync();
    } finally {
      closeSync(this.#fd);
    }
  }

  async #syncNow(): Promise<void> {
    this.#dirty = false;
    if (!this.#named) await this.#syncName();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    fdatasync(this.#fd, (error) => (error === null ? resolve() : reject(error)));
    await promise;
  }

  /** A new name in a folder is only safe once the folder is synced. */
  async #syncName(): Promise<void> {
    this.#named = true;
    if (process.platform === 'win32') return;
    const folder = await open(this.#folder, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }

  #damage(): string | undefined {
    try {
      const { nlink, size } = fstatSync(this.#fd);
      if (nlink === 0) return 'the file was deleted';
      if (size < this.#sizeBytes) return 'the file was shortened';
      return size > this.#sizeBytes ? 'somebody else wrote to the file' : undefined;
    } catch (error) {
      return textOf(error);
    }
  }

  /** Cuts a torn last line off, after a full disk; true when the file is as it was before. */
  #takeBack(): boolean {
    try {
      // Only ever shorter: ftruncate on a file that somebody shortened would fill it with zeros.
      if (fstatSync(this.#fd).size > this.#sizeBytes) ftruncateSync(this.#fd, this.#sizeBytes);
      return this.#damage() === undefined;
    } catch {
      return false;
    }
  }
}

function nextPath(folder: string, nowMs: number): string {
  const last = listFiles(folder).at(-1);
  const number = last === undefined ? 1 : Number(basename(last).slice(0, 10)) + 1;
  const time = new Date(nowMs).toISOString().replaceAll(/[-:]/g, '');
  return join(folder, `${String(number).padStart(10, '0')}-${time}.jsonl`);
}
