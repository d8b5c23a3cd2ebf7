import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { writeReply } from '../../../src/control/reply.ts';
import type { ControlReply, StreamOut } from '../../../src/control/route.ts';

/** What a client gets of this reply, before it has read the body; and the answer's own side. */
async function exchange(context: TestContext, reply: ControlReply) {
  const streams: ServerResponse[] = [];
  const responses: ServerResponse[] = [];
  const server = createServer((_request, response) => {
    responses.push(response.on('error', () => undefined));
    writeReply(response, reply, (stream) => streams.push(stream));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const outgoing = request({ host: '127.0.0.1', port, agent: false });
  outgoing.on('error', () => undefined);
  outgoing.end();
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  incoming.on('error', () => undefined);
  return { incoming, streams, response: responses[0] };
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of incoming.setEncoding('utf8')) text += String(part);
  return text;
}

const strict = [
  ['cache-control', 'no-store'],
  ['x-content-type-options', 'nosniff'],
  ['x-frame-options', 'DENY'],
  ['referrer-policy', 'no-referrer'],
  ['cross-origin-resource-policy', 'same-origin'],
] as const;

describe('writeReply', () => {
  const bytes = Buffer.from('js');
  const replies: readonly {
    name: string;
    reply: ControlReply;
    want: readonly [number, string, string];
  }[] = [
    {
      name: 'a body',
      reply: { body: { text: '\u2028<b>' } },
      want: [200, 'application/json; charset=utf-8', '{"text":"\u2028<b>"}\n'],
    },
    {
      name: 'a file',
      reply: { file: { type: 'text/javascript', bytes } },
      want: [200, 'text/javascript', 'js'],
    },
    {
      name: 'a refusal',
      reply: { refused: { status: 409, code: 'changed', message: 'm' } },
      want: [
        409,
        'application/json; charset=utf-8',
        '{"error":{"code":"changed","message":"m"}}\n',
      ],
    },
  ];
  for (const { name, reply, want } of replies) {
    it(`writes ${name} with strict headers`, async (context) => {
      const { incoming, streams } = await exchange(context, reply);
      const { statusCode, headers } = incoming;
      assert.deepEqual([statusCode, headers['content-type'], await textOf(incoming)], want);
      for (const [header, value] of strict) assert.equal(headers[header], value);
      assert.match(
        String(headers['content-security-policy']),
        /^default-src 'none'; .*frame-ancestors 'none'/,
      );
      assert.equal(streams.length, 0);
    });
  }
  it('says how to be known, and uses no refused connection again', async (context) => {
    const refused = { status: 401, code: 'unauthorized', message: 'm' } as const;
    const { incoming } = await exchange(context, { refused });
    assert.deepEqual(
      [incoming.headers['www-authenticate'], incoming.headers.connection],
      ['Bearer', 'close'],
    );
    incoming.resume();
  });

  it('writes a stream, tells how much is unsent, and ends it when the client goes', async (context) => {
    const begun = Promise.withResolvers<StreamOut>();
    const ended = Promise.withResolvers<string>();
    const { incoming, streams } = await exchange(context, {
      stream: (out) => {
        out.write('data: 1\n\n');
        begun.resolve(out);
        return () => ended.resolve('ended');
      },
    });
    assert.deepEqual(
      [incoming.headers['content-type'], incoming.headers['cache-control'], streams.length],
      ['text/event-stream; charset=utf-8', 'no-store', 1],
    );
    const out = await begun.promise;
    const [first] = (await once(incoming, 'data')) as [Buffer];
    assert.equal(first.toString(), 'data: 1\n\n');
    incoming.pause();
    const big = 'x'.repeat(1024 * 1024);
    for (let n = 0; n < 64 && out.unsentBytes() <= 1024 * 1024; n += 1) out.write(big);
    assert.ok(out.unsentBytes() > 1024 * 1024);
    incoming.destroy();
    assert.equal(await ended.promise, 'ended');
  });
  it('cuts a stream at once', async (context) => {
    const begun = Promise.withResolvers<StreamOut>();
    let ends = 0;
    const { incoming } = await exchange(context, {
      stream: (out) => {
        out.write(': hello\n\n');
        begun.resolve(out);
        return () => (ends += 1);
      },
    });
    incoming.resume();
    const closed = Promise.withResolvers<void>();
    incoming.once('close', () => closed.resolve()); // after an error, which is meant
    (await begun.promise).cut();
    await closed.promise;
    assert.equal(ends, 1);
  });
  it('ends a stream that cuts itself while it begins', async (context) => {
    let ends = 0;
    const done = Promise.withResolvers<void>();
    const server = createServer((_request, response) => {
      const stream = (out: StreamOut) => {
        out.cut();
        return () => (ends += 1);
      };
      writeReply(
        response.on('error', () => undefined),
        { stream },
        () => undefined,
      );
      done.resolve();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    context.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    request({ host: '127.0.0.1', port, agent: false })
      .on('error', () => undefined)
      .end();
    await done.promise;
    assert.equal(ends, 1);
  });
});
