import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { describe, it } from 'node:test';
import { findPortOwner } from '../../../src/proxy/port-owner.ts';

async function listenOnAny(host: string): Promise<[net.Server, number]> {
  const server = net.createServer();
  server.listen(0, host);
  await once(server, 'listening');
  return [server, (server.address() as net.AddressInfo).port];
}

describe('findPortOwner', () => {
  it('names program and pid of a listener where the system tells', async () => {
    const [server, port] = await listenOnAny('127.0.0.1');
    const owner = await findPortOwner(port);
    if (process.platform === 'linux') {
      assert.match(owner ?? '', new RegExp(`^".+" \\(pid ${process.pid}\\)$`));
    } else {
      assert.equal(owner, undefined);
    }
    server.close();
  });

  it('names nobody for a port that nobody listens on', async () => {
    const [server, port] = await listenOnAny('127.0.0.1');
    server.close();
    await once(server, 'close');
    assert.equal(await findPortOwner(port), undefined);
  });
});
