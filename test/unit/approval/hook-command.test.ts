import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { HookEnd } from '../../../src/approval/hook-answer.ts';
import { createCommand, hookEnvironment } from '../../../src/approval/hook-command.ts';

const never = new AbortController().signal;
let folder = '';

before(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'hook-')));
});
after(() => rmSync(folder, { recursive: true }));

interface Given {
  readonly script: string;
  readonly words?: readonly string[];
  readonly text?: string;
  readonly wantsAnswer?: boolean;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
}

async function run({ script, words = [], text = '{}', ...given }: Given): Promise<HookEnd> {
  const { wantsAnswer = true, env = {}, signal = never } = given;
  const argv = [process.execPath, '-e', script, '--', ...words];
  return await createCommand({ argv, wantsAnswer, env, folder })(text, signal);
}

const failed = (problem: string): HookEnd => ({ status: 'failed', problem });
const done = (answer: unknown): HookEnd => ({ status: 'done', answer });

describe('a hook that is a program', () => {
  it('gets the text on its input and answers on its output', async () => {
    const script = `let t = ''; process.stdin.on('data', (c) => (t += c)).on('end', () => console.log(JSON.stringify({ got: JSON.parse(t) })))`;
    assert.deepEqual(await run({ script, text: '{"id":"k3"}' }), done({ got: { id: 'k3' } }));
  });

  it('sees its words as they are written: there is no shell', async () => {
    const words = ['$HOME', '`id`', '; true', '"', ''];
    const script = 'console.log(JSON.stringify(process.argv.slice(1)))';
    assert.deepEqual(await run({ script, words }), done(words));
  });

  it('runs in the given folder with the environment of the user, less what is ours', async () => {
    const env = {
      PATH: '/bin',
      API_KEY: 'k',
      SALLYPORT_STATE: '/state',
      NODE_OPTIONS: '--no-warnings',
      UNSET: undefined,
    };
    // Node itself hands NODE_V8_COVERAGE down when coverage is measured.
    const script =
      'delete process.env.NODE_V8_COVERAGE; console.log(JSON.stringify([process.cwd(), process.env]))';
    assert.deepEqual(await run({ script, env }), done([folder, { PATH: '/bin', API_KEY: 'k' }]));
  });

  const ends: readonly (readonly [string, string, HookEnd])[] = [
    ['a status', 'process.exit(3)', failed('ended with status 3')],
    ['a signal', 'process.kill(process.pid, "SIGTERM")', failed('ended with SIGTERM')],
    ['no answer', '', failed('answered with something that is not JSON')],
    ['words', 'console.log("allow")', failed('answered with something that is not JSON')],
    [
      'an answer and a status',
      'console.log("{}"); process.exitCode = 1',
      failed('ended with status 1'),
    ],
    [
      'an answer without an end',
      'const more = () => process.stdout.write("x".repeat(65536), more); more()',
      failed('answered with more than 65536 bytes'),
    ],
  ];
  for (const [name, script, want] of ends) {
    it(`may end with ${name}`, async () => {
      assert.deepEqual(await run({ script }), want);
    });
  }

  it('may answer without reading its input', async () => {
    const text = JSON.stringify('x'.repeat(1_000_000));
    assert.deepEqual(await run({ script: 'console.log("{}"); process.exit(0)', text }), done({}));
  });

  it('is not read when no answer is wanted', async () => {
    assert.deepEqual(
      await run({ script: 'console.log("words")', wantsAnswer: false }),
      done(undefined),
    );
  });

  for (const program of ['no-such-program-anywhere', '/', 'a\0b']) {
    it(`that cannot be started is a failure: ${JSON.stringify(program)}`, async () => {
      const start = createCommand({ argv: [program], wantsAnswer: true, env: {}, folder });
      const end = await start('{}', never);
      assert.match(end.status === 'failed' ? end.problem : '', /^cannot be started \(E[A-Z_]+\)$/);
    });
  }

  it('is ended with everything it started', async () => {
    // The grandchild tells its pid through a socket, whose end tells that it has gone.
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo; // a TCP server
    const inner = `require('node:net').connect(${port}, '127.0.0.1').on('error', () => 0)`;
    const script = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(inner)}], { stdio: 'inherit' }); setInterval(() => 0, 1e6)`;
    const stopping = new AbortController();
    const ended = run({ script, signal: stopping.signal });
    const [socket] = (await once(server, 'connection')) as [Socket];
    socket.on('error', () => undefined);
    socket.resume();
    stopping.abort();
    assert.deepEqual(await ended, failed('was stopped'));
    await once(socket, 'close');
    server.close();
  });
});

describe('hookEnvironment', () => {
  it('keeps what the program may need and drops what is ours', () => {
    const kept = { PATH: '/bin', HOME: '/home/dev', LANG: 'C', HTTPS_PROXY: 'http://p.example:1' };
    const dropped = {
      SALLYPORT_STATE: 'x',
      SALLYPORT_SAVED_NODE_OPTIONS: 'x',
      sallyport_config: 'x',
      OTEL_EXPORTER_OTLP_HEADERS: 'x',
      OTEL_EXPORTER_OTLP_LOGS_HEADERS: 'x',
      NODE_OPTIONS: 'x',
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
    };
    assert.deepEqual(hookEnvironment({ ...kept, ...dropped, UNSET: undefined }), kept);
  });
});
