// A desktop and a daemon that a test plays, for the tray between them.
import { setTimeout as delay } from 'node:timers/promises';
import type { LiveEvent, LiveView } from '../../src/control/messages.ts';
import type { DesktopEvents, OpenDesktop, TrayAction, TrayModel } from '../../src/tray/adapter.ts';
import type { TrayClient } from '../../src/tray/tray.ts';
import { makeAnswer, makeGate } from './views.ts';

/** What a tray shows, and a hand to click with. */
export interface FakeDesktop {
  readonly open: OpenDesktop;
  readonly models: readonly TrayModel[];
  readonly last: () => TrayModel;
  readonly click: (action: TrayAction) => void;
  readonly events: () => DesktopEvents;
  readonly isClosed: () => boolean;
  /** The first model that fits, now or later; fails after 5 s. */
  readonly until: (fits: (model: TrayModel) => boolean) => Promise<TrayModel>;
}

/** A desktop that keeps every model. */
export function createFakeDesktop(): FakeDesktop {
  const models: TrayModel[] = [];
  let events: DesktopEvents | undefined;
  let isClosed = false;
  const opened = (): DesktopEvents => {
    if (events === undefined) throw new Error('no tray has opened the desktop');
    return events;
  };
  const last = (): TrayModel => {
    const model = models.at(-1);
    if (model === undefined) throw new Error('nothing was shown');
    return model;
  };
  return {
    models,
    last,
    events: opened,
    open: (given) => {
      events = given;
      return {
        show: (model) => models.push(model),
        close: () => {
          isClosed = true;
          return Promise.resolve();
        },
      };
    },
    click: (action) => {
      opened().onAction(action);
    },
    isClosed: () => isClosed,
    until: async (fits) =>
      await soon('a model that fits', () =>
        models.length > 0 && fits(last()) ? last() : undefined,
      ),
  };
}

/** Looks until there is something; in-process, so that it takes a few turns of the loop. */
export async function soon<T>(what: string, look: () => T | undefined): Promise<T> {
  for (let turn = 0; turn < 1000; turn += 1) {
    const found = look();
    if (found !== undefined) return found;
    await delay(5);
  }
  throw new Error(`never came: ${what}`);
}

/** A daemon's control API that remembers what it was asked. */
export interface FakeDaemon {
  readonly client: TrayClient;
  readonly calls: readonly (readonly unknown[])[];
  /** Sends an event to the stream that is open, or to the next one. */
  readonly send: (event: LiveEvent) => void;
  readonly snapshot: (view: LiveView) => void;
  /** Ends the stream as a daemon that stops does. */
  readonly hangUp: (error?: Error) => void;
  /** What the next calls of this function do instead of succeeding. */
  readonly fail: (name: string, error: Error) => void;
}

/** A daemon that says yes to everything unless told otherwise. */
export function createFakeDaemon(): FakeDaemon {
  const calls: (readonly unknown[])[] = [];
  const failures = new Map<string, Error>();
  const queue: (LiveEvent | Error)[] = [];
  let wake: () => void = () => undefined;
  let nextId = 1;
  const put = (one: LiveEvent | Error): void => {
    queue.push(one);
    wake();
  };
  const done =
    <T>(name: string, value: T) =>
    async (...args: readonly unknown[]): Promise<T> => {
      calls.push([name, ...args]);
      const failure = failures.get(name);
      await Promise.resolve();
      if (failure !== undefined) throw failure;
      return value;
    };
  async function* watch(signal: AbortSignal): AsyncIterable<LiveEvent> {
    calls.push(['watch']);
    for (;;) {
      const one = queue.shift();
      if (one instanceof Error) throw one;
      if (one !== undefined) {
        yield one;
        continue;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      signal.addEventListener('abort', wake, { once: true });
      if (!signal.aborted && queue.length === 0) await promise;
      signal.removeEventListener('abort', wake);
      if (signal.aborted) return;
    }
  }
  const gate = { gate: makeGate(), closed: 0 };
  const change = { id: 'c1', at: '', state: 'undone', lines: [], version: 'v2' } as const;
  return {
    calls,
    client: {
      watch,
      answer: done('answer', { id: 'k3', outcome: 'allow', released: 1, grant: null } as const),
      undo: done('undo', { answer: makeAnswer(), closed: 0 }),
      pause: done('pause', gate),
      resume: done('resume', gate),
      panic: done('panic', gate),
      lift: done('lift', gate),
      change: done('change', { change }),
      pageCode: done('pageCode', { url: 'http://127.0.0.1:4131/#code=abc', expires: '' }),
      reportTray: done('reportTray', { ok: true } as const),
    },
    send: put,
    snapshot: (view) => {
      put({ type: 'snapshot', id: (nextId += 1), view });
    },
    hangUp: (error = new Error('the daemon broke off')) => {
      put(error);
    },
    fail: (name, error) => failures.set(name, error),
  };
}
