// What an approver can choose on a card: time, host, port and program, always pre-set to the narrowest,
// and the request that a choice becomes. Pure.
/** @import { AnswerRequest, AskerView, GroupView } from '../messages.ts' */
import { count } from './words.js';

/**
 * One entry of a select.
 * @typedef {{ readonly value: string, readonly label: string }} Option
 */

/**
 * What the four selects and the two text fields say.
 * @typedef {object} Choice
 * @property {string} time
 * @property {string} host
 * @property {'this' | 'any'} port
 * @property {'this' | 'any'} program
 * @property {string} note
 */

/**
 * The entries of each select, the narrowest first.
 * @typedef {{ readonly time: readonly Option[], readonly host: readonly Option[],
 *   readonly port: readonly Option[], readonly program: readonly Option[] }} Options
 */

/**
 * What may be chosen for one question.
 * @param {GroupView} group
 * @returns {Options}
 */
export function optionsOf(group) {
  return {
    time: timeOptions(group.waiting),
    host: [
      { value: 'exact', label: `${group.host} only` },
      ...group.wildcards.map(({ host }) => ({ value: host, label: `every name of ${host}` })),
    ],
    port: [
      { value: 'this', label: `port ${group.port} only` },
      { value: 'any', label: 'any port' },
    ],
    program: programOptions([group]),
  };
}

/**
 * How long an answer can hold.
 * @param {number} waiting how many connections wait now
 * @returns {readonly Option[]}
 */
export function timeOptions(waiting) {
  const once = waiting === 0 ? 'once, at its next try' : `these ${count(waiting, 'connection')}`;
  return [
    { value: 'once', label: waiting === 1 ? 'this connection' : once },
    { value: '1h', label: 'for 1 hour' },
    { value: 'restart', label: 'until restart' },
    { value: 'always', label: 'always' },
  ];
}

/**
 * Whom an answer can be bound to; only `any` while some program that asks is not known.
 * @param {readonly GroupView[]} groups
 * @returns {readonly Option[]}
 */
export function programOptions(groups) {
  const any = { value: 'any', label: 'any program' };
  const askers = groups.flatMap((group) => group.askers);
  if (askers.length === 0 || groups.some((group) => group.unidentified)) return [any];
  const names = [...new Set(askers.map(programName))];
  const label = names.length === 1 ? `only ${names[0]}` : `only ${names.length} programs`;
  return [{ value: 'this', label }, any];
}

/**
 * `curl in app`: the program and the last part of where it works.
 * @param {AskerView} asker
 * @returns {string}
 */
export function programName(asker) {
  const folder = (asker.repository ?? asker.cwd)?.split(/[\\/]/).at(-1) ?? '';
  return folder === '' ? asker.program : `${asker.program} in ${folder}`;
}

/**
 * The narrowest choice.
 * @param {Options} options
 * @returns {Choice}
 */
export function narrowest(options) {
  const program = options.program[0]?.value === 'this' ? 'this' : 'any';
  return { time: 'once', host: 'exact', port: 'this', program, note: '' };
}

/**
 * The same choice as far as it can still be made; what cannot falls back to the narrowest.
 * @param {Choice} choice
 * @param {Options} options
 * @returns {Choice}
 */
export function keepChoice(choice, options) {
  const least = narrowest(options);
  const has = (/** @type {readonly Option[]} */ list, /** @type {string} */ value) =>
    list.some((option) => option.value === value);
  return {
    ...choice,
    time: has(options.time, choice.time) ? choice.time : least.time,
    host: has(options.host, choice.host) ? choice.host : least.host,
    program: has(options.program, choice.program) ? choice.program : least.program,
  };
}

/**
 * The answer that a choice becomes.
 * @param {'allow' | 'deny'} outcome
 * @param {Choice} choice
 * @param {number} revision the one the approver saw
 * @param {string} [tell] for denies: what the program is told
 * @returns {AnswerRequest}
 */
export function answerOf(outcome, choice, revision, tell = '') {
  const { time, host, port, program, note } = choice;
  return {
    outcome,
    for: time,
    host,
    port,
    program,
    revision,
    ...(note.trim() === '' ? undefined : { note: note.trim() }),
    ...(outcome === 'allow' || tell.trim() === '' ? undefined : { tell: tell.trim() }),
  };
}

/**
 * The next entry after `value`, the first after the last.
 * @param {readonly Option[]} options
 * @param {string} value
 * @returns {string}
 */
export function nextOption(options, value) {
  const at = options.findIndex((option) => option.value === value);
  return options[(at + 1) % options.length]?.value ?? value;
}
