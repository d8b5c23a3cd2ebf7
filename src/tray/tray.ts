// The tray as a program: follows the daemon's live stream, has a desktop show what model.ts makes of it, and turns
// clicks into calls. It outlives the daemon and the desktop; both come back when they can.
import { setTimeout as delay } from 'node:timers/promises';
import { ControlError, type ControlClient } from '../control/client.ts';
import type { LiveEvent, LiveView } from '../control/messages.ts';
import { applyEvent } from '../control/mirror.ts';
import type { DesktopAdapter, OpenDesktop, TrayAction, TrayVerb } from './adapter.ts';
import { buildTrayModel, nextChangeMs } from './model.ts';
import type { TrayInput } from './model-input.ts';

/** What the tray calls of the control API. */
export type TrayClient = Pick<
  ControlClient,
  | 'watch'
  | 'answer'
  | 'undo'
  | 'pause'
  | 'resume'
  | 'panic'
  | 'lift'
  | 'change'
  | 'pageCode'
  | 'reportTray'
>;

/** What the tray works with. */
export interface TrayParts {
  /** A client for one try, or a SallyportError while no daemon runs. */
  readonly connect: () => TrayClient;
  readonly openDesktop: OpenDesktop;
  /** Hands the page's address to a browser; false when there is none. */
  readonly openAddress: (url: string) => Promise<boolean>;
  /** The wall clock, in milliseconds since 1970. */
  readonly nowMs: () => number;
  readonly timeOf: TrayInput['timeOf'];
  /** A line for whoever started the tray. */
  readonly tell: (line: string) => void;
  /** First pause before the daemon is tried again; default 500 ms, doubled each time up to 10 s. */
  readonly pauseMs?: number;
}

/** How long the pause from the menu is. */
export const pauseFor = '10m';
const noticeMs = 10_000;
const longestPauseMs = 10_000;
const lastWordMs = 1000;
const timerLimitMs = 3_600_000;

/** Runs until the signal is aborted (`stopped`) or another tray has the desktop (`taken`). Never rejects. */
export async function runTray(parts: TrayParts, signal: AbortSignal): Promise<'stopped' | 'taken'> {
  return await new Tray(parts).run(signal);
}

class Tray {
  readonly #parts: TrayParts;
  readonly #stop = new AbortController();
  readonly #desktop: DesktopAdapter;
  readonly #lookAgain = new Set<string>();
  readonly #underway = new Set<string>();
  #isTaken = false;
  #client: TrayClient | undefined;
  #view: LiveView | undefined;
  #notice: string | null = null;
  #noticeTimer: NodeJS.Timeout | undefined;
  #nextTimer: NodeJS.Timeout | undefined;
  #problem: string | null = null;
  #reported: Promise<void> = Promise.resolve();
  #told: string | undefined;

  constructor(parts: TrayParts) {
    this.#parts = parts;
    this.#desktop = parts.openDesktop({
      onAction: (action) => void this.#act(action), // tells its own failures
      onProblem: (problem) => {
        this.#takeProblem(problem);
      },
      onTaken: () => {
        this.#isTaken = true;
        this.#stop.abort();
      },
    });
  }

  async run(signal: AbortSignal): Promise<'stopped' | 'taken'> {
    const stop = (): void => {
      this.#stop.abort();
    };
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    this.#show();
    await this.#follow();
    signal.removeEventListener('abort', stop);
    clearTimeout(this.#noticeTimer);
    clearTimeout(this.#nextTimer);
    await Promise.all([this.#desktop.close(), this.#sayGoodbye()]);
    return this.#isTaken ? 'taken' : 'stopped';
  }

  /** Follows one stream after the other, with growing pauses between those that fail at once. */
  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    const first = this.#parts.pauseMs ?? 500;
    let pauseMs = first;
    while (!signal.aborted) {
      try {
        this.#client = this.#parts.connect();
        for await (const event of this.#client.watch(signal)) {
          pauseMs = first;
          this.#take(event);
        }
      } catch (error) {
        if (!signal.aborted) this.#say(reasonOf(error));
      }
      if (signal.aborted) return;
      this.#view = undefined;
      this.#show();
      await pause(pauseMs, signal);
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    }
  }

  #take(event: LiveEvent): void {
    this.#view = applyEvent(this.#view, event);
    if (event.type === 'snapshot') {
      this.#told = undefined;
      this.#report();
    }
    const open = new Set(this.#view.groups.map(({ id }) => id));
    for (const id of this.#lookAgain) if (!open.has(id)) this.#lookAgain.delete(id);
    this.#show();
  }

  #show(): void {
    if (this.#stop.signal.aborted) return;
    const input: TrayInput = {
      view: this.#view ?? null,
      nowMs: this.#parts.nowMs(),
      lookAgain: this.#lookAgain,
      notice: this.#notice,
      timeOf: this.#parts.timeOf,
    };
    this.#desktop.show(buildTrayModel(input));
    clearTimeout(this.#nextTimer);
    const next = nextChangeMs(input);
    if (next === null) return;
    const waitMs = Math.min(next - input.nowMs, timerLimitMs);
    this.#nextTimer = setTimeout(() => {
      this.#show();
    }, waitMs).unref();
  }

  async #act(action: TrayAction): Promise<void> {
    const name = JSON.stringify(action);
    const client = this.#client;
    if (client === undefined || this.#view === undefined || this.#underway.has(name)) return;
    this.#underway.add(name); // a double click is one click
    try {
      await this.#call(client, action);
      if (action.kind === 'answer') this.#lookAgain.delete(action.id);
    } catch (error) {
      this.#refused(action, error);
    } finally {
      this.#underway.delete(name);
    }
  }

  async #call(client: TrayClient, action: TrayAction): Promise<unknown> {
    switch (action.kind) {
      case 'answer': {
        const { id, revision, verb } = action;
        return await client.answer(id, { ...answers[verb], revision });
      }
      case 'open':
        return await this.#openPage(client, '');
      case 'details':
        return await this.#openPage(client, `/${action.id}`); // the page shows that card
      case 'pause':
        return await client.pause(pauseFor);
      case 'resume':
        return await client.resume();
      case 'panic':
        return await client.panic(true);
      case 'reopen':
        return await client.panic(false);
      case 'undo':
        return await client.undo(action.id);
      case 'lift':
        return await client.lift(action.id);
      case 'change':
        return await client.change(action.id, action.verb);
      default:
        return action satisfies never;
    }
  }

  async #openPage(client: TrayClient, place: string): Promise<void> {
    const { url } = await client.pageCode();
    if (url === null) throw new Error('the page needs the control port, which is off');
    if (!isLoopback(url)) throw new Error('the page is not on this machine');
    if (await this.#parts.openAddress(`${url}${place}`)) return;
    throw new Error('no browser could be opened; "sallyport open --print" prints the address');
  }

  #refused(action: TrayAction, error: unknown): void {
    const reason = error instanceof ControlError ? error.reason : undefined;
    if (reason === 'changed' && action.kind === 'answer') {
      this.#lookAgain.add(action.id);
      this.#show();
      return;
    }
    const isGone = reason === 'gone' || reason === 'not_found';
    this.#notify(isGone ? 'That was settled elsewhere in the meantime.' : reasonOf(error));
  }

  #notify(notice: string): void {
    if (this.#stop.signal.aborted) return;
    this.#notice = notice;
    clearTimeout(this.#noticeTimer);
    this.#noticeTimer = setTimeout(() => {
      this.#notice = null;
      this.#show();
    }, noticeMs).unref();
    this.#show();
  }

  #takeProblem(problem: string | null): void {
    this.#problem = problem;
    if (problem !== null) this.#parts.tell(problem);
    this.#report();
  }

  /** What cannot be shown is told where a person may look for it: in the daemon's status. */
  #report(): void {
    if (this.#view === undefined) return;
    const client = this.#client;
    const problem = this.#problem;
    // One after the other: two on their way at once could arrive the wrong way round.
    this.#reported = this.#reported.then(async () => {
      await client?.reportTray(problem).catch(() => undefined); // told again with the next stream
    });
  }

  async #sayGoodbye(): Promise<void> {
    if (this.#view === undefined || this.#isTaken || this.#client === undefined) return;
    this.#problem = null;
    this.#report();
    await Promise.race([this.#reported, pause(lastWordMs)]);
  }

  /** Each new reason once: the daemon may be away for hours. */
  #say(reason: string): void {
    if (reason === this.#told) return;
    this.#told = reason;
    this.#parts.tell(reason);
  }
}

const answers: Readonly<
  Record<TrayVerb, { readonly outcome: 'allow' | 'deny'; readonly for: string }>
> = {
  deny: { outcome: 'deny', for: 'once' },
  'allow-once': { outcome: 'allow', for: 'once' },
  'allow-1h': { outcome: 'allow', for: '1h' },
};

function isLoopback(url: string): boolean {
  return /^http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost):\d+\//.test(url);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function pause(limitMs: number, signal?: AbortSignal): Promise<void> {
  const options = signal === undefined ? {} : { signal };
  await delay(limitMs, undefined, options).catch(() => undefined); // the abort is what ends it early
}
