import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { createResolver, type Resolver, type ResolverOptions } from '../../../src/proxy/resolve.ts';
import { type DnsName, type DnsServer, startDnsServer } from '../../support/dns-server.ts';

const signal = new AbortController().signal;
const ok = (...addresses: readonly string[]): unknown => ({ kind: 'addresses', addresses });
const not = (failure: string): unknown => ({ kind: 'failed', failure });

let folder: string;
const opened: { readonly close: () => unknown }[] = [];
before(() => (folder = mkdtempSync(join(tmpdir(), 'sallyport-names-'))));
after(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => Promise.all(opened.splice(0).map((one) => one.close())));

async function serve(names: Readonly<Record<string, DnsName>>): Promise<DnsServer> {
  const server = await startDnsServer(names);
  opened.push(server);
  return server;
}

function resolverFor(server: DnsServer, more: ResolverOptions = {}): Resolver {
  const resolver = createResolver({
    servers: [server.address],
    hostsFile: join(folder, 'no-hosts'),
    nsswitchConf: join(folder, 'no-nsswitch'),
    platform: 'linux',
    lookup: () => Promise.reject(new Error('the system must not be asked')),
    ...more,
  });
  opened.push(resolver);
  return resolver;
}

/** Writes a file whose change is seen even within one tick of the file system's clock. */
function write(name: string, text: string, version = 1): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  utimesSync(file, version, version);
  return file;
}

function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

describe('resolve', () => {
  const names: Readonly<Record<string, DnsName>> = {
    'four.test': { a: ['93.184.215.14', '93.184.215.15'] },
    'six.test': { aaaa: ['2606:2800:0:0:0:0:0:1'] },
    'empty.test': {},
    'broken.test': { status: 'servfail' },
    'half.test': { a: ['93.184.215.14'], mute: 'AAAA' },
    'mute.test': { mute: true },
    'many.test': { a: Array.from({ length: 70 }, (_, i) => `93.184.215.${i}`) },
  };
  const cases = [
    { host: 'four.test', want: ok('93.184.215.14', '93.184.215.15') },
    { host: 'six.test', want: ok('2606:2800::1') },
    { host: 'half.test', want: ok('93.184.215.14') },
    { host: 'many.test', want: ok(...Array.from({ length: 64 }, (_, i) => `93.184.215.${i}`)) },
    { host: 'empty.test', want: not('dns_failed') },
    { host: 'broken.test', want: not('dns_failed') },
    { host: 'unknown.test', want: not('dns_failed') },
    { host: 'mute.test', want: not('dns_timeout') },
  ];
  for (const { host, want } of cases) {
    it(`gives what the server says of ${host}`, async () => {
      const resolver = resolverFor(await serve(names), { deadlineMs: 150 });
      assert.deepEqual(await resolver.resolve(host, signal), want);
    });
  }

  it('gives the addresses of both families', async () => {
    const entry = { a: ['93.184.215.14'], aaaa: ['2606:2800:0:0:0:0:0:1'] };
    const answer = await resolverFor(await serve({ 'both.test': entry })).resolve(
      'both.test',
      signal,
    );
    assert.deepEqual(answer.kind === 'addresses' ? [...answer.addresses].sort() : answer, [
      '2606:2800::1',
      '93.184.215.14',
    ]);
  });

  it('answers localhost and everything below it without a question', async () => {
    const server = await serve({});
    const resolver = resolverFor(server);
    for (const host of ['localhost', 'app.localhost']) {
      assert.deepEqual(await resolver.resolve(host, signal), ok('127.0.0.1', '::1'));
    }
    assert.deepEqual(server.asked, []);
  });

  it('asks once for everybody, for exactly the name, and again when the TTL is over', async () => {
    let nowMs = 0;
    const server = await serve({ 'a.test': { a: ['93.184.215.14'], ttl: 2 } });
    const resolver = resolverFor(server, { now: () => nowMs });
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => resolver.resolve('a.test', signal)),
    );
    assert.deepEqual(new Set(answers.map((one) => JSON.stringify(one))).size, 1);
    assert.deepEqual([...server.asked].sort(), ['A a.test', 'AAAA a.test']);
    nowMs = 1999;
    await resolver.resolve('a.test', signal);
    assert.equal(server.asked.length, 2);
    // A name that is pointed elsewhere meanwhile (rebinding) is seen, and vetted, as it is now.
    server.names.set('a.test', { a: ['127.0.0.1'] });
    nowMs = 2000;
    assert.deepEqual(await resolver.resolve('a.test', signal), ok('127.0.0.1'));
    assert.equal(server.asked.length, 4);
  });

  for (const { ttl, keptMs } of [
    { ttl: 0, keptMs: 1000 },
    { ttl: 86_400, keptMs: 300_000 },
  ]) {
    it(`keeps an answer with a TTL of ${ttl} s for ${keptMs / 1000} s`, async () => {
      let nowMs = 0;
      const server = await serve({ 'a.test': { a: ['93.184.215.14'], ttl } });
      const resolver = resolverFor(server, { now: () => nowMs });
      await resolver.resolve('a.test', signal);
      nowMs = keptMs - 1;
      await resolver.resolve('a.test', signal);
      assert.equal(server.asked.length, 2);
      nowMs = keptMs;
      await resolver.resolve('a.test', signal);
      assert.equal(server.asked.length, 4);
    });
  }

  it('does not keep a failure', async () => {
    const server = await serve({});
    const resolver = resolverFor(server);
    assert.deepEqual(await resolver.resolve('new.test', signal), not('dns_failed'));
    server.names.set('new.test', { a: ['93.184.215.14'] });
    assert.deepEqual(await resolver.resolve('new.test', signal), ok('93.184.215.14'));
  });

  it('goes on without the slower family, and has both the next time', async () => {
    const hold = gate();
    const entry: DnsName = {
      a: ['93.184.215.14'],
      aaaa: ['2606:2800:0:0:0:0:0:1'],
      after: hold.opened,
      holds: 'AAAA',
    };
    const resolver = resolverFor(await serve({ 'both.test': entry }));
    assert.deepEqual(await resolver.resolve('both.test', signal), ok('93.184.215.14'));
    hold.open();
    let answer = await resolver.resolve('both.test', signal);
    while (answer.kind === 'addresses' && answer.addresses.length === 1) {
      await new Promise(setImmediate); // the answer is on its way through the loopback
      answer = await resolver.resolve('both.test', signal);
    }
    assert.equal(answer.kind === 'addresses' && answer.addresses.length, 2);
  });

  it('lets 20 names that hang delay none of 500 others', async () => {
    const good = Array.from({ length: 500 }, (_, i) => `good-${i}.test`);
    const mute = Array.from({ length: 20 }, (_, i) => `mute-${i}.test`);
    const server = await serve({
      ...Object.fromEntries(good.map((name) => [name, { a: ['93.184.215.14'] }])),
      ...Object.fromEntries(mute.map((name) => [name, { mute: true as const }])),
    });
    const resolver = resolverFor(server, { deadlineMs: 5000 });
    const order: string[] = [];
    const look = async (host: string): Promise<void> => {
      const { kind } = await resolver.resolve(host, signal);
      order.push(kind);
    };
    const hanging = mute.map(look);
    for (let i = 0; i < good.length; i += 50) await Promise.all(good.slice(i, i + 50).map(look));
    assert.deepEqual([order.length, new Set(order)], [500, new Set(['addresses'])]);
    resolver.close();
    await Promise.all(hanging);
    assert.deepEqual(
      order.slice(500),
      Array.from({ length: 20 }, () => 'failed'),
    );
  });

  it('has a limit on open questions, beyond which it does not ask', async () => {
    const server = await serve({});
    for (let i = 0; i < 300; i += 1) server.names.set(`mute-${i}.test`, { mute: true });
    const resolver = resolverFor(server, { deadlineMs: 5000 });
    const asked = Array.from({ length: 256 }, (_, i) => resolver.resolve(`mute-${i}.test`, signal));
    assert.deepEqual(await resolver.resolve('mute-256.test', signal), not('dns_timeout'));
    assert.ok(!server.asked.includes('A mute-256.test'));
    resolver.close();
    await Promise.all(asked);
  });

  it('gives one zone a share, so that a mute one with a wildcard rule stalls no other', async () => {
    const server = await serve({ 'good.test': { a: ['93.184.215.14'] } });
    for (let i = 0; i < 70; i += 1) server.names.set(`x${i}.evil.test`, { mute: true });
    const resolver = resolverFor(server, { deadlineMs: 5000 });
    const asked = Array.from({ length: 64 }, (_, i) => resolver.resolve(`x${i}.evil.test`, signal));
    assert.deepEqual(await resolver.resolve('x64.evil.test', signal), not('dns_timeout'));
    assert.equal((await resolver.resolve('good.test', signal)).kind, 'addresses');
    resolver.close();
    await Promise.all(asked);
  });

  it('lets a client leave while others go on waiting', async () => {
    const hold = gate();
    const server = await serve({ 'a.test': { a: ['93.184.215.14'], after: hold.opened } });
    const resolver = resolverFor(server);
    const control = new AbortController();
    const left = resolver.resolve('a.test', control.signal);
    const stays = resolver.resolve('a.test', signal);
    control.abort();
    assert.deepEqual(await left, not('dns_timeout'));
    hold.open();
    assert.deepEqual(await stays, ok('93.184.215.14'));
    assert.equal(server.asked.length, 2);
  });
});

describe('resolve, with the files of the system', () => {
  it('takes the hosts file before any server, and reads it again when it has changed', async () => {
    let nowMs = 0;
    const hostsFile = write('hosts', '# none\n10.0.0.7 Build.Test build # mine\n::1 build\n');
    const server = await serve({});
    const resolver = resolverFor(server, { hostsFile, now: () => nowMs });
    assert.deepEqual(await resolver.resolve('build.test', signal), ok('10.0.0.7'));
    assert.deepEqual(await resolver.resolve('build', signal), ok('10.0.0.7', '::1'));
    write('hosts', '10.0.0.8 build.test\n', 2);
    assert.deepEqual(await resolver.resolve('build.test', signal), ok('10.0.0.7'));
    nowMs = 1000;
    assert.deepEqual(await resolver.resolve('build.test', signal), ok('10.0.0.8'));
    assert.deepEqual(server.asked, []);
  });

  it('follows resolv.conf to other servers', async () => {
    let nowMs = 0;
    const one = await serve({ 'a.test': { a: ['93.184.215.1'], ttl: 1 } });
    const two = await serve({ 'a.test': { a: ['93.184.215.2'] } });
    const resolvConf = write('resolv', `search corp.test\nnameserver ${one.address}\n`);
    const { servers: _, ...rest }: ResolverOptions = { servers: [] };
    const resolver = createResolver({
      ...rest,
      resolvConf,
      hostsFile: join(folder, 'no-hosts'),
      nsswitchConf: join(folder, 'no-nsswitch'),
      platform: 'linux',
      now: () => nowMs,
    });
    opened.push(resolver);
    assert.deepEqual(await resolver.resolve('a.test', signal), ok('93.184.215.1'));
    write('resolv', `nameserver ${two.address}\n`, 2);
    nowMs = 1000;
    assert.deepEqual(await resolver.resolve('a.test', signal), ok('93.184.215.2'));
    assert.deepEqual(await resolver.resolve('short', signal), not('dns_failed'));
    assert.deepEqual([...two.asked].sort(), ['A a.test', 'A short', 'AAAA a.test', 'AAAA short']);
  });

  const cases = [
    { name: 'files dns', line: 'hosts: files dns', local: false, other: false },
    {
      name: 'multicast DNS',
      line: 'hosts: files mdns4_minimal [NOTFOUND=return] dns',
      local: true,
      other: false,
    },
    {
      name: 'resolve',
      line: 'hosts: files resolve [!UNAVAIL=return] dns',
      local: true,
      other: true,
    },
  ];
  for (const { name, line, local, other } of cases) {
    it(`asks the system only for what DNS cannot know, with ${name}`, async () => {
      const asked: string[] = [];
      const resolver = resolverFor(await serve({ 'dns.test': { a: ['93.184.215.14'] } }), {
        nsswitchConf: write(`nsswitch-${name}`, `passwd: files\n${line}\n`),
        lookup: (host) => {
          asked.push(host);
          return Promise.resolve(['10.0.0.9']);
        },
      });
      assert.deepEqual(
        {
          dns: await resolver.resolve('dns.test', signal),
          local: await resolver.resolve('printer.local', signal),
          other: await resolver.resolve('vpn.test', signal),
        },
        {
          dns: ok('93.184.215.14'),
          local: local ? ok('10.0.0.9') : not('dns_failed'),
          other: other ? ok('10.0.0.9') : not('dns_failed'),
        },
      );
      assert.ok(!asked.includes('dns.test'));
    });
  }

  it('lets names that hang in the system take two threads and delay no DNS name', async () => {
    const hold = gate();
    let running = 0;
    const resolver = resolverFor(await serve({ 'dns.test': { a: ['93.184.215.14'] } }), {
      deadlineMs: 200,
      nsswitchConf: write('nsswitch-hang', 'hosts: files resolve dns\n'),
      lookup: async () => {
        running += 1;
        await hold.opened;
        return ['10.0.0.9'];
      },
    });
    const hanging = Array.from({ length: 8 }, (_, i) => resolver.resolve(`vpn-${i}.test`, signal));
    assert.deepEqual(await resolver.resolve('dns.test', signal), ok('93.184.215.14'));
    assert.deepEqual(
      await Promise.all(hanging),
      Array.from({ length: 8 }, () => not('dns_timeout')),
    );
    assert.equal(running, 2);
    hold.open();
  });

  it('asks the system first on macOS, and DNS while its threads are taken', async () => {
    const hold = gate();
    const server = await serve({ 'dns.test': { a: ['93.184.215.14'] } });
    const { servers: _, ...rest }: ResolverOptions = { servers: [] };
    const resolver = createResolver({
      ...rest,
      resolvConf: write('resolv-mac', `nameserver ${server.address}\n`),
      hostsFile: join(folder, 'no-hosts'),
      platform: 'darwin',
      lookup: async (host) => {
        if (host.startsWith('slow')) await hold.opened;
        return ['10.0.0.9'];
      },
    });
    opened.push(resolver);
    assert.deepEqual(await resolver.resolve('vpn.test', signal), ok('10.0.0.9'));
    const slow = ['slow-1.test', 'slow-2.test'].map((host) => resolver.resolve(host, signal));
    assert.deepEqual(await resolver.resolve('dns.test', signal), ok('93.184.215.14'));
    hold.open();
    assert.deepEqual(await Promise.all(slow), [ok('10.0.0.9'), ok('10.0.0.9')]);
  });
});
