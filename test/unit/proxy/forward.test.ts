import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { describe, it } from 'node:test';
import { SallyportError } from '../../../src/errors.ts';
import type { Parent } from '../../../src/policy/decision.ts';
import type { ClosedRecord } from '../../../src/proxy/live.ts';
import {
  connectRaw,
  openDoor,
  permitFor,
  type Door,
  type DoorOptions,
  type RawClient,
} from '../../support/http-door.ts';
import { startHttpOrigin, startTcpOrigin, type Origin } from '../../support/origin.ts';

async function withDoor(
  origin: Origin,
  options: DoorOptions,
  run: (door: Door, host: string) => Promise<void>,
): Promise<void> {
  const door = await openDoor(options);
  try {
    await run(door, `127.0.0.1:${origin.port}`);
    assert.deepEqual(door.bugs, []);
    assert.equal(door.live.count, 0);
  } finally {
    await door.close();
    await origin.idle();
    await origin.close();
  }
}

function get(host: string, path = '/', fields = ''): string {
  return `GET http://${host}${path} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`;
}

/** An origin that answers each request on a connection with the bytes of the test. */
function startCanned(answer: string, then: 'stay' | 'end' | 'reset' = 'stay'): Promise<Origin> {
  return startTcpOrigin((socket) => {
    socket.on('error', () => undefined);
    socket.on('end', () => socket.end());
    socket.on('data', () => {
      socket.write(answer, 'latin1', () => {
        if (then === 'end') socket.end();
        if (then === 'reset') setImmediate(() => socket.resetAndDestroy());
      });
    });
  });
}

describe('forwarding a plain request', () => {
  it('rebuilds Host, keeps what is end to end and drops what is not', async () => {
    const heads: (readonly string[])[] = [];
    const origin = await startHttpOrigin((request, response) => {
      heads.push([request.method ?? '', request.url ?? '', ...request.rawHeaders]);
      response.writeHead(200, 'Fine', [
        ['X-One', 'a'],
        ['Set-Cookie', 'b'],
        ['Set-Cookie', 'c'],
        ['Proxy-Authenticate', 'Basic'],
        ['X-Hop', 'gone'],
        ['Connection', 'X-Hop'],
        ['Date', 'yesterday'],
        ['Content-Length', '2'],
      ] as never);
      response.end('ok');
    });
    await withDoor(origin, {}, async (door, host) => {
      const client = await connectRaw(
        door.port,
        `GET HTTP://${host}/a%2Fb?q=1 HTTP/1.1\r\nHOST: ${host}\r\nX-Kept: 1\r\nx-kept: 2\r\nProxy-Authorization: Basic c2VjcmV0\r\nProxy-Connection: keep-alive\r\nConnection: X-Named, Host\r\nX-Named: hop\r\nTE: trailers\r\nKeep-Alive: 5\r\n\r\n`,
      );
      await client.until(/ok$/);
      assert.deepEqual(heads, [
        [
          'GET',
          '/a%2Fb?q=1',
          'host',
          host,
          'connection',
          'keep-alive',
          'X-Kept',
          '1',
          'x-kept',
          '2',
        ],
      ]);
      assert.equal(
        client.text(),
        'HTTP/1.1 200 Fine\r\nX-One: a\r\nSet-Cookie: b\r\nSet-Cookie: c\r\nDate: yesterday\r\nContent-Length: 2\r\nConnection: keep-alive\r\nKeep-Alive: timeout=600\r\n\r\nok',
      );
      client.socket.destroy();
    });
  });

  it('leaves port 80 out of Host', async () => {
    const hosts: (string | undefined)[] = [];
    const origin = await startHttpOrigin((request, response) => {
      hosts.push(request.headers.host);
      response.end('ok');
    });
    const dial: DoorOptions['dial'] = async () => {
      const { socket } = await connectRaw(origin.port);
      socket.removeAllListeners('data');
      return socket.pause();
    };
    await withDoor(origin, { dial }, async (door) => {
      const client = await connectRaw(door.port, get('a.test:80'));
      await client.until(/ok/);
      client.send(get('[2001:db8::1]'));
      await client.until(/ok[^]*ok/);
      client.socket.destroy();
      assert.deepEqual(hosts, ['a.test', '[2001:db8::1]']);
    });
  });

  it('keeps connections for the same place and addresses, and only those', async () => {
    const origin = await startHttpOrigin((_request, response) => response.end('ok'));
    let addresses = ['127.0.0.1'];
    const decide: DoorOptions['decide'] = async (request) =>
      permitFor(request, { via: 'direct', addresses });
    await withDoor(origin, { decide }, async (door, host) => {
      const ask = async (client: RawClient, count: number): Promise<void> => {
        client.send(get(host));
        await client.until(new RegExp(`(ok[^]*){${count}}`));
      };
      const client = await connectRaw(door.port);
      await ask(client, 1);
      await ask(client, 2);
      assert.equal(door.dialled.length, 1, 'the second request dialled again');
      addresses = ['127.0.0.1', '127.0.0.2'];
      await ask(client, 3);
      assert.equal(door.dialled.length, 2, 'an address of an older permit was used');
      client.socket.destroy();
    });
  });

  it('streams a body up and its answer down, chunked both ways, with the trailer of the answer', async () => {
    const origin = await startHttpOrigin((request, response) => {
      response.writeHead(200, { Trailer: 'X-Sum' });
      request.on('data', (chunk: Buffer) => response.write(chunk));
      request.on('end', () => {
        response.addTrailers({ 'X-Sum': '42' });
        response.end();
      });
    });
    await withDoor(origin, {}, async (door, host) => {
      const client = await connectRaw(
        door.port,
        `POST http://${host}/ HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n`,
      );
      client.send('3\r\none\r\n');
      await client.until(/\r\none\r\n/); // answered before the body is whole
      client.send('5\r\n three\r\n0\r\nX-Up: dropped\r\n\r\n'.replace('5', '6'));
      await client.until(/0\r\nX-Sum: 42\r\n\r\n$/);
      client.socket.destroy();
    });
  });

  it('shows the head of a silent event stream at once and each event as it comes', async () => {
    const next = Promise.withResolvers<void>();
    const origin = await startHttpOrigin((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.flushHeaders();
      void next.promise.then(() => response.write('data: 1\n\n'));
    });
    await withDoor(origin, {}, async (door, host) => {
      const client = await connectRaw(door.port, get(host));
      await client.until(/text\/event-stream[^]*\r\n\r\n/);
      next.resolve();
      await client.until(/data: 1\n\n/);
      const closed = once(door.events, 'closed') as Promise<[ClosedRecord]>;
      client.socket.destroy();
      assert.equal((await closed)[0].reason, 'client_closed');
    });
  });

  it('passes interim answers on to HTTP/1.1 and not to HTTP/1.0', async () => {
    const answer =
      'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
    await withDoor(await startCanned(answer), {}, async (door, host) => {
      const client = await connectRaw(door.port, get(host));
      assert.match(
        await client.until(/ok$/),
        /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a>\r\n\r\nHTTP\/1\.1 200 OK\r\n/,
      );
      const old = await connectRaw(door.port, `GET http://${host}/ HTTP/1.0\r\n\r\n`);
      assert.match(await old.ended(), /^HTTP\/1\.1 200 OK\r\n/);
      client.socket.destroy();
    });
  });

  it('ends an answer without a length by the close for an HTTP/1.0 client', async () => {
    const answer = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n';
    await withDoor(await startCanned(answer), {}, async (door, host) => {
      const client = await connectRaw(door.port, `GET http://${host}/ HTTP/1.0\r\n\r\n`);
      const text = await client.ended();
      assert.match(text, /\r\n\r\nhi$/);
      assert.doesNotMatch(text, /transfer-encoding/i);
    });
  });

  for (const [name, answer] of [
    ['204', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['304', 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n'],
  ] as const) {
    it(`relays a ${name} without a body and goes on`, async () => {
      await withDoor(await startCanned(answer), {}, async (door, host) => {
        const client = await connectRaw(door.port, get(host));
        await client.until(/\r\n\r\n$/);
        client.send(get(host));
        await client.until(/\r\n\r\nHTTP[^]*\r\n\r\n$/);
        assert.equal(client.text().match(new RegExp(`HTTP/1.1 ${name} `, 'g'))?.length, 2);
        client.socket.destroy();
      });
    });
  }

  it('relays the length in the answer to a HEAD and no body', async () => {
    const origin = await startHttpOrigin((_request, response) => {
      response.setHeader('Content-Length', '1000');
      response.end();
    });
    await withDoor(origin, {}, async (door, host) => {
      const client = await connectRaw(
        door.port,
        `HEAD http://${host}/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
      );
      assert.match(await client.until(/\r\n\r\n$/), /Content-Length: 1000\r\n/);
      client.socket.destroy();
    });
  });

  it('follows no redirect and leaves a coded body as it is', async () => {
    const answer =
      'HTTP/1.1 302 Found\r\nLocation: http://b.test/\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\xff\xfe\xfd\xfc';
    await withDoor(await startCanned(answer), {}, async (door, host) => {
      const client = await connectRaw(door.port, get(host));
      await client.until(/Location: http:\/\/b\.test\/[^]*\xff\xfe\xfd\xfc$/);
      assert.equal(door.requests.length, 1);
      client.socket.destroy();
    });
  });

  const invalid: readonly (readonly [string, string])[] = [
    [
      'both framings',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
    ],
    [
      'both framings the other way round',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
    ],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi'],
    ['a negative length', 'HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nhi'],
    ['an unknown transfer coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhi'],
    [
      'a list of transfer codings',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
    ],
    ['a bare LF', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nhi'],
    ['a bare CR', 'HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 2\r\n\r\nhi'],
    ['NUL in a field', 'HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nhi'],
    ['a folded field', 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nhi'],
    [
      'a 101 with an upgrade',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhi',
    ],
    [
      'a bare 101',
      'HTTP/1.1 101 Switching Protocols\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi',
    ],
    ['status 000', 'HTTP/1.1 000 What\r\nContent-Length: 2\r\n\r\nhi'],
    ['status 99', 'HTTP/1.1 99 What\r\nContent-Length: 2\r\n\r\nhi'],
    ['no HTTP at all', 'SSH-2.0-OpenSSH\r\n'],
    ['interim answers without end', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(100)],
    ['a head above 64 KiB', `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(70_000)}\r\n\r\n`],
  ];
  for (const [name, answer] of invalid) {
    it(`makes an answer with ${name} a 502 and throws the connection away`, async () => {
      const origin = await startCanned(answer);
      await withDoor(origin, {}, async (door, host) => {
        const client = await connectRaw(door.port, get(host));
        const text = await client.until(/HTTP\/1\.1 502 [^]*upstream failure/);
        assert.doesNotMatch(text, /x-proxy-error|HTTP\/1\.1 (?:200|101)/i);
        client.send(get(host));
        await client.until(/502[^]*upstream failure[^]*502[^]*upstream failure/);
        assert.equal(door.dialled.length, 2, 'the connection was used again');
        client.socket.destroy();
      });
    });
  }

  it('throws a connection away on which more than the answer came', async () => {
    const surplus = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';
    await withDoor(
      await startCanned(surplus + surplus.replace('hi', 'no')),
      {},
      async (door, host) => {
        const client = await connectRaw(door.port, get(host));
        await client.until(/hi$/);
        client.send(get(host));
        await client.until(/hi[^]*hi$/);
        assert.doesNotMatch(client.text(), /no$/);
        assert.equal(door.dialled.length, 2);
        client.socket.destroy();
      },
    );
  });

  for (const [name, answer, then] of [
    ['cut short of its length', 'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhi', 'end'],
    [
      'cut within its chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n',
      'end',
    ],
    [
      'with a bad chunk',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\nzz\r\n',
      'stay',
    ],
    ['without a length that is reset', 'HTTP/1.1 200 OK\r\n\r\nhi', 'reset'],
  ] as const) {
    it(`resets the client when the answer is ${name}, so that it is not taken for whole`, async () => {
      await withDoor(await startCanned(answer, then), {}, async (door, host) => {
        const closed = once(door.events, 'closed') as Promise<[ClosedRecord]>;
        const client = await connectRaw(door.port, get(host));
        assert.equal(await client.gone(), 'ECONNRESET');
        assert.equal((await closed)[0].reason, 'upstream_reset');
      });
    });
  }

  it('takes an answer without a length for whole when the connection is closed in order', async () => {
    await withDoor(
      await startCanned('HTTP/1.1 200 OK\r\n\r\nhi', 'end'),
      {},
      async (door, host) => {
        const client = await connectRaw(door.port, get(host));
        await client.until(/2\r\nhi\r\n0\r\n\r\n$/);
        client.socket.destroy();
      },
    );
  });

  for (const [code, status] of [
    ['ERR_UPSTREAM_REFUSED', 502],
    ['ERR_UPSTREAM_TIMEOUT', 504],
    ['ERR_DNS_FAILED', 502],
    ['ERR_DNS_TIMEOUT', 504],
  ] as const) {
    it(`answers ${status} when the dial fails with ${code} and keeps the client's connection`, async () => {
      const origin = await startCanned('');
      const dial: DoorOptions['dial'] = () => Promise.reject(new SallyportError(code, 'no'));
      await withDoor(origin, { dial }, async (door) => {
        const client = await connectRaw(door.port, get('a.test'));
        await client.until(new RegExp(`^HTTP/1.1 ${status} [^]*upstream failure`));
        client.send(get('a.test'));
        await client.until(/upstream failure[^]*upstream failure/);
        assert.doesNotMatch(client.text(), /x-proxy-error/i);
        client.socket.destroy();
      });
    });
  }

  it('tries an idempotent request once more when a kept connection had gone stale', async () => {
    let connection = 0;
    const origin = await startTcpOrigin((socket) => {
      connection += 1;
      const isFirst = connection === 1;
      let requests = 0;
      socket.on('end', () => socket.end());
      socket.on('data', () => {
        requests += 1;
        if (isFirst && requests === 2) socket.resetAndDestroy();
        else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      });
    });
    await withDoor(origin, {}, async (door, host) => {
      const client = await connectRaw(door.port, get(host));
      await client.until(/ok$/);
      client.send(get(host));
      await client.until(/ok[^]*ok$/);
      assert.equal(door.dialled.length, 2);
      client.socket.destroy();
    });
  });

  it('never sends a POST a second time', async () => {
    let posts = 0;
    const origin = await startTcpOrigin((socket) => {
      socket.on('end', () => socket.end());
      socket.on('data', (chunk: Buffer) => {
        if (chunk.toString().startsWith('POST')) {
          posts += 1;
          socket.resetAndDestroy();
          return;
        }
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      });
    });
    await withDoor(origin, {}, async (door, host) => {
      const client = await connectRaw(door.port, get(host));
      await client.until(/ok$/);
      client.send(`POST http://${host}/ HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\n\r\n`);
      await client.until(/502 Bad Gateway/);
      assert.equal(posts, 1);
      client.socket.destroy();
    });
  });

  it('does not retry on a fresh connection', async () => {
    const origin = await startCanned('', 'reset');
    await withDoor(origin, {}, async (door, host) => {
      const client = await connectRaw(door.port, get(host));
      await client.until(/502 Bad Gateway/);
      assert.equal(origin.accepted(), 1);
      client.socket.destroy();
    });
  });

  it('frees the upstream at once when the client leaves within its upload', async () => {
    const gone = Promise.withResolvers<void>();
    const began = Promise.withResolvers<void>();
    const origin = await startHttpOrigin((request) => {
      request.on('data', () => began.resolve());
      request.on('error', () => undefined);
      request.on('close', () => gone.resolve());
    });
    await withDoor(origin, {}, async (door, host) => {
      const client = await connectRaw(
        door.port,
        `POST http://${host}/ HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 1000\r\n\r\npart`,
      );
      await began.promise;
      const closed = once(door.events, 'closed') as Promise<[ClosedRecord]>;
      client.socket.destroy();
      await gone.promise;
      assert.equal((await closed)[0].reason, 'client_closed');
    });
  });

  for (const [name, act, reason] of [
    [
      'the client leaves',
      (_door: Door, client: RawClient) => client.socket.destroy(),
      'client_closed',
    ],
    ['the policy changes', (door: Door) => door.live.rejudge(() => false), 'policy_changed'],
  ] as const) {
    it(`stops the dial when ${name}`, async () => {
      const origin = await startCanned('');
      const stopped = Promise.withResolvers<void>();
      const dial: DoorOptions['dial'] = async (_permit, signal) => {
        await once(signal, 'abort');
        stopped.resolve();
        throw new SallyportError('ERR_UPSTREAM_RESET', 'aborted');
      };
      await withDoor(origin, { dial }, async (door) => {
        const dialled = once(door.events, 'dialled');
        const client = await connectRaw(door.port, get('a.test'));
        await dialled;
        const closed = once(door.events, 'closed') as Promise<[ClosedRecord]>;
        act(door, client);
        await stopped.promise;
        assert.equal((await closed)[0].reason, reason);
        await client.gone();
      });
    });
  }

  it('relays an answer that comes before the upload is whole, then closes', async () => {
    const origin = await startTcpOrigin((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () =>
        socket.end('HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig'),
      );
    });
    await withDoor(origin, {}, async (door, host) => {
      const client = await connectRaw(
        door.port,
        `POST http://${host}/ HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 100000000\r\n\r\nstart`,
      );
      await client.until(/^HTTP\/1\.1 413 [^]*big$/);
      client.socket.end();
      await client.gone();
    });
  });

  it('is closed within the answer when the policy changes', async () => {
    const origin = await startHttpOrigin((_request, response) => response.write('some'));
    await withDoor(origin, {}, async (door, host) => {
      const client = await connectRaw(door.port, get(host));
      await client.until(/some/);
      const closed = once(door.events, 'closed') as Promise<[ClosedRecord]>;
      assert.equal(
        door.live.rejudge(() => false),
        1,
      );
      assert.equal(await client.gone(), 'ECONNRESET');
      const [{ reason, bytesDown, remoteAddress }] = await closed;
      assert.deepEqual([reason, bytesDown, remoteAddress], ['policy_changed', 4, '127.0.0.1']);
    });
  });

  it('counts the bytes of the bodies', async () => {
    const origin = await startHttpOrigin((request, response) => {
      request.resume();
      request.on('end', () => response.end('answer'));
    });
    await withDoor(origin, {}, async (door, host) => {
      const closed = once(door.events, 'closed') as Promise<[ClosedRecord]>;
      const client = await connectRaw(
        door.port,
        `POST http://${host}/ HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 4\r\n\r\nbody`,
      );
      await client.until(/answer$/);
      const [{ reason, bytesUp, bytesDown }] = await closed;
      assert.deepEqual([reason, bytesUp, bytesDown], ['upstream_closed', 4, 6]);
      client.socket.destroy();
    });
  });

  it('speaks absolute-form with its credentials to an http parent', async () => {
    const heads: IncomingMessage[] = [];
    const origin = await startHttpOrigin((request, response) => {
      heads.push(request);
      response.end('by the parent');
    });
    const parent: Parent = {
      protocol: 'http',
      host: '127.0.0.1',
      port: origin.port,
      credentials: 'me:secret',
    };
    const decide: DoorOptions['decide'] = async (request) =>
      permitFor(request, { via: 'parent', parent });
    const dial: DoorOptions['dial'] = async () => {
      const { socket } = await connectRaw(origin.port);
      socket.removeAllListeners('data');
      return socket.pause();
    };
    await withDoor(origin, { decide, dial }, async (door) => {
      const client = await connectRaw(door.port, get('a.test:8080', '/x?y'));
      await client.until(/by the parent/);
      client.socket.destroy();
      assert.deepEqual(
        heads.map(({ url, headers }) => [url, headers.host, headers['proxy-authorization']]),
        [['http://a.test:8080/x?y', 'a.test:8080', 'Basic bWU6c2VjcmV0']],
      );
    });
  });
});
