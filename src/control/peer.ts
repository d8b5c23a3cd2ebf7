// Who is at the other end of a unix socket. The kernel knows (SO_PEERCRED, unix(7)), Node does not ask: without
// this, a program could answer its own question over the socket, where no port leads to its process.
//
//   struct ucred { pid_t pid; uid_t uid; gid_t gid; }   three 32-bit words, filled in at connect(2)
import type { Socket } from 'node:net';

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const ucredBytes = 12;
/** Where the two numbers above hold. */
const architectures = new Set(['x64', 'arm64', 'ia32', 'arm', 'riscv64', 'loong64', 's390x']);

/** The pid of the process that opened the connection; undefined where the kernel or this Node does not tell. */
export type PeerOf = (socket: Socket) => number | undefined;

/** Builds the finder; it reaches for libc at its first use, and finds nobody where that cannot be had. */
export function createPeerFinder(): PeerOf {
  let find: PeerOf | undefined;
  return (socket) => {
    find ??= loadFinder();
    return find(socket);
  };
}

function loadFinder(): PeerOf {
  if (process.platform !== 'linux' || !architectures.has(process.arch)) return () => undefined;
  try {
    const ffi = process.getBuiltinModule('node:ffi');
    const { functions } = ffi.dlopen(null, {
      getsockopt: { arguments: ['i32', 'i32', 'i32', 'pointer', 'pointer'], return: 'i32' },
    });
    return (socket) => {
      const fd = descriptorOf(socket);
      if (fd === undefined) return undefined;
      const credentials = new Int32Array(ucredBytes / 4);
      const length = Int32Array.of(ucredBytes);
      const [result, size] = [ffi.getRawPointer(credentials), ffi.getRawPointer(length)];
      const failed = functions.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, result, size) !== 0;
      const [pid = 0] = credentials;
      return failed || length[0] !== ucredBytes || pid <= 0 ? undefined : pid;
    };
  } catch {
    return () => undefined; // a Node without node:ffi
  }
}

/** Node has no public name for it; anything but a plain number is taken as not known. */
function descriptorOf(socket: Socket): number | undefined {
  const handle: unknown = Reflect.get(socket, '_handle');
  if (typeof handle !== 'object' || handle === null || !('fd' in handle)) return undefined;
  const { fd } = handle;
  return typeof fd === 'number' && fd >= 0 ? fd : undefined;
}
