// The gateway for `openai_base_url`: /v1/<rest> in, <upstream>/<rest> out, through the gate like every other
// door. This file is its server and which upstream a request goes to; messages and handshakes have their own.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { answerSocket, clientOf } from './door.ts';
import { type GatewayParts, recordMalformed } from './gateway-door.ts';
import { answerMessage, serveMessage } from './gateway-message.ts';
import { serveUpgrade } from './gateway-upgrade.ts';
import { createGatewayUpstream, type GatewayUpstream } from './gateway-upstream.ts';
import { type HttpAnswer, trouble } from './refusal.ts';
import { createStrictServer } from './strict-server.ts';
import { createTurns } from './turns.ts';

/**
 * Builds the server; it is not listening yet and is opened with `openListener`. Throws
 * ERR_CONFIG_INVALID for an upstream that is no http(s) address of a host.
 */
export function createGatewayHandler(parts: GatewayParts): Server {
  const server = createStrictServer();
  let inUse = createGatewayUpstream(parts, parts.upstream());
  const current = (): GatewayUpstream => {
    const url = parts.upstream();
    if (url === inUse.url) return inUse;
    const next = createGatewayUpstream(parts, url);
    inUse.close(); // what is under way there ends there
    inUse = next;
    return next;
  };
  const guard = async (socket: Socket, serve: () => Promise<void>): Promise<void> => {
    try {
      await serve();
    } catch (error) {
      socket.destroy();
      parts.onBug?.(error);
    }
  };
  const turns = createTurns();
  const serve =
    (expectsContinue: boolean) => (message: IncomingMessage, response: ServerResponse) => {
      turns.take(message, response, (signal) => {
        const served = { message, response, signal, expectsContinue };
        // Never rejects, here and below.
        void guard(message.socket, () => serveMessage(parts, current(), served));
      });
    };
  server.on('request', serve(false));
  server.on('checkContinue', serve(true));
  server.on('checkExpectation', (message: IncomingMessage, response: ServerResponse) => {
    turns.take(message, response, () => {
      answerMessage(parts, message, response, trouble({ kind: 'expectation' }));
    });
  });
  server.on('upgrade', (message: IncomingMessage, duplex: Duplex, head: Buffer) => {
    const socket = duplex as Socket; // node:net makes our connections
    socket.on('error', ignore);
    if (turns.current(socket) === undefined) {
      void guard(socket, () => serveUpgrade(parts, current(), message, socket, head));
      return;
    }
    // Its 101 would come before the answer to that request, and that answer within its frames.
    const what = 'an Upgrade stands behind a request that is not answered yet';
    void recordMalformed(parts, message, what); // never rejects
    socket.destroy();
  });
  server.on('clientError', (error: NodeJS.ErrnoException, duplex: Duplex) => {
    const socket = duplex as Socket; // as above
    // An answer that is half written cannot be followed by another, and none overtakes those that wait.
    const isFree = turns.current(socket)?.response.headersSent !== true;
    refuseBytes(parts, error, socket, isFree && turns.waiting(socket) === 0);
  });
  server.on('close', () => inUse.close());
  return server;
}

/** Records what is no HTTP, and answers it where an answer can still be understood. */
function refuseBytes(
  parts: GatewayParts,
  error: NodeJS.ErrnoException,
  socket: Socket,
  mayAnswer: boolean,
): void {
  socket.on('error', ignore);
  const code = error.code ?? '';
  const isHead = code.startsWith('HPE_') || code === 'ERR_HTTP_REQUEST_TIMEOUT';
  // A FIN within a message is a leaving.
  if (!isHead || code === 'HPE_INVALID_EOF_STATE' || !socket.writable) {
    socket.destroy();
    return;
  }
  const what = `not valid HTTP/1.1: ${code}`;
  const info = { listener: 'gateway', client: clientOf(socket), what, text: '' } as const;
  // Answered whether or not there is a record: nothing is let through either way.
  const recorded = parts.onMalformed(info).catch(ignore);
  void recorded.then(() => {
    if (mayAnswer) answerSocket(parts, socket, answerFor(code, what));
    else socket.destroy();
  });
}

function answerFor(code: string, problem: string): HttpAnswer {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return trouble({ kind: 'head_timeout' });
  if (code === 'HPE_HEADER_OVERFLOW') return trouble({ kind: 'head_too_large' });
  return trouble({ kind: 'malformed', problem });
}

function ignore(): void {
  // What ended is seen on 'close'; here it must only not be unhandled.
}
