// The tray's menu as data. Pure. Whatever lets something through stands inside a submenu, after Deny, so that
// neither a menu's first focus nor a slip of the pointer can allow anything.
import type { FloodView, GroupView, LiveView, PolicyChangeView } from '../control/messages.ts';
import type { MenuEntry, TrayAction, TrayVerb } from './adapter.ts';
import {
  answerOf,
  byAge,
  isOpenChange,
  isSuspicious,
  undoableAnswer,
  verbsFor,
  type LiveInput,
} from './model-input.ts';
import {
  shown,
  wordAnswer,
  wordAsker,
  wordCount,
  wordFlood,
  wordPlace,
  wordWaiting,
} from './wording.ts';

/** At most this many questions are in the menu; the page has them all. */
export const menuGroups = 6;

/** The menu from top to bottom; `open` are the questions a person should look at. */
export function buildMenu(input: LiveInput, open: readonly GroupView[]): readonly MenuEntry[] {
  return [
    text('summary', open.length === 0 ? 'Nothing waits' : capital(wordCount(open))),
    ...(input.notice === null ? [] : [text('notice', shown(input.notice, 120))]),
    ...input.view.gate.troubles
      .slice(0, 3)
      .map((trouble, index) => text(`trouble:${index}`, shown(`! ${trouble}`, 120))),
    ...undoEntry(input),
    ...groupEntries(input, open),
    ...input.view.floods.slice(0, 3).map((flood) => floodEntry(flood, input.view)),
    ...changeEntry(input.view),
    { kind: 'separator', key: 'separator:gate' },
    item('open', 'Open sallyport…', { kind: 'open' }),
    ...gateEntries(input),
  ];
}

function undoEntry(input: LiveInput): readonly MenuEntry[] {
  const answer = undoableAnswer(input);
  if (answer === undefined) return [];
  const action: TrayAction = { kind: 'undo', id: answer.id };
  return [item(`undo:${answer.id}:${answer.at}`, `Undo: ${wordAnswer(answer)}`, action)];
}

function groupEntries(input: LiveInput, open: readonly GroupView[]): readonly MenuEntry[] {
  const others = input.view.groups.filter((group) => !open.includes(group)).sort(byAge);
  const all = [...open, ...others];
  if (all.length === 0) return [];
  const entries: MenuEntry[] = [
    { kind: 'separator', key: 'separator:groups' },
    ...all.slice(0, menuGroups).map((group) => groupEntry(group, input)),
  ];
  const more = all.length - menuGroups;
  if (more > 0) entries.push(item('more', `${more} more on the page…`, { kind: 'open' }));
  return entries;
}

function groupEntry(group: GroupView, input: LiveInput): MenuEntry {
  const mark = isSuspicious(group) ? '! ' : '';
  const count = group.waiting === 0 ? 'client gone' : String(group.waiting);
  return {
    kind: 'submenu',
    key: `group:${group.id}`,
    label: `${mark}${wordPlace(group)} (${count})`,
    entries: [
      ...factsOf(group, input).map((line, index) => text(`${group.id}:fact:${index}`, line)),
      { kind: 'separator', key: `${group.id}:separator` },
      ...answersTo(group, input.view),
    ],
  };
}

/** At most two programs are named. */
const namedAskers = 2;

function factsOf(group: GroupView, { lookAgain }: LiveInput): readonly string[] {
  const { askers, facts, warnings } = group;
  const lines = lookAgain.has(group.id) ? ['Changed, look again'] : [];
  if (facts.unicode !== null) lines.push(shown(`reads ${facts.unicode}`));
  lines.push(wordWaiting(group));
  for (const asker of askers.slice(0, namedAskers)) {
    lines.push(wordAsker(asker));
    if (asker.cwd !== null) lines.push(shown(`in ${asker.cwd}`, 90));
  }
  if (askers.length > namedAskers) lines.push(`and ${askers.length - namedAskers} more programs`);
  lines.push(
    askers.length === 0
      ? 'nobody knows which program asks'
      : 'as the operating system reports it, which is no proof',
  );
  return [
    ...lines,
    ...[group.whySentence, ...warnings.slice(0, 3)].map((line) => shown(line, 120)),
  ];
}

/** Deny first, Details next, and allowing last if one click may do it here. */
export function answersTo(group: GroupView, view: LiveView): readonly MenuEntry[] {
  const details = item(`${group.id}:details`, 'Details…', { kind: 'details', id: group.id });
  const answers = verbsFor(group, view).map((verb) =>
    item(`${group.id}:${group.revision}:${verb}`, verbLabels[verb], answerOf(group, verb)),
  );
  return [...answers.slice(0, 1), details, ...answers.slice(1)];
}

/** What each way to answer is called. */
export const verbLabels: Readonly<Record<TrayVerb, string>> = {
  deny: 'Deny',
  'allow-once': 'Allow once',
  'allow-1h': 'Allow for 1 hour',
};

function floodEntry(flood: FloodView, { role, gate }: LiveView): MenuEntry {
  const { id } = flood;
  const mayLift = role !== 'viewer' && gate.desktop === 'answer';
  return {
    kind: 'submenu',
    key: `flood:${id}`,
    label: `! ${wordFlood(flood)}`,
    entries: [
      text(`${id}:refused`, `${flood.refused} requests were refused quietly`),
      ...flood.hosts.slice(0, 4).map((host, index) => text(`${id}:host:${index}`, shown(host))),
      { kind: 'separator', key: `${id}:separator` },
      item(`${id}:open`, 'Details…', { kind: 'open' }),
      ...(mayLift ? [item(`${id}:lift`, 'Let it ask again', { kind: 'lift', id })] : []),
    ],
  };
}

function changeEntry({ policyChange, role }: LiveView): readonly MenuEntry[] {
  if (policyChange === null || !isOpenChange(policyChange)) return [];
  const { id, lines, state } = policyChange;
  return [
    {
      kind: 'submenu',
      key: `change:${id}`,
      label: wordChange(policyChange),
      entries: [
        ...lines.slice(0, 6).map((line, index) => text(`${id}:line:${index}`, shown(line, 120))),
        { kind: 'separator', key: `${id}:separator` },
        item(`${id}:open`, 'Details…', { kind: 'open' }),
        ...(role === 'viewer' ? [] : [endOfChange(id, state)]),
      ],
    },
  ];
}

/** What happened to the policy, in words. */
export function wordChange({ state }: PolicyChangeView): string {
  return state === 'waiting'
    ? '! A policy that lets more through waits'
    : 'The policy lets more through';
}

function endOfChange(id: string, state: PolicyChangeView['state']): MenuEntry {
  if (state === 'waiting') {
    return item(`${id}:reject`, 'Keep the old policy', { kind: 'change', id, verb: 'reject' });
  }
  return item(`${id}:undo`, 'Undo this change', { kind: 'change', id, verb: 'undo' });
}

function gateEntries({ view, timeOf }: LiveInput): readonly MenuEntry[] {
  const { gate, role } = view;
  if (role === 'viewer') return [];
  const mayWiden = gate.desktop === 'answer';
  return [
    ...(gate.pausedUntil === null
      ? [item('pause', 'Pause 10 min: deny unknown hosts', { kind: 'pause' })]
      : [
          text('paused', `Paused until ${timeOf(gate.pausedUntil)}`),
          ...(mayWiden ? [item('resume', 'Resume: ask again', { kind: 'resume' })] : []),
        ]),
    gate.panicSince === null
      ? item('panic', 'Panic: deny everything', { kind: 'panic' })
      : panicEntry(timeOf(gate.panicSince), mayWiden),
  ];
}

function panicEntry(since: string, mayReopen: boolean): MenuEntry {
  return {
    kind: 'submenu',
    key: 'panic:on',
    label: 'Panic: everything is denied',
    entries: [
      text('panic:since', `since ${since}`),
      ...(mayReopen ? [item('panic:reopen', 'Reopen the gate', { kind: 'reopen' })] : []),
    ],
  };
}

function text(key: string, label: string): MenuEntry {
  return { kind: 'text', key, label };
}

function item(key: string, label: string, action: TrayAction): MenuEntry {
  return { kind: 'item', key, label, action };
}

function capital(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}
