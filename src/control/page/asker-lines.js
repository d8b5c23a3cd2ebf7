// Who asks and why, as rows of a description list; shared by the card of a question and by a bundle's details.
/** @import { AskerView, GroupView } from '../messages.ts' */
import { make } from './dom.js';
import { count, moment } from './words.js';

/**
 * One row: its name, its text, and how it looks.
 * @typedef {{ readonly name: string, readonly lines: readonly string[],
 *   readonly look: 'plain' | 'code' | 'warning' | 'quiet' }} Row
 */

/**
 * What a prompt shows below its title, in the order a person needs it.
 * @param {GroupView} group
 * @param {number} nowMs
 * @returns {readonly Row[]}
 */
export function rowsOf(group, nowMs) {
  const { facts } = group;
  /** @type {(Row | false)[]} */
  const rows = [
    facts.unicode !== null && row('written', [facts.unicode]),
    group.request !== null && row('request', [group.request], 'code'),
    ...group.askers.flatMap(askerRows),
    group.askers.length > 0 && row('', ['reported by the operating system, not proof'], 'quiet'),
    group.unidentified && row('asked by', ['a program that could not be found'], 'warning'),
    row('why asked', [group.whySentence]),
    row('seen', [seenWords(group, nowMs)]),
    facts.about !== null && row('known as', [facts.about]),
    group.warnings.length > 0 && row('warning', group.warnings, 'warning'),
    group.exactOnly !== null && row('reach', [group.exactOnly], 'quiet'),
  ];
  return rows.filter((one) => one !== false);
}

/**
 * @param {string} name
 * @param {readonly string[]} lines
 * @param {Row['look']} [look]
 * @returns {Row}
 */
function row(name, lines, look = 'plain') {
  return { name, lines, look };
}

/**
 * @param {AskerView} asker
 * @returns {Row[]}
 */
function askerRows(asker) {
  const command = asker.commandLine.length === 0 ? asker.program : asker.commandLine.join(' ');
  const folder = [
    ...(asker.cwd === null ? [] : [asker.cwd]),
    ...(asker.repository === null || asker.repository === asker.cwd
      ? []
      : [`repository ${asker.repository}`]),
  ].join(' · ');
  const parents = asker.parents.toReversed().join(' › ');
  return [
    row('asked by', [`${asker.program} (${asker.pid}) ${command}`], 'code'),
    ...(folder === '' ? [] : [row('in', [folder], 'code')]),
    ...(parents === '' ? [] : [row('started by', [`${parents} › ${asker.program}`], 'code')]),
  ];
}

/**
 * @param {GroupView} group
 * @param {number} nowMs
 * @returns {string}
 */
function seenWords({ asked, firstSeen, lastSeen, facts }, nowMs) {
  const first = `first ${moment(firstSeen, nowMs)}`;
  const last =
    asked > 1 ? ` · last ${moment(lastSeen, nowMs)} · asked ${count(asked, 'time')}` : '';
  const known = facts.allowed + facts.denied > 0;
  const before = known
    ? ` · on this machine allowed ${count(facts.allowed, 'time')}, denied ${count(facts.denied, 'time')}`
    : ' · never decided on this machine';
  return `${first}${last}${before}`;
}

/** What each list says now. @type {WeakMap<HTMLElement, string>} */
const shown = new WeakMap();

/**
 * Fills a description list, unless it says the same already.
 * @param {HTMLElement} list
 * @param {readonly Row[]} rows
 */
export function showRows(list, rows) {
  const key = JSON.stringify(rows);
  if (shown.get(list) === key) return;
  shown.set(list, key);
  list.replaceChildren(
    ...rows.flatMap(({ name, lines, look }) => [
      make('dt', {}, name),
      ...lines.map((line) => make('dd', { class: look }, line)),
    ]),
  );
}
