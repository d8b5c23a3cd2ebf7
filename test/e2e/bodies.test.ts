// Bodies of 1 GiB both ways through every door arrive whole, and the daemon holds none of them; an event
// stream through the gateway comes event by event.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import type net from 'node:net';
import { pipeline } from 'node:stream/promises';
import { after, before, describe, it } from 'node:test';
import { SocksClient } from 'socks';
import { createCountedBytes, hashOfCounted } from '../support/counted-bytes.ts';
import { removeFolder, startSallyport, type RunningDaemon } from '../support/daemon.ts';
import { hashOf, startHttpOrigin, type Origin } from '../support/origin.ts';
import { connectThrough } from '../support/proxy-client.ts';

const gibibyte = 1024 ** 3;
const growthLimit = 64 * 1024 ** 2;
const host = 'bulk.test';

/** How a door wants the request for a path of the origin. */
interface Door {
  readonly name: string;
  readonly options: (
    daemon: RunningDaemon,
    port: number,
    path: string,
  ) => http.RequestOptions | Promise<http.RequestOptions>;
}

const throughTunnel = (socket: net.Socket, path: string): http.RequestOptions => ({
  createConnection: () => socket,
  path,
  headers: { host },
});

const doors: readonly Door[] = [
  {
    name: 'CONNECT',
    options: async ({ http: door }, port, path) => {
      const { socket, answer } = connectThrough(door, `${host}:${port}`);
      assert.match(await answer, / 200 /);
      return throughTunnel(socket, path);
    },
  },
  {
    name: 'plain HTTP',
    options: ({ http: door }, port, path) => ({
      port: door,
      agent: false,
      path: `http://${host}:${port}${path}`,
      headers: { host: `${host}:${port}` },
    }),
  },
  {
    name: 'SOCKS5',
    options: async ({ socks }, port, path) => {
      const { socket } = await SocksClient.createConnection({
        proxy: { host: '127.0.0.1', port: socks, type: 5 },
        command: 'connect',
        destination: { host, port },
      });
      return throughTunnel(socket, path);
    },
  },
  {
    name: 'the gateway',
    options: ({ gateway }, _port, path) => ({ port: gateway, agent: false, path: `/v1${path}` }),
  },
];

/** Resident memory of a process in bytes: now, and the most it ever had. */
function memoryOf(pid: number | undefined): { readonly now: number; readonly most: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
  return { now: field('VmRSS'), most: field('VmHWM') };
}

describe('bodies', { timeout: 300_000 }, () => {
  let daemon: RunningDaemon;
  let origin: Origin;
  let atStart = 0;
  const expected = hashOfCounted(gibibyte);
  /** Lets the origin of the event stream say its next event. */
  let next = Promise.withResolvers<void>();

  before(async () => {
    origin = await startHttpOrigin((request, response) => {
      if (request.url === '/events')
        void sendEvents(response); // the test sees a broken stream
      else if (request.method === 'GET') {
        const bytes = Number(request.url?.slice(1));
        response.setHeader('content-length', bytes);
        pipeline(createCountedBytes(bytes), response).catch(() => undefined); // as above
      } else void hashOf(request).then((sum) => response.end(sum)); // as above
    });
    daemon = await startSallyport({
      hosts: { [host]: '127.0.0.1' },
      config: `[network]
allowed_domains = ["${host}", "127.0.0.1:${origin.port}"]
[gateway]
upstream = "http://${host}:${origin.port}"
`,
    });
    atStart = memoryOf(daemon.process.pid).now;
  });
  after(async () => {
    await origin.close();
    await daemon.stop();
    removeFolder(daemon.folder);
  });

  async function sendEvents(response: http.ServerResponse): Promise<void> {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    for (let index = 0; index < 20; index += 1) {
      await next.promise;
      next = Promise.withResolvers();
      response.write(`data: ${index}\n\n`);
    }
    response.end();
  }

  async function ask(
    door: Door,
    path: string,
    method: 'GET' | 'POST',
  ): Promise<http.ClientRequest> {
    const options = await door.options(daemon, origin.port, path);
    return http.request({ host: '127.0.0.1', method, ...options });
  }

  async function answerOf(request: http.ClientRequest): Promise<http.IncomingMessage> {
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    assert.equal(response.statusCode, 200);
    return response;
  }

  async function download(door: Door, bytes: number): Promise<string> {
    const request = await ask(door, `/${bytes}`, 'GET');
    request.end();
    return hashOf(await answerOf(request));
  }

  async function upload(door: Door, bytes: number): Promise<string> {
    const request = await ask(door, '/', 'POST');
    const answer = answerOf(request);
    await pipeline(createCountedBytes(bytes), request);
    const chunks: Buffer[] = [];
    for await (const chunk of await answer) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString();
  }

  for (const door of doors) {
    it(`of 1 GiB pass through ${door.name} both ways, and none of it stays`, async (context) => {
      const down = await download(door, gibibyte);
      const up = await upload(door, gibibyte);
      const { most } = memoryOf(daemon.process.pid);
      assert.deepEqual({ down, up }, { down: expected, up: expected });
      const growth = most - atStart;
      const words = `the daemon has grown by at most ${Math.round(growth / 1024 ** 2)} MiB since its start`;
      context.diagnostic(words);
      assert.ok(growth < growthLimit, words);
    });
  }

  it('of server-sent events pass through the gateway one by one', async () => {
    const gateway = doors.find(({ name }) => name === 'the gateway');
    assert.ok(gateway !== undefined);
    const request = await ask(gateway, '/events', 'GET');
    request.end();
    const response = await answerOf(request);
    const pieces: string[] = [];
    next.resolve();
    // Each event is asked for only when the one before it has arrived, so nothing may be kept back.
    for await (const piece of response) {
      pieces.push(String(piece));
      next.resolve();
    }
    assert.deepEqual(
      pieces,
      Array.from({ length: 20 }, (_, index) => `data: ${index}\n\n`),
    );
  });
});
