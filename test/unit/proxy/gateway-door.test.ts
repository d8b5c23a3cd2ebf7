import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { IncomingMessage } from 'node:http';
import { admit, fieldTable, recordMalformed, requestFor } from '../../../src/proxy/gateway-door.ts';
import { parseHost, createDestination } from '../../../src/policy/destination.ts';

describe('fieldTable', () => {
  const cases = [
    {
      name: 'lower-cases names and leaves Host and what is hop by hop out',
      raw: ['Host', 'h', 'Accept', 'a', 'Connection', 'x-hop', 'X-Hop', '1', 'Proxy-Thing', '2'],
      want: { accept: 'a' },
    },
    {
      name: 'keeps repeats in their order',
      raw: ['X-A', '1', 'x-b', '2', 'x-a', '3', 'X-A', '4'],
      want: { 'x-a': ['1', '3', '4'], 'x-b': '2' },
    },
    {
      name: 'takes a name that objects inherit for a field like any other',
      raw: ['__proto__', '1', 'constructor', '2'],
      want: JSON.parse('{"__proto__":"1","constructor":"2"}') as object,
    },
  ];
  for (const { name, raw, want } of cases) {
    it(name, () => {
      assert.deepEqual(Object.entries(fieldTable(raw)), Object.entries(want));
    });
  }

  it('takes time linear in the number of repeats (a head of 64 KiB once cost a second)', () => {
    const raw = Array.from({ length: 100_000 }, () => ['a', '']).flat();
    const start = performance.now();
    assert.equal(fieldTable(raw)['a']?.length, 100_000);
    assert.ok(performance.now() - start < 5_000, 'copied at every repeat it takes half a minute');
  });
});

/** As much of a message as is looked at, to 127.0.0.1:4130. */
function message(url: string, fields: readonly string[] = [], method = 'GET'): IncomingMessage {
  const rawHeaders = ['Host', '127.0.0.1:4130', ...fields];
  const headers: Record<string, string> = {};
  for (let i = 0; i < rawHeaders.length; i += 2) {
    headers[(rawHeaders[i] ?? '').toLowerCase()] = rawHeaders[i + 1] ?? '';
  }
  const socket = { remoteAddress: '127.0.0.1', remotePort: 50_000, localPort: 4130 };
  const made: unknown = { url, method, httpVersion: '1.1', rawHeaders, headers, socket };
  return made as IncomingMessage;
}

describe('admit', () => {
  const admitted = [
    { name: 'a path', url: '/v1/responses', base: '/v1', target: '/v1/responses' },
    { name: 'an upstream without a path', url: '/v1/responses', base: '', target: '/responses' },
    { name: 'the root of /v1/', url: '/v1/', base: '/a/b', target: '/a/b/' },
    { name: 'a query as it is', url: '/v1/x?a=/v1/../b', base: '', target: '/x?a=/v1/../b' },
    { name: 'dots within /v1/', url: '/v1/a/../b', base: '', target: '/b' },
    { name: 'doubled slashes', url: '/v1//a', base: '', target: '/a' },
  ];
  for (const { name, url, base, target } of admitted) {
    it(`takes ${name}`, () => assert.deepEqual(admit(message(url), base), { ok: true, target }));
  }

  const turnedAway: readonly {
    name: string;
    url?: string;
    fields?: readonly string[];
    method?: string;
    status: number;
    what: string | undefined;
  }[] = [
    { name: 'a path of others', url: '/v2/x', status: 404, what: undefined },
    { name: 'a path above /v1/', url: '/v1/../v1x', status: 404, what: undefined },
    { name: '/v1 without its slash', url: '/v1', status: 404, what: undefined },
    {
      name: 'a page of another port',
      fields: ['Origin', 'http://127.0.0.1:4131'],
      status: 403,
      what: 'a page of another origin',
    },
    {
      name: 'a page over https',
      fields: ['Origin', 'https://127.0.0.1:4130'],
      status: 403,
      what: 'a page of another origin',
    },
    {
      name: 'a page of the same site',
      fields: ['Sec-Fetch-Site', 'same-site'],
      status: 403,
      what: 'a page of another origin',
    },
    {
      name: 'a chunked GET',
      fields: ['Transfer-Encoding', 'chunked'],
      status: 400,
      what: 'a body with this method needs a Content-Length',
    },
  ];
  for (const { name, url = '/v1/x', fields = [], method = 'GET', status, what } of turnedAway) {
    it(`turns ${name} away`, () => {
      const admission = admit(message(url, fields, method), '');
      assert.ok(!admission.ok);
      assert.deepEqual([admission.answer.status, admission.what], [status, what]);
    });
  }
});

describe('requestFor', () => {
  it('asks for the upstream, whatever the request names', () => {
    const host = parseHost('api.test');
    assert.ok(host.ok);
    const destination = createDestination('http', host.value, 443);
    assert.deepEqual(requestFor(message('/v1/x', [], 'POST'), destination, 'upgrade'), {
      destination,
      listener: 'gateway',
      method: 'POST',
      form: 'upgrade',
      client: { address: '127.0.0.1', port: 50_000, localPort: 4130 },
    });
  });
});

describe('recordMalformed', () => {
  it('tells Host and client, never the path, and outlives a record that fails', async () => {
    const told: unknown[] = [];
    const onMalformed = (info: unknown): Promise<void> => {
      told.push(info);
      return Promise.reject(new Error('the journal is full'));
    };
    await recordMalformed({ onMalformed }, message('/v1/secret'), 'a Host that is not ours');
    await recordMalformed({ onMalformed }, message('/v1/secret'), undefined);
    assert.deepEqual(told, [
      {
        listener: 'gateway',
        client: { address: '127.0.0.1', port: 50_000, localPort: 4130 },
        what: 'a Host that is not ours',
        text: '127.0.0.1:4130',
      },
    ]);
  });
});
