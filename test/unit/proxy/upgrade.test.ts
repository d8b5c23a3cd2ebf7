import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { SallyportError } from '../../../src/errors.ts';
import type { ClosedRecord } from '../../../src/proxy/live.ts';
import {
  connectRaw,
  openDoor,
  refusalOf,
  type Door,
  type DoorOptions,
} from '../../support/http-door.ts';
import { startTcpOrigin, startWebSocketOrigin, type Origin } from '../../support/origin.ts';

const key = 'dGhlIHNhbXBsZSBub25jZQ==';

function handshake(host: string, scheme = 'http', fields = ''): string {
  return `GET ${scheme}://${host}/chat?x=1 HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n${fields}\r\n`;
}

async function withDoor(
  origin: Origin,
  options: DoorOptions,
  run: (door: Door, host: string) => Promise<void>,
): Promise<void> {
  const door = await openDoor(options);
  try {
    await run(door, `127.0.0.1:${origin.port}`);
    assert.deepEqual(door.bugs, []);
  } finally {
    await door.close();
    await origin.idle();
    await origin.close();
  }
}

/** Answers the first request on each connection with these bytes. */
function startCanned(answer: string, then: 'stay' | 'end' = 'stay'): Promise<Origin> {
  return startTcpOrigin((socket) => {
    socket.on('end', () => socket.end());
    socket.once('data', () => {
      if (then === 'end') socket.end(answer, 'latin1');
      else socket.write(answer, 'latin1');
    });
  });
}

const accepted =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Accept: abc\r\n\r\n';

describe('a WebSocket handshake in absolute form', () => {
  it('carries a real client to a real server and back', async () => {
    const heads: (readonly string[])[] = [];
    const origin = await startWebSocketOrigin((rawHeaders, url) =>
      heads.push([url, ...rawHeaders]),
    );
    await withDoor(origin, {}, async (door, host) => {
      const { socket } = await connectRaw(door.port);
      socket.removeAllListeners('data');
      // ws writes its handshake in origin-form; the first line is made absolute as a proxy client would.
      const write = socket.write.bind(socket);
      socket.write = (data: string | Uint8Array, ...rest: []) =>
        write(
          typeof data === 'string' ? data.replace('GET /', `GET http://${host}/`) : data,
          ...rest,
        );
      const client = new WebSocket(`ws://${host}/chat`, {
        createConnection: () => socket,
        headers: { 'Proxy-Authorization': 'Basic c2VjcmV0' },
      });
      await once(client, 'open');
      const big = Buffer.alloc(300_000, 7);
      client.send(big);
      const [echoed] = (await once(client, 'message')) as [Buffer];
      assert.ok(echoed.equals(big));
      assert.equal(door.requests[0]?.form, 'upgrade');
      assert.equal(heads[0]?.[0], '/chat');
      assert.doesNotMatch(JSON.stringify(heads), /proxy-authorization/i);
      const closed = once(door.events, 'closed') as Promise<[ClosedRecord]>;
      client.close();
      const [{ bytesUp, bytesDown }] = await closed;
      assert.ok(bytesUp > 300_000 && bytesDown > 300_000);
    });
  });

  it('passes the 101 on with its fields and the bytes behind it, and early bytes only after it', async () => {
    const seen: string[] = [];
    const origin = await startTcpOrigin((socket) => {
      socket.on('end', () => socket.end());
      socket.on('data', (chunk: Buffer) => {
        seen.push(chunk.toString('latin1'));
        if (seen.length === 1) socket.write(`${accepted}server first`);
      });
    });
    await withDoor(origin, {}, async (door, host) => {
      const client = await connectRaw(door.port, `${handshake(host, 'ws')}early`);
      const text = await client.until(/server first$/);
      assert.match(
        text,
        /^HTTP\/1\.1 101 Switching Protocols\r\nSec-WebSocket-Accept: abc\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nserver first$/,
      );
      client.send(' late');
      client.socket.end();
      await once(door.events, 'closed');
      assert.equal(seen.slice(1).join(''), 'early late');
      assert.match(seen[0] ?? '', /^GET \/chat\?x=1 HTTP\/1\.1\r\nHost: 127\.0\.0\.1:\d+\r\n/);
      client.socket.destroy();
    });
  });

  it('relays an answer that is not a 101 whole and closes', async () => {
    const answer = 'HTTP/1.1 426 Upgrade Required\r\nX-Why: no\r\nContent-Length: 4\r\n\r\nnope';
    await withDoor(await startCanned(answer), {}, async (door, host) => {
      const client = await connectRaw(door.port, handshake(host));
      assert.equal(
        await client.ended(),
        'HTTP/1.1 426 Upgrade Required\r\nX-Why: no\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnope',
      );
      assert.deepEqual([door.closed[0]?.reason, door.closed[0]?.bytesDown], ['upstream_closed', 4]);
    });
  });

  it('resets the client when such an answer is cut', async () => {
    const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\nnope';
    await withDoor(await startCanned(answer, 'end'), {}, async (door, host) => {
      const client = await connectRaw(door.port, handshake(host));
      assert.equal(await client.gone(), 'ECONNRESET');
      assert.equal(door.closed[0]?.reason, 'upstream_reset');
    });
  });

  it('says that the client left when it leaves within such an answer', async () => {
    const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\nnope';
    await withDoor(await startCanned(answer), {}, async (door, host) => {
      const client = await connectRaw(door.port, handshake(host));
      await client.until(/nope$/);
      const closed = once(door.events, 'closed') as Promise<[ClosedRecord]>;
      client.socket.end();
      const [{ reason, bytesDown }] = await closed;
      assert.deepEqual([reason, bytesDown], ['client_closed', 4]);
    });
  });

  it('gets the refusal as JSON and nothing is dialled', async () => {
    const decide: DoorOptions['decide'] = async (request) => refusalOf(request, 'mitm_required');
    await withDoor(await startCanned(''), { decide }, async (door, host) => {
      const client = await connectRaw(door.port, handshake(host));
      const text = await client.ended();
      assert.match(text, /^HTTP\/1\.1 403 [^]*x-proxy-error: blocked-by-mitm-required/);
      assert.deepEqual(door.dialled, []);
    });
  });

  for (const [name, answer] of [
    ['another protocol', accepted.replace('WebSocket', 'h2c')],
    ['interim answers without end', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(50)],
    ['no HTTP', 'SSH-2.0-x\r\n\r\n'],
    [
      'both framings',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
  ] as const) {
    it(`makes an answer with ${name} a 502`, async () => {
      await withDoor(await startCanned(answer), {}, async (door, host) => {
        const client = await connectRaw(door.port, handshake(host));
        assert.match(
          await client.ended(),
          /^(?:HTTP\/1\.1 103 Early Hints\r\n\r\n){0,16}HTTP\/1\.1 502 /,
        );
        assert.equal(door.live.count, 0);
      });
    });
  }

  it('answers 502 when the server closes without an answer, and 504 when the dial times out', async () => {
    await withDoor(await startCanned('', 'end'), {}, async (door, host) => {
      const client = await connectRaw(door.port, handshake(host));
      assert.match(await client.ended(), /^HTTP\/1\.1 502 /);
    });
    const dial: DoorOptions['dial'] = () =>
      Promise.reject(new SallyportError('ERR_UPSTREAM_TIMEOUT', 'no'));
    await withDoor(await startCanned(''), { dial }, async (door) => {
      const client = await connectRaw(door.port, handshake('a.test'));
      assert.match(await client.ended(), /^HTTP\/1\.1 504 /);
    });
  });

  it('frees the upstream when the client leaves before the answer', async () => {
    const gone = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const origin = await startTcpOrigin((socket) => {
      socket.on('data', () => asked.resolve());
      socket.on('close', () => gone.resolve());
      socket.on('end', () => socket.end());
    });
    await withDoor(origin, {}, async (door, host) => {
      const client = await connectRaw(door.port, handshake(host));
      await asked.promise;
      const closed = once(door.events, 'closed') as Promise<[ClosedRecord]>;
      client.socket.destroy();
      await gone.promise;
      assert.equal((await closed)[0].reason, 'client_closed');
    });
  });

  it('is closed when the policy changes', async () => {
    await withDoor(await startCanned(accepted), {}, async (door, host) => {
      const client = await connectRaw(door.port, handshake(host));
      await client.until(/101/);
      const closed = once(door.events, 'closed') as Promise<[ClosedRecord]>;
      door.live.rejudge(() => false);
      assert.equal(await client.gone(), 'ECONNRESET');
      assert.equal((await closed)[0].reason, 'policy_changed');
    });
  });

  it('refuses a Host that differs from its target', async () => {
    await withDoor(await startCanned(''), {}, async (door) => {
      const text = handshake('a.test').replace('Host: a.test', 'Host: b.test');
      const client = await connectRaw(door.port, text);
      assert.match(await client.ended(), /^HTTP\/1\.1 400 /);
      assert.equal(door.malformed.length, 1);
    });
  });

  it('is served as an ordinary request when it has a body', async () => {
    const origin = await startCanned('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    await withDoor(origin, {}, async (door, host) => {
      const client = await connectRaw(
        door.port,
        `${handshake(host, 'http', 'Content-Length: 3\r\n')}abc`,
      );
      await client.until(/ok$/);
      assert.equal(door.requests[0]?.form, 'request');
      client.socket.destroy();
    });
  });
});
