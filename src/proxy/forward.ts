// client --GET http://h/--> one plain HTTP request --> an upstream connection of its own or a kept one.
// Streams both ways with back-pressure; knows no policy: it is handed a permit. The only user of undici.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { Client, type Dispatcher } from 'undici';
import { SallyportError } from '../errors.ts';
import type { Permit } from '../policy/decision.ts';
import { checkResponseFields, endToEndFields } from '../wire/fields.ts';
import { goesAbsolute, parentAuthorization } from './dial.ts';
import { answerRequest, hasBody, troubleFor, type DoorParts } from './door.ts';
import { hostField, reasonPhrase, requestFields } from './fields-out.ts';
import type { CloseReason, LiveEntry } from './live.ts';
import { createPool, type Pool, type Pooled } from './pool.ts';
import { reset } from './tunnel.ts';

const idleConnections = 256;
const idleMs = 4_000;
const headLimitBytes = 64 * 1024;
// The client's own patience is what ends a slow answer; this only keeps a forgotten one from staying for ever.
const headTimeoutMs = 3_600_000;
const informationLimit = 16;

/** One request that has its permit. */
export interface Exchange {
  readonly permit: Permit;
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  /** Origin-form path and query to send on. */
  readonly path: string;
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal;
}

/** Forwards plain HTTP requests over connections it keeps. */
export interface Forwarder {
  /** Sends one request on and its answer back; resolves when both are over. Never rejects. */
  readonly forward: (exchange: Exchange) => Promise<void>;
  /** Closes the idle connections. */
  readonly close: () => void;
}

/** Makes a forwarder with an empty pool. */
export function createForwarder(parts: DoorParts): Forwarder {
  const pool = createPool<Upstream>(idleConnections);
  return {
    forward: (exchange) => new Relay(parts, pool, exchange).run(),
    close: () => pool.clear(),
  };
}

/** One upstream connection: an undici client that is never shared and never pipelines. */
class Upstream implements Pooled {
  readonly key: string;
  readonly #client: Client;
  /** Ends a dial that is on its way when the connection is thrown away. */
  readonly #dialing = new AbortController();
  #permit: Permit;
  #socket: Socket | undefined;
  #isFresh = true;

  constructor(parts: DoorParts, pool: Pool<Upstream>, key: string, permit: Permit) {
    this.key = key;
    this.#permit = permit;
    // The origin is never used: target, Host and the address to dial all come from the permit.
    this.#client = new Client('http://upstream.invalid', {
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: idleMs,
      maxHeaderSize: headLimitBytes,
      headersTimeout: headTimeoutMs,
      bodyTimeout: 0,
      connect: (_options, done) => {
        this.#isFresh = true;
        parts.dial(this.#permit, this.#dialing.signal).then(
          (socket) => {
            this.#socket = socket;
            socket.on('error', ignore);
            done(null, socket);
          },
          (error: unknown) => done(error instanceof Error ? error : new Error('dial failed'), null),
        );
      },
    });
    this.#client.on('disconnect', () => pool.drop(this));
  }

  /** True when the connection in use was opened for this very request. */
  get isFresh(): boolean {
    return this.#isFresh;
  }

  get remoteAddress(): string | undefined {
    return this.#socket?.remoteAddress;
  }

  /** True when the connection itself broke, which undici takes for the end of an answer without a length. */
  get isBroken(): boolean {
    return this.#socket?.errored != null;
  }

  get isReusable(): boolean {
    return this.#socket !== undefined && !this.#socket.destroyed;
  }

  /** Takes a kept connection over for another request with the same key, that is the same addresses. */
  renew(permit: Permit): void {
    this.#permit = permit;
    this.#isFresh = false;
  }

  send(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.#client.dispatch(options, handler);
  }

  /** Closes the connection, failing the request on it. */
  discard(): void {
    this.#dialing.abort();
    const reason = new SallyportError('ERR_UPSTREAM_RESET', 'thrown away');
    this.#client.destroy(reason).catch(ignore);
  }
}

/** One request on its way. */
class Relay {
  readonly #parts: DoorParts;
  readonly #pool: Pool<Upstream>;
  readonly #exchange: Exchange;
  readonly #entry: LiveEntry;
  readonly #isRepeatable: boolean;
  readonly #body: UploadBody | undefined;
  readonly #done = Promise.withResolvers<void>();
  #upstream: Upstream | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #bytesDown = 0;
  #informations = 0;
  #answerBegan = false;
  #hasRetried = false;
  #isOver = false;
  readonly #resume = (): void => this.#controller?.resume();

  constructor(parts: DoorParts, pool: Pool<Upstream>, exchange: Exchange) {
    this.#parts = parts;
    this.#pool = pool;
    this.#exchange = exchange;
    const { message, permit } = exchange;
    this.#entry = parts.live.open(permit, (reason) => {
      this.#stop(reason);
      reset(message.socket);
    });
    this.#body = hasBody(message) ? new UploadBody(message, this.#entry.onRead) : undefined;
    this.#isRepeatable = this.#body === undefined && idempotent.has(permit.request.method);
  }

  run(): Promise<void> {
    const { signal, response } = this.#exchange;
    const leave = (): void => this.#stop('client_closed');
    signal.addEventListener('abort', leave, { once: true });
    response.on('drain', this.#resume);
    if (signal.aborted) leave();
    else this.#send();
    return this.#done.promise.finally(() => signal.removeEventListener('abort', leave));
  }

  #send(): void {
    const { permit, message, path } = this.#exchange;
    const key = poolKey(permit);
    const kept = this.#hasRetried ? undefined : this.#pool.take(key);
    kept?.renew(permit);
    const upstream = kept ?? new Upstream(this.#parts, this.#pool, key, permit);
    this.#upstream = upstream;
    this.#answerBegan = false;
    const { destination } = permit.request;
    const host = hostField(destination);
    try {
      upstream.send(
        {
          method: permit.request.method,
          path: goesAbsolute(permit) ? `http://${host}${path}` : path,
          headers: outgoingFields(host, permit, message.rawHeaders),
          body: this.#body ?? null,
        },
        this.#handler(upstream),
      );
    } catch (error) {
      this.#fail(upstream, error);
    }
  }

  #handler(upstream: Upstream): Dispatcher.DispatchHandler {
    return {
      onRequestStart: () => undefined,
      onResponseStarted: () => {
        this.#answerBegan = true;
      },
      onResponseStart: (controller, status, _fields, reason) => {
        this.#begin(controller, status, reason ?? '');
      },
      onResponseData: (controller, chunk) => {
        this.#bytesDown += chunk.length;
        this.#entry.onRead(chunk.length);
        this.#controller = controller;
        if (!this.#exchange.response.write(chunk)) controller.pause();
      },
      onResponseEnd: (controller) => this.#finish(upstream, rawList(controller.rawTrailers)),
      onResponseError: (_controller, error) => this.#fail(upstream, error),
    };
  }

  #begin(controller: Dispatcher.DispatchController, status: number, reason: string): void {
    const { response, message } = this.#exchange;
    const rawHeaders = rawList(controller.rawHeaders);
    const problem = findProblem(status, rawHeaders);
    if (problem !== undefined || (status < 200 && ++this.#informations > informationLimit)) {
      throw new SallyportError('ERR_UPSTREAM_INVALID', problem ?? 'too many interim answers');
    }
    const fields = endToEndFields(rawHeaders);
    if (status < 200) {
      // RFC 9110 §15.2: an HTTP/1.0 client does not know interim answers.
      if (message.httpVersion === '1.1') response.writeInformation(status, fields);
      return;
    }
    response.writeHead(status, reasonPhrase(reason), fields);
    // An event stream may have nothing to say for long after its head; small answers still go as one packet.
    setImmediate(() => {
      if (this.#bytesDown === 0 && !this.#isOver) response.flushHeaders();
    });
  }

  #finish(upstream: Upstream, trailers: readonly string[]): void {
    const { response, message } = this.#exchange;
    if (this.#isOver) return;
    if (upstream.isBroken) {
      this.#fail(upstream, new SallyportError('ERR_UPSTREAM_RESET', 'reset within the answer'));
      return;
    }
    if (response.chunkedEncoding && trailers.length > 0)
      response.addTrailers(trailerPairs(trailers));
    response.end();
    this.#close('upstream_closed', upstream);
    // Only in the next turn does the socket show whether the answer left it open.
    setImmediate(() => {
      if (upstream.isReusable) this.#pool.put(upstream);
      else upstream.discard();
    });
    if (this.#body !== undefined && !message.complete) abandonUpload(message);
  }

  #fail(upstream: Upstream, error: unknown): void {
    if (this.#isOver || upstream !== this.#upstream) return;
    upstream.discard();
    // RFC 9112 §9.3.1: a kept connection may close just as it is used again; that says nothing of the request.
    const isStale = !upstream.isFresh && !this.#answerBegan;
    if (isStale && this.#isRepeatable && !this.#hasRetried) {
      this.#hasRetried = true;
      this.#send();
      return;
    }
    const { message, response, permit } = this.#exchange;
    this.#close(response.headersSent ? 'upstream_reset' : 'error', upstream);
    if (response.headersSent) {
      reset(message.socket);
      return;
    }
    const cause = classify(error, this.#answerBegan);
    answerRequest(this.#parts, message, response, troubleFor(cause, permit));
  }

  /** Gives the upstream up at once: the client left, or the register asked. */
  #stop(reason: CloseReason): void {
    if (this.#isOver) return;
    const upstream = this.#upstream;
    this.#close(reason, upstream);
    upstream?.discard();
  }

  #close(reason: CloseReason, upstream: Upstream | undefined): void {
    this.#isOver = true;
    this.#exchange.response.off('drain', this.#resume);
    this.#entry.end(reason, this.#body?.bytes ?? 0, this.#bytesDown, upstream?.remoteAddress);
    this.#done.resolve();
  }
}

/** A request body as undici may have it: what it destroys is this stream, never the client's connection. */
class UploadBody extends Readable {
  readonly #message: IncomingMessage;
  bytes = 0;

  constructor(message: IncomingMessage, onRead: LiveEntry['onRead']) {
    super({ highWaterMark: 64 * 1024 });
    this.#message = message;
    this.on('error', ignore);
    message.on('data', (chunk: Buffer) => {
      this.bytes += chunk.length;
      onRead(chunk.length);
      if (!this.destroyed && !this.push(chunk)) message.pause();
    });
    message.on('end', () => {
      if (!this.destroyed) this.push(null);
    });
    message.on('error', ignore);
    message.on('close', () => {
      if (!message.complete) this.destroy(new Error('the client left within its body'));
    });
    message.pause();
  }

  override _read(): void {
    this.#message.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#message.pause();
    done(error);
  }
}

// RFC 9110 §9.2.2
const idempotent: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'PUT',
  'DELETE',
]);

/** Connections are shared only between permits that lead to the same place by the same way. */
function poolKey({ request, route }: Permit): string {
  const { host, port } = request.destination;
  switch (route.via) {
    case 'direct':
      return `${host} ${port} ${route.addresses.join(' ')}`;
    case 'parent': {
      const { protocol, host: parent, port: parentPort, credentials } = route.parent;
      return `${host} ${port} via ${protocol} ${parent} ${parentPort} ${credentials ?? ''}`;
    }
    case 'nowhere':
      return `${host} ${port} nowhere`;
    default:
      return route satisfies never;
  }
}

/** The fields to send: Host rebuilt from the checked target, and what a parent wants to know. */
function outgoingFields(host: string, permit: Permit, rawHeaders: readonly string[]): string[] {
  const fields = requestFields(host, rawHeaders);
  if (permit.route.via === 'parent' && goesAbsolute(permit)) {
    const authorization = parentAuthorization(permit.route.parent);
    if (authorization !== undefined) fields.push('proxy-authorization', authorization);
  }
  return fields;
}

function findProblem(status: number, rawHeaders: readonly string[]): string | undefined {
  if (status < 102) return 'the status is not one that may come unasked'; // 100 never gets here
  const head = { rawHeaders, status, httpVersion: undefined, upgradeAsked: false };
  return checkResponseFields(head);
}

function classify(error: unknown, answerBegan: boolean): SallyportError {
  if (error instanceof SallyportError) return error;
  const { code } = error as { code?: unknown }; // undici and node:net errors carry one
  if (code === 'UND_ERR_HEADERS_TIMEOUT') {
    return new SallyportError('ERR_UPSTREAM_TIMEOUT', 'no answer in time', { cause: error });
  }
  return answerBegan
    ? new SallyportError('ERR_UPSTREAM_INVALID', 'the answer is not valid HTTP', { cause: error })
    : new SallyportError('ERR_UPSTREAM_RESET', 'closed before an answer', { cause: error });
}

/** undici's raw list, as Node's rawHeaders: latin1 text, name and value by turns. */
function rawList(list: unknown): string[] {
  if (!Array.isArray(list)) return [];
  return list.map((item: unknown) =>
    Buffer.isBuffer(item) ? item.toString('latin1') : String(item),
  );
}

function trailerPairs(trailers: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  const kept = endToEndFields(trailers);
  for (let index = 0; index < kept.length; index += 2) {
    const name = kept[index] ?? '';
    // RFC 9110 §6.5.1: framing and routing have no place in a trailer.
    if (!/^(?:host|content-length)$/i.test(name)) pairs.push([name, kept[index + 1] ?? '']);
  }
  return pairs;
}

/** The answer is whole but the client still sends: read a little on so that it can see it, then close. */
function abandonUpload(message: IncomingMessage): void {
  const { socket } = message;
  message.resume();
  const timer = setTimeout(() => {
    if (!message.complete) socket.destroy();
  }, 1_000);
  socket.once('close', () => clearTimeout(timer));
}

function ignore(): void {
  // The end is seen elsewhere; here it must only not be unhandled.
}
