// The selects of a card: labelled, pre-set to the narrowest, kept as chosen while the question goes on.
/** @import { Choice, Option, Options } from './choices.js' */
import { keepChoice, narrowest, nextOption } from './choices.js';
import { make, setText } from './dom.js';

/** @typedef {'time' | 'host' | 'port' | 'program'} SelectName */

/** @type {Readonly<Record<SelectName, string>>} */
const labels = {
  time: 'How long',
  host: 'Which host',
  port: 'Which port',
  program: 'Which program',
};

/**
 * The selects of one card.
 * @typedef {object} Selects
 * @property {readonly HTMLElement[]} elements
 * @property {(options: Options) => void} update
 * @property {() => Choice} choice
 * @property {(name: SelectName) => void} cycle chooses the next entry
 */

/**
 * Makes those that are named; the others stay at their narrowest.
 * @param {readonly SelectName[]} names
 * @param {Options} first
 * @param {() => void} onChange
 * @returns {Selects}
 */
export function createSelects(names, first, onChange) {
  let options = first;
  let choice = narrowest(first);
  const selects = new Map(
    names.map((name) => [name, make('select', { 'aria-label': labels[name] })]),
  );
  const choose = (/** @type {SelectName} */ name, /** @type {string} */ value) => {
    choice = keepChoice({ ...choice, [name]: value }, options);
    show();
    onChange();
  };
  const show = () => {
    for (const [name, select] of selects) showOptions(select, options[name], choice[name]);
  };
  for (const [name, select] of selects) {
    select.addEventListener('change', () => choose(name, select.value));
  }
  show();
  return {
    elements: [...selects.values()],
    choice: () => choice,
    update(next) {
      options = next;
      choice = keepChoice(choice, next);
      show();
    },
    cycle(name) {
      if (selects.has(name)) choose(name, nextOption(options[name], choice[name]));
    },
  };
}

/**
 * Changes only what differs: an open list must not be rebuilt under the pointer.
 * @param {HTMLSelectElement} select
 * @param {readonly Option[]} options
 * @param {string} value
 */
function showOptions(select, options, value) {
  const same =
    select.options.length === options.length &&
    options.every((option, at) => select.options[at]?.value === option.value);
  if (!same) {
    select.replaceChildren(...options.map((option) => make('option', { value: option.value })));
  }
  for (const [at, option] of options.entries()) {
    const element = select.options[at];
    if (element !== undefined) setText(element, option.label);
  }
  if (select.value !== value) select.value = value;
}
