// One card for questions that belong together: a checklist. Nothing is ticked to begin with; Allow reaches only
// what is ticked and exactly as it stands there, Deny what is ticked, or all when nothing is.
/** @import { AnswerRequest, GroupView } from '../messages.ts' */
/** @import { Card } from './group-card.js' */
/** @import { Context } from './context.js' */
/** @import { Item } from './items.js' */
import { problemOf } from './api.js';
import { rowsOf, showRows } from './asker-lines.js';
import { createFrame } from './card-frame.js';
import { answerOf, programOptions, timeOptions } from './choices.js';
import { mayAnswer } from './context.js';
import { arrange, button, make, setAttribute, setOff, setText } from './dom.js';
import { metaWords, titleOf } from './group-card.js';
import { createQuietTime } from './quiet-time.js';
import { createSelects } from './selects.js';
import { count, durationWords } from './words.js';

/**
 * Makes the card.
 * @param {Context} context
 * @param {Extract<Item, { kind: 'bundle' }>} first
 * @returns {Card}
 */
export function createBundleCard(context, first) {
  let item = first;
  let isBusy = false;
  /** @type {Map<string, ReturnType<typeof createRow>>} */
  const rows = new Map();
  const frame = createFrame(item.key);
  const list = make('ul', { class: 'checklist' });
  const canAnswer = mayAnswer(context.live()?.role);
  const deny = button('Deny', () => answer('deny'), { class: 'deny' });
  const allow = button('Allow', () => answer('allow'), { class: 'allow' });
  const selects = createSelects(['time', 'program'], bundleOptions(item.groups), () => showOff());
  const quiet = createQuietTime(() => showOff());
  frame.body.append(list);
  if (canAnswer) {
    frame.body.append(
      make(
        'div',
        { class: 'answer' },
        make('div', { class: 'row' }, deny, allow, ...selects.elements),
      ),
    );
  }
  show();

  function ticked() {
    return item.groups.filter(({ id }) => rows.get(id)?.isTicked() === true);
  }

  function showOff() {
    const number = ticked().length;
    setText(allow, number === 0 ? 'Allow ticked' : `Allow ${number} ticked`);
    setText(deny, number === 0 ? `Deny all ${item.groups.length}` : `Deny ${number} ticked`);
    setOff(allow, number === 0 || quiet.isOn() || isBusy);
    setOff(deny, quiet.isOn() || isBusy);
  }

  function show() {
    setText(frame.title, item.title);
    const waiting = item.groups.reduce((sum, group) => sum + group.waiting, 0);
    const suggestion = item.suggests === 'deny' ? ' · better denied' : '';
    setText(
      frame.meta,
      `${count(item.groups.length, 'destination')} · ${waiting} waiting${suggestion}`,
    );
    frame.element.classList.toggle('warned', item.suggests === 'deny');
    const ids = new Set(item.groups.map(({ id }) => id));
    for (const id of rows.keys()) if (!ids.has(id)) rows.delete(id);
    for (const group of item.groups) {
      const row = rows.get(group.id) ?? createRow(group, canAnswer, () => showOff());
      rows.set(group.id, row);
      row.update(group);
    }
    selects.update(bundleOptions(item.groups));
    arrange(
      list,
      [...rows.values()].map((row) => row.element),
    );
    showOff();
  }

  /** @param {'allow' | 'deny'} outcome */
  async function answer(outcome) {
    if (quiet.isOn() || isBusy) return;
    const chosen = ticked();
    const groups = chosen.length === 0 && outcome === 'deny' ? item.groups : chosen;
    if (groups.length === 0) return;
    const choice = {
      ...selects.choice(),
      host: 'exact',
      port: /** @type {const} */ ('this'),
      note: '',
    };
    if (choice.time === 'always' && !(await askForAll(context, outcome, groups))) return;
    isBusy = true;
    showOff();
    const done = await answerAll(
      context,
      groups,
      (group) => answerOf(outcome, choice, group.revision),
      (id, text) => rows.get(id)?.tell(text),
    );
    isBusy = false;
    showOff();
    if (done.length === 0) return;
    const words = `${outcome === 'allow' ? 'allowed' : 'denied'} ${durationWords(choice.time)}`;
    const text = `${count(done.length, 'destination')} ${words}`;
    context.say(text);
    // Some may have left the card by now, since the stream was faster.
    if (item.groups.every(({ id }) => done.includes(id))) {
      frame.finish(`${item.title}: ${text}`, () => undoAll(done));
    } else {
      frame.part.show(text, () => undo(done, (line) => frame.part.show(line, undefined)));
      quiet.start();
    }
  }

  /**
   * @param {readonly string[]} ids
   * @param {(text: string) => void} tellDone
   */
  async function undo(ids, tellDone) {
    let closed = 0;
    try {
      for (const id of ids) closed += (await context.api.undo(id)).closed;
      const tunnels = closed > 0 ? ` · ${count(closed, 'connection')} closed` : '';
      tellDone(`${count(ids.length, 'destination')} undone${tunnels}`);
    } catch (error) {
      context.say(problemOf(error));
    }
  }

  /** @param {readonly string[]} ids */
  function undoAll(ids) {
    return undo(ids, (line) => frame.finish(line, undefined));
  }

  return {
    frame,
    get ids() {
      return item.groups.map(({ id }) => id);
    },
    update(next) {
      if (next.kind !== 'bundle') return;
      if (revisions(next.groups) !== revisions(item.groups)) quiet.start();
      item = next;
      show();
    },
    tick() {
      for (const group of item.groups) rows.get(group.id)?.tick(group);
    },
    undo: () => undoAll(item.groups.map(({ id }) => id)),
    rest: () => quiet.start(),
    see: () => undefined,
    stop: () => quiet.stop(),
    key(event) {
      if (event.key !== 't' && event.key !== 'g') return false;
      selects.cycle(event.key === 't' ? 'time' : 'program');
      return true;
    },
  };
}

/**
 * @param {readonly GroupView[]} groups
 * @returns {string}
 */
function revisions(groups) {
  return groups.map(({ id, revision }) => `${id}.${revision}`).join(' ');
}

/** @param {readonly GroupView[]} groups */
function bundleOptions(groups) {
  const waiting = groups.reduce((sum, group) => sum + group.waiting, 0);
  return {
    time: timeOptions(waiting),
    host: [{ value: 'exact', label: 'these hosts only' }],
    port: [{ value: 'this', label: 'these ports only' }],
    program: programOptions(groups),
  };
}

/**
 * One destination of the checklist; what is known of it opens below.
 * @param {GroupView} first
 * @param {boolean} canAnswer
 * @param {() => void} onTick
 */
function createRow(first, canAnswer, onTick) {
  const box = make('input', { type: 'checkbox', hidden: !canAnswer });
  const meta = make('span', { class: 'meta' });
  const warning = make('span', { class: 'warning' });
  const message = make('span', { class: 'message', role: 'alert' });
  const facts = make('dl', { class: 'facts' });
  box.addEventListener('change', onTick);
  const element = make(
    'li',
    {},
    make('label', {}, box, ...titleOf(first)),
    meta,
    warning,
    message,
    make('details', {}, make('summary', {}, 'Details'), facts),
  );
  return {
    element,
    isTicked: () => box.checked,
    tell: (/** @type {string} */ text) => setText(message, text),
    tick: (/** @type {GroupView} */ group) => setText(meta, metaWords(group, Date.now())),
    update(/** @type {GroupView} */ group) {
      setText(meta, metaWords(group, Date.now()));
      setText(warning, group.warnings.join(' '));
      setAttribute(warning, 'hidden', group.warnings.length === 0);
      showRows(facts, rowsOf(group, Date.now()));
    },
  };
}

/**
 * Answers one after the other; gives the ids of those that were taken.
 * @param {Context} context
 * @param {readonly GroupView[]} groups
 * @param {(group: GroupView) => AnswerRequest} requestFor
 * @param {(id: string, text: string) => void} tell
 * @returns {Promise<readonly string[]>}
 */
async function answerAll(context, groups, requestFor, tell) {
  /** @type {string[]} */
  const done = [];
  for (const group of groups) {
    try {
      await context.api.answer(group.id, requestFor(group));
      done.push(group.id);
    } catch (error) {
      tell(group.id, problemOf(error));
    }
  }
  return done;
}

/**
 * @param {Context} context
 * @param {'allow' | 'deny'} outcome
 * @param {readonly GroupView[]} groups
 * @returns {Promise<boolean>}
 */
function askForAll(context, outcome, groups) {
  const verb = outcome === 'allow' ? 'Allow' : 'Deny';
  return context.confirm({
    title: `${verb} ${count(groups.length, 'destination')} always?`,
    lines: ['Each goes into the remembered answers, also after a restart, until it is revoked.'],
    rule: groups.map(({ host, port }) => `${outcome} ${host}:${port}`).join('\n'),
    yes: `${verb} always`,
    isDangerous: outcome === 'deny',
  });
}
