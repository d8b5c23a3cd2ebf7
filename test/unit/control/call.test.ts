import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { callDaemon, ControlError } from '../../../src/control/call.ts';

/** A daemon that answers as the test says; gives its address. */
async function daemon(
  context: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const how = { surface: 'cli', timeoutMs: 5000 };
const get = { method: 'GET', path: '/v1/status' };

describe('callDaemon', () => {
  it('sends the token, the surface and the body', async (context) => {
    const seen: unknown[] = [];
    const url = await daemon(context, (request, response) => {
      const {
        authorization,
        'x-sallyport-surface': surface,
        'content-type': type,
      } = request.headers;
      seen.push([request.method, request.url, authorization, surface, type]);
      response.end('{"a":1}');
    });
    assert.deepEqual(await callDaemon({ url, token: 'secret' }, get, how), { a: 1 });
    const post = { method: 'POST', path: '/v1/undo', body: {} };
    await callDaemon({ url, token: 'secret' }, post, how);
    assert.deepEqual(seen, [
      ['GET', '/v1/status', 'Bearer secret', 'cli', undefined],
      ['POST', '/v1/undo', 'Bearer secret', 'cli', 'application/json'],
    ]);
  });
  it('gives the token to no path that is open to all', async (context) => {
    const seen: unknown[] = [];
    const url = await daemon(context, (request, response) => {
      seen.push(request.headers.authorization);
      response.end('{}');
    });
    for (const path of ['/v1/health', '/v1/page-sessions']) {
      await callDaemon({ url, token: 'secret' }, { method: 'POST', path, body: {} }, how);
    }
    assert.deepEqual(seen, [undefined, undefined]);
  });
  const refusals = [
    { name: 'a known code', text: '{"error":{"code":"gone","message":"m"}}', want: ['gone', 'm'] },
    {
      name: 'an unknown code',
      text: '{"error":{"code":"x","message":"m"}}',
      want: ['internal', 'm'],
    },
    { name: 'no JSON', text: '<p>', want: ['internal', 'unexpected answer, status 410'] },
    {
      name: 'a message that is none',
      text: '{"error":{"code":"gone","message":5}}',
      want: ['gone', 'unexpected answer, status 410'],
    },
    { name: 'no error', text: '[]', want: ['internal', 'unexpected answer, status 410'] },
  ];
  for (const { name, text, want } of refusals) {
    it(`tells of a "no" with ${name}`, async (context) => {
      const url = await daemon(context, (_request, response) => {
        response.statusCode = 410;
        response.end(text);
      });
      const refused = await callDaemon({ url, token: '' }, get, how).catch(
        (error: unknown) => error,
      );
      assert.ok(refused instanceof ControlError);
      assert.deepEqual([refused.status, refused.reason, refused.message], [410, ...want]);
    });
  }
  it('takes no answer without end', async (context) => {
    const url = await daemon(context, (_request, response) => {
      const chunk = Buffer.alloc(1024 * 1024, 0x20);
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
        response.once('drain', more);
      };
      response.on('error', () => undefined);
      more();
    });
    await assert.rejects(callDaemon({ url, token: '' }, get, how), {
      code: 'ERR_CONTROL_UNREACHABLE',
    });
  });
});
