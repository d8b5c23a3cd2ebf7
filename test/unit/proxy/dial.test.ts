import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { after, before, describe, it } from 'node:test';
import { SallyportError } from '../../../src/errors.ts';
import type { Parent, Permit, Route } from '../../../src/policy/decision.ts';
import { createDialer, goesAbsolute, parentAuthorization } from '../../../src/proxy/dial.ts';
import {
  type ParentOptions,
  type ParentProxy,
  startHttpParent,
  startSocksParent,
} from '../../support/parent-proxy.ts';
import { createPermit, createRequest } from '../../support/permit.ts';
import { type Authority, createAuthority } from '../../support/tls.ts';

const signal = new AbortController().signal;

/** An origin that greets before it is spoken to, then echoes. */
async function startGreeter(greeting = 'hello '): Promise<net.Server> {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    if (greeting !== '') socket.write(greeting);
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function portOf(server: net.Server): number {
  return (server.address() as AddressInfo).port;
}

/** A port of loopback where nothing listens. */
async function closedPort(): Promise<number> {
  const server = await startGreeter();
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  return port;
}

/** Everything the socket says until it ends, after `send` and our FIN. */
async function talk(socket: net.Socket, send: string): Promise<string> {
  const chunks: Buffer[] = [];
  socket.end(send);
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function code(wanted: string, text: RegExp = /./): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof SallyportError, String(error));
    assert.equal(error.code, wanted);
    assert.match(error.message, text);
    return true;
  };
}

function directTo(port: number, addresses: readonly string[] = ['127.0.0.1']): Permit {
  return createPermit(createRequest({ port }), { via: 'direct', addresses });
}

function through(parent: Partial<Parent>, port: number): Permit {
  const route: Route = {
    via: 'parent',
    parent: { protocol: 'http', host: '127.0.0.1', port: 1, credentials: undefined, ...parent },
  };
  return createPermit(createRequest({ port }), route);
}

describe('dial, directly', () => {
  let origin: net.Server;
  before(async () => {
    origin = await startGreeter();
  });
  after(() => origin.close());

  it('connects to a permitted address and keeps what the far side said first', async () => {
    const socket = await createDialer().dial(directTo(portOf(origin)), signal);
    assert.deepEqual(
      { flowing: socket.readableFlowing, halfOpen: socket.allowHalfOpen },
      { flowing: null, halfOpen: true },
    );
    await new Promise(setImmediate);
    assert.equal(await talk(socket, 'there'), 'hello there');
  });

  it('goes on to the next address when one refuses', async () => {
    const permit = directTo(portOf(origin), ['127.0.0.9', '::1', '127.0.0.1']);
    const socket = await createDialer({ staggerMs: 60_000 }).dial(permit, signal);
    assert.equal(socket.remoteAddress, '127.0.0.1');
    socket.destroy();
  });

  it('says that every address refused', async () => {
    const port = await closedPort();
    await assert.rejects(
      createDialer().dial(directTo(port, ['127.0.0.1', '127.0.0.2']), signal),
      code('ERR_UPSTREAM_REFUSED', /^origin\.test:\d+: could not connect \(ECONNREFUSED\)$/),
    );
  });

  it('never looks a name up, even when one stands among the addresses', async () => {
    await assert.rejects(
      createDialer().dial(directTo(portOf(origin), ['localhost']), signal),
      code('ERR_UPSTREAM_UNREACHABLE'),
    );
  });

  for (const [failure, wanted] of [
    ['dns_failed', 'ERR_DNS_FAILED'],
    ['dns_timeout', 'ERR_DNS_TIMEOUT'],
  ] as const) {
    it(`has nowhere to go after ${failure}`, async () => {
      const permit = createPermit(createRequest({ port: 1 }), { via: 'nowhere', failure });
      await assert.rejects(createDialer().dial(permit, signal), code(wanted, /^origin\.test: /));
    });
  }

  it('does nothing for a client that has left already', async () => {
    let connections = 0;
    origin.on('connection', () => (connections += 1));
    await assert.rejects(
      createDialer().dial(directTo(portOf(origin)), AbortSignal.abort()),
      code('ERR_CLIENT_GONE'),
    );
    assert.equal(connections, 0);
  });
});

describe('dialTls', () => {
  let authority: Authority;
  let server: tls.Server;
  let expired: tls.Server;
  before(async () => {
    authority = createAuthority();
    server = tls.createServer({ ...authority.issue(['origin.test', '127.0.0.1']) }, (socket) => {
      socket.on('error', () => undefined);
      socket.end(`sni ${String(socket.servername)}`);
    });
    expired = tls.createServer({ ...authority.issue(['origin.test'], -1) });
    for (const one of [server, expired]) {
      one.on('tlsClientError', () => undefined);
      one.listen(0, '127.0.0.1');
      await once(one, 'listening');
    }
  });
  after(() => {
    server.close();
    expired.close();
  });

  it('verifies the certificate against the extra root and sends the name', async () => {
    const dialer = createDialer({ ca: [authority.certificate] });
    const target = { servername: 'origin.test' };
    const socket = await dialer.dialTls(directTo(portOf(server)), target, signal);
    assert.equal(await talk(socket, ''), 'sni origin.test');
  });

  it('reads the roots at the first connection, or before that when told to', async (t) => {
    const read = t.mock.method(tls, 'getCACertificates');
    const dialer = createDialer({ ca: [authority.certificate] });
    assert.equal(read.mock.callCount(), 0);
    dialer.warmUp();
    assert.deepEqual(
      read.mock.calls.map((call) => call.arguments[0]),
      ['default', 'system'],
    );
    dialer.warmUp();
    const target = { servername: 'origin.test' };
    const socket = await dialer.dialTls(directTo(portOf(server)), target, signal);
    assert.equal(await talk(socket, ''), 'sni origin.test');
    assert.equal(read.mock.callCount(), 2);
  });

  it('verifies an address too, and sends no name for it', async () => {
    const dialer = createDialer({ ca: [authority.certificate] });
    const target = { servername: '127.0.0.1' };
    const socket = await dialer.dialTls(directTo(portOf(server)), target, signal);
    assert.equal(await talk(socket, ''), 'sni false');
  });

  const cases = [
    {
      name: 'a root nobody trusts',
      ca: false,
      servername: 'origin.test',
      text: /not (trusted|known)/,
    },
    { name: 'another name', ca: true, servername: 'other.test', text: /for another name/ },
    {
      name: 'an expired certificate',
      ca: true,
      servername: 'origin.test',
      old: true,
      text: /expired/,
    },
  ];
  for (const { name, ca, servername, old, text } of cases) {
    it(`refuses ${name}, whatever NODE_TLS_REJECT_UNAUTHORIZED says`, async (t) => {
      const kept = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
      t.after(() => {
        if (kept === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
        else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = kept;
      });
      const dialer = createDialer(ca ? { ca: [authority.certificate] } : {});
      const permit = directTo(portOf(old === true ? expired : server));
      await assert.rejects(
        dialer.dialTls(permit, { servername }, signal),
        code('ERR_UPSTREAM_TLS', text),
      );
    });
  }

  it('says that a plain server does not speak TLS', async () => {
    const plain = await startGreeter('220 not TLS\r\n');
    await assert.rejects(
      createDialer().dialTls(directTo(portOf(plain)), { servername: 'origin.test' }, signal),
      code('ERR_UPSTREAM_TLS', /handshake failed/),
    );
    plain.close();
  });

  it('gives up on a mute server at the deadline and leaves no socket behind', async () => {
    const mute = net.createServer();
    mute.listen(0, '127.0.0.1');
    await once(mute, 'listening');
    const accepted = once(mute, 'connection') as Promise<[net.Socket]>;
    const dialer = createDialer({ dialMs: 100 });
    await assert.rejects(
      dialer.dialTls(directTo(portOf(mute)), { servername: 'origin.test' }, signal),
      code('ERR_UPSTREAM_TIMEOUT', /no connection within 0\.1 s/),
    );
    const [socket] = await accepted;
    socket.on('error', () => undefined);
    socket.resume();
    await once(socket, 'close');
    mute.close();
  });
});

describe('dial, through a parent', () => {
  let origin: net.Server;
  let authority: Authority;
  before(async () => {
    origin = await startGreeter();
    authority = createAuthority();
  });
  after(() => origin.close());

  const kinds: readonly {
    readonly name: string;
    readonly protocol: Parent['protocol'];
    readonly asked: string;
    readonly start: (options: ParentOptions) => Promise<ParentProxy>;
  }[] = [
    { name: 'an HTTP parent', protocol: 'http', asked: 'connect', start: startHttpParent },
    {
      name: 'a TLS parent',
      protocol: 'https',
      asked: 'connect',
      start: (options) =>
        options.mute === true // below TLS it is all the same who says nothing
          ? startSocksParent(options)
          : startHttpParent({ ...options, tls: authority.issue(['127.0.0.1']) }),
    },
    { name: 'a SOCKS5 parent', protocol: 'socks5', asked: 'socks5', start: startSocksParent },
    { name: 'a SOCKS4 parent', protocol: 'socks4', asked: 'socks4', start: startSocksParent },
  ];
  for (const { name, protocol, asked, start } of kinds) {
    it(`reaches the name through ${name}, early bytes kept`, async (t) => {
      const parent = await start({ early: 'early ' });
      t.after(parent.close);
      const dialer = createDialer({ ca: [authority.certificate] });
      const port = portOf(origin);
      const socket = await dialer.dial(through({ protocol, port: parent.port }, port), signal);
      assert.equal(socket.readableFlowing, null);
      await new Promise(setImmediate);
      assert.equal(await talk(socket, 'there'), 'early hello there');
      assert.deepEqual(parent.asked, [
        { kind: asked, target: `origin.test:${port}`, credentials: undefined },
      ]);
    });

    it(`passes a refusal of ${name} on as a failure`, async (t) => {
      const refuse = { http: 403, https: 407, socks5: 2, socks4: 91 }[protocol];
      const parent = await start({ refuse });
      t.after(parent.close);
      const dialer = createDialer({ ca: [authority.certificate] });
      await assert.rejects(
        dialer.dial(through({ protocol, port: parent.port }, 443), signal),
        code('ERR_PARENT_FAILED', /CONNECT with 40[37]|NotAllowed|rejected/),
      );
    });

    it(`frees ${name} at once when the client leaves`, async (t) => {
      const parent = await start({ mute: true });
      t.after(parent.close);
      const control = new AbortController();
      const dialer = createDialer({ ca: [authority.certificate] });
      const dialled = dialer.dial(through({ protocol, port: parent.port }, 443), control.signal);
      while (parent.sockets.size === 0) await new Promise(setImmediate);
      control.abort();
      await assert.rejects(dialled, code('ERR_CLIENT_GONE'));
      const [left] = parent.sockets;
      if (left !== undefined) await once(left, 'close');
    });
  }

  it('sends user and password, by Basic and by RFC 1929', async (t) => {
    const credentials = 'us er:pä:ss';
    const dialer = createDialer();
    const parents = [await startHttpParent(), await startSocksParent({ demandsUser: true })];
    t.after(() => Promise.all(parents.map((parent) => parent.close())));
    for (const [i, protocol] of (['http', 'socks5'] as const).entries()) {
      const port = parents[i]?.port ?? 0;
      const permit = through({ protocol, port, credentials }, portOf(origin));
      (await dialer.dial(permit, signal)).destroy();
      assert.equal(parents[i]?.asked[0]?.credentials, credentials);
    }
    assert.equal(
      parentAuthorization({ protocol: 'http', host: '', port: 1, credentials }),
      'Basic dXMgZXI6cMOkOnNz',
    );
  });

  it('keeps the password out of the error of a SOCKS parent that does not take it', async (t) => {
    const parent = await startSocksParent({ refuse: 2, demandsUser: true });
    t.after(parent.close);
    const permit = through({ protocol: 'socks5', port: parent.port, credentials: 'u:secret' }, 443);
    await assert.rejects(createDialer().dial(permit, signal), (error: Error) => {
      assert.ok(!JSON.stringify([error.message, error.cause ?? null]).includes('secret'));
      assert.equal(error.cause, undefined);
      return true;
    });
  });

  it('gives a plain HTTP request the parent itself, and a gateway request a tunnel', async (t) => {
    const parent = await startHttpParent();
    t.after(parent.close);
    const route = through({ port: parent.port }, 80).route;
    const plain = createPermit(
      createRequest({ port: 80, protocol: 'http' }, { method: 'GET', form: 'request' }),
      route,
    );
    assert.ok(goesAbsolute(plain));
    const socket = await createDialer().dial(plain, signal);
    assert.equal(socket.remotePort, parent.port);
    assert.deepEqual(parent.asked, []);
    socket.destroy();
    const gateway = createPermit({ ...plain.request, listener: 'gateway' }, route);
    const upgrade = createPermit({ ...plain.request, form: 'upgrade' }, route);
    assert.deepEqual([goesAbsolute(gateway), goesAbsolute(upgrade)], [false, false]);
  });

  it('looks the name of the parent up, and no other', async (t) => {
    const parent = await startHttpParent();
    t.after(parent.close);
    const names: string[] = [];
    const dialer = createDialer({
      resolve: (name) => {
        names.push(name);
        return Promise.resolve({ kind: 'addresses', addresses: ['127.0.0.1'] });
      },
    });
    const permit = through({ host: 'parent.test', port: parent.port }, portOf(origin));
    (await dialer.dial(permit, signal)).destroy();
    assert.deepEqual(names, ['parent.test']);
  });

  it('is closed for a parent whose setting could not be read, or whose name does not resolve', async () => {
    for (const parent of [{ port: 0 }, { host: 'parent.test', port: 3128 }]) {
      await assert.rejects(
        createDialer().dial(through(parent, 443), signal),
        code('ERR_PARENT_FAILED'),
      );
    }
  });

  it('is closed for a parent that is not there, hangs up, or talks nonsense', async (t) => {
    const nonsense = await startGreeter('HTTP/1.1 2oo OK\r\n\r\n');
    const silent = net.createServer((socket) => socket.destroy());
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    t.after(() => [nonsense.close(), silent.close()]);
    const ports = [await closedPort(), portOf(nonsense), portOf(silent)];
    for (const protocol of ['http', 'https', 'socks5', 'socks4'] as const) {
      for (const port of ports) {
        await assert.rejects(
          createDialer({ dialMs: 2000 }).dial(through({ protocol, port }, 443), signal),
          code('ERR_PARENT_FAILED'),
        );
      }
    }
  });
});
