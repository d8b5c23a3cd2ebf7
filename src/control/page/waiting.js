// The Waiting view: the cards, where they stand, and the keys. Cards keep their places; one that moved, since
// something above it grew or went, takes no answer for half a second. What is over leaves a line for ten seconds,
// and takes no more room than that unless something under the pointer would move.
/** @import { AnswerView, LiveView } from '../messages.ts' */
/** @import { Card } from './group-card.js' */
/** @import { Context, View } from './context.js' */
/** @import { Item } from './items.js' */
import { createBundleCard } from './bundle-card.js';
import { mayAnswer } from './context.js';
import { arrange, make, setAttribute } from './dom.js';
import { undoMs } from './end-line.js';
import { createFloodCard } from './flood-card.js';
import { createGroupCard } from './group-card.js';
import { itemsOf, orderKeys } from './items.js';
import { createPointer } from './waiting-pointer.js';
import { answerWords } from './words.js';

/** So many answered cards are kept at most. */
const overLimit = 50;

/**
 * Makes the view in its panel.
 * @param {Context} context
 * @param {HTMLElement} panel
 * @returns {View}
 */
export function createWaiting(context, panel) {
  /** @type {Map<string, Card>} */
  const cards = new Map();
  /** @type {readonly string[]} */
  let order = [];
  /** @type {Map<string, number>} */
  let places = new Map();
  /** The question that the address names, until it has been brought into sight. @type {string | undefined} */
  let wanted;
  const list = make('div', { class: 'cards' });
  const empty = make(
    'p',
    { class: 'empty' },
    'Nothing waits. Questions come up here by themselves.',
  );
  panel.append(make('h2', { class: 'unseen' }, 'Waiting'), empty, list);
  const pointer = createPointer(list, () => settle());
  list.addEventListener('over', () => settle());
  const seen = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        seen.unobserve(target);
        cardOf(target)?.see();
      }
    },
    { rootMargin: '600px' },
  );
  const moved = new ResizeObserver(() => restMoved());
  for (const element of [list, ...document.querySelectorAll('#header, #banners')]) {
    moved.observe(element);
  }

  /** @param {Element | null} element */
  function cardOf(element) {
    const key = element?.closest('.card')?.getAttribute('data-key');
    return key === null || key === undefined ? undefined : cards.get(key);
  }

  function restMoved() {
    const now = new Map([...cards].map(([key, card]) => [key, card.frame.element.offsetTop]));
    for (const [key, top] of now) {
      const before = places.get(key);
      if (before !== undefined && before !== top) cards.get(key)?.rest();
    }
    places = now;
  }

  /** Collapses what is over, but nothing that would move what is under the pointer. */
  function settle() {
    pointer.keepLength();
    let hasMoved = false;
    for (const { frame } of cards.values()) {
      if (!frame.isOver() || !pointer.isClearOf(frame.element)) continue;
      if (frame.collapse()) hasMoved = true;
    }
    if (hasMoved) restMoved();
  }

  /** @param {Item} item */
  function show(item) {
    const known = cards.get(item.key);
    if (known !== undefined) return known.update(item);
    const card = createCard(context, item);
    cards.set(item.key, card);
    card.rest();
    seen.observe(card.frame.element);
  }

  /** @param {string} key */
  function remove(key) {
    const card = cards.get(key);
    if (card === undefined) return;
    card.stop();
    seen.unobserve(card.frame.element);
    cards.delete(key);
  }

  function place() {
    order = order.filter((key) => cards.has(key));
    arrange(
      list,
      order.flatMap((key) => cards.get(key)?.frame.element ?? []),
    );
    setAttribute(empty, 'hidden', order.length > 0);
    restMoved();
  }

  function update() {
    const live = context.live();
    if (live === undefined) return;
    const items = itemsOf(live, order);
    const now = new Set(items.map(({ key }) => key));
    const bundled = new Set(
      items.flatMap((item) =>
        item.kind === 'bundle' ? item.groups.map(({ id }) => `group:${id}`) : [],
      ),
    );
    for (const [key, card] of cards) {
      if (bundled.has(key)) remove(key);
      else if (!now.has(key) && !card.frame.isOver()) {
        const undo = isUndoable(card, live, Date.now()) ? card.undo : undefined;
        card.frame.finish(endWords(card, live.answers), undo);
      }
    }
    for (const item of items) show(item);
    order = orderKeys(order, items, (key) => cards.has(key));
    place();
    pointOut();
  }

  /** Scrolls to the card of the wanted question and marks it; the focus stays where it is. */
  function pointOut() {
    const found = [...cards.values()].find(
      ({ ids }) => wanted !== undefined && ids.includes(wanted),
    );
    if (found === undefined) return;
    wanted = undefined;
    for (const card of cards.values())
      card.frame.element.classList.toggle('wanted', card === found);
    found.frame.element.scrollIntoView({ block: 'center' });
  }

  function tick() {
    settle();
    for (const [key, card] of cards) {
      card.frame.expireUndo();
      if (!card.frame.isOver()) card.tick();
      else if (performance.now() - card.frame.overAt() > undoMs && !isUsed(card)) remove(key);
    }
    dropOldest();
    if (cards.size !== order.length) place();
  }

  /**
   * Whether the pointer or the keys of somebody are there, or something under the pointer would move without it.
   * After a click the focus is of no use to anybody.
   * @param {Card} card
   */
  function isUsed({ frame: { element } }) {
    return !pointer.isClearOf(element) || element.matches(':has(:focus-visible), :focus-visible');
  }

  /** A pointer that rests on the list must not make it grow for ever. */
  function dropOldest() {
    const over = [...cards].filter(([, card]) => card.frame.isOver());
    over.sort(([, a], [, b]) => a.frame.overAt() - b.frame.overAt());
    for (const [key] of over.slice(0, Math.max(0, over.length - overLimit))) remove(key);
  }

  /** @param {1 | -1} step */
  function move(step) {
    const elements = order.flatMap((key) => cards.get(key)?.frame.element ?? []);
    const at = elements.findIndex((element) => element.contains(document.activeElement));
    const next = elements[at < 0 ? (step > 0 ? 0 : elements.length - 1) : at + step];
    next?.focus();
  }

  /** @param {KeyboardEvent} event */
  function takeKey(event) {
    const card = cardOf(document.activeElement);
    if (event.key === 'j' || event.key === 'k') move(event.key === 'j' ? 1 : -1);
    else if (event.key === 'u') undoLast(card);
    else if (card?.frame.isOver() === false && card.key(event)) event.preventDefault();
    else if (event.key === 'Escape') card?.frame.element.focus();
  }

  /** @param {Card | undefined} card */
  function undoLast(card) {
    const lines = [...cards.values()].flatMap((one) => one.frame.undoable() ?? []);
    const [last] = lines.sort((a, b) => b.shownAt() - a.shownAt());
    (card?.frame.undoable() ?? last)?.undo();
  }

  /** @param {readonly string[]} rest */
  function open([id]) {
    wanted = id;
    pointOut();
  }

  return { update, tick, key: takeKey, open };
}

/**
 * @param {Context} context
 * @param {Item} item
 * @returns {Card}
 */
function createCard(context, item) {
  switch (item.kind) {
    case 'group':
      return createGroupCard(context, item);
    case 'bundle':
      return createBundleCard(context, item);
    case 'flood':
      return createFloodCard(context, item);
    default:
      return item;
  }
}

/**
 * Whether all of the card was answered on the page just now, though not by the card: by an alert.
 * @param {Card} card
 * @param {LiveView} live
 * @param {number} nowMs
 * @returns {boolean}
 */
function isUndoable({ ids }, { answers, role }, nowMs) {
  const isFresh = (/** @type {AnswerView} */ { surface, undone, at }) =>
    surface === 'page' && undone === null && nowMs - Date.parse(at) < undoMs;
  const areFresh = ids.every((id) => answers.some((answer) => answer.id === id && isFresh(answer)));
  return mayAnswer(role) && areFresh;
}

/**
 * What is left to say of a card that went by itself: who answered it elsewhere, or that nobody did.
 * @param {Card} card
 * @param {readonly AnswerView[]} answers
 * @returns {string}
 */
function endWords(card, answers) {
  const title = card.frame.title.textContent ?? '';
  const found = card.ids.flatMap((id) => answers.find((answer) => answer.id === id) ?? []);
  const [answer] = found;
  if (answer === undefined) return `${title} no longer asks`;
  return `${title} ${answerWords(answer)} by ${answer.approver} (${answer.surface})`;
}
