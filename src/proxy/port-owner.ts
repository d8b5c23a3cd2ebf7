// Names the process that holds a TCP port, from Linux's /proc; for the text of an error, nothing else.
import { readdir, readFile, readlink } from 'node:fs/promises';

const listenState = '0A';

/** `"program" (pid 123)` for the process listening on `port`, or undefined where the OS does not tell. */
export async function findPortOwner(port: number): Promise<string | undefined> {
  try {
    const inode = await findListenInode(port);
    if (inode === undefined) return undefined;
    const pid = await findSocketHolder(`socket:[${inode}]`);
    if (pid === undefined) return undefined;
    const program = (await readFile(`/proc/${pid}/comm`, 'utf8')).trim();
    return `${JSON.stringify(program)} (pid ${pid})`;
  } catch {
    return undefined; // not Linux, or not ours to see: the error is good enough without
  }
}

/** Columns of /proc/net/tcp: sl, local address:port in hex, remote, state, …, inode as the tenth. */
async function findListenInode(port: number): Promise<string | undefined> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const lines = (await readFile(table, 'utf8').catch(() => '')).split('\n').slice(1);
    for (const line of lines) {
      const columns = line.trim().split(/\s+/);
      if (columns[3] === listenState && columns[1]?.endsWith(suffix) === true) return columns[9];
    }
  }
  return undefined;
}

async function findSocketHolder(link: string): Promise<string | undefined> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const folder = `/proc/${pid}/fd`;
    const descriptors = await readdir(folder).catch(() => []);
    const links = await Promise.all(
      descriptors.map((fd) => readlink(`${folder}/${fd}`).catch(() => '')),
    );
    if (links.includes(link)) return pid;
  }
  return undefined;
}
