// One request of a client connection at a time: pipelined ones wait for their turn, so that each is judged, sent
// and answered before the next, and one connection cannot have a thousand requests under way.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

const pauseAt = 8;
const pipelineLimit = 1_024;

/** The request being served. */
export interface Turn {
  /** Aborted when the client leaves before its answer is whole. */
  readonly control: AbortController;
  readonly response: ServerResponse;
}

/** The turns of all connections of one server. */
export interface Turns {
  /** Calls `work` now, or when those before it on the connection are answered; never for a client that left. */
  readonly take: (
    message: IncomingMessage,
    response: ServerResponse,
    work: (signal: AbortSignal) => void,
  ) => void;
  /** The request that this connection's next answer belongs to, if there is one. */
  readonly current: (socket: Socket) => Turn | undefined;
  /** How many requests of the connection wait behind it. */
  readonly waiting: (socket: Socket) => number;
}

interface Connection {
  current: Turn | undefined;
  readonly waiting: (() => void)[];
  /** True while so many wait that nothing more is read. */
  isPaused: boolean;
}

/**
 * Starts with no connection. While 8 requests or more wait nothing is read, and so no leaving noticed; what one
 * read held may be more of them, and above 1,024 the connection is ended.
 */
export function createTurns(): Turns {
  const connections = new WeakMap<Socket, Connection>();
  return {
    take(message, response, work) {
      const { socket } = message;
      message.on('error', ignore);
      response.on('error', ignore);
      const known = connections.get(socket);
      const connection = known ?? { current: undefined, waiting: [], isPaused: false };
      if (known === undefined) connections.set(socket, connection);
      const start = (): void => begin(connection, socket, response, work);
      if (connection.current === undefined) start();
      else queue(connection, socket, start);
    },
    current: (socket) => connections.get(socket)?.current,
    waiting: (socket) => connections.get(socket)?.waiting.length ?? 0,
  };
}

function begin(
  connection: Connection,
  socket: Socket,
  response: ServerResponse,
  work: (signal: AbortSignal) => void,
): void {
  const control = new AbortController();
  connection.current = { control, response };
  response.once('close', () => {
    connection.current = undefined;
    if (!response.writableFinished) control.abort();
    next(connection, socket);
  });
  if (!socket.destroyed) work(control.signal);
}

function queue(connection: Connection, socket: Socket, start: () => void): void {
  connection.waiting.push(start);
  if (connection.waiting.length > pipelineLimit) socket.destroy();
  if (connection.isPaused || connection.waiting.length < pauseAt) return;
  connection.isPaused = true;
  // Not at once: node:http resumes the socket at the end of each message, and this one is still being read.
  process.nextTick(() => {
    if (connection.isPaused) socket.pause();
  });
}

function next(connection: Connection, socket: Socket): void {
  const start = connection.waiting.shift();
  if (connection.isPaused && connection.waiting.length < pauseAt) {
    connection.isPaused = false;
    if (!socket.destroyed) socket.resume();
  }
  start?.();
}

function ignore(): void {
  // Seen on the socket's or the response's 'close'; here it must only not be unhandled.
}
