import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { type ServerResponse } from 'node:http';
import net, { type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { createTurns, type Turns } from '../../../src/proxy/turns.ts';

interface Served {
  readonly path: string;
  readonly response: ServerResponse;
  readonly signal: AbortSignal;
}

interface Bench {
  readonly turns: Turns;
  readonly served: Served[];
  /** Resolves once so many requests have had their turn. */
  readonly began: (count: number) => Promise<void>;
  readonly client: Socket;
  /** The server's end of the client's connection. */
  readonly socket: () => Socket;
}

const opened: (() => void)[] = [];
afterEach(() => {
  for (const close of opened.splice(0)) close();
});

async function bench(): Promise<Bench> {
  const turns = createTurns();
  const served: Served[] = [];
  const sockets: Socket[] = [];
  const server = http.createServer((message, response) => {
    turns.take(message, response, (signal) => {
      served.push({ path: message.url ?? '', response, signal });
      server.emit('served');
    });
  });
  server.on('connection', (socket: Socket) => sockets.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined); // a flood ends in a reset
  opened.push(() => {
    client.destroy();
    server.close();
    server.closeAllConnections();
  });
  return {
    turns,
    served,
    client,
    socket: () => sockets[0] as Socket, // asked for only once a request was served
    async began(count) {
      while (served.length < count) await once(server, 'served');
    },
  };
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;

describe('the turns of a connection', () => {
  it('come one after the other, in order', async () => {
    const { turns, served, began, client, socket } = await bench();
    client.write(get('/1') + get('/2') + get('/3'));
    await began(1);
    assert.equal(turns.current(socket())?.response, served[0]?.response);
    assert.equal(turns.waiting(socket()), 2);
    served[0]?.response.end();
    await began(2);
    served[1]?.response.end();
    await began(3);
    served[2]?.response.end();
    await once(served[2]?.response as ServerResponse, 'close');
    assert.deepEqual(
      served.map(({ path, signal }) => [path, signal.aborted]),
      [
        ['/1', false],
        ['/2', false],
        ['/3', false],
      ],
    );
    assert.equal(turns.current(socket()), undefined);
    assert.equal(turns.waiting(socket()), 0);
  });

  it('are read no further while 8 or more wait, and then go on (node:http once undid the pause)', async () => {
    const { turns, served, began, client, socket } = await bench();
    const paths = Array.from({ length: 40 }, (_, n) => `/${n + 1}`);
    client.write(paths.map(get).join('')); // in one read
    for (let n = 1; n <= 40; n += 1) {
      await began(n);
      assert.equal(socket().isPaused(), turns.waiting(socket()) >= 8, `at request ${n}`);
      served[n - 1]?.response.end();
    }
    assert.deepEqual(
      served.map(({ path }) => path),
      paths,
    );
  });

  it('end with the connection when more than a thousand wait', async () => {
    const { served, began, client } = await bench();
    client.write(get('/').repeat(1_500));
    await began(1);
    if (!client.closed) await once(client, 'close');
    assert.equal(served.length, 1);
    assert.equal(served[0]?.signal.aborted, true);
  });

  it('abort the one being served when the client leaves, and never begin those behind it', async () => {
    const { served, began, client } = await bench();
    client.write(get('/1') + get('/2'));
    await began(1);
    const { signal } = served[0] as Served;
    const aborted = once(signal, 'abort');
    client.destroy();
    await aborted;
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(served.length, 1);
  });

  it('know nothing of a connection that has asked for nothing', () => {
    const turns = createTurns();
    const socket = new net.Socket();
    assert.equal(turns.current(socket), undefined);
    assert.equal(turns.waiting(socket), 0);
  });
});
