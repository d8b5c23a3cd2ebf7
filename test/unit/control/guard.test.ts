import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkOrigin, checkToken, singleHeaders } from '../../../src/control/guard.ts';
import type { ControlListener } from '../../../src/control/guard.ts';

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

describe('checkToken', () => {
  const cases = [
    { name: 'takes the token', sent: 'Bearer secret', want: undefined },
    { name: 'takes any case of the scheme', sent: 'bearer secret', want: undefined },
    { name: 'refuses another', sent: 'Bearer secreT', want: 401 },
    { name: 'refuses a part of it', sent: 'Bearer secre', want: 401 },
    { name: 'refuses more than it', sent: 'Bearer secrets', want: 401 },
    { name: 'refuses another scheme', sent: 'Basic secret', want: 401 },
    { name: 'refuses nothing', sent: 'Bearer ', want: 401 },
    { name: 'refuses a token that is no token', sent: `Bearer ${'x'.repeat(600)}`, want: 401 },
  ];
  for (const { name, sent, want } of cases) {
    it(name, () => assert.equal(checkToken(['Authorization', sent], 'secret')?.status, want));
  }
  it('refuses everybody while there is no token', () => {
    assert.equal(checkToken(['Authorization', 'Bearer '], '')?.status, 401);
    assert.equal(checkToken([], '')?.status, 401);
  });
  it('refuses two tokens', () => {
    const twice = ['Authorization', 'Bearer secret', 'Authorization', 'Bearer secret'];
    assert.equal(checkToken(twice, 'secret')?.status, 401);
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
