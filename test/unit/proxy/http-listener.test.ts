import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import type { DecisionRequest } from '../../../src/policy/decision.ts';
import { createHttpHandler } from '../../../src/proxy/http-listener.ts';
import {
  connectRaw,
  openDoor,
  permitFor,
  refusalOf,
  type Door,
  type DoorOptions,
} from '../../support/http-door.ts';
import { startHttpOrigin, type Origin } from '../../support/origin.ts';

/** Opens a door and an origin that echoes method, target and body; runs the test; closes both. */
async function withDoor(
  options: DoorOptions,
  run: (door: Door, origin: Origin, seen: string[]) => Promise<void>,
): Promise<void> {
  const seen: string[] = [];
  const origin = await startHttpOrigin((request, response) => {
    seen.push(`${request.method ?? ''} ${request.url ?? ''}`);
    let body = '';
    request.setEncoding('latin1');
    request.on('data', (text: string) => (body += text));
    request.on('end', () => response.end(`[${request.url ?? ''} ${body}]`));
    request.on('error', () => undefined);
  });
  const door = await openDoor(options);
  try {
    await run(door, origin, seen);
    assert.deepEqual(door.bugs, []);
  } finally {
    await door.close();
    await origin.close();
  }
}

const deny: DoorOptions['decide'] = async (request) => refusalOf(request, 'not_allowed');

describe('the HTTP door, strictly framed', () => {
  // Each shape is one that some other server reads differently. `head` follows the request line; `line`
  // replaces it. All must be answered 400 (or closed) and reach neither the gate's allow nor an origin.
  const shapes: readonly { name: string; line?: string; head?: string; body?: string }[] = [
    { name: 'a bare LF behind the request line', line: 'GET http://H/ HTTP/1.1\nHost: H\r\n\r\n' },
    { name: 'bare LFs only', line: 'GET http://H/ HTTP/1.1\nHost: H\n\n' },
    { name: 'a bare LF behind a field', head: 'Host: H\nX: y\r\n' },
    { name: 'a bare LF as the end of the head', line: 'GET http://H/ HTTP/1.1\r\nHost: H\r\n\n' },
    { name: 'a bare CR between fields', head: 'Host: H\rX: y\r\n' },
    { name: 'a bare CR in a value', head: 'Host: H\r\nX: a\rb\r\n' },
    { name: 'a folded line', head: 'Host: H\r\nX: a\r\n b\r\n' },
    {
      name: 'a folded Transfer-Encoding',
      head: 'Host: H\r\nTransfer-Encoding:\r\n chunked\r\n',
      body: '0\r\n\r\n',
    },
    { name: 'a blank before the first field', head: ' Host: H\r\n' },
    { name: 'a blank before the colon', head: 'Host : H\r\n' },
    { name: 'a tab before the colon', head: 'Host: H\r\nContent-Length\t: 3\r\n', body: 'abc' },
    { name: 'a blank in a name', head: 'Host: H\r\nFoo Bar: x\r\n' },
    { name: 'a field without a colon', head: 'Host: H\r\nfoo\r\n' },
    { name: 'a field without a name', head: 'Host: H\r\n: x\r\n' },
    { name: 'NUL in a value', head: 'Host: H\r\nX: a\0b\r\n' },
    { name: 'NUL in a name', head: 'Host: H\r\nX\0: a\r\n' },
    { name: 'a control byte in a value', head: 'Host: H\r\nX: a\x01b\r\n' },
    { name: 'NUL in the target', line: 'GET http://H/\0 HTTP/1.1\r\nHost: H\r\n\r\n' },
    {
      name: 'a byte above ASCII in the target host',
      line: 'GET http://H\xe9/ HTTP/1.1\r\nHost: H\r\n\r\n',
    },
    { name: 'no Host in HTTP/1.1', head: '' },
    { name: 'an empty Host', head: 'Host:\r\n' },
    { name: 'two Host fields that agree', head: 'Host: H\r\nHost: H\r\n' },
    { name: 'two Host fields that differ', head: 'Host: H\r\nHost: other.test\r\n' },
    { name: 'a Host that differs from the target', head: 'Host: other.test\r\n' },
    { name: 'user information in Host', head: 'Host: me@H\r\n' },
    {
      name: 'two equal Content-Length fields',
      head: 'Host: H\r\nContent-Length: 3\r\nContent-Length: 3\r\n',
      body: 'abc',
    },
    {
      name: 'two Content-Length fields that differ',
      head: 'Host: H\r\nContent-Length: 3\r\nContent-Length: 5\r\n',
      body: 'abc',
    },
    { name: 'a list in Content-Length', head: 'Host: H\r\nContent-Length: 3, 3\r\n', body: 'abc' },
    { name: 'a signed Content-Length', head: 'Host: H\r\nContent-Length: +3\r\n', body: 'abc' },
    { name: 'a negative Content-Length', head: 'Host: H\r\nContent-Length: -3\r\n', body: 'abc' },
    {
      name: 'a hexadecimal Content-Length',
      head: 'Host: H\r\nContent-Length: 0x3\r\n',
      body: 'abc',
    },
    { name: 'an empty Content-Length', head: 'Host: H\r\nContent-Length: \r\n', body: 'abc' },
    {
      name: 'an overflowing Content-Length',
      head: 'Host: H\r\nContent-Length: 18446744073709551617\r\n',
      body: 'abc',
    },
    {
      name: 'a Content-Length with a leading zero',
      head: 'Host: H\r\nContent-Length: 03\r\n',
      body: 'abc',
    },
    {
      name: 'CL.TE',
      head: 'Host: H\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n',
      body: '0\r\n\r\n',
    },
    {
      name: 'TE.CL',
      head: 'Host: H\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n',
      body: '0\r\n\r\n',
    },
    {
      name: 'an unknown transfer coding',
      head: 'Host: H\r\nTransfer-Encoding: xchunked\r\n',
      body: '0\r\n\r\n',
    },
    {
      name: 'a list of transfer codings',
      head: 'Host: H\r\nTransfer-Encoding: gzip, chunked\r\n',
      body: '0\r\n\r\n',
    },
    {
      name: 'chunked not last',
      head: 'Host: H\r\nTransfer-Encoding: chunked, gzip\r\n',
      body: '0\r\n\r\n',
    },
    {
      name: 'identity as transfer coding',
      head: 'Host: H\r\nTransfer-Encoding: identity\r\n',
      body: '0\r\n\r\n',
    },
    {
      name: 'Transfer-Encoding twice',
      head: 'Host: H\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n',
      body: '0\r\n\r\n',
    },
    {
      name: 'a vertical tab before chunked',
      head: 'Host: H\r\nTransfer-Encoding: \x0bchunked\r\n',
      body: '0\r\n\r\n',
    },
    {
      name: 'a quoted chunked',
      head: 'Host: H\r\nTransfer-Encoding: "chunked"\r\n',
      body: '0\r\n\r\n',
    },
    {
      name: 'chunked with a parameter',
      head: 'Host: H\r\nTransfer-Encoding: chunked;a=b\r\n',
      body: '0\r\n\r\n',
    },
    {
      name: 'chunked in HTTP/1.0',
      line: 'POST http://H/ HTTP/1.0\r\nHost: H\r\nTransfer-Encoding: chunked\r\n\r\n',
      body: '0\r\n\r\n',
    },
    { name: 'HTTP/0.9 without a version', line: 'GET http://H/\r\n\r\n' },
    { name: 'HTTP/0.9', line: 'GET http://H/ HTTP/0.9\r\nHost: H\r\n\r\n' },
    { name: 'HTTP/2.0 in HTTP/1 syntax', line: 'GET http://H/ HTTP/2.0\r\nHost: H\r\n\r\n' },
    { name: 'HTTP/1.2', line: 'GET http://H/ HTTP/1.2\r\nHost: H\r\n\r\n' },
    { name: 'an HTTP/2 preface', line: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' },
    { name: 'a lower-case method', line: 'get http://H/ HTTP/1.1\r\nHost: H\r\n\r\n' },
    { name: 'a TLS ClientHello', line: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' },
    { name: 'a SOCKS greeting', line: '\x05\x01\x00' },
    { name: 'a fragment', line: 'GET http://H/#x HTTP/1.1\r\nHost: H\r\n\r\n' },
    { name: 'user information', line: 'GET http://me:pw@H/ HTTP/1.1\r\nHost: H\r\n\r\n' },
    { name: 'an https target', line: 'GET https://H/ HTTP/1.1\r\nHost: H\r\n\r\n' },
    { name: 'an origin-form target', line: 'GET /secret HTTP/1.1\r\nHost: H\r\n\r\n' },
    { name: 'an asterisk-form target', line: 'OPTIONS * HTTP/1.1\r\nHost: H\r\n\r\n' },
    {
      name: 'a port out of range',
      line: 'GET http://a.test:65536/ HTTP/1.1\r\nHost: a.test:65536\r\n\r\n',
    },
    { name: 'an odd IPv4 spelling', line: 'GET http://0x7f.1/ HTTP/1.1\r\nHost: 0x7f.1\r\n\r\n' },
  ];
  for (const { name, line, head, body = '' } of shapes) {
    it(`refuses ${name}`, async () => {
      await withDoor({}, async (door, origin, seen) => {
        const host = `127.0.0.1:${origin.port}`;
        const method = body === '' ? 'GET' : 'POST';
        const text = line ?? `${method} http://H/ HTTP/1.1\r\n${head ?? ''}\r\n`;
        const client = await connectRaw(
          door.port,
          text.replaceAll('H/', `${host}/`).replaceAll(/(Host ?:(?: me@)? ?)H/g, `$1${host}`) +
            body,
        );
        const answer = await client.ended();
        assert.equal(answer.slice(0, 13), 'HTTP/1.1 400 ', answer);
        assert.equal(answer.match(/HTTP\/1\.1 \d/g)?.length, 1, 'one answer and a close');
        assert.deepEqual([seen, door.dialled, door.malformed.length], [[], [], 1]);
        assert.doesNotMatch(JSON.stringify(door.malformed), /secret|me:pw/);
      });
    });
  }

  const chunks: readonly { name: string; body: string }[] = [
    { name: 'a bare LF behind a chunk size', body: '3\nabc\r\n0\r\n\r\n' },
    { name: 'a bare LF behind chunk data', body: '3\r\nabc\n0\r\n\r\n' },
    { name: 'a bare CR in a chunk extension', body: '3;a=\rb\r\nabc\r\n0\r\n\r\n' },
    { name: 'a bare LF in a chunk extension', body: '3;a=\nb\r\nabc\r\n0\r\n\r\n' },
    { name: 'NUL in a chunk extension', body: '3;a\0b\r\nabc\r\n0\r\n\r\n' },
    { name: 'two bytes in place of the CRLF behind chunk data', body: '3\r\nabcXX0\r\n\r\n' },
    { name: 'a hexadecimal prefix in a chunk size', body: '0x3\r\nabc\r\n0\r\n\r\n' },
    { name: 'a blank behind a chunk size', body: '3 \r\nabc\r\n0\r\n\r\n' },
    { name: 'a signed chunk size', body: '+3\r\nabc\r\n0\r\n\r\n' },
    { name: 'an empty chunk size', body: '\r\nabc\r\n0\r\n\r\n' },
    { name: 'an overflowing chunk size', body: '10000000000000003\r\nabc\r\n0\r\n\r\n' },
    { name: 'over-long chunk extensions', body: `3;${'a'.repeat(20_000)}\r\nabc\r\n0\r\n\r\n` },
    { name: 'bare LFs behind the last chunk', body: '3\r\nabc\r\n0\n\n' },
    { name: 'Content-Length in a trailer', body: '3\r\nabc\r\n0\r\nContent-Length: 1\r\n\r\n' },
    {
      name: 'Transfer-Encoding in a trailer',
      body: '3\r\nabc\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n',
    },
    { name: 'a folded trailer', body: '3\r\nabc\r\n0\r\nX: a\r\n b\r\n\r\n' },
  ];
  for (const { name, body } of chunks) {
    it(`refuses ${name} and lets no whole request through`, async () => {
      const whole: string[] = [];
      const origin = await startHttpOrigin((request, response) => {
        request.on('end', () => {
          whole.push(request.url ?? '');
          response.end('served');
        });
        request.on('error', () => undefined);
        request.resume();
      });
      const door = await openDoor();
      const host = `127.0.0.1:${origin.port}`;
      const head = `POST http://${host}/ HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n`;
      const client = await connectRaw(
        door.port,
        `${head}${body}GET http://${host}/2 HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
      );
      const answer = await client.ended();
      assert.equal(answer.slice(0, 13), 'HTTP/1.1 400 ', answer);
      assert.deepEqual([whole, door.malformed.length, door.bugs], [[], 1, []]);
      await door.close();
      await origin.close();
    });
  }

  it('has a limit for the wait for a head, and none for uploads', () => {
    const unused = (): never => assert.fail('not used');
    const live = {
      open: unused,
      rejudge: unused,
      closeGrant: unused,
      closeQuestion: unused,
      closeAll: unused,
      count: 0,
    };
    const server = createHttpHandler({ gate: unused, dial: unused, live, onMalformed: unused });
    assert.deepEqual(
      [
        server.headersTimeout,
        server.requestTimeout,
        server.timeout,
        server.keepAliveTimeout,
        server.maxHeadersCount,
      ],
      [30_000, 0, 0, 600_000, 0],
    );
  });

  it('answers 431 to a head above 64 KiB and records it', async () => {
    await withDoor({}, async (door) => {
      const client = await connectRaw(
        door.port,
        `GET http://a.test/ HTTP/1.1\r\nX: ${'a'.repeat(70_000)}`,
      );
      assert.match(await client.ended(), /^HTTP\/1\.1 431 /);
      assert.equal(door.malformed.length, 1);
    });
  });

  it('takes a head just below 64 KiB with thousands of fields, none of them lost', async () => {
    await withDoor({ decide: deny }, async (door) => {
      const many = 'A: b\r\n'.repeat(9_000);
      const client = await connectRaw(
        door.port,
        `GET http://a.test/ HTTP/1.1\r\n${many}Host: a.test\r\nHost: b.test\r\n\r\n`,
      );
      assert.match(
        await client.ended(),
        /^HTTP\/1\.1 400 Bad Request: there is more than one Host/,
      );
    });
  });

  it('says in words that it is a proxy when it is spoken to as a server', async () => {
    await withDoor({}, async (door) => {
      const client = await connectRaw(door.port, 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
      assert.match(await client.ended(), /^HTTP\/1\.1 400 Bad Request: this is a proxy: /);
    });
  });

  it('answers 417 to an expectation it does not know', async () => {
    await withDoor({}, async (door) => {
      const client = await connectRaw(
        door.port,
        'GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nExpect: tea\r\n\r\n',
      );
      await client.until(/^HTTP\/1\.1 417 /);
      assert.deepEqual(door.requests, []);
      client.socket.destroy();
    });
  });

  it('closes without a word and without a record what never said anything', async () => {
    await withDoor({}, async (door) => {
      const client = await connectRaw(door.port);
      client.socket.end();
      assert.equal(await client.ended(), '');
      assert.deepEqual(door.malformed, []);
    });
  });
});

describe('the HTTP door, one connection', () => {
  it('judges every request of a kept connection on its own', async () => {
    const decide: DoorOptions['decide'] = async (request) =>
      request.destination.host === 'no.test' ? refusalOf(request, 'denied') : permitFor(request);
    await withDoor({ decide }, async (door, origin, seen) => {
      const client = await connectRaw(door.port);
      const get = (host: string): void =>
        client.send(
          `GET http://${host}:${origin.port}/${host} HTTP/1.1\r\nHost: ${host}:${origin.port}\r\n\r\n`,
        );
      get('one.test');
      await client.until(/\[\/one\.test \]/);
      get('no.test');
      await client.until(/Domain denied/);
      get('two.test');
      await client.until(/\[\/two\.test \]/);
      client.socket.destroy();
      assert.deepEqual(seen, ['GET /one.test', 'GET /two.test']);
      assert.deepEqual(
        door.requests.map(({ destination, form, method }) => [destination.host, form, method]),
        [
          ['one.test', 'request', 'GET'],
          ['no.test', 'request', 'GET'],
          ['two.test', 'request', 'GET'],
        ],
      );
    });
  });

  it('serves pipelined requests one after the other and answers in order', async () => {
    let running = 0;
    let most = 0;
    const decide: DoorOptions['decide'] = async (request) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return permitFor(request);
    };
    await withDoor({ decide }, async (door, origin, seen) => {
      const host = `127.0.0.1:${origin.port}`;
      let text = '';
      for (let index = 0; index < 20; index += 1) {
        text += `POST http://${host}/${index} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 2\r\n\r\nhi`;
      }
      const client = await connectRaw(door.port, text);
      await client.until(/\[\/19 hi\]/);
      client.socket.destroy();
      const answers = [...client.text().matchAll(/\[\/(\d+) hi\]/g)].map((match) =>
        Number(match[1]),
      );
      assert.deepEqual(answers, [...Array(20).keys()]);
      assert.deepEqual([most, seen.length], [1, 20]);
    });
  });

  it('does not let a CONNECT overtake a request before it', async () => {
    const decide: DoorOptions['decide'] = async (request, signal) => {
      await once(signal, 'abort');
      return refusalOf(request, 'client_gone');
    };
    await withDoor({ decide }, async (door) => {
      const client = await connectRaw(
        door.port,
        'GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\nCONNECT b.test:443 HTTP/1.1\r\nHost: b.test:443\r\n\r\n',
      );
      await client.gone();
      assert.deepEqual(
        door.requests.map(({ destination }) => destination.host),
        ['a.test'],
      );
      assert.equal(door.malformed.length, 1);
    });
  });

  it('resets a connection on which something malformed follows a half-written answer', async () => {
    const origin = await startHttpOrigin((_request, response) => response.write('half'));
    const door = await openDoor();
    const host = `127.0.0.1:${origin.port}`;
    const client = await connectRaw(
      door.port,
      `GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
    );
    await client.until(/half/);
    client.send('no HTTP\r\n\r\n');
    assert.equal(await client.gone(), 'ECONNRESET');
    assert.doesNotMatch(client.text(), /400/);
    assert.deepEqual([door.malformed.length, door.live.count, door.bugs], [1, 0, []]);
    await door.close();
    await origin.close();
  });

  it('ignores an Upgrade that is not to WebSocket', async () => {
    await withDoor({}, async (door, origin) => {
      const host = `127.0.0.1:${origin.port}`;
      const client = await connectRaw(
        door.port,
        `GET http://${host}/x HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n`,
      );
      await client.until(/^HTTP\/1\.1 200 [^]*\[\/x \]/);
      assert.equal(door.requests[0]?.form, 'request');
      client.socket.destroy();
    });
  });

  it('lets a client go on after a refusal, and closes when a body was not read', async () => {
    await withDoor({ decide: deny }, async (door) => {
      const client = await connectRaw(
        door.port,
        'GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n',
      );
      await client.until(/not_allowed/);
      client.send(
        'POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\n',
      );
      client.send('x'.repeat(200_000));
      const text = await client.ended();
      assert.equal(text.match(/HTTP\/1\.1 403 Forbidden by sallyport/g)?.length, 2);
      assert.match(text, /connection: close/);
    });
  });

  it('answers a refused HEAD without a body and keeps the connection in step', async () => {
    await withDoor({ decide: deny }, async (door) => {
      const client = await connectRaw(
        door.port,
        'HEAD http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n',
      );
      await client.until(/\r\n\r\n$/);
      client.send('GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n');
      await client.until(/\}$/);
      assert.match(client.text(), /^HTTP\/1\.1 403 [^{]*\r\n\r\nHTTP\/1\.1 403 [^{]*\r\n\r\n\{/);
      client.socket.destroy();
    });
  });

  it('gives the refusal of a plain request in the shape of Codex', async () => {
    await withDoor({ decide: deny }, async (door) => {
      const client = await connectRaw(door.port, 'GET http://a.test/ HTTP/1.0\r\n\r\n');
      const text = await client.ended();
      const body: unknown = JSON.parse(text.slice(text.indexOf('\r\n\r\n')));
      assert.deepEqual(Object.keys(body as object), [
        'status',
        'host',
        'reason',
        'decision',
        'source',
        'protocol',
        'port',
        'message',
      ]);
      assert.match(text, /\r\ncontent-type: application\/json\r\n/);
      assert.match(text, /\r\nx-proxy-error: blocked-by-allowlist\r\n/);
    });
  });

  it('asks for the body (100 Continue) only after the allow', async () => {
    const allow = Promise.withResolvers<void>();
    const decide: DoorOptions['decide'] = async (request) => {
      await allow.promise;
      return permitFor(request);
    };
    await withDoor({ decide }, async (door, origin) => {
      const host = `127.0.0.1:${origin.port}`;
      const asked = once(door.events, 'request');
      const client = await connectRaw(
        door.port,
        `POST http://${host}/up HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n`,
      );
      await asked;
      assert.equal(client.text(), '');
      allow.resolve();
      await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
      client.send('body');
      await client.until(/\[\/up body\]/);
      client.socket.destroy();
    });
  });

  it('refuses an expected body without asking for it', async () => {
    await withDoor({ decide: deny }, async (door) => {
      const client = await connectRaw(
        door.port,
        'POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n',
      );
      assert.match(await client.ended(), /^HTTP\/1\.1 403 /);
    });
  });

  for (const [name, leave] of [
    ['closes', (socket: { end: () => unknown }) => socket.end()],
    ['resets', (socket: { resetAndDestroy: () => unknown }) => socket.resetAndDestroy()],
  ] as const) {
    it(`aborts the hold of a plain request when its client ${name}`, async () => {
      const aborted = Promise.withResolvers<void>();
      const decide: DoorOptions['decide'] = async (request, signal) => {
        await once(signal, 'abort');
        aborted.resolve();
        return refusalOf(request, 'client_gone');
      };
      await withDoor({ decide }, async (door) => {
        const asked = once(door.events, 'request');
        const client = await connectRaw(
          door.port,
          'GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n',
        );
        await asked;
        leave(client.socket);
        await aborted.promise;
        await client.gone();
        assert.deepEqual(door.dialled, []);
      });
    });
  }

  it('reads no body while the request is held', async () => {
    const allow = Promise.withResolvers<void>();
    const requests: DecisionRequest[] = [];
    const decide: DoorOptions['decide'] = async (request) => {
      requests.push(request);
      await allow.promise;
      return refusalOf(request, 'not_allowed');
    };
    await withDoor({ decide }, async (door) => {
      const asked = once(door.events, 'request');
      const length = 32 * 1024 * 1024;
      const client = await connectRaw(
        door.port,
        `POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${length}\r\n\r\n`,
      );
      client.send('x'.repeat(length));
      await asked;
      for (let turn = 0; turn < 100; turn += 1)
        await new Promise((resolve) => setImmediate(resolve));
      assert.ok(client.socket.writableLength > length / 2, 'the body was read');
      allow.resolve();
      await client.until(/^HTTP\/1\.1 403 /);
      client.socket.destroy();
    });
  });
});
