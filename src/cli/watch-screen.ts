// What `sallyport watch` shows: its state as exactly as many lines as the terminal has rows, none wider than it
// has columns. Pure. From 40 columns and 10 rows on everything can be reached; what must be read before an allow
// is never cut, only scrolled (watch-panel.ts).
import type { GroupView } from '../control/messages.ts';
import {
  clip,
  clipLine,
  cutMiddle,
  widthOf,
  wrapLines,
  type Line,
  type Span,
  type Tone,
} from './columns.ts';
import { destinationOf, renderAskers, warningsOf } from './question-text.ts';
import { escapeText, renderClock, renderCount, renderSpan } from './render.ts';
import { describeFate, type Card } from './watch-cards.ts';
import { factLines, frameRows, measurePanel, renderPanel } from './watch-panel.ts';
import { isReady, selectedCard, type WatchState } from './watch-state.ts';

/** The whole screen. */
export function renderScreen(state: WatchState, nowMs: number): Line[] {
  const { columns, rows } = state.size;
  const body = renderBody(state, nowMs, Math.max(1, rows - frameRows));
  const lines = [
    renderHeader(state),
    ...body,
    renderNotice(state, nowMs),
    renderKeys(state, nowMs),
  ];
  return lines.slice(-rows).map((line) => clipLine(line, columns));
}

function renderHeader({ live, lost, cards }: WatchState): Line {
  const open = cards.filter(({ end }) => end === undefined).length;
  const count = open === 0 ? 'nothing waits' : renderCount(open, 'question');
  const name = { text: 'sallyport', tone: 'bold' } as const;
  if (lost !== undefined) {
    return [name, { text: ` · ${escapeText(lost)}`, tone: 'red' }];
  }
  const { gate } = live ?? {};
  const states: [string, Tone | undefined][] = [];
  if (typeof gate?.panicSince === 'string') {
    states.push([`PANIC since ${renderClock(gate.panicSince)}`, 'red']);
  }
  if (typeof gate?.pausedUntil === 'string') {
    states.push([`paused until ${renderClock(gate.pausedUntil)}`, 'yellow']);
  }
  states.push([count, undefined]);
  const spans = states.map(([text, tone]): Span => {
    const shown = ` · ${text}`;
    return tone === undefined ? { text: shown } : { text: shown, tone };
  });
  return [name, ...spans];
}

/** Troubles of the gate, programs that are refused quietly and policy changes: each one line, cut at the right. */
function renderTroubles({ live, size }: WatchState): Line[] {
  if (live === undefined) return [];
  const { floods, gate, policyChange } = live;
  const texts = [
    ...gate.troubles,
    ...floods.map(
      ({ id, program, refused }) =>
        `${program} asks for too much: ${renderCount(refused, 'request')} refused (sallyport lift ${id})`,
    ),
    ...(policyChange?.state === 'waiting' ? ['a policy change waits (sallyport changes)'] : []),
    ...(policyChange?.state === 'applied' ? ['the policy was widened (sallyport changes)'] : []),
  ];
  const limit = Math.max(1, Math.floor(size.rows / 4));
  const shown =
    texts.length > limit
      ? [
          ...texts.slice(0, limit - 1),
          `${texts.length - limit + 1} more troubles: sallyport status`,
        ]
      : texts;
  return shown.map((text) => [
    { text: clip(`! ${escapeText(text)}`, size.columns), tone: 'yellow' },
  ]);
}

function renderBody(state: WatchState, nowMs: number, rows: number): Line[] {
  switch (state.mode.kind) {
    case 'list':
      return renderList(state, nowMs, rows);
    case 'detail':
    case 'answer':
      return fill(renderPanel(state, state.mode.scroll, nowMs, rows), rows);
    case 'confirm':
      return fill(wrapLines(state.mode.question, state.size.columns, 'bold'), rows);
    case 'help':
      return fill(helpLines(state.size.columns), rows);
    default:
      return state.mode satisfies never;
  }
}

function fill(lines: readonly Line[], rows: number): Line[] {
  const blank = Array.from({ length: Math.max(0, rows - lines.length) }, (): Line => []);
  return [...lines.slice(0, rows), ...blank];
}

/** Troubles, then as many cards as fit around the chosen one, then its facts where there is room. */
function renderList(state: WatchState, nowMs: number, rows: number): Line[] {
  const troubles = renderTroubles(state);
  const room = Math.max(1, rows - troubles.length);
  const lines = state.cards.flatMap((card, index) => cardLines(state, card, index, nowMs));
  const at = lines.findIndex(({ key }) => key !== undefined && key === state.selected);
  const card = selectedCard(state);
  const facts = card === undefined ? [] : factLines(card, nowMs, state.size.columns);
  // the facts get what the cards leave, if that is worth anything
  const left = room - Math.min(lines.length, Math.ceil(room / 2)) - 1;
  const factRows = left >= 4 ? Math.min(left, facts.length) : 0;
  const listRows = factRows === 0 ? room : room - factRows - 1;
  const from = Math.max(0, Math.min(at - Math.floor(listRows / 2), lines.length - listRows));
  const shown = lines.slice(from, from + listRows).map(({ line }) => line);
  const rule: Line = [{ text: '─'.repeat(state.size.columns), tone: 'dim' }];
  const below = factRows === 0 ? [] : [rule, ...facts.slice(0, factRows)];
  return [...troubles, ...fill(shown, listRows), ...below];
}

interface CardLine {
  readonly key: string | undefined;
  readonly line: Line;
}

/** One line for a card, below the title of its bundle where that begins. */
function cardLines(state: WatchState, card: Card, index: number, nowMs: number): CardLine[] {
  const { bundle } = card.group;
  const line = { key: card.key, line: renderCard(state, card, nowMs) };
  const isFirst = bundle !== null && state.cards[index - 1]?.group.bundle?.id !== bundle.id;
  if (!isFirst) return [line];
  const title = clip(`  ${escapeText(bundle.title)}:`, state.size.columns);
  return [{ key: undefined, line: [{ text: title, tone: 'dim' }] }, line];
}

function renderCard(state: WatchState, card: Card, nowMs: number): Line {
  const { group, end } = card;
  const { columns } = state.size;
  const isSelected = card.key === state.selected;
  const head = `${isSelected ? '>' : ' '} ${group.id.padEnd(3)} `;
  if (end !== undefined) {
    const by = end.kind === 'answered' ? ` · ${end.answer.approver} (${end.answer.surface})` : '';
    const text = `${head}${escapeText(describeFate(end))} · ${destinationOf(group)}${escapeText(by)}`;
    return [{ text: clip(text, columns), tone: isSelected ? 'inverse' : 'dim' }];
  }
  const mark = warningsOf(group).length > 0 ? '! ' : '';
  const wait = describeWait(group, nowMs);
  const room = columns - widthOf(head) - widthOf(mark);
  // the host is never cut when it fits; who asks gets what is left
  const destination = cutMiddle(destinationOf(group), Math.max(12, room - widthOf(wait) - 2));
  const asker = ` ${escapeText(renderAskers(group))}`;
  const used = widthOf(destination) + widthOf(wait) + 1;
  const tail = room - used > 8 ? clip(` ${asker}`, room - used) : '';
  const spans = [
    { text: head, tone: 'bold' },
    { text: mark, tone: 'red' },
    { text: destination, tone: 'bold' },
    { text: ` ${wait}${tail}` },
  ] as const;
  if (!isSelected) return spans;
  return [{ text: spans.map(({ text }) => text).join(''), tone: 'inverse' }];
}

function describeWait({ waiting, waitingSince, reviewing }: GroupView, nowMs: number): string {
  if (reviewing === true) return '(under review)';
  if (waiting === 0) return '(client gone)';
  const since = waitingSince === null ? '' : ` ${renderSpan(Date.parse(waitingSince), nowMs)}`;
  return `(${waiting} wait${waiting === 1 ? 's' : ''}${since})`;
}

function renderNotice(state: WatchState, nowMs: number): Line {
  const tones = { plain: undefined, good: 'green', bad: 'yellow' } as const;
  if (state.mode.kind === 'answer' && state.mode.step === 'always') {
    return [{ text: 'For good. Press y to mean it, another key to go back.', tone: 'yellow' }];
  }
  const { notice } = state;
  if (notice !== undefined) {
    const tone = tones[notice.tone];
    const text = escapeText(notice.text);
    return [tone === undefined ? { text } : { text, tone }];
  }
  const { lines, rows } = measurePanel(state, nowMs);
  const more = 'scroll' in state.mode && state.mode.scroll + rows < lines;
  return more ? [{ text: '… more below: j', tone: 'dim' }] : [];
}

/** `ready` or `wait`, then the keys that do something now. */
function renderKeys(state: WatchState, nowMs: number): Line {
  const isUntold = state.mode.kind === 'answer' && state.mode.preview.kind !== 'told';
  const ready = isReady(state, nowMs) && !isUntold;
  const first = ready
    ? ({ text: 'ready ', tone: 'green' } as const)
    : ({ text: 'wait  ', tone: 'dim' } as const);
  return [first, { text: keysOf(state) }];
}

function keysOf(state: WatchState): string {
  const { mode, live } = state;
  switch (mode.kind) {
    case 'list': {
      const card = selectedCard(state);
      const read = card === undefined ? '' : '⏎ read  ';
      const chosen =
        card?.end === undefined && card !== undefined ? `d deny  a allow  ${read}+ 5 min  ` : read;
      const pause = typeof live?.gate.pausedUntil === 'string' ? 'P resume' : 'P pause';
      return `j/k choose  ${chosen}? help  q quit  u undo  ${pause}  ! panic`;
    }
    case 'detail':
      return 'j/k scroll  d deny  a allow  esc back';
    case 'answer':
      if (mode.step === 'sent') return 'sent';
      if (mode.step === 'always') return 'y yes  esc back';
      return `⏎ ${mode.draft.outcome}  esc back  t h p g change`;
    case 'confirm':
      return 'y yes  any other key: no';
    case 'help':
      return 'q quit  any other key: back';
    default:
      return mode satisfies never;
  }
}

const help = [
  'j k ↓ ↑   choose a question; in a text, scroll',
  'd a       deny or allow: shows what it would do',
  't h p g   there: change time, host, port, program',
  'Enter     there: answer; in the list: read all',
  'Esc       back',
  'u         undo the last answer, or the chosen one',
  '+         what waits there waits 5 minutes longer',
  'P         pause: refuse unknown hosts for 10 min',
  '!         panic: deny everything, close everything',
  'q         quit; questions stay as they are',
];

function helpLines(columns: number): Line[] {
  return help.map((text) => [{ text: clip(text, columns) }]);
}
