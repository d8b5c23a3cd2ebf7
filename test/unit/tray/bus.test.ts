import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, it } from 'node:test';
import { openBus, variant, type BusSignal, type SessionBus } from '../../../src/tray/bus.ts';
import { startBroker } from '../../support/broker.ts';

const path = '/example';
const iface = 'example.Test';

function serveEcho(bus: SessionBus): void {
  bus.serve({
    path,
    name: iface,
    methods: {
      Twice: { takes: 's', gives: 'ss', answer: ([text], sender) => [text, sender] },
      Quiet: { takes: '', gives: '', answer: () => [] },
      Fail: {
        takes: '',
        gives: '',
        answer: () => {
          throw new Error('no');
        },
      },
    },
    properties: { Count: { type: 'u', read: () => 7 } },
    signals: { Changed: 's' },
  });
}

describe('a connection to the bus', () => {
  it('calls methods and serves them, and knows who called', async (context) => {
    const broker = await startBroker(context);
    const [server, client] = [await broker.connect(), await broker.connect()];
    serveEcho(server);
    assert.equal(await server.ownName('example.Test'), true);
    const call = { destination: 'example.Test', path, interface: iface };
    const answer = await client.call({ ...call, member: 'Twice', signature: 's', body: ['a'] });
    assert.deepEqual(answer, ['a', client.name]);
    assert.deepEqual(await client.call({ ...call, member: 'Quiet' }), []);
    const properties = { ...call, interface: 'org.freedesktop.DBus.Properties' };
    assert.deepEqual(
      await client.call({ ...properties, member: 'Get', signature: 'ss', body: [iface, 'Count'] }),
      [7],
    );
  });

  it('refuses what is not served and stays alive', async (context) => {
    const broker = await startBroker(context);
    const [server, client] = [await broker.connect(), await broker.connect()];
    serveEcho(server);
    const call = { destination: server.name, path, interface: iface };
    const rejected = [
      { ...call, member: 'Fail' },
      { ...call, member: 'Nothing' },
      { ...call, member: 'toString' },
      { ...call, member: 'constructor' },
      { ...call, member: 'Twice', signature: 'u', body: [1] },
      { ...call, member: 'Twice' },
      { ...call, path: '/other', member: 'Twice', signature: 's', body: ['a'] },
    ];
    for (const one of rejected) await assert.rejects(client.call(one), one.member);
    // a property called as a method has no answer at all, but must not end the process
    void client.call({ ...call, member: 'Count' }).catch(() => undefined);
    const set = { ...call, interface: 'org.freedesktop.DBus.Properties', member: 'Set' };
    await assert.rejects(
      client.call({ ...set, signature: 'ssv', body: [iface, 'Count', variant('u', 8)] }),
    );
    assert.deepEqual(await client.call({ ...call, member: 'Twice', signature: 's', body: ['b'] }), [
      'b',
      client.name,
    ]);
  });

  it('hears the signals it asked for, with their true sender', async (context) => {
    const broker = await startBroker(context);
    const [server, client] = [await broker.connect(), await broker.connect()];
    serveEcho(server);
    const heard = Promise.withResolvers<BusSignal>();
    client.onSignal((signal) => {
      if (signal.interface === iface) heard.resolve(signal);
    });
    await client.match(`type='signal',interface='${iface}'`);
    server.emit(path, iface, 'Changed', 's', ['now']);
    assert.deepEqual(await heard.promise, {
      sender: server.name,
      path,
      interface: iface,
      member: 'Changed',
      body: ['now'],
    });
  });

  it('owns a name that is free, and only that', async (context) => {
    const broker = await startBroker(context);
    const [one, other] = [await broker.connect(), await broker.connect()];
    assert.equal(await one.ownerOf('example.Name'), null);
    assert.equal(await one.ownName('example.Name'), true);
    assert.equal(await other.ownName('example.Name'), false);
    assert.equal(await other.ownerOf('example.Name'), one.name);
    assert.ok((await other.listNames()).includes('example.Name'));
  });

  it('tells when the bus goes away, and fails what is asked then', async (context) => {
    const broker = await startBroker(context);
    const client = await broker.connect();
    broker.stop();
    await client.closed;
    await assert.rejects(client.listNames());
    client.emit(path, iface, 'Changed', 's', ['into the void']);
    await client.close();
  });

  it('rejects for an address that nobody answers at', async () => {
    await assert.rejects(openBus('unix:path=/nonexistent/bus'), { code: 'ENOENT' });
    await assert.rejects(openBus('nonsense'), /unknown address type/);
  });

  it('rejects when something else than a bus answers', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-bus-'));
    const server = createServer((socket) => {
      socket.on('error', () => undefined).resume();
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    const socketPath = join(folder, 'bus');
    await new Promise<void>((resolve) => {
      server.listen(socketPath, resolve);
    });
    await assert.rejects(openBus(`unix:path=${socketPath}`));
    await new Promise((resolve) => {
      server.close(resolve);
    });
    rmSync(folder, { recursive: true });
  });
});
