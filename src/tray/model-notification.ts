// The one notification as data. Pure. One or two questions show the older one with its buttons; from three on
// it only counts, since nobody may allow several at once unread.
import type { FloodView, GroupView, PolicyChangeView } from '../control/messages.ts';
import type { NotificationButton, NotificationModel } from './adapter.ts';
import {
  announceMs,
  answerOf,
  isOpenChange,
  isSuspicious,
  undoableAnswer,
  verbsFor,
  type LiveInput,
} from './model-input.ts';
import { verbLabels, wordChange } from './model-menu.ts';
import {
  shown,
  wordAnswer,
  wordAsker,
  wordCount,
  wordFlood,
  wordPlace,
  wordWaiting,
} from './wording.ts';

/** From this many questions on, a notification counts them instead of offering answers. */
export const countFrom = 3;

/** The notification for this moment, the most pressing thing first; null when there is nothing to say. */
export function buildNotification(
  input: LiveInput,
  open: readonly GroupView[],
): NotificationModel | null {
  const [first] = open;
  if (input.view.gate.panicSince !== null) return null; // everything is denied: nothing to decide
  if (open.length >= countFrom) return manyQuestions(input, open);
  if (first !== undefined) return oneQuestion(input, first, open);
  if (input.notice !== null) return notTaken(input.notice);
  const [flood] = input.view.floods;
  if (flood !== undefined) return floodNotice(flood);
  return changeNotice(input) ?? undoNotice(input);
}

const openButton: NotificationButton = { label: 'Open', action: { kind: 'open' } };

/** Names a question, and anew once its answer did not count, so that a dismissed one comes back then. */
function aboutGroups(open: readonly GroupView[], { lookAgain }: LiveInput): readonly string[] {
  return open.map(({ id, revision }) => (lookAgain.has(id) ? `${id}@${revision}` : id));
}

function manyQuestions(input: LiveInput, open: readonly GroupView[]): NotificationModel {
  const named = open
    .slice(0, 5)
    .map((group) => `${isSuspicious(group) ? '! ' : ''}${wordPlace(group)}`);
  const more = open.length - named.length;
  const pause: NotificationButton = { label: 'Pause 10 min', action: { kind: 'pause' } };
  const mayPause = input.view.role !== 'viewer' && input.view.gate.pausedUntil === null;
  return {
    about: aboutGroups(open, input),
    title: wordCount(open),
    lines: [...named, ...(more > 0 ? [`and ${more} more`] : []), ...noticeLines(input)],
    buttons: mayPause ? [openButton, pause] : [openButton],
    click: { kind: 'open' },
    urgent: true,
  };
}

function oneQuestion(
  input: LiveInput,
  group: GroupView,
  open: readonly GroupView[],
): NotificationModel {
  const [asker] = group.askers;
  const more = open.length - 1;
  return {
    about: aboutGroups(open, input),
    title: wordPlace(group),
    lines: [
      ...(input.lookAgain.has(group.id) ? ['Changed, look again.'] : []),
      ...noticeLines(input),
      ...group.warnings.slice(0, 2).map((warning) => shown(`! ${warning}`)),
      ...(group.facts.unicode === null ? [] : [shown(`reads ${group.facts.unicode}`)]),
      asker === undefined ? 'nobody knows which program asks' : wordAsker(asker),
      ...(asker === undefined || asker.cwd === null ? [] : [shown(`in ${asker.cwd}`, 90)]),
      wordWaiting(group),
      shown(group.whySentence),
      ...(more > 0 ? [`and ${more} more destination waits`] : []),
    ],
    buttons: buttonsFor(input, group),
    click: { kind: 'details', id: group.id },
    urgent: true,
  };
}

function buttonsFor({ view }: LiveInput, group: GroupView): readonly NotificationButton[] {
  const answers = verbsFor(group, view).map((verb) => ({
    label: verbLabels[verb],
    action: answerOf(group, verb),
  }));
  return [...answers, { label: 'Details', action: { kind: 'details', id: group.id } }];
}

function noticeLines({ notice }: LiveInput): readonly string[] {
  return notice === null ? [] : [shown(notice)];
}

function notTaken(notice: string): NotificationModel {
  return plain(`notice:${notice}`, 'sallyport', [shown(notice)], [openButton]);
}

function floodNotice(flood: FloodView): NotificationModel {
  const lines = [
    'It is denied quietly until somebody looks.',
    ...flood.hosts.slice(0, 4).map((host) => shown(host)),
  ];
  return plain(`flood:${flood.id}`, `! ${wordFlood(flood)}`, lines, [openButton]);
}

function changeNotice({ view, nowMs }: LiveInput): NotificationModel | null {
  const change = view.policyChange;
  if (change === null || !isOpenChange(change) || isOld(change, nowMs)) return null;
  const { id, state } = change;
  const lines = change.lines.slice(0, 5).map((line) => shown(line));
  const buttons: NotificationButton[] = [openButton];
  if (view.role !== 'viewer') {
    buttons.push(
      state === 'waiting'
        ? { label: 'Keep the old one', action: { kind: 'change', id, verb: 'reject' } }
        : { label: 'Undo', action: { kind: 'change', id, verb: 'undo' } },
    );
  }
  return plain(`change:${id}:${state}`, wordChange(change), lines, buttons);
}

/** What waits is announced until it is settled, what is in force only while it is news. */
function isOld({ state, at }: PolicyChangeView, nowMs: number): boolean {
  return state === 'applied' && nowMs - Date.parse(at) >= announceMs;
}

function undoNotice(input: LiveInput): NotificationModel | null {
  const answer = undoableAnswer(input);
  if (answer === undefined) return null;
  const { id, at } = answer;
  const undo: NotificationButton = { label: 'Undo', action: { kind: 'undo', id } };
  return plain(`undo:${id}:${at}`, 'sallyport', [wordAnswer(answer)], [undo]);
}

function plain(
  about: string,
  title: string,
  lines: readonly string[],
  buttons: readonly NotificationButton[],
): NotificationModel {
  return { about: [about], title, lines, buttons, click: { kind: 'open' }, urgent: false };
}
