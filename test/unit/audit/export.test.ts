import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import type { AuditEvent } from '../../../src/audit/draft.ts';
import { decisionEvent } from '../../../src/audit/event.ts';
import { createExporter } from '../../../src/audit/export.ts';
import type { Exporter, ExporterSettings } from '../../../src/audit/export.ts';
import { startOtlpReceiver } from '../../support/otlp-receiver.ts';
import type { OtlpReceiver, OtlpReceiverOptions } from '../../support/otlp-receiver.ts';
import { createAuthority } from '../../support/tls.ts';

const secret = 'very-secret-token-4711';

const defaults: Omit<ExporterSettings, 'endpoint'> = {
  protocol: 'json',
  headers: { 'x-otlp-api-key': secret },
  environment: 'prod',
  version: '0.1.0',
  delayMs: 5,
};

/** A collector that goes with the test. */
async function collector(context: TestContext, options?: OtlpReceiverOptions) {
  const receiver = await startOtlpReceiver(options);
  context.after(() => receiver.close());
  return receiver;
}

/** An exporter that goes with the test, and what it told. */
function exporter(
  context: TestContext,
  settings: Partial<ExporterSettings> & { endpoint: string },
) {
  const told: string[] = [];
  const made: Exporter = createExporter({
    ...defaults,
    onProblem: (problem) => told.push(problem),
    onRecovered: () => told.push('recovered'),
    ...settings,
  });
  context.after(() => made.close(0));
  return { exporter: made, told };
}

/** Sets variables of the environment for one test. */
function environment(context: TestContext, variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) {
    const before = process.env[name];
    process.env[name] = value;
    context.after(() => {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    });
  }
}

function event(uid: string): AuditEvent {
  return decisionEvent(uid, Date.UTC(2020, 0, 2, 3, 4, 5, 678), {
    request: {
      destination: { protocol: 'https_connect', host: 'api.example', kind: 'name', port: 443 },
      listener: 'http',
      method: 'CONNECT',
      form: 'tunnel',
      client: { address: '127.0.0.1', port: 40_000, localPort: 4128 },
    },
    verdict: {
      outcome: 'deny',
      source: 'baseline_policy',
      reason: 'denied',
      rule: undefined,
      grant: undefined,
    },
    hold: undefined,
    pinned: true,
    policyVersion: 'p7',
  });
}

const uids = ({ records }: OtlpReceiver): unknown[] =>
  records.map(({ attributes }) => attributes['sallyport.uid']);

describe('a record on the wire', () => {
  const protocols = [
    { protocol: 'json', contentType: 'application/json' },
    { protocol: 'binary', contentType: 'application/x-protobuf' },
  ] as const;
  for (const { protocol, contentType } of protocols) {
    it(`has name, attributes with their types, resource and scope in ${protocol}`, async (context) => {
      const receiver = await collector(context);
      const { exporter: sender } = exporter(context, {
        endpoint: `${receiver.url}?tenant=1`,
        protocol,
        resourceAttributes: { team: 'blue', 'service.name': 'other' },
      });
      const sent = event('u1');
      const beforeNano = BigInt(Date.now()) * 1_000_000n;
      sender.emit(sent);
      await sender.flush();
      const [record] = receiver.records;
      assert.ok(record);
      const { resource, observedTimeUnixNano, types, ...rest } = record;
      assert.deepEqual(rest, {
        scope: { name: 'sallyport', version: '0.1.0' },
        eventName: 'codex.network_proxy.policy_decision',
        timeUnixNano: 1_577_934_245_678_000_000n,
        severityNumber: 9,
        severityText: 'INFO',
        body: undefined,
        attributes: sent.attributes,
      });
      assert.ok(observedTimeUnixNano >= beforeNano);
      assert.equal(types['server.port'], 'int');
      assert.equal(types['network.policy.override'], 'bool');
      assert.equal(types['server.address'], 'string');
      const { 'telemetry.sdk.version': sdkVersion, ...named } = resource;
      assert.equal(typeof sdkVersion, 'string');
      assert.deepEqual(named, {
        'service.name': 'sallyport',
        'service.version': '0.1.0',
        env: 'prod',
        'deployment.environment.name': 'prod',
        'host.name': hostname(),
        'telemetry.sdk.name': 'opentelemetry',
        'telemetry.sdk.language': 'nodejs',
        team: 'blue',
      });
      const [request] = receiver.requests;
      assert.equal(request?.method, 'POST');
      assert.equal(request.path, '/v1/logs?tenant=1');
      assert.equal(request.contentType, contentType);
      assert.equal(request.headers['x-otlp-api-key'], secret);
      assert.match(request.headers['user-agent'] ?? '', /^sallyport\/0\.1\.0 /);
      assert.deepEqual(sender.health(), { ok: true, delivered: 1, dropped: 0, problem: null });
    });
  }
});

describe('the order and number of records', () => {
  it('is that of the events, also of those before the library was loaded', async (context) => {
    const receiver = await collector(context);
    const { exporter: sender } = exporter(context, { endpoint: receiver.url, protocol: 'binary' });
    const sent = Array.from({ length: 1500 }, (_, index) => `u${index}`);
    for (const uid of sent) sender.emit(event(uid));
    await sender.flush();
    assert.deepEqual(uids(receiver), sent);
  });

  it('is reached without a flush, after the delay', async (context) => {
    const receiver = await collector(context);
    const { exporter: sender } = exporter(context, { endpoint: receiver.url });
    sender.emit(event('a'));
    await receiver.waitFor(1);
  });

  it('is whole for everybody who flushes at the same time', async (context) => {
    const receiver = await collector(context);
    const { exporter: sender } = exporter(context, { endpoint: receiver.url, delayMs: 60_000 });
    sender.emit(event('a'));
    const first = sender.flush();
    sender.emit(event('b'));
    await Promise.all([first, sender.flush()]);
    assert.deepEqual(uids(receiver), ['a', 'b']);
  });
});

describe('a collector in trouble', () => {
  it('that is not there costs counted records and one message', async (context) => {
    const gone = await startOtlpReceiver();
    await gone.close();
    const { exporter: sender, told } = exporter(context, { endpoint: gone.url, timeoutMs: 200 });
    sender.emit(event('a'));
    await sender.flush();
    sender.emit(event('b'));
    await sender.flush();
    const problem = `connect ECONNREFUSED 127.0.0.1:${gone.port}`;
    assert.deepEqual(sender.health(), { ok: false, delivered: 0, dropped: 2, problem });
    assert.deepEqual(told, [problem]);
  });

  it('that refuses is named with its status, and once it takes records all is well', async (context) => {
    let status = 401;
    const receiver = await collector(context, { answer: () => status });
    const { exporter: sender, told } = exporter(context, { endpoint: receiver.url });
    sender.emit(event('a'));
    await sender.flush();
    const problem = '401 Unauthorized';
    assert.deepEqual(sender.health(), { ok: false, delivered: 0, dropped: 1, problem });
    status = 200;
    sender.emit(event('b'));
    await sender.flush();
    assert.deepEqual(sender.health(), { ok: true, delivered: 1, dropped: 1, problem: null });
    assert.deepEqual(told, [problem, 'recovered']);
  });

  it('that is busy is asked again', async (context) => {
    let first = true;
    const receiver = await collector(context, {
      answer: () => {
        const answer = first ? 503 : 200;
        first = false;
        return answer;
      },
    });
    const { exporter: sender } = exporter(context, { endpoint: receiver.url });
    sender.emit(event('a'));
    await sender.flush();
    assert.deepEqual(uids(receiver), ['a']);
    assert.deepEqual(sender.health(), { ok: true, delivered: 1, dropped: 0, problem: null });
  });

  it('that never answers neither fills memory nor delays emit, flush or close', async (context) => {
    const receiver = await collector(context, { answer: () => 'hang' });
    const { exporter: sender } = exporter(context, {
      endpoint: receiver.url,
      timeoutMs: 200,
      queueLimit: 100,
      delayMs: 1,
    });
    for (let number = 0; number < 1000; number += 1) sender.emit(event(`u${number}`));
    await receiver.waitForRequests(1);
    assert.equal(sender.health().dropped, 900);
    await sender.flush();
    assert.deepEqual(sender.health(), {
      ok: false,
      delivered: 0,
      dropped: 1000,
      problem: 'Request timed out',
    });
    sender.emit(event('last'));
    await sender.close(1);
    const { dropped } = sender.health();
    assert.equal(dropped, 1001);
    sender.emit(event('after'));
    assert.equal(sender.health().dropped, 1002);
  });

  it('that sends a byte now and then is given up all the same', async (context) => {
    const server = createServer((_request, response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(drip));
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    context.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const endpoint = `http://127.0.0.1:${port}/v1/logs`;
    const { exporter: sender } = exporter(context, { endpoint, timeoutMs: 200 });
    sender.emit(event('a'));
    await sender.flush();
    const { ok, dropped } = sender.health();
    assert.deepEqual({ ok, dropped }, { ok: false, dropped: 1 });
  });

  it('cannot make us repeat a header or print what it likes', async (context) => {
    const words = `no ${secret} \u009b31m`;
    const receiver = await collector(context, { answer: () => ({ status: 400, words }) });
    const { exporter: sender, told } = exporter(context, { endpoint: receiver.url });
    sender.emit(event('a'));
    await sender.flush();
    assert.deepEqual(told, ['400 no *** \\x9b31m']);
  });

  it('that redirects is not followed', async (context) => {
    const other = await collector(context);
    const server = createServer((_request, response) => {
      response.writeHead(307, { location: other.url }).end();
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    context.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const { exporter: sender, told } = exporter(context, {
      endpoint: `http://127.0.0.1:${port}/v1/logs`,
    });
    sender.emit(event('a'));
    await sender.flush();
    assert.deepEqual(told, ['307 Temporary Redirect']);
    assert.equal(other.requests.length, 0);
  });
});

describe('the environment', () => {
  it('changes nothing of what the configuration says', async (context) => {
    const decoy = await collector(context);
    environment(context, {
      OTEL_EXPORTER_OTLP_ENDPOINT: decoy.url,
      OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: decoy.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-leak=from-environment',
      OTEL_EXPORTER_OTLP_LOGS_HEADERS: 'x-otlp-api-key=wrong',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      OTEL_EXPORTER_OTLP_TIMEOUT: '1',
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=other,leak=yes',
      OTEL_SERVICE_NAME: 'other',
      OTEL_SDK_DISABLED: 'true',
      OTEL_LOG_LEVEL: 'debug',
    });
    const receiver = await collector(context);
    const { exporter: sender } = exporter(context, { endpoint: receiver.url });
    sender.emit(event('a'));
    await sender.flush();
    const headers = receiver.requests[0]?.headers;
    const { 'x-leak': leak, 'x-otlp-api-key': key, 'content-encoding': coding } = headers ?? {};
    assert.deepEqual({ leak, key, coding }, { leak: undefined, key: secret, coding: undefined });
    const { 'service.name': service, leak: leaked } = receiver.records[0]?.resource ?? {};
    assert.deepEqual({ service, leaked }, { service: 'sallyport', leaked: undefined });
    assert.equal(decoy.requests.length, 0);
    assert.equal(process.env['OTEL_EXPORTER_OTLP_HEADERS'], 'x-leak=from-environment');
  });

  it('puts no proxy between us and the collector', async (context) => {
    const proxy = await collector(context);
    const address = `http://127.0.0.1:${proxy.port}`;
    environment(context, {
      NODE_USE_ENV_PROXY: '1',
      HTTP_PROXY: address,
      http_proxy: address,
      HTTPS_PROXY: address,
      ALL_PROXY: address,
      NO_PROXY: '',
      no_proxy: '',
    });
    const receiver = await collector(context);
    const { exporter: sender } = exporter(context, { endpoint: receiver.url });
    sender.emit(event('a'));
    await sender.flush();
    assert.deepEqual(uids(receiver), ['a']);
    assert.equal(proxy.requests.length, 0);
  });
});

describe('TLS to the collector', () => {
  const authority = createAuthority();
  const leaf = authority.issue(['127.0.0.1']);
  const foreign = authority.issue(['collector.example']);

  it('is taken when a configured root vouches for the address', async (context) => {
    const receiver = await collector(context, { tls: leaf });
    const { exporter: sender } = exporter(context, {
      endpoint: receiver.url,
      extraCa: [authority.certificate],
    });
    sender.emit(event('a'));
    await sender.flush();
    assert.deepEqual(uids(receiver), ['a']);
  });

  const refused = [
    { name: 'an unknown root', tls: leaf, extraCa: [], problem: /unable to verify|self-signed/ },
    {
      name: "another host's certificate",
      tls: foreign,
      extraCa: [authority.certificate],
      problem: /IP: 127\.0\.0\.1 is not in the cert's list/,
    },
    {
      name: 'an expired certificate',
      tls: authority.issue(['127.0.0.1'], -1),
      extraCa: [authority.certificate],
      problem: /expired/i,
    },
  ];
  for (const { name, tls, extraCa, problem } of refused) {
    it(`is refused for ${name}, also with NODE_TLS_REJECT_UNAUTHORIZED=0`, async (context) => {
      environment(context, { NODE_TLS_REJECT_UNAUTHORIZED: '0' });
      const receiver = await collector(context, { tls });
      const { exporter: sender, told } = exporter(context, { endpoint: receiver.url, extraCa });
      sender.emit(event('a'));
      await sender.flush();
      assert.equal(receiver.requests.length, 0);
      assert.match(told.join(), problem);
    });
  }
});

describe('close', () => {
  it('delivers what waits', async (context) => {
    const receiver = await collector(context);
    const { exporter: sender } = exporter(context, { endpoint: receiver.url, delayMs: 60_000 });
    sender.emit(event('a'));
    await sender.close(5000);
    assert.deepEqual(uids(receiver), ['a']);
    assert.deepEqual(sender.health(), { ok: true, delivered: 1, dropped: 0, problem: null });
  });
});

describe('a process that closes its exporter', () => {
  it('ends by itself, though the collector hangs, and does not connect again', async (context) => {
    const receiver = await collector(context, { answer: () => 'hang' });
    const settings = { ...defaults, endpoint: receiver.url };
    const script = `
      import { createExporter } from ${JSON.stringify(import.meta.resolve('../../../src/audit/export.ts'))};
      const exporter = createExporter(${JSON.stringify(settings)});
      exporter.emit(${JSON.stringify(event('a'))});
      process.stdin.once('data', async () => {
        await exporter.close(1);
        process.stdout.write(JSON.stringify(exporter.health()));
      });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await receiver.waitForRequests(1);
    child.stdin.end('close');
    const words = (await Array.fromAsync(child.stdout.setEncoding('utf8'))).join('');
    const problem = 'stopped with 1 events undelivered';
    assert.deepEqual(JSON.parse(words), { ok: false, delivered: 0, dropped: 1, problem });
    assert.equal(receiver.requests.length, 1);
  });
});
