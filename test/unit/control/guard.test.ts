import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkOrigin, findHolder, singleHeaders } from '../../../src/control/guard.ts';
import { stranger } from '../../../src/control/route.ts';
import type { ControlListener } from '../../../src/control/route.ts';

describe('checkOrigin', () => {
  const own = 'http://127.0.0.1:4131';
  const cases: readonly {
    name: string;
    headers: readonly string[];
    listener?: ControlListener;
    want: number | undefined;
  }[] = [
    { name: 'takes the address', headers: ['Host', '127.0.0.1:4131'], want: undefined },
    { name: 'takes localhost', headers: ['Host', 'localhost:4131'], want: undefined },
    { name: 'takes IPv6 loopback', headers: ['host', '[::1]:4131'], want: undefined },
    {
      name: 'refuses a name that was rebound to us',
      headers: ['Host', 'evil.example:4131'],
      want: 421,
    },
    { name: 'refuses another port', headers: ['Host', '127.0.0.1:4128'], want: 421 },
    { name: 'refuses no port', headers: ['Host', '127.0.0.1'], want: 421 },
    { name: 'refuses another spelling', headers: ['Host', '127.1:4131'], want: 421 },
    { name: 'refuses a trailing dot', headers: ['Host', 'localhost.:4131'], want: 421 },
    { name: 'refuses an empty Host', headers: ['Host', ''], want: 421 },
    { name: 'refuses no Host', headers: [], want: 421 },
    {
      name: 'refuses two Hosts',
      headers: ['Host', '127.0.0.1:4131', 'HOST', '127.0.0.1:4131'],
      want: 400,
    },
    {
      name: 'takes its own Origin',
      headers: ['Host', '127.0.0.1:4131', 'Origin', own],
      want: undefined,
    },
    {
      name: 'refuses a foreign Origin',
      headers: ['Host', '127.0.0.1:4131', 'Origin', 'https://evil.example'],
      want: 403,
    },
    {
      name: 'refuses the Origin of another local port',
      headers: ['Host', '127.0.0.1:4131', 'Origin', 'http://127.0.0.1:8080'],
      want: 403,
    },
    {
      name: 'refuses its own Origin over https',
      headers: ['Host', '127.0.0.1:4131', 'Origin', 'https://127.0.0.1:4131'],
      want: 403,
    },
    {
      name: 'refuses Origin null',
      headers: ['Host', '127.0.0.1:4131', 'Origin', 'null'],
      want: 403,
    },
    {
      name: 'refuses two Origins',
      headers: ['Host', '127.0.0.1:4131', 'Origin', own, 'Origin', own],
      want: 400,
    },
    {
      name: 'takes its own page',
      headers: ['Host', '127.0.0.1:4131', 'Sec-Fetch-Site', 'same-origin'],
      want: undefined,
    },
    {
      name: 'takes a typed address',
      headers: ['Host', '127.0.0.1:4131', 'Sec-Fetch-Site', 'none'],
      want: undefined,
    },
    {
      name: 'refuses a cross-site fetch',
      headers: ['Host', '127.0.0.1:4131', 'Sec-Fetch-Site', 'cross-site'],
      want: 403,
    },
    {
      name: 'refuses a same-site fetch, since sites ignore ports',
      headers: ['Host', '127.0.0.1:4131', 'Sec-Fetch-Site', 'same-site'],
      want: 403,
    },
    {
      name: 'takes localhost on the socket',
      listener: 'socket',
      headers: ['Host', 'localhost'],
      want: undefined,
    },
    { name: 'takes no Host on the socket', listener: 'socket', headers: [], want: undefined },
    {
      name: 'refuses a foreign Host on the socket',
      listener: 'socket',
      headers: ['Host', 'evil.example'],
      want: 421,
    },
    {
      name: 'refuses every Origin on the socket',
      listener: 'socket',
      headers: ['Host', 'localhost', 'Origin', own],
      want: 403,
    },
  ];
  for (const { name, headers, listener = 'tcp', want } of cases) {
    it(name, () =>
      assert.equal(checkOrigin({ rawHeaders: headers, listener, port: 4131 })?.status, want),
    );
  }
});

describe('findHolder', () => {
  const holder = { ...stranger, key: 'local#1', role: 'admin' as const };
  const find = (secret: string) => (secret === 'secret' ? holder : undefined);
  const cases = [
    { name: 'takes the token', sent: ['Authorization', 'Bearer secret'], want: holder },
    {
      name: 'takes any case of the scheme',
      sent: ['AUTHORIZATION', 'bearer secret'],
      want: holder,
    },
    { name: 'refuses another', sent: ['Authorization', 'Bearer secreT'], want: 401 },
    { name: 'refuses more than it', sent: ['Authorization', 'Bearer secret s'], want: 401 },
    { name: 'refuses another scheme', sent: ['Authorization', 'Basic secret'], want: 401 },
    { name: 'refuses an empty one', sent: ['Authorization', 'Bearer '], want: 401 },
    { name: 'refuses none', sent: [], want: 401 },
    {
      name: 'refuses two tokens',
      sent: ['Authorization', 'Bearer secret', 'Authorization', 'Bearer secret'],
      want: 401,
    },
  ];
  for (const { name, sent, want } of cases) {
    it(name, () => {
      const found = findHolder(sent, find);
      assert.deepEqual('status' in found ? found.status : found, want);
    });
  }
  it('looks nothing up that cannot be a token', () => {
    const found = findHolder(['Authorization', `Bearer ${'x'.repeat(600)}`], () => holder);
    assert.equal('status' in found && found.status, 401);
  });
});

describe('singleHeaders', () => {
  it('takes only what may stand once', () => {
    const headers = ['Accept', 'a', 'Accept', 'b', 'HOST', 'h', 'Content-Type', 'c'];
    assert.deepEqual(
      [...(singleHeaders(headers) ?? [])],
      [
        ['host', 'h'],
        ['content-type', 'c'],
      ],
    );
  });
});
