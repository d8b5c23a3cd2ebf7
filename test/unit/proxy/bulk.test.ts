// 256 MiB each way through CONNECT and plain HTTP, compared by hash, with the growth of memory held down.
// The door runs in a process of its own, so that its memory is all that is measured.
import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import type net from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  expectedHash,
  hashOf,
  startBulkOrigin,
  startTcpOrigin,
  writeMebibytes,
  type Origin,
} from '../../support/origin.ts';

const mebibytes = 256;
const growthLimit = 64 * 1024 * 1024;

interface DoorReport {
  readonly port: number;
  /** Bytes. */
  readonly rss: number;
}

let child: ChildProcess;
let port = 0;

async function ask(): Promise<DoorReport> {
  const answered = once(child, 'message') as Promise<[DoorReport]>;
  child.send('report');
  return (await answered)[0];
}

/** Runs a transfer once to warm up and once to measure. */
async function holdsMemory(transfer: (count: number) => Promise<string>): Promise<void> {
  assert.equal(await transfer(16), expectedHash(16));
  const atFirst = (await ask()).rss;
  assert.equal(await transfer(mebibytes), expectedHash(mebibytes));
  const grown = (await ask()).rss - atFirst;
  assert.ok(grown < growthLimit, `grown by ${Math.round(grown / 1024 / 1024)} MiB`);
}

async function openTunnel(origin: Origin): Promise<net.Socket> {
  const request = http.request({
    port,
    method: 'CONNECT',
    path: `a.test:${origin.port}`,
    headers: { host: 'a.test' },
  });
  request.end();
  const [, socket, head] = (await once(request, 'connect')) as [unknown, net.Socket, Buffer];
  if (head.length > 0) socket.unshift(head); // the origin speaks first
  return socket;
}

describe('256 MiB through the door', () => {
  let bulk: Origin;

  before(async () => {
    bulk = await startBulkOrigin();
    child = fork(join(import.meta.dirname, '../../support/door-process.ts'));
    await once(child, 'message');
    port = (await ask()).port;
  });
  after(async () => {
    child.disconnect();
    await once(child, 'exit');
    await bulk.close();
  });

  it('go down a tunnel whole, in little memory', async () => {
    await holdsMemory(async (count) => {
      const origin = await startTcpOrigin((socket) => {
        void writeMebibytes(socket, count).then(() => socket.end()); // a cut shows in the hash
      });
      const sum = await hashOf(await openTunnel(origin));
      await origin.close();
      return sum;
    });
  });

  it('go up a tunnel whole, in little memory', async () => {
    await holdsMemory(async (count) => {
      const sum = Promise.withResolvers<string>();
      const origin = await startTcpOrigin((socket) => {
        hashOf(socket).then(sum.resolve, sum.reject);
      });
      const socket = await openTunnel(origin);
      await writeMebibytes(socket, count);
      socket.end();
      const got = await sum.promise;
      await origin.close();
      return got;
    });
  });

  it('come down a plain request whole, in little memory', async () => {
    await holdsMemory(async (count) => {
      const host = `127.0.0.1:${bulk.port}`;
      const request = http.get({
        port,
        path: `http://${host}/${count}`,
        headers: { host },
        agent: false,
      });
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      return hashOf(response);
    });
  });

  it('go up a plain request whole, in little memory', async () => {
    await holdsMemory(async (count) => {
      const host = `127.0.0.1:${bulk.port}`;
      const options = {
        port,
        method: 'POST',
        path: `http://${host}/`,
        headers: { host },
        agent: false,
      };
      const request = http.request(options);
      const answered = once(request, 'response') as Promise<[http.IncomingMessage]>;
      await writeMebibytes(request, count);
      request.end();
      const [response] = await answered;
      return Buffer.concat(await response.toArray()).toString();
    });
  });
});
