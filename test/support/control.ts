// A control listener with made-up parts on a free port and on a socket, and raw requests to it.
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createFeed } from '../../src/control/feed.ts';
import type { Feed, FeedParts } from '../../src/control/feed.ts';
import type { Role, StatusResponse, Surface } from '../../src/control/messages.ts';
import { createPageSessions } from '../../src/control/page-sessions.ts';
import type { PageSessions } from '../../src/control/page-sessions.ts';
import { createPeerFinder } from '../../src/control/peer.ts';
import type { LiveSource } from '../../src/control/redact.ts';
import type { ControlReply, ControlRequest } from '../../src/control/route.ts';
import { createRoutes } from '../../src/control/routes.ts';
import type { RouteParts } from '../../src/control/routes.ts';
import { openControl } from '../../src/control/server.ts';
import { createTokens } from '../../src/control/tokens.ts';
import type { Tokens } from '../../src/control/tokens.ts';
import { openState } from '../../src/state.ts';
import { makeGate } from './views.ts';

/** The local admin's token of these listeners. */
export const token = 'TestTokenTestTokenTestTokenTestTokenTestTok';

/** What a test gives of the parts; the live view's fields one by one. */
export type GivenParts = Partial<Omit<RouteParts, 'live'>> & {
  readonly live?: Partial<LiveSource>;
  readonly now?: () => number;
  readonly onWatching?: FeedParts['onWatching'];
};

/** Parts that do nothing unless given, over real tokens, page sessions and a real feed. */
export interface ControlParts extends RouteParts {
  readonly watching: (readonly [Surface, 1 | -1])[];
  readonly acted: unknown[];
  readonly judged: unknown[];
}

/** Builds the parts in a state folder. */
export function makeControlParts(
  folder: string,
  { live = {}, now = Date.now, onWatching, ...given }: GivenParts = {},
  bugs: unknown[] = [],
  url: () => string | undefined = () => undefined,
): ControlParts {
  const state = openState(folder);
  if (state.read('token') === undefined) state.writeAtomic('token', `${token}\n`);
  const tokens = createTokens({ state, now });
  const pages = createPageSessions({ now, url, isValid: tokens.isValid });
  const source: LiveSource = {
    version: '0.0.0',
    gate: makeGate,
    groups: () => [],
    floods: () => [],
    grants: () => [],
    answers: () => [],
    policyChange: () => null,
    ...live,
  };
  const watching: (readonly [Surface, 1 | -1])[] = [];
  const feed = createFeed({
    source,
    onWatching: (surface, change) => {
      watching.push([surface, change]);
      onWatching?.(surface, change);
    },
    isValid: (key) => tokens.isValid(key) || pages.isValid(key),
    onBug: (bug) => bugs.push(bug),
  });
  const acted: unknown[] = [];
  const judged: unknown[] = [];
  const gate = () => ({ gate: source.gate(), closed: 0 });
  const problem = { status: 'unknown', problem: 'none' } as const;
  return {
    watching,
    acted,
    judged,
    live: source,
    feed,
    tokens,
    pages,
    files: [],
    status: () => ({ version: '0.0.0' }) as StatusResponse, // as much of it as these tests look at
    judge: (_caller, surface, wanted) => {
      judged.push(wanted);
      return Promise.resolve({ ok: true, approver: { name: 'dev', surface } });
    },
    onActed: (one) => acted.push(one),
    find: () => 'unknown',
    preview: () => 'unknown',
    answer: () => Promise.resolve({ status: 'unknown' }),
    extend: () => 'unknown',
    undo: () => 'none',
    revoke: () => undefined,
    history: () => ({ entries: [], more: false }),
    pause: gate,
    resume: gate,
    panic: gate,
    lift: () => undefined,
    change: () => problem,
    rules: {
      rules: () => ({ files: [], rules: [], total: 0 }),
      check: () => problem,
      save: () => problem,
      history: () => ({ edits: [] }),
      undo: () => problem,
    },
    reportTray: () => undefined,
    reload: () => ({ loaded: true, version: 'v1', messages: [] }),
    ...given,
  };
}

/** Parts in a state folder that goes after the test. */
export function openParts(
  context: TestContext,
  given: GivenParts = {},
): ControlParts & { readonly folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-parts-'));
  const parts = makeControlParts(folder, given);
  context.after(() => {
    parts.feed.close();
    rmSync(folder, { recursive: true });
  });
  return { ...parts, folder };
}

/** What a test asks of a route; an approver on the command line unless it says otherwise. */
export interface AskedOf {
  readonly id?: string;
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string>>;
  readonly role?: Role;
}

/** A request as the server hands it to a route. */
export function requestOf(
  role: Role,
  given: Partial<Pick<ControlRequest, 'id' | 'body' | 'query'>> = {},
): ControlRequest {
  return {
    id: '',
    body: undefined,
    query: new Map(),
    caller: {
      client: { address: '127.0.0.1', port: 40_000, localPort: 4131 },
      pid: undefined,
      isConnected: () => true,
    },
    surface: 'cli',
    holder: { key: 'local#1', token: 'local', role, surface: undefined },
    ...given,
  };
}

/** Calls a route's handler as the server would, past every guard. */
export async function ask(
  parts: RouteParts,
  name: string,
  { id = '', body, query = {}, role = 'approver' }: AskedOf = {},
): Promise<ControlReply> {
  const route = createRoutes(parts).find(({ method, path }) => `${method} ${path}` === name);
  if (route === undefined) throw new Error(`no route ${name}`);
  return await route.handle(requestOf(role, { id, body, query: new Map(Object.entries(query)) }));
}

/** The status and code of a refusal; undefined for what is none. */
export function refusalOf(reply: ControlReply): readonly [number, string] | undefined {
  return 'refused' in reply ? [reply.refused.status, reply.refused.code] : undefined;
}

/** Two open listeners. */
export interface ControlBench {
  readonly port: number;
  readonly url: string;
  /** The state folder. */
  readonly folder: string;
  readonly socketPath: string;
  readonly bugs: unknown[];
  readonly parts: ControlParts;
  readonly tokens: Tokens;
  readonly pages: PageSessions;
  readonly feed: Feed;
  /** Calls of those who may answer. */
  readonly calls: (readonly [Surface, Role])[];
}

/** Opens both listeners over parts that do nothing unless given, and closes them after the test. */
export async function openBench(
  context: TestContext,
  given: GivenParts = {},
): Promise<ControlBench> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-control-'));
  const bugs: unknown[] = [];
  const calls: (readonly [Surface, Role])[] = [];
  let port = 0;
  const parts = makeControlParts(folder, given, bugs, () => `http://127.0.0.1:${port}`);
  const { tokens, pages, feed } = parts;
  const listening = {
    routes: createRoutes(parts),
    find: (secret: string) => tokens.find(secret) ?? pages.find(secret),
    onCall: (surface: Surface, role: Role) => calls.push([surface, role]),
    port: () => port,
    peerOf: createPeerFinder(),
    onBug: (bug: unknown) => bugs.push(bug),
  };
  const socketPath = join(folder, 'control.sock');
  const tcp = await openControl(listening, { port: 0 });
  const socket = await openControl(listening, { path: socketPath });
  port = tcp.port ?? 0;
  context.after(async () => {
    await Promise.all([tcp.close(), socket.close()]);
    feed.close();
    rmSync(folder, { recursive: true });
  });
  const url = `http://127.0.0.1:${port}`;
  return { port, url, folder, socketPath, bugs, parts, tokens, pages, feed, calls };
}

/** One request as a test writes it. */
export interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Over the unix socket instead of the port. */
  readonly overSocket?: boolean;
  /** Ends an event stream as soon as it has begun. */
  readonly endStream?: boolean;
}

/** What came back. */
export interface Received {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The text as JSON, where it says that it is. */
  readonly body: unknown;
}

/** Sends one request with the token unless the headers say otherwise (empty: left out). */
export async function send(bench: ControlBench, sent: Sent): Promise<Received> {
  const { method = 'GET', path = '/v1/status', headers = {}, body, overSocket = false } = sent;
  const { promise, resolve, reject } = Promise.withResolvers<Received>();
  const all = Object.entries({ authorization: `Bearer ${token}`, ...headers });
  const outgoing = request({
    ...(overSocket ? { socketPath: bench.socketPath } : { host: '127.0.0.1', port: bench.port }),
    method,
    path,
    agent: false,
    headers: {
      host: overSocket ? 'localhost' : `127.0.0.1:${bench.port}`,
      ...Object.fromEntries(all.filter(([, value]) => value !== '')),
    },
  });
  outgoing.on('error', reject);
  outgoing.on('response', (incoming) => {
    incoming.on('error', reject);
    let text = '';
    if (sent.endStream === true && incoming.headers['content-type']?.startsWith('text/event')) {
      resolve({
        status: incoming.statusCode ?? 0,
        headers: incoming.headers,
        text,
        body: undefined,
      });
      incoming.destroy();
      return;
    }
    incoming.setEncoding('utf8').on('data', (part: string) => (text += part));
    incoming.on('end', () => {
      const isJson = incoming.headers['content-type']?.startsWith('application/json') === true;
      const decoded = isJson ? (JSON.parse(text) as unknown) : undefined;
      resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text, body: decoded });
    });
  });
  outgoing.end(body);
  return await promise;
}

/** Writes bytes as they are and gives everything that comes back until the other side closes. */
export async function sendRaw(port: number, text: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('error', () => undefined);
  socket.setEncoding('latin1').on('data', (part) => (answer += String(part)));
  socket.on('close', () => {
    resolve(answer);
  });
  socket.write(text, 'latin1');
  return await promise;
}
