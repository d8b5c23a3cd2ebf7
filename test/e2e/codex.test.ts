// A real Codex turn through every way a model's traffic can take, with commands that are let through,
// refused, and held until a person answers; every decision arrives at a real collector.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { fetchCodex } from '../support/codex.ts';
import {
  eventually,
  launcher,
  removeFolder,
  startSallyport,
  type Finished,
  type RunningDaemon,
} from '../support/daemon.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { startResponsesApi, type ResponsesApi } from '../support/responses-api.ts';
import { createAuthority } from '../support/tls.ts';

const decisionName = 'codex.network_proxy.policy_decision';
const modelHost = 'api.openai.com';

interface Way {
  readonly name: string;
  readonly webSocket: boolean;
  readonly gateway: boolean;
  readonly collector: 'binary' | 'json';
  /** How the provider must see the model requests. */
  readonly want: 'POST' | 'WS';
  readonly listener: 'http' | 'gateway';
}

const ways: readonly Way[] = [
  {
    name: 'CONNECT and server-sent events',
    webSocket: false,
    gateway: false,
    collector: 'binary',
    want: 'POST',
    listener: 'http',
  },
  {
    name: 'CONNECT and WebSocket',
    webSocket: true,
    gateway: false,
    collector: 'json',
    want: 'WS',
    listener: 'http',
  },
  {
    name: 'the gateway and server-sent events',
    webSocket: false,
    gateway: true,
    collector: 'json',
    want: 'POST',
    listener: 'gateway',
  },
  {
    name: 'the gateway and WebSocket',
    webSocket: true,
    gateway: true,
    collector: 'binary',
    want: 'WS',
    listener: 'gateway',
  },
];

describe('a real Codex turn', { timeout: 600_000 }, () => {
  let codex = '';
  let origin: Server;
  let originPort = 0;
  const reached: { host: string; clientPort: number }[] = [];
  const folders: string[] = [];

  before(async () => {
    codex = await fetchCodex();
    origin = createServer((request, response) => {
      reached.push({
        host: request.headers.host ?? '',
        clientPort: request.socket.remotePort ?? 0,
      });
      response.end('hello from the origin\n');
    });
    origin.listen(0, '127.0.0.1');
    await once(origin, 'listening');
    originPort = (origin.address() as AddressInfo).port;
  });
  after(() => {
    origin.close();
    for (const folder of folders) removeFolder(folder);
  });

  for (const way of ways) {
    it(`runs through ${way.name}`, async () => {
      await using cleanup = new AsyncDisposableStack();
      const authority = createAuthority();
      const leaf = authority.issue([modelHost]);
      const collector = await startOtlpReceiver();
      cleanup.defer(collector.close);
      const api = await startResponsesApi({
        ...leaf,
        command: agentCommand(originPort),
        webSocket: way.webSocket,
      });
      cleanup.defer(api.close);
      const daemon = await startDaemon(way, api, authority.certificate, collector.url);
      cleanup.defer(async () => void (await daemon.stop()));
      reached.length = 0;

      const turn = startCodex(codex, way, daemon, api.port, authority.certificate);
      const question = await daemon.question('unknown.test');
      assert.deepEqual(
        { protocol: question.protocol, port: question.port, waiting: question.waiting },
        { protocol: 'http', port: originPort, waiting: 1 },
      );
      assert.ok(
        !reached.some(({ host }) => host.startsWith('unknown.test')),
        'a held host is not reached',
      );
      const allowed = await daemon.sallyport(['allow', question.id]);
      assert.deepEqual(
        { status: allowed.status, stderr: allowed.stderr },
        { status: 0, stderr: '' },
      );
      const done = await turn;
      assert.equal(
        done.status,
        0,
        `codex failed: ${done.stdout}\n${done.stderr}\n${daemon.stderr()}`,
      );
      assert.match(done.stdout, /all done/);

      const output = api.toolOutputs.join('\n');
      assert.match(output, /allowed: 200 hello from the origin/);
      assert.match(output, /denied: 403/);
      assert.match(output, /Domain denied by the sandbox policy/);
      // One connection from the first byte to the answer: curl neither retried nor reconnected.
      const held = /unknown: 200 connects=1 port=(\d+)/.exec(output);
      assert.ok(held !== null, output);
      const record = daemon
        .decisions()
        .find(({ attributes }) => attributes['server.address'] === 'unknown.test');
      assert.equal(record?.attributes['client.address'], `127.0.0.1:${held[1]}`);
      assert.deepEqual(
        reached.map(({ host }) => host),
        [`allowed.test:${originPort}`, `unknown.test:${originPort}`],
      );
      const model = api.requests.filter((request) => request.how === way.want);
      assert.ok(model.length > 0, `model traffic came as ${JSON.stringify(api.requests)}`);
      assert.ok(
        model.every(
          ({ path, authorization }) =>
            path === '/v1/responses' && authorization === 'Bearer dummy-key-4711',
        ),
      );

      await checkRecords(way, daemon, api.port, collector, originPort);
      assert.equal(await daemon.stop(), 0);
      assert.doesNotMatch(
        JSON.stringify(daemon.journal()) + daemon.stderr(),
        /dummy-key-4711|secret=1/,
      );
      assert.doesNotMatch(inspect(collector.records, { depth: null }), /dummy-key-4711|secret=1/);
    });
  }

  async function checkRecords(
    way: Way,
    daemon: RunningDaemon,
    modelPort: number,
    collector: Awaited<ReturnType<typeof startOtlpReceiver>>,
    port: number,
  ): Promise<void> {
    const rows = daemon.decisions().map(({ attributes }) => ({
      host: attributes['server.address'],
      port: attributes['server.port'],
      decision: attributes['network.policy.decision'],
      reason: attributes['network.policy.reason'],
      override: attributes['network.policy.override'],
      listener: attributes['sallyport.listener'],
    }));
    const about = (host: string): object[] => rows.filter((row) => row.host === host);
    assert.deepEqual(about('denied.test'), [
      {
        host: 'denied.test',
        port,
        decision: 'deny',
        reason: 'denied',
        override: false,
        listener: 'http',
      },
    ]);
    assert.deepEqual(about('unknown.test'), [
      {
        host: 'unknown.test',
        port,
        decision: 'allow',
        reason: 'not_allowed',
        override: true,
        listener: 'http',
      },
    ]);
    assert.deepEqual(about('allowed.test'), [
      {
        host: 'allowed.test',
        port,
        decision: 'allow',
        reason: 'allow',
        override: false,
        listener: 'http',
      },
    ]);
    const model = rows.find((row) => row.host === modelHost);
    assert.deepEqual(model, {
      host: modelHost,
      port: modelPort,
      decision: 'allow',
      reason: 'allow',
      override: false,
      listener: way.listener,
    });
    // The collector has every decision of the journal, in the encoding that was asked for.
    const uids = daemon.decisions().map(({ uid }) => uid);
    await eventually('every decision at the collector', () => {
      const arrived = new Set(
        collector.records.map((record) => record.attributes['sallyport.uid']),
      );
      return uids.every((uid) => arrived.has(uid)) ? true : undefined;
    });
    const wanted = way.collector === 'json' ? 'application/json' : 'application/x-protobuf';
    assert.ok(collector.requests.every(({ contentType }) => contentType === wanted));
    assert.ok(collector.records.some(({ eventName }) => eventName === decisionName));
  }

  async function startDaemon(
    way: Way,
    api: ResponsesApi,
    ca: string,
    collector: string,
  ): Promise<RunningDaemon> {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-codex-'));
    folders.push(folder);
    writeFileSync(join(folder, 'ca.crt'), ca);
    return startSallyport({
      folder,
      hosts: Object.fromEntries(
        [modelHost, 'allowed.test', 'denied.test', 'unknown.test'].map((name) => [
          name,
          '127.0.0.1',
        ]),
      ),
      config: `[network]
allowed_domains = ["${modelHost}", "allowed.test", "127.0.0.1:${api.port}", "127.0.0.1:${originPort}"]
denied_domains = ["denied.test", "chatgpt.com", "ab.chatgpt.com", "github.com", "api.github.com"]
[gateway]
enabled = ${way.gateway}
upstream = "https://${modelHost}:${api.port}/v1"
extra_ca = "ca.crt"
[otel]
exporter = { otlp-http = { endpoint = "${collector}", protocol = "${way.collector}" } }
`,
    });
  }
});

/** What the agent runs: three requests, each shown with its status on one line. */
function agentCommand(port: number): string {
  return [
    `printf 'allowed: '; curl -sS -o out -w '%{http_code} ' http://allowed.test:${port}/a?secret=1; cat out`,
    `printf 'denied: '; curl -sS -o out -w '%{http_code} ' http://denied.test:${port}/; cat out; echo`,
    `printf 'unknown: '; curl -sS -o out -w '%{http_code} connects=%{num_connects} port=%{local_port}' http://unknown.test:${port}/`,
  ].join('; ');
}

/** `sallyport exec -- codex exec …` with a home of its own, as a person would start it. */
async function startCodex(
  codex: string,
  way: Way,
  daemon: RunningDaemon,
  modelPort: number,
  ca: string,
): Promise<Finished> {
  const home = join(daemon.folder, 'codex-home');
  const work = join(daemon.folder, 'work');
  mkdirSync(home, { recursive: true });
  mkdirSync(work, { recursive: true });
  const caFile = join(daemon.folder, 'model-ca.crt');
  writeFileSync(caFile, ca);
  const base = way.gateway ? '' : `openai_base_url = "https://${modelHost}:${modelPort}/v1"\n`;
  writeFileSync(
    join(home, 'config.toml'),
    `${base}sandbox_mode = "danger-full-access"
approval_policy = "never"
[features]
plugins = false
api_key_model_discovery = false
[analytics]
enabled = false
`,
  );
  const words = ['exec', '--', codex, 'exec', '--skip-git-repo-check', 'go'];
  const child = spawn(launcher, words, {
    cwd: work,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...daemon.env,
      CODEX_HOME: home,
      CODEX_API_KEY: 'dummy-key-4711',
      SSL_CERT_FILE: caFile,
    },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const limit = setTimeout(() => child.kill('SIGKILL'), 120_000);
  const [status, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(limit);
  rmSync(caFile, { force: true });
  return { status, signal, stdout, stderr };
}
