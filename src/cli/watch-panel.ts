// The panel of `sallyport watch`: one question in full and, while an answer is put together, what it would do. What
// must be read before an allow stands first and is wrapped, never cut. Pure.
import type { GroupView } from '../control/messages.ts';
import { wrapLines, type Line } from './columns.ts';
import { cautionsOf, describeQuestion, destinationOf, warningsOf } from './question-text.ts';
import { escapeText } from './render.ts';
import { describeEnd, describeTerm, type Card } from './watch-cards.ts';
import type { Panel } from './watch-keys.ts';
import { selectedCard, type Mode, type WatchState } from './watch-state.ts';

type AnswerMode = Extract<Mode, { readonly kind: 'answer' }>;

/** Lines above and below the body: header, and notice and keys. */
export const frameRows = 3;

/** How much of the panel fits; for a mode without one, nothing to scroll. */
export function measurePanel(state: WatchState, nowMs: number): Panel {
  const rows = Math.max(1, state.size.rows - frameRows);
  const { mustSee, rest } = panelLines(state, nowMs);
  return { lines: mustSee.length + rest.length, mustSee: mustSee.length, rows };
}

/** As many lines of it as there are rows, from where it was scrolled to. */
export function renderPanel(
  state: WatchState,
  scroll: number,
  nowMs: number,
  rows: number,
): Line[] {
  const { mustSee, rest } = panelLines(state, nowMs);
  const lines = [...mustSee, ...rest];
  const from = Math.max(0, Math.min(scroll, lines.length - rows));
  return lines.slice(from, from + rows);
}

interface PanelLines {
  /** To be seen before an allow. */
  readonly mustSee: readonly Line[];
  readonly rest: readonly Line[];
}

function panelLines(state: WatchState, nowMs: number): PanelLines {
  const card = selectedCard(state);
  const { columns } = state.size;
  if (card === undefined) return { mustSee: [], rest: [] };
  if (state.mode.kind === 'detail') return { mustSee: [], rest: factLines(card, nowMs, columns) };
  if (state.mode.kind !== 'answer') return { mustSee: [], rest: [] };
  return {
    mustSee: answerLines(card.group, state.mode, columns),
    rest: [[], ...plainLines(card, nowMs, columns)],
  };
}

/** What is answered, what warns of it, what would happen and what can be chosen. */
function answerLines(group: GroupView, mode: AnswerMode, columns: number): Line[] {
  const { preview, draft } = mode;
  const verb = draft.outcome === 'allow' ? 'Allow' : 'Deny';
  const reads = group.facts.unicode;
  return [
    ...wrapLines(`${verb} ${group.id}: ${destinationOf(group)}`, columns, 'bold', 2),
    ...(reads === null ? [] : wrapLines(`reads as ${escapeText(reads)}`, columns, 'red', 2)),
    ...warningsOf(group).flatMap((text) => wrapLines(`! ${text}`, columns, 'red', 2)),
    ...previewLines(group, preview, columns),
    ...wrapLines(
      [
        `t time: ${describeTerm(draft.for)}`,
        `h host: ${draft.host}`,
        `p port: ${draft.port}`,
        `g program: ${draft.program}`,
      ].join(' · '),
      columns,
      undefined,
      2,
    ),
  ];
}

function previewLines(group: GroupView, preview: AnswerMode['preview'], columns: number): Line[] {
  if (preview.kind === 'asked') return wrapLines('(asking what it would do)', columns, 'dim');
  if (preview.kind === 'failed') return wrapLines(escapeText(preview.text), columns, 'red');
  const { sentence, rule, cautions, problem } = preview.preview;
  return [
    ...wrapLines(escapeText(sentence), columns, 'bold'),
    ...(rule === null ? [] : wrapLines(`remembers: ${escapeText(rule)}`, columns, undefined, 2)),
    ...cautionsOf(group, cautions).flatMap((text) => wrapLines(`- ${text}`, columns, 'yellow', 2)),
    ...(problem === null ? [] : wrapLines(escapeText(problem), columns, 'red')),
  ];
}

/** Everything of a question, what to beware of first, so that a small screen cuts other things. */
export function factLines(card: Card, nowMs: number, columns: number): Line[] {
  const { end, group } = card;
  const head =
    end === undefined ? [] : wrapLines(escapeText(describeEnd(card, end)), columns, 'bold', 2);
  const beware = warningsOf(group).flatMap((text) => wrapLines(`! ${text}`, columns, 'red', 2));
  return [...head, ...beware, ...plainLines(card, nowMs, columns)];
}

/** The facts without warnings; of a question that has ended nothing of who waits. */
function plainLines({ group, end }: Card, nowMs: number, columns: number): Line[] {
  return describeQuestion(group, nowMs)
    .filter(({ tone }) => tone === 'plain')
    .filter(({ label }) => end === undefined || (label !== 'waiting' && label !== 'gives up'))
    .flatMap(({ label, text }) => wrapLines(`${label}: ${text}`, columns, undefined, 2));
}
