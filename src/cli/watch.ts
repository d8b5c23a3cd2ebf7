// `sallyport watch`: the questions as a live list in the terminal, answered by keys. Joins the stream of the daemon,
// the terminal and the pure parts: watch-state.ts, watch-keys.ts, watch-screen.ts.
import { setTimeout as delay } from 'node:timers/promises';
import type { ControlClient } from '../control/client.ts';
import { applyEvent } from '../control/mirror.ts';
import { controlErrorCodes, type ControlErrorCode, type LiveView } from '../control/messages.ts';
import { SallyportError } from '../errors.ts';
import { renderAnswer } from './answer.ts';
import { exitCodes, type Command, type CommandIo } from './command.ts';
import { openClient } from './daemon-client.ts';
import { renderGate } from './gate-text.ts';
import { renderHeld } from './hold.ts';
import { readOptions, usageError } from './options.ts';
import { openRawScreen, type RawScreen, type ScreenStreams } from './raw-screen.ts';
import { renderUndone } from './undo.ts';
import { takeKey } from './watch-keys.ts';
import { measurePanel } from './watch-panel.ts';
import { renderScreen } from './watch-screen.ts';
import {
  startState,
  takeNews,
  type Act,
  type Effect,
  type News,
  type Step,
} from './watch-state.ts';

const usage = `usage: sallyport watch [--bell]

Shows questions as they come and lets you answer them. Nothing is chosen at the start and no single key answers:
j and k choose, d or a opens an answer and says what it would do, Enter sends it. ? lists the keys, q quits and
leaves every question as it is. Needs a terminal of at least 40 columns and 10 rows.

  --bell   rings once for new questions
`;

/** What the command uses of the outside; tests pass their own. */
export interface WatchParts {
  readonly streams: () => ScreenStreams;
  /** A client for one try; throws while no daemon runs. */
  readonly connect: (env: CommandIo['env']) => ControlClient;
  readonly now: () => number;
}

/** The command. */
export const watchCommand: Command = createWatchCommand({
  streams: () => ({ input: process.stdin, output: process.stdout }),
  connect: (env) => openClient(env, 'watch'),
  now: Date.now,
});

/** The command over streams, client and clock of the caller's choice. */
export function createWatchCommand(parts: WatchParts): Command {
  return {
    name: 'watch',
    summary: 'show questions as they come, and answer them by keys',
    usage,
    run: async (args, io) => {
      const { values, positionals } = readOptions(args, {
        bell: { type: 'boolean', default: false },
      });
      if (positionals.length > 0) throw usageError('watch takes no words');
      const streams = parts.streams();
      if (streams.input.isTTY !== true || streams.output.isTTY !== true) {
        throw usageError('watch needs a terminal; without one use "sallyport pending --watch"');
      }
      checkState(parts, io.env);
      return await watch(parts, streams, io.env, values.bell);
    },
  };
}

/** A state folder that is not safe to use is said at once; a daemon that is not there yet is waited for. */
function checkState({ connect }: WatchParts, env: CommandIo['env']): void {
  try {
    connect(env);
  } catch (error) {
    if (!(error instanceof SallyportError) || error.code !== 'ERR_CONTROL_UNREACHABLE') throw error;
  }
}

async function watch(
  parts: WatchParts,
  streams: ScreenStreams,
  env: CommandIo['env'],
  withBell: boolean,
): Promise<number> {
  const ended = Promise.withResolvers<number>();
  const stopping = new AbortController();
  const screen: RawScreen = openRawScreen(streams, {
    onKey: (key) => take(takeKey(state, key, parts.now(), measurePanel(state, parts.now()))),
    onSize: () => hear({ kind: 'size', ...screen.size() }),
    onClosed: () => ended.resolve(exitCodes.failed),
  });
  const unwatch = onSignals((code) => ended.resolve(code));
  const { columns, rows } = screen.size();
  let state = startState(columns, rows);
  let timer: NodeJS.Timeout | undefined;

  function take(step: Step): void {
    ({ state } = step);
    redraw();
    for (const effect of step.effects) act(effect);
  }
  function hear(news: News): void {
    if (!stopping.signal.aborted) take(takeNews(state, news, parts.now()));
  }
  /** At the latest in a second, since times pass; when keys begin to count, at that moment. */
  function redraw(): void {
    const now = parts.now();
    screen.draw(renderScreen(state, now));
    clearTimeout(timer);
    const leftMs = state.deadUntilMs - now;
    timer = setTimeout(redraw, leftMs > 0 ? Math.min(leftMs, 1000) : 1000);
  }
  function act(effect: Effect): void {
    if (effect.kind === 'quit') ended.resolve(exitCodes.done);
    else if (effect.kind === 'bell') {
      if (withBell) screen.bell();
    } else void perform(effect, parts.connect, env).then(hear); // never rejects
  }

  try {
    redraw();
    void follow(parts, env, stopping.signal, hear); // never rejects; ends with the signal
    return await ended.promise;
  } finally {
    stopping.abort();
    clearTimeout(timer);
    unwatch();
    screen.close();
  }
}

/** Ends the watch as a shell expects it of a signal. */
function onSignals(end: (code: number) => void): () => void {
  const handlers = [
    ['SIGTERM', () => end(143)],
    ['SIGHUP', () => end(129)],
    ['SIGINT', () => end(130)],
  ] as const;
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}

type Request = Exclude<Effect, { readonly kind: 'quit' | 'bell' }>;

/** Does what a key asked for, and says what came of it. */
async function perform(
  effect: Request,
  connect: WatchParts['connect'],
  env: CommandIo['env'],
): Promise<News> {
  try {
    return await request(effect, connect(env));
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    if (effect.kind === 'preview') {
      return { kind: 'previewed', ticket: effect.ticket, preview: { kind: 'failed', text } };
    }
    const from = effect.kind === 'answer' ? 'answer' : 'act';
    return { kind: 'refused', from, reason: reasonOf(error), text };
  }
}

async function request(effect: Request, client: ControlClient): Promise<News> {
  switch (effect.kind) {
    case 'preview': {
      const preview = await client.preview(effect.id, effect.request);
      return { kind: 'previewed', ticket: effect.ticket, preview: { kind: 'told', preview } };
    }
    case 'answer': {
      const taken = await client.answer(effect.id, effect.request);
      return { kind: 'answered', id: effect.id, text: renderAnswer(taken).trimEnd() };
    }
    case 'hold':
      return { kind: 'done', text: renderHeld(await client.hold(effect.id, '5m')) };
    case 'act':
      return { kind: 'done', text: await requestAct(effect.act, client) };
    default:
      return effect satisfies never;
  }
}

async function requestAct(act: Act, client: ControlClient): Promise<string> {
  switch (act.kind) {
    case 'undo':
      return renderUndone(await client.undo(act.id));
    case 'pause':
      return renderGate(await client.pause('10m'));
    case 'resume':
      return renderGate(await client.resume());
    case 'panic':
      return renderGate(await client.panic(act.on));
    default:
      return act satisfies never;
  }
}

function reasonOf(error: unknown): ControlErrorCode | 'failed' {
  const reason = error instanceof Error && 'reason' in error ? error.reason : undefined;
  return controlErrorCodes.find((code) => code === reason) ?? 'failed';
}

const firstPauseMs = 250;
const longestPauseMs = 4000;

/** Keeps a copy of the daemon's view; begins anew when the stream breaks, later each time. */
async function follow(
  { connect }: WatchParts,
  env: CommandIo['env'],
  signal: AbortSignal,
  hear: (news: News) => void,
): Promise<void> {
  let pauseMs = firstPauseMs;
  while (!signal.aborted) {
    let problem = 'the daemon has ended the stream';
    try {
      let view: LiveView | undefined;
      for await (const event of connect(env).watch(signal)) {
        view = applyEvent(view, event);
        pauseMs = firstPauseMs;
        hear({ kind: 'view', view });
      }
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
    }
    hear({ kind: 'lost', problem: `trying again: ${problem}` });
    await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  }
}
