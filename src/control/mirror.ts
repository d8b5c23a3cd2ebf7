// Keeps a copy of the daemon's live view by its events. Pure. Order is kept: what changes stays in its place, new
// questions, floods and grants come last, new answers first, so that nothing moves under a pointer.
import type { AnswerView, LiveChange, LiveEvent, LiveView } from './messages.ts';

const answerLimit = 50;

/** The view after this event. A stream begins with a snapshot: a change without a view is a TypeError. */
export function applyEvent(view: LiveView | undefined, event: LiveEvent): LiveView {
  if (event.type === 'snapshot') return event.view;
  if (view === undefined) throw new TypeError('a change came before any snapshot');
  return applyChange(view, event.change);
}

function applyChange(view: LiveView, change: LiveChange): LiveView {
  const { gate = view.gate, policyChange = view.policyChange } = change;
  return {
    ...view,
    gate,
    policyChange,
    groups: merge(view.groups, change.groups, change.closedGroups),
    floods: merge(view.floods, change.floods, change.endedFloods),
    grants: merge(view.grants, change.grants, change.endedGrants),
    answers: mergeAnswers(view.answers, change.answers),
  };
}

interface Named {
  readonly id: string;
}

/** The list itself when nothing of it has changed. */
function merge<T extends Named>(
  list: readonly T[],
  fresh: readonly T[] = [],
  ended: readonly string[] = [],
): readonly T[] {
  if (fresh.length === 0 && ended.length === 0) return list;
  const byId = new Map(list.map((one) => [one.id, one]));
  for (const id of ended) byId.delete(id);
  for (const one of fresh) byId.set(one.id, one); // a Map keeps the place of a key it has
  return [...byId.values()];
}

function mergeAnswers(
  list: readonly AnswerView[],
  fresh: readonly AnswerView[] = [],
): readonly AnswerView[] {
  if (fresh.length === 0) return list;
  const byId = new Map(fresh.map((one) => [one.id, one]));
  const known = new Set(list.map(({ id }) => id));
  const added = fresh.filter(({ id }) => !known.has(id));
  return [...added, ...list.map((one) => byId.get(one.id) ?? one)].slice(0, answerLimit);
}
