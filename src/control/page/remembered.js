// The Remembered view: the answers that outlive their question, what they were used for, and Revoke.
/** @import { GrantView } from '../messages.ts' */
/** @import { Context, View } from './context.js' */
import { problemOf } from './api.js';
import { mayAnswer } from './context.js';
import { arrange, button, make, setAttribute, setText } from './dom.js';
import {
  count,
  grantPrograms,
  grantTime,
  hostPort,
  isUnused,
  moment,
  protocolWords,
} from './words.js';

/**
 * Makes the view in its panel.
 * @param {Context} context
 * @param {HTMLElement} panel
 * @returns {View}
 */
export function createRemembered(context, panel) {
  /** @type {Map<string, ReturnType<typeof createRow>>} */
  const rows = new Map();
  const empty = make('p', { class: 'empty' }, 'No answer is remembered.');
  const lasting = make('ul', { class: 'rows' });
  const unusedTitle = make('h3', {}, 'Not used for 30 days');
  const unused = make('ul', { class: 'rows' });
  panel.append(make('h2', {}, 'Remembered answers'), empty, lasting, unusedTitle, unused);

  function update() {
    const live = context.live();
    if (live === undefined) return;
    const now = Date.now();
    const ids = new Set(live.grants.map(({ id }) => id));
    for (const id of rows.keys()) if (!ids.has(id)) rows.delete(id);
    for (const grant of live.grants) {
      const row = rows.get(grant.id) ?? createRow(context, grant.id);
      rows.set(grant.id, row);
      row.update(grant);
    }
    const elementsOf = (/** @type {readonly GrantView[]} */ grants) =>
      grants.flatMap(({ id }) => rows.get(id)?.element ?? []);
    const sorted = [...live.grants].sort(byExpiry);
    arrange(lasting, elementsOf(sorted.filter((grant) => !isUnused(grant, now))));
    arrange(unused, elementsOf(sorted.filter((grant) => isUnused(grant, now))));
    setAttribute(empty, 'hidden', live.grants.length > 0);
    setAttribute(lasting, 'hidden', lasting.children.length === 0);
    setAttribute(unusedTitle, 'hidden', unused.children.length === 0);
    setAttribute(unused, 'hidden', unused.children.length === 0);
  }

  return { update, tick: () => undefined, open: () => update(), key: () => undefined };
}

/**
 * What ends first comes first; what never ends, last.
 * @param {GrantView} a
 * @param {GrantView} b
 * @returns {number}
 */
function byExpiry(a, b) {
  const end = (/** @type {GrantView} */ { expires, for: time }) =>
    expires ?? (time === 'restart' ? '~' : '~~');
  return end(a).localeCompare(end(b)) || a.created.localeCompare(b.created);
}

/**
 * @param {Context} context
 * @param {string} id
 */
function createRow(context, id) {
  const outcome = make('span', { class: 'outcome' });
  const where = make('span', { class: 'host' });
  const reach = make('span', {});
  const meta = make('p', { class: 'meta' });
  const note = make('p', { class: 'meta' });
  const message = make('p', { class: 'message', role: 'alert' });
  const revoke = button('Revoke', () => void revokeIt());
  const element = make(
    'li',
    {},
    make(
      'div',
      { class: 'grow' },
      make('p', {}, outcome, ' ', where, ' ', reach),
      meta,
      note,
      message,
    ),
    mayAnswer(context.live()?.role) && revoke,
  );

  async function revokeIt() {
    try {
      const { revoked } = await context.api.revoke(id);
      context.say(`${revoked.host} is no longer remembered`);
    } catch (error) {
      setText(message, problemOf(error));
    }
  }

  return {
    element,
    /** @param {GrantView} grant */
    update(grant) {
      const now = Date.now();
      setText(outcome, grant.outcome);
      setAttribute(outcome, 'data-outcome', grant.outcome);
      setText(where, hostPort(grant.host, grant.port));
      setText(reach, `${grantTime(grant, now)}, ${grantPrograms(grant)}`);
      setAttribute(revoke, 'aria-label', `Revoke ${grant.host}`);
      const used =
        grant.lastUsed === null
          ? 'not used yet'
          : `used ${count(grant.uses, 'time')}, last ${moment(grant.lastUsed, now)}`;
      const from = grant.question === null ? '' : ` to question ${grant.question}`;
      const given = `answered ${moment(grant.created, now)} by ${grant.approver} (${grant.surface})${from}`;
      setText(meta, [protocolWords(grant.protocol), used, given, grant.id].join(' · '));
      setText(note, grant.note ?? '');
    },
  };
}
