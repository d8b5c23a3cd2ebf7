// Promises, one timer and abort signals around pending.ts: parks requests until a person answers, the
// client leaves, time runs out or a new policy decides. Knows no sockets; who asks comes from `findAsker`.
//
// On its way to a person a request meets, in this order: a deny once that still cools, the look for its program,
// an answer remembered for that program, the watch for floods, its place among the questions.
import type { HoldEnd } from '../gate.ts';
import type { AnswerRequest, GrantView, GroupView, PreviewResponse } from '../control/messages.ts';
import type {
  ApproverRef,
  ClientAddress,
  DecisionRequest,
  GrantRef,
  Verdict,
} from '../policy/decision.ts';
import type { Destination } from '../policy/destination.ts';
import type { AnswerLog } from './answer-log.ts';
import { planAnswer } from './answer-plan.ts';
import { answeredQuestion, answerView, type TakenAnswer } from './answer-record.ts';
import { clockText } from './clock-text.ts';
import { Cooling, type Cooled } from './cooling.ts';
import { unknownTree, type FloodWatch } from './flood.ts';
import type { GrantSpec } from './grants.ts';
import { floodAsker, heldAsker } from './group-view.ts';
import type { HeldAsker } from './group-view.ts';
import { Pending } from './pending.ts';
import type { ClosedWhy, Effect, EndKind, PendingGroup, PendingLimits } from './pending.ts';
import { processRef, type Asker } from './process-tree.ts';
import type { AnsweredQuestion, AnswerResult, Askers, OpenedQuestion, Stance } from './question.ts';
import { describeAnswer } from './wording.ts';

/** What holds are made of; what is called `on…` may throw, which is told to `onBug` and changes nothing. */
export interface HoldsParts {
  readonly limits: PendingLimits;
  /** Milliseconds since 1970 from a clock that does not jump; tests pass their own. */
  readonly now: () => number;
  /** The program at the client's end, or undefined; never rejects and has its own deadline. */
  readonly findAsker: (client: ClientAddress) => Promise<Asker | undefined>;
  /** The question as surfaces show it; `request` is the one that opened it. */
  readonly view: (group: PendingGroup<HeldAsker>, request: DecisionRequest) => GroupView;
  /** Asked for each request that comes to be held. */
  readonly stance: () => Stance;
  readonly flood: FloodWatch;
  /** Whether `findProgramGrant` may find something, whoever asks; on the data path. */
  readonly isBound: (destination: Destination) => boolean;
  /** What was remembered for this program; a ticket is taken by it. */
  readonly findProgramGrant: (destination: Destination, asker: Asker) => GrantRef | undefined;
  /** Keeps a grant: its view, undefined when there is no room; throws when it cannot be stored. */
  readonly addGrant: (spec: GrantSpec) => GrantView | undefined;
  /** Where answers are logged. */
  readonly log: Pick<AnswerLog, 'add'>;
  readonly onOpened: (opened: OpenedQuestion) => void;
  readonly onAnswered: (answered: AnsweredQuestion) => void;
  /** A question that was told is gone. */
  readonly onClosed?: (id: string, why: ClosedWhy) => void;
  /** Every program that was found asking, each time. */
  readonly onAsker?: (asker: Asker) => void;
  /** Something that surfaces show may have changed; often called, so it must be cheap. */
  readonly onChanged: (part: 'groups' | 'answers') => void;
  /** Told of an exception in what the others call; the answer stands. */
  readonly onBug: (error: unknown) => void;
  /** When given, a new lasting grant also ends the holds of other questions that it covers. */
  readonly evaluate?: (request: DecisionRequest) => Verdict;
  /** Where short ids begin; a different number each run keeps old ids from meaning new questions. */
  readonly firstId?: number;
}

/** Everything that waits. */
export interface Holds {
  /** Parks the request; never rejects. The signal's abort ends it with `gone`. */
  readonly hold: (request: DecisionRequest, signal: AbortSignal) => Promise<HoldEnd>;
  /** All questions whose program has been looked for, oldest first. */
  readonly list: () => readonly GroupView[];
  /** One question, or whether there ever was one of that id in this run. */
  readonly get: (id: string) => GroupView | 'unknown' | 'gone';
  /** Who asks there, as far as is known now. */
  readonly askersOf: (id: string) => Askers | undefined;
  /** Resolves when no look-up for this question is under way; the caller puts a limit on it. */
  readonly settled: (id: string) => Promise<void>;
  /** One answer for the question; whether this approver may is judged by answers.ts. */
  readonly answer: (id: string, answer: AnswerRequest, approver: ApproverRef) => AnswerResult;
  /** What that answer would do; nothing is done. */
  readonly preview: (id: string, answer: AnswerRequest) => PreviewResponse | 'unknown' | 'gone';
  /**
   * What waits there waits this much longer from now at least: 1 to 60 minutes, in ms. Gives when the first of it
   * gives up, in ms since 1970; `nobody` when nothing waits.
   */
  readonly extend: (id: string, ms: number) => number | 'unknown' | 'gone' | 'nobody';
  /** Ends all holds with `paused`, their questions stay; gives how many holds that were. */
  readonly pauseAll: (say: string, approver: ApproverRef) => number;
  /** Lets a destination that was denied once be asked for again at once. */
  readonly liftCooling: (destination: Destination) => void;
  /** Ends with `policy` what this policy now decides; gives how many holds that were. */
  readonly rejudge: (evaluate: (request: DecisionRequest) => Verdict) => number;
  /** New limits for what comes from now on. */
  readonly setLimits: (limits: PendingLimits) => void;
  /** Ends all with `stopping`, and everything that still comes. */
  readonly stop: () => void;
  readonly counts: () => { readonly groups: number; readonly holds: number };
}

interface Waiter {
  readonly request: DecisionRequest;
  readonly resolve: (end: HoldEnd) => void;
  readonly forget: () => void;
  readonly stance: Stance;
  /** It waits for the look for its program alone. */
  readonly isBrief: boolean;
  asker: Asker | undefined;
}

/** What stands beside a question: the request that opened it, and how far it has come. */
interface Opening {
  readonly request: DecisionRequest;
  /** As it came, for telling of it when it is gone before its program was found. */
  readonly first: PendingGroup<HeldAsker> | undefined;
  isTold: boolean;
  isJudged: boolean;
  lookups: number;
  settled: PromiseWithResolvers<void> | undefined;
}

/** What ends holds, where somebody or something does. */
interface Given {
  readonly grant?: GrantRef | undefined;
  readonly approver?: ApproverRef | undefined;
  readonly say?: string | undefined;
  /** Instead of the hold's own. */
  readonly question?: string;
}

const longestTimerMs = 2 ** 31 - 1;
/** Longer than any look for a program; a hold that waits for one alone ends then. */
const briefMs = 5_000;
/** The same where its program decides nothing, and is only to be named to whoever answers later. */
const namingMs = 500;
const shortestExtendMs = 60_000;
const longestExtendMs = 60 * 60_000;
/** Denies that cool, for each place of a question. */
const coolingPerGroup = 16;

/** Starts with nothing waiting and no timer. */
export function createHolds(parts: HoldsParts): Holds {
  const { now } = parts;
  let { limits } = parts;
  const pending = new Pending<HeldAsker>(limits, parts.firstId);
  const waiters = new Map<number, Waiter>();
  const openings = new Map<string, Opening>();
  const cooling = new Cooling();
  let timer: { readonly handle: NodeJS.Timeout; readonly atMs: number } | undefined;
  let isStopped = false;

  function carryOut(effects: readonly Effect[], given: Given = {}): void {
    for (const effect of effects) {
      if (effect.kind === 'ended') endHold(effect, given);
      if (effect.kind === 'closed') forgetGroup(effect.group, effect.why);
    }
    if (effects.length > 0) changed('groups');
    arm();
  }

  function endHold(effect: Extract<Effect, { kind: 'ended' }>, given: Given): void {
    const waiter = waiters.get(effect.hold);
    if (waiter === undefined) return;
    waiters.delete(effect.hold);
    waiter.forget();
    const isLate = effect.end === 'timeout';
    const asker = processRef(waiter.asker);
    const say = isLate ? waiter.stance.say : given.say;
    waiter.resolve({
      end: isLate ? waiter.stance.end : effect.end,
      grant: given.grant,
      summary: {
        group: given.question ?? effect.group,
        waitedMs: effect.waitedMs,
        approver: given.approver,
        ...(asker === undefined ? {} : { asker }),
        ...(say === undefined ? {} : { say }),
      },
    });
  }

  function forgetGroup(id: string, why: ClosedWhy): void {
    const opening = openings.get(id);
    if (opening === undefined) return;
    // One that was never shown to anybody is no news; the refusal of its hold is recorded anyway.
    if (why !== 'crowded') tell(id, opening, undefined);
    openings.delete(id);
    opening.settled?.resolve();
    guarded(() => parts.flood.closed(id));
    if (opening.isTold) guarded(() => parts.onClosed?.(id, why));
  }

  /** One timer for everything; one that rings early does no harm. */
  function arm(): void {
    const dueMs = pending.nextDueMs();
    if (dueMs === undefined || (timer !== undefined && timer.atMs <= dueMs)) return;
    clearTimeout(timer?.handle);
    const waitMs = Math.min(Math.max(0, dueMs - now()), longestTimerMs);
    const handle = setTimeout(() => {
      timer = undefined;
      carryOut(pending.tick(now()));
    }, waitMs);
    handle.unref();
    timer = { handle, atMs: dueMs };
  }

  /** What a part gives, or undefined when it throws: its fault must not keep a hold from ending. */
  function guarded<T>(call: () => T): T | undefined {
    try {
      return call();
    } catch (error) {
      parts.onBug(error);
      return undefined;
    }
  }

  function changed(part: 'groups' | 'answers'): void {
    guarded(() => parts.onChanged(part));
  }

  function tell(id: string, opening: Opening, asker: Asker | undefined): void {
    if (opening.isTold) return;
    opening.isTold = true;
    const { request } = opening;
    const found = pending.find(id);
    const group = typeof found === 'string' ? opening.first : found;
    if (group === undefined) return;
    guarded(() => {
      const view = parts.view(group, request);
      const { destination, client } = request;
      parts.onOpened({ id, destination, client, asker, view });
    });
  }

  function viewOf(group: PendingGroup<HeldAsker>): GroupView | undefined {
    const opening = openings.get(group.id);
    return opening && guarded(() => parts.view(group, opening.request));
  }

  async function identify(
    groupId: string,
    holdId: number,
    request: DecisionRequest,
  ): Promise<void> {
    const opening = openings.get(groupId);
    if (opening === undefined) return;
    opening.lookups += 1;
    const asker = await parts.findAsker(request.client).catch(() => undefined);
    if (asker !== undefined) guarded(() => parts.onAsker?.(asker));
    const waiter = waiters.get(holdId);
    if (waiter !== undefined) waiter.asker = asker;
    if (!isDecidedElsewhere(groupId, holdId, opening, request, asker)) {
      carryOut(pending.identify(groupId, holdId, asker && heldAsker(asker), now()));
      if (openings.get(groupId) === opening) tell(groupId, opening, asker);
      if (waiter?.isBrief === true) carryOut(pending.end(holdId, 'timeout', now()));
      changed('groups');
    }
    if (openings.get(groupId) !== opening) return;
    opening.lookups -= 1;
    if (opening.lookups > 0) return;
    opening.settled?.resolve();
    opening.settled = undefined;
  }

  /** Ends a hold that turns out to be no part of the question, now that its program is known or is not to be. */
  function isDecidedElsewhere(
    groupId: string,
    holdId: number,
    opening: Opening,
    { destination }: DecisionRequest,
    asker: Asker | undefined,
  ): boolean {
    const pass = (end: EndKind, given: Given): true => {
      carryOut(pending.pass(groupId, holdId, end, now()), given);
      return true;
    };
    const isWaiting = waiters.has(holdId);
    const grant = isWaiting ? programGrant(destination, asker) : undefined;
    if (grant !== undefined) return pass(endOf(grant), { grant });
    const cooled = isWaiting ? cooling.refuse(destination, now()) : undefined;
    if (cooled !== undefined) return pass('denied', cooled);
    const isQuiet = guarded(() => isFlood(groupId, opening, destination, asker));
    if (isQuiet !== true) return false;
    return pass('limit', { say: floodText });
  }

  function programGrant(destination: Destination, asker: Asker | undefined): GrantRef | undefined {
    return asker && guarded(() => parts.findProgramGrant(destination, asker));
  }

  function isFlood(
    groupId: string,
    opening: Opening,
    destination: Destination,
    asker: Asker | undefined,
  ): boolean {
    const { flood } = parts;
    const held = asker && heldAsker(asker);
    const tree = held?.tree ?? unknownTree;
    if (opening.isJudged && !flood.isQuiet(tree, now())) return false;
    const judgement = guarded(() =>
      flood.judge(held && floodAsker(held), destination, groupId, now()),
    );
    if (judgement === 'quiet') {
      guarded(() => flood.refused(tree, destination.host));
      return true;
    }
    opening.isJudged = true;
    return false;
  }

  function hold(request: DecisionRequest, signal: AbortSignal): Promise<HoldEnd> {
    if (signal.aborted || isStopped) {
      const summary = { group: undefined, waitedMs: 0, approver: undefined };
      const end = isStopped ? 'stopping' : 'gone';
      return Promise.resolve({ end, grant: undefined, summary });
    }
    const { destination } = request;
    const isBound = guarded(() => parts.isBound(destination)) === true;
    const cooled = isBound ? undefined : cooling.refuse(destination, now());
    return cooled === undefined ? park(request, signal, isBound) : Promise.resolve(coolEnd(cooled));
  }

  /** `isBound`: its program may decide it, so it becomes part of the question only when that does not. */
  function park(request: DecisionRequest, signal: AbortSignal, isBound: boolean): Promise<HoldEnd> {
    const { destination } = request;
    const stance = guarded(parts.stance) ?? usualStance;
    const isBrief = (stance.holdMs ?? limits.holdMs) <= 0;
    const opened = pending.open(destination, now(), {
      holdMs: isBrief ? (isBound ? briefMs : namingMs) : stance.holdMs,
      isProvisional: isBound,
      refusedBefore: cooling.has(destination, now()) ? 0 : cooling.lift(destination),
    });
    const { promise, resolve } = Promise.withResolvers<HoldEnd>();
    const onAbort = () => {
      carryOut(pending.withdraw(opened.hold, now()));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    const forget = () => {
      signal.removeEventListener('abort', onAbort);
    };
    waiters.set(opened.hold, { request, resolve, forget, stance, isBrief, asker: undefined });
    const { group } = opened;
    if (opened.effects.some(({ kind }) => kind === 'opened') && group !== undefined) {
      const found = pending.find(group);
      const first = typeof found === 'string' ? undefined : found;
      const state = { isTold: false, isJudged: false, lookups: 0, settled: undefined };
      openings.set(group, { request, first, ...state });
    }
    carryOut(opened.effects);
    changed('groups');
    if (group === undefined) return promise;
    // Nobody waits for it: it never rejects, and the hold stands meanwhile.
    if (opened.identify) void identify(group, opened.hold, request);
    else tellUnnamed(group);
    return promise;
  }

  /** A question whose program nobody looks for. */
  function tellUnnamed(id: string): void {
    const opening = openings.get(id);
    if (opening?.lookups === 0) tell(id, opening, undefined);
  }

  /** The grant an answer leaves behind, and what stops it from being given. */
  function keep(spec: GrantSpec | undefined): GrantView | AnswerResult | undefined {
    if (spec === undefined) return undefined;
    try {
      const problem = 'no room for another grant; revoke some that are not needed any more';
      return parts.addGrant(spec) ?? { status: 'full', problem };
    } catch (error) {
      parts.onBug(error);
      const problem = 'the answer cannot be kept, so it was not taken; see the log of the daemon';
      return { status: 'failed', problem };
    }
  }

  function answer(id: string, request: AnswerRequest, approver: ApproverRef): AnswerResult {
    const seen = pending.check(id, request.revision);
    if (seen.status !== 'answered') return { status: seen.status };
    const { group, released } = seen;
    const planned = planAnswer(request, group, approver);
    if (!planned.ok) return { status: 'bad', problem: planned.problem };
    const plan = planned.value;
    const grant = keep(plan.spec);
    if (grant !== undefined && 'status' in grant) return grant;
    const { outcome } = request;
    const opening = openings.get(id);
    if (opening !== undefined) tell(id, opening, group.askers[0]?.asker);
    const given = { grant: grant && refOf(grant), approver, say: plan.say };
    carryOut(pending.answer(id, outcome, request.revision, now()).effects, given);
    if (plan.cools) {
      const limit = limits.groups * coolingPerGroup;
      cooling.add(group.destination, { question: id, approver, say: plan.say }, now(), limit);
    }
    const { scope } = plan;
    note({ request, scope, group, released, approver, grant, atMs: now() });
    if (grant !== undefined && grant.for !== 'ticket') spread();
    return { status: 'answered', response: { id, outcome, released, grant: grant ?? null } };
  }

  function note(taken: TakenAnswer): void {
    guarded(() => {
      parts.log.add(answerView(taken), taken.group.destination);
    });
    changed('answers');
    guarded(() => parts.onAnswered(answeredQuestion(taken)));
  }

  /** A lasting grant also answers what waits in other questions, as far as it covers them. */
  function spread(): void {
    if (parts.evaluate !== undefined) rejudge(parts.evaluate);
    const served = new Map<string, Set<string>>();
    for (const [id, { request, asker }] of waiters) {
      const found = programGrant(request.destination, asker);
      if (found === undefined || asker === undefined) continue;
      const effects = pending.end(id, endOf(found), now());
      carryOut(effects, { grant: found });
      for (const effect of effects) {
        if (effect.kind !== 'ended' || effect.group === undefined) continue;
        const programs = served.get(effect.group) ?? new Set();
        served.set(effect.group, programs.add(heldAsker(asker).identity));
      }
    }
    for (const [id, programs] of served) closeServed(id, programs);
  }

  /** A question all of whose programs have got what they asked for needs no answer any more. */
  function closeServed(id: string, programs: ReadonlySet<string>): void {
    const group = pending.find(id);
    if (typeof group === 'string' || group.unidentified) return;
    if (group.askers.every(({ identity }) => programs.has(identity))) carryOut(pending.decide(id));
  }

  function rejudge(evaluate: (request: DecisionRequest) => Verdict): number {
    let ended = 0;
    for (const [id, { request }] of waiters) {
      if (!isDecided(evaluate(request))) continue;
      carryOut(pending.end(id, 'policy', now()));
      ended += 1;
    }
    for (const [id, { request }] of openings) {
      if (isDecided(evaluate(request))) carryOut(pending.decide(id));
    }
    return ended;
  }

  function preview(id: string, request: AnswerRequest): PreviewResponse | 'unknown' | 'gone' {
    const group = pending.find(id);
    if (typeof group === 'string') return group;
    const planned = planAnswer(request, group, nobody);
    const view = viewOf(group);
    if (!planned.ok || view === undefined) {
      const problem = planned.ok ? 'the question cannot be shown' : planned.problem;
      return { sentence: 'This answer cannot be given.', rule: null, cautions: [], problem };
    }
    const { scope, spec } = planned.value;
    const until = spec?.lastsMs === undefined ? undefined : clockText(now() + spec.lastsMs, now());
    const { outcome, revision = group.revision } = request;
    const isBound = spec?.programs !== undefined;
    const problem = revision === group.revision ? null : changedText;
    return { ...describeAnswer(view, { outcome, scope, isBound, until }), problem };
  }

  return {
    hold,
    answer,
    preview,
    rejudge,
    list: () =>
      pending
        .list()
        .filter(({ id }) => openings.get(id)?.isTold === true)
        .flatMap((group) => viewOf(group) ?? []),
    get: (id) => {
      const found = pending.find(id);
      return typeof found === 'string' ? found : (viewOf(found) ?? 'gone');
    },
    askersOf: (id) => {
      const found = pending.find(id);
      if (typeof found === 'string') return undefined;
      const { destination, unidentified } = found;
      return { destination, askers: found.askers.map(({ asker }) => asker), unidentified };
    },
    settled: async (id) => {
      const opening = openings.get(id);
      if (opening === undefined || opening.lookups === 0) return;
      opening.settled ??= Promise.withResolvers<void>();
      await opening.settled.promise;
    },
    extend: (id, ms) => {
      const lasts = Math.min(Math.max(ms, shortestExtendMs), longestExtendMs);
      const dueMs = pending.extend(id, now() + lasts);
      changed('groups');
      arm();
      return dueMs;
    },
    pauseAll: (say, approver) => {
      const effects = pending.endAll('paused', now());
      carryOut(effects, { say, approver });
      return effects.length;
    },
    liftCooling: (destination) => {
      cooling.lift(destination);
    },
    setLimits: (next) => {
      limits = next;
      pending.setLimits(next);
    },
    stop: () => {
      isStopped = true;
      carryOut(pending.stop(now()));
      clearTimeout(timer?.handle);
      timer = undefined;
    },
    counts: () => pending.counts(),
  };
}

/** Where nobody can say how to wait, a request waits for a person. */
const usualStance: Stance = { end: 'timeout', holdMs: undefined, say: undefined };
const nobody: ApproverRef = { name: 'nobody', surface: 'api' };
const changedText = 'the question has changed since it was shown; look again';
const floodText =
  'This program asked for too many new destinations and is refused until a person looks.';

function coolEnd({ question, approver, say }: Cooled): HoldEnd {
  const told = say === undefined ? {} : { say };
  const summary = { group: question, waitedMs: 0, approver, ...told };
  return { end: 'denied', grant: undefined, summary };
}

function endOf({ outcome }: GrantRef): 'allowed' | 'denied' {
  return outcome === 'allow' ? 'allowed' : 'denied';
}

/** The grant as a decision names it; what is bound to programs is marked, since the policy does not see it. */
function refOf({ id, outcome, for: lasts, programs }: GrantView): GrantRef {
  const ref = { id, outcome, ticket: lasts === 'ticket' };
  return programs === null ? ref : { ...ref, bound: true };
}

/** A ticket is left to the request it is for; it ends no hold of others. */
function isDecided(verdict: Verdict): boolean {
  return verdict.outcome !== 'ask' && verdict.grant?.ticket !== true;
}
