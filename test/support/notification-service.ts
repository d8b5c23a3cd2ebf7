// A notification service that a test plays: it records what is posted and clicks when told.
import { once, EventEmitter } from 'node:events';
import type { SessionBus } from '../../src/tray/bus.ts';

const name = 'org.freedesktop.Notifications';
const path = '/org/freedesktop/Notifications';

/** One call of Notify. */
export interface Posted {
  readonly id: number;
  readonly replaces: number;
  readonly title: string;
  readonly body: string;
  /** Label to key, in the order given. */
  readonly buttons: ReadonlyMap<string, string>;
  readonly hints: unknown;
  readonly timeoutMs: number;
}

/** The service on its connection. */
export interface NotificationService {
  readonly bus: SessionBus;
  readonly posts: readonly Posted[];
  readonly closed: readonly number[];
  /** The next call of Notify or CloseNotification that has not been waited for. */
  readonly next: () => Promise<void>;
  readonly last: () => Posted;
  readonly click: (id: number, key: string) => void;
  /** 2: by the user, 3: by a call. */
  readonly dismiss: (id: number, reason?: number) => void;
}

/** Takes the name and serves; `firstId` is where its ids begin. */
export async function serveNotifications(
  bus: SessionBus,
  firstId = 1,
): Promise<NotificationService> {
  const posts: Posted[] = [];
  const closed: number[] = [];
  const events = new EventEmitter();
  let seen = 0;
  let happened = 0;
  let nextId = firstId;
  const tell = (): void => {
    happened += 1;
    events.emit('call');
  };
  const notify = (args: readonly unknown[]): readonly unknown[] => {
    const [, replaces, , title, body, actions, hints, timeoutMs] = args as [
      string,
      number,
      string,
      string,
      string,
      string[],
      unknown,
      number,
    ]; // as its signature says
    const id = replaces === 0 ? nextId++ : replaces;
    const buttons = new Map<string, string>();
    for (let index = 0; index < actions.length; index += 2) {
      buttons.set(actions[index + 1] ?? '', actions[index] ?? '');
    }
    posts.push({ id, replaces, title, body, buttons, hints, timeoutMs });
    tell();
    return [id];
  };
  bus.serve({
    path,
    name,
    methods: {
      Notify: { takes: 'susssasa{sv}i', gives: 'u', answer: notify },
      CloseNotification: {
        takes: 'u',
        gives: '',
        answer: ([id]) => {
          closed.push(Number(id));
          tell();
          return [];
        },
      },
    },
    properties: {},
    signals: { ActionInvoked: 'us', NotificationClosed: 'uu' },
  });
  await bus.ownName(name);
  return {
    bus,
    posts,
    closed,
    next: async () => {
      if (seen === happened) await once(events, 'call');
      seen += 1;
    },
    last: () => {
      const post = posts.at(-1);
      if (post === undefined) throw new Error('nothing was posted');
      return post;
    },
    click: (id, key) => {
      bus.emit(path, name, 'ActionInvoked', 'us', [id, key]);
    },
    dismiss: (id, reason = 2) => {
      bus.emit(path, name, 'NotificationClosed', 'uu', [id, reason]);
    },
  };
}
