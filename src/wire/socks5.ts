// SOCKS5 as a server reads and writes it (RFC 1928), without a socket: readers look at what has arrived so far
// and say whether to wait, what it means, or what is wrong. Bytes are judged in order, so a mistake is seen at
// the first byte that makes it one, however the input is split. Hosts are only cut out, never judged.

/** What the bytes so far amount to; `rest` is what the client sent early and belongs to the next reader. */
export type Read<T> =
  | { readonly status: 'more' }
  | { readonly status: 'done'; readonly value: T; readonly rest: Uint8Array }
  | {
      readonly status: 'bad';
      readonly code: SocksProblem;
      /** What to answer before closing; undefined when the client does not speak SOCKS5. */
      readonly reply: Uint8Array | undefined;
      /** The offending name, a character for each byte; empty when it is not the name that is wrong. */
      readonly text: string;
    };

/** What can be wrong with a client's bytes, in words for the record. */
export const socksProblems = {
  version: 'the version is not 5',
  methods: 'the method "no authentication" is not offered',
  command: 'the command is not CONNECT',
  reserved: 'the reserved byte is not zero',
  address_type: 'the address type is unknown',
  host: 'the name is empty or has bytes in it that no host name has',
  port: 'the port is 0',
} as const;
/** One of `socksProblems`. */
export type SocksProblem = keyof typeof socksProblems;

/** Where a CONNECT wants to go. */
export interface SocksRequest {
  /** A name as sent (visible ASCII), a dotted quad, or eight hexadecimal groups without brackets. */
  readonly host: string;
  /** `name`: what the client resolved nothing of; `address`: ATYP IPv4 or IPv6. */
  readonly form: 'name' | 'address';
  /** 1 to 65535. */
  readonly port: number;
}

const version = 0x05;
const noAuthentication = 0x00;
const noAcceptableMethod = 0xff;
const connectCommand = 0x01;
const addressTypes = { ipv4: 0x01, name: 0x03, ipv6: 0x04 } as const;
const replies = {
  generalFailure: 0x01,
  notAllowed: 0x02,
  commandNotSupported: 0x07,
  addressTypeNotSupported: 0x08,
} as const;
const more = { status: 'more' } as const;

/**
 * Reads a greeting and gives the offered methods, among which is always 0x00.
 *
 *     +-----+----------+----------+
 *     | VER | NMETHODS | METHODS  |   RFC 1928 §3
 *     |  1  |    1     | 1 to 255 |
 *     +-----+----------+----------+
 */
export function readGreeting(bytes: Uint8Array): Read<readonly number[]> {
  const [first, count] = bytes;
  if (first !== undefined && first !== version) return bad('version', undefined);
  if (count === undefined || bytes.length < 2 + count) return more;
  const methods = bytes.subarray(2, 2 + count);
  if (!methods.includes(noAuthentication)) return bad('methods', methodReply(noAcceptableMethod));
  return { status: 'done', value: [...methods], rest: bytes.subarray(2 + count) };
}

/**
 * Reads a request; anything but CONNECT is bad. A reserved byte that is set is refused too: whoever sets it
 * means something this reader does not know.
 *
 *     +-----+-----+-------+------+----------+----------+
 *     | VER | CMD |  RSV  | ATYP | DST.ADDR | DST.PORT |   RFC 1928 §4
 *     |  1  |  1  | X'00' |  1   | 4, 1+n,16|    2     |
 *     +-----+-----+-------+------+----------+----------+
 */
export function readRequest(bytes: Uint8Array): Read<SocksRequest> {
  const [first, command, reserved, type] = bytes;
  if (first !== undefined && first !== version) return bad('version', undefined);
  if (command !== undefined && command !== connectCommand) {
    return bad('command', requestReply(replies.commandNotSupported));
  }
  if (reserved !== undefined && reserved !== 0) {
    return bad('reserved', requestReply(replies.generalFailure));
  }
  switch (type) {
    case undefined:
      return more;
    case addressTypes.ipv4:
      return finish(bytes, 4, 4, ipv4Text);
    case addressTypes.name:
      return readNamed(bytes);
    case addressTypes.ipv6:
      return finish(bytes, 4, 16, ipv6Text);
    default:
      return bad('address_type', requestReply(replies.addressTypeNotSupported));
  }
}

/** Answer to a greeting: the chosen method, or 0xFF for none (RFC 1928 §3). */
export function methodReply(method: number): Uint8Array {
  return Uint8Array.of(version, method);
}

/**
 * Answer to a request (RFC 1928 §6); `reply` is the REP field, 0 for success. The bound address is given as
 * 0.0.0.0:0: clients of CONNECT have no use for it, and it would tell them about this machine.
 */
export function requestReply(reply: number): Uint8Array {
  return Uint8Array.of(version, reply, 0, addressTypes.ipv4, 0, 0, 0, 0, 0, 0);
}

function bad<T>(code: SocksProblem, reply: Uint8Array | undefined, text = ''): Read<T> {
  return { status: 'bad', code, reply, text };
}

/** ATYP 3: a length byte, then the name. */
function readNamed(bytes: Uint8Array): Read<SocksRequest> {
  const length = bytes[4];
  if (length === undefined) return more;
  if (bytes.length < 5 + length) return more; // the record shows the whole of a bad name
  const name = bytes.subarray(5, 5 + length);
  if (length === 0 || name.some(isNotVisible)) {
    return bad('host', requestReply(replies.notAllowed), nameText(name));
  }
  return finish(bytes, 5, length, nameText);
}

function isNotVisible(byte: number): boolean {
  return byte <= 0x20 || byte >= 0x7f;
}

/** The part all address types share: `length` bytes of address from `start`, then the port. */
function finish(
  bytes: Uint8Array,
  start: number,
  length: number,
  toText: (address: Uint8Array) => string,
): Read<SocksRequest> {
  const end = start + length;
  const high = bytes[end];
  const low = bytes[end + 1];
  if (high === undefined || low === undefined) return more;
  const port = high * 256 + low;
  if (port === 0) return bad('port', requestReply(replies.notAllowed));
  const form = toText === nameText ? 'name' : 'address';
  const host = toText(bytes.subarray(start, end));
  return { status: 'done', value: { host, form, port }, rest: bytes.subarray(end + 2) };
}

function nameText(address: Uint8Array): string {
  return String.fromCharCode(...address);
}

function ipv4Text(address: Uint8Array): string {
  return address.join('.');
}

function ipv6Text(address: Uint8Array): string {
  const view = new DataView(address.buffer, address.byteOffset, address.length);
  const groups: string[] = [];
  for (let index = 0; index < address.length; index += 2) {
    groups.push(view.getUint16(index).toString(16));
  }
  return groups.join(':');
}
