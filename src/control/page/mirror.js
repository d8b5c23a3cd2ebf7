// What the daemon shows, kept up to date from its events. Pure.
/** @import { LiveChange, LiveEvent, LiveView } from '../messages.ts' */

const answersKept = 50;

/**
 * The view after an event; undefined for a change that came before any snapshot.
 * @param {LiveView | undefined} view
 * @param {LiveEvent} event
 * @returns {LiveView | undefined}
 */
export function applyEvent(view, event) {
  if (event.type === 'snapshot') return event.view;
  return view === undefined ? undefined : applyChange(view, event.change);
}

/**
 * @param {LiveView} view
 * @param {LiveChange} change
 * @returns {LiveView}
 */
function applyChange(view, change) {
  return {
    ...view,
    gate: change.gate ?? view.gate,
    groups: merge(view.groups, change.groups, change.closedGroups),
    floods: merge(view.floods, change.floods, change.endedFloods),
    grants: merge(view.grants, change.grants, change.endedGrants),
    answers: mergeAnswers(view.answers, change.answers),
    policyChange: change.policyChange === undefined ? view.policyChange : change.policyChange,
  };
}

/**
 * Known ones stay in their places, new ones come last.
 * @template {{ readonly id: string }} T
 * @param {readonly T[]} old
 * @param {readonly T[] | undefined} changed
 * @param {readonly string[] | undefined} gone
 * @returns {readonly T[]}
 */
function merge(old, changed = [], gone = []) {
  if (changed.length === 0 && gone.length === 0) return old;
  const items = new Map(old.map((item) => [item.id, item]));
  for (const id of gone) items.delete(id);
  for (const item of changed) items.set(item.id, item);
  return [...items.values()];
}

/**
 * Newest first: new ones come before those that are known.
 * @param {LiveView['answers']} old
 * @param {LiveView['answers'] | undefined} changed
 * @returns {LiveView['answers']}
 */
function mergeAnswers(old, changed = []) {
  if (changed.length === 0) return old;
  const items = new Map(changed.map((answer) => [answer.id, answer]));
  const known = new Set(old.map(({ id }) => id));
  const added = changed.filter(({ id }) => !known.has(id));
  return [...added, ...old.map((answer) => items.get(answer.id) ?? answer)].slice(0, answersKept);
}
