// A real name server on UDP loopback for tests: a table of names, names it never answers, answers it
// holds back until the test says so, and a list of what it was asked.
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';

/** What one name answers; a family that is left out answers with no data. */
export interface DnsName {
  readonly a?: readonly string[];
  /** Written in full, eight groups. */
  readonly aaaa?: readonly string[];
  /** Seconds; default 60. */
  readonly ttl?: number;
  readonly status?: 'nxdomain' | 'servfail';
  /** Says nothing, to any question or to one family's. */
  readonly mute?: true | 'A' | 'AAAA';
  /** Answers once this has settled, to any question or, with `holds`, to one family's. */
  readonly after?: Promise<void>;
  readonly holds?: 'A' | 'AAAA';
}

/** A running name server. */
export interface DnsServer {
  /** `127.0.0.1:port`, as `setServers` and our reading of resolv.conf take it. */
  readonly address: string;
  /** May be changed at any time; unknown names do not exist. */
  readonly names: Map<string, DnsName>;
  /** `A name` or `AAAA name`, in the order they came. */
  readonly asked: readonly string[];
  readonly close: () => Promise<void>;
}

const families: Readonly<Record<number, 'A' | 'AAAA'>> = { 1: 'A', 28: 'AAAA' };
const statusCodes = { servfail: 2, nxdomain: 3 } as const;

/** Starts a server with these names. */
export async function startDnsServer(names: Readonly<Record<string, DnsName>>): Promise<DnsServer> {
  const table = new Map(Object.entries(names));
  const asked: string[] = [];
  const socket = createSocket('udp4');
  let open = true;
  const answer = async (query: Buffer, { port, address }: RemoteInfo): Promise<void> => {
    const { name, type, end } = readQuestion(query);
    const family = families[type];
    asked.push(`${family ?? type} ${name}`);
    const entry = table.get(name) ?? { status: 'nxdomain' };
    if (entry.mute === true || (entry.mute !== undefined && entry.mute === family)) return;
    if (entry.holds === undefined || entry.holds === family) await entry.after;
    if (open) socket.send(writeAnswer(query, end, family, entry), port, address);
  };
  socket.on('message', (query, from) => void answer(query, from)); // nothing in it can fail
  socket.on('error', () => undefined);
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${socket.address().port}`,
    names: table,
    asked,
    close: async () => {
      open = false;
      socket.close();
      await once(socket, 'close');
    },
  };
}

/** The one question of a query (RFC 1035 §4.1.2); `end` is where it ends. */
function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function writeAnswer(
  query: Buffer,
  end: number,
  family: 'A' | 'AAAA' | undefined,
  { a = [], aaaa = [], ttl = 60, status }: DnsName,
): Buffer {
  const records = family === undefined || status !== undefined ? [] : family === 'A' ? a : aaaa;
  const head = Buffer.alloc(12);
  query.copy(head, 0, 0, 2);
  head.writeUInt16BE(0x8180 | (status === undefined ? 0 : statusCodes[status]), 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records.length, 6);
  const written = records.map((address) => writeRecord(address, family === 'A' ? 1 : 28, ttl));
  return Buffer.concat([head, query.subarray(12, end), ...written]);
}

/** One record whose name points back at the question (RFC 1035 §4.1.3, §4.1.4). */
function writeRecord(address: string, type: number, ttl: number): Buffer {
  const data =
    type === 1
      ? Buffer.from(address.split('.').map(Number))
      : Buffer.from(
          address
            .split(':')
            .map((group) => group.padStart(4, '0'))
            .join(''),
          'hex',
        );
  const record = Buffer.alloc(12);
  record.writeUInt16BE(0xc00c, 0);
  record.writeUInt16BE(type, 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt32BE(ttl, 6);
  record.writeUInt16BE(data.length, 10);
  return Buffer.concat([record, data]);
}
