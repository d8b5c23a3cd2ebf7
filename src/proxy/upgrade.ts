// client --GET http://h/ Upgrade: websocket--> gate -> dial -> 101 -> tunnel. Anything but a 101 is relayed
// as an ordinary answer and the connection closed (RFC 6455 §4, RFC 9110 §7.8).
import http from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { SallyportError } from '../errors.ts';
import type { Permit } from '../policy/decision.ts';
import { checkResponseFields, endToEndFields } from '../wire/fields.ts';
import {
  answerSocket,
  dialFor,
  readPlainTarget,
  refuseMalformed,
  requestFor,
  troubleFor,
  type DoorParts,
} from './door.ts';
import { watchClient, type WaitingClient } from './early.ts';
import { hostField, reasonPhrase, requestFields } from './fields-out.ts';
import { endGracefully } from './listener.ts';
import type { CloseReason, LiveEntry } from './live.ts';
import { refusalForHttp } from './refusal.ts';
import { joinTunnel, reset } from './tunnel.ts';

const answerLimitMs = 60_000;
const headLimitBytes = 64 * 1024;
const informationLimit = 16;
/** The switch is of this hop, so it is written anew in both directions. */
const switching = ['Connection', 'Upgrade', 'Upgrade', 'websocket'] as const;

/** Takes one WebSocket handshake; `head` is what the client sent behind it. Rejects for a bug of ours alone. */
export async function handleUpgrade(
  parts: DoorParts,
  message: IncomingMessage,
  socket: Socket,
  head: Buffer,
): Promise<void> {
  const target = readPlainTarget(message);
  if (!target.ok) {
    const answer = await refuseMalformed(parts, socket, target.problem, message.url ?? '');
    answerSocket(parts, socket, answer);
    return;
  }
  const { destination, path } = target.value;
  const client = watchClient(socket, head);
  const request = requestFor(message, destination, 'upgrade');
  const decision = await parts.gate(request, client.signal);
  if (decision.outcome === 'deny') {
    client.take();
    answerSocket(parts, socket, refusalForHttp(decision));
    return;
  }
  const dialled = await dialFor(parts, socket, client, decision, (error) => {
    answerSocket(parts, socket, troubleFor(error, decision));
  });
  if (dialled === undefined) return;
  const fields = [...requestFields(hostField(destination), message.rawHeaders), ...switching];
  await shakeHands({ parts, socket, client, ...dialled, permit: decision }, path, fields);
}

interface Handshake {
  readonly parts: DoorParts;
  readonly socket: Socket;
  readonly client: WaitingClient;
  readonly upstream: Socket;
  readonly entry: LiveEntry;
  readonly permit: Permit;
}

/** Sends the handshake on and ends once the tunnel stands or the other answer has begun. */
async function shakeHands(shake: Handshake, path: string, fields: string[]): Promise<void> {
  const { upstream, client, socket } = shake;
  const outgoing = http.request({
    createConnection: () => upstream,
    method: 'GET',
    path,
    headers: fields,
    maxHeaderSize: headLimitBytes,
  });
  const abort = (): void => {
    outgoing.destroy();
    upstream.destroy();
  };
  client.signal.addEventListener('abort', abort, { once: true });
  outgoing.setTimeout(answerLimitMs, () => {
    outgoing.destroy(new SallyportError('ERR_UPSTREAM_TIMEOUT', 'no answer to the handshake'));
  });
  let informations = 0;
  outgoing.on('information', (information) => {
    informations += 1;
    if (informations <= informationLimit) relayInformation(socket, information);
    else outgoing.destroy(new SallyportError('ERR_UPSTREAM_INVALID', 'too many interim answers'));
  });
  const answered = new Promise<void>((resolve, reject) => {
    outgoing.on('error', reject);
    outgoing.on('close', () => reject(new SallyportError('ERR_UPSTREAM_RESET', 'no answer')));
    outgoing.on('upgrade', (answer, _socket, head) => {
      try {
        finishUpgrade(shake, answer, head);
        resolve();
      } catch (error) {
        reject(error);
      }
    });
    outgoing.on('response', (answer) => {
      try {
        relayAnswer(shake, answer);
        resolve();
      } catch (error) {
        reject(error);
      }
    });
  });
  outgoing.end();
  try {
    await answered;
  } catch (error) {
    failHandshake(shake, error);
  } finally {
    client.signal.removeEventListener('abort', abort);
  }
}

function failHandshake(
  { parts, socket, client, upstream, entry, permit }: Handshake,
  error: unknown,
): void {
  const remoteAddress = upstream.remoteAddress;
  upstream.destroy();
  if (client.signal.aborted) {
    entry.end('client_closed', 0, 0, remoteAddress);
    reset(socket);
    return;
  }
  client.take();
  entry.end('error', 0, 0, remoteAddress);
  answerSocket(parts, socket, troubleFor(error, permit));
}

function finishUpgrade(shake: Handshake, answer: IncomingMessage, head: Buffer): void {
  const { socket, client, upstream, entry } = shake;
  checkAnswer(answer);
  if (answer.headers.upgrade?.toLowerCase() !== 'websocket') {
    throw new SallyportError('ERR_UPSTREAM_INVALID', 'the answer switches to another protocol');
  }
  const fields = [...endToEndFields(answer.rawHeaders), ...switching];
  socket.write(renderHead(answer, fields), 'latin1');
  if (head.length > 0) upstream.unshift(head);
  joinTunnel(socket, upstream, { early: client.take(), entry });
}

/** An answer that is not a 101: relayed whole, framed by its length or by the close behind it. */
function relayAnswer(
  { socket, client, upstream, entry }: Handshake,
  answer: IncomingMessage,
): void {
  checkAnswer(answer);
  const remoteAddress = upstream.remoteAddress;
  upstream.setTimeout(0); // the limit was for the head; a body may take its time
  let bytesDown = 0;
  const fields = [...endToEndFields(answer.rawHeaders), 'Connection', 'close'];
  socket.write(renderHead(answer, fields), 'latin1');
  const fail = (reason: CloseReason): void => {
    answer.destroy();
    upstream.destroy();
    entry.end(reason, 0, bytesDown, remoteAddress);
    reset(socket);
  };
  const leave = (): void => fail('client_closed');
  entry.onClose(fail);
  socket.on('close', leave);
  client.take();
  socket.resume(); // what the client sent early was for a WebSocket that does not come about
  socket.on('end', leave);
  answer.on('error', () => fail('upstream_reset'));
  answer.on('data', (chunk: Buffer) => {
    bytesDown += chunk.length;
    entry.onRead(chunk.length);
    if (!socket.write(chunk)) answer.pause();
  });
  socket.on('drain', () => answer.resume());
  answer.on('end', () => {
    socket.off('end', leave);
    upstream.destroy();
    entry.end('upstream_closed', 0, bytesDown, remoteAddress);
    endGracefully(socket, Buffer.alloc(0));
  });
}

function checkAnswer(answer: IncomingMessage): void {
  const problem = checkResponseFields({
    rawHeaders: answer.rawHeaders,
    status: answer.statusCode ?? 0,
    httpVersion: answer.httpVersion,
    upgradeAsked: true,
  });
  if (problem !== undefined) throw new SallyportError('ERR_UPSTREAM_INVALID', problem);
}

function relayInformation(socket: Socket, information: http.InformationEvent): void {
  if (information.statusCode === 100 || socket.destroyed) return;
  const fields = endToEndFields(information.rawHeaders);
  socket.write(renderHead(information, fields), 'latin1');
}

function renderHead(
  head: { readonly statusCode?: number | undefined; readonly statusMessage?: string | undefined },
  fields: readonly string[],
): string {
  let text = `HTTP/1.1 ${head.statusCode ?? 502} ${reasonPhrase(head.statusMessage ?? '')}\r\n`;
  for (let index = 0; index < fields.length; index += 2) {
    text += `${fields[index] ?? ''}: ${fields[index + 1] ?? ''}\r\n`;
  }
  return `${text}\r\n`;
}
