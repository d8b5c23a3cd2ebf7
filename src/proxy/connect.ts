// client --CONNECT--> gate -> dial -> 200 -> tunnel. One CONNECT from its head to the tunnel or the refusal.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Permit } from '../policy/decision.ts';
import type { Destination, Parsed } from '../policy/destination.ts';
import { readConnectTarget } from '../wire/authority.ts';
import {
  answerSocket,
  dialFor,
  readDestination,
  refuseMalformed,
  requestFor,
  troubleFor,
  type DoorParts,
} from './door.ts';
import { watchClient, type WaitingClient } from './early.ts';
import { refusalForConnect } from './refusal.ts';
import { joinTunnel } from './tunnel.ts';

// RFC 9110 §9.3.6: neither Content-Length nor Transfer-Encoding in a 2xx to CONNECT.
const established = Buffer.from('HTTP/1.1 200 Connection Established\r\n\r\n');

/** Takes one CONNECT; `head` is what the client sent behind it. Rejects for a bug of ours alone. */
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
  const dialled = await dialFor(parts, socket, client, permit, (error) => {
    answerSocket(parts, socket, troubleFor(error, permit));
  });
  if (dialled === undefined) return;
  socket.write(established);
  joinTunnel(socket, dialled.upstream, { early: client.take(), entry: dialled.entry });
}
