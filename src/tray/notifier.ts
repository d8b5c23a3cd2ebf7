// The one live notification on a Linux desktop (org.freedesktop.Notifications 1.2). Any program on the session bus can
// send what looks like a click, so one counts only when it comes from the present owner of the notification
// service, names an id that this run posted, and carries the secret of the last post.
import { randomBytes } from 'node:crypto';
import type { DesktopEvents, NotificationModel, TrayAction } from './adapter.ts';
import { variant, type BusSignal, type SessionBus } from './bus.ts';
import { createDeadTime } from './dead-time.ts';
import { escapeMarkup } from './markup.ts';

/** Shows one notification, or none. */
export interface Notifier {
  /** Shows this instead of what was shown before; the latest wins. Never throws. */
  readonly show: (model: NotificationModel | null) => void;
  /** Takes the notification away; within a second, and never rejects. */
  readonly close: () => Promise<void>;
}

/** What it works with. */
export interface NotifierParts extends Omit<DesktopEvents, 'onTaken'> {
  readonly bus: SessionBus;
  /** A clock that never goes back, in milliseconds. */
  readonly nowMs: () => number;
}

const service = 'org.freedesktop.Notifications';
const target = { destination: service, path: '/org/freedesktop/Notifications', interface: service };
const retryMs = 30_000;
const closeLimitMs = 1000;
/** The key that the specification gives to a click beside the buttons; it never stands for an answer. */
const clickKey = 'default';
const urgencies = { normal: 1, critical: 2 };

/** One notification as it was posted. */
interface Post {
  readonly id: number;
  readonly model: NotificationModel;
  readonly content: string;
  readonly nonce: string;
  readonly actions: readonly TrayAction[];
  /** What was last clicked on it; a click that came too early is one that did not count. */
  clicked: TrayAction | 'too early' | null;
  isOpen: boolean;
}

/** Starts listening on this connection; rejects when the bus refuses that. */
export async function openNotifier(parts: NotifierParts): Promise<Notifier> {
  const notifier = new LiveNotifier(parts);
  await notifier.listen();
  return notifier;
}

class LiveNotifier implements Notifier {
  readonly #parts: NotifierParts;
  readonly #dead: ReturnType<typeof createDeadTime>;
  #owner: string | null = null;
  /** Grows whenever the service's owner leaves, and its ids with it. */
  #era = 0;
  #wanted: NotificationModel | null = null;
  #post: Post | null = null;
  /** What has been dismissed: it comes back only together with something new. */
  #dismissed: ReadonlySet<string> = new Set();
  /** What was answered by a click: it is not posted again before it changes. */
  #answered: string | null = null;
  #isBusy = false;
  #work: Promise<void> = Promise.resolve();
  #isClosed = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(parts: NotifierParts) {
    this.#parts = parts;
    this.#dead = createDeadTime(parts.nowMs);
  }

  async listen(): Promise<void> {
    const { bus } = this.#parts;
    bus.onSignal((signal) => {
      this.#hear(signal);
    });
    await bus.match(
      `type='signal',sender='${service}',path='${target.path}',interface='${service}'`,
    );
    await bus.match(
      `type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='${service}'`,
    );
    this.#owner = await bus.ownerOf(service);
  }

  show = (model: NotificationModel | null): void => {
    this.#wanted = model;
    void this.#settle(); // tells its own failures
  };

  close = async (): Promise<void> => {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    const { promise, resolve } = Promise.withResolvers<void>();
    const limit = setTimeout(resolve, closeLimitMs);
    await Promise.race([this.#withdrawLast(), promise]);
    clearTimeout(limit);
  };

  /** What is being posted right now gets its id first: without one it could not be taken away. */
  async #withdrawLast(): Promise<void> {
    await this.#work;
    if (this.#post?.isOpen === true) await this.#withdraw(this.#post);
  }

  /** Works until the screen shows what is wanted; one at a time, so that posts cannot overtake each other. */
  async #settle(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#work = promise;
    try {
      while (!this.#isClosed && (await this.#step()));
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isBusy = false;
      resolve();
    }
  }

  /** Does one thing towards what is wanted; false when there is nothing to do. */
  async #step(): Promise<boolean> {
    const model = this.#wanted;
    const post = this.#post?.isOpen === true ? this.#post : null;
    if (model === null || this.#isDismissed(model)) {
      if (post === null) return false;
      await this.#withdraw(post);
      return true;
    }
    const content = JSON.stringify(model);
    if (content === (post?.content ?? this.#answered)) return false;
    await this.#notify(model, content, post?.id ?? 0);
    return true;
  }

  #isDismissed({ about }: NotificationModel): boolean {
    return about.every((id) => this.#dismissed.has(id));
  }

  async #notify(model: NotificationModel, content: string, replaces: number): Promise<void> {
    const era = this.#era;
    const nonce = randomBytes(16).toString('hex');
    const { actions, pairs } = layOutActions(model, nonce);
    const [id] = await this.#parts.bus.call({
      ...target,
      member: 'Notify',
      signature: 'susssasa{sv}i',
      body: ['sallyport', replaces, '', model.title, bodyOf(model), pairs, hintsOf(model), 0],
    });
    if (era !== this.#era) return; // the id died with the service that gave it
    if (typeof id !== 'number') throw new Error('the notification service gave no id');
    this.#post = { id, model, content, nonce, actions, clicked: null, isOpen: true };
    this.#answered = null;
    this.#dismissed = new Set();
    this.#dead.show(actions);
    this.#owner ??= await this.#parts.bus.ownerOf(service);
    this.#parts.onProblem(null);
  }

  async #withdraw(post: Post): Promise<void> {
    post.isOpen = false;
    this.#dead.show([]);
    const call = { ...target, member: 'CloseNotification', signature: 'u', body: [post.id] };
    await this.#parts.bus.call(call).catch(() => undefined); // already gone is as good
  }

  #fail(error: unknown): void {
    if (this.#isClosed) return;
    const why = error instanceof Error ? error.message : String(error);
    this.#parts.onProblem(`notifications cannot be shown: ${why}`);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#settle(), retryMs).unref();
  }

  #hear({ sender, interface: iface, member, body }: BusSignal): void {
    if (this.#isClosed) return;
    if (sender === 'org.freedesktop.DBus' && member === 'NameOwnerChanged') {
      this.#changeOwner(body);
      return;
    }
    // A match rule does not stop what is sent to us alone, so the sender is compared here as well.
    if (iface !== service || sender !== this.#owner) return;
    const [id, detail] = body;
    if (this.#post === null || id !== this.#post.id) return;
    if (member === 'ActionInvoked' && typeof detail === 'string') this.#click(this.#post, detail);
    if (member === 'NotificationClosed') this.#closedByOther(this.#post);
  }

  #changeOwner([name, old, fresh]: readonly unknown[]): void {
    if (name !== service) return;
    this.#owner = typeof fresh === 'string' && fresh !== '' ? fresh : null;
    if (old !== '') {
      this.#era += 1;
      this.#post = null;
      this.#dead.show([]);
    }
    if (this.#owner !== null) void this.#settle(); // tells its own failures
  }

  #click(post: Post, key: string): void {
    const action = key === clickKey ? post.model.click : actionOf(post, key);
    if (action === undefined) return;
    if (!this.#dead.isLive(action)) {
      post.clicked = 'too early';
      return;
    }
    post.clicked = action;
    if (action.kind === 'answer') this.#answered = post.content;
    this.#parts.onAction(action);
  }

  /** Most services close a notification once it was clicked; only closing it unclicked dismisses it. */
  #closedByOther(post: Post): void {
    if (!post.isOpen) return;
    post.isOpen = false;
    if (post.clicked === 'too early') {
      void this.#settle(); // it was not meant: show it again
      return;
    }
    if (post.clicked?.kind !== 'answer') this.#dismissed = new Set(post.model.about);
  }
}

/** The flat list of keys and labels. What a click beside the buttons does gets no second button. */
function layOutActions(
  { buttons, click }: NotificationModel,
  nonce: string,
): { readonly actions: readonly TrayAction[]; readonly pairs: readonly string[] } {
  const isClick = (action: TrayAction): boolean => JSON.stringify(action) === JSON.stringify(click);
  const own = buttons.filter(({ action }) => !isClick(action));
  const clickLabel = buttons.find(({ action }) => isClick(action))?.label ?? 'Open';
  return {
    actions: [...own.map(({ action }) => action), click],
    pairs: [
      ...own.flatMap(({ label }, index) => [`${index}.${nonce}`, label]),
      clickKey,
      clickLabel,
    ],
  };
}

function actionOf({ nonce, actions }: Post, key: string): TrayAction | undefined {
  return actions.slice(0, -1).find((_, index) => key === `${index}.${nonce}`);
}

function bodyOf({ lines }: NotificationModel): string {
  return lines.map(escapeMarkup).join('\n');
}

function hintsOf({ urgent }: NotificationModel): Readonly<Record<string, unknown>> {
  return {
    urgency: variant('y', urgent ? urgencies.critical : urgencies.normal),
    'desktop-entry': variant('s', 'sallyport-tray'),
  };
}
