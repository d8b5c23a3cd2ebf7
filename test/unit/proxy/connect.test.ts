import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { SallyportError } from '../../../src/errors.ts';
import type { DecisionRequest } from '../../../src/policy/decision.ts';
import type { ClosedRecord } from '../../../src/proxy/live.ts';
import {
  connectRaw,
  openDoor,
  permitFor,
  refusalOf,
  type DoorOptions,
} from '../../support/http-door.ts';
import { startEchoOrigin, startTcpOrigin } from '../../support/origin.ts';

function connectHead(target: string, fields = `Host: ${target}\r\n`): string {
  return `CONNECT ${target} HTTP/1.1\r\n${fields}\r\n`;
}

/** Opens a door, runs the test, closes the door. */
async function withDoor(
  options: DoorOptions,
  run: (door: Awaited<ReturnType<typeof openDoor>>) => Promise<void>,
): Promise<void> {
  const door = await openDoor(options);
  try {
    await run(door);
    assert.deepEqual(door.bugs, []);
  } finally {
    await door.close();
  }
}

describe('CONNECT', () => {
  it('is judged by its normalised target and becomes a tunnel', async () => {
    const origin = await startEchoOrigin();
    await withDoor({}, async (door) => {
      const target = `WWW.Example.TEST.:${origin.port}`;
      const client = await connectRaw(door.port, connectHead(target));
      await client.until(/\r\n\r\n$/);
      assert.equal(client.text(), 'HTTP/1.1 200 Connection Established\r\n\r\n');
      client.send('ping');
      await client.until(/ping$/);
      const closed = once(door.events, 'closed') as Promise<[ClosedRecord]>;
      client.socket.end();
      await client.ended();
      const [{ reason, bytesUp, bytesDown }] = await closed;
      assert.deepEqual([reason, bytesUp, bytesDown], ['client_closed', 4, 4]);
      const want: DecisionRequest = {
        destination: {
          protocol: 'https_connect',
          host: 'www.example.test',
          kind: 'name',
          port: origin.port,
        },
        listener: 'http',
        method: 'CONNECT',
        form: 'tunnel',
        client: {
          address: '127.0.0.1',
          port: door.requests[0]?.client.port ?? 0,
          localPort: door.port,
        },
      };
      assert.deepEqual(door.requests, [want]);
    });
    await origin.close();
  });

  it('takes HTTP/1.0 without Host, as urllib sends it', async () => {
    const origin = await startEchoOrigin();
    await withDoor({}, async (door) => {
      const client = await connectRaw(
        door.port,
        `CONNECT 127.0.0.1:${origin.port} HTTP/1.0\r\n\r\n`,
      );
      await client.until(/^HTTP\/1\.1 200 /);
      client.socket.destroy();
    });
    await origin.close();
  });

  it('says nothing while it is held, keeps early bytes and sends them only after the allow', async () => {
    const origin = await startEchoOrigin();
    const allow = Promise.withResolvers<void>();
    const decide: DoorOptions['decide'] = async (request) => {
      await allow.promise;
      return permitFor(request);
    };
    await withDoor({ decide }, async (door) => {
      const asked = once(door.events, 'request');
      const client = await connectRaw(door.port, `${connectHead(`a.test:${origin.port}`)}first `);
      await asked;
      client.send('second');
      assert.equal(client.text(), '');
      assert.equal(origin.accepted(), 0);
      allow.resolve();
      await client.until(/first second$/);
      client.socket.destroy();
    });
    await origin.close();
  });

  it('keeps no more than 64 KiB and what the kernel holds of a client that talks early', async () => {
    const origin = await startEchoOrigin();
    const allow = Promise.withResolvers<void>();
    const decide: DoorOptions['decide'] = async (request) => {
      await allow.promise;
      return permitFor(request);
    };
    await withDoor({ decide }, async (door) => {
      const client = await connectRaw(door.port, connectHead(`a.test:${origin.port}`));
      const early = 'x'.repeat(24 * 1024 * 1024);
      client.send(early);
      await once(door.events, 'request');
      assert.ok(client.socket.writableLength > 8 * 1024 * 1024, 'all of it was read');
      allow.resolve();
      await client.until(/^HTTP\/1\.1 200 /);
      while (client.text().length < early.length) await once(client.socket, 'more');
      client.socket.destroy();
    });
    await origin.close();
  });

  for (const [name, leave] of [
    ['closes', (socket: { end: () => unknown }) => socket.end()],
    ['resets', (socket: { resetAndDestroy: () => unknown }) => socket.resetAndDestroy()],
  ] as const) {
    it(`aborts the hold when the client ${name}`, async () => {
      const aborted = Promise.withResolvers<void>();
      const decide: DoorOptions['decide'] = async (request, signal) => {
        await once(signal, 'abort');
        aborted.resolve();
        return refusalOf(request, 'client_gone');
      };
      await withDoor({ decide }, async (door) => {
        const asked = once(door.events, 'request');
        const client = await connectRaw(door.port, connectHead('a.test:443'));
        await asked;
        leave(client.socket);
        await aborted.promise;
        await client.gone();
        assert.deepEqual(door.dialled, []);
      });
    });
  }

  it('does not dial for a client that left while an allow came in', async () => {
    const decide: DoorOptions['decide'] = async (request, signal) => {
      await once(signal, 'abort');
      return permitFor(request);
    };
    const dial: DoorOptions['dial'] = async (_permit, signal) => {
      signal.throwIfAborted();
      assert.fail('dialled');
    };
    await withDoor({ decide, dial }, async (door) => {
      const asked = once(door.events, 'request');
      const client = await connectRaw(door.port, connectHead('a.test:443'));
      await asked;
      const closed = once(door.events, 'closed') as Promise<[ClosedRecord]>;
      client.socket.destroy();
      assert.equal((await closed)[0].reason, 'client_closed');
    });
  });

  it('gets the whole refusal and a clean close, also with unread early bytes', async () => {
    const decide: DoorOptions['decide'] = async (request) => refusalOf(request, 'not_allowed');
    await withDoor({ decide }, async (door) => {
      const early = 'x'.repeat(300 * 1024);
      const client = await connectRaw(door.port, connectHead('a.test:443') + early);
      const text = await client.ended();
      assert.match(text, /^HTTP\/1\.1 403 Forbidden by sallyport: a\.test:443 is not allowed/);
      assert.match(text, /\r\nx-proxy-error: blocked-by-allowlist\r\n/);
      assert.match(text, /\r\ncontent-type: text\/plain\r\n/);
      assert.match(text, /\r\nconnection: close\r\n\r\nDomain not in allowlist\./);
      assert.deepEqual(door.dialled, []);
    });
  });

  for (const [code, status] of [
    ['ERR_UPSTREAM_REFUSED', 502],
    ['ERR_UPSTREAM_TIMEOUT', 504],
    ['ERR_DNS_FAILED', 502],
    ['ERR_DNS_TIMEOUT', 504],
    ['ERR_PARENT_FAILED', 502],
  ] as const) {
    it(`answers ${status} when the dial fails with ${code}, never 403`, async () => {
      const dial: DoorOptions['dial'] = () => Promise.reject(new SallyportError(code, 'no'));
      await withDoor({ dial }, async (door) => {
        const client = await connectRaw(door.port, connectHead('a.test:443'));
        const text = await client.ended();
        assert.equal(text.slice(0, 13), `HTTP/1.1 ${status} `);
        assert.doesNotMatch(text, /x-proxy-error/i);
        assert.deepEqual([door.closed[0]?.reason, door.live.count], ['error', 0]);
      });
    });
  }

  it('answers 502 and tells of a bug when the dial fails with an error that is not ours', async () => {
    const bug = new TypeError('not one of ours');
    const door = await openDoor({ dial: () => Promise.reject(bug) });
    const client = await connectRaw(door.port, connectHead('a.test:443'));
    assert.match(await client.ended(), /^HTTP\/1\.1 502 /);
    assert.deepEqual([door.bugs, door.live.count], [[bug], 0]);
    await door.close();
  });

  it('is closed within its tunnel when the policy changes', async () => {
    const origin = await startEchoOrigin();
    await withDoor({}, async (door) => {
      const client = await connectRaw(door.port, connectHead(`a.test:${origin.port}`));
      await client.until(/200/);
      assert.equal(
        door.live.rejudge(() => false),
        1,
      );
      assert.equal(await client.gone(), 'ECONNRESET');
      assert.equal(door.closed[0]?.reason, 'policy_changed');
    });
    await origin.close();
  });

  it('stops dialling when the policy changes meanwhile', async () => {
    const dial: DoorOptions['dial'] = async (_permit, signal) => {
      await once(signal, 'abort');
      throw new SallyportError('ERR_UPSTREAM_RESET', 'aborted');
    };
    await withDoor({ dial }, async (door) => {
      const dialled = once(door.events, 'dialled');
      const client = await connectRaw(door.port, connectHead('a.test:443'));
      await dialled;
      door.live.rejudge(() => false);
      await client.gone();
      assert.equal(door.closed[0]?.reason, 'policy_changed');
    });
  });

  it('closes the connection and reports a bug when the gate itself breaks', async () => {
    const decide: DoorOptions['decide'] = () => Promise.reject(new Error('broken'));
    const door = await openDoor({ decide });
    const client = await connectRaw(door.port, connectHead('a.test:443'));
    await client.gone();
    assert.deepEqual([client.text(), door.dialled, door.bugs.length], ['', [], 1]);
    await door.close();
  });

  it('frees the upstream when the client vanishes within the tunnel', async () => {
    const gone = Promise.withResolvers<void>();
    const origin = await startTcpOrigin((socket) => {
      socket.on('close', () => gone.resolve());
      socket.on('data', () => undefined);
      socket.on('end', () => socket.end());
    });
    await withDoor({}, async (door) => {
      const client = await connectRaw(door.port, connectHead(`a.test:${origin.port}`));
      await client.until(/200/);
      client.socket.destroy();
      await gone.promise;
    });
    await origin.close();
  });

  const malformed = [
    { name: 'without a port', target: 'a.test', fields: 'Host: a.test\r\n' },
    { name: 'with an empty port', target: 'a.test:', fields: 'Host: a.test\r\n' },
    { name: 'with port 0', target: 'a.test:0', fields: 'Host: a.test\r\n' },
    { name: 'with port 65536', target: 'a.test:65536', fields: 'Host: a.test:65536\r\n' },
    { name: 'with a path', target: 'a.test:443/secret', fields: 'Host: a.test\r\n' },
    { name: 'in absolute form', target: 'http://a.test:443/secret', fields: 'Host: a.test\r\n' },
    { name: 'with user information', target: 'me:pw@a.test:443', fields: 'Host: a.test\r\n' },
    { name: 'with an odd IPv4 spelling', target: '127.1:443', fields: 'Host: 127.1\r\n' },
    { name: 'with a zone id', target: '[fe80::1%25eth0]:443', fields: 'Host: a.test\r\n' },
    { name: 'whose Host names another host', target: 'a.test:443', fields: 'Host: b.test:443\r\n' },
    { name: 'whose Host names another port', target: 'a.test:443', fields: 'Host: a.test:80\r\n' },
    { name: 'without Host in HTTP/1.1', target: 'a.test:443', fields: '' },
    {
      name: 'with two Host fields',
      target: 'a.test:443',
      fields: 'Host: a.test\r\nHost: a.test\r\n',
    },
    {
      name: 'with a body length',
      target: 'a.test:443',
      fields: 'Host: a.test\r\nContent-Length: 5\r\n',
    },
    {
      name: 'with a transfer coding',
      target: 'a.test:443',
      fields: 'Host: a.test\r\nTransfer-Encoding: chunked\r\n',
    },
  ];
  for (const { name, target, fields } of malformed) {
    it(`is answered 400 ${name}, recorded and not asked about`, async () => {
      await withDoor({}, async (door) => {
        const client = await connectRaw(door.port, connectHead(target, fields));
        const text = await client.ended();
        assert.equal(text.slice(0, 13), 'HTTP/1.1 400 ');
        assert.deepEqual([door.requests, door.dialled, door.malformed.length], [[], [], 1]);
        assert.doesNotMatch(JSON.stringify(door.malformed), /secret|pw/);
      });
    });
  }
});
