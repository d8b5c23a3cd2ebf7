// client --GET /v1/x, Upgrade: websocket--> gate -> upstream -> 101 -> tunnel. The client is watched from its
// handshake to the answer, so that its leaving frees the upstream; then http-proxy joins the two sockets.
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { SallyportError } from '../errors.ts';
import type { Permit } from '../policy/decision.ts';
import { answerSocket } from './door.ts';
import { type WaitingClient, watchClient } from './early.ts';
import {
  admit,
  fieldTable,
  type GatewayParts,
  recordMalformed,
  requestFor,
} from './gateway-door.ts';
import { cleanAnswer, type GatewayUpstream } from './gateway-upstream.ts';
import { endGracefully } from './listener.ts';
import type { CloseReason, LiveEntry } from './live.ts';
import { refusalForHttp } from './refusal.ts';
import { reset } from './tunnel.ts';

/** For a WebSocket's 101; an ordinary answer may take as long as a model thinks. */
const handshakeLimitMs = 60_000;

/**
 * Takes one handshake; `head` is what the client sent behind it, and `socket` has an `error` listener already.
 * Rejects for a bug of ours alone.
 */
export async function serveUpgrade(
  parts: GatewayParts,
  upstream: GatewayUpstream,
  message: IncomingMessage,
  socket: Socket,
  head: Buffer,
): Promise<void> {
  const admission = admit(message, upstream.basePath);
  if (!admission.ok) {
    await recordMalformed(parts, message, admission.what);
    answerSocket(parts, socket, admission.answer);
    return;
  }
  const client = watchClient(socket, head);
  const request = requestFor(message, upstream.destination, 'upgrade');
  const decision = await parts.gate(request, client.signal);
  if (decision.outcome === 'deny') {
    client.take();
    answerSocket(parts, socket, refusalForHttp(decision));
    return;
  }
  if (client.signal.aborted) return reset(socket);
  new Handshake(parts, upstream, decision, socket, client).send(message, admission.target);
}

/** One handshake that has its permit, and the WebSocket it becomes. */
class Handshake {
  readonly #parts: GatewayParts;
  readonly #upstream: GatewayUpstream;
  readonly #permit: Permit;
  readonly #socket: Socket;
  readonly #client: WaitingClient;
  readonly #entry: LiveEntry;
  /** The upstream's end, once it has switched. */
  #peer: Socket | undefined;
  #hasAnswer = false;
  #reason: CloseReason = 'client_closed';
  #bytesBefore: { readonly read: number; readonly written: number };

  constructor(
    parts: GatewayParts,
    upstream: GatewayUpstream,
    permit: Permit,
    socket: Socket,
    client: WaitingClient,
  ) {
    this.#parts = parts;
    this.#upstream = upstream;
    this.#permit = permit;
    this.#socket = socket;
    this.#client = client;
    this.#bytesBefore = { read: socket.bytesRead, written: socket.bytesWritten };
    this.#entry = parts.live.open(permit, () => {
      client.leave();
      reset(socket);
    });
    socket.once('close', () => this.#end());
  }

  send(message: IncomingMessage, target: string): void {
    const permit = this.#permit;
    const { signal } = this.#client;
    const fields = {
      ...fieldTable(message.rawHeaders),
      connection: 'Upgrade',
      upgrade: 'websocket',
    };
    const sending = { permit, target, fields, signal, isFresh: false };
    this.#upstream.sendHandshake(message, this.#socket, sending, {
      onRequest: (request) => this.#await(request),
      onError: (error) => this.#fail(error),
    });
  }

  #await(request: ClientRequest): void {
    const { signal } = this.#client;
    const stop = (): void => void request.destroy();
    const timer = setTimeout(() => {
      request.destroy(new SallyportError('ERR_UPSTREAM_TIMEOUT', 'no answer to the handshake'));
    }, handshakeLimitMs);
    signal.addEventListener('abort', stop, { once: true });
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    };
    const begin = (): void => {
      settle();
      this.#hasAnswer = true;
      // What the client sent early is the first of what it says.
      const early = this.#client.take();
      if (early !== undefined) this.#socket.unshift(early);
    };
    request.once('close', settle);
    request.once('response', (answer: IncomingMessage) => {
      begin();
      this.#relay(answer);
    });
    request.once('upgrade', (answer: IncomingMessage, duplex: Duplex) => {
      begin();
      this.#join(answer, duplex as Socket); // dial made it
    });
  }

  /** An answer that is no 101; http-proxy copies it and closes. */
  #relay(answer: IncomingMessage): void {
    answer.on('error', ignore);
    cleanAnswer(answer, 'close');
    this.#reason = 'upstream_closed';
    // http-proxy ends the client's connection behind a whole answer only.
    answer.once('close', () => answer.complete || reset(this.#socket));
  }

  /** The 101; http-proxy writes it and pipes the sockets into each other once its listeners have run. */
  #join(answer: IncomingMessage, peer: Socket): void {
    const socket = this.#socket;
    cleanAnswer(answer, 'Upgrade');
    answer.headers.upgrade = 'websocket';
    this.#peer = peer;
    peer.once('end', () => {
      if (!socket.readableEnded) this.#reason = 'upstream_closed';
    });
    peer.once('close', () => endGracefully(socket, Buffer.alloc(0)));
    queueMicrotask(() => {
      // From here on frames are counted, not the handshake.
      this.#bytesBefore = { read: socket.bytesRead, written: socket.bytesWritten };
    });
  }

  #fail(error: Error): void {
    const socket = this.#socket;
    // Behind an answer that has begun, another would be taken for a part of it.
    if (this.#hasAnswer || this.#client.signal.aborted) return reset(socket);
    this.#client.take();
    this.#reason = 'error';
    answerSocket(this.#parts, socket, this.#upstream.troubleFor(error));
  }

  #end(): void {
    const { read, written } = this.#bytesBefore;
    this.#peer?.destroySoon();
    this.#entry.end(
      this.#reason,
      this.#socket.bytesRead - read,
      this.#socket.bytesWritten - written,
      this.#peer?.remoteAddress,
    );
  }
}

function ignore(): void {}
