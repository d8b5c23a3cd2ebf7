// client --greeting, request--> [wire/socks5 -> policy/destination -> gate -> dial] --> upstream
// Drives the SOCKS5 readers over a socket, asks the gate, and hands both sockets to the tunnel. Nothing is
// answered while the question is open; what the client sends early goes nowhere before the allow.
import type { Socket } from 'node:net';
import { SallyportError } from '../errors.ts';
import type { ClientAddress, Malformed, Permit } from '../policy/decision.ts';
import {
  createDestination,
  parseAddress,
  parseHost,
  type Destination,
} from '../policy/destination.ts';
import {
  methodReply,
  readGreeting,
  readRequest,
  requestReply,
  socksProblems,
  type Read,
} from '../wire/socks5.ts';
import { dialFor, type DoorParts } from './door.ts';
import { watchClient, type WaitingClient } from './early.ts';
import { endGracefully } from './listener.ts';
import { socksReply } from './refusal.ts';
import { joinTunnel } from './tunnel.ts';

const noAuthentication = methodReply(0x00);
const succeeded = requestReply(0x00);
const generalFailure = 0x01;
const notAllowed = requestReply(0x02);

/** What the SOCKS door needs; all given by the daemon. */
export interface SocksParts extends Omit<DoorParts, 'date'> {
  /** How long greeting and request may take together; 10 s unless given. */
  readonly handshakeMs?: number;
}

/** Gives the function that serves one accepted socket (made with `allowHalfOpen`). It never throws. */
export function createSocksHandler(parts: SocksParts): (socket: Socket) => void {
  return (socket) => {
    serve(parts, socket).catch((error: unknown) => {
      socket.destroy();
      parts.onBug?.(error);
    });
  };
}

async function serve(parts: SocksParts, socket: Socket): Promise<void> {
  socket.on('error', ignore); // 'close' follows and is what counts
  const address = clientOf(socket);
  if (address === undefined) return;
  const hello = await shakeHands(parts, socket, address);
  if (hello === undefined) return;
  const client = watchClient(socket, hello.rest);
  const decision = await parts.gate(
    {
      destination: hello.destination,
      listener: 'socks5',
      method: 'none',
      form: 'tunnel',
      client: address,
    },
    client.signal,
  );
  if (decision.outcome === 'allow') {
    await openTunnel(parts, socket, client, decision);
    return;
  }
  client.take();
  endGracefully(socket, requestReply(socksReply(decision)));
}

/** The client's end of the connection; undefined, and closed, when it is gone already. */
function clientOf(socket: Socket): ClientAddress | undefined {
  const { remoteAddress: address, remotePort: port, localPort } = socket;
  if (address === undefined || port === undefined || localPort === undefined) {
    socket.destroy();
    return undefined;
  }
  return { address, port, localPort };
}

interface Hello {
  readonly destination: Destination;
  /** What the client sent behind its request. */
  readonly rest: Buffer;
}

/** Greeting and request within the deadline; undefined when the connection has been dealt with. */
async function shakeHands(
  parts: SocksParts,
  socket: Socket,
  client: ClientAddress,
): Promise<Hello | undefined> {
  const timer = setTimeout(() => socket.destroy(), parts.handshakeMs ?? 10_000);
  const reader = new HandshakeReader(socket);
  const refuse = async (what: string, text: string, reply: Uint8Array | undefined) => {
    clearTimeout(timer); // how long the record takes is not the client's doing
    reader.release();
    await recordMalformed(parts, { listener: 'socks5', client, what, text });
    if (reply === undefined) socket.destroy();
    else endGracefully(socket, reply);
    return undefined;
  };
  try {
    const greeting = await reader.next(readGreeting);
    if (greeting === undefined) return undefined;
    if (greeting.status === 'bad') {
      return await refuse(socksProblems[greeting.code], greeting.text, greeting.reply);
    }
    socket.write(noAuthentication);
    const request = await reader.next(readRequest);
    if (request === undefined) return undefined;
    if (request.status === 'bad') {
      return await refuse(socksProblems[request.code], request.text, request.reply);
    }
    const { host: text, form, port } = request.value;
    const host = form === 'name' ? parseHost(text) : parseAddress(text);
    if (!host.ok) return await refuse(host.problem, text, notAllowed);
    const destination = createDestination('socks5_tcp', host.value, port);
    return { destination, rest: reader.release() };
  } finally {
    clearTimeout(timer);
  }
}

async function recordMalformed(parts: SocksParts, malformed: Malformed): Promise<void> {
  try {
    await parts.onMalformed(malformed);
  } catch {
    // It is refused either way; the journal says on its own why it cannot write.
  }
}

async function openTunnel(
  parts: SocksParts,
  socket: Socket,
  client: WaitingClient,
  permit: Permit,
): Promise<void> {
  const dialled = await dialFor(parts, socket, client, permit, (error) => {
    const reply = error instanceof SallyportError ? socksReply(error) : generalFailure;
    endGracefully(socket, requestReply(reply));
  });
  if (dialled === undefined) return;
  socket.write(succeeded);
  joinTunnel(socket, dialled.upstream, { early: client.take(), entry: dialled.entry });
}

/** Gives the wait-for-more readers what has come so far, until the handshake is done. */
class HandshakeReader {
  readonly #socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  #left = false;
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', this.#onData);
    // A client that ends its side before it has asked for anything has nothing to wait for.
    socket.on('end', this.#onLeave);
    socket.on('close', this.#onLeave);
  }

  /** What `read` makes of the bytes once there are enough; undefined when the client left. Never rejects. */
  async next<T>(
    read: (bytes: Uint8Array) => Read<T>,
  ): Promise<Exclude<Read<T>, { status: 'more' }> | undefined> {
    while (!this.#left) {
      const got = read(this.#bytes);
      if (got.status === 'done') {
        this.#bytes = this.#bytes.subarray(this.#bytes.length - got.rest.length);
      }
      if (got.status !== 'more') return got;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      this.#socket.resume();
      await promise;
    }
    this.#socket.destroy();
    return undefined;
  }

  /** Lets go of the paused socket; gives the bytes that no reader has taken. */
  release(): Buffer {
    this.#socket.pause();
    this.#socket.off('data', this.#onData);
    this.#socket.off('end', this.#onLeave);
    this.#socket.off('close', this.#onLeave);
    return this.#bytes;
  }

  // One chunk at a time, so that a client who sends more than it may costs one chunk.
  readonly #onData = (chunk: Buffer): void => {
    this.#socket.pause();
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    this.#wake?.();
  };

  readonly #onLeave = (): void => {
    this.#left = true;
    this.#wake?.();
  };
}

function ignore(): void {
  // Its 'close' is what we listen for.
}
