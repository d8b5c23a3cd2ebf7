// One upstream of the gateway: its address as a destination, the connections kept to it, and http-proxy,
// which carries messages and handshakes over them. What may be carried is decided before it gets here.
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createProxyServer, type ServerOptions } from 'http-proxy';
import { type ErrorCode, SallyportError } from '../errors.ts';
import type { Permit } from '../policy/decision.ts';
import { createDestination, type Destination, parseHost } from '../policy/destination.ts';
import { reasonPhrase } from './fields-out.ts';
import { createGatewayAgents, type GatewayAgents, type PinnedOptions } from './gateway-agents.ts';
import { type FieldTable, fieldTable, type GatewayParts } from './gateway-door.ts';
import { type HttpAnswer, trouble } from './refusal.ts';

/** What goes out, and by which way. */
export interface Sending {
  readonly permit: Permit;
  /** Path and query as the upstream gets them. */
  readonly target: string;
  /** All fields but Host, which is the upstream's own. */
  readonly fields: FieldTable;
  /** Ends a dial that is on its way. */
  readonly signal: AbortSignal;
  /** True: over a connection opened for it, never a kept one. */
  readonly isFresh: boolean;
}

/** What becomes of a message that was sent on. */
export interface MessageEvents {
  /** It has a connection; `isKept`: one that has served before. */
  readonly onConnection: (socket: Socket, isKept: boolean) => void;
  /** The head of the answer is there and not yet copied to the client. */
  readonly onAnswer: (answer: IncomingMessage) => void;
  /** It failed, also within its answer. */
  readonly onError: (error: Error) => void;
}

/** What becomes of a handshake that was sent on. */
export interface HandshakeEvents {
  /** It is about to go out; the owner listens on it before http-proxy does anything with its answer. */
  readonly onRequest: (request: ClientRequest) => void;
  /** It failed, also after the upgrade. http-proxy ends the client's connection next. */
  readonly onError: (error: Error) => void;
}

/** An upstream in use. */
export interface GatewayUpstream {
  /** The address it was made of, the same object. */
  readonly url: URL;
  readonly destination: Destination;
  /** The path of the address without its last slash. */
  readonly basePath: string;
  /** Sends one message on and copies its answer to `response`. May be called again for a second try. */
  readonly sendMessage: (
    message: IncomingMessage,
    response: ServerResponse,
    sending: Sending,
    events: MessageEvents,
  ) => void;
  /** Sends a WebSocket handshake on and joins the two sockets behind a 101. */
  readonly sendHandshake: (
    message: IncomingMessage,
    socket: Socket,
    sending: Sending,
    events: HandshakeEvents,
  ) => void;
  /** The answer a client gets for a failure here. */
  readonly troubleFor: (error: Error) => HttpAnswer;
  /** Closes idle connections; what is under way ends by itself. */
  readonly close: () => void;
}

/** Makes it; throws ERR_CONFIG_INVALID for an address that is no http(s) address of a host. */
export function createGatewayUpstream(
  parts: Pick<GatewayParts, 'dialTls' | 'dialTunnel'>,
  url: URL,
): GatewayUpstream {
  const destination = destinationOf(url);
  const isTls = url.protocol === 'https:';
  const target = { servername: destination.host, alpn: ['http/1.1'] };
  const agents = createGatewayAgents(isTls, (permit, signal) =>
    isTls ? parts.dialTls(permit, target, signal) : parts.dialTunnel(permit, signal),
  );
  const proxy = createProxyServer({
    target: new URL(url.origin),
    changeOrigin: true, // Host is the upstream's, whatever the client called us
    toProxy: true, // with prependPath: the target goes out as we judged it, not parsed once more
    prependPath: false,
    xfwd: false,
    secure: true,
    followRedirects: false,
  });
  // Its events name the client's message and nothing else of ours.
  const messages = new WeakMap<IncomingMessage, MessageEvents>();
  const handshakes = new WeakMap<IncomingMessage, HandshakeEvents>();
  proxy.on('error', ignore); // without a listener it throws; each call's own callback hears of it too
  proxy.on('proxyReq', (request, message, _response, _options, socket) => {
    messages.get(message)?.onConnection(socket, request.reusedSocket);
    // Nobody asked for it; node:http has let go of the request by then and would say nothing more.
    request.once('upgrade', (_answer: IncomingMessage, switched: Duplex) => {
      switched.destroy();
      messages.get(message)?.onError(new SallyportError('ERR_UPSTREAM_INVALID', 'unasked 101'));
    });
  });
  proxy.on('proxyRes', (answer, message) => messages.get(message)?.onAnswer(answer));
  proxy.on('proxyReqWs', (request, message) => handshakes.get(message)?.onRequest(request));
  return {
    url,
    destination,
    basePath: url.pathname.replace(/\/+$/, ''),
    sendMessage(message, response, sending, events) {
      messages.set(message, events);
      dress(message, sending);
      proxy.web(message, response, optionsFor(agents, sending), events.onError);
    },
    sendHandshake(message, socket, sending, events) {
      handshakes.set(message, events);
      dress(message, sending);
      const options = optionsFor(agents, sending);
      proxy.ws(message, socket, Buffer.alloc(0), options, events.onError);
    },
    troubleFor: (error) => trouble({ kind: 'upstream', code: codeOf(error), destination }),
    close: () => agents.close(),
  };
}

/** http-proxy sends what the message says; from here on it says what may go out. */
function dress(message: IncomingMessage, { target, fields }: Sending): void {
  message.headers = fields;
  message.url = target;
}

/** `ssl` is what http-proxy fills up into the options of its request, and so what our agent gets. */
function optionsFor(agents: GatewayAgents, { permit, signal, isFresh }: Sending): ServerOptions {
  const ssl: PinnedOptions = { pinned: { permit, signal } };
  const agent = isFresh ? agents.renew(permit) : agents.agentFor(permit);
  return { agent, ssl: { ...ssl } };
}

function destinationOf(url: URL): Destination {
  const host = parseHost(url.hostname);
  const isTls = url.protocol === 'https:';
  if (!host.ok || !(isTls || url.protocol === 'http:')) {
    const why = host.ok ? 'the scheme must be https or http' : host.problem;
    throw new SallyportError('ERR_CONFIG_INVALID', `gateway.upstream: ${why}`);
  }
  const port = url.port === '' ? (isTls ? 443 : 80) : Number(url.port);
  return createDestination('http', host.value, port);
}

/** Leaves the end-to-end fields of an answer, with a Connection of our own. */
export function cleanAnswer(answer: IncomingMessage, connection: string): void {
  answer.headers = { ...fieldTable(answer.rawHeaders), connection };
  answer.statusMessage = reasonPhrase(answer.statusMessage ?? '');
}

/** The code of a failed exchange: of ours if it has one, else whether the bytes or the connection were bad. */
export function codeOf(error: Error): ErrorCode {
  if (error instanceof SallyportError) return error.code;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return code.startsWith('HPE_') ? 'ERR_UPSTREAM_INVALID' : 'ERR_UPSTREAM_RESET';
}

function ignore(): void {}
