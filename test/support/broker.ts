// A message bus inside the test's process, and plain connections to it for playing other programs.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createBroker, createClient } from 'dbus-native';
import { openBus, type SessionBus } from '../../src/tray/bus.ts';

/** A signal as a forger writes it. */
export interface ForgedSignal {
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature: string;
  readonly body: readonly unknown[];
}

/** A running bus. */
export interface TestBus {
  readonly address: string;
  /** Another program's connection; closed after the test. */
  readonly connect: () => Promise<SessionBus>;
  /** Sends a signal to one connection alone, which no match rule of its own can stop. */
  readonly sendTo: (to: SessionBus, signal: ForgedSignal) => Promise<void>;
  /** Ends the bus under everybody. */
  readonly stop: () => void;
}

/** Starts a bus on a socket of its own and ends it after the test. */
export async function startBroker(context: TestContext): Promise<TestBus> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bus-'));
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const broker = createBroker();
  broker.listen({ socket: join(folder, 'bus') }, (error, address) => {
    if (error === null) resolve(address);
    else reject(error);
  });
  const address = await promise;
  const connections: SessionBus[] = [];
  context.after(async () => {
    await Promise.all(connections.map((connection) => connection.close()));
    broker.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    address,
    connect: async () => {
      const connection = await openBus(address);
      connections.push(connection);
      return connection;
    },
    sendTo: async (to, { body, ...signal }) => {
      const forger = createClient({ busAddress: address });
      await forger.invokeDbus({ member: 'GetId' });
      forger.connection.message({
        ...signal,
        body: [...body],
        type: 4,
        serial: 99,
        destination: to.name,
      });
      await forger.invokeDbus({ member: 'GetId' }); // it has left
      await to.listNames(); // and has arrived
      await forger.close();
    },
    stop: () => {
      broker.close();
    },
  };
}
