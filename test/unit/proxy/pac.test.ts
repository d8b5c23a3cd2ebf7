import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { describe, it } from 'node:test';
import type { DecisionRequest, Parent } from '../../../src/policy/decision.ts';
import type { FindProxy, PacFunctions } from '../../../src/proxy/dial.ts';
import { createPac, parsePacAnswer } from '../../../src/proxy/pac.ts';
import { createRequest } from '../../support/permit.ts';

const uri = 'pac+https://config.test/proxy.pac';
const tunnel = createRequest({ port: 443, host: 'a.test' });

function at(protocol: Parent['protocol'], host: string, port: number): Parent {
  return { protocol, host, port, credentials: undefined };
}

type Call = (...args: readonly string[]) => Promise<unknown>;

/** A PAC file of the test's own making; `find` may use the functions a real one would get. */
function create(find: (functions: Readonly<Record<string, Call>>, ...args: string[]) => unknown): {
  readonly ask: (request: DecisionRequest) => Promise<string>;
  readonly opened: string[];
  readonly lookedUp: string[];
  readonly evaluated: string[];
} {
  const opened: string[] = [];
  const lookedUp: string[] = [];
  const evaluated: string[] = [];
  const openPac = async (asked: string, functions: PacFunctions): Promise<FindProxy> => {
    opened.push(asked);
    return async (url, host) => {
      evaluated.push(url);
      // The functions take text and give promises; their exact types are the sandbox's business.
      const calls = functions as unknown as Readonly<Record<string, Call>>;
      return (await find(calls, url, host)) as string;
    };
  };
  const ask = createPac(
    {
      openPac,
      resolve: (host) => {
        lookedUp.push(host);
        return Promise.resolve(
          host === 'none.test'
            ? { kind: 'failed', failure: 'dns_failed' }
            : { kind: 'addresses', addresses: ['2001:db8::1', '93.184.215.14'] },
        );
      },
    },
    uri,
  );
  return { ask, opened, lookedUp, evaluated };
}

describe('what a PAC file is asked', () => {
  const cases: readonly { name: string; request: DecisionRequest; want: readonly string[] }[] = [
    { name: 'a tunnel', request: tunnel, want: ['https://a.test/', 'a.test'] },
    {
      name: 'a tunnel to another port',
      request: createRequest({ port: 8443, host: 'a.test' }),
      want: ['https://a.test:8443/', 'a.test'],
    },
    {
      name: 'a plain request',
      request: createRequest({ port: 80, host: 'a.test', protocol: 'http' }, { form: 'request' }),
      want: ['http://a.test/', 'a.test'],
    },
    {
      name: 'the gateway, whose upstream is as good as a tunnel',
      request: createRequest({ port: 443, protocol: 'http' }, { listener: 'gateway' }),
      want: ['https://origin.test/', 'origin.test'],
    },
    {
      name: 'an IPv6 address',
      request: createRequest({ port: 1, host: '2001:db8::1', kind: 'ipv6' }),
      want: ['https://[2001:db8::1]:1/', '2001:db8::1'],
    },
  ];
  for (const { name, request, want } of cases) {
    it(`is scheme, host and port alone for ${name}`, async () => {
      const { ask } = create((_functions, url, host) => `${url} ${host}`);
      assert.equal(await ask(request), want.join(' '));
    });
  }
});

describe('a PAC file', () => {
  it('is loaded at the first question, and again after five minutes', async (t) => {
    t.mock.timers.enable({ apis: ['Date'] });
    const { ask, opened } = create(() => 'DIRECT');
    assert.deepEqual(opened, []);
    await ask(tunnel);
    t.mock.timers.tick(299_999);
    await ask(tunnel);
    assert.deepEqual(opened, [uri]);
    t.mock.timers.tick(1);
    await ask(createRequest({ port: 1 }));
    assert.deepEqual(opened, [uri, uri]);
  });

  it('is asked once a minute for one destination, and once by all who wait', async (t) => {
    t.mock.timers.enable({ apis: ['Date'] });
    const { ask, evaluated } = create(() => 'DIRECT');
    await Promise.all([ask(tunnel), ask(tunnel), ask(createRequest({ port: 1 }))]);
    assert.deepEqual(evaluated, ['https://a.test/', 'https://origin.test:1/']);
    t.mock.timers.tick(59_999);
    await ask(tunnel);
    assert.equal(evaluated.length, 2);
    t.mock.timers.tick(1);
    await ask(tunnel);
    assert.equal(evaluated.length, 3);
  });

  it('has a failure forgotten, of its evaluation or its loading', async () => {
    let fails = true;
    const { ask } = create(() => {
      if (fails) throw new Error('not now');
      return 'PROXY p.test:1';
    });
    await assert.rejects(ask(tunnel), /not now/);
    fails = false;
    assert.equal(await ask(tunnel), 'PROXY p.test:1');
    const outcomes: string[] = [];
    let tries = 0;
    const unloaded = createPac(
      {
        openPac: () => {
          tries += 1;
          return tries === 1
            ? Promise.reject(new Error('no file'))
            : Promise.resolve(() => Promise.resolve('DIRECT'));
        },
        resolve: () => Promise.reject(new Error('not asked for')),
      },
      uri,
    );
    for (let i = 0; i < 3; i += 1) outcomes.push(await unloaded(tunnel).catch(String));
    assert.deepEqual([outcomes, tries], [['Error: no file', 'DIRECT', 'DIRECT'], 2]);
  });

  it('has 1024 answers kept, the oldest given up first', async () => {
    const { ask, evaluated } = create(() => 'DIRECT');
    for (let port = 1; port <= 1025; port += 1) await ask(createRequest({ port }));
    await ask(createRequest({ port: 2 }));
    assert.equal(evaluated.length, 1025);
    await ask(createRequest({ port: 1 }));
    assert.deepEqual(evaluated.slice(1025), ['https://origin.test:1/']);
  });
});

describe('the functions of a PAC file', () => {
  const cases: readonly { call: string; args: readonly string[]; want: unknown }[] = [
    { call: 'alert', args: ['a.test'], want: undefined },
    { call: 'dnsResolve', args: ['a.test'], want: '93.184.215.14' },
    { call: 'dnsResolve', args: ['x.a.test'], want: null },
    { call: 'dnsResolve', args: ['10.0.0.1'], want: '10.0.0.1' },
    { call: 'isResolvable', args: ['a.test'], want: true },
    { call: 'isResolvable', args: ['x.a.test'], want: false },
    { call: 'isInNet', args: ['a.test', '93.184.0.0', '255.255.0.0'], want: true },
    { call: 'isInNet', args: ['a.test', '93.185.0.0', '255.255.0.0'], want: false },
    { call: 'isInNet', args: ['200.0.0.1', '200.0.0.0', '255.0.0.0'], want: true },
    { call: 'isInNet', args: ['10.0.0.1', '10.0.0.9', '255.255.255.240'], want: true },
    { call: 'isInNet', args: ['10.0.0.1', '10.0.0.0/8', '255.0.0.0'], want: false },
    { call: 'isInNet', args: ['10.0.0.1', '10.0.0.0', '8'], want: false },
    { call: 'isInNet', args: ['x.a.test', '0.0.0.0', '0.0.0.0'], want: false },
  ];
  for (const { call, args, want } of cases) {
    it(`answer ${call}(${args.join(', ')}) with ${String(want)}`, async () => {
      let got: unknown = 'not called';
      const { ask, lookedUp } = create(async (functions) => {
        got = await functions[call]?.(...args);
        return 'DIRECT';
      });
      await ask(tunnel);
      assert.equal(got, want);
      assert.deepEqual(lookedUp, args[0] === 'a.test' && call !== 'alert' ? ['a.test'] : []);
    });
  }

  it('find no address where there is none', async () => {
    let got: unknown;
    const { ask } = create(async (functions) => {
      got = [
        await functions['dnsResolve']?.('none.test'),
        await functions['isResolvable']?.('none.test'),
      ];
      return 'DIRECT';
    });
    await ask(createRequest({ port: 443, host: 'none.test' }));
    assert.deepEqual(got, [null, false]);
  });

  it('look a host up only while the file is asked about it', async () => {
    let kept: Readonly<Record<string, Call>> = {};
    const { ask, lookedUp } = create((functions) => {
      kept = functions;
      return 'DIRECT';
    });
    await ask(tunnel);
    assert.equal(await kept['dnsResolve']?.('a.test'), null);
    assert.deepEqual(lookedUp, []);
  });

  it('know an address of this machine', async () => {
    let own: unknown;
    const { ask } = create(async (functions) => {
      own = await functions['myIpAddress']?.();
      return 'DIRECT';
    });
    await ask(tunnel);
    const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    assert.ok(own === '127.0.0.1' || addresses.some(({ address }) => address === own));
  });
});

describe('parsePacAnswer', () => {
  const cases: readonly { answer: unknown; want: Parent | 'direct' | undefined }[] = [
    { answer: null, want: 'direct' },
    { answer: undefined, want: 'direct' },
    { answer: '', want: 'direct' },
    { answer: ' ; ', want: 'direct' },
    { answer: 'direct', want: 'direct' },
    { answer: 'DIRECT; PROXY p.test:1', want: 'direct' },
    { answer: 'PROXY P.Test.:3128; DIRECT', want: at('http', 'p.test', 3128) },
    { answer: ' ; socks4 p.test:1 ; PROXY q.test:2', want: at('socks4', 'p.test', 1) },
    { answer: 'HTTP p.test:1', want: at('http', 'p.test', 1) },
    { answer: 'HTTPS\tp.test:443', want: at('https', 'p.test', 443) },
    { answer: 'SOCKS 10.0.0.1:1080', want: at('socks5', '10.0.0.1', 1080) },
    { answer: 'SOCKS5 [2001:DB8::1]:1080', want: at('socks5', '2001:db8::1', 1080) },
    { answer: 7, want: undefined },
    { answer: {}, want: undefined },
    { answer: 'PROXY', want: undefined },
    { answer: 'PROXY p.test', want: undefined },
    { answer: 'PROXY p.test:0', want: undefined },
    { answer: 'PROXY p.test:65536', want: undefined },
    { answer: 'PROXY user:secret@p.test:1', want: undefined },
    { answer: 'PROXY http://p.test:1', want: undefined },
    { answer: 'PROXY 10.1:1', want: undefined },
    { answer: 'PROXY 2001:db8::1:1080', want: undefined },
    { answer: 'QUIC p.test:1; DIRECT', want: undefined },
    { answer: 'toString p.test:1', want: undefined },
  ];
  for (const { answer, want } of cases) {
    it(`takes ${JSON.stringify(answer) ?? 'nothing'} for ${JSON.stringify(want) ?? 'no answer'}`, () => {
      assert.deepEqual(parsePacAnswer(answer), want);
    });
  }
});
