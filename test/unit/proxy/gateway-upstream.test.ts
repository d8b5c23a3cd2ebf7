import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { SallyportError } from '../../../src/errors.ts';
import { createDialer } from '../../../src/proxy/dial.ts';
import { cleanAnswer, codeOf, createGatewayUpstream } from '../../../src/proxy/gateway-upstream.ts';
import { ask, closeOpened, echoOrigin, opened, startGateway } from '../../support/gateway.ts';
import { startHttpParent } from '../../support/parent-proxy.ts';
import { createPermit } from '../../support/permit.ts';
import { createAuthority } from '../../support/tls.ts';

afterEach(closeOpened);

describe('createGatewayUpstream', () => {
  const cases = [
    {
      url: 'https://API.Test/v1',
      host: 'api.test',
      kind: 'name',
      port: 443,
      basePath: '/v1',
    },
    { url: 'http://api.test', host: 'api.test', kind: 'name', port: 80, basePath: '' },
    {
      url: 'https://[2001:DB8::1]:8443/a/b//',
      host: '2001:db8::1',
      kind: 'ipv6',
      port: 8443,
      basePath: '/a/b',
    },
    { url: 'http://10.0.0.1:443/', host: '10.0.0.1', kind: 'ipv4', port: 443, basePath: '' },
  ];
  for (const { url: text, basePath, ...destination } of cases) {
    it(`reads ${text}`, () => {
      const url = new URL(text);
      const upstream = createGatewayUpstream(createDialer(), url);
      assert.deepEqual(
        { url: upstream.url === url, to: upstream.destination, basePath: upstream.basePath },
        { url: true, to: { protocol: 'http', ...destination }, basePath },
      );
    });
  }

  for (const text of ['ftp://api.test/', 'ws://api.test/', 'https://-a.test/']) {
    it(`does not take ${text}`, () => {
      assert.throws(() => createGatewayUpstream(createDialer(), new URL(text)), {
        code: 'ERR_CONFIG_INVALID',
      });
    });
  }
});

describe('an upstream', () => {
  it('verifies the certificate of an https upstream', async () => {
    const authority = createAuthority();
    const server = https.createServer(authority.issue(['api.test']), (request, response) => {
      response.end(`${request.headers.host} ${request.url}`);
    });
    server.on('tlsClientError', () => undefined);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    opened.push(() => [server.close(), server.closeAllConnections()]);
    const upstream = `https://api.test:${(server.address() as AddressInfo).port}/v1`;
    const trusting = createDialer({ ca: [authority.certificate] });
    const { port } = await startGateway(upstream, { dialer: trusting });
    const answer = await ask(port, '/v1/x');
    assert.deepEqual([answer.status, answer.body], [200, `${new URL(upstream).host} /v1/x`]);
    const doubting = await startGateway(upstream);
    assert.equal((await ask(doubting.port, '/v1/x')).status, 502);
  });

  it('goes through an HTTP parent in a tunnel, by name', async (t) => {
    const origin = await echoOrigin();
    const parent = await startHttpParent({ route: () => origin.port });
    t.after(parent.close);
    const { port } = await startGateway('http://api.test/v1', {
      gate: (request) =>
        Promise.resolve(
          createPermit(request, {
            via: 'parent',
            parent: {
              protocol: 'http',
              host: '127.0.0.1',
              port: parent.port,
              credentials: undefined,
            },
          }),
        ),
    });
    assert.equal((await ask(port, '/v1/x', { agent: false })).status, 201);
    assert.deepEqual(
      parent.asked.map(({ kind, target }) => [kind, target]),
      [['connect', 'api.test:80']],
    );
  });

  it('has its trouble told by name and port', () => {
    const upstream = createGatewayUpstream(createDialer(), new URL('https://api.test/v1'));
    const { status, body } = upstream.troubleFor(new SallyportError('ERR_DNS_TIMEOUT', 'late'));
    assert.equal(status, 504);
    assert.match(body, /^upstream failure: api\.test:443 /);
  });
});

describe('codeOf', () => {
  const cases = [
    {
      name: 'one of ours',
      error: new SallyportError('ERR_DNS_FAILED', 'no'),
      want: 'ERR_DNS_FAILED',
    },
    { name: 'the parser', code: 'HPE_INVALID_CONSTANT', want: 'ERR_UPSTREAM_INVALID' },
    { name: 'a reset', code: 'ECONNRESET', want: 'ERR_UPSTREAM_RESET' },
    { name: 'a broken pipe', code: 'EPIPE', want: 'ERR_UPSTREAM_RESET' },
    { name: 'an error without a code', want: 'ERR_UPSTREAM_RESET' },
    { name: 'a code that is no text', code: 7, want: 'ERR_UPSTREAM_RESET' },
  ];
  for (const { name, error, code, want } of cases) {
    it(`is ${want} for ${name}`, () => {
      assert.equal(codeOf(error ?? Object.assign(new Error('no'), { code })), want);
    });
  }
});

describe('cleanAnswer', () => {
  it('leaves what is end to end, a Connection of ours and a reason phrase that is one', () => {
    const answer = {
      statusMessage: 'Fine\u0001',
      headers: {},
      rawHeaders: ['X-A', '1', 'Connection', 'X-Hop', 'X-Hop', '2', 'Keep-Alive', '3', 'x-a', '4'],
    };
    cleanAnswer(answer as unknown as IncomingMessage, 'close'); // all it looks at
    assert.deepEqual(answer.headers, { 'x-a': ['1', '4'], connection: 'close' });
    assert.doesNotMatch(answer.statusMessage, /[^ -~]/);
  });
});
