import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { SocksClient } from 'socks';
import { SallyportError } from '../../../src/errors.ts';
import type { Gate } from '../../../src/gate.ts';
import type {
  Malformed,
  Decision,
  DecisionRequest,
  DenyReason,
  Permit,
  Refusal,
} from '../../../src/policy/decision.ts';
import { openListener } from '../../../src/proxy/listener.ts';
import { createLive, type ClosedRecord, type Live } from '../../../src/proxy/live.ts';
import { createSocksHandler, type SocksParts } from '../../../src/proxy/socks-listener.ts';
import { createPermit } from '../../support/permit.ts';

const greeting = [5, 1, 0];
const chosen = [5, 0];
const success = [5, 0, 0, 1, 0, 0, 0, 0, 0, 0];
const toName = (name: string, port = 443): number[] =>
  [[5, 1, 0, 3, name.length], [...Buffer.from(name, 'latin1')], [port >> 8, port & 255]].flat();
const replied = (rep: number): number[] => [5, rep, 0, 1, 0, 0, 0, 0, 0, 0];

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

interface Door {
  readonly port: number;
  readonly asked: DecisionRequest[];
  readonly signals: AbortSignal[];
  readonly malformed: Malformed[];
  readonly closed: ClosedRecord[];
  readonly bugs: unknown[];
  readonly live: Live;
  /** The door's own end of each connection. */
  readonly sockets: net.Socket[];
}

/** A SOCKS door on an ephemeral port; by default everything is allowed and dialled to `originPort`. */
async function openDoor(parts: Partial<SocksParts> & { originPort?: number }): Promise<Door> {
  const { originPort = 1 } = parts;
  const asked: DecisionRequest[] = [];
  const signals: AbortSignal[] = [];
  const malformed: Malformed[] = [];
  const closed: ClosedRecord[] = [];
  const bugs: unknown[] = [];
  const sockets: net.Socket[] = [];
  const live = createLive({ onClosed: (record) => closed.push(record), now: () => 0 });
  const gate = parts.gate ?? allow;
  const handle = createSocksHandler({
    dial: () => connectTo(originPort),
    live,
    onMalformed: (info) => {
      malformed.push(info);
      return Promise.resolve();
    },
    onBug: (error) => bugs.push(error),
    ...parts,
    gate: (request, signal) => {
      asked.push(request);
      signals.push(signal);
      return gate(request, signal);
    },
  });
  const listener = await openListener({
    kind: 'socks5',
    host: '127.0.0.1',
    port: 0,
    onSocket: (socket) => {
      sockets.push(socket);
      handle(socket);
    },
  });
  closers.push(() => listener.close(0));
  return { port: listener.port, asked, signals, malformed, closed, bugs, live, sockets };
}

const allow: Gate = (request) =>
  Promise.resolve(createPermit(request, { via: 'direct', addresses: ['127.0.0.1'] }));

function deny(request: DecisionRequest, reason: DenyReason): Refusal {
  return {
    outcome: 'deny',
    request,
    verdict: {
      outcome: 'deny',
      source: 'baseline_policy',
      reason,
      rule: undefined,
      grant: undefined,
    },
    hold: undefined,
  };
}

async function connectTo(port: number): Promise<net.Socket> {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
}

/** An origin that sends back what it gets and counts its connections. */
async function openEcho(): Promise<{ readonly port: number; readonly seen: net.Socket[] }> {
  const seen: net.Socket[] = [];
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    seen.push(socket);
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => {
    for (const socket of seen) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return { port: (server.address() as net.AddressInfo).port, seen };
}

/** Waits until a socket is closed, with or without an error. */
async function closing(socket: net.Socket): Promise<void> {
  if (socket.closed) return;
  await new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
  });
}

/** A client that keeps all it receives. */
class Client {
  readonly socket: net.Socket;
  #bytes = Buffer.alloc(0);
  constructor(port: number) {
    this.socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    this.socket.on('error', () => undefined);
    this.socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.socket.emit('grown');
    });
    closers.push(async () => {
      this.socket.destroy();
      await closing(this.socket);
    });
  }
  send(...bytes: (readonly number[])[]): void {
    this.socket.write(Uint8Array.from(bytes.flat()));
  }
  /** The next `length` bytes. */
  async take(length: number): Promise<number[]> {
    while (this.#bytes.length < length) await once(this.socket, 'grown');
    const taken = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return [...taken];
  }
  /** All bytes until the other side ends or resets. */
  async all(): Promise<number[]> {
    await this.gone();
    return [...this.#bytes];
  }
  /** Waits for a FIN or RST of the other side. */
  async gone(): Promise<void> {
    const { socket } = this;
    if (socket.readableEnded || socket.closed) return;
    await new Promise<void>((resolve) => {
      socket.once('end', resolve);
      socket.once('close', resolve);
    });
  }
}

/** A gate whose answer the test gives. */
function createHeldGate(): {
  readonly gate: Gate;
  readonly held: Promise<DecisionRequest>;
  readonly answer: (make: (request: DecisionRequest) => Decision) => void;
} {
  const held = Promise.withResolvers<DecisionRequest>();
  const decided = Promise.withResolvers<Decision>();
  return {
    gate: (request) => {
      held.resolve(request);
      return decided.promise;
    },
    held: held.promise,
    answer: (make) => void held.promise.then((request) => decided.resolve(make(request))),
  };
}

const direct = (request: DecisionRequest): Permit =>
  createPermit(request, { via: 'direct', addresses: ['127.0.0.1'] });

describe('the SOCKS door, when the gate allows', () => {
  const targets = [
    {
      name: 'a name, normalised',
      bytes: toName('Example.TEST.', 8443),
      destination: { protocol: 'socks5_tcp', host: 'example.test', kind: 'name', port: 8443 },
    },
    {
      name: 'an IPv4 address',
      bytes: [5, 1, 0, 1, 93, 184, 215, 14, 0, 80],
      destination: { protocol: 'socks5_tcp', host: '93.184.215.14', kind: 'ipv4', port: 80 },
    },
    {
      name: 'an IPv4 address written as a name',
      bytes: toName('93.184.215.14', 80),
      destination: { protocol: 'socks5_tcp', host: '93.184.215.14', kind: 'ipv4', port: 80 },
    },
    {
      name: 'an IPv6 address',
      bytes: [5, 1, 0, 4, 0x26, 0x06, ...Array<number>(13).fill(0), 1, 1, 187],
      destination: { protocol: 'socks5_tcp', host: '2606::1', kind: 'ipv6', port: 443 },
    },
    {
      name: 'an IPv4 address inside an IPv6 one',
      bytes: [5, 1, 0, 4, ...Array<number>(10).fill(0), 255, 255, 127, 0, 0, 1, 0, 80],
      destination: { protocol: 'socks5_tcp', host: '127.0.0.1', kind: 'ipv4', port: 80 },
    },
  ];
  for (const { name, bytes, destination } of targets) {
    it(`asks about ${name} and relays`, async () => {
      const echo = await openEcho();
      const door = await openDoor({ originPort: echo.port });
      const client = new Client(door.port);
      client.send(greeting);
      assert.deepEqual(await client.take(2), chosen);
      client.send(bytes);
      assert.deepEqual(await client.take(10), success);
      client.send([1, 2, 3]);
      assert.deepEqual(await client.take(3), [1, 2, 3]);
      assert.deepEqual(door.asked, [
        {
          destination,
          listener: 'socks5',
          method: 'none',
          form: 'tunnel',
          client: {
            address: '127.0.0.1',
            port: client.socket.localPort,
            localPort: door.port,
          },
        },
      ]);
    });
  }

  it('works byte by byte', async () => {
    const echo = await openEcho();
    const door = await openDoor({ originPort: echo.port });
    const client = new Client(door.port);
    for (const byte of [...greeting, ...toName('a.test'), 7]) {
      client.send([byte]);
      await new Promise(setImmediate);
    }
    assert.deepEqual(await client.take(13), [...chosen, ...success, 7]);
  });

  it('works all in one write, early bytes included', async () => {
    const echo = await openEcho();
    const door = await openDoor({ originPort: echo.port });
    const client = new Client(door.port);
    client.send(greeting, toName('a.test'), [22, 3, 1]);
    assert.deepEqual(await client.take(15), [...chosen, ...success, 22, 3, 1]);
  });

  it('passes a half-close on and records the bytes of both ways', async () => {
    const echo = await openEcho();
    const door = await openDoor({ originPort: echo.port });
    const client = new Client(door.port);
    client.send(greeting, toName('a.test'));
    await client.take(12);
    const ended = closing(client.socket);
    client.socket.end(Uint8Array.of(1, 2, 3, 4));
    assert.deepEqual(await client.all(), [1, 2, 3, 4]);
    await ended;
    while (door.closed.length === 0) await new Promise(setImmediate);
    assert.equal(door.live.count, 0);
    const [record] = door.closed;
    assert.ok(record);
    assert.deepEqual(
      [record.reason, record.bytesUp, record.bytesDown, record.remoteAddress],
      ['client_closed', 4, 4, '127.0.0.1'],
    );
  });

  it('serves a real SOCKS client', async () => {
    const echo = await openEcho();
    const door = await openDoor({ originPort: echo.port });
    const { socket } = await SocksClient.createConnection({
      proxy: { host: '127.0.0.1', port: door.port, type: 5 },
      command: 'connect',
      destination: { host: 'real.test', port: 443 },
    });
    socket.write('hello');
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    assert.equal(chunk.toString(), 'hello');
    socket.destroy();
    assert.equal(door.asked[0]?.destination.host, 'real.test');
  });
});

describe('the SOCKS door, while the question is open', () => {
  it('connects nowhere and answers nothing, then sends the early bytes first', async () => {
    const echo = await openEcho();
    const question = createHeldGate();
    let dials = 0;
    const door = await openDoor({
      gate: question.gate,
      dial: () => {
        dials += 1;
        return connectTo(echo.port);
      },
    });
    const client = new Client(door.port);
    client.send(greeting, toName('a.test'), [1, 2]);
    assert.deepEqual(await client.take(2), chosen);
    await question.held;
    client.send([3]);
    const [socket] = door.sockets;
    assert.ok(socket);
    while (socket.bytesRead < 16) await new Promise(setImmediate);
    assert.deepEqual([dials, echo.seen.length, socket.bytesWritten], [0, 0, 2]);
    question.answer(direct);
    assert.deepEqual(await client.take(13), [...success, 1, 2, 3]);
  });

  it('stops reading at 64 KiB of early bytes and loses none of them', async () => {
    const echo = await openEcho();
    const question = createHeldGate();
    const door = await openDoor({ gate: question.gate, originPort: echo.port });
    const client = new Client(door.port);
    client.send(greeting, toName('a.test'));
    await client.take(2);
    await question.held;
    const [socket] = door.sockets;
    assert.ok(socket);
    const paused = once(socket, 'pause');
    const early = Buffer.alloc(1024 * 1024, 'early bytes ');
    client.socket.write(early);
    await paused;
    assert.ok(socket.bytesRead < 256 * 1024, `${String(socket.bytesRead)} bytes were read`);
    question.answer(direct);
    assert.deepEqual(await client.take(10), success);
    assert.ok(Buffer.from(await client.take(early.length)).equals(early));
  });

  for (const [how, leave] of [
    ['closes its side', (socket: net.Socket) => void socket.end()],
    ['resets', (socket: net.Socket) => void socket.resetAndDestroy()],
  ] as const) {
    it(`ends the wait when the client ${how}`, async () => {
      const question = createHeldGate();
      const door = await openDoor({ gate: question.gate });
      const client = new Client(door.port);
      client.send(greeting, toName('a.test'));
      await question.held;
      const [signal] = door.signals;
      assert.ok(signal);
      leave(client.socket);
      if (!signal.aborted) await once(signal, 'abort');
      question.answer((request) => deny(request, 'client_gone'));
      const [socket] = door.sockets;
      assert.ok(socket);
      await closing(socket);
    });
  }

  it('dials nothing for a client that left although it was allowed meanwhile', async () => {
    const question = createHeldGate();
    const signals: AbortSignal[] = [];
    const door = await openDoor({
      gate: question.gate,
      dial: (_permit, signal) => {
        signals.push(signal);
        return Promise.reject(new SallyportError('ERR_UPSTREAM_TIMEOUT', 'aborted'));
      },
    });
    const client = new Client(door.port);
    client.send(greeting, toName('a.test'));
    await question.held;
    const [asked] = door.signals;
    assert.ok(asked);
    client.socket.end();
    if (!asked.aborted) await once(asked, 'abort');
    question.answer(direct);
    await client.gone();
    assert.deepEqual(
      signals.map((signal) => signal.aborted),
      [true],
    );
    assert.deepEqual(
      door.closed.map((record) => record.reason),
      ['client_closed'],
    );
  });
});

describe('the SOCKS door, when the gate refuses', () => {
  it('answers 02, reads away the early bytes and closes', async () => {
    const door = await openDoor({ gate: (request) => Promise.resolve(deny(request, 'denied')) });
    const client = new Client(door.port);
    client.send(greeting, toName('a.test'), [1, 2, 3]);
    assert.deepEqual(await client.all(), [...chosen, ...replied(2)]);
    assert.deepEqual([door.live.count, door.malformed.length], [0, 0]);
  });

  it('tells a real SOCKS client so', async () => {
    const door = await openDoor({ gate: (request) => Promise.resolve(deny(request, 'denied')) });
    await assert.rejects(
      SocksClient.createConnection({
        proxy: { host: '127.0.0.1', port: door.port, type: 5 },
        command: 'connect',
        destination: { host: 'denied.test', port: 443 },
      }),
      /NotAllowed/,
    );
  });

  it('closes and reports when the gate itself fails', async () => {
    const broken = new Error('broken');
    const door = await openDoor({ gate: () => Promise.reject(broken) });
    const client = new Client(door.port);
    client.send(greeting, toName('a.test'));
    await client.gone();
    assert.deepEqual(door.bugs, [broken]);
  });
});

describe('the SOCKS door, when the dial fails', () => {
  const failures = [
    { error: new SallyportError('ERR_UPSTREAM_REFUSED', 'no'), rep: 5, bugs: 0 },
    { error: new SallyportError('ERR_UPSTREAM_TIMEOUT', 'no'), rep: 4, bugs: 0 },
    { error: new SallyportError('ERR_DNS_FAILED', 'no'), rep: 4, bugs: 0 },
    { error: new SallyportError('ERR_PARENT_FAILED', 'no'), rep: 1, bugs: 0 },
    { error: new TypeError('not one of ours'), rep: 1, bugs: 1 },
  ];
  for (const { error, rep, bugs } of failures) {
    it(`answers ${String(rep)} to ${error instanceof SallyportError ? error.code : error.name}`, async () => {
      const door = await openDoor({ dial: () => Promise.reject(error) });
      const client = new Client(door.port);
      client.send(greeting, toName('a.test'));
      assert.deepEqual(await client.all(), [...chosen, ...replied(rep)]);
      assert.deepEqual(
        door.closed.map((record) => record.reason),
        ['error'],
      );
      assert.equal(door.bugs.length, bugs);
    });
  }

  it('frees the upstream when the client leaves during the dial', async () => {
    const echo = await openEcho();
    const dialled = Promise.withResolvers<AbortSignal>();
    const connected = Promise.withResolvers<net.Socket>();
    const door = await openDoor({
      dial: (_permit, signal) => {
        dialled.resolve(signal);
        return connected.promise;
      },
    });
    const client = new Client(door.port);
    client.send(greeting, toName('a.test'));
    const signal = await dialled.promise;
    client.socket.end();
    if (!signal.aborted) await once(signal, 'abort');
    const upstream = await connectTo(echo.port);
    connected.resolve(upstream);
    await closing(upstream);
    assert.deepEqual(
      door.closed.map((record) => record.reason),
      ['client_closed'],
    );
  });

  it('stops a dial that a new policy no longer allows', async () => {
    const dialled = Promise.withResolvers<void>();
    const door = await openDoor({
      dial: (_permit, signal) => {
        dialled.resolve();
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('aborted')));
        });
      },
    });
    const client = new Client(door.port);
    client.send(greeting, toName('a.test'));
    await dialled.promise;
    assert.equal(
      door.live.rejudge(() => false),
      1,
    );
    await client.gone();
    assert.deepEqual(
      door.closed.map((record) => record.reason),
      ['policy_changed'],
    );
    assert.deepEqual(door.bugs, []);
  });
});

describe('the SOCKS door, when the bytes are wrong', () => {
  const cases: { name: string; bytes: number[]; answer: number[]; what: string; text?: string }[] =
    [
      {
        name: 'closes on SOCKS4',
        bytes: [4, 1, 0, 80],
        answer: [],
        what: 'the version is not 5',
      },
      {
        name: 'closes on HTTP',
        bytes: [...Buffer.from('GET / HTTP/1.1\r\n\r\n')],
        answer: [],
        what: 'the version is not 5',
      },
      {
        name: 'answers 05 FF without a method of ours',
        bytes: [5, 1, 2],
        answer: [5, 255],
        what: 'the method "no authentication" is not offered',
      },
      {
        name: 'answers 07 to BIND',
        bytes: [...greeting, 5, 2, 0, 1, 1, 2, 3, 4, 0, 80],
        answer: [...chosen, ...replied(7)],
        what: 'the command is not CONNECT',
      },
      {
        name: 'answers 07 to UDP ASSOCIATE',
        bytes: [...greeting, 5, 3, 0, 1, 0, 0, 0, 0, 0, 0],
        answer: [...chosen, ...replied(7)],
        what: 'the command is not CONNECT',
      },
      {
        name: 'answers 08 to an unknown address type',
        bytes: [...greeting, 5, 1, 0, 9],
        answer: [...chosen, ...replied(8)],
        what: 'the address type is unknown',
      },
      {
        name: 'answers 02 to a name with bytes above ASCII, and shows it to the record whole',
        bytes: [...greeting, ...toName('b\xfccher.example')],
        answer: [...chosen, ...replied(2)],
        what: 'the name is empty or has bytes in it that no host name has',
        text: 'b\xfccher.example',
      },
      {
        name: 'answers 02 to port 0',
        bytes: [...greeting, ...toName('a.test', 0)],
        answer: [...chosen, ...replied(2)],
        what: 'the port is 0',
      },
    ];
  for (const { name, bytes, answer, what, text } of cases) {
    it(name, async () => {
      const door = await openDoor({});
      const client = new Client(door.port);
      client.send(bytes);
      const port = (await once(client.socket, 'connect').then(() => client.socket.localPort)) ?? 0;
      assert.deepEqual(await client.all(), answer);
      assert.deepEqual(door.malformed, [
        {
          listener: 'socks5',
          client: { address: '127.0.0.1', port, localPort: door.port },
          what,
          text: text ?? '',
        },
      ]);
      assert.deepEqual(door.asked, []);
    });
  }

  it('answers 02 to a name the policy cannot read, and asks nobody', async () => {
    const door = await openDoor({});
    const client = new Client(door.port);
    client.send(greeting, toName('0x7f.1'));
    assert.deepEqual(await client.all(), [...chosen, ...replied(2)]);
    assert.deepEqual(
      door.malformed.map((info) => info.text),
      ['0x7f.1'],
    );
    assert.deepEqual(door.asked, []);
  });

  it('refuses all the same when nothing can be recorded', async () => {
    const door = await openDoor({ onMalformed: () => Promise.reject(new Error('disk full')) });
    const client = new Client(door.port);
    client.send([5, 1, 2]);
    assert.deepEqual(await client.all(), [5, 255]);
    assert.deepEqual(door.bugs, []);
  });

  it('closes a handshake that takes too long', async () => {
    const door = await openDoor({ handshakeMs: 20 });
    const client = new Client(door.port);
    client.send(greeting);
    assert.deepEqual(await client.take(2), chosen);
    await client.gone();
    assert.deepEqual([door.asked, door.malformed], [[], []]);
  });

  it('frees a client that leaves in the middle of the handshake', async () => {
    const door = await openDoor({});
    const client = new Client(door.port);
    client.send(greeting, [5, 1]);
    await client.take(2);
    client.socket.end();
    await client.gone();
    assert.deepEqual([door.asked, door.malformed], [[], []]);
  });

  it('closes a connection that is gone before it is served', async () => {
    const door = await openDoor({});
    const gone = new net.Socket();
    createSocksHandler({
      gate: allow,
      dial: () => Promise.reject(new Error('never')),
      live: door.live,
      onMalformed: () => Promise.resolve(),
    })(gone);
    assert.equal(gone.destroyed, true);
  });
});
