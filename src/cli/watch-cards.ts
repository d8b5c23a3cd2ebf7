// The questions of `sallyport watch` as cards: they keep their places, new ones come last, and what has ended stays
// where it stood, so that nothing moves under a hand. Pure.
import type { AnswerView, GroupView, LiveView } from '../control/messages.ts';

/** One question on the screen; it keeps its place after its end. */
export interface Card {
  /** Names the question beyond this run of the daemon, where ids begin again. */
  readonly key: string;
  readonly group: GroupView;
  /** Undefined while it waits for an answer. */
  readonly end: CardEnd | undefined;
}

/** Why a question waits no more. */
export type CardEnd =
  { readonly kind: 'answered'; readonly answer: AnswerView } | { readonly kind: 'gone' };

/** Cards that have ended and are kept on the screen. */
const endedLimit = 40;

/** Cards after a new view, and what of them is new. */
export interface Merged {
  readonly cards: readonly Card[];
  readonly added: number;
  /** How many of them began to need a person. */
  readonly calls: number;
  /** Keys of cards that are not what they were. */
  readonly changed: ReadonlySet<string>;
}

/** Cards keep their order; new ones come last; what has ended stays where it is. */
export function mergeCards(
  cards: readonly Card[],
  view: LiveView,
  selected: string | undefined,
): Merged {
  const open = new Map(view.groups.map((group) => [keyOf(group), group]));
  const changed = new Set<string>();
  let calls = 0;
  const kept = cards.map((card): Card => {
    const group = open.get(card.key);
    open.delete(card.key);
    if (group === undefined) return { ...card, end: endOf(card, view.answers) };
    if (card.group.reviewing === true && group.reviewing !== true) calls += 1;
    if (signature(group) !== signature(card.group) || card.end !== undefined) changed.add(card.key);
    return { key: card.key, group, end: undefined };
  });
  const fresh = [...open].map(([key, group]): Card => ({ key, group, end: undefined }));
  calls += fresh.filter(({ group }) => group.reviewing !== true).length;
  const all = forgetOldest([...kept, ...fresh], selected);
  return { cards: all, added: fresh.length, calls, changed };
}

function keyOf({ id, firstSeen }: GroupView): string {
  return `${id} ${firstSeen}`;
}

/** What an approver has read; how many wait and for how long changes all the time and is no part of it. */
function signature({
  revision,
  warnings,
  facts,
  bundle,
  unidentified,
  reviewing = false,
}: GroupView): string {
  const similar = facts.lookAlike?.of ?? '';
  const suggested = bundle?.suggests ?? '';
  return [revision, similar, suggested, unidentified, reviewing, ...warnings].join('\n');
}

/** The daemon tells of its last answers and of this run only: what was known before stays. */
function endOf({ group, end }: Card, answers: readonly AnswerView[]): CardEnd {
  const answer = answers.find(
    ({ id, host, port }) => id === group.id && host === group.host && port === group.port,
  );
  return answer === undefined ? (end ?? { kind: 'gone' }) : { kind: 'answered', answer };
}

function forgetOldest(cards: readonly Card[], selected: string | undefined): readonly Card[] {
  let surplus = cards.filter(({ end }) => end !== undefined).length - endedLimit;
  if (surplus <= 0) return cards;
  return cards.filter(({ key, end }) => {
    if (surplus <= 0 || end === undefined || key === selected) return true;
    surplus -= 1;
    return false;
  });
}

/** How a question ended, in one sentence. */
export function describeEnd({ group }: Card, end: CardEnd): string {
  if (end.kind === 'gone') return `${group.id} is gone without an answer`;
  const { approver, surface } = end.answer;
  return `${group.id} was ${describeFate(end)} by ${approver} (${surface})`;
}

/** The same in two or three words: `allowed once`, `denied always, undone`, `gone`. */
export function describeFate(end: CardEnd): string {
  if (end.kind === 'gone') return 'gone';
  const { outcome, for: term, undone } = end.answer;
  const verb = outcome === 'allow' ? 'allowed' : 'denied';
  return `${verb} ${describeTerm(term)}${undone === null ? '' : ', undone since'}`;
}

/** `once`, `for 1h`, `until restart`, `always`. */
export function describeTerm(term: string): string {
  if (term === 'once' || term === 'always') return term;
  return term === 'restart' ? 'until restart' : `for ${term}`;
}
