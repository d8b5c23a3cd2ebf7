// For tests of the command line: an io that remembers, a state folder with a stand-in daemon behind it, and
// the real launcher started the way a person with an old Node would.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { CommandIo } from '../../src/cli/command.ts';
import { openState } from '../../src/state.ts';

/** The launcher in this checkout. */
export const launcherFile = join(import.meta.dirname, '..', '..', 'src', 'sallyport');

/** A CommandIo and what was written to it. */
export interface RecordedIo extends CommandIo {
  readonly written: { out: string; err: string };
}

/** An io over this environment only. */
export function recordIo(env: Readonly<Record<string, string>> = {}): RecordedIo {
  const written = { out: '', err: '' };
  return {
    written,
    env,
    stdout: (text) => void (written.out += text),
    stderr: (text) => void (written.err += text),
  };
}

/** A folder that goes with the test. */
export function makeFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-unit-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What the stand-in answers to one request: status and JSON body. */
export type Answer = (method: string, path: string, body: unknown) => readonly [number, unknown];

/** One request as it came. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

/** A stand-in daemon: its state folder, and every request but those for health. */
export interface StandIn {
  readonly state: string;
  readonly seen: readonly SeenRequest[];
  /** The environment in which commands find it. */
  readonly env: Readonly<Record<string, string>>;
}

/** Addresses in the stand-in's control.json; nothing listens there. */
export const standInAddress = {
  http: 'http://127.0.0.1:4128',
  socks: 'socks5h://127.0.0.1:4129',
  gateway: 'http://127.0.0.1:4130/v1',
} as const;

/** Starts a control listener that answers by the given function, and writes the files that lead to it. */
export async function startStandIn(
  context: TestContext,
  answer: Answer = () => [404, { error: { code: 'not_found', message: 'no such thing' } }],
  file: Readonly<Record<string, unknown>> = {},
): Promise<StandIn> {
  const folder = join(makeFolder(context), 'state');
  const state = openState(folder);
  const seen: SeenRequest[] = [];
  const [server, door] = [0, 1].map(() =>
    createServer((incoming, outgoing) => void respond(incoming, outgoing, answer, seen)),
  ) as [Server, Server];
  const listening = [once(server, 'listening'), once(door, 'listening')];
  server.listen(0, '127.0.0.1');
  door.listen(state.socketPath);
  await Promise.all(listening);
  for (const each of [server, door]) {
    context.after(() => {
      each.closeAllConnections();
      each.close();
    });
  }
  const control = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const addresses = {
    pid: process.pid,
    ...standInAddress,
    control,
    socket: state.socketPath,
    ...file,
  };
  state.createSecret('token');
  state.writeAtomic('control.json', JSON.stringify(addresses));
  return {
    state: folder,
    seen,
    env: { SALLYPORT_STATE: folder, PATH: '/usr/bin:/bin', HOME: folder },
  };
}

async function respond(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  answer: Answer,
  seen: SeenRequest[],
): Promise<void> {
  let text = '';
  for await (const chunk of incoming) text += String(chunk);
  const { method = '', url = '' } = incoming;
  const body: unknown = text === '' ? undefined : JSON.parse(text);
  const isHealth = url === '/v1/health';
  if (!isHealth) seen.push({ method, path: url, body });
  const [status, reply] = isHealth ? [200, { ok: true }] : answer(method, url, body);
  outgoing.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(reply));
}

/** How a program ended and what it wrote. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a program to its end; `/usr/bin:/bin` stands for a machine whose `node` is an old one. */
export async function launch(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
  options: { readonly input?: string; readonly cwd?: string } = {},
): Promise<Ended> {
  const [program = '', ...args] = words;
  const child = spawn(program, args, {
    env: { PATH: '/usr/bin:/bin', HOME: tmpdir(), ...env },
    cwd: options.cwd ?? '/',
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, out, err };
}
