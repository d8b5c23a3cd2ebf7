// The History view: the answers of this run with Undo, and every decision out of the journal, filtered.
/** @import { AnswerView, HistoryEntry } from '../messages.ts' */
/** @import { Context, View } from './context.js' */
import { problemOf } from './api.js';
import { mayAnswer } from './context.js';
import { arrange, button, make, setAttribute, setText } from './dom.js';
import { answerWords, count, entryWhy, hostPort, moment, roughSpan } from './words.js';

const typingMs = 250;
const pageSize = 100;
const hourMs = 3_600_000;

/**
 * Makes the view in its panel.
 * @param {Context} context
 * @param {HTMLElement} panel
 * @returns {View}
 */
export function createHistory(context, panel) {
  const filters = makeFilters(() => startSoon());
  const answers = make('ul', { class: 'rows' });
  const answersTitle = make('h3', {}, 'Answers of this run');
  const entries = make('ul', { class: 'rows' });
  const message = make('p', { class: 'message', role: 'alert' });
  const empty = make('p', { class: 'empty', hidden: true }, 'No decision fits.');
  const more = button('Load more', () => void load(nextBefore()), { hidden: true });
  let oldest = '';
  /** The decisions that are shown, and whether the last page had new ones. */
  const shown = new Set();
  let hadNew = true;
  /** What each row of an answer says. @type {Map<string, { readonly key: string, readonly row: HTMLElement }>} */
  let answerRows = new Map();
  let turn = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  panel.append(
    make('h2', {}, 'History'),
    answersTitle,
    answers,
    make('h3', {}, 'Decisions'),
    filters.element,
    message,
    empty,
    entries,
    more,
  );

  function startSoon() {
    clearTimeout(timer);
    timer = setTimeout(() => void load(''), typingMs);
  }

  /** Many decisions can fall into one millisecond: the last one is asked for again, and what is shown is left out. */
  function nextBefore() {
    return hadNew ? new Date(Date.parse(oldest) + 1).toISOString() : oldest;
  }

  /** @param {string} before ISO time; empty: from the newest */
  async function load(before) {
    turn += 1;
    const mine = turn;
    const query = {
      ...filters.query(Date.now()),
      limit: String(pageSize),
      ...(before === '' ? undefined : { before }),
    };
    try {
      const page = await context.api.history(query);
      if (mine !== turn) return;
      const now = Date.now();
      if (before === '') shown.clear();
      const fresh = page.entries.filter(({ uid }) => !shown.has(uid));
      for (const { uid } of fresh) shown.add(uid);
      hadNew = fresh.length > 0;
      const rows = fresh.map((entry) => entryRow(context, entry, now));
      if (before === '') entries.replaceChildren(...rows);
      else entries.append(...rows);
      oldest = page.entries.at(-1)?.at ?? oldest;
      setAttribute(more, 'hidden', !page.more);
      setAttribute(entries, 'hidden', entries.children.length === 0);
      setAttribute(empty, 'hidden', entries.children.length > 0);
      setText(message, '');
    } catch (error) {
      if (mine === turn) setText(message, problemOf(error));
    }
  }

  function update() {
    const live = context.live();
    const list = live?.answers ?? [];
    setAttribute(answersTitle, 'hidden', list.length === 0);
    setAttribute(answers, 'hidden', list.length === 0);
    const now = Date.now();
    answerRows = new Map(
      list.map((answer) => {
        const key = JSON.stringify(answer);
        const old = answerRows.get(answer.id);
        const row = old?.key === key ? old.row : answerRow(context, answer, now);
        return [answer.id, { key, row }];
      }),
    );
    arrange(
      answers,
      [...answerRows.values()].map(({ row }) => row),
    );
  }

  return {
    update,
    tick: () => undefined,
    key: () => undefined,
    open() {
      update();
      void load(''); // never rejects
    },
  };
}

/** @param {() => void} onChange */
function makeFilters(onChange) {
  const host = make('input', { type: 'search', maxlength: 255, autocomplete: 'off' });
  const program = make('input', { type: 'search', maxlength: 255, autocomplete: 'off' });
  const outcome = choose([
    ['', 'all'],
    ['deny', 'denied'],
    ['allow', 'allowed'],
  ]);
  const since = choose([
    ['', 'any time'],
    ['1', 'last hour'],
    ['24', 'last 24 hours'],
    ['168', 'last 7 days'],
  ]);
  for (const input of [host, program]) input.addEventListener('input', onChange);
  for (const select of [outcome, since]) select.addEventListener('change', onChange);
  return {
    element: make(
      'div',
      { class: 'filters', role: 'search', 'aria-label': 'Filter the decisions' },
      make('label', {}, 'Host', host),
      make('label', {}, 'Program', program),
      make('label', {}, 'Outcome', outcome),
      make('label', {}, 'Time', since),
    ),
    /**
     * @param {number} nowMs
     * @returns {Record<string, string>}
     */
    query(nowMs) {
      const from =
        since.value === '' ? '' : new Date(nowMs - Number(since.value) * hourMs).toISOString();
      const all = {
        host: host.value.trim(),
        program: program.value.trim(),
        outcome: outcome.value,
        since: from,
      };
      return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
    },
  };
}

/** @param {readonly (readonly [string, string])[]} options */
function choose(options) {
  return make('select', {}, ...options.map(([value, label]) => make('option', { value }, label)));
}

/**
 * @param {Context} context
 * @param {AnswerView} answer
 * @param {number} nowMs
 * @returns {HTMLElement}
 */
function answerRow(context, answer, nowMs) {
  const message = make('p', { class: 'message', role: 'alert' });
  const undo = button('Undo', () => void undoIt(), {
    'aria-label': `Undo ${answer.id}, ${answer.host}`,
  });
  const undone = answer.undone === null ? [] : [`undone ${moment(answer.undone, nowMs)}`];
  const released = answer.released > 0 ? [count(answer.released, 'connection')] : [];
  const facts = [
    moment(answer.at, nowMs),
    `${answer.approver} (${answer.surface})`,
    `after ${roughSpan(answer.latencyMs)}`,
    ...released,
    ...undone,
    answer.id,
  ];

  async function undoIt() {
    try {
      const { closed } = await context.api.undo(answer.id);
      context.say(
        `${answer.host} undone${closed > 0 ? `, ${count(closed, 'connection')} closed` : ''}`,
      );
    } catch (error) {
      setText(message, problemOf(error));
    }
  }

  return make(
    'li',
    {},
    make(
      'div',
      { class: 'grow' },
      make(
        'p',
        {},
        make('span', { class: 'host' }, hostPort(answer.host, answer.port)),
        ` ${answerWords(answer)}`,
      ),
      make('p', { class: 'meta' }, facts.join(' · ')),
      message,
    ),
    answer.undone === null && mayAnswer(context.live()?.role) && undo,
  );
}

/**
 * @param {Context} context
 * @param {HistoryEntry} entry
 * @param {number} nowMs
 * @returns {HTMLElement}
 */
function entryRow(context, entry, nowMs) {
  const wait =
    entry.waitMs === null || entry.waitMs < 1000 ? [] : [`waited ${roughSpan(entry.waitMs)}`];
  const program =
    entry.program === null
      ? []
      : [`${entry.program}${entry.pid === null ? '' : ` (${entry.pid})`}`];
  const facts = [moment(entry.at, nowMs), entryWhy(entry), ...program, ...wait, entry.protocol];
  const isAdmin = context.live()?.role === 'admin';
  const route = `rules/add/${entry.outcome}/${encodeURIComponent(entry.host)}`;
  return make(
    'li',
    {},
    make('span', { class: 'outcome', 'data-outcome': entry.outcome }, entry.outcome),
    make(
      'div',
      { class: 'grow' },
      make('p', { class: 'host' }, hostPort(entry.host, entry.port)),
      make('p', { class: 'meta' }, facts.join(' · ')),
    ),
    isAdmin &&
      entry.rule === null &&
      make(
        'a',
        { href: `#${route}`, 'aria-label': `Make a rule from ${entry.host}` },
        'Make a rule',
      ),
  );
}
