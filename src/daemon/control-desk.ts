// What the control API's routes speak for: each act of an approver as a few calls of the parts, and its record.
import { createAnswers } from '../approval/answers.ts';
import { pausedText } from '../approval/attendance.ts';
import { processRef } from '../approval/process-tree.ts';
import * as approvalEvents from '../audit/approval-events.ts';
import * as gateEvents from '../audit/gate-events.ts';
import { readPast } from '../audit/history.ts';
import type { GateResponse, GrantView, PolicyChangeView } from '../control/messages.ts';
import type { Acted } from '../control/action.ts';
import type { Route } from '../control/route.ts';
import type { RouteParts } from '../control/routes.ts';
import { SallyportError } from '../errors.ts';
import type { ApproverRef } from '../policy/decision.ts';
import { gateView } from './access.ts';
import { noteGrant } from './approvals.ts';
import type { Desk, Parts } from './parts.ts';
import { createRulesDesk } from './rules-desk.ts';

/** Builds what the routes speak for; `files` are the page's. */
export function openControlDesk(parts: Parts, files: readonly Route[]): RouteParts {
  const { approvals, access, desk } = parts;
  const { holds, agents, undo } = approvals;
  return {
    files,
    live: access.live,
    feed: access.feed,
    tokens: access.tokens,
    pages: access.pages,
    judge: agents.judge,
    onActed: (acted) => noteActed(parts, acted),
    status: () => ready(desk.status)(),
    find: holds.get,
    preview: holds.preview,
    answer: openAnswers(parts),
    extend: (id, ms, approver) => extend(parts, id, ms, approver),
    undo,
    revoke: (id, approver) => revoke(parts, id, approver),
    history: (query) => readPast(parts.journalFolder, query),
    pause: (ms, approver) => pause(parts, ms, approver),
    resume: (approver) => resume(parts, approver),
    panic: (on, approver) => (on ? panic(parts, approver) : reopen(parts, approver)),
    lift: (id, approver) => lift(parts, id, approver),
    change: (id, verb, approver) => changePolicy(desk, id, verb, approver),
    rules: openRules(parts),
    reportTray: ({ problem }) => {
      desk.tray = problem;
    },
    reload: () => ready(desk.reload)(undefined),
  };
}

function ready<T>(part: T | undefined): T {
  if (part !== undefined) return part;
  throw new SallyportError('ERR_CONTROL_REFUSED', 'the daemon is still starting');
}

/** Also of what has an event of its own: only this one says which token it came with. */
function noteActed({ trail }: Parts, acted: Acted): void {
  void trail.note((uid, at) => gateEvents.controlActedEvent(uid, at, acted));
}

function openAnswers({ approvals, inForce, trail }: Parts): RouteParts['answer'] {
  return createAnswers({
    ...approvals.callers,
    holds: approvals.holds,
    isAgent: approvals.agents.isAgent,
    isLeftBehind: approvals.agents.isLeftBehind,
    allowSelfApproval: () => inForce.config.approvals.dangerouslyAllowSelfApproval,
    desktop: () => inForce.config.approvals.desktop,
    onSelfApproval: ({ id, destination, outcome, approver, caller, taken }) =>
      void trail.note((uid, at) =>
        approvalEvents.selfApprovalEvent(uid, at, {
          group: id,
          target: destination,
          outcome,
          approver,
          taken,
          asker: processRef(caller),
        }),
      ),
  });
}

function extend(
  { approvals, trail }: Parts,
  id: string,
  ms: number,
  approver: ApproverRef,
): number | 'unknown' | 'gone' | 'nobody' {
  const until = approvals.holds.extend(id, ms);
  if (typeof until === 'string') return until;
  const at = new Date(until).toISOString();
  void trail.note((uid, now) =>
    approvalEvents.approvalExtendedEvent(uid, now, { group: id, until: at, approver }),
  );
  return until;
}

function revoke(
  { approvals, live, trail, access }: Parts,
  id: string,
  approver: ApproverRef,
): GrantView | undefined {
  const known = approvals.grants.list().find((grant) => grant.id === id);
  if (known === undefined) return undefined;
  // First: the grant is gone even when its file then cannot be written.
  live.closeGrant(id);
  noteGrant(trail, 'revoked', known, approver);
  try {
    return approvals.grants.revoke(id);
  } finally {
    access.feed.mark('grants');
  }
}

function pause(parts: Parts, ms: number, approver: ApproverRef): GateResponse {
  const { brakes, holds } = parts.approvals;
  brakes.pause(ms);
  const now = Date.now();
  const until = brakes.pausedUntilMs() ?? now;
  holds.pauseAll(pausedText(until, now), approver);
  return told(parts, { change: 'paused', until: new Date(until).toISOString() }, 0, approver);
}

function resume(parts: Parts, approver: ApproverRef): GateResponse {
  const wasPaused = parts.approvals.brakes.resume();
  return wasPaused
    ? told(parts, { change: 'resumed' }, 0, approver)
    : { gate: gateView(parts), closed: 0 };
}

/** Stops everything, in this order: nothing new passes, what waits is refused, what is open is closed. */
function panic(parts: Parts, approver: ApproverRef): GateResponse {
  const { approvals, live, judge } = parts;
  const isNew = approvals.brakes.panicSinceMs() === undefined;
  let closed = 0;
  try {
    approvals.brakes.panic();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const what = 'everything is stopped, but a restart of the daemon would end that';
    throw new SallyportError('ERR_STATE_UNSAFE', `${what}: ${why}`, { cause });
  } finally {
    approvals.holds.rejudge(judge);
    closed = live.closeAll('panic');
    if (isNew) told(parts, { change: 'panic' }, closed, approver);
  }
  return { gate: gateView(parts), closed };
}

function reopen(parts: Parts, approver: ApproverRef): GateResponse {
  return parts.approvals.brakes.reopen()
    ? told(parts, { change: 'reopened' }, 0, approver)
    : { gate: gateView(parts), closed: 0 };
}

function told(
  parts: Parts,
  change: Pick<gateEvents.GateChange, 'change' | 'until'>,
  closed: number,
  approver: ApproverRef,
): GateResponse {
  void parts.trail.note((uid, at) =>
    gateEvents.gateEvent(uid, at, { ...change, closed, approver }),
  );
  return { gate: gateView(parts), closed };
}

function lift(parts: Parts, id: string, approver: ApproverRef): GateResponse | undefined {
  const { approvals, trail, access } = parts;
  const flood = approvals.flood.list().find((one) => one.id === id);
  if (flood === undefined || !approvals.flood.lift(id)) return undefined;
  access.feed.mark('floods');
  const asker = flood.pid === null ? undefined : { pid: flood.pid, executable: flood.program };
  void trail.note((uid, at) =>
    gateEvents.floodEvent(uid, at, { asker, refused: flood.refused, approver }),
  );
  return { gate: gateView(parts), closed: 0 };
}

function changePolicy(
  desk: Desk,
  id: string,
  verb: 'accept' | 'reject' | 'undo',
  approver: ApproverRef,
): ReturnType<RouteParts['change']> {
  const result = ready(desk.changes)[verb](id, approver);
  switch (result.status) {
    case 'done':
      return { change: result.view };
    case 'unknown':
      return { status: 'unknown', problem: `no change "${id}"; see "sallyport changes"` };
    case 'gone':
      return { status: 'gone', problem: `change ${id} ${changeStates[stateOf(desk)]}` };
    case 'failed':
      return result;
    default:
      return result satisfies never;
  }
}

function stateOf({ changes }: Desk): PolicyChangeView['state'] {
  return changes?.view()?.state ?? 'replaced';
}

const changeStates = {
  waiting: 'still waits to be accepted',
  applied: 'is in force already; "sallyport changes undo" takes it back',
  undone: 'has been undone',
  rejected: 'has been rejected',
  replaced: 'has been overtaken by a later one',
} as const;

function openRules(parts: Parts): RouteParts['rules'] {
  const { options, inForce, state, desk, trail } = parts;
  return createRulesDesk({
    load: { configFile: options.configFile, env: options.env, platform: process.platform },
    config: () => inForce.config,
    state,
    reload: (by) => ready(desk.reload)(by),
    now: Date.now,
    onEdited: ({ file, linesAdded, linesRemoved, approver }) =>
      void trail.note((uid, at) =>
        gateEvents.policyEditedEvent(uid, at, {
          file,
          lines: linesAdded + linesRemoved,
          approver,
        }),
      ),
  });
}
