// What `sallyport watch` knows: the daemon's view as cards (watch-cards.ts), which one is chosen, what is being
// answered, and since when keys that answer count. Pure; keys are watch-keys.ts, lines watch-screen.ts, and the
// terminal and the daemon watch.ts.
import type {
  AnswerRequest,
  ControlErrorCode,
  GroupView,
  LiveView,
  PreviewResponse,
} from '../control/messages.ts';
import { describeEnd, mergeCards, type Card } from './watch-cards.ts';

/** An answer that is being put together; it quotes the revision that was on the screen. */
export type Draft = Required<
  Pick<AnswerRequest, 'outcome' | 'for' | 'host' | 'port' | 'program' | 'revision'>
>;

/** What the daemon says the draft would do. */
export type Preview =
  | { readonly kind: 'asked' }
  | { readonly kind: 'told'; readonly preview: PreviewResponse }
  | { readonly kind: 'failed'; readonly text: string };

/** An act on the whole gate, or one that takes something back; each asks again. */
export type Act =
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'panic'; readonly on: boolean }
  | { readonly kind: 'undo'; readonly id: string };

/** What the screen is about. */
export type Mode =
  | { readonly kind: 'list' }
  | { readonly kind: 'detail'; readonly scroll: number }
  | {
      readonly kind: 'answer';
      readonly step: 'choose' | 'always' | 'sent';
      readonly draft: Draft;
      readonly preview: Preview;
      /** Tells the preview that is waited for from those before it. */
      readonly ticket: number;
      readonly scroll: number;
      /** The last line of the panel that has been on the screen, from 1. */
      readonly seen: number;
    }
  | { readonly kind: 'confirm'; readonly act: Act; readonly question: string }
  | { readonly kind: 'help' };

/** A sentence at the foot. */
export interface Notice {
  readonly text: string;
  readonly tone: 'plain' | 'good' | 'bad';
}

/** Everything the screen is made from. */
export interface WatchState {
  readonly live: LiveView | undefined;
  /** Undefined while the stream stands; else what is wrong. */
  readonly lost: string | undefined;
  readonly cards: readonly Card[];
  readonly selected: string | undefined;
  readonly mode: Mode;
  /** Keys that answer count from here on. */
  readonly deadUntilMs: number;
  readonly notice: Notice | undefined;
  /** The answer given here last, while `u` takes it back without a question. */
  readonly undoable: { readonly id: string; readonly untilMs: number } | undefined;
  readonly size: { readonly columns: number; readonly rows: number };
  readonly tickets: number;
}

/** What the driver has to do. */
export type Effect =
  | {
      readonly kind: 'preview';
      readonly id: string;
      readonly request: AnswerRequest;
      readonly ticket: number;
    }
  | { readonly kind: 'answer'; readonly id: string; readonly request: AnswerRequest }
  | { readonly kind: 'hold'; readonly id: string }
  | { readonly kind: 'act'; readonly act: Act }
  | { readonly kind: 'bell' }
  | { readonly kind: 'quit' };

/** A new state and what follows from it. */
export interface Step {
  readonly state: WatchState;
  readonly effects: readonly Effect[];
}

/** What the daemon sends or answers. */
export type News =
  | { readonly kind: 'view'; readonly view: LiveView }
  | { readonly kind: 'lost'; readonly problem: string }
  | { readonly kind: 'previewed'; readonly ticket: number; readonly preview: Preview }
  | { readonly kind: 'answered'; readonly id: string; readonly text: string }
  | { readonly kind: 'done'; readonly text: string }
  | {
      readonly kind: 'refused';
      /** Whether it was an answer that was sent, or something else. */
      readonly from: 'answer' | 'act';
      readonly reason: ControlErrorCode | 'failed';
      readonly text: string;
    }
  | { readonly kind: 'size'; readonly columns: number; readonly rows: number };

/** For this long after a change keys that answer count for nothing: they were meant for what stood there before. */
export const deadTimeMs = 500;
/** New cards of others may not keep an approver from answering: between two dead times lies at least this. */
const openTimeMs = 1000;
/** How long `u` takes the last answer back at once. */
const undoTimeMs = 10_000;
/** Nothing known, nothing chosen. */
export function startState(columns: number, rows: number): WatchState {
  return {
    live: undefined,
    lost: 'connecting',
    cards: [],
    selected: undefined,
    mode: { kind: 'list' },
    deadUntilMs: 0,
    notice: undefined,
    undoable: undefined,
    size: { columns, rows },
    tickets: 0,
  };
}

/** The chosen card. */
export function selectedCard(state: WatchState): Card | undefined {
  return state.cards.find(({ key }) => key === state.selected);
}

/** Whether a key that answers would count now. */
export function isReady(state: WatchState, nowMs: number): boolean {
  return state.lost === undefined && nowMs >= state.deadUntilMs;
}

/** Takes in what the daemon sent. */
export function takeNews(state: WatchState, news: News, nowMs: number): Step {
  switch (news.kind) {
    case 'view':
      return takeView(state, news.view, nowMs);
    case 'lost':
      return only({ ...leaveAnswer(state), lost: news.problem, undoable: undefined });
    case 'previewed':
      return only(takePreview(state, news.ticket, news.preview, nowMs));
    case 'answered':
      return only({
        ...leaveSent(state),
        notice: { text: `${news.text}; u undoes it`, tone: 'good' },
        undoable: { id: news.id, untilMs: nowMs + undoTimeMs },
      });
    case 'done':
      return only({ ...state, notice: { text: news.text, tone: 'good' } });
    case 'refused':
      return only(takeRefusal(state, news));
    case 'size':
      return only({ ...state, size: { columns: news.columns, rows: news.rows } });
    default:
      return news satisfies never;
  }
}

function only(state: WatchState): Step {
  return { state, effects: [] };
}

/** Back to the list, if an answer was being put together. */
function leaveAnswer(state: WatchState): WatchState {
  return state.mode.kind === 'answer' ? { ...state, mode: { kind: 'list' } } : state;
}

/** Back to the list, if what was sent is still on the screen: a panel opened since is another's. */
function leaveSent(state: WatchState): WatchState {
  return isSent(state) ? { ...state, mode: { kind: 'list' } } : state;
}

function isSent({ mode }: WatchState): boolean {
  return mode.kind === 'answer' && mode.step === 'sent';
}

function takeRefusal(
  state: WatchState,
  { from, reason, text }: Extract<News, { readonly kind: 'refused' }>,
): WatchState {
  const next: WatchState = { ...state, notice: { text, tone: 'bad' } };
  if (from === 'act' || !isSent(state)) return next;
  return { ...next, mode: reason === 'changed' ? { kind: 'detail', scroll: 0 } : { kind: 'list' } };
}

/** A sentence that has just come up must be on the screen for a while before Enter counts. */
function takePreview(
  state: WatchState,
  ticket: number,
  preview: Preview,
  nowMs: number,
): WatchState {
  if (state.mode.kind !== 'answer' || state.mode.ticket !== ticket) return state;
  if (state.mode.step !== 'choose') return state;
  return { ...state, mode: { ...state.mode, preview }, deadUntilMs: nowMs + deadTimeMs };
}

function takeView(state: WatchState, view: LiveView, nowMs: number): Step {
  const { cards, added, calls, changed } = mergeCards(state.cards, view, state.selected);
  // What was said of a pause or a panic would go on saying so.
  const notice = isReopened(state.live, view) ? undefined : state.notice;
  const next: WatchState = { ...state, live: view, lost: undefined, cards, notice };
  const bell: readonly Effect[] = calls > 0 ? [{ kind: 'bell' }] : [];
  if (state.mode.kind !== 'answer') {
    const own = state.selected !== undefined && changed.has(state.selected);
    const any = added > 0 || changed.size > 0 || state.lost !== undefined;
    const isDue = own || (any && nowMs >= state.deadUntilMs + openTimeMs);
    return {
      state: isDue ? { ...next, deadUntilMs: nowMs + deadTimeMs } : next,
      effects: bell,
    };
  }
  // An answer is bound to its own card: what others do is no reason to hold it up.
  const card = selectedCard(next);
  if (card === undefined || card.end !== undefined) {
    const text = card?.end === undefined ? 'the question is gone' : describeEnd(card, card.end);
    return {
      state: { ...next, mode: { kind: 'list' }, notice: { text, tone: 'bad' } },
      effects: bell,
    };
  }
  if (!changed.has(card.key)) return { state: next, effects: bell };
  const dead = { ...next, deadUntilMs: nowMs + deadTimeMs };
  // Sent already: the daemon compares the revision and says what came of it.
  if (state.mode.step === 'sent') return { state: dead, effects: bell };
  const again = openAnswer(dead, card.group, state.mode.draft.outcome);
  const look: Notice = { text: `${card.group.id} has changed, look again`, tone: 'bad' };
  return { state: { ...again.state, notice: look }, effects: [...bell, ...again.effects] };
}

/** Whether a pause or a panic has ended. */
function isReopened(before: LiveView | undefined, { gate }: LiveView): boolean {
  return (
    (typeof before?.gate.panicSince === 'string' && gate.panicSince === null) ||
    (typeof before?.gate.pausedUntil === 'string' && gate.pausedUntil === null)
  );
}

/** Opens the panel of an answer: the narrowest there is, and the question what it would do. */
export function openAnswer(state: WatchState, group: GroupView, outcome: Draft['outcome']): Step {
  const isKnown = group.askers.length > 0 && !group.unidentified;
  return previewDraft(state, group.id, {
    outcome,
    for: 'once',
    host: 'exact',
    port: 'this',
    program: isKnown ? 'this' : 'any',
    revision: group.revision,
  });
}

/** Shows the draft, and asks what it would do. */
export function previewDraft(state: WatchState, id: string, draft: Draft): Step {
  const ticket = state.tickets + 1;
  const scroll = state.mode.kind === 'answer' ? state.mode.scroll : 0;
  const mode: Mode = {
    kind: 'answer',
    step: 'choose',
    draft,
    preview: { kind: 'asked' },
    ticket,
    scroll,
    seen: 0,
  };
  return {
    state: { ...state, mode, notice: undefined, tickets: ticket },
    effects: [{ kind: 'preview', id, request: draft, ticket }],
  };
}
