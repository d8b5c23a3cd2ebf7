// The card of one question.
/** @import { GroupView } from '../messages.ts' */
/** @import { Context } from './context.js' */
/** @import { Item } from './items.js' */
import { problemOf } from './api.js';
import { createAnswerForm } from './answer-form.js';
import { rowsOf, showRows } from './asker-lines.js';
import { createFrame } from './card-frame.js';
import { answerOf } from './choices.js';
import { mayAnswer } from './context.js';
import { make, setText } from './dom.js';
import { answerWords, clockSpan, count, moment, protocolWords, roughSpan } from './words.js';

/**
 * Any card of the Waiting view.
 * @typedef {object} Card
 * @property {import('./card-frame.js').Frame} frame
 * @property {readonly string[]} ids the questions on it
 * @property {(item: Item) => void} update
 * @property {() => void} tick
 * @property {() => Promise<void>} [undo] takes back the answers to all of its questions; never rejects
 * @property {() => void} rest begins the half second in which it takes no answer
 * @property {() => void} see it has come into sight
 * @property {(event: KeyboardEvent) => boolean} key true when the key was for this card
 * @property {() => void} stop
 */

/**
 * Makes the card.
 * @param {Context} context
 * @param {Extract<Item, { kind: 'group' }>} item
 * @returns {Card}
 */
export function createGroupCard(context, item) {
  let { group } = item;
  const frame = createFrame(item.key);
  const facts = make('dl', { class: 'facts' });
  const form = mayAnswer(context.live()?.role)
    ? createAnswerForm(context, group, { onAnswer: answer, onHold: hold })
    : undefined;
  frame.title.append(...titleOf(group));
  frame.body.append(facts, ...(form === undefined ? [] : [form.element]));
  frame.element.addEventListener('focusin', (event) => {
    if (event.target !== frame.element) form?.arm(undefined);
  });
  show();

  function show() {
    frame.element.classList.toggle('warned', group.warnings.length > 0);
    setText(frame.meta, metaWords(group, Date.now()));
    showRows(facts, rowsOf(group, Date.now()));
  }

  /**
   * @param {'allow' | 'deny'} outcome
   * @param {string} [tell]
   */
  async function answer(outcome, tell) {
    if (form === undefined || !form.isReady()) return;
    const request = answerOf(outcome, form.choice(), group.revision, tell);
    const rule = form.preview(outcome)?.rule ?? undefined;
    form.arm(undefined);
    if (request.for === 'always' && !(await askAgain(context, outcome, group, rule))) return;
    form.setBusy(true);
    frame.tell('');
    try {
      const { released } = await context.api.answer(group.id, request);
      const words = answerWords({
        outcome,
        for: request.for ?? 'once',
        scopeHost: request.host ?? 'exact',
        scopePort: request.port ?? 'this',
      });
      const freed = released > 0 ? ` · ${count(released, 'connection')}` : '';
      frame.finish(`${group.host}:${group.port} ${words}${freed}`, () => undo());
      context.say(`${group.host} ${words}`);
    } catch (error) {
      frame.tell(problemOf(error));
      form.rest();
    } finally {
      form.setBusy(false);
    }
  }

  async function undo() {
    try {
      const { closed } = await context.api.undo(group.id);
      const text = `${group.host}:${group.port} undone${closed > 0 ? ` · ${count(closed, 'connection')} closed` : ''}`;
      frame.finish(text, undefined);
      context.say(text);
    } catch (error) {
      context.say(problemOf(error));
    }
  }

  async function hold() {
    try {
      await context.api.hold(group.id, '5m');
      context.say(`${group.host} is held 5 minutes longer`);
    } catch (error) {
      frame.tell(problemOf(error));
    }
  }

  return {
    frame,
    get ids() {
      return [group.id];
    },
    update(next) {
      if (next.kind !== 'group') return;
      const isChanged = next.group.revision !== group.revision;
      group = next.group;
      form?.update(group);
      if (isChanged) {
        form?.arm(undefined);
        form?.rest();
      }
      show();
    },
    tick: () => setText(frame.meta, metaWords(group, Date.now())),
    undo,
    rest: () => form?.rest(),
    see: () => form?.see(),
    stop: () => form?.stop(),
    key: (event) => (form === undefined ? false : formKey(form, event, answer)),
  };
}

/**
 * @param {import('./answer-form.js').AnswerForm} form
 * @param {KeyboardEvent} event
 * @param {(outcome: 'allow' | 'deny') => Promise<void>} answer
 * @returns {boolean}
 */
function formKey(form, event, answer) {
  const selects = /** @type {const} */ ({ t: 'time', h: 'host', p: 'port', g: 'program' });
  const armed = form.armed();
  switch (event.key) {
    case 'd':
    case 'a':
      form.arm(event.key === 'd' ? 'deny' : 'allow');
      return true;
    case 't':
    case 'h':
    case 'p':
    case 'g':
      form.cycle(selects[event.key]);
      return true;
    case 'Enter':
      if (armed === undefined) return false;
      void answer(armed); // never rejects
      return true;
    case 'Escape':
      form.arm(undefined);
      return armed !== undefined;
    default:
      return false;
  }
}

/**
 * Asks once more before an answer is remembered for good.
 * @param {Context} context
 * @param {'allow' | 'deny'} outcome
 * @param {GroupView} group
 * @param {string | undefined} rule
 * @returns {Promise<boolean>}
 */
export function askAgain(context, outcome, group, rule) {
  const verb = outcome === 'allow' ? 'Allow' : 'Deny';
  return context.confirm({
    title: `${verb} ${group.host} always?`,
    lines: ['This goes into the remembered answers, also after a restart, until it is revoked.'],
    yes: `${verb} always`,
    isDangerous: outcome === 'deny',
    ...(rule === undefined ? undefined : { rule }),
  });
}

/**
 * @param {GroupView} group
 * @returns {readonly HTMLElement[]}
 */
export function titleOf(group) {
  const host = group.host.includes(':') ? `[${group.host}]` : group.host;
  return [make('span', { class: 'host' }, host), make('span', { class: 'port' }, `:${group.port}`)];
}

/**
 * Protocol, how many wait and for how long, when somebody gives up, and the id that the terminal knows it by.
 * @param {GroupView} group
 * @param {number} nowMs
 * @returns {string}
 */
export function metaWords(group, nowMs) {
  const waits =
    group.waitingSince === null
      ? `client gone; an answer serves its next try · kept until ${moment(group.expires, nowMs)}`
      : `${group.waiting} waiting ${clockSpan(nowMs - Date.parse(group.waitingSince))}`;
  const ends = [group.clientLeaves, group.deadline].map((iso) =>
    iso === null ? undefined : Date.parse(iso) - nowMs,
  );
  const [leaves, deadline] = ends;
  /** @type {string[]} */
  const more = [];
  if (leaves !== undefined && leaves > 0 && (deadline === undefined || leaves < deadline)) {
    more.push(`client gives up in about ${roughSpan(leaves)}`);
  } else if (deadline !== undefined && deadline > 0) {
    more.push(`refused in ${roughSpan(deadline)}`);
  }
  return [protocolWords(group.protocol), waits, ...more, group.id].join(' · ');
}
