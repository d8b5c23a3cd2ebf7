import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import type { AnswerOrigin } from '../../../src/approval/answers.ts';
import { ControlError, createControlClient } from '../../../src/control/client.ts';
import type { ControlTarget } from '../../../src/control/client.ts';
import type { LiveView } from '../../../src/control/messages.ts';
import { applyEvent } from '../../../src/control/mirror.ts';
import type { ControlRequest } from '../../../src/control/route.ts';
import { createRoutes } from '../../../src/control/routes.ts';
import { openControl } from '../../../src/control/server.ts';
import { openBench, openParts, token } from '../../support/control.ts';
import { makeGroup } from '../../support/views.ts';

/** A state folder as a daemon leaves it. */
function stateFolder(context: TestContext, control: unknown, key = token): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-state-'));
  context.after(() => {
    rmSync(folder, { recursive: true });
  });
  const text = typeof control === 'string' ? control : JSON.stringify(control);
  writeFileSync(join(folder, 'control.json'), text);
  writeFileSync(join(folder, 'token'), `${key}\n`);
  return folder;
}

/** A listener that answers every connection in this way once it has asked something. */
async function listen(context: TestContext, answer: (socket: Socket) => void): Promise<string> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    socket.once('data', () => answer(socket));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('createControlClient', () => {
  it('finds the daemon through its state folder, the port first', async (context) => {
    const origins: AnswerOrigin[] = [];
    const bench = await openBench(context, {
      answer: (_id, _request, origin) => {
        origins.push(origin);
        return Promise.resolve({
          status: 'answered',
          response: { id: 'k3', outcome: 'deny', released: 0, grant: null },
        });
      },
    });
    const state = stateFolder(context, { pid: 1, control: bench.url, socket: bench.socketPath });
    const client = createControlClient({ state }, { surface: 'cli' });
    assert.deepEqual(await client.answer('k3', { outcome: 'deny' }), {
      id: 'k3',
      outcome: 'deny',
      released: 0,
      grant: null,
    });
    assert.deepEqual(
      origins.map(({ client: from, surface }) => [from?.localPort, surface]),
      [[bench.port, 'cli']],
    );
  });
  it('uses the socket when the port is off, or closed', async (context) => {
    const bench = await openBench(context);
    for (const control of [null, 'http://127.0.0.1:1']) {
      const state = stateFolder(context, { pid: 1, control, socket: bench.socketPath });
      assert.equal((await createControlClient({ state }).status()).version, '0.0.0');
    }
  });
  it('asks every route', async (context) => {
    const asked: string[] = [];
    const handled = createRoutes(openParts(context)).map((route) => ({
      ...route,
      handle: ({ id, body, query }: ControlRequest) => {
        asked.push(`${route.method} ${route.path} ${id}`);
        return Promise.resolve({ body: { id, body, query: [...query] } });
      },
    }));
    const server = await openControl(
      {
        routes: handled,
        find: () => ({ key: 'k', token: 't', role: 'admin', surface: undefined }),
        onCall: () => undefined,
        port: () => server.port ?? 0,
        peerOf: () => undefined,
        onBug: (bug) => assert.fail(String(bug)),
      },
      { port: 0 },
    );
    context.after(() => server.close());
    const client = createControlClient({ url: `http://127.0.0.1:${server.port}`, token });
    const draft = { file: 'f', etag: 'e', text: '' };
    const history = { host: 'a b&c', limit: 5 };
    const calls: readonly (readonly [Promise<unknown>, string, unknown?])[] = [
      [client.health(), 'GET /v1/health '],
      [client.status(), 'GET /v1/status '],
      [client.pending(), 'GET /v1/pending '],
      [client.show('k3'), 'GET /v1/pending/{id} k3'],
      [
        client.answer('k3', { outcome: 'deny' }),
        'POST /v1/pending/{id}/answer k3',
        { outcome: 'deny' },
      ],
      [
        client.preview('k3', { outcome: 'deny' }),
        'POST /v1/pending/{id}/preview k3',
        { outcome: 'deny' },
      ],
      [client.hold('k3', '5m'), 'POST /v1/pending/{id}/hold k3', { for: '5m' }],
      [client.grants(), 'GET /v1/grants '],
      [client.revoke('g1'), 'DELETE /v1/grants/{id} g1'],
      [client.undo(), 'POST /v1/undo ', {}],
      [client.undo('k3'), 'POST /v1/undo ', { id: 'k3' }],
      [client.history(), 'GET /v1/history '],
      [client.history(history), 'GET /v1/history '],
      [client.pause('10m'), 'POST /v1/pause ', { for: '10m' }],
      [client.resume(), 'POST /v1/resume ', {}],
      [client.panic(true), 'POST /v1/panic ', { on: true }],
      [client.lift('f1'), 'POST /v1/floods/{id}/lift f1', {}],
      [client.change('c1', 'accept'), 'POST /v1/changes/{id}/accept c1', {}],
      [client.change('c1', 'reject'), 'POST /v1/changes/{id}/reject c1', {}],
      [client.change('c1', 'undo'), 'POST /v1/changes/{id}/undo c1', {}],
      [client.rules(), 'GET /v1/rules '],
      [client.checkRules(draft), 'POST /v1/rules/check ', draft],
      [client.saveRules(draft), 'POST /v1/rules/save ', draft],
      [client.undoRules('e1'), 'POST /v1/rules/undo ', { id: 'e1' }],
      [client.rulesHistory(), 'GET /v1/rules/history '],
      [client.tokens(), 'GET /v1/tokens '],
      [
        client.createToken({ name: 'a', role: 'viewer' }),
        'POST /v1/tokens ',
        { name: 'a', role: 'viewer' },
      ],
      [client.revokeToken('t1'), 'DELETE /v1/tokens/{id} t1'],
      [client.rotateToken(), 'POST /v1/tokens/local/rotate ', {}],
      [client.pageCode(), 'POST /v1/page-codes ', {}],
      [client.pageSession('c'), 'POST /v1/page-sessions ', { code: 'c' }],
      [client.reportTray(null), 'POST /v1/tray ', { problem: null }],
      [client.reload(), 'POST /v1/reload ', {}],
    ];
    for (const [call, , body] of calls)
      assert.deepEqual(((await call) as { body: unknown }).body, body);
    assert.deepEqual(asked.toSorted(), calls.map(([, route]) => route).toSorted());
    const watched = 'GET /v1/events ';
    const missing = handled
      .map(({ method, path }) => `${method} ${path}`)
      .filter((route) => ![...asked, watched].some((one) => one.startsWith(`${route} `)));
    assert.deepEqual(missing, []);
    assert.deepEqual(((await client.history(history)) as unknown as { query: unknown }).query, [
      ['host', 'a b&c'],
      ['limit', '5'],
    ]);
  });
  it('asks for health without giving the token away', async (context) => {
    const { url } = await openBench(context);
    assert.deepEqual(await createControlClient({ url, token: '' }).health(), { ok: true });
  });
  it('follows no proxy of the environment', async (context) => {
    const { url } = await openBench(context);
    const module = new URL('../../../src/control/client.ts', import.meta.url).href;
    const code = `import { createControlClient } from ${JSON.stringify(module)};
      console.log((await createControlClient({ url: '${url}', token: '${token}' }).status()).version);`;
    const nowhere = 'http://127.0.0.1:1';
    const env = { HTTP_PROXY: nowhere, http_proxy: nowhere, NODE_USE_ENV_PROXY: '1' };
    const args = ['--input-type=module', '-e', code];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env });
    assert.equal(stdout, '0.0.0\n');
  });

  it('tells what the daemon refused, in a form for exit codes', async (context) => {
    const { url } = await openBench(context, {
      answer: () => Promise.resolve({ status: 'self', problem: 'no' }),
    });
    const refused = await createControlClient({ url, token })
      .answer('k3', { outcome: 'allow' })
      .catch((error: unknown) => error);
    assert.ok(refused instanceof ControlError);
    assert.deepEqual(
      [refused.code, refused.status, refused.reason, refused.message],
      ['ERR_CONTROL_REFUSED', 403, 'self_approval', 'no'],
    );
    await assert.rejects(createControlClient({ url, token: 'wrong' }).status(), {
      reason: 'unauthorized',
    });
    await assert.rejects(createControlClient({ url, token }).answer('../x', { outcome: 'allow' }), {
      reason: 'not_found',
    });
  });

  it('watches until it is told to stop', async (context) => {
    const groups = [makeGroup({ id: 'k1' })];
    const bench = await openBench(context, { live: { groups: () => [...groups] } });
    const state = stateFolder(context, { control: null, socket: bench.socketPath });
    for (const client of [
      createControlClient({ url: bench.url, token }, { surface: 'watch' }),
      createControlClient({ state }, { surface: 'watch' }),
    ]) {
      const abort = new AbortController();
      let view: LiveView | undefined;
      for await (const event of client.watch(abort.signal)) {
        view = applyEvent(view, event);
        if (event.type === 'change') abort.abort();
        groups.push(makeGroup({ id: `k${groups.length + 1}` }));
        bench.feed.mark('groups');
      }
      assert.deepEqual(view?.groups, groups.slice(0, -1));
    }
    assert.deepEqual(bench.parts.watching[0], ['watch', 1]);
  });
  it('leaves the stream when whoever reads it does', async (context) => {
    const left = Promise.withResolvers<void>();
    const bench = await openBench(context, {
      onWatching: (_surface, change) => {
        if (change === -1) left.resolve();
      },
    });
    const client = createControlClient({ url: bench.url, token });
    for await (const event of client.watch(new AbortController().signal)) {
      assert.equal(event.type, 'snapshot');
      break;
    }
    await left.promise;
    assert.equal(bench.feed.count(), 0);
  });
  it('says why it cannot watch', async (context) => {
    const bench = await openBench(context);
    const { signal } = new AbortController();
    const first = async (target: ControlTarget, timeoutMs = 5000) =>
      await createControlClient(target, { timeoutMs }).watch(signal)[Symbol.asyncIterator]().next();
    await assert.rejects(first({ url: bench.url, token: 'wrong' }), { reason: 'unauthorized' });
    await assert.rejects(first({ url: 'http://127.0.0.1:1', token }), {
      code: 'ERR_CONTROL_UNREACHABLE',
      message: /^the daemon does not answer/,
    });
    const state = stateFolder(context, '{');
    await assert.rejects(first({ state }), { code: 'ERR_STATE_CORRUPT' });
    const mute = await listen(context, () => undefined);
    await assert.rejects(first({ url: mute, token }, 50), {
      code: 'ERR_CONTROL_UNREACHABLE',
      message: /^the daemon has fallen silent/,
    });
    const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n';
    for (const text of ['data: nonsense\n\n', 'data: {"type":"change"}\n\n', ': nothing\n\n']) {
      const odd = await listen(context, (socket) => socket.end(head + text));
      await assert.rejects(first({ url: odd, token }), { code: 'ERR_CONTROL_UNREACHABLE' });
    }
  });
  it('asks nobody when it is told to stop before it begins', async () => {
    const client = createControlClient({ state: '/nowhere' });
    for await (const event of client.watch(AbortSignal.abort())) assert.fail(event.type);
  });

  it('says that no daemon runs', async (context) => {
    const unreachable = {
      code: 'ERR_CONTROL_UNREACHABLE',
      message: /is the daemon running\? start it with "sallyport run"$/,
    };
    await assert.rejects(createControlClient({ state: '/nowhere' }).status(), unreachable);
    const state = stateFolder(context, {
      pid: 1,
      control: 'http://127.0.0.1:1',
      socket: '/nowhere.sock',
    });
    await assert.rejects(createControlClient({ state }).status(), unreachable);
  });
  it('asks nobody at the port while nobody answers on the socket, since anybody may have the port by then', async (context) => {
    let connections = 0;
    const other = await listen(context, () => (connections += 1));
    const state = stateFolder(context, { pid: 1, control: other, socket: '/nowhere.sock' });
    const client = createControlClient({ state });
    const unreachable = { code: 'ERR_CONTROL_UNREACHABLE' };
    await assert.rejects(client.health(), unreachable);
    await assert.rejects(client.status(), unreachable);
    await assert.rejects(
      client.watch(new AbortController().signal)[Symbol.asyncIterator]().next(),
      unreachable,
    );
    assert.equal(connections, 0);
  });
  it('says that the daemon broke off, and does not ask twice', async (context) => {
    let connections = 0;
    const broken = createServer((socket) => {
      connections += 1;
      socket.on('error', () => undefined).once('data', () => socket.destroy());
    }).listen(0, '127.0.0.1');
    context.after(() => broken.close());
    await once(broken, 'listening');
    const { port } = broken.address() as AddressInfo;
    const bench = await openBench(context);
    const state = stateFolder(context, {
      pid: 1,
      control: `http://127.0.0.1:${port}`,
      socket: bench.socketPath,
    });
    await assert.rejects(createControlClient({ state }).status(), {
      code: 'ERR_CONTROL_UNREACHABLE',
    });
    assert.equal(connections, 1);
  });
  it('waits no longer than it may', async (context) => {
    const bench = await openBench(context, { reload: () => new Promise(() => undefined) });
    const client = createControlClient({ url: bench.url, token }, { timeoutMs: 50 });
    await assert.rejects(client.reload(), {
      code: 'ERR_CONTROL_UNREACHABLE',
      message: 'no answer within 50 ms: is the daemon running? start it with "sallyport run"',
    });
  });

  const corrupt = [
    { name: 'no JSON', control: '{' },
    { name: 'no address', control: { pid: 1, control: null } },
    { name: 'a foreign address', control: { control: 'http://192.0.2.1:4131' } },
    { name: 'no URL', control: { control: 'nonsense' } },
  ];
  for (const { name, control } of corrupt) {
    it(`refuses an address file with ${name}`, async (context) => {
      const state = stateFolder(context, control);
      await assert.rejects(createControlClient({ state }).status(), { code: 'ERR_STATE_CORRUPT' });
    });
  }
});
