import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { describe, it, type TestContext } from 'node:test';
import { createHook, type Hook } from '../../../src/approval/hook.ts';

const failed = (problem: string) => ({ status: 'failed', problem });
const done = (answer: unknown) => ({ status: 'done', answer });
const longMs = 60_000;

/** An endpoint that keeps what it was asked until the test answers. */
async function setUp(context: TestContext) {
  const asked: ServerResponse[] = [];
  const server = createServer((_, response) => {
    asked.push(response);
    server.emit('asked');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // a TCP server
  const hook: Hook = createHook({
    target: { kind: 'endpoint', url: `http://127.0.0.1:${port}/` },
    wantsAnswer: true,
    env: {},
    folder: tmpdir(),
  });
  context.after(() => {
    hook.close();
    server.close();
    server.closeAllConnections();
  });
  const reach = async (count: number): Promise<void> => {
    while (asked.length < count) await once(server, 'asked');
  };
  return { hook, asked, reach };
}

describe('a hook', () => {
  it('runs a program', async () => {
    const argv = [process.execPath, '-e', 'process.stdin.pipe(process.stdout)'];
    const target = { kind: 'command', argv } as const;
    const hook = createHook({ target, wantsAnswer: true, env: {}, folder: tmpdir() });
    assert.deepEqual(await hook.run({ id: 'k3' }, longMs), done({ id: 'k3' }));
  });

  it('runs four at once and the others in turn', async (context) => {
    const { hook, asked, reach } = await setUp(context);
    const ends = [1, 2, 3, 4, 5, 6].map((id) => hook.run({ id }, longMs));
    await reach(4);
    assert.equal(asked.length, 4);
    for (let at = 0; at < 6; at += 1) {
      await reach(at + 1);
      asked[at]?.end(String(at));
    }
    assert.deepEqual(
      (await Promise.all(ends)).map(({ status }) => status),
      Array.from({ length: 6 }, () => 'done'),
    );
  });

  it('refuses at once what would wait behind sixty-four', async (context) => {
    const { hook } = await setUp(context);
    const ends = Array.from({ length: 68 }, () => hook.run({}, longMs));
    assert.deepEqual(await hook.run({}, longMs), failed('has too much to do already'));
    hook.close();
    for (const end of await Promise.all(ends)) {
      assert.deepEqual(end, failed('was stopped with the daemon'));
    }
  });

  it('gives up what takes too long, and what waits too long for its turn', async (context) => {
    const { hook, asked, reach } = await setUp(context);
    const running = [1, 2, 3, 4].map((id) => hook.run({ id }, longMs));
    await reach(4);
    assert.deepEqual(await hook.run({}, 20), failed('did not answer within 0.02 s'));
    for (const response of asked.slice(0, 4)) response.end('1');
    await Promise.all(running);
    assert.deepEqual(await hook.run({}, 50), failed('did not answer within 0.05 s'));
  });

  it('frees the turn of a run that failed', async () => {
    const target = { kind: 'command', argv: ['no-such-program-anywhere'] } as const;
    const hook = createHook({ target, wantsAnswer: true, env: {}, folder: tmpdir() });
    for (let at = 0; at < 10; at += 1) {
      assert.deepEqual(await hook.run({}, longMs), failed('cannot be started (ENOENT)'));
    }
  });

  it('ends with the daemon', async (context) => {
    const { hook, reach } = await setUp(context);
    const end = hook.run({}, longMs);
    await reach(1);
    hook.close();
    assert.deepEqual(await end, failed('was stopped with the daemon'));
    assert.deepEqual(await hook.run({}, longMs), failed('was stopped with the daemon'));
  });

  it('never rejects, even for what has no JSON', async (context) => {
    const { hook } = await setUp(context);
    assert.deepEqual(await hook.run(1n, longMs), failed('could not be run'));
  });
});
