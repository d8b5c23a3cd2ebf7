import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { callerOf } from '../../../src/control/caller.ts';
import type { CallerSocket } from '../../../src/control/caller.ts';
import type { ControlListener } from '../../../src/control/route.ts';

const open: CallerSocket = {
  remoteAddress: '127.0.0.1',
  remotePort: 50_000,
  localPort: 4131,
  destroyed: false,
  readableEnded: false,
};
const client = { address: '127.0.0.1', port: 50_000, localPort: 4131 };
const noPeer = { ...open, remoteAddress: undefined, remotePort: undefined };

describe('callerOf', () => {
  const cases: readonly {
    readonly name: string;
    readonly listener?: ControlListener;
    readonly socket: CallerSocket;
    readonly pid?: number;
    readonly want: readonly [client: unknown, pid: number | undefined, isConnected: boolean];
  }[] = [
    { name: 'names the end of a TCP connection', socket: open, want: [client, undefined, true] },
    {
      name: 'takes one that was reset, which Node has not noticed, for gone',
      socket: noPeer,
      want: [undefined, undefined, false],
    },
    {
      name: 'takes one that was destroyed for gone',
      socket: { ...open, destroyed: true },
      want: [client, undefined, false],
    },
    {
      name: 'takes one that has sent its end for gone',
      socket: { ...open, readableEnded: true },
      want: [client, undefined, false],
    },
    {
      name: 'names the process on the socket',
      listener: 'socket',
      socket: noPeer,
      pid: 7,
      want: [undefined, 7, true],
    },
    {
      name: 'takes a process on the socket that nobody can name for connected',
      listener: 'socket',
      socket: noPeer,
      want: [undefined, undefined, true],
    },
  ];
  for (const { name, listener = 'tcp', socket, pid, want } of cases) {
    it(name, () => {
      const caller = callerOf(listener, socket, () => pid);
      assert.deepEqual([caller.client, caller.pid, caller.isConnected?.()], want);
    });
  }
});
