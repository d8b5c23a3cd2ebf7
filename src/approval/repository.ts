// Which repository a folder belongs to: the nearest folder at or above it that holds one. A program chooses the
// folder it works in, so it may be on a file system that never answers: one look at a time, and while one hangs
// there is no other, so that it costs one of libuv's threads at most.
import { lstat } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';

/** The nearest repository at or above a folder; undefined when there is none or none is found in time. Never rejects. */
export type FindRepository = (folder: string) => Promise<string | undefined>;

/** How to look; tests pass their own. */
export interface RepositoryOptions {
  /** Milliseconds from any clock. */
  readonly now: () => number;
  /** Whether there is something of that name; may reject, which means no. */
  readonly exists?: (path: string) => Promise<boolean>;
  /** Longest look; default 200 ms. */
  readonly deadlineMs?: number;
}

const marks = ['.git', '.hg', '.jj'];
const deepest = 32;
const cacheMs = 2000;
const cacheLimit = 256;

/** Builds the finder; what it finds is remembered for 2 s. */
export function createRepositoryFinder(options: RepositoryOptions): FindRepository {
  const { now, exists = isThere, deadlineMs = 200 } = options;
  const cache = new Map<string, { readonly found: Promise<string | undefined>; atMs: number }>();
  /** Settles when the look before this one has ended, however long that takes. */
  let lane: Promise<unknown> = Promise.resolve();

  async function look(folder: string): Promise<string | undefined> {
    let at = folder;
    for (let depth = 0; depth < deepest; depth += 1) {
      for (const mark of marks) {
        if (await exists(join(at, mark)).catch(() => false)) return at;
      }
      const parent = dirname(at);
      if (parent === at) return undefined;
      at = parent;
    }
    return undefined;
  }

  function find(folder: string): Promise<string | undefined> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const timer = setTimeout(resolve, deadlineMs, undefined);
    let isLate = false;
    void promise.then(() => {
      isLate = true;
      clearTimeout(timer);
    });
    lane = lane.then(async () => {
      if (!isLate) resolve(await look(folder));
    });
    return promise;
  }

  return (folder) => {
    if (!isAbsolute(folder)) return Promise.resolve(undefined);
    const known = cache.get(folder);
    if (known !== undefined && now() - known.atMs < cacheMs) return known.found;
    const found = find(folder);
    if (cache.size >= cacheLimit) cache.clear();
    cache.set(folder, { found, atMs: now() });
    return found;
  };
}

async function isThere(path: string): Promise<boolean> {
  await lstat(path);
  return true;
}
