// The gateway for `openai_base_url`: /v1/<rest> in, <upstream>/<rest> out, through the gate like every
// other door. http-proxy carries messages and WebSockets; this file decides what it may carry, gives it
// its connections, and keeps what is ours (hop-by-hop fields, credentials of proxies) out of them.
import http, { type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createProxyServer, type ServerOptions } from 'http-proxy';
import { type ErrorCode, SallyportError } from '../errors.ts';
import type { Gate } from '../gate.ts';
import type { ClientAddress, DecisionRequest, Permit } from '../policy/decision.ts';
import { createDestination, type Destination, parseHost } from '../policy/destination.ts';
import { checkResponseFields } from '../wire/fields.ts';
import type { Dialer } from './dial.ts';
import { clientOf, hasBody } from './door.ts';
import { watchClient } from './early.ts';
import { reasonPhrase } from './fields-out.ts';
import { createGatewayAgents, type PinnedOptions } from './gateway-agents.ts';
import { admit, bodiless, type FieldTable, fieldTable } from './gateway-door.ts';
import { endGracefully } from './listener.ts';
import type { CloseReason, Live, LiveEntry } from './live.ts';
import { type HttpAnswer, refusalForHttp, renderAnswer, trouble } from './refusal.ts';
import { reset } from './tunnel.ts';
import { createTurns } from './turns.ts';

/** What the gateway needs; all given by the daemon. */
export interface GatewayParts {
  readonly gate: Gate;
  readonly dialTunnel: Dialer['dialTunnel'];
  readonly dialTls: Dialer['dialTls'];
  readonly live: Live;
  /**
   * Base address such as `https://api.example/v1`; no credentials, query or fragment. Asked for each request:
   * a reload gives another object, and requests under way end where they began.
   */
  readonly upstream: () => URL;
  /** Records a request that was not for us; `text` is its Host, never its path. */
  readonly onMalformed: (info: {
    readonly listener: 'gateway';
    readonly client: ClientAddress;
    readonly what: string;
    readonly text: string;
  }) => Promise<void>;
  /** Told of an exception on the way through; the client's connection has been closed. */
  readonly onBug?: (error: unknown) => void;
  /** HTTP-date for answers of our own; the system clock unless given. */
  readonly date?: () => string;
}

const headLimitBytes = 64 * 1024;
const headTimeoutMs = 30_000;
const checkIntervalMs = 5_000;
const keepAliveMs = 600_000;
/** For a WebSocket's 101; an ordinary answer may take as long as a model thinks. */
const handshakeLimitMs = 60_000;

/**
 * Builds the server; it is not listening yet and is opened with `openListener`. Throws
 * ERR_CONFIG_INVALID for an upstream that is no http(s) address of a host.
 */
export function createGatewayHandler(parts: GatewayParts): http.Server {
  const server = http.createServer({
    insecureHTTPParser: false,
    maxHeaderSize: headLimitBytes,
    headersTimeout: headTimeoutMs,
    connectionsCheckingInterval: checkIntervalMs,
    requestTimeout: 0, // an upload may take as long as it takes
    keepAliveTimeout: keepAliveMs,
    requireHostHeader: false, // checked by us, so that it is recorded
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
    shouldUpgradeCallback: isWebSocket,
  });
  server.maxHeadersCount = 0; // Node would cut the list silently; 64 KiB is the bound
  let gateway = new Gateway(parts, parts.upstream());
  const current = (): Gateway => {
    const upstream = parts.upstream();
    if (upstream !== gateway.upstream) {
      gateway.close();
      gateway = new Gateway(parts, upstream);
    }
    return gateway;
  };
  const turns = createTurns();
  const serve =
    (expectsContinue: boolean) => (message: IncomingMessage, response: ServerResponse) => {
      turns.take(message, response, () => current().serve(message, response, expectsContinue));
    };
  server.on('request', serve(false));
  server.on('checkContinue', serve(true));
  server.on('checkExpectation', (message: IncomingMessage, response: ServerResponse) => {
    turns.take(message, response, () => {
      gateway.answer(message, response, trouble({ kind: 'expectation' }));
    });
  });
  server.on('upgrade', (message: IncomingMessage, duplex: Duplex, head: Buffer) => {
    const socket = duplex as Socket; // node:net makes our connections
    // Behind a request that is not answered yet, its 101 would come before that answer, and that within its frames.
    if (turns.current(socket) === undefined) current().upgrade(message, socket, head);
    else socket.destroy();
  });
  server.on('clientError', (error: NodeJS.ErrnoException, duplex: Duplex) => {
    const socket = duplex as Socket; // as above
    // An answer that is half written cannot be followed by another, and none overtakes those that wait.
    const isFree = turns.current(socket)?.response.headersSent !== true;
    gateway.clientError(error, socket, isFree && turns.waiting(socket) === 0);
  });
  server.on('close', () => gateway.close());
  return server;
}

/** One ordinary request on its way. */
interface Exchange {
  readonly permit: Permit;
  readonly response: ServerResponse;
  readonly entry: LiveEntry;
  readonly wantsClose: boolean;
  bytesUp: number;
  bytesDown: number;
  remoteAddress: string | undefined;
  /** Set when the exchange broke; a whole one ends as `upstream_closed`. */
  broken: CloseReason | undefined;
}

class Gateway {
  readonly upstream: URL;
  readonly #parts: GatewayParts;
  readonly #destination: Destination;
  readonly #basePath: string;
  readonly #agents;
  readonly #proxy;
  readonly #exchanges = new WeakMap<IncomingMessage, Exchange>();
  readonly #shakes = new WeakMap<IncomingMessage, (request: ClientRequest) => void>();

  constructor(parts: GatewayParts, upstream: URL) {
    const { dialTls, dialTunnel } = parts;
    const isTls = upstream.protocol === 'https:';
    this.#parts = parts;
    this.upstream = upstream;
    this.#destination = destinationOf(upstream);
    this.#basePath = upstream.pathname.replace(/\/+$/, '');
    const servername = this.#destination.host;
    this.#agents = createGatewayAgents(isTls, (permit, signal) =>
      isTls
        ? dialTls(permit, { servername, alpn: ['http/1.1'] }, signal)
        : dialTunnel(permit, signal),
    );
    this.#proxy = createProxyServer({
      target: new URL(upstream.origin),
      changeOrigin: true, // Host is the upstream's, whatever the client called us
      toProxy: true, // with prependPath: the target goes out as we judged it, not parsed once more
      prependPath: false,
      xfwd: false,
      secure: true,
      followRedirects: false,
    });
    // Without a listener http-proxy throws; each call has its own callback, which hears of it too.
    this.#proxy.on('error', ignore);
    this.#proxy.on('proxyReq', (request, message, _response, _options, socket) => {
      const exchange = this.#exchanges.get(message);
      if (exchange === undefined) return;
      exchange.remoteAddress = socket.remoteAddress;
      // Nobody asked for it; node:http has let go of the request by then and would say nothing more.
      request.once('upgrade', (_answer: IncomingMessage, switched: Duplex) => {
        switched.destroy();
        this.#fail(exchange, message, new SallyportError('ERR_UPSTREAM_INVALID', 'unasked 101'));
      });
    });
    this.#proxy.on('proxyRes', (answer, message) => this.#onAnswer(answer, message));
    this.#proxy.on('proxyReqWs', (request, message) => this.#shakes.get(message)?.(request));
  }

  close(): void {
    this.#agents.close();
  }

  serve(message: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    message.on('error', ignore);
    response.on('error', ignore);
    const control = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) control.abort();
    });
    this.#serve(message, response, expectsContinue, control.signal).catch((error: unknown) => {
      message.socket.destroy();
      this.#parts.onBug?.(error);
    });
  }

  async #serve(
    message: IncomingMessage,
    response: ServerResponse,
    expectsContinue: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const admission = admit(message, this.#basePath);
    if (!admission.ok) {
      await this.#record(message, admission.what);
      this.answer(message, response, admission.answer);
      return;
    }
    const decision = await this.#parts.gate(this.#request(message, 'request'), signal);
    if (decision.outcome === 'deny') {
      this.answer(message, response, refusalForHttp(decision));
      return;
    }
    if (signal.aborted) return;
    // RFC 9110 §10.1.1: asked for the body only now that it may go somewhere.
    if (expectsContinue) response.writeContinue();
    this.#relay(decision, message, response, admission.target, signal);
  }

  #relay(
    permit: Permit,
    message: IncomingMessage,
    response: ServerResponse,
    target: string,
    signal: AbortSignal,
  ): void {
    const exchange: Exchange = {
      permit,
      response,
      entry: this.#parts.live.open(permit, () => message.socket.destroy()),
      wantsClose: /\bclose\b/i.test(message.headers.connection ?? ''),
      bytesUp: 0,
      bytesDown: 0,
      remoteAddress: undefined,
      broken: undefined,
    };
    this.#exchanges.set(message, exchange);
    message.on('data', (chunk: Buffer) => {
      exchange.bytesUp += chunk.length;
      exchange.entry.onRead(chunk.length);
    });
    response.once('close', () => {
      const { entry, bytesUp, bytesDown, remoteAddress } = exchange;
      const left = response.writableFinished ? 'upstream_closed' : 'client_closed';
      entry.end(exchange.broken ?? left, bytesUp, bytesDown, remoteAddress);
    });
    // http-proxy sends what the message says; from here on it says what may go out.
    message.headers = outgoingFields(message);
    message.url = target;
    this.#proxy.web(message, response, this.#options(permit, signal), (error) =>
      this.#fail(exchange, message, error),
    );
  }

  /** `ssl` is what http-proxy fills up into the options of its request, and so what our agent gets. */
  #options(permit: Permit, signal: AbortSignal): ServerOptions {
    const ssl: PinnedOptions = { pinned: { permit, signal } };
    return { agent: this.#agents.agentFor(permit), ssl: { ...ssl } };
  }

  /** The head of the upstream's answer, before http-proxy copies it to the client. */
  #onAnswer(answer: IncomingMessage, message: IncomingMessage): void {
    const exchange = this.#exchanges.get(message);
    if (exchange === undefined) return;
    const { response } = exchange;
    answer.on('error', ignore);
    const problem = checkResponseFields({
      rawHeaders: answer.rawHeaders,
      status: answer.statusCode ?? 0,
      httpVersion: answer.httpVersion,
      upgradeAsked: false,
    });
    if (problem !== undefined) {
      this.#fail(exchange, message, new SallyportError('ERR_UPSTREAM_INVALID', problem));
      answer.destroy();
      return;
    }
    clean(answer, exchange.wantsClose ? 'close' : 'keep-alive');
    answer.on('data', (chunk: Buffer) => {
      exchange.bytesDown += chunk.length;
      exchange.entry.onRead(chunk.length);
    });
    answer.once('close', () => {
      // A body cut short must look cut short; http-proxy would leave the client waiting.
      if (answer.complete || response.writableFinished) return;
      exchange.broken ??= 'upstream_reset';
      response.destroy();
    });
    // An event stream's head goes out before its first event; http-proxy has set it by then.
    queueMicrotask(() => {
      if (!response.headersSent && !response.destroyed) response.flushHeaders();
    });
  }

  #fail(exchange: Exchange, message: IncomingMessage, error: Error): void {
    const { response } = exchange;
    if (response.destroyed || response.writableEnded) return;
    exchange.broken ??= response.headersSent ? 'upstream_reset' : 'error';
    if (response.headersSent) {
      response.destroy();
      return;
    }
    this.answer(message, response, this.#troubleFor(error));
  }

  #troubleFor(error: Error): HttpAnswer {
    return trouble({ kind: 'upstream', code: codeOf(error), destination: this.#destination });
  }

  upgrade(message: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.on('error', ignore);
    this.#upgrade(message, socket, head).catch((error: unknown) => {
      socket.destroy();
      this.#parts.onBug?.(error);
    });
  }

  async #upgrade(message: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    const admission = admit(message, this.#basePath);
    if (!admission.ok) {
      await this.#record(message, admission.what);
      this.#answerSocket(socket, admission.answer);
      return;
    }
    const client = watchClient(socket, head);
    const decision = await this.#parts.gate(this.#request(message, 'upgrade'), client.signal);
    if (decision.outcome === 'deny') {
      client.take();
      this.#answerSocket(socket, refusalForHttp(decision));
      return;
    }
    if (client.signal.aborted) return reset(socket);
    this.#shake(decision, message, socket, client, admission.target);
  }

  /** Sends the handshake on. The client is watched until the answer, so that its leaving frees the upstream. */
  #shake(
    permit: Permit,
    message: IncomingMessage,
    socket: Socket,
    client: ReturnType<typeof watchClient>,
    target: string,
  ): void {
    const entry = this.#parts.live.open(permit, () => {
      client.leave();
      reset(socket);
    });
    const start = { read: socket.bytesRead, written: socket.bytesWritten };
    let upstream: Socket | undefined;
    let reason: CloseReason = 'client_closed';
    socket.once('close', () => {
      upstream?.destroySoon();
      const up = socket.bytesRead - start.read;
      entry.end(reason, up, socket.bytesWritten - start.written, upstream?.remoteAddress);
    });
    this.#shakes.set(message, (request) => {
      const stop = (): void => void request.destroy();
      const timer = setTimeout(() => {
        request.destroy(new SallyportError('ERR_UPSTREAM_TIMEOUT', 'no answer to the handshake'));
      }, handshakeLimitMs);
      client.signal.addEventListener('abort', stop, { once: true });
      const settle = (answer: IncomingMessage, connection: string): void => {
        clearTimeout(timer);
        client.signal.removeEventListener('abort', stop);
        const early = client.take();
        if (early !== undefined) socket.unshift(early);
        clean(answer, connection);
      };
      request.once('close', () => clearTimeout(timer));
      request.once('response', (answer: IncomingMessage) => {
        answer.on('error', ignore);
        settle(answer, 'close');
        reason = 'upstream_closed';
        // http-proxy ends the client's connection behind a whole answer only.
        answer.once('close', () => answer.complete || reset(socket));
      });
      request.once('upgrade', (answer: IncomingMessage, duplex: Duplex) => {
        settle(answer, 'Upgrade');
        answer.headers.upgrade = 'websocket';
        upstream = duplex as Socket; // dial made it
        upstream.once('end', () => (reason = socket.readableEnded ? reason : 'upstream_closed'));
        upstream.once('close', () => endGracefully(socket, Buffer.alloc(0)));
        queueMicrotask(() => {
          start.read = socket.bytesRead; // from here on frames are counted, not the handshake
          start.written = socket.bytesWritten;
        });
      });
    });
    message.headers = {
      ...fieldTable(message.rawHeaders),
      connection: 'Upgrade',
      upgrade: 'websocket',
    };
    message.url = target;
    const options = this.#options(permit, client.signal);
    this.#proxy.ws(message, socket, Buffer.alloc(0), options, (error) => {
      if (upstream !== undefined || client.signal.aborted) return reset(socket);
      client.take();
      reason = 'error';
      this.#answerSocket(socket, this.#troubleFor(error));
    });
  }

  clientError(error: NodeJS.ErrnoException, socket: Socket, mayAnswer: boolean): void {
    socket.on('error', ignore);
    const code = error.code ?? '';
    const isHead = code.startsWith('HPE_') || code === 'ERR_HTTP_REQUEST_TIMEOUT';
    // A FIN within a message is a leaving.
    if (!isHead || code === 'HPE_INVALID_EOF_STATE' || !socket.writable) {
      socket.destroy();
      return;
    }
    const what = `not valid HTTP/1.1: ${code}`;
    const recorded = this.#parts.onMalformed({
      listener: 'gateway',
      client: clientOf(socket),
      what,
      text: '',
    });
    // Answered whether or not there is a record: nothing is let through either way.
    void recorded.catch(ignore).then(() => {
      if (mayAnswer) this.#answerSocket(socket, clientErrorAnswer(code, what));
      else socket.destroy();
    });
  }

  #request(message: IncomingMessage, form: DecisionRequest['form']): DecisionRequest {
    return {
      destination: this.#destination,
      listener: 'gateway',
      method: message.method ?? 'none',
      form,
      client: clientOf(message.socket),
    };
  }

  async #record(message: IncomingMessage, what: string | undefined): Promise<void> {
    if (what === undefined) return;
    const text = message.headers.host ?? '';
    const info = { listener: 'gateway', client: clientOf(message.socket), what, text } as const;
    await this.#parts.onMalformed(info).catch(ignore); // nothing is let through either way
  }

  answer(message: IncomingMessage, response: ServerResponse, answer: HttpAnswer): void {
    if (response.destroyed || response.headersSent) return;
    const body = message.method === 'HEAD' ? '' : answer.body;
    // A body that is still to come is not waited for; where it ends is then of no interest.
    const isUnread = hasBody(message) && !message.complete;
    const fields = [...answer.fields.flat(), 'date', this.#date()];
    if (isUnread) fields.push('connection', 'close');
    response.writeHead(answer.status, answer.reason, fields);
    response.end(body);
    message.resume();
  }

  #answerSocket(socket: Socket, answer: HttpAnswer): void {
    endGracefully(socket, renderAnswer(answer, this.#date()));
  }

  #date(): string {
    return this.#parts.date?.() ?? new Date().toUTCString();
  }
}

/** The one upgrade that is served; every other Upgrade field is ignored (RFC 9110 §7.8). */
function isWebSocket(message: IncomingMessage): boolean {
  const { upgrade } = message.headers;
  return message.method === 'GET' && upgrade?.toLowerCase() === 'websocket' && !hasBody(message);
}

function destinationOf(upstream: URL): Destination {
  const host = parseHost(upstream.hostname);
  const isTls = upstream.protocol === 'https:';
  if (!host.ok || !(isTls || upstream.protocol === 'http:')) {
    const why = host.ok ? 'the scheme must be https or http' : host.problem;
    throw new SallyportError('ERR_CONFIG_INVALID', `gateway.upstream: ${why}`);
  }
  const port = upstream.port === '' ? (isTls ? 443 : 80) : Number(upstream.port);
  return createDestination('http', host.value, port);
}

/** The fields that go out. Without a length node:http would make an empty body of a POST a chunked one. */
function outgoingFields(message: IncomingMessage): FieldTable {
  const table = fieldTable(message.rawHeaders);
  if (!hasBody(message) && !bodiless.has(message.method ?? '')) table['content-length'] = '0';
  return table;
}

/** Leaves the end-to-end fields of an answer, with a Connection of our own. */
function clean(answer: IncomingMessage, connection: string): void {
  answer.headers = { ...fieldTable(answer.rawHeaders), connection };
  answer.statusMessage = reasonPhrase(answer.statusMessage ?? '');
}

function codeOf(error: Error): ErrorCode {
  if (error instanceof SallyportError) return error.code;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return code.startsWith('HPE_') ? 'ERR_UPSTREAM_INVALID' : 'ERR_UPSTREAM_RESET';
}

function clientErrorAnswer(code: string, problem: string): HttpAnswer {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return trouble({ kind: 'head_timeout' });
  if (code === 'HPE_HEADER_OVERFLOW') return trouble({ kind: 'head_too_large' });
  return trouble({ kind: 'malformed', problem });
}

function ignore(): void {
  // What ended is seen on 'close'; here it must only not be unhandled.
}
