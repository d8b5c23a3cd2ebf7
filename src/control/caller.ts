// Who is at the other end of a control connection, as far as the connection itself says.
import type { Socket } from 'node:net';
import type { Caller } from '../approval/answers.ts';
import type { ClientAddress } from '../policy/decision.ts';
import type { PeerOf } from './peer.ts';
import type { ControlListener } from './route.ts';

/** What is read of a connection. */
export type CallerSocket = Pick<
  Socket,
  'remoteAddress' | 'remotePort' | 'localPort' | 'destroyed' | 'readableEnded'
>;

/** The caller behind this connection; one whose connection has no other end any more is not connected. */
export function callerOf<T extends CallerSocket>(
  listener: ControlListener,
  socket: T,
  peerOf: (socket: T) => ReturnType<PeerOf>,
): Caller {
  const isOpen = () => !socket.destroyed && !socket.readableEnded;
  if (listener !== 'tcp') return { client: undefined, pid: peerOf(socket), isConnected: isOpen };
  const client = clientOf(socket);
  // After a reset the kernel names no other end, at once; Node takes the socket for open a while longer.
  return { client, pid: undefined, isConnected: () => client !== undefined && isOpen() };
}

function clientOf({
  remoteAddress,
  remotePort,
  localPort,
}: CallerSocket): ClientAddress | undefined {
  if (remoteAddress === undefined || remotePort === undefined || localPort === undefined) {
    return undefined;
  }
  return { address: remoteAddress, port: remotePort, localPort };
}
