import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net, { type Socket } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import type { Permit, Route } from '../../../src/policy/decision.ts';
import { createDialer } from '../../../src/proxy/dial.ts';
import {
  type Connect,
  createGatewayAgents,
  type GatewayAgents,
  type PinnedOptions,
} from '../../../src/proxy/gateway-agents.ts';
import { type Origin, startHttpOrigin, startTcpOrigin } from '../../support/origin.ts';
import { createPermit, createRequest } from '../../support/permit.ts';
import { createAuthority } from '../../support/tls.ts';

const opened: (() => unknown)[] = [];
afterEach(() => Promise.all(opened.splice(0).map((close) => close())));

const never: Connect = () => Promise.reject(new Error('nothing is to be dialled'));

function permitFor(route: Route, port = 80): Permit {
  const destination = { protocol: 'http', host: 'api.test', kind: 'name', port } as const;
  return createPermit(createRequest(destination, { listener: 'gateway' }), route);
}

function direct(...addresses: readonly string[]): Permit {
  return permitFor({ via: 'direct', addresses });
}

function through(protocol: 'http' | 'socks5', host: string, port: number): Permit {
  const parent = { protocol, host, port, credentials: undefined };
  return permitFor({ via: 'parent', parent });
}

/** An origin, and agents that connect to it as the dialer does, each connection kept for the test. */
async function start(handler: http.RequestListener): Promise<{
  readonly origin: Origin;
  readonly agents: GatewayAgents;
  readonly sockets: Socket[];
}> {
  const origin = await startHttpOrigin(handler);
  const sockets: Socket[] = [];
  const { dialTunnel } = createDialer();
  const agents = createGatewayAgents(false, async ({ request }, signal) => {
    assert.equal(request.destination.host, 'api.test');
    const socket = await dialTunnel(
      permitFor({ via: 'direct', addresses: ['127.0.0.1'] }, origin.port),
      signal,
    );
    sockets.push(socket);
    return socket;
  });
  opened.push(() => agents.close(), origin.close);
  return { origin, agents, sockets };
}

function send(
  agents: GatewayAgents,
  permit: Permit,
  options: http.RequestOptions = {},
): http.ClientRequest {
  const pinned: PinnedOptions = {
    pinned: { permit, signal: new AbortController().signal },
  };
  const all = { agent: agents.agentFor(permit), host: 'api.test', ...options, ...pinned };
  const request = http.request(all);
  request.end();
  return request;
}

/** One whole request; resolves when its connection is free again. */
async function ask(
  agents: GatewayAgents,
  permit: Permit,
  options: http.RequestOptions = {},
): Promise<string> {
  const request = send(agents, permit, options);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  let body = '';
  for await (const chunk of response) body += String(chunk);
  if (!request.closed) await once(request, 'close');
  await new Promise(setImmediate);
  return body;
}

describe('agentFor', () => {
  const same: readonly { name: string; one: Permit; other: Permit; want: boolean }[] = [
    {
      name: 'the same addresses in another order',
      one: direct('10.0.0.1', '::1'),
      other: direct('::1', '10.0.0.1'),
      want: true,
    },
    {
      name: 'fewer addresses',
      one: direct('10.0.0.1', '::1'),
      other: direct('10.0.0.1'),
      want: false,
    },
    { name: 'other addresses', one: direct('10.0.0.1'), other: direct('10.0.0.2'), want: false },
    {
      name: 'the same parent',
      one: through('http', 'p.test', 1),
      other: through('http', 'p.test', 1),
      want: true,
    },
    {
      name: 'another port of the parent',
      one: through('http', 'p.test', 1),
      other: through('http', 'p.test', 2),
      want: false,
    },
    {
      name: 'another protocol of the parent',
      one: through('http', 'p.test', 1),
      other: through('socks5', 'p.test', 1),
      want: false,
    },
    {
      name: 'a parent and an address of the same name',
      one: through('http', '10.0.0.1', 80),
      other: direct('10.0.0.1'),
      want: false,
    },
    {
      name: 'names that did not resolve',
      one: permitFor({ via: 'nowhere', failure: 'dns_failed' }),
      other: permitFor({ via: 'nowhere', failure: 'dns_timeout' }),
      want: true,
    },
  ];
  for (const { name, one, other, want } of same) {
    it(`gives ${want ? 'one agent' : 'two agents'} for ${name}`, () => {
      const agents = createGatewayAgents(false, never);
      assert.equal(agents.agentFor(one) === agents.agentFor(other), want);
    });
  }

  it('gives an agent for what the sockets speak', () => {
    for (const [isTls, kind] of [
      [true, https.Agent],
      [false, http.Agent],
    ] as const) {
      assert.equal(
        createGatewayAgents(isTls, never).agentFor(direct('10.0.0.1')).constructor,
        kind,
      );
    }
  });

  it('keeps eight, and closes what the one used longest ago had kept', async () => {
    const { agents, sockets, origin } = await start((_request, response) => response.end('a'));
    const permits = Array.from({ length: 9 }, (_, index) => direct(`10.0.0.${index}`));
    const [first, second] = permits;
    assert.ok(first !== undefined && second !== undefined);
    for (const permit of permits.slice(0, 8)) await ask(agents, permit);
    await ask(agents, first); // used again, so that the second is now the oldest
    assert.equal(origin.accepted(), 8);
    for (const permit of permits.slice(8)) await ask(agents, permit);
    assert.deepEqual(
      sockets.map(({ destroyed }) => destroyed),
      [false, true, false, false, false, false, false, false, false],
    );
    await ask(agents, first);
    assert.equal(origin.accepted(), 9);
    await ask(agents, second);
    assert.equal(origin.accepted(), 10);
  });
});

describe('a kept connection', () => {
  it('serves the next request of a permit for the same addresses', async () => {
    const { agents, sockets } = await start((_request, response) => response.end('a'));
    assert.deepEqual(
      [await ask(agents, direct('10.0.0.1')), await ask(agents, direct('10.0.0.1'))],
      ['a', 'a'],
    );
    assert.equal(sockets.length, 1);
  });

  it('is given up at the FIN of its origin, although it could stay half open', async () => {
    const accepted: Socket[] = [];
    const { agents, origin, sockets } = await start((request, response) => {
      accepted.push(request.socket);
      response.end('a');
    });
    await ask(agents, direct('10.0.0.1'));
    accepted[0]?.end();
    await origin.idle(); // the far side has had a FIN from here as well
    assert.equal(await ask(agents, direct('10.0.0.1')), 'a');
    assert.equal(sockets.length, 2);
  });

  it('is given up at the close_notify of its origin', async () => {
    const authority = createAuthority();
    const accepted: Socket[] = [];
    const server = https.createServer(authority.issue(['api.test']), (request, response) => {
      accepted.push(request.socket);
      response.end('a');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    opened.push(() => server.close());
    const { port } = server.address() as net.AddressInfo;
    const { dialTls } = createDialer({ ca: [authority.certificate] });
    const permit = permitFor({ via: 'direct', addresses: ['127.0.0.1'] }, port);
    const agents = createGatewayAgents(true, (asked, signal) =>
      dialTls(asked, { servername: 'api.test' }, signal),
    );
    opened.push(() => agents.close());
    assert.equal(await ask(agents, permit, { protocol: 'https:' }), 'a');
    const [first] = accepted;
    assert.ok(first !== undefined);
    first.end();
    await once(first, 'close');
    assert.equal(await ask(agents, permit, { protocol: 'https:' }), 'a');
    assert.equal(new Set(accepted).size, 2);
  });

  it('is given up when something comes unasked', async () => {
    const answers = ['HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na'];
    const origin = await startTcpOrigin((socket) => {
      socket.on('data', () => socket.write(answers[0] ?? ''));
      socket.on('end', () => socket.end());
      socket.on('stray', () => socket.write('HTTP/1.1 408 Late\r\n\r\n'));
      strays.push(() => socket.emit('stray'));
    });
    opened.push(origin.close);
    const strays: (() => void)[] = [];
    const agents = createGatewayAgents(false, async () => {
      const socket = net.connect({ port: origin.port, host: '127.0.0.1', allowHalfOpen: true });
      await once(socket, 'connect');
      return socket;
    });
    opened.push(() => agents.close());
    assert.equal(await ask(agents, direct('10.0.0.1')), 'a');
    strays[0]?.();
    await origin.idle();
    assert.equal(await ask(agents, direct('10.0.0.1')), 'a');
    assert.equal(origin.accepted(), 2);
  });

  it('is no longer the agent’s once it speaks something else, and may then be half open', async () => {
    const origin = await startTcpOrigin((socket) => {
      socket.once('data', () => {
        socket.end('HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nbye');
      });
    });
    opened.push(origin.close);
    const agents = createGatewayAgents(false, async () => {
      const socket = net.connect({ port: origin.port, host: '127.0.0.1', allowHalfOpen: true });
      await once(socket, 'connect');
      return socket;
    });
    const request = send(agents, direct('10.0.0.1'), {
      headers: { connection: 'Upgrade', upgrade: 'x' },
    });
    const [, socket, head] = (await once(request, 'upgrade')) as [unknown, Socket, Buffer];
    agents.close();
    if (!socket.readableEnded) await once(socket.resume(), 'end');
    await new Promise(setImmediate);
    assert.deepEqual([String(head), socket.destroyed, socket.writable], ['bye', false, true]);
    socket.destroy();
  });
});

describe('renew', () => {
  it('gives a new agent in the place of the old, whose kept connections are closed', async () => {
    const { agents, sockets } = await start((_request, response) => response.end('a'));
    const permit = direct('10.0.0.1');
    await ask(agents, permit);
    const before = agents.agentFor(permit);
    const renewed = agents.renew(permit);
    assert.deepEqual(
      [renewed === before, agents.agentFor(permit) === renewed, sockets[0]?.destroyed],
      [false, true, true],
    );
    await ask(agents, permit);
    assert.equal(sockets.length, 2);
  });
});

describe('close', () => {
  it('closes what is idle and lets a request under way end', async () => {
    const release = Promise.withResolvers<void>();
    const { agents, sockets } = await start((request, response) => {
      if (request.url === '/slow') void release.promise.then(() => response.end('slow'));
      else response.end('a');
    });
    const permit = direct('10.0.0.1');
    const slow = send(agents, permit, { path: '/slow' });
    await once(slow, 'socket');
    await ask(agents, permit);
    agents.close();
    assert.deepEqual(
      sockets.map(({ destroyed }) => destroyed),
      [false, true],
    );
    release.resolve();
    const [response] = (await once(slow, 'response')) as [http.IncomingMessage];
    let body = '';
    for await (const chunk of response) body += String(chunk);
    assert.equal(body, 'slow');
  });
});

describe('a dial that fails', () => {
  it('fails its request with the same error', async () => {
    const error = new Error('refused in the test');
    const agents = createGatewayAgents(false, () => Promise.reject(error));
    const [seen] = (await once(send(agents, direct('10.0.0.1')), 'error')) as [Error];
    assert.equal(seen, error);
  });

  it('is given the permit and the signal of its request', async () => {
    const given: unknown[] = [];
    const agents = createGatewayAgents(false, (permit, signal) => {
      given.push(permit, signal);
      return Promise.reject(new Error('enough'));
    });
    const permit = direct('10.0.0.1');
    const { signal } = new AbortController();
    const options: object = { pinned: { permit, signal } };
    const request = http.request({ agent: agents.agentFor(permit), host: 'api.test', ...options });
    await once(request, 'error');
    assert.deepEqual([given[0] === permit, given[1] === signal, given.length], [true, true, 2]);
  });
});
