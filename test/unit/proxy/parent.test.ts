import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { DecisionRequest, Parent } from '../../../src/policy/decision.ts';
import { openPac } from '../../../src/proxy/dial.ts';
import {
  brokenParent,
  createParents,
  type Parents,
  parseParent,
} from '../../../src/proxy/parent.ts';
import { startHttpOrigin } from '../../support/origin.ts';
import { createRequest } from '../../support/permit.ts';

const tunnel = createRequest({ port: 443 });
const plain = createRequest({ port: 80, protocol: 'http' }, { method: 'GET', form: 'request' });
const gateway: DecisionRequest = { ...plain, listener: 'gateway' };

function at(
  protocol: Parent['protocol'],
  host: string,
  port: number,
  credentials?: string,
): Parent {
  return { protocol, host, port, credentials };
}

function create(
  env: Readonly<Record<string, string>>,
  more: { readonly allowed?: boolean; readonly asked?: string[] } = {},
): { readonly parents: Parents; readonly warnings: string[] } {
  const warnings: string[] = [];
  const parents = createParents({
    env,
    allowUpstreamProxy: more.allowed ?? true,
    ownPorts: () => new Set([4128]),
    warn: (text) => warnings.push(text),
    openPac: (uri, functions) => openPac(uri, { functions, ca: [], limitMs: 5000 }),
    resolve: (host) => {
      more.asked?.push(host);
      const addresses = [host === 'self.test' ? '127.0.1.1' : '93.184.215.14'];
      return Promise.resolve({ kind: 'addresses', addresses });
    },
  });
  return { parents, warnings };
}

describe('parseParent', () => {
  const cases: readonly { readonly text: string; readonly want: Parent | undefined }[] = [
    { text: 'http://Proxy.Test:3128', want: at('http', 'proxy.test', 3128) },
    { text: 'proxy.test:3128', want: at('http', 'proxy.test', 3128) },
    { text: 'proxy.test', want: at('http', 'proxy.test', 80) },
    { text: 'https://proxy.test/', want: at('https', 'proxy.test', 443) },
    { text: 'socks5h://[::1]:1', want: at('socks5', '::1', 1) },
    { text: 'socks://proxy.test', want: at('socks5', 'proxy.test', 1080) },
    { text: 'socks4://10.0.0.1', want: at('socks4', '10.0.0.1', 1080) },
    { text: 'http://us%40er:p%3Ass@proxy.test:1', want: at('http', 'proxy.test', 1, 'us@er:p:ss') },
    { text: 'ftp://proxy.test', want: undefined },
    { text: 'http://proxy.test/path', want: undefined },
    { text: 'http://proxy.test:0', want: undefined },
    { text: 'http://proxy.test:99999', want: undefined },
    { text: 'http://', want: undefined },
    { text: `http://${'a'.repeat(256)}@proxy.test`, want: undefined },
    { text: 'http://us%3Aer:pass@proxy.test', want: undefined },
    { text: 'socks4://us%00er@proxy.test', want: undefined },
    { text: 'http://user:pa%0D%0Ass@proxy.test', want: undefined },
    { text: 'http://%zz@proxy.test', want: undefined },
  ];
  for (const { text, want } of cases) {
    it(`reads ${text.slice(0, 40)}`, () => assert.deepEqual(parseParent(text), want));
  }
});

describe('parentFor', () => {
  const env = {
    HTTP_PROXY: 'http://h.test:1',
    https_proxy: 'http://s.test:2',
    NO_PROXY: 'skip.test',
  };
  const cases = [
    { name: 'HTTP_PROXY for a plain request', env, request: plain, want: at('http', 'h.test', 1) },
    { name: 'HTTPS_PROXY for a tunnel', env, request: tunnel, want: at('http', 's.test', 2) },
    { name: 'HTTPS_PROXY for the gateway', env, request: gateway, want: at('http', 's.test', 2) },
    {
      name: 'ALL_PROXY where there is no other',
      env: { ALL_PROXY: 'socks5://a.test:3', HTTP_PROXY: 'http://h.test:1' },
      request: tunnel,
      want: at('socks5', 'a.test', 3),
    },
    {
      name: 'the lower-case spelling of two',
      env: { http_proxy: 'http://low.test:1', HTTP_PROXY: 'http://high.test:1' },
      request: plain,
      want: at('http', 'low.test', 1),
    },
    { name: 'nothing without variables', env: {}, request: tunnel, want: undefined },
    {
      name: 'nothing for what NO_PROXY names',
      env,
      request: createRequest({ port: 443, host: 'skip.test' }),
      want: undefined,
    },
    {
      name: 'nothing for loopback',
      env,
      request: createRequest({ port: 443, host: '127.0.0.1', kind: 'ipv4' }),
      want: undefined,
    },
    {
      name: 'a closed way for a setting it cannot read',
      env: { HTTPS_PROXY: 'http://:u@' },
      request: tunnel,
      want: brokenParent,
    },
  ];
  for (const one of cases) {
    it(`gives ${one.name}`, async () => {
      const { parents } = create(one.env);
      assert.deepEqual(await parents.parentFor(one.request), one.want);
    });
  }

  it('uses no parent when that is not allowed', async () => {
    const { parents } = create(env, { allowed: false });
    assert.deepEqual([await parents.parentFor(tunnel), parents.describe()], [undefined, undefined]);
  });

  for (const host of ['127.0.0.1', 'localhost', 'self.test']) {
    it(`ignores itself as ${host}, and says so once`, async () => {
      const { parents, warnings } = create({ ALL_PROXY: `http://${host}:4128` });
      for (const request of [tunnel, plain])
        assert.equal(await parents.parentFor(request), undefined);
      assert.deepEqual(warnings, [
        'the proxy setting names sallyport itself (port 4128) and is ignored',
      ]);
    });
  }

  it('shows no credentials, neither in its description nor in a warning', () => {
    const { parents, warnings } = create({
      HTTP_PROXY: 'http://user:secret@h.test:1',
      HTTPS_PROXY: 'ftp://user:secret@h.test:1',
    });
    assert.equal(
      parents.describe(),
      'http: http://h.test:1, tunnels: closed, the setting is not usable',
    );
    assert.equal(warnings.length, 1);
    assert.ok(!warnings.join('').includes('secret'));
  });
});

describe('a PAC file', () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'sallyport-pac-'))));
  after(() => rmSync(folder, { recursive: true, force: true }));

  function write(name: string, body: string): string {
    const file = join(folder, name);
    writeFileSync(file, `function FindProxyForURL(url, host) { ${body} }`);
    return `pac+${pathToFileURL(file).href}`;
  }

  const cases = [
    {
      name: 'a proxy',
      body: 'return "PROXY p.test:3128; DIRECT"',
      want: at('http', 'p.test', 3128),
    },
    {
      name: 'a SOCKS proxy',
      body: 'return "SOCKS5 p.test:1080"',
      want: at('socks5', 'p.test', 1080),
    },
    { name: 'DIRECT', body: 'return "DIRECT"', want: undefined },
    { name: 'nothing', body: 'return null', want: undefined },
    { name: 'nonsense', body: 'return "PROXY"', want: brokenParent },
    { name: 'an exception', body: 'throw new Error("no")', want: brokenParent },
    {
      name: 'by the URL, without path',
      body: 'return url == "https://origin.test/" ? "HTTPS p.test:1" : "x"',
      want: at('https', 'p.test', 1),
    },
    {
      name: 'by its own address',
      body: 'return typeof myIpAddress() == "string" ? "DIRECT" : "x"',
      want: undefined,
    },
    {
      name: 'by the network',
      body: 'return isInNet(host, "93.184.0.0", "255.255.0.0") ? "PROXY p.test:1" : "x"',
      want: at('http', 'p.test', 1),
    },
  ];
  for (const { name, body, want } of cases) {
    it(`answers ${name}`, async () => {
      const { parents } = create({ ALL_PROXY: write(`${name}.pac`, body) });
      assert.deepEqual(await parents.parentFor(tunnel), want);
    });
  }

  it('can look up the host it is asked about and no other', async () => {
    const asked: string[] = [];
    const body =
      'return "PROXY " + (dnsResolve("leak." + host) || "none.test") + ":" + (dnsResolve(host) ? 1 : 2)';
    const { parents } = create({ ALL_PROXY: write('leak.pac', body) }, { asked });
    assert.deepEqual(await parents.parentFor(tunnel), at('http', 'none.test', 1));
    assert.deepEqual(asked, ['origin.test']);
  });

  it('comes over HTTP too, and closes the way when it cannot be had', async () => {
    const origin = await startHttpOrigin((_request, response) => {
      response.end('function FindProxyForURL() { return "PROXY p.test:1"; }');
    });
    const ALL_PROXY = `pac+http://127.0.0.1:${origin.port}/proxy.pac`;
    assert.deepEqual(
      await create({ ALL_PROXY }).parents.parentFor(tunnel),
      at('http', 'p.test', 1),
    );
    await origin.close();
    assert.deepEqual(await create({ ALL_PROXY }).parents.parentFor(tunnel), brokenParent);
  });
});
