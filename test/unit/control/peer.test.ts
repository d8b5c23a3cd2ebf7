import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createPeerFinder } from '../../../src/control/peer.ts';

describe('createPeerFinder', () => {
  let folder = '';
  let server: net.Server;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sallyport-peer-'));
    server = net.createServer().listen(join(folder, 's'));
    await once(server, 'listening');
  });
  afterEach(() => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('names the process that connected', async () => {
    const peerOf = createPeerFinder();
    const accepted = once(server, 'connection');
    const curl = spawn('curl', ['-s', '--unix-socket', join(folder, 's'), 'http://localhost/']);
    const [socket] = (await accepted) as [net.Socket];
    assert.equal(peerOf(socket), curl.pid);
    socket.destroy();
    await once(curl, 'close');
  });

  it('knows this process too, and nobody once the socket is closed', async () => {
    const peerOf = createPeerFinder();
    const accepted = once(server, 'connection');
    const client = net.connect(join(folder, 's'));
    const [socket] = (await accepted) as [net.Socket];
    assert.equal(peerOf(socket), process.pid);
    client.destroy();
    socket.destroy();
    assert.equal(peerOf(socket), undefined);
  });
});
