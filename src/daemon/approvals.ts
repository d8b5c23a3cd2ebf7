// Builds everything about asking people: what waits, what is remembered, who may answer and who is there. Each part
// is handed what it needs of the others; none of them knows another.
import { randomInt } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createAgentWatch, type AgentWatch } from '../approval/agents.ts';
import { createAnswerLog, type AnswerLog } from '../approval/answer-log.ts';
import type { CallerParts } from '../approval/answers.ts';
import { createAskerFinder, createProcessFinder, createUserCheck } from '../approval/asker.ts';
import { createAttendance, stanceOf, type Attendance } from '../approval/attendance.ts';
import { createBrakes, type Brakes } from '../approval/brakes.ts';
import { createFloodWatch, type FloodWatch } from '../approval/flood.ts';
import { createGrants, type Grants } from '../approval/grants.ts';
import { createGroupView } from '../approval/group-view.ts';
import { createHolds, type Holds, type HoldsParts } from '../approval/holds.ts';
import { createHostMemory, type HostMemory } from '../approval/host-memory.ts';
import { createNameIndex, hostsOfRules, type NameIndex } from '../approval/name-index.ts';
import { createPatience, type Patience } from '../approval/patience.ts';
import type { PendingLimits } from '../approval/pending.ts';
import { processRef } from '../approval/process-tree.ts';
import { createUndo, type Undo } from '../approval/undo.ts';
import * as approvalEvents from '../audit/approval-events.ts';
import * as gateEvents from '../audit/gate-events.ts';
import type { Trail } from '../audit/trail.ts';
import type { Config } from '../config/config.ts';
import type { InForce } from '../config/in-force.ts';
import type { LivePart } from '../control/lane.ts';
import type { GrantView } from '../control/messages.ts';
import type { Log } from '../log.ts';
import type { ApproverRef, DecisionRequest, Verdict } from '../policy/decision.ts';
import type { Live } from '../proxy/live.ts';
import type { Resolver } from '../proxy/resolve.ts';
import type { State } from '../state.ts';
import { openReviewing, type Reviewing } from './reviewing.ts';

/** Everything about asking people. */
export interface Approvals {
  readonly grants: Grants;
  readonly holds: Holds;
  readonly answers: AnswerLog;
  readonly undo: Undo;
  readonly brakes: Brakes;
  readonly attendance: Attendance;
  readonly flood: FloodWatch;
  readonly memory: HostMemory;
  readonly patience: Patience;
  readonly agents: AgentWatch;
  readonly reviewing: Reviewing;
  /** How callers of the control API are found and named. */
  readonly callers: CallerParts;
}

/** What they are built from. */
export interface ApprovalParts {
  readonly inForce: InForce;
  readonly state: State;
  readonly trail: Trail;
  readonly live: Live;
  /** The policy with everything that stands above it; asked only once all of this is built. */
  readonly judge: (request: DecisionRequest) => Verdict;
  readonly ownPorts: ReadonlySet<number>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly resolve: Resolver['resolve'];
  readonly userName: (uid: number) => string;
  /** A part of what surfaces show may look different now. */
  readonly mark: (part: LivePart) => void;
  readonly onBug: (error: unknown) => void;
}

/** Rules beyond this are not compared with what is asked for: gathering them would hold everything up. */
const namedRules = 50_000;

/** Builds all of it; throws when a state file cannot be used. */
export function openApprovals(parts: ApprovalParts): Approvals {
  const { inForce, state, trail, live, ownPorts, mark, onBug } = parts;
  const lookup = {
    mainFile: join(import.meta.dirname, '..', 'main.ts'),
    now: () => performance.now(),
  };
  const callers: CallerParts = {
    findAsker: createAskerFinder(lookup),
    findProcess: createProcessFinder(lookup),
    isOtherUser: createUserCheck(),
    userName: parts.userName,
  };
  const memory = createHostMemory();
  const patience = createPatience();
  const flood = createFloodWatch(({ program, pid, refused }) => {
    mark('floods');
    const asker = pid === null ? undefined : { pid, executable: program };
    void trail.note((uid, at) => gateEvents.floodEvent(uid, at, { asker, refused }));
  });
  const brakes = createBrakes({
    store: storeOf(state, 'panic.json'),
    now: Date.now,
    onChanged: () => markAll(mark, ['gate', 'groups']),
  });
  const attendance = createAttendance({
    now: steadyNow,
    onChanged: () => markAll(mark, ['gate', 'groups']),
  });
  const grants = createGrants({
    store: storeOf(state, 'grants.json'),
    now: Date.now,
    onChanged: (change, grant) => {
      mark('grants');
      if (change === 'expired') memory.noteExpired(grant);
      noteGrant(trail, change, grant, undefined);
    },
    onUsed: () => mark('grants'),
  });
  const answers = createAnswerLog();
  const agents = createAgentWatch({
    ...callers,
    allowSelfApproval: () => inForce.config.approvals.dangerouslyAllowSelfApproval,
    proxyPorts: () => ownPorts,
    onRefused: ({ caller, ...act }) =>
      void trail.note((uid, at) =>
        gateEvents.controlRefusedEvent(uid, at, { ...act, asker: processRef(caller) }),
      ),
  });
  const desk: { holds: Holds | undefined } = { holds: undefined };
  const reviewing = openReviewing({
    inForce,
    trail,
    log: parts.log,
    env: parts.env,
    folder: homedir(), // not the state folder, whose path hooks are not told
    resolve: parts.resolve,
    isPaused: () => brakes.pausedUntilMs() !== undefined || brakes.panicSinceMs() !== undefined,
    group: (id) => built(desk.holds).get(id),
    answer: (id, request, approver) => built(desk.holds).answer(id, request, approver),
    now: steadyNow,
    mark,
    onBug,
  });
  const holds = openHolds({
    ...parts,
    callers,
    grants,
    memory,
    patience,
    flood,
    brakes,
    attendance,
    answers,
    agents,
    reviewing,
  });
  desk.holds = holds;
  const undo = createUndo({
    log: answers,
    now: Date.now,
    revoke: grants.revoke,
    closeQuestion: live.closeQuestion,
    liftCooling: holds.liftCooling,
    onUndone: ({ answer, approver, closed, revoked }) => {
      markAll(mark, ['answers', 'grants']);
      const { id, outcome } = answer;
      void trail.note((uid, at) =>
        approvalEvents.approvalUndoneEvent(uid, at, {
          group: id,
          target: answer,
          outcome,
          grant: answer.grant ?? undefined,
          closed,
          approver,
        }),
      );
      if (revoked !== undefined) noteGrant(trail, 'revoked', revoked, approver);
    },
    onBug,
  });
  return {
    grants,
    holds,
    answers,
    undo,
    brakes,
    attendance,
    flood,
    memory,
    patience,
    agents,
    reviewing,
    callers,
  };
}

/** The names that rules speak of, gathered when a question first wants them after a change of the policy. */
function createRuleNames(inForce: InForce): () => NameIndex {
  let names: NameIndex | undefined;
  let generation = -1;
  return () => {
    if (names === undefined || generation !== inForce.generation) {
      generation = inForce.generation;
      names = createNameIndex(hostsOfRules(inForce.config.rules.slice(0, namedRules)));
    }
    return names;
  };
}

function openHolds(
  from: ApprovalParts &
    Pick<
      Approvals,
      | 'callers'
      | 'grants'
      | 'memory'
      | 'patience'
      | 'flood'
      | 'brakes'
      | 'attendance'
      | 'answers'
      | 'agents'
      | 'reviewing'
    >,
): Holds {
  const { inForce, trail, grants, flood, brakes, attendance, reviewing, mark } = from;
  const stance: HoldsParts['stance'] = () =>
    stanceOf({
      pausedUntilMs: brakes.pausedUntilMs(),
      nowMs: Date.now(),
      isAttended: attendance.isAttended(),
      approvals: inForce.config.approvals,
    });
  const view = createGroupView({
    now: steadyNow,
    memory: from.memory,
    flood,
    patience: from.patience,
    ruleNames: createRuleNames(inForce),
    reviewOf: reviewing.reviewOf,
    stance: () => {
      if (brakes.pausedUntilMs() !== undefined) return 'paused';
      return attendance.isAttended() ? 'hold' : 'unattended';
    },
    home: homedir(),
  });
  return createHolds({
    limits: limitsOf(inForce.config),
    now: steadyNow,
    findAsker: from.callers.findAsker,
    view,
    stance,
    flood,
    isBound: grants.isBound,
    findProgramGrant: grants.findFor,
    addGrant: grants.add,
    log: from.answers,
    onOpened: ({ id, destination, client, asker, view: shown }) => {
      void trail.note((uid, at) =>
        approvalEvents.approvalOpenedEvent(uid, at, {
          group: id,
          target: destination,
          client,
          asker: processRef(asker),
        }),
      );
      reviewing.opened(shown);
    },
    onAnswered: ({ id, destination, grant, ...answer }) =>
      void trail.note((uid, at) =>
        approvalEvents.approvalAnsweredEvent(uid, at, {
          ...answer,
          group: id,
          target: destination,
          grant: grant?.id,
        }),
      ),
    onClosed: reviewing.closed,
    onAsker: from.agents.remember,
    onChanged: mark,
    onBug: from.onBug,
    evaluate: from.judge,
    firstId: randomInt(1, 1_000),
  });
}

/** Milliseconds since 1970 from a clock that does not jump. */
function steadyNow(): number {
  return performance.timeOrigin + performance.now();
}

function storeOf(state: State, name: string) {
  return {
    file: join(state.folder, name),
    load: () => state.read(name),
    save: (text: string) => state.writeAtomic(name, text),
  };
}

function markAll(mark: ApprovalParts['mark'], parts: readonly LivePart[]): void {
  for (const part of parts) mark(part);
}

function built<T>(part: T | undefined): T {
  if (part === undefined) throw new TypeError('asked for before it was built');
  return part;
}

/** The limits of holds and questions in this configuration. */
export function limitsOf({ approvals }: Config): PendingLimits {
  return {
    holdMs: approvals.holdSeconds * 1_000,
    questionMs: approvals.questionMinutes * 60_000,
    holdsPerGroup: approvals.holdsPerGroup,
    holds: approvals.holds,
    groups: approvals.groups,
  };
}

/** Writes down what a grant became; `by` is who took it back, where somebody did. */
export function noteGrant(
  trail: Trail,
  change: 'created' | 'revoked' | 'expired',
  grant: GrantView,
  by: ApproverRef | undefined,
): void {
  const approver = by ?? { name: grant.approver, surface: grant.surface };
  void trail.note((uid, at) => approvalEvents.grantEvent(uid, at, { ...grant, change, approver }));
}
