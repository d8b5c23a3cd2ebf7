// What every view of the page is given, and what a view is. Types only.
/** @import { LiveView, Role } from '../messages.ts' */
/** @import { Api } from './api.js' */
/** @import { Question } from './confirm.js' */

/**
 * What the views share.
 * @typedef {object} Context
 * @property {Api} api
 * @property {() => LiveView | undefined} live undefined before the first snapshot
 * @property {() => boolean} isReachable
 * @property {(text: string) => void} say tells people, and screen readers, in one line
 * @property {(question: Question) => Promise<boolean>} confirm asks once more
 * @property {(route: string) => void} go to a view, such as `rules/add/allow/x.example`
 */

/**
 * One view.
 * @typedef {object} View
 * @property {() => void} update something has changed in the live view
 * @property {() => void} tick a second has passed
 * @property {(rest: readonly string[]) => void} open it has been chosen, with what followed its name
 * @property {(event: KeyboardEvent) => void} key a key that no control has taken
 */

/**
 * Whether this role may answer.
 * @param {Role | undefined} role
 * @returns {boolean}
 */
export function mayAnswer(role) {
  return role === 'approver' || role === 'admin';
}
