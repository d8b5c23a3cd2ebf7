// client --GET or POST /v1/x--> gate -> upstream -> answer, streamed both ways: an event stream passes event by
// event, and the client's leaving frees the upstream at once. Nothing is buffered here.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SallyportError } from '../errors.ts';
import type { Permit } from '../policy/decision.ts';
import { checkResponseFields } from '../wire/fields.ts';
import { answerSocket, dateOf, hasBody } from './door.ts';
import {
  admit,
  bodiless,
  type FieldTable,
  fieldTable,
  type GatewayParts,
  recordMalformed,
  requestFor,
} from './gateway-door.ts';
import { cleanAnswer, codeOf, type GatewayUpstream } from './gateway-upstream.ts';
import type { CloseReason, LiveEntry } from './live.ts';
import { type HttpAnswer, refusalForHttp } from './refusal.ts';

/** One message from the client, with the turn it has on its connection. */
export interface Served {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal;
  /** It asked for a 100 before it sends its body. */
  readonly expectsContinue: boolean;
}

/** Takes one message; both its streams have `error` listeners already. Rejects for a bug of ours alone. */
export async function serveMessage(
  parts: GatewayParts,
  upstream: GatewayUpstream,
  { message, response, signal, expectsContinue }: Served,
): Promise<void> {
  const admission = admit(message, upstream.basePath);
  if (!admission.ok) {
    await recordMalformed(parts, message, admission.what);
    refuse(parts, message, response, admission.answer);
    return;
  }
  const request = requestFor(message, upstream.destination, 'request');
  const decision = await parts.gate(request, signal);
  if (decision.outcome === 'deny') {
    answerMessage(parts, message, response, refusalForHttp(decision));
    return;
  }
  if (signal.aborted) return;
  // RFC 9110 §10.1.1: asked for the body only now that it may go somewhere.
  if (expectsContinue) response.writeContinue();
  new Relay(parts, upstream, decision, message, response).send(admission.target, signal);
}

/** S3: 400 and close; the next request on this connection could be the second reading of this one. */
function refuse(
  parts: Pick<GatewayParts, 'date'>,
  message: IncomingMessage,
  response: ServerResponse,
  answer: HttpAnswer,
): void {
  if (answer.status !== 400) return answerMessage(parts, message, response, answer);
  const body = message.method === 'HEAD' ? '' : answer.body;
  answerSocket(parts, message.socket, { ...answer, body });
}

/** Answers for ourselves, unless an answer has begun. A body that is still to come is not waited for. */
export function answerMessage(
  parts: Pick<GatewayParts, 'date'>,
  message: IncomingMessage,
  response: ServerResponse,
  answer: HttpAnswer,
): void {
  if (response.destroyed || response.headersSent) return;
  const body = message.method === 'HEAD' ? '' : answer.body;
  const fields = [...answer.fields.flat(), 'date', dateOf(parts)];
  // Where an unread body ends, and the next request begins, is then of no interest.
  if (hasBody(message) && !message.complete) fields.push('connection', 'close');
  response.writeHead(answer.status, answer.reason, fields);
  response.end(body);
  message.resume();
}

/** One message that has its permit. */
class Relay {
  readonly #parts: GatewayParts;
  readonly #upstream: GatewayUpstream;
  readonly #permit: Permit;
  readonly #message: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #entry: LiveEntry;
  readonly #wantsClose: boolean;
  /** All methods without a body are idempotent (RFC 9110 §9.2.2). */
  readonly #isRepeatable: boolean;
  #isKept = false;
  #hasRetried = false;
  #bytesUp = 0;
  #bytesDown = 0;
  #remoteAddress: string | undefined;
  /** Set when the exchange broke; a whole one ends as `upstream_closed`. */
  #broken: CloseReason | undefined;

  constructor(
    parts: GatewayParts,
    upstream: GatewayUpstream,
    permit: Permit,
    message: IncomingMessage,
    response: ServerResponse,
  ) {
    const { method = '', headers } = message;
    this.#parts = parts;
    this.#upstream = upstream;
    this.#permit = permit;
    this.#message = message;
    this.#response = response;
    this.#wantsClose = /\bclose\b/i.test(headers.connection ?? '');
    this.#isRepeatable = bodiless.has(method) && !hasBody(message);
    this.#entry = parts.live.open(permit, () => message.socket.destroy());
    message.on('data', (chunk: Buffer) => {
      this.#bytesUp += chunk.length;
      this.#entry.onRead(chunk.length);
    });
    response.once('close', () => this.#end());
  }

  send(target: string, signal: AbortSignal): void {
    const fields = outgoingFields(this.#message);
    const attempt = (isFresh: boolean): void => {
      const sending = { permit: this.#permit, target, fields, signal, isFresh };
      this.#upstream.sendMessage(this.#message, this.#response, sending, {
        onConnection: (socket, isKept) => {
          this.#isKept = isKept;
          this.#remoteAddress = socket.remoteAddress;
        },
        onAnswer: (answer) => this.#begin(answer),
        onError: (error) => {
          if (isFresh !== this.#hasRetried) return; // of the first try, which is over
          if (!this.#mayRetry(error)) return this.#fail(error);
          this.#hasRetried = true;
          attempt(true);
        },
      });
    };
    attempt(false);
  }

  /** RFC 9112 §9.3.1: a kept connection may close just as it is used again; that says nothing of the request. */
  #mayRetry(error: Error): boolean {
    const { destroyed, headersSent } = this.#response;
    if (destroyed || headersSent || this.#hasRetried) return false;
    return this.#isKept && this.#isRepeatable && codeOf(error) === 'ERR_UPSTREAM_RESET';
  }

  /** The head of the upstream's answer, before http-proxy copies it to the client. */
  #begin(answer: IncomingMessage): void {
    const response = this.#response;
    answer.on('error', ignore);
    const problem = checkResponseFields({
      rawHeaders: answer.rawHeaders,
      status: answer.statusCode ?? 0,
      httpVersion: answer.httpVersion,
      upgradeAsked: false,
    });
    if (problem !== undefined) {
      this.#fail(new SallyportError('ERR_UPSTREAM_INVALID', problem));
      answer.destroy();
      return;
    }
    cleanAnswer(answer, this.#wantsClose ? 'close' : 'keep-alive');
    answer.on('data', (chunk: Buffer) => {
      this.#bytesDown += chunk.length;
      this.#entry.onRead(chunk.length);
    });
    answer.once('close', () => {
      // A body cut short must look cut short; http-proxy would leave the client waiting.
      if (answer.complete || response.writableFinished) return;
      this.#broken ??= 'upstream_reset';
      response.destroy();
    });
    // An event stream's head goes out before its first event; http-proxy has set it by then.
    queueMicrotask(() => {
      if (!response.headersSent && !response.destroyed) response.flushHeaders();
    });
  }

  #fail(error: Error): void {
    const response = this.#response;
    if (response.destroyed || response.writableEnded) return;
    this.#broken ??= response.headersSent ? 'upstream_reset' : 'error';
    if (response.headersSent) {
      response.destroy();
      return;
    }
    answerMessage(this.#parts, this.#message, response, this.#upstream.troubleFor(error));
  }

  #end(): void {
    const left = this.#response.writableFinished ? 'upstream_closed' : 'client_closed';
    const reason = this.#broken ?? left;
    this.#entry.end(reason, this.#bytesUp, this.#bytesDown, this.#remoteAddress);
  }
}

/** The fields that go out. Without a length node:http would make an empty body of a POST a chunked one. */
function outgoingFields(message: IncomingMessage): FieldTable {
  const table = fieldTable(message.rawHeaders);
  if (!hasBody(message) && !bodiless.has(message.method ?? '')) table['content-length'] = '0';
  return table;
}

function ignore(): void {
  // What ended is seen on 'close'; here it must only not be unhandled.
}
