// kill -9 under load: whatever reached the origin has its record in the journal.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { after, describe, it } from 'node:test';
import { eventually, readJournalFolder, removeFolder, startSallyport } from '../support/daemon.ts';

describe('kill -9', { timeout: 120_000 }, () => {
  const folders: string[] = [];
  after(() => folders.forEach(removeFolder));

  it('loses no record of a connection that reached the origin', async () => {
    // The canary writes down the token that each client sends through its tunnel, and the moment it was reached.
    const seen: string[] = [];
    let reached = 0;
    const canary = net.createServer((socket) => {
      reached += 1;
      socket.on('error', () => undefined); // the daemon dies under it
      socket.once('data', (data) => {
        seen.push(data.toString('latin1'));
        socket.end('ok');
      });
    });
    canary.listen(0, '127.0.0.1');
    await once(canary, 'listening');
    const port = (canary.address() as AddressInfo).port;
    const config = `[network]\nallowed_domains = ["canary.test", "127.0.0.1:${port}"]\n`;
    let folder: string | undefined;
    for (let round = 0; round < 3; round += 1) {
      const before = reached;
      const daemon = await startSallyport({
        config,
        hosts: { 'canary.test': '127.0.0.1' },
        ...(folder === undefined ? {} : { folder }),
      });
      if (folder === undefined) folders.push(daemon.folder);
      folder = daemon.folder;
      const load = Array.from({ length: 16 }, (_, lane) =>
        hammer(daemon.http, port, `${round}.${lane}`),
      );
      await eventually('a few hundred connections', () =>
        reached - before > 300 ? true : undefined,
      );
      daemon.process.kill('SIGKILL');
      await once(daemon.process, 'exit');
      await Promise.all(load);
    }
    canary.close();
    const records = readJournalFolder(`${folder}/state`).filter(
      ({ name, attributes }) =>
        name === 'codex.network_proxy.policy_decision' &&
        attributes['server.address'] === 'canary.test' &&
        attributes['network.policy.decision'] === 'allow',
    );
    const uids = new Set(records.map(({ uid }) => uid));
    assert.equal(uids.size, records.length, 'every record has its own uid');
    assert.ok(reached > 900);
    // Each client connection makes one record; the client's port in it names the connection.
    const recorded = new Set(records.map(({ attributes }) => `${attributes['client.address']}`));
    const missing = seen.filter((token) => !recorded.has(`127.0.0.1:${token.split(' ')[1]}`));
    assert.deepEqual(missing, []);
    assert.ok(
      records.length >= reached,
      `${reached} connections reached the canary, ${records.length} records`,
    );
  });
});

/** One client after another until the proxy is gone; each sends its own port as the token. */
async function hammer(proxyPort: number, port: number, lane: string): Promise<void> {
  for (;;) {
    const socket = net.connect(proxyPort, '127.0.0.1');
    const ended = new Promise<boolean>((resolve) => {
      socket.once('error', () => resolve(false));
      socket.once('close', () => resolve(true));
    });
    socket.once('connect', () => {
      socket.write(`CONNECT canary.test:${port} HTTP/1.1\r\nHost: canary.test:${port}\r\n\r\n`);
    });
    socket.on('data', (data: Buffer) => {
      if (data.includes('HTTP/1.1 200')) socket.write(`${lane} ${socket.localPort}`);
      else socket.end();
    });
    if (!(await ended)) return;
  }
}
