// What each key of `sallyport watch` does. No single key answers a question or changes the gate: a verb opens a
// panel that says what would happen, and only Enter in it, some time after that sentence came up, sends it. Pure.
import type { GroupView } from '../control/messages.ts';
import type { Card } from './watch-cards.ts';
import {
  isReady,
  openAnswer,
  previewDraft,
  selectedCard,
  type Act,
  type Draft,
  type Effect,
  type Mode,
  type Notice,
  type Step,
  type WatchState,
} from './watch-state.ts';

/** How much of the panel is on the screen; watch-panel.ts measures it. */
export interface Panel {
  /** Lines it has. */
  readonly lines: number;
  /** Of these, how many must have been seen before an allow. */
  readonly mustSee: number;
  /** Lines that fit at once. */
  readonly rows: number;
}

type AnswerMode = Extract<Mode, { readonly kind: 'answer' }>;

const terms = ['once', '1h', 'restart', 'always'];

/** Takes one key by its name: a letter, `up`, `pagedown`, `return`, `escape`, `ctrl-c` … */
export function takeKey(state: WatchState, key: string, nowMs: number, panel: Panel): Step {
  if (key === 'ctrl-c') return leave(state);
  const { mode } = state;
  switch (mode.kind) {
    case 'list':
      return takeListKey(state, key, nowMs);
    case 'detail':
      return takeDetailKey(state, mode, key, nowMs, panel);
    case 'answer':
      return takeAnswerKey(state, mode, key, nowMs, panel);
    case 'confirm':
      return takeConfirmKey(state, mode, key, nowMs);
    case 'help':
      return key === 'q' ? leave(state) : still({ ...state, mode: { kind: 'list' } });
    default:
      return mode satisfies never;
  }
}

function still(state: WatchState): Step {
  return { state, effects: [] };
}

function leave(state: WatchState): Step {
  return { state, effects: [{ kind: 'quit' }] };
}

function say(state: WatchState, text: string, tone: Notice['tone'] = 'plain'): Step {
  return still({ ...state, notice: { text, tone } });
}

function takeListKey(state: WatchState, key: string, nowMs: number): Step {
  switch (key) {
    case 'j':
    case 'down':
      return choose(state, 1);
    case 'k':
    case 'up':
      return choose(state, -1);
    case 'escape':
      return still({ ...state, selected: undefined, notice: undefined });
    case 'return':
      return selectedCard(state) === undefined
        ? say(state, 'choose a question first, with j or k')
        : still({ ...state, mode: { kind: 'detail', scroll: 0 }, notice: undefined });
    default:
      return takeCommonKey(state, key, nowMs);
  }
}

/** The next card down or up; from nothing to the first or the last. */
function choose(state: WatchState, direction: 1 | -1): Step {
  const at = state.cards.findIndex(({ key }) => key === state.selected);
  const from = at < 0 && direction < 0 ? state.cards.length : at;
  const next = state.cards[from + direction];
  return next === undefined
    ? still(state)
    : still({ ...state, selected: next.key, notice: undefined });
}

/** Keys that the list and the details share. */
function takeCommonKey(state: WatchState, key: string, nowMs: number): Step {
  switch (key) {
    case 'a':
    case 'd':
      return startAnswer(state, key === 'a' ? 'allow' : 'deny', nowMs);
    case '+':
      return holdLonger(state, nowMs);
    case 'u':
      return startUndo(state, nowMs);
    case 'P':
      return startPause(state);
    case '!':
      return startPanic(state);
    case '?':
      return still({ ...state, mode: { kind: 'help' } });
    case 'q':
      return leave(state);
    default:
      return still(state);
  }
}

/** The chosen question, or why it cannot be answered now. */
function answerable(state: WatchState, nowMs: number): Card | string {
  const card = selectedCard(state);
  if (card === undefined) return 'choose a question first, with j or k';
  if (card.end !== undefined) return `${card.group.id} waits no more`;
  if (state.live?.role === 'viewer') return 'a viewer may look, not answer';
  if (state.lost !== undefined) return 'the daemon does not answer';
  return isReady(state, nowMs) ? card : 'look first: this has just changed';
}

function startAnswer(state: WatchState, outcome: Draft['outcome'], nowMs: number): Step {
  const card = answerable(state, nowMs);
  if (typeof card === 'string') return say(state, card, 'bad');
  return openAnswer(state, card.group, outcome);
}

function holdLonger(state: WatchState, nowMs: number): Step {
  const card = answerable(state, nowMs);
  if (typeof card === 'string') return say(state, card, 'bad');
  return { state, effects: [{ kind: 'hold', id: card.group.id }] };
}

/** The answer given here last is taken back at once; any other after a question. */
function startUndo(state: WatchState, nowMs: number): Step {
  const { undoable } = state;
  if (undoable !== undefined && nowMs < undoable.untilMs) {
    const act: Act = { kind: 'undo', id: undoable.id };
    return { state: { ...state, undoable: undefined }, effects: [{ kind: 'act', act }] };
  }
  const card = selectedCard(state);
  if (card?.end?.kind !== 'answered') return say(state, 'choose an answered question to undo');
  const { answer } = card.end;
  if (answer.undone !== null) return say(state, `${answer.id} is undone already`);
  const closes = answer.outcome === 'allow' ? ', and close what it let through' : '';
  return confirm(
    state,
    { kind: 'undo', id: answer.id },
    `Take the answer to ${answer.id} back${closes}?`,
  );
}

function startPause(state: WatchState): Step {
  const isPaused = typeof state.live?.gate.pausedUntil === 'string';
  if (isPaused) return confirm(state, { kind: 'resume' }, 'Ask about unknown hosts again?');
  const question = 'Refuse unknown hosts for 10 minutes, and everything that waits now?';
  return confirm(state, { kind: 'pause' }, question);
}

function startPanic(state: WatchState): Step {
  const isOn = typeof state.live?.gate.panicSince === 'string';
  const question = isOn
    ? 'End the panic: let the rules decide again?'
    : 'Panic: deny everything at once and close every connection?';
  return confirm(state, { kind: 'panic', on: !isOn }, question);
}

function confirm(state: WatchState, act: Act, question: string): Step {
  return still({ ...state, mode: { kind: 'confirm', act, question }, notice: undefined });
}

function takeConfirmKey(
  state: WatchState,
  mode: Extract<Mode, { readonly kind: 'confirm' }>,
  key: string,
  nowMs: number,
): Step {
  const back: WatchState = { ...state, mode: { kind: 'list' } };
  if (key !== 'y') return say(back, 'nothing was done');
  // The way to panic is never shut: it only closes.
  const isPanic = mode.act.kind === 'panic' && mode.act.on;
  if (!isPanic && !isReady(state, nowMs)) return still(state);
  return { state: back, effects: [{ kind: 'act', act: mode.act }] };
}

function takeDetailKey(
  state: WatchState,
  mode: Extract<Mode, { readonly kind: 'detail' }>,
  key: string,
  nowMs: number,
  panel: Panel,
): Step {
  const scroll = scrolled(mode.scroll, key, panel);
  if (scroll !== undefined) return still({ ...state, mode: { ...mode, scroll } });
  if (key === 'escape' || key === 'return') return still({ ...state, mode: { kind: 'list' } });
  return takeCommonKey(state, key, nowMs);
}

/** The first line to show after a key that moves; undefined for other keys. */
function scrolled(scroll: number, key: string, { lines, rows }: Panel): number | undefined {
  const step = { j: 1, down: 1, k: -1, up: -1, pagedown: rows - 1, pageup: 1 - rows }[key];
  if (step === undefined) return undefined;
  return Math.max(0, Math.min(scroll + step, lines - rows));
}

function takeAnswerKey(
  state: WatchState,
  mode: AnswerMode,
  key: string,
  nowMs: number,
  panel: Panel,
): Step {
  if (mode.step === 'sent') return still(state); // what comes of it comes from the daemon
  const card = selectedCard(state);
  if (card === undefined || key === 'escape' || key === 'q') return backToList(state);
  if (mode.step === 'always') return confirmAlways(state, mode, card.group.id, key, nowMs);
  const scroll = scrolled(mode.scroll, key, panel);
  if (scroll !== undefined) {
    const seen = Math.max(mode.seen, scroll + panel.rows);
    return still({ ...state, mode: { ...mode, scroll, seen } });
  }
  if (key === 'return') return send(state, mode, card.group.id, nowMs, panel);
  const draft = changeDraft(mode.draft, card.group, key);
  return draft === undefined ? still(state) : previewDraft(state, card.group.id, draft);
}

function backToList(state: WatchState): Step {
  return say({ ...state, mode: { kind: 'list' } }, 'nothing was answered');
}

/** The draft after one of its keys; undefined for other keys, and where there is nothing to choose. */
function changeDraft(draft: Draft, group: GroupView, key: string): Draft | undefined {
  switch (key) {
    case 'a':
    case 'd': {
      const outcome = key === 'a' ? 'allow' : 'deny';
      return outcome === draft.outcome ? undefined : { ...draft, outcome };
    }
    case 't':
      return { ...draft, for: after(terms, draft.for) };
    case 'h': {
      const hosts = ['exact', ...group.wildcards.map(({ host }) => host)];
      return hosts.length === 1 ? undefined : { ...draft, host: after(hosts, draft.host) };
    }
    case 'p':
      return { ...draft, port: draft.port === 'this' ? 'any' : 'this' };
    case 'g':
      if (group.askers.length === 0 || group.unidentified) return undefined;
      return { ...draft, program: draft.program === 'this' ? 'any' : 'this' };
    default:
      return undefined;
  }
}

function after(values: readonly string[], value: string): string {
  return values[(values.indexOf(value) + 1) % values.length] ?? value;
}

/** Enter: sends what the sentence on the screen says, or says why not yet. */
function send(state: WatchState, mode: AnswerMode, id: string, nowMs: number, panel: Panel): Step {
  const { draft, preview } = mode;
  if (preview.kind === 'asked' || !isReady(state, nowMs)) return still(state);
  if (preview.kind === 'failed') return say(state, preview.text, 'bad');
  if (preview.preview.problem !== null) return say(state, preview.preview.problem, 'bad');
  const seen = Math.max(mode.seen, mode.scroll + panel.rows);
  if (draft.outcome === 'allow' && seen < panel.mustSee) {
    return say(state, 'read to the end of it first, with j', 'bad');
  }
  if (draft.for === 'always') {
    return still({ ...state, mode: { ...mode, step: 'always' }, notice: undefined });
  }
  return sendNow(state, mode, id);
}

function sendNow(state: WatchState, mode: AnswerMode, id: string): Step {
  const effect: Effect = { kind: 'answer', id, request: mode.draft };
  return { state: { ...state, mode: { ...mode, step: 'sent' } }, effects: [effect] };
}

/** For good takes one more key, another one than Enter, which may still be held down. */
function confirmAlways(
  state: WatchState,
  mode: AnswerMode,
  id: string,
  key: string,
  nowMs: number,
): Step {
  if (key === 'return') return still(state);
  if (key !== 'y') return still({ ...state, mode: { ...mode, step: 'choose' } });
  return isReady(state, nowMs) ? sendNow(state, mode, id) : still(state);
}
