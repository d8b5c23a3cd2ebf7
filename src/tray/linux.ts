// A Linux desktop: one connection to the session bus with the notification and the tray icon on it. Whatever of
// it is missing or goes away is told in a sentence and tried again; one tray per session bus.
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { DesktopAdapter, DesktopEvents, TrayModel } from './adapter.ts';
import { openBus, type SessionBus } from './bus.ts';
import { openNotifier, type Notifier } from './notifier.ts';
import { openStatusItem, type StatusItem } from './status-item.ts';

/** Where the bus is, and how often to look for it. */
export interface LinuxOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** First pause before the bus is tried again; default 1000 ms, doubled each time up to 30 s. */
  readonly pauseMs?: number;
}

/** The name that one tray owns on each session bus. */
export const trayName = 'org.sallyport.Tray';
const longestPauseMs = 30_000;
const closeLimitMs = 2000;

/** Opens the desktop; see OpenDesktop for what it promises. */
export function openLinuxDesktop(options: LinuxOptions, events: DesktopEvents): DesktopAdapter {
  return new LinuxDesktop(options, events);
}

/** The session bus's address as the environment tells it; undefined without one. */
export function busAddress(env: LinuxOptions['env']): string | undefined {
  const told = env['DBUS_SESSION_BUS_ADDRESS'];
  if (told !== undefined && told !== '') return told;
  const folder = env['XDG_RUNTIME_DIR'];
  if (folder === undefined || !folder.startsWith('/') || !existsSync(`${folder}/bus`)) {
    return undefined;
  }
  return `unix:path=${folder}/bus`;
}

/** What stands on one connection. */
interface Standing {
  readonly bus: SessionBus;
  readonly notifier: Notifier;
  readonly item: StatusItem;
}

type Part = 'notifier' | 'item';

class LinuxDesktop implements DesktopAdapter {
  readonly #options: LinuxOptions;
  readonly #events: DesktopEvents;
  readonly #stop = new AbortController();
  readonly #stopped: Promise<unknown>;
  readonly #ended: Promise<void>;
  readonly #problems = new Map<Part | 'bus', string>();
  #told: string | null | undefined;
  #model: TrayModel | undefined;
  #standing: Standing | undefined;

  constructor(options: LinuxOptions, events: DesktopEvents) {
    this.#options = options;
    this.#events = events;
    this.#stopped = once(this.#stop.signal, 'abort');
    this.#ended = this.#live();
  }

  show = (model: TrayModel): void => {
    this.#model = model;
    this.#standing?.notifier.show(model.notification);
    this.#standing?.item.show(model);
  };

  close = async (): Promise<void> => {
    this.#stop.abort();
    const { promise, resolve } = Promise.withResolvers<void>();
    const limit = setTimeout(resolve, closeLimitMs);
    await Promise.race([this.#ended, promise]);
    clearTimeout(limit);
  };

  async #live(): Promise<void> {
    let pauseMs = this.#options.pauseMs ?? 1000;
    while (!this.#stop.signal.aborted) {
      try {
        const standing = await this.#stand();
        if (standing === undefined) return;
        pauseMs = this.#options.pauseMs ?? 1000;
        await this.#serveUntilGone(standing);
        if (!this.#stop.signal.aborted) this.#tell('bus', 'the session bus went away');
      } catch (error) {
        this.#tell('bus', `there is no session bus: ${reasonOf(error)}`);
      }
      await delay(pauseMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    }
  }

  /** Connects and shows what there is to show; undefined when another tray has this session. */
  async #stand(): Promise<Standing | undefined> {
    const address = busAddress(this.#options.env);
    if (address === undefined) throw new Error('DBUS_SESSION_BUS_ADDRESS is not set');
    const bus = await openBus(address);
    try {
      if (!(await bus.ownName(trayName))) {
        await bus.close();
        if (!this.#stop.signal.aborted) this.#events.onTaken();
        return undefined;
      }
      this.#tell('bus', null);
      return {
        bus,
        notifier: await openNotifier(this.#partsFor('notifier', bus)),
        item: await openStatusItem(this.#partsFor('item', bus)),
      };
    } catch (error) {
      await bus.close();
      throw error;
    }
  }

  #partsFor(part: Part, bus: SessionBus) {
    return {
      bus,
      nowMs: () => performance.now(),
      onAction: this.#events.onAction,
      onProblem: (problem: string | null) => {
        this.#tell(part, problem);
      },
    };
  }

  async #serveUntilGone(standing: Standing): Promise<void> {
    const { bus, notifier, item } = standing;
    this.#standing = standing;
    if (this.#model !== undefined) this.show(this.#model);
    await Promise.race([bus.closed, this.#stopped]);
    this.#standing = undefined;
    item.close();
    await notifier.close();
    await bus.close();
  }

  /** Tells the problems of all parts as one, and only when that is another than before. */
  #tell(part: Part | 'bus', problem: string | null): void {
    if (part === 'bus' && problem !== null) this.#problems.clear(); // the others follow from it
    if (problem === null) this.#problems.delete(part);
    else this.#problems.set(part, problem);
    const all = [...this.#problems.values()].join('; ');
    const now = all === '' ? null : all;
    if (this.#stop.signal.aborted || now === this.#told) return;
    this.#told = now;
    this.#events.onProblem(now);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
