// One connection to the D-Bus session bus, in our words; the only file that knows the package that speaks it.
// It never reconnects by itself: ids and owners of an old connection mean nothing on a new one.
import { createClient, Variant, type Message, type MessageBus } from 'dbus-native';

/** A value together with its D-Bus type, where the message leaves the type open. */
export type BusVariant = Variant;

/** Wraps a value for a place that takes any type, such as the values of `a{sv}`. */
export function variant(signature: string, value: unknown): BusVariant {
  return new Variant(signature, value);
}

/** A call of another program's method. */
export interface BusCall {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  /** Of the body; absent for none. */
  readonly signature?: string;
  readonly body?: readonly unknown[];
}

/** A signal as it arrived. `sender` is the unique name of the connection that sent it, set by the bus. */
export interface BusSignal {
  readonly sender: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly body: readonly unknown[];
}

/** A method that others may call. */
export interface ServedMethod {
  readonly takes: string;
  readonly gives: string;
  /** Gives one value for each type of `gives`. What it throws is told the caller as a plain failure. */
  readonly answer: (args: readonly unknown[], sender: string) => readonly unknown[];
}

/** An interface at a path; properties can only be read. */
export interface ServedInterface {
  readonly path: string;
  readonly name: string;
  readonly methods: Readonly<Record<string, ServedMethod>>;
  readonly properties: Readonly<
    Record<string, { readonly type: string; readonly read: () => unknown }>
  >;
  /** Signature of each signal. */
  readonly signals: Readonly<Record<string, string>>;
}

/** The connection. Calls reject with an Error once it is closed, or when the other side says no. */
export interface SessionBus {
  /** Our own unique name. */
  readonly name: string;
  readonly call: (call: BusCall) => Promise<readonly unknown[]>;
  /** Asks the bus for the signals that fit this match rule. */
  readonly match: (rule: string) => Promise<void>;
  /** Gets every signal that arrives, whatever rule it came by; must not throw. */
  readonly onSignal: (listener: (signal: BusSignal) => void) => void;
  readonly serve: (served: ServedInterface) => void;
  readonly emit: (
    path: string,
    iface: string,
    member: string,
    signature: string,
    body: readonly unknown[],
  ) => void;
  /** True when the name is ours now. */
  readonly ownName: (name: string) => Promise<boolean>;
  /** The unique name behind a name; null when nobody owns it. */
  readonly ownerOf: (name: string) => Promise<string | null>;
  readonly listNames: () => Promise<readonly string[]>;
  /** Resolves when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>;
  readonly close: () => Promise<void>;
}

const callLimitMs = 10_000;
const openLimitMs = 5000;
/** Nothing that we read from the bus is long. */
const messageLimitBytes = 1024 * 1024;
const methodCallType = 1;
const signalType = 4;
const doNotQueue = 4;
const primaryOwner = 1;
const alreadyOwner = 4;

/** Connects and says hello; rejects with an Error that says why not, within 5 s. */
export async function openBus(address: string): Promise<SessionBus> {
  const client = createClient({
    busAddress: address,
    // The bus asks the kernel who we are; no other way in is good enough for answers.
    authMethods: ['EXTERNAL'],
    timeout: callLimitMs,
    maxMessageSize: messageLimitBytes,
  });
  const { connection } = client;
  const gone = Promise.withResolvers<void>();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined); // only waited for until the connection stands
  let isOpen = true;
  connection.on('error', (error: Error) => {
    failed.reject(error);
    connection.stream.destroy();
  });
  // A message that the package cannot serve (a property called as a method) must not end this process.
  connection.on('handlerError', () => undefined);
  connection.on('end', () => {
    connection.stream.destroy();
  });
  connection.on('close', () => {
    isOpen = false;
    failed.reject(new Error('the bus closed the connection'));
    gone.resolve();
  });
  const limit = setTimeout(() => {
    failed.reject(new Error(`the bus did not answer within ${openLimitMs} ms`));
  }, openLimitMs);
  try {
    // Hello goes out first, so the answer to this one means that we have a name.
    await Promise.race([client.invokeDbus({ member: 'GetId' }), failed.promise]);
  } catch (error) {
    connection.stream.destroy();
    throw error;
  } finally {
    clearTimeout(limit);
  }
  return wrap(client, gone.promise, () => isOpen);
}

function wrap(client: MessageBus, closed: Promise<void>, isOpen: () => boolean): SessionBus {
  const { connection } = client;
  const invoke = async (message: Message): Promise<readonly unknown[]> => {
    const { promise, resolve, reject } = Promise.withResolvers<readonly unknown[]>();
    client.invoke(message, (error: Error | null, ...values: unknown[]) => {
      if (error === null) resolve(values);
      else reject(error);
    });
    return await promise;
  };
  const ask = async (member: string, signature: string, body: unknown[]) =>
    await invoke({ ...busObject, member, ...(signature === '' ? {} : { signature, body }) });
  return {
    name: client.name ?? '',
    call: async ({ body, ...call }) =>
      await invoke(body === undefined ? call : { ...call, body: [...body] }),
    match: async (rule) => {
      await ask('AddMatch', 's', [rule]);
    },
    onSignal: (listener) => {
      connection.on('message', (message: Message) => {
        if (message.type === signalType) listener(readSignal(message));
      });
    },
    serve: (served) => {
      serve(client, served);
    },
    emit: (path, iface, member, signature, body) => {
      if (isOpen()) client.sendSignal(path, iface, member, signature, [...body]);
    },
    ownName: async (name) => {
      const [result] = await ask('RequestName', 'su', [name, doNotQueue]);
      return result === primaryOwner || result === alreadyOwner;
    },
    ownerOf: async (name) => {
      const [owned] = await ask('NameHasOwner', 's', [name]);
      if (owned !== true) return null;
      const [owner] = await ask('GetNameOwner', 's', [name]);
      return typeof owner === 'string' ? owner : null;
    },
    listNames: async () => {
      const [names] = await ask('ListNames', '', []);
      return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [];
    },
    closed,
    close: async () => {
      if (isOpen()) await client.close();
    },
  };
}

const busObject = {
  destination: 'org.freedesktop.DBus',
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus',
} as const;

function readSignal(message: Message): BusSignal {
  return {
    sender: message.sender ?? '',
    path: message.path ?? '',
    interface: message.interface ?? '',
    member: message.member ?? '',
    body: message.body ?? [],
  };
}

function serve(
  client: MessageBus,
  { path, name, methods, properties, signals }: ServedInterface,
): void {
  // No prototype: a member is looked up here under a name that a stranger chose.
  const handlers = Object.create(null) as Record<string, unknown>;
  for (const [member, method] of Object.entries(methods)) {
    handlers[member] = (...args: unknown[]): unknown => answerCall(method, args);
  }
  for (const [property, { read }] of Object.entries(properties)) {
    Object.defineProperty(handlers, property, { get: read, enumerable: true });
  }
  client.exportInterface(handlers, path, {
    name,
    methods: mapValues(methods, ({ takes, gives }) => [takes, gives, argumentNames, argumentNames]),
    properties: mapValues(properties, ({ type }) => ({ type, access: 'read' as const })),
    signals: mapValues(signals, (signature) => [signature, ...argumentNames]),
  });
}

/** The package adds the message itself behind the arguments. */
function answerCall(method: ServedMethod, args: readonly unknown[]): unknown {
  const message = args.at(-1) as Message; // as the package documents
  if (message.type !== methodCallType || (message.signature ?? '') !== method.takes) {
    throw new Error(`takes "${method.takes}"`);
  }
  const values = method.answer(args.slice(0, -1), message.sender ?? '');
  if (values.length === 0) return null;
  return values.length === 1 ? values[0] : values;
}

/** Only for introspection, which names the first so many of them. */
const argumentNames = ['first', 'second', 'third', 'fourth', 'fifth'];

function mapValues<T, U>(
  record: Readonly<Record<string, T>>,
  change: (value: T) => U,
): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
