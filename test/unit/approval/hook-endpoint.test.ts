import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import type { HookEnd } from '../../../src/approval/hook-answer.ts';
import { createEndpoint } from '../../../src/approval/hook-endpoint.ts';
import { createAuthority } from '../../support/tls.ts';

const never = new AbortController().signal;
const failed = (problem: string): HookEnd => ({ status: 'failed', problem });
const done = (answer: unknown): HookEnd => ({ status: 'done', answer });

async function listen(context: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port; // a TCP server
}

async function post(
  context: TestContext,
  handle: RequestListener,
  given: { readonly wantsAnswer?: boolean; readonly signal?: AbortSignal } = {},
): Promise<HookEnd> {
  const port = await listen(context, createServer(handle));
  const { wantsAnswer = true, signal = never } = given;
  const url = `http://127.0.0.1:${port}/hook?key=1`;
  return await createEndpoint({ url, wantsAnswer })('{"id":"k3"}', signal);
}

describe('a hook that is an address', () => {
  it('gets the text as a POST and answers with JSON', async (context) => {
    const end = await post(context, (request, response) => {
      void request.toArray().then((chunks) => {
        const { method, url, headers } = request;
        const body = Buffer.concat(chunks as Buffer[]).toString();
        response.end(JSON.stringify({ method, url, type: headers['content-type'], body }));
      });
    });
    assert.deepEqual(
      end,
      done({
        method: 'POST',
        url: '/hook?key=1',
        type: 'application/json',
        body: '{"id":"k3"}',
      }),
    );
  });

  const answers: readonly {
    readonly name: string;
    readonly handle: RequestListener;
    readonly want: HookEnd;
    readonly wantsAnswer?: boolean;
  }[] = [
    {
      name: 'a status',
      handle: (_, response) => response.writeHead(500).end('{}'),
      want: failed('answered with status 500'),
    },
    {
      name: 'a redirect, which is not followed',
      handle: (_, response) => response.writeHead(307, { location: '/other' }).end(),
      want: failed('answered with status 307'),
    },
    {
      name: 'nothing, where an answer is wanted',
      handle: (_, response) => response.writeHead(204).end(),
      want: failed('answered with status 204'),
    },
    {
      name: 'nothing, where none is wanted',
      handle: (_, response) => response.writeHead(204).end(),
      wantsAnswer: false,
      want: done(undefined),
    },
    {
      name: 'words',
      handle: (_, response) => response.end('allow'),
      want: failed('answered with something that is not JSON'),
    },
    {
      name: 'too much',
      handle: (_, response) => response.end('x'.repeat(65_537)),
      want: failed('answered with more than 65536 bytes'),
    },
    {
      name: 'half of it',
      handle: (_, response) => {
        response.writeHead(200, { 'content-length': 100 });
        response.write('{', () => response.destroy());
      },
      want: failed('broke off its answer'),
    },
    {
      name: 'an end of the connection',
      handle: (request) => request.socket.destroy(),
      want: failed('cannot be reached (ECONNRESET)'),
    },
  ];
  for (const { name, handle, want, ...given } of answers) {
    it(`may answer with ${name}`, async (context) => {
      assert.deepEqual(await post(context, handle, given), want);
    });
  }

  it('is given up when the signal says so', async (context) => {
    const stopping = new AbortController();
    const end = await post(context, () => stopping.abort(), { signal: stopping.signal });
    assert.equal(end.status, 'failed');
  });

  it('is given up in the middle of an answer', async (context) => {
    const stopping = new AbortController();
    const end = await post(
      context,
      (_, response) => {
        response.write('{', () => setImmediate(() => stopping.abort()));
      },
      { signal: stopping.signal },
    );
    assert.equal(end.status, 'failed');
  });

  it('says nothing of an address that nobody listens at', async (context) => {
    const server = createServer();
    const port = await listen(context, server);
    server.close();
    await once(server, 'close');
    const start = createEndpoint({ url: `http://127.0.0.1:${port}/secret`, wantsAnswer: true });
    assert.deepEqual(await start('{}', never), failed('cannot be reached (ECONNREFUSED)'));
  });

  it('is looked up as it is told to', async (context) => {
    const port = await listen(
      context,
      createServer((_, response) => response.end('1')),
    );
    const asked: string[] = [];
    const start = createEndpoint({
      url: `http://localhost:${port}/`,
      wantsAnswer: true,
      resolve: (host) => {
        asked.push(host);
        return Promise.resolve({ kind: 'addresses', addresses: ['127.0.0.1'] });
      },
    });
    assert.deepEqual([await start('{}', never), asked], [done(1), ['localhost']]);
  });

  for (const found of [
    { kind: 'failed', failure: 'dns_failed' },
    { kind: 'addresses', addresses: [] },
  ] as const) {
    it(`fails when its name is not found: ${found.kind}`, async () => {
      const start = createEndpoint({
        url: 'https://chat.example/',
        wantsAnswer: true,
        resolve: () => Promise.resolve(found),
      });
      assert.deepEqual(await start('{}', never), failed('cannot be reached (ENOTFOUND)'));
    });
  }
});

describe('an address with TLS', () => {
  const authority = createAuthority();
  const cases = [
    { name: 'a root of the system or ours', extraCa: [authority.certificate], want: done(1) },
    {
      name: 'nobody trusts',
      extraCa: [],
      want: failed('cannot be reached (UNABLE_TO_VERIFY_LEAF_SIGNATURE)'),
    },
    {
      name: 'another name',
      extraCa: [authority.certificate],
      names: ['other.example'],
      want: failed('cannot be reached (ERR_TLS_CERT_ALTNAME_INVALID)'),
    },
  ];
  for (const { name, extraCa, names = ['127.0.0.1'], want } of cases) {
    it(`is verified: a certificate of ${name}`, async (context) => {
      const leaf = authority.issue(names);
      const server = createTlsServer(leaf, (_, response) => response.end('1'));
      server.on('tlsClientError', () => undefined);
      const port = await listen(context, server);
      const url = `https://127.0.0.1:${port}/`;
      const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
      try {
        assert.deepEqual(
          await createEndpoint({ url, wantsAnswer: true, extraCa })('{}', never),
          want,
        );
      } finally {
        if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
        else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
      }
    });
  }
});
