// The load generator, in a process of its own: does one job at a time and reports. Every answer is compared
// with what it must be; anything else fails the job.
import net from 'node:net';
import type {
  AskJob,
  BulkJob,
  Done,
  ExchangeJob,
  HoldJob,
  HttpJob,
  Job,
  Order,
  Way,
} from './jobs.ts';
import type { Report } from './jobs.ts';

const payload = Buffer.from('0123456789abcdef'.repeat(4));
const block = Buffer.alloc(1024 * 1024, 'sallyport');
const established = 'HTTP/1.1 200 Connection Established\r\n\r\n';
const patienceMs = 20_000;
const held = new Set<net.Socket>();

/** Reads replies of known length from one socket, without a promise for each chunk. */
class Wire {
  readonly socket: net.Socket;
  #text = '';
  #wanted = 0;
  #done: ((text: string) => void) | undefined;
  #fail: ((error: Error) => void) | undefined;

  constructor(port: number) {
    this.socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket.setTimeout(patienceMs, () => this.#broken(new Error('no answer in time')));
    this.socket.on('data', (data: Buffer) => {
      this.#text += data.toString('latin1');
      this.#check();
    });
    this.socket.on('error', (error) => this.#broken(error));
    this.socket.on('close', () => this.#broken(new Error(`closed after ${show(this.#text)}`)));
  }

  /** Writes, and gives the next `length` bytes. */
  ask(bytes: string | Uint8Array, length: number): Promise<string> {
    this.#wanted = length;
    this.socket.write(bytes);
    return new Promise((resolve, reject) => {
      this.#done = resolve;
      this.#fail = reject;
      this.#check();
    });
  }

  #check(): void {
    const done = this.#done;
    if (done === undefined || this.#text.length < this.#wanted) return;
    const text = this.#text.slice(0, this.#wanted);
    this.#text = this.#text.slice(this.#wanted);
    this.#done = undefined;
    done(text);
  }

  #broken(error: Error): void {
    this.socket.destroy();
    if (this.#done === undefined) return;
    this.#done = undefined;
    this.#fail?.(error);
  }
}

function show(text: string): string {
  return JSON.stringify(text.slice(0, 200));
}

function expect(got: string, wanted: string): void {
  if (got !== wanted) throw new Error(`got ${show(got)} instead of ${show(wanted)}`);
}

/** A connection to the far end, tunnelled where the way says so. */
async function open(way: Way, host?: string): Promise<Wire> {
  if (way.via === 'direct') return new Wire(way.port);
  const wire = new Wire(way.proxyPort);
  const name = host ?? way.host;
  if (way.via === 'connect') {
    const request = `CONNECT ${name}:${way.port} HTTP/1.1\r\nHost: ${name}:${way.port}\r\n\r\n`;
    expect(await wire.ask(request, established.length), established);
  } else if (way.via === 'socks') {
    expect(await wire.ask(Uint8Array.of(5, 1, 0), 2), '\x05\x00');
    const reply = await wire.ask(socksRequest(name, way.port), 10);
    expect(reply.slice(0, 2), '\x05\x00');
  }
  return wire;
}

function socksRequest(host: string, port: number): Buffer {
  return Buffer.concat([
    Buffer.of(5, 1, 0, 3, host.length),
    Buffer.from(host, 'latin1'),
    Buffer.of(port >> 8, port & 255),
  ]);
}

/** Runs `count` pieces of work, `concurrency` at a time, and times each. */
async function many(
  count: number,
  concurrency: number,
  work: (index: number) => Promise<void>,
): Promise<Done> {
  const latenciesMs: number[] = [];
  let next = 0;
  const start = performance.now();
  const lane = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const from = performance.now();
      await work(index);
      latenciesMs.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  return { wallMs: performance.now() - start, latenciesMs, statuses: [] };
}

function exchange({ way, concurrency, count, hosts }: ExchangeJob): Promise<Done> {
  return many(count, concurrency, async (index) => {
    const wire = await open(way, hosts?.[index % hosts.length]);
    expect(await wire.ask(payload, payload.length), payload.toString('latin1'));
    wire.socket.destroy();
  });
}

async function http({ way, keepAlive, concurrency, count }: HttpJob): Promise<Done> {
  const authority = way.via === 'direct' ? `127.0.0.1:${way.port}` : `${way.host}:${way.port}`;
  const target = way.via === 'http' ? `http://${authority}/` : '/';
  const close = keepAlive ? '' : 'Connection: close\r\n';
  const request = `GET ${target} HTTP/1.1\r\nHost: ${authority}\r\n${close}\r\n`;
  const first = await openHttp(way);
  const length = await answerLength(first, request);
  const lanes: Wire[] = [];
  const done = await many(count, concurrency, async (index) => {
    const lane = index < concurrency ? undefined : lanes.pop();
    const wire = keepAlive && lane !== undefined ? lane : await openHttp(way);
    const answer = await wire.ask(request, length);
    if (!answer.startsWith('HTTP/1.1 200 OK\r\n')) throw new Error(`got ${show(answer)}`);
    if (keepAlive) lanes.push(wire);
    else wire.socket.destroy();
  });
  for (const wire of lanes) wire.socket.destroy();
  return done;
}

function openHttp(way: Way): Promise<Wire> {
  return way.via === 'direct' ? open(way) : Promise.resolve(new Wire(way.proxyPort));
}

/** How long this answer is, head and body; the same for every request of the job. */
async function answerLength({ socket }: Wire, request: string): Promise<number> {
  socket.write(request);
  const text = await new Promise<string>((resolve, reject) => {
    let all = '';
    socket.on('data', (data: Buffer) => {
      all += data.toString('latin1');
      if (all.endsWith('\r\n\r\n' + 'x'.repeat(64))) resolve(all);
    });
    socket.on('close', () => reject(new Error(`closed after ${show(all)}`)));
  });
  socket.destroy();
  expect(text.slice(0, 17), 'HTTP/1.1 200 OK\r\n');
  return text.length;
}

async function bulk({ way, direction, tunnels, mebibytes }: BulkJob): Promise<Done> {
  const sockets: net.Socket[] = [];
  for (let index = 0; index < tunnels; index += 1) {
    const { socket } = await open(way);
    socket.removeAllListeners('data');
    socket.removeAllListeners('close');
    sockets.push(socket);
  }
  const move = direction === 'down' ? fetchBytes : pushBytes;
  const start = performance.now();
  const counts = await Promise.all(sockets.map((socket) => move(socket, mebibytes)));
  const wallMs = performance.now() - start;
  for (const socket of sockets) socket.destroy();
  for (const count of counts) expect(String(count), String(mebibytes * 1024 * 1024));
  return { wallMs, latenciesMs: [], statuses: [] };
}

function fetchBytes(socket: net.Socket, mebibytes: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let bytes = 0;
    socket.on('data', (data: Buffer) => (bytes += data.length));
    socket.on('end', () => resolve(bytes));
    socket.on('error', reject);
    socket.write(`${mebibytes}\n`);
  });
}

function pushBytes(socket: net.Socket, mebibytes: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = '';
    let left = mebibytes;
    socket.on('data', (data: Buffer) => (text += data.toString('latin1')));
    socket.on('end', () => resolve(Number(text)));
    socket.on('error', reject);
    const more = (): void => {
      while (left > 0) {
        left -= 1;
        if (!socket.write(block)) return;
      }
      socket.off('drain', more);
      socket.end();
    };
    socket.on('drain', more);
    more();
  });
}

async function hold({ way, count }: HoldJob): Promise<Done> {
  return many(count, 16, async () => {
    const wire = await open(way);
    expect(await wire.ask(payload, payload.length), payload.toString('latin1'));
    wire.socket.setTimeout(0);
    held.add(wire.socket);
  });
}

async function drop(): Promise<Done> {
  const closed = [...held].map(
    (socket) => new Promise((resolve) => void socket.once('close', resolve)),
  );
  for (const socket of held) socket.destroy();
  held.clear();
  await Promise.all(closed);
  return { wallMs: 0, latenciesMs: [], statuses: [] };
}

async function ask({ way, hosts }: AskJob): Promise<Done> {
  if (way.via !== 'connect') throw new Error('only CONNECT is asked this way');
  const start = performance.now();
  const statuses = await Promise.all(
    hosts.map(async (name) => {
      const wire = new Wire(way.proxyPort);
      const authority = `${name}:${way.port}`;
      const line = await wire.ask(
        `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`,
        12,
      );
      wire.socket.destroy();
      return Number(line.slice(9));
    }),
  );
  return { wallMs: performance.now() - start, latenciesMs: [], statuses };
}

function perform(job: Job): Promise<Done> {
  switch (job.kind) {
    case 'exchange':
      return exchange(job);
    case 'http':
      return http(job);
    case 'bulk':
      return bulk(job);
    case 'hold':
      return hold(job);
    case 'ask':
      return ask(job);
    case 'drop':
      return drop();
    default:
      return job satisfies never;
  }
}

process.on('disconnect', () => process.exit(0));
process.on('message', ({ id, job }: Order) => {
  const report = (message: Report): void => void process.send?.(message);
  perform(job).then(
    (done) => report({ id, done }),
    (error: unknown) => report({ id, error: error instanceof Error ? error.message : 'unknown' }),
  );
});
process.send?.('ready');
