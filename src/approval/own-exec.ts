// Whether a process is our own `sallyport exec`, by whatever path it was called. The path is the process's own
// word, and its folder may be on a file system that never answers: one look at a time and each with an end, so
// that a program cannot tie up the threads that everything else needs.
import { realpath } from 'node:fs/promises';
import { basename, resolve } from 'node:path';

/** Whether these words, started in that folder, are our own exec. Never rejects; takes 200 ms at most. */
export type IsOwnExec = (argv: readonly string[], cwd: string | undefined) => Promise<boolean>;

/** How to look; tests pass their own. */
export interface OwnExecOptions {
  readonly follow?: (path: string) => Promise<string>;
  /** Longest look; default 200 ms. */
  readonly deadlineMs?: number;
}

/** Builds the check; `mainFile` is our own main.ts. */
export function createOwnExecCheck(mainFile: string, options: OwnExecOptions = {}): IsOwnExec {
  const { follow = realpath, deadlineMs = 200 } = options;
  const name = basename(mainFile);
  const own = follow(mainFile).catch(() => mainFile);
  /** Settles when the look before this one has ended, however long that takes. */
  let lane: Promise<unknown> = Promise.resolve();

  /**
   * What cannot be told (in time) counts as ours, or a program could hide its exec by moving the link it was called
   * by: it then belongs to the asking tree, which only makes that larger.
   */
  function isOwn(path: string): Promise<boolean> {
    const { promise, resolve: decide } = Promise.withResolvers<boolean>();
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      decide(true);
    }, deadlineMs);
    lane = lane.then(async () => {
      if (isLate) return;
      const real = await follow(path).catch(() => undefined);
      clearTimeout(timer);
      decide(real === undefined || real === (await own));
    });
    return promise;
  }

  return async (argv, cwd) => {
    const at = argv.findIndex(
      (word, index) => basename(word) === name && argv[index + 1] === 'exec',
    );
    const word = argv[at];
    if (word === undefined) return false;
    const path = resolve(cwd ?? '/', word);
    return path === mainFile || (await isOwn(path));
  };
}
