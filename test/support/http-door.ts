// The HTTP door on port 0 with a gate made by the test, and a raw client that says exactly what it is told.
import { EventEmitter, once } from 'node:events';
import net from 'node:net';
import type { Gate } from '../../src/gate.ts';
import type {
  Malformed,
  Decision,
  DecisionRequest,
  DenyReason,
  GrantRef,
  Permit,
  Route,
} from '../../src/policy/decision.ts';
import type { DoorParts } from '../../src/proxy/door.ts';
import { createHttpHandler } from '../../src/proxy/http-listener.ts';
import { openListener, type Listener } from '../../src/proxy/listener.ts';
import { createLive, type ClosedRecord, type Live } from '../../src/proxy/live.ts';
import { createPermit } from './permit.ts';

/** A door and what it did. */
export interface Door {
  readonly port: number;
  readonly live: Live;
  readonly listener: Listener;
  readonly requests: DecisionRequest[];
  readonly dialled: Permit[];
  readonly closed: ClosedRecord[];
  readonly malformed: Malformed[];
  readonly bugs: unknown[];
  /** Emits `closed`, `malformed`, `request` and `dialled` as they are noted. */
  readonly events: EventEmitter;
  readonly close: () => Promise<void>;
}

/** What a test replaces. */
export interface DoorOptions {
  readonly decide?: Gate;
  readonly dial?: DoorParts['dial'];
  readonly maxConnections?: number;
}

/** A permit for loopback, unless told otherwise. */
export function permitFor(
  request: DecisionRequest,
  route: Route = { via: 'direct', addresses: ['127.0.0.1'] },
  grant?: GrantRef,
): Permit {
  return createPermit(request, route, grant);
}

/** A refusal for tests. */
export function refusalOf(request: DecisionRequest, reason: DenyReason): Decision {
  const verdict = {
    outcome: 'deny',
    source: 'baseline_policy',
    reason,
    rule: undefined,
    grant: undefined,
  } as const;
  return { outcome: 'deny', request, verdict, hold: undefined };
}

/** Connects to the destination's port on loopback, as the real dialer hands sockets out. */
export async function dialLoopback(permit: Permit, signal: AbortSignal): Promise<net.Socket> {
  const { port } = permit.request.destination;
  const socket = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true });
  socket.on('error', () => undefined);
  try {
    await once(socket, 'connect', { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** Opens a door that lets everything through to loopback, unless told otherwise. */
export async function openDoor(options: DoorOptions = {}): Promise<Door> {
  const events = new EventEmitter();
  const noted = { requests: [], dialled: [], closed: [], malformed: [], bugs: [] } as {
    requests: DecisionRequest[];
    dialled: Permit[];
    closed: ClosedRecord[];
    malformed: Malformed[];
    bugs: unknown[];
  };
  const live = createLive({
    now: () => 1_000,
    onClosed: (record) => {
      noted.closed.push(record);
      events.emit('closed', record);
    },
  });
  const decide = options.decide ?? (async (request) => permitFor(request));
  const dial = options.dial ?? dialLoopback;
  const server = createHttpHandler({
    live,
    date: () => 'Fri, 20 Nov 2026 10:00:00 GMT',
    gate: (request, signal) => {
      noted.requests.push(request);
      events.emit('request', request);
      return decide(request, signal);
    },
    dial: (permit, signal) => {
      noted.dialled.push(permit);
      events.emit('dialled', permit);
      return dial(permit, signal);
    },
    onMalformed: async (info) => {
      noted.malformed.push(info);
      events.emit('malformed', info);
    },
    onBug: (error) => noted.bugs.push(error),
  });
  const { maxConnections } = options;
  const listener = await openListener({
    kind: 'http',
    host: '127.0.0.1',
    port: 0,
    server,
    ...(maxConnections === undefined ? {} : { maxConnections }),
  });
  return {
    ...noted,
    port: listener.port,
    live,
    listener,
    events,
    close: () => listener.close(0),
  };
}

/** A client that writes bytes as they are and keeps what it gets, as latin1 text. */
export interface RawClient {
  readonly socket: net.Socket;
  /** All that came so far. */
  readonly text: () => string;
  readonly send: (text: string) => void;
  /** Resolves with all that came, once it matches; rejects when the connection ends before. */
  readonly until: (pattern: RegExp) => Promise<string>;
  /** Resolves with all that came, once the connection has ended; rejects on a reset. */
  readonly ended: () => Promise<string>;
  /** Resolves once the connection is gone, with the error's code if it was reset. */
  readonly gone: () => Promise<string | undefined>;
}

/** Connects a raw client. */
export async function connectRaw(port: number, first = ''): Promise<RawClient> {
  const socket = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  let text = '';
  let failure: string | undefined;
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    socket.emit('more');
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    failure = error.code;
  });
  socket.on('end', () => socket.end());
  const gone = new Promise<string | undefined>((resolve) => {
    socket.on('close', () => resolve(failure));
  });
  const isOver = gone.then(() => 'over' as const);
  await once(socket, 'connect');
  const client: RawClient = {
    socket,
    text: () => text,
    send: (bytes) => socket.write(bytes, 'latin1'),
    async until(pattern) {
      while (!pattern.test(text)) {
        const step = await Promise.race([once(socket, 'more'), isOver]);
        if (step === 'over' && !pattern.test(text)) {
          throw new Error(`ended before ${String(pattern)}: ${JSON.stringify(text)}`);
        }
      }
      return text;
    },
    async ended() {
      const code = await gone;
      if (code !== undefined) throw new Error(`${code} after ${JSON.stringify(text)}`);
      return text;
    },
    gone: () => gone,
  };
  if (first !== '') client.send(first);
  return client;
}
