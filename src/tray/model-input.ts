// What the tray's model is made from, and the judgements its parts share: who needs a person, what may be
// offered with one click. Pure.
import type { AnswerView, GroupView, LiveView, PolicyChangeView } from '../control/messages.ts';
import type { TrayAction, TrayVerb } from './adapter.ts';

/** What the model is made from. */
export interface TrayInput {
  /** Null while the daemon cannot be reached. */
  readonly view: LiveView | null;
  /** In milliseconds since 1970. */
  readonly nowMs: number;
  /** Questions that had changed when their answer arrived, so that it did not count. */
  readonly lookAgain: ReadonlySet<string>;
  /** What went wrong with the last click, for a while; null when nothing did. */
  readonly notice: string | null;
  /** A time of day for people. */
  readonly timeOf: (iso: string) => string;
}

/** The same with a daemon that answers. */
export interface LiveInput extends TrayInput {
  readonly view: LiveView;
}

/** Milliseconds for which an answer given here can be taken back here. */
export const undoWindowMs = 10_000;
/** Milliseconds for which a widened policy that is in force is announced. */
export const announceMs = 600_000;

/** The questions that a person should look at: those somebody waits in, then those kept for a next try, the oldest first. */
export function openGroups({ groups }: LiveView): readonly GroupView[] {
  const open = groups.filter(needsPerson).sort(byAge);
  return [
    ...open.filter(({ waiting }) => waiting > 0),
    ...open.filter(({ waiting }) => waiting === 0),
  ];
}

/** Not those under review, and not those refused in a pause, which are kept for who wants to look. */
export function needsPerson(group: GroupView): boolean {
  if (group.reviewing === true) return false;
  return group.waiting > 0 || group.why !== 'paused';
}

/** Orders questions by their first request; the id settles a tie, so that nothing ever changes places. */
export function byAge(one: GroupView, other: GroupView): number {
  if (one.firstSeen !== other.firstSeen) return one.firstSeen < other.firstSeen ? -1 : 1;
  return one.id < other.id ? -1 : Number(one.id > other.id);
}

/** A question that must not be allowed at a glance: a look-alike, or anything else with a warning. */
export function isSuspicious(group: GroupView): boolean {
  return group.facts.lookAlike !== null || group.warnings.length > 0;
}

/** The newest answer that was given here and can still be taken back here. */
export function undoableAnswer({ view, nowMs }: LiveInput): AnswerView | undefined {
  const last = view.answers.find(({ surface }) => surface === 'tray');
  if (last === undefined || last.undone !== null || view.role === 'viewer') return undefined;
  const narrows = last.outcome === 'allow';
  if (view.gate.desktop !== 'answer' && !narrows) return undefined;
  return nowMs - Date.parse(last.at) < undoWindowMs ? last : undefined;
}

/** How this question may be answered with one click here, Deny first; none for viewers and `notify-only`. */
export function verbsFor(group: GroupView, view: LiveView): readonly TrayVerb[] {
  if (view.role === 'viewer' || view.gate.desktop === 'notify-only') return [];
  const canAllow = view.gate.desktop === 'answer' && group.quickAllow;
  return canAllow ? ['deny', 'allow-once', 'allow-1h'] : ['deny'];
}

/** The action of one answer, quoting what was seen. */
export function answerOf({ id, revision }: GroupView, verb: TrayVerb): TrayAction {
  return { kind: 'answer', id, revision, verb };
}

/** True while a change can still be ended. */
export function isOpenChange({ state }: PolicyChangeView): boolean {
  return state === 'waiting' || state === 'applied';
}
