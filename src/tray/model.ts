// What the tray shows for what the daemon says. Pure: given a live view and a moment, gives the whole model.
// How a desktop draws it is the adapter's; what a click does is tray.ts's.
import type { GroupView, LiveView } from '../control/messages.ts';
import type { TrayModel, TrayState } from './adapter.ts';
import {
  announceMs,
  isSuspicious,
  openGroups,
  undoWindowMs,
  type LiveInput,
  type TrayInput,
} from './model-input.ts';
import { buildMenu } from './model-menu.ts';
import { buildNotification } from './model-notification.ts';
import { shown, wordCount, wordPlace } from './wording.ts';

/** The whole model; the same input gives the same model. */
export function buildTrayModel(input: TrayInput): TrayModel {
  if (!isLive(input)) return unreachable;
  const open = openGroups(input.view);
  return {
    state: stateOf(input.view, open),
    badge: badgeOf(stateOf(input.view, open), open.length),
    tooltip: tooltipOf(input, open),
    menu: buildMenu(input, open),
    notification: buildNotification(input, open),
  };
}

const unreachable: TrayModel = {
  state: 'unreachable',
  badge: '',
  tooltip: ['sallyport: the daemon does not answer', 'start it with "sallyport run"'],
  menu: [
    { kind: 'text', key: 'unreachable', label: 'The daemon does not answer' },
    { kind: 'text', key: 'start', label: 'Start it with "sallyport run"' },
  ],
  notification: null,
};

function isLive(input: TrayInput): input is LiveInput {
  return input.view !== null;
}

function stateOf({ gate, floods }: LiveView, open: readonly GroupView[]): TrayState {
  if (gate.panicSince !== null) return 'panic';
  if (floods.length > 0 || open.some(isAlarming)) return 'warning';
  if (open.length > 0) return 'waiting';
  return gate.pausedUntil === null ? 'idle' : 'paused';
}

/** Red is for names that deceive and names that carry data, not for every sentence of caution. */
function isAlarming({ facts, bundle }: GroupView): boolean {
  return facts.lookAlike !== null || bundle?.suggests === 'deny';
}

function badgeOf(state: TrayState, count: number): string {
  if (state === 'warning') return '!';
  if (state !== 'waiting') return '';
  return count > 9 ? '9+' : String(count);
}

/** At most this many destinations are named in the tooltip. */
const namedInTooltip = 5;

function tooltipOf({ view, timeOf }: LiveInput, open: readonly GroupView[]): readonly string[] {
  const { gate, floods } = view;
  const lines = [open.length === 0 ? 'sallyport: nothing waits' : `sallyport: ${wordCount(open)}`];
  if (gate.panicSince !== null) lines.push('panic: everything is denied');
  if (gate.pausedUntil !== null) {
    lines.push(`paused until ${timeOf(gate.pausedUntil)}: unknown hosts are denied`);
  }
  for (const group of open.slice(0, namedInTooltip)) {
    lines.push(`${isSuspicious(group) ? '! ' : ''}${wordPlace(group)} (${group.waiting})`);
  }
  if (floods.length > 0) lines.push('! a program that asked for too much is denied quietly');
  return [...lines, ...gate.troubles.slice(0, 3).map((trouble) => shown(`! ${trouble}`))];
}

/** When the model changes although the daemon says nothing; null when it does not. Same clock as `nowMs`. */
export function nextChangeMs({ view, nowMs }: TrayInput): number | null {
  if (view === null) return null;
  const answer = view.answers.find(({ surface, undone }) => surface === 'tray' && undone === null);
  const change = view.policyChange;
  const times = [
    ...(answer === undefined ? [] : [Date.parse(answer.at) + undoWindowMs]),
    ...(change === null ? [] : [Date.parse(change.at) + announceMs]),
  ].filter((time) => time > nowMs);
  return times.length === 0 ? null : Math.min(...times);
}
