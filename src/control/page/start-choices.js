// The three ways to begin, and the edit of the user's file that each becomes. Pure.
/** @import { Edited } from './toml-edit.js' */
import { setNetworkKeys } from './toml-edit.js';

/**
 * A way to begin.
 * @typedef {{ readonly id: string, readonly title: string, readonly about: string,
 *   readonly settings: Readonly<Record<string, string | undefined>> }} StartChoice
 */

const presets = '["codex", "codex-extras", "source-hosting"]';

/**
 * The ways, the most asking one first.
 * @type {readonly StartChoice[]}
 */
export const startChoices = [
  {
    id: 'ask',
    title: 'Ask for everything unknown',
    about: 'Only what you allow gets through; all else waits for your answer.',
    settings: { unknown: '"ask"', presets: undefined },
  },
  {
    id: 'known',
    title: 'Allow known developer hosts, ask otherwise',
    about: 'The shipped rules for agents and source hosting are allowed, and you are asked less.',
    settings: { unknown: '"ask"', presets },
  },
  {
    id: 'deny',
    title: 'Deny everything unknown',
    about: 'Nobody is asked; what no rule allows is refused at once.',
    settings: { unknown: '"deny"' },
  },
];

/**
 * The file's text with this choice made.
 * @param {string} id
 * @param {string} text
 * @returns {Edited}
 */
export function prepareChoice(id, text) {
  const choice = startChoices.find((one) => one.id === id);
  if (choice === undefined) return { ok: false, problem: 'there is no such choice' };
  return setNetworkKeys(text, choice.settings);
}
