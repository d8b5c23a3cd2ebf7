// Watches the configuration files and loads them anew: all of the new configuration, or the last one.
// Folders are watched, since editors replace files by rename; a slow poll covers what watching misses
// (network file systems, links). A change counts once the files have been still for 100 ms.
import { watch, type FSWatcher } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Config, WatchedFiles } from './config.ts';
import type { Finding } from './finding.ts';
import type { LoadResult } from './load.ts';
import { stampFiles } from './stamp.ts';

/** What the reloader needs; the callbacks may throw, which goes to `onProblem`. */
export interface ReloaderParts {
  /** The files of the configuration in force: `config.files`. */
  readonly files: WatchedFiles;
  readonly load: () => LoadResult;
  readonly onLoaded: (config: Config, warnings: readonly Finding[]) => void;
  /** The last policy stays; the findings say why. */
  readonly onRejected: (findings: readonly Finding[]) => void;
  /** A fault of the reloader or of a callback, for the log. */
  readonly onProblem: (error: unknown) => void;
  /** How long the files must be still; 100 ms unless told. */
  readonly stableMs?: number;
  /** How often the files are looked at without an event; 2000 ms unless told. */
  readonly pollMs?: number;
}

/** A running reloader. */
export interface Reloader {
  /** Loads now, changed or not (SIGHUP, `sallyport reload`). Never throws. */
  readonly reload: () => void;
  readonly close: () => void;
}

/** Starts watching. Never throws; without working watches the poll remains. */
export function createReloader(parts: ReloaderParts): Reloader {
  const watcher = new Watcher(parts);
  watcher.start();
  return {
    reload: () => {
      watcher.load();
    },
    close: () => {
      watcher.close();
    },
  };
}

const quietMs = 20; // gathers the burst of events that one save makes

class Watcher {
  readonly #parts: ReloaderParts;
  readonly #watches = new Map<string, FSWatcher>();
  #files: WatchedFiles;
  /** What the files looked like when they were last loaded or rejected. */
  #judged: string;
  /** What they looked like since, and from when (monotonic ms); undefined when nothing differs. */
  #seen: { readonly stamp: string; readonly sinceMs: number } | undefined;
  #look: NodeJS.Timeout | undefined;
  #poll: NodeJS.Timeout | undefined;
  #busy: Promise<void> | undefined;
  #closed = false;

  constructor(parts: ReloaderParts) {
    this.#parts = parts;
    this.#files = parts.files;
    this.#judged = parts.files.stamp;
  }

  start(): void {
    this.#poll = setInterval(() => this.#lookSoon(0), this.#parts.pollMs ?? 2000);
    this.#poll.unref();
    this.#lookSoon(0);
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#look);
    for (const folder of this.#watches.keys()) this.#unwatch(folder);
  }

  /** One look. Never rejects: faults go to onProblem. */
  #check(): Promise<void> {
    this.#busy = this.#checkOnce().finally(() => {
      this.#busy = undefined;
    });
    return this.#busy;
  }

  load(): void {
    if (this.#closed) return;
    try {
      const result = this.#parts.load();
      const missing = this.#missing(result);
      if (missing.length > 0) this.#parts.onRejected(missing);
      else if (!result.ok) this.#parts.onRejected(result.findings);
      else this.#accept(result.config, result.warnings);
    } catch (error) {
      this.#parts.onProblem(error);
    }
  }

  #accept(config: Config, warnings: readonly Finding[]): void {
    this.#files = config.files;
    this.#judged = config.files.stamp;
    this.#seen = undefined;
    this.#parts.onLoaded(config, warnings);
  }

  /** Files of the policy in force that are gone: then that policy stays, also when the rest would load. */
  #missing(result: LoadResult): readonly Finding[] {
    if (!result.ok) return [];
    const gone = this.#files.read.filter((file) => result.config.files.absent.includes(file));
    const message = 'the file is missing; the last policy stays in force until it is back';
    return gone.map((file) => ({ severity: 'error', file, line: 1, column: 1, message }));
  }

  async #checkOnce(): Promise<void> {
    try {
      await this.#watchFolders();
      const { read, absent } = this.#files;
      const stamp = await stampFiles([...read, ...absent]);
      if (this.#closed) return;
      if (stamp === this.#judged) this.#seen = undefined;
      else this.#settle(stamp);
    } catch (error) {
      this.#parts.onProblem(error);
    }
  }

  /** Loads once the files have looked the same for long enough; until then, looks again. */
  #settle(stamp: string): void {
    const now = performance.now();
    if (this.#seen?.stamp !== stamp) this.#seen = { stamp, sinceMs: now };
    const remaining = this.#seen.sinceMs + (this.#parts.stableMs ?? 100) - now;
    if (remaining > 0) {
      this.#lookSoon(Math.ceil(remaining));
      return;
    }
    this.#seen = undefined;
    this.#judged = stamp;
    this.load();
  }

  #lookSoon(delayMs: number): void {
    if (this.#closed || this.#look !== undefined) return;
    this.#look = setTimeout(() => {
      this.#look = undefined;
      // An event during a look may be about what that look has already passed.
      if (this.#busy !== undefined) this.#lookSoon(quietMs);
      else void this.#check(); // never rejects
    }, delayMs);
    this.#look.unref();
  }

  async #watchFolders(): Promise<void> {
    const { read, absent } = this.#files;
    const folders = new Set(await Promise.all([...read, ...absent].map(nearestFolder)));
    if (this.#closed) return;
    for (const folder of this.#watches.keys()) if (!folders.has(folder)) this.#unwatch(folder);
    for (const folder of folders) if (!this.#watches.has(folder)) this.#watch(folder);
  }

  #watch(folder: string): void {
    try {
      const watching = watch(folder, { persistent: false }, () => this.#lookSoon(quietMs));
      watching.on('error', () => this.#unwatch(folder)); // the poll remains, and watches anew
      this.#watches.set(folder, watching);
    } catch {
      // No more watches to be had, or the folder has just gone: the poll remains.
    }
  }

  #unwatch(folder: string): void {
    this.#watches.get(folder)?.close();
    this.#watches.delete(folder);
  }
}

/** The folder of the file, or the closest one above that exists. */
async function nearestFolder(file: string): Promise<string> {
  let folder = dirname(resolve(file));
  while (folder !== dirname(folder)) {
    try {
      await access(folder);
      return folder;
    } catch {
      folder = dirname(folder);
    }
  }
  return folder;
}
