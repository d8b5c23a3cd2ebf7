import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import type { AnswerOrigin } from '../../../src/approval/answers.ts';
import { ControlError, createControlClient } from '../../../src/control/client.ts';
import { openBench, token } from '../../support/control.ts';

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
    const { url } = await openBench(context);
    const client = createControlClient({ url, token });
    assert.deepEqual(await client.health(), { ok: true });
    assert.deepEqual(await client.pending(), { groups: [] });
    assert.deepEqual(await client.grants(), { grants: [] });
    assert.deepEqual(await client.reload(), { loaded: true, version: 'v1', messages: [] });
    await assert.rejects(client.revoke('g1'), { reason: 'not_found', status: 404 });
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
