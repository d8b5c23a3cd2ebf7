import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { requestLine } from '../../../src/approval/request-line.ts';
import { makeDestination, makeRequest } from '../../support/asking.ts';

function lineOf(target: string, method = 'GET'): string | null {
  const destination = makeDestination('x.test', 80, { protocol: 'http' });
  return requestLine(makeRequest(destination, { method, form: 'request', target }));
}

describe('requestLine', () => {
  const cases = [
    ['method and path', 'http://x.test/v1/items', 'GET /v1/items'],
    ['nothing of host, port and user', 'http://me:pw@x.test:8080/v1', 'GET /v1'],
    ['no query and no fragment', 'http://x.test/v1?token=abc#part', 'GET /v1'],
    ['a slash where there is no path', 'http://x.test?x=/y', 'GET /'],
    ['an origin-form target', '/v1/items?x', 'GET /v1/items'],
    ['an asterisk', '*', 'GET *'],
    ['a mask for a key of known shape', '/a/glpat-0123456789abcdef/b', 'GET /a/***/b'],
    ['a mask for a long mixed run', '/T00/B00/AbCdEfGhIjKlMnOpQrSt1234', 'GET /T00/B00/***'],
    ['a mask for an encoded key', '/a/%67lpat-0123456789abcdef', 'GET /a/***'],
    [
      'a mask for what follows the word token',
      '/reset/token/abc12345/go',
      'GET /reset/token/***/go',
    ],
    ['a mask for an assignment', '/a/api_key=123/b', 'GET /a/***/b'],
    ['a mask for parameters of a segment', '/a;jsessionid=1/b', 'GET /a;***/b'],
    [
      'a commit as it is',
      `/x/commit/${'0123456789'.repeat(4)}`,
      `GET /x/commit/${'0123456789'.repeat(4)}`,
    ],
    ['escapes for what cannot be seen', '/a\u202eb\n', 'GET /a\\u202eb\\u000a'],
    ['escapes that do not decode', '/a%zz', 'GET /a%zz'],
  ] as const;
  for (const [name, target, want] of cases)
    it(`shows ${name}`, () => assert.equal(lineOf(target), want));

  it('cuts a long line at 200 characters', () => {
    const line = lineOf(`/${'path/'.repeat(4000)}`, 'M'.repeat(99)) ?? '';
    assert.equal(line.length, 200);
    assert.ok(line.startsWith(`${'M'.repeat(32)} /path/`) && line.endsWith('…'));
  });

  it('shows nothing of a tunnel, and nothing where there is no target', () => {
    const tunnel = makeRequest(makeDestination('x.test'), { target: 'x.test:443' });
    const plain = makeRequest(makeDestination('x.test', 80, { protocol: 'http' }));
    assert.deepEqual([requestLine(tunnel), requestLine(plain)], [null, null]);
  });
});
