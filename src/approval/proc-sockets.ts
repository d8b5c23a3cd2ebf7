// Linux: which socket inode belongs to a loopback connection. Reads /proc/net/tcp and tcp6:
//
//   sl  local_address rem_address   st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode
//    0: 0100007F:968D 0100007F:1020 01 00000000:00000000 00:00000000 00000000   0       0 12345
//
// Addresses are 32-bit words in the machine's byte order, ports in network order.
import { endianness } from 'node:os';
import { readAddress } from '../policy/address.ts';
import type { ClientAddress } from '../policy/decision.ts';

const isLittle = endianness() === 'LE';

/** The `local rem` columns of the client's end, as tcp and tcp6 would show it; empty for no address. */
export function socketKeys({ address, port, localPort }: ClientAddress): readonly string[] {
  const parsed = readAddress(address);
  if (parsed === undefined) return [];
  const ports = [hex(port, 4), hex(localPort, 4)];
  const pair = (local: string, remote: string) => `${local}:${ports[0]} ${remote}:${ports[1]}`;
  if (parsed.family === 6) return [pair(v6(parsed.words), v6([0, 0, 0, 1]))];
  const loopback = 0x7f_00_00_01;
  return [
    pair(hexWord(parsed.value), hexWord(loopback)),
    // A client whose socket is IPv6 but whose connection is IPv4.
    pair(v6([0, 0, 0xffff, parsed.value]), v6([0, 0, 0xffff, loopback])),
  ];
}

/** The inodes of the wanted rows in the file's text, by their key; 0 (closed by who held it) is left out. */
export function findInodes(text: string, wanted: ReadonlySet<string>): ReadonlyMap<string, string> {
  return findColumn(text, wanted, 9);
}

/**
 * The ids of the users whose sockets the wanted rows are, by their key. What was closed is left out: many kernels
 * say root there, whoever it was.
 */
export function findUsers(text: string, wanted: ReadonlySet<string>): ReadonlyMap<string, number> {
  const found = findColumn(text, wanted, 7);
  return new Map([...found].map(([key, user]) => [key, Number(user)]));
}

/** What the wanted rows say in a column, by their key; rows of sockets that nobody has open are left out. */
function findColumn(
  text: string,
  wanted: ReadonlySet<string>,
  column: number,
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    const start = line.indexOf(': ') + 2;
    const end = line.indexOf(' ', line.indexOf(' ', start) + 1);
    const key = line.slice(start, end);
    if (!wanted.has(key)) continue;
    const columns = line.trim().split(/\s+/);
    const [value, inode = '0'] = [columns[column], columns[9]];
    if (value !== undefined && inode !== '0') found.set(key, value);
  }
  return found;
}

function v6(words: readonly number[]): string {
  return words.map((word) => hexWord(word)).join('');
}

function hexWord(word: number): string {
  const text = hex(word, 8);
  return isLittle ? (text.match(/../g) ?? []).toReversed().join('') : text;
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}
