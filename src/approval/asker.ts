// Who asks: from a connection to the process that holds its other end, as the operating system tells. Here
// for Linux, by pictures from the system's programs on macOS and Windows; elsewhere nobody is found, and
// answers.ts then takes narrow answers only. One scan of /proc serves every question that came up meanwhile.
import { readFile, readdir, readlink } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { ClientAddress } from '../policy/decision.ts';
import { takeMacosSnapshot } from './macos-processes.ts';
import { createLineReader } from './proc-process.ts';
import { findInodes, findUsers, socketKeys } from './proc-sockets.ts';
import { createSnapshotFinder, type Snapshot, type SnapshotFinder } from './process-snapshot.ts';
import type { Asker } from './process-tree.ts';
import { takeWindowsSnapshot } from './windows-processes.ts';

/** Finds the program at a client's end; undefined when it cannot be told. Never rejects. */
export type FindAsker = (client: ClientAddress) => Promise<Asker | undefined>;

/** How to look. */
export interface AskerOptions {
  /** Our own main.ts, by which `sallyport exec` is recognised. */
  readonly mainFile: string;
  /** Milliseconds from any clock. */
  readonly now: () => number;
  readonly platform?: NodeJS.Platform;
  /** Longest look, on a machine that is busy; default 2500 ms. A look-up that must wait for the one before takes at most twice that. */
  readonly deadlineMs?: number;
  /** In the place of the system's programs on macOS and Windows; for tests. */
  readonly takeSnapshot?: () => Promise<Snapshot>;
}

interface Wanted {
  readonly client: ClientAddress;
  readonly resolve: (asker: Asker | undefined) => void;
}

interface Place {
  readonly pid: number;
  /** The descriptor as a link in /proc, to look again once the process has been read. */
  readonly link: string;
}

const queueLimit = 8192;
/** Fewer than libuv's four threads, which others need, too. */
const workers = 3;
const calmMs = 10;
const longestPauseMs = 250;
const rememberedPids = 32;

/** Builds the finder; without a platform it knows, one that finds nobody. */
export function createAskerFinder(options: AskerOptions): FindAsker {
  if ((options.platform ?? process.platform) !== 'linux') return snapshotFinder(options).findAsker;
  const readLine = createLineReader(options.mainFile, options.now);
  const queue: Wanted[] = [];
  /** Where clients were found last: an agent's programs open many connections each. */
  let recent: readonly number[] = [];
  let isRunning = false;

  async function find(batch: readonly Wanted[], signal: AbortSignal): Promise<void> {
    const byKey = Map.groupBy(
      batch.flatMap((wanted) => socketKeys(wanted.client).map((key) => ({ key, wanted }))),
      ({ key }) => key,
    );
    const keys = new Set(byKey.keys());
    const inodes = new Map<string, string>();
    for (const table of await readTables()) {
      for (const [key, inode] of findInodes(table, keys)) inodes.set(`socket:[${inode}]`, key);
    }
    if (inodes.size === 0) return;
    const lines = new Map<number, ReturnType<typeof readLine>>();
    const inodesLeft = new Set(inodes.keys());
    await scan(inodesLeft, await candidates(recent), signal, async (inode, place) => {
      const reading = lines.get(place.pid) ?? readLine(place.pid);
      lines.set(place.pid, reading);
      const line = await reading;
      // The same descriptor still there: so the process we read is the one that holds the connection.
      const isStill = (await readlink(place.link).catch(() => undefined)) === inode;
      recent = [place.pid, ...recent.filter((pid) => pid !== place.pid)].slice(0, rememberedPids);
      for (const { wanted } of byKey.get(inodes.get(inode) ?? '') ?? []) {
        const listenerPort = wanted.client.localPort;
        wanted.resolve(isStill && line !== undefined ? { ...line, listenerPort } : undefined);
      }
    });
  }

  async function run(): Promise<void> {
    isRunning = true;
    while (queue.length > 0) {
      const batch = queue.splice(0);
      const startMs = options.now();
      const limit = AbortSignal.timeout(options.deadlineMs ?? 2500);
      await Promise.race([find(batch, limit).catch(() => undefined), aborted(limit)]);
      for (const { resolve } of batch) resolve(undefined); // those already found stay as they are
      // A flood may cost us half of the time at most.
      const tookMs = options.now() - startMs;
      if (tookMs > calmMs && queue.length > 0) await delay(Math.min(tookMs, longestPauseMs));
    }
    isRunning = false;
  }

  return (client) => {
    if (queue.length >= queueLimit) return Promise.resolve(undefined);
    const { promise, resolve } = Promise.withResolvers<Asker | undefined>();
    queue.push({ client, resolve });
    // A turn later, so that everything that comes in this turn shares one scan; it never rejects.
    if (!isRunning) setImmediate(() => void (isRunning || run()));
    return promise;
  };
}

async function readTables(): Promise<readonly string[]> {
  const files = ['/proc/net/tcp', '/proc/net/tcp6'];
  return await Promise.all(files.map((file) => readFile(file, 'latin1').catch(() => '')));
}

/**
 * Builds the look whether a connection is of another user than our own and those that are trusted; undefined where
 * the system has no tables that we can read.
 */
export function createUserCheck(
  platform: NodeJS.Platform = process.platform,
  ownUser = process.geteuid?.(),
  trusted: readonly number[] = [],
): ((client: ClientAddress) => Promise<boolean>) | undefined {
  if (platform !== 'linux') return undefined;
  return async (client) => {
    const keys = new Set(socketKeys(client));
    const users = (await readTables()).flatMap((table) => [...findUsers(table, keys).values()]);
    return users.length > 0 && users.every((user) => user !== ownUser && !trusted.includes(user));
  };
}

/** Builds the way from a pid to its program and ancestors; finds nobody where it cannot look. */
export function createProcessFinder(
  options: Pick<AskerOptions, 'mainFile' | 'now' | 'platform' | 'takeSnapshot'>,
): (pid: number) => Promise<Asker | undefined> {
  if ((options.platform ?? process.platform) !== 'linux')
    return snapshotFinder(options).findProcess;
  const readLine = createLineReader(options.mainFile, options.now);
  return async (pid) => {
    const line = await readLine(pid);
    return line && { ...line, listenerPort: 0 }; // it came by no port
  };
}

function snapshotFinder(
  options: Pick<AskerOptions, 'mainFile' | 'platform' | 'takeSnapshot'>,
): SnapshotFinder {
  const { platform = process.platform, mainFile } = options;
  const ways: Partial<Record<NodeJS.Platform, () => Promise<Snapshot>>> = {
    darwin: takeMacosSnapshot,
    win32: () => takeWindowsSnapshot(process.env['SystemRoot'] ?? 'C:/Windows'),
  };
  const take = options.takeSnapshot ?? ways[platform];
  const plain = (path: string): string => path.replaceAll('\\', '/');
  return createSnapshotFinder({
    take: take ?? (() => Promise.reject(new Error(`processes of ${platform} cannot be looked up`))),
    ownPid: process.pid,
    isExec: (words) =>
      words.some((word, at) => plain(word) === plain(mainFile) && words[at + 1] === 'exec'),
  });
}

async function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
}

/** Processes where a client's end may be: those found last, then the newest first; never ourselves. */
async function candidates(recent: readonly number[]): Promise<readonly number[]> {
  const names = await readdir('/proc').catch(() => []);
  const pids = names.map(Number).filter((pid) => Number.isInteger(pid) && pid !== process.pid);
  const alive = new Set(pids);
  const first = recent.filter((pid) => alive.has(pid));
  return [...first, ...pids.sort((a, b) => b - a).filter((pid) => !first.includes(pid))];
}

/** Looks through the descriptors of these processes for these sockets until none is left. */
async function scan(
  left: Set<string>,
  pids: readonly number[],
  signal: AbortSignal,
  onFound: (socket: string, place: Place) => Promise<void>,
): Promise<void> {
  const upcoming = pids.values();
  const worker = async () => {
    for (const pid of upcoming) {
      const folder = `/proc/${pid}/fd`;
      // Another user's process, or one that has ended, has no descriptors for us.
      const names = await readdir(folder).catch(() => []);
      for (const name of names.toReversed()) {
        if (left.size === 0 || signal.aborted) return;
        const link = `${folder}/${name}`;
        const target = await readlink(link).catch(() => '');
        if (left.delete(target)) await onFound(target, { pid, link });
      }
    }
  };
  await Promise.all(Array.from({ length: workers }, worker));
}
