import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hostField, reasonPhrase, requestFields } from '../../../src/proxy/fields-out.ts';

describe('hostField', () => {
  const cases = [
    { name: 'leaves port 80 out', host: 'a.test', kind: 'name', port: 80, want: 'a.test' },
    { name: 'writes another port', host: 'a.test', kind: 'name', port: 8080, want: 'a.test:8080' },
    {
      name: 'puts IPv6 in brackets',
      host: '2001:db8::1',
      kind: 'ipv6',
      port: 80,
      want: '[2001:db8::1]',
    },
    {
      name: 'keeps port 80 of a host that ends in :80',
      host: '2001:db8::80',
      kind: 'ipv6',
      port: 8080,
      want: '[2001:db8::80]:8080',
    },
    {
      name: 'writes a dotted quad',
      host: '192.0.2.1',
      kind: 'ipv4',
      port: 81,
      want: '192.0.2.1:81',
    },
  ] as const;
  for (const { name, host, kind, port, want } of cases) {
    it(name, () => assert.equal(hostField({ protocol: 'http', host, kind, port }), want));
  }
});

describe('requestFields', () => {
  it('puts the one Host first and leaves out what is of this hop', () => {
    const raw = ['X-A', '1', 'HOST', 'b.test', 'TE', 'trailers', 'x-a', '2', 'Proxy-X', '3'];
    assert.deepEqual(requestFields('a.test', raw), ['Host', 'a.test', 'X-A', '1', 'x-a', '2']);
  });
});

describe('reasonPhrase', () => {
  const cases = [
    { name: 'keeps plain words', text: 'Not Found', want: 'Not Found' },
    { name: 'keeps an empty phrase', text: '', want: '' },
    { name: 'drops a line break', text: 'OK\r\nSet-Cookie: a', want: '' },
    { name: 'drops a control byte', text: 'a\u0001b', want: '' },
    { name: 'drops what is not ASCII', text: 'd\u00e9j\u00e0', want: '' },
  ];
  for (const { name, text, want } of cases) {
    it(name, () => assert.equal(reasonPhrase(text), want));
  }
});
