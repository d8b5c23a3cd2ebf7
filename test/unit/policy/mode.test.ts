// What limited mode lets through, by protocol, form and method.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DecisionRequest } from '../../../src/policy/decision.ts';
import type { Protocol } from '../../../src/policy/destination.ts';
import { guardMode, limitedMethods } from '../../../src/policy/mode.ts';

function request(
  protocol: Protocol,
  form: DecisionRequest['form'],
  method: string,
  listener: DecisionRequest['listener'] = 'http',
): DecisionRequest {
  return {
    destination: { protocol, host: 'example.com', kind: 'name', port: 80 },
    listener,
    method,
    form,
    client: { address: '127.0.0.1', port: 50_000, localPort: 4128 },
  };
}

describe('guardMode', () => {
  const cases = [
    { name: 'lets GET through', given: request('http', 'request', 'GET'), want: undefined },
    { name: 'lets HEAD through', given: request('http', 'request', 'HEAD'), want: undefined },
    { name: 'lets OPTIONS through', given: request('http', 'request', 'OPTIONS'), want: undefined },
    { name: 'refuses POST', given: request('http', 'request', 'POST'), want: 'method_not_allowed' },
    {
      name: 'refuses get in lower case',
      given: request('http', 'request', 'get'),
      want: 'method_not_allowed',
    },
    {
      name: 'refuses TRACE',
      given: request('http', 'request', 'TRACE'),
      want: 'method_not_allowed',
    },
    {
      name: 'refuses an empty method',
      given: request('http', 'request', ''),
      want: 'method_not_allowed',
    },
    {
      name: 'refuses a CONNECT tunnel',
      given: request('https_connect', 'tunnel', 'CONNECT'),
      want: 'mitm_required',
    },
    {
      name: 'refuses a tunnel whatever its method',
      given: request('https_connect', 'tunnel', 'GET'),
      want: 'mitm_required',
    },
    { name: 'refuses an upgrade', given: request('http', 'upgrade', 'GET'), want: 'mitm_required' },
    {
      name: 'names the method first when an upgrade has a wrong one',
      given: request('http', 'upgrade', 'POST'),
      want: 'method_not_allowed',
    },
    {
      name: 'refuses SOCKS',
      given: request('socks5_tcp', 'tunnel', 'none', 'socks5'),
      want: 'method_not_allowed',
    },
    {
      name: 'exempts the gateway',
      given: request('http', 'request', 'POST', 'gateway'),
      want: undefined,
    },
    {
      name: 'exempts an upgrade at the gateway',
      given: request('http', 'upgrade', 'GET', 'gateway'),
      want: undefined,
    },
  ] as const;
  for (const { name, given, want } of cases) {
    it(name, () => assert.equal(guardMode(given, 'limited'), want));
    it(`lets everything through in full mode, also where limited mode ${name}`, () =>
      assert.equal(guardMode(given, 'full'), undefined));
  }
  it('knows exactly three methods', () => {
    assert.deepEqual([...limitedMethods], ['GET', 'HEAD', 'OPTIONS']);
  });
});
