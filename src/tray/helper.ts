// A desktop behind a helper process: starts the system's own script host, speaks helper-protocol.ts with it,
// and starts it again, with growing pauses, when it ends. What to start is macos.ts's and windows.ts's.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { DesktopAdapter, DesktopEvents, TrayAction, TrayModel } from './adapter.ts';
import { createDeadTime, type DeadTime } from './dead-time.ts';
import {
  createHelperBook,
  longestLine,
  protocolVersion,
  readHelperLine,
  type HelperBook,
  type HelperLine,
} from './helper-protocol.ts';

/** What to start. */
export interface HelperProgram {
  /** An absolute path: nothing is looked for on PATH. */
  readonly program: string;
  readonly args: readonly string[];
  /** What to call it in a sentence, such as `the macOS helper (osascript)`. */
  readonly name: string;
  /** First pause before it is started again; default 1000 ms, doubled each time up to a minute. */
  readonly pauseMs?: number;
  /** A clock that never goes back, in ms; tests pass their own. */
  readonly nowMs?: () => number;
}

const longestPauseMs = 60_000;
const closeLimitMs = 2000;
/** A menu that is open is not changed under the pointer, but not for longer than this. */
const frozenLimitMs = 15_000;
/** After running this long it counts as well again. */
const steadyMs = 30_000;

/** Opens the desktop; see OpenDesktop for what it promises. */
export function openHelperDesktop(what: HelperProgram, events: DesktopEvents): DesktopAdapter {
  return new HelperDesktop(what, events);
}

class HelperDesktop implements DesktopAdapter {
  readonly #what: HelperProgram;
  readonly #events: DesktopEvents;
  readonly #firstPauseMs: number;
  #pauseMs: number;
  #model: TrayModel | undefined;
  #running: Running | undefined;
  #restart: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(what: HelperProgram, events: DesktopEvents) {
    this.#what = what;
    this.#events = events;
    this.#firstPauseMs = what.pauseMs ?? 1000;
    this.#pauseMs = this.#firstPauseMs;
    this.#start();
  }

  show = (model: TrayModel): void => {
    this.#model = model;
    this.#running?.show(model);
  };

  close = async (): Promise<void> => {
    this.#isClosed = true;
    clearTimeout(this.#restart);
    await this.#running?.close();
  };

  #start(): void {
    const startedMs = performance.now();
    this.#running = new Running(this.#what, {
      onReady: () => {
        this.#events.onProblem(null);
        if (this.#model !== undefined) this.#running?.show(this.#model);
      },
      onAction: (action) => {
        if (!this.#isClosed) this.#events.onAction(action);
      },
      onProblem: (problem) => {
        if (!this.#isClosed) this.#events.onProblem(problem);
      },
      onEnd: (why) => {
        this.#running = undefined;
        if (this.#isClosed) return;
        if (performance.now() - startedMs > steadyMs) this.#pauseMs = this.#firstPauseMs;
        this.#events.onProblem(`${this.#what.name} ${why}; it is started again`);
        this.#restart = setTimeout(() => this.#start(), this.#pauseMs);
        this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs);
      },
    });
  }
}

interface RunningEvents {
  readonly onReady: () => void;
  readonly onAction: (action: TrayAction) => void;
  readonly onProblem: (problem: string) => void;
  /** `why` stands behind the helper's name. */
  readonly onEnd: (why: string) => void;
}

/** One run of the helper. */
class Running {
  readonly #events: RunningEvents;
  readonly #run = randomBytes(16).toString('hex');
  readonly #book: HelperBook = createHelperBook(this.#run);
  readonly #dead: DeadTime;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ended = Promise.withResolvers<void>();
  #isReady = false;
  /** What came while the menu was open. */
  #held: TrayModel | undefined;
  #frozen: NodeJS.Timeout | undefined;
  #rest = '';
  #hasEnded = false;

  constructor({ program, args, nowMs }: HelperProgram, events: RunningEvents) {
    this.#events = events;
    this.#dead = createDeadTime(nowMs ?? (() => performance.now()));
    this.#child = spawn(program, [...args], { stdio: 'pipe', windowsHide: true });
    const { stdin, stdout, stderr } = this.#child;
    for (const stream of [stdin, stdout, stderr]) stream.on('error', () => undefined);
    stderr.resume();
    stdout.setEncoding('utf8').on('data', (text: string) => this.#read(text));
    this.#child.once('error', (error) => this.#end(`cannot be started (${error.message})`));
    this.#child.once('exit', (code, signal) => this.#end(`ended (${signal ?? code})`));
    // The run's name goes by the pipe: arguments can be read by everybody.
    this.#write({ v: protocolVersion, run: this.#run, type: 'hello' });
  }

  show(model: TrayModel): void {
    if (!this.#isReady) return; // asked for again once it is
    if (this.#frozen !== undefined) {
      this.#held = model;
      return;
    }
    const line = this.#book.lineOf(model);
    this.#dead.show(this.#book.shown());
    this.#write(line);
  }

  async close(): Promise<void> {
    this.#write({ v: protocolVersion, run: this.#run, type: 'close' });
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), closeLimitMs);
    this.#child.stdin.end();
    await this.#ended.promise;
    clearTimeout(timer);
  }

  #write(line: object): void {
    if (this.#child.stdin.writable) this.#child.stdin.write(`${JSON.stringify(line)}\n`);
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const read = readHelperLine(line.trimEnd(), this.#run);
      if (read !== undefined) this.#take(read);
    }
    if (this.#rest.length > longestLine) this.#child.kill('SIGKILL'); // it does not speak our language
  }

  #take(line: HelperLine): void {
    switch (line.type) {
      case 'ready':
        this.#isReady = true;
        return this.#events.onReady();
      case 'problem':
        return this.#events.onProblem(line.text);
      case 'menu':
        return line.open ? this.#freeze() : this.#thaw();
      case 'click': {
        const action = this.#book.actionOf(line.id);
        this.#thaw();
        if (action !== undefined && this.#dead.isLive(action)) this.#events.onAction(action);
        return undefined;
      }
      default:
        return line satisfies never;
    }
  }

  #freeze(): void {
    clearTimeout(this.#frozen);
    this.#frozen = setTimeout(() => this.#thaw(), frozenLimitMs);
    this.#frozen.unref();
  }

  #thaw(): void {
    clearTimeout(this.#frozen);
    this.#frozen = undefined;
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.show(held);
  }

  #end(why: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#frozen);
    this.#ended.resolve();
    this.#events.onEnd(why);
  }
}
