import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { describe, it } from 'node:test';
import { createStrictServer, isWebSocket } from '../../../src/proxy/strict-server.ts';

describe('createStrictServer', () => {
  it('has a limit for every head and none for a body', () => {
    const { headersTimeout, requestTimeout, maxHeadersCount } = createStrictServer();
    assert.deepEqual(
      { headersTimeout, requestTimeout, maxHeadersCount },
      { headersTimeout: 30_000, requestTimeout: 0, maxHeadersCount: 0 },
    );
  });
});

describe('isWebSocket', () => {
  const cases = [
    { name: 'a handshake', method: 'GET', headers: { upgrade: 'WebSocket' }, want: true },
    { name: 'no upgrade', method: 'GET', headers: {}, want: false },
    { name: 'another upgrade', method: 'GET', headers: { upgrade: 'h2c' }, want: false },
    { name: 'one of several', method: 'GET', headers: { upgrade: 'h2c, websocket' }, want: false },
    {
      name: 'HTTP/1.0',
      method: 'GET',
      httpVersion: '1.0',
      headers: { upgrade: 'websocket' },
      want: false,
    },
    { name: 'another method', method: 'POST', headers: { upgrade: 'websocket' }, want: false },
    {
      name: 'a body',
      method: 'GET',
      headers: { upgrade: 'websocket', 'content-length': '1' },
      want: false,
    },
    {
      name: 'a body of no length',
      method: 'GET',
      headers: { upgrade: 'websocket', 'content-length': '0' },
      want: true,
    },
  ];
  for (const { name, method, httpVersion = '1.1', headers, want } of cases) {
    it(`is ${want} for ${name}`, () => {
      assert.equal(isWebSocket({ method, httpVersion, headers } as IncomingMessage), want); // all it looks at
    });
  }
});
