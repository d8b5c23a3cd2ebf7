// client --CONNECT--> gate -> dial -> 200 -> tunnel. One CONNECT from its head to the tunnel or the refusal.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { SallyportError } from '../errors.ts';
import type { Permit } from '../policy/decision.ts';
import type { Destination, Parsed } from '../policy/destination.ts';
import { readConnectTarget } from '../wire/authority.ts';
import {
  answerSocket,
  readDestination,
  refuseMalformed,
  requestFor,
  type DoorParts,
} from './door.ts';
import { watchClient, type WaitingClient } from './early.ts';
import type { LiveEntry } from './live.ts';
import { refusalForConnect, trouble } from './refusal.ts';
import { joinTunnel, reset } from './tunnel.ts';

// RFC 9110 §9.3.6: neither Content-Length nor Transfer-Encoding in a 2xx to CONNECT.
const established = Buffer.from('HTTP/1.1 200 Connection Established\r\n\r\n');

/** Takes one CONNECT; `head` is what the client sent behind it. Never rejects. */
export async function handleConnect(
  parts: DoorParts,
  message: IncomingMessage,
  socket: Socket,
  head: Buffer,
): Promise<void> {
  const target = message.url ?? '';
  const destination = readConnectDestination(message, target);
  if (!destination.ok) {
    answerSocket(parts, socket, await refuseMalformed(parts, socket, destination.problem, target));
    return;
  }
  const client = watchClient(socket, head);
  const decision = await parts.gate(
    requestFor(message, destination.value, 'tunnel'),
    client.signal,
  );
  if (decision.outcome === 'deny') {
    client.take();
    answerSocket(parts, socket, refusalForConnect(decision));
    return;
  }
  await openTunnel(parts, socket, client, decision);
}

function readConnectDestination(message: IncomingMessage, target: string): Parsed<Destination> {
  const read = readConnectTarget(target);
  return read.ok ? readDestination(message, 'https_connect', read.value) : read;
}

async function openTunnel(
  parts: DoorParts,
  socket: Socket,
  client: WaitingClient,
  permit: Permit,
): Promise<void> {
  // Entered before the dial, so that a policy change or a revoked grant also stops what is on its way.
  const entry = parts.live.open(permit, client.leave);
  const upstream = await dialFor(parts, socket, client, permit, entry);
  if (upstream === undefined) return;
  socket.write(established);
  joinTunnel(socket, upstream, { early: client.take(), entry });
}

/**
 * Dials for a client that waits. When that fails, the entry is ended, the client is answered (502, 504) or
 * its connection reset where nobody waits any more, and undefined is given.
 */
export async function dialFor(
  parts: DoorParts,
  socket: Socket,
  client: WaitingClient,
  permit: Permit,
  entry: LiveEntry,
): Promise<Socket | undefined> {
  try {
    const upstream = await parts.dial(permit, client.signal);
    if (!client.signal.aborted) return upstream;
    upstream.destroy();
  } catch (error) {
    if (!client.signal.aborted) {
      client.take();
      entry.end('error', 0, 0, undefined);
      answerSocket(parts, socket, troubleFor(error, permit));
      return undefined;
    }
  }
  entry.end('client_closed', 0, 0, undefined);
  reset(socket);
  return undefined;
}

/** The answer for whatever a dial or a forwarded request failed with. */
export function troubleFor(error: unknown, { request }: Permit): ReturnType<typeof trouble> {
  const code = error instanceof SallyportError ? error.code : 'ERR_UPSTREAM_RESET';
  return trouble({ kind: 'upstream', code, destination: request.destination });
}
