// What a process behind the real daemon may try in order to reach a local or forbidden place: odd spellings of a
// host, names that stand for something else, the daemon's own ports, and requests hidden behind others.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { eventually, removeFolder, startSallyport, type RunningDaemon } from '../support/daemon.ts';
import { startDnsServer, type DnsServer } from '../support/dns-server.ts';
import { connectRaw } from '../support/http-door.ts';
import { startHttpOrigin, startTcpOrigin, type Origin } from '../support/origin.ts';
import { startHttpParent } from '../support/parent-proxy.ts';
import { exchange, firstLine, rawConnect, rawGet, rawSocks } from '../support/raw-doors.ts';

/** UTF-8 bytes as a latin1 string, which is how raw clients send them. */
const utf8 = (text: string): string => Buffer.from(text).toString('latin1');

describe('spellings of a local host', { timeout: 120_000 }, () => {
  // 403: read and refused; 400: not readable. SOCKS answers 2 to both.
  const spellings: readonly { readonly host: string; readonly status: 400 | 403 }[] = [
    { host: '127.0.0.1', status: 403 },
    { host: '127.255.255.254', status: 403 },
    { host: '0.0.0.0', status: 403 },
    { host: '0.1.2.3', status: 403 },
    { host: 'localhost', status: 403 },
    { host: 'LOCALHOST', status: 403 },
    { host: 'localhost.', status: 403 },
    { host: 'any.thing.localhost', status: 403 },
    { host: '[::1]', status: 403 },
    { host: '[0:0:0:0:0:0:0:1]', status: 403 },
    { host: '[::]', status: 403 },
    { host: '[::ffff:127.0.0.1]', status: 403 },
    { host: '[::ffff:7f00:1]', status: 403 },
    { host: '[0:0:0:0:0:FFFF:7F00:0001]', status: 403 },
    { host: '[::127.0.0.1]', status: 403 },
    { host: '[64:ff9b::7f00:1]', status: 403 },
    { host: '[64:ff9b::127.0.0.1]', status: 403 },
    { host: '[64:ff9b:1::7f00:1]', status: 403 },
    { host: '[2002:7f00:1::]', status: 403 },
    { host: '[fe80::1]', status: 403 },
    { host: '169.254.169.254', status: 403 },
    { host: '[fd00:ec2::254]', status: 403 },
    { host: '127.0.0.1.', status: 400 },
    { host: '127.1', status: 400 },
    { host: '127.0.1', status: 400 },
    { host: '0', status: 400 },
    { host: '2130706433', status: 400 },
    { host: '0x7f000001', status: 400 },
    { host: '0x7f.1', status: 400 },
    { host: '0177.0.0.1', status: 400 },
    { host: '017700000001', status: 400 },
    { host: '127.0.0.1.0x', status: 400 },
    { host: '127.0.0.01', status: 400 },
    { host: '127.0.0.256', status: 400 },
    { host: 'localhost..', status: 400 },
    { host: '.localhost', status: 400 },
    { host: 'local..host', status: 400 },
    { host: '[::1%25lo]', status: 400 },
    { host: '[fe80::1%lo]', status: 400 },
    { host: '[::1', status: 400 },
    { host: '::1', status: 400 },
    { host: '[127.0.0.1]', status: 400 },
    { host: '[localhost]', status: 400 },
    { host: '127.0.0.1%00', status: 400 },
    { host: '%6c%6f%63%61%6c%68%6f%73%74', status: 400 },
    { host: '127%2e0%2e0%2e1', status: 400 },
    { host: 'ok.test@127.0.0.1', status: 400 },
    { host: '127.0.0.1@ok.test', status: 400 },
    { host: 'ok.test\\.127.0.0.1', status: 400 },
    { host: utf8('127\u30020\u30020\u30021'), status: 400 },
    { host: utf8('\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54'), status: 400 },
    { host: utf8('local\u00adhost'), status: 400 },
    { host: utf8('\u2460\u2461\u2466.0.0.1'), status: 400 },
    { host: 'localhost\0.ok.test', status: 400 },
  ];
  let daemon: RunningDaemon;
  let dns: DnsServer;
  let canary: Origin;
  before(async () => {
    dns = await startDnsServer({});
    canary = await startTcpOrigin((socket) => socket.destroy());
    daemon = await startSallyport({
      etc: { 'resolv.conf': `nameserver ${dns.address}\n` },
      config: '[network]\nallowed_domains = ["*"]\n',
    });
  });
  after(async () => {
    await daemon.stop();
    await Promise.all([dns.close(), canary.close()]);
    removeFolder(daemon.folder);
  });

  for (const { host, status } of spellings) {
    const shown = JSON.stringify(host);
    it(`${shown} is ${status === 403 ? 'refused' : 'malformed'} at every door`, async () => {
      const answers = {
        connect: await rawConnect(daemon.http, host, canary.port),
        get: await rawGet(daemon.http, host, canary.port),
        socks: await rawSocks(daemon.socks, host, canary.port),
      };
      assert.deepEqual(answers, { connect: status, get: status, socks: 2 });
      assert.equal(canary.accepted(), 0);
    });
  }

  it('were neither looked up nor asked about, and each has its record', async () => {
    assert.deepEqual(dns.asked, []);
    assert.equal(daemon.journal().filter(({ name }) => /approval/.test(name)).length, 0);
    const records = daemon
      .journal()
      .filter(({ name }) => /policy_decision|request\.malformed/.test(name));
    assert.equal(records.length, spellings.length * 3);
  });
});

describe('the daemon through itself', { timeout: 120_000 }, () => {
  const quad = Uint8Array.of(127, 0, 0, 1);
  const mapped = Uint8Array.from([...Array(10).fill(0), 255, 255, 127, 0, 0, 1] as number[]);
  const loopback6 = Uint8Array.from([...Array(15).fill(0), 1] as number[]);
  const hosts = [
    '127.0.0.1',
    '127.9.9.9',
    '0.0.0.0',
    'localhost',
    'LocalHost.',
    'a.localhost',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:0:0]',
    '[64:ff9b::7f00:1]',
    'own.test',
    'own6.test',
  ];
  let daemon: RunningDaemon;
  let ports: readonly (readonly [string, number])[];
  before(async () => {
    daemon = await startSallyport({
      hosts: { 'own.test': '127.0.0.1', 'own6.test': '::1' },
      config:
        '[network]\nallow_local_binding = true\nallowed_domains = ["*", "127.0.0.0/8", "localhost"]\n',
    });
    ports = [
      ['http', daemon.http],
      ['socks', daemon.socks],
      ['gateway', daemon.gateway ?? 0],
      ['control', daemon.control ?? 0],
    ];
  });
  after(async () => {
    await daemon.stop();
    removeFolder(daemon.folder);
  });

  for (const host of hosts) {
    it(`is a loop as ${host}, whatever the rules say`, async () => {
      for (const [name, port] of ports) {
        const answers = {
          connect: await rawConnect(daemon.http, host, port),
          get: await rawGet(daemon.http, host, port),
          socks: await rawSocks(daemon.socks, host, port),
        };
        assert.deepEqual(answers, { connect: 403, get: 403, socks: 2 }, name);
      }
    });
  }

  it('is a loop as an address in the bytes of SOCKS5', async () => {
    for (const address of [quad, mapped, loopback6, new Uint8Array(4), new Uint8Array(16)]) {
      for (const [name, port] of ports) {
        assert.equal(await rawSocks(daemon.socks, address, port), 2, name);
      }
    }
  });

  it('has recorded each as a loop', () => {
    const reasons = daemon.decisions().map(({ attributes }) => attributes['network.policy.reason']);
    assert.deepEqual([...new Set(reasons)], ['proxy_loop']);
  });

  it('is a loop through an upstream proxy on this machine, which would take a name for it (it once was not)', async () => {
    const parent = await startHttpParent();
    const url = `http://localhost:${parent.port}`;
    const other = await startSallyport({
      config: '[network]\nallowed_domains = ["own.test", "*.example.com"]\n',
      env: { HTTP_PROXY: url, HTTPS_PROXY: url, ALL_PROXY: url },
    });
    const port = other.control ?? 0;
    const answers = {
      connect: await rawConnect(other.http, 'own.test', port),
      get: await rawGet(other.http, 'own.test', port),
      socks: await rawSocks(other.socks, 'own.test', port),
    };
    assert.deepEqual(answers, { connect: 403, get: 403, socks: 2 });
    assert.deepEqual(parent.asked, []);
    assert.equal(await rawGet(other.http, 'www.example.com', 80), 200, 'the parent is in use');
    await other.stop();
    await parent.close();
    removeFolder(other.folder);
  });

  it('is a loop as the upstream of the gateway, under any name', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as AddressInfo;
    free.close();
    const other = await startSallyport({
      hosts: { 'own.test': '127.0.0.1' },
      config: `[network]\nallow_local_binding = true\nallowed_domains = ["*", "own.test"]\n[control]\nport = ${port}\n[gateway]\nupstream = "http://own.test:${port}/v1"\n`,
    });
    const head = `GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1:${other.gateway}\r\n\r\n`;
    assert.match(await firstLine(other.gateway ?? 0, head), / 403 .*own listeners/);
    await other.stop();
    removeFolder(other.folder);
  });
});

describe('a name that changes what it stands for', { timeout: 60_000 }, () => {
  let daemon: RunningDaemon;
  let dns: DnsServer;
  let canary: Origin;
  before(async () => {
    canary = await startTcpOrigin((socket) => socket.end('reached'));
    dns = await startDnsServer({
      'mixed.rebind.test': { a: ['93.184.215.14', '127.0.0.1'] },
      'mapped.rebind.test': { aaaa: ['0:0:0:0:0:ffff:7f00:1'] },
      'nat64.rebind.test': { aaaa: ['64:ff9b:0:0:0:0:7f00:1'] },
      'metadata.rebind.test': { a: ['169.254.169.254'] },
      'flip.rebind.test': { a: ['127.0.0.1'], ttl: 0 },
    });
    daemon = await startSallyport({
      etc: { 'resolv.conf': `nameserver ${dns.address}\n` },
      config: '[network]\nunknown = "deny"\nallowed_domains = ["*.rebind.test"]\n',
    });
  });
  after(async () => {
    await daemon.stop();
    await Promise.all([dns.close(), canary.close()]);
    removeFolder(daemon.folder);
  });

  for (const host of [
    'mixed.rebind.test',
    'mapped.rebind.test',
    'nat64.rebind.test',
    'metadata.rebind.test',
    'flip.rebind.test',
  ]) {
    it(`${host} is refused for its local address, and no address of it is dialled`, async () => {
      assert.equal(await rawConnect(daemon.http, host, canary.port), 403);
      assert.equal(await rawGet(daemon.http, host, canary.port), 403);
      assert.equal(await rawSocks(daemon.socks, host, canary.port), 2);
      assert.equal(canary.accepted(), 0);
    });
  }

  it('is judged and dialled by one and the same answer', async () => {
    // Asked twice, the second answer could be another: it is asked once, and not again for the dial.
    const asked = dns.asked.length;
    await rawConnect(daemon.http, 'once.rebind.test', canary.port);
    assert.deepEqual(dns.asked.slice(asked).sort(), [
      'A once.rebind.test',
      'AAAA once.rebind.test',
    ]);
  });

  it('is looked up only when it is allowed', async () => {
    assert.equal(await rawConnect(daemon.http, 'other.example', 443), 403);
    assert.ok(!dns.asked.some((question) => question.includes('other.example')));
  });
});

describe('what came before the answer or before a new policy', { timeout: 60_000 }, () => {
  it('is no look-up while a name is held, and none when it is then denied', async () => {
    const dns = await startDnsServer({ 'held.example.com': { a: ['127.0.0.1'] } });
    const daemon = await startSallyport({
      etc: { 'resolv.conf': `nameserver ${dns.address}\n` },
      config:
        '[network]\nallowed_domains = ["ok.test"]\n[approvals]\ndangerously_allow_self_approval = true\n',
    });
    const answer = rawConnect(daemon.http, 'held.example.com', 443);
    const { id } = await daemon.question('held.example.com');
    assert.deepEqual(dns.asked, []);
    await daemon.sallyport(['deny', id]);
    assert.equal(await answer, 403);
    assert.deepEqual(dns.asked, []);
    await daemon.stop();
    await dns.close();
    removeFolder(daemon.folder);
  });

  it('is no right to go on: a kept connection is judged by the new policy', async () => {
    let served = 0;
    const origin = await startHttpOrigin((_request, response) => {
      served += 1;
      response.end('ok');
    });
    const daemon = await startSallyport({
      hosts: { 'ok.test': '127.0.0.1' },
      config: `[network]\nallowed_domains = ["ok.test", "127.0.0.1:${origin.port}"]\n`,
    });
    const request = `GET http://ok.test:${origin.port}/ HTTP/1.1\r\nHost: ok.test:${origin.port}\r\n\r\n`;
    const client = await connectRaw(daemon.http, request);
    await client.until(/^HTTP\/1\.1 200 [^]*ok$/);
    const narrowed = readFileSync(daemon.configFile, 'utf8').replace(
      '[network]\n',
      '[network]\ndenied_domains = ["ok.test"]\n',
    );
    writeFileSync(daemon.configFile, narrowed);
    assert.equal((await daemon.sallyport(['reload'])).status, 0);
    client.send(request);
    await client.until(/HTTP\/1\.1 403 [^]*blocked-by-denylist/);
    assert.equal(served, 1);
    client.socket.destroy();
    await daemon.stop();
    await origin.close();
    removeFolder(daemon.folder);
  });
});

describe('requests behind others on one connection', { timeout: 60_000 }, () => {
  let daemon: RunningDaemon;
  let origin: Origin;
  let paths: string[] = [];
  let raw: Origin;
  const bytes: string[] = [];
  before(async () => {
    origin = await startHttpOrigin((request, response) => {
      paths.push(`${request.headers.host} ${request.url}`);
      if (request.url === '/redirect') {
        response.writeHead(302, { location: `http://denied.test:${origin.port}/followed` });
      }
      request.resume().on('end', () => response.end('ok'));
    });
    raw = await startTcpOrigin((socket) => {
      socket.on('data', (chunk: Buffer) => bytes.push(chunk.toString('latin1')));
      socket.on('end', () => socket.end());
    });
    daemon = await startSallyport({
      hosts: { 'ok.test': '127.0.0.1', 'denied.test': '127.0.0.1', 'unknown.test': '127.0.0.1' },
      config: `[network]\nallowed_domains = ["ok.test", "127.0.0.1:${origin.port}", "127.0.0.1:${raw.port}"]\ndenied_domains = ["denied.test"]\n[gateway]\nupstream = "http://ok.test:${origin.port}/v1"\n[approvals]\ndangerously_allow_self_approval = true\n`,
    });
  });
  after(async () => {
    await daemon.stop();
    await Promise.all([origin.close(), raw.close()]);
    removeFolder(daemon.folder);
  });
  const get = (host: string, path: string, more = ''): string =>
    `GET http://${host}:${origin.port}${path} HTTP/1.1\r\nHost: ${host}:${origin.port}\r\n${more}\r\n`;

  it('are each judged: of three in one write the denied one reaches nothing', async () => {
    paths = [];
    const text = await exchange(
      daemon.http,
      get('ok.test', '/1') +
        get('denied.test', '/2') +
        get('ok.test', '/3', 'Connection: close\r\n'),
    );
    const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
    assert.deepEqual(statuses, ['200', '403', '200']);
    assert.deepEqual(paths, [`ok.test:${origin.port} /1`, `ok.test:${origin.port} /3`]);
  });

  it('wait behind one that is held, and none of them is sent before the answer', async () => {
    paths = [];
    const answer = exchange(
      daemon.http,
      get('unknown.test', '/held') + get('ok.test', '/behind', 'Connection: close\r\n'),
    );
    const { id } = await daemon.question('unknown.test');
    assert.deepEqual(paths, []);
    await daemon.sallyport(['deny', id]);
    const statuses = [...(await answer).matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
    assert.deepEqual(statuses, ['403', '200']);
    assert.deepEqual(paths, [`ok.test:${origin.port} /behind`]);
  });

  it('are a body when they stand in one, with any method and framing', async () => {
    const hidden = get('denied.test', '/hidden');
    const framings: readonly (readonly [string, string, string])[] = [
      ['GET', `Content-Length: ${hidden.length}\r\n`, hidden],
      ['POST', `Content-Length: ${hidden.length}\r\nConnection: content-length\r\n`, hidden],
      ['DELETE', 'Transfer-Encoding: chunked\r\n', chunked(hidden)],
      [
        'OPTIONS',
        'Transfer-Encoding: chunked\r\nConnection: transfer-encoding\r\n',
        chunked(hidden),
      ],
    ];
    for (const [method, fields, body] of framings) {
      paths = [];
      const text = await exchange(
        daemon.http,
        get('ok.test', '/body', `${fields}Connection: close\r\n`).replace('GET', method) + body,
      );
      assert.match(text, /^HTTP\/1\.1 200 /, method);
      assert.deepEqual(paths, [`ok.test:${origin.port} /body`], method);
    }
  });

  it('cannot be hidden in the gateway either, nor leave its base path', async () => {
    const host = `127.0.0.1:${daemon.gateway}`;
    const cases: readonly (readonly [string, RegExp])[] = [
      ['/v1/../secret', / 404 /],
      ['/v1/%2e%2e/secret', / 404 /],
      ['/v1/%2E%2E%2fsecret', / 400 /],
      ['/v1/..%5csecret', / 400 /],
      ['/v1/%252e%252e/secret', / 400 /],
      ['/v1//..//..//secret', / 404 /],
      ['/v1/a/./../../v2', / 404 /],
      [`http://denied.test:${origin.port}/v1/x`, / 400 /],
      [`//denied.test:${origin.port}/v1/x`, / 404 /],
      ['/v1/\\..\\secret', / 400 /],
      ['*', / 400 /],
    ];
    paths = [];
    for (const [path, want] of cases) {
      const line = await firstLine(
        daemon.gateway ?? 0,
        `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
      );
      assert.match(line, want, path);
    }
    assert.deepEqual(paths, []);
  });

  it('do not follow from a redirect, through the proxy or the gateway', async () => {
    paths = [];
    const redirect = get('ok.test', '/redirect', 'Connection: close\r\n');
    assert.match(await exchange(daemon.http, redirect), /^HTTP\/1\.1 302 /);
    assert.deepEqual(paths, [`ok.test:${origin.port} /redirect`]);
  });

  it('are early bytes behind a CONNECT, which go nowhere when it is refused and wait while it is held', async () => {
    const connect = (host: string): string =>
      `CONNECT ${host}:${raw.port} HTTP/1.1\r\nHost: ${host}:${raw.port}\r\n\r\nEARLY`;
    assert.match(await exchange(daemon.http, connect('denied.test')), /^HTTP\/1\.1 403 /);
    const client = net.connect(daemon.http, '127.0.0.1');
    client.write(connect('unknown.test'));
    const { id } = await daemon.question('unknown.test');
    assert.deepEqual([bytes, raw.accepted()], [[], 0]);
    await daemon.sallyport(['allow', id]);
    await eventually('the early bytes', () => (bytes.join('') === 'EARLY' ? true : undefined));
    client.destroy();
  });

  it('are no way for a page in a browser, which can send no absolute form', async () => {
    paths = [];
    const hidden = get('ok.test', '/from-a-page');
    const head = `POST / HTTP/1.1\r\nHost: 127.0.0.1:${daemon.http}\r\nOrigin: http://evil.example\r\nContent-Type: text/plain\r\nContent-Length: ${hidden.length}\r\n\r\n`;
    const text = await exchange(daemon.http, head + hidden);
    assert.match(text, /^HTTP\/1\.1 400 /);
    assert.equal([...text.matchAll(/HTTP\/1\.1 /g)].length, 1);
    assert.equal(await exchange(daemon.socks, head + hidden), '');
    assert.deepEqual(paths, []);
  });
});

function chunked(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;
}
