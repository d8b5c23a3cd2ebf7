// Promises, one timer and abort signals around pending.ts: parks requests until a person answers, the
// client leaves, time runs out or a new policy decides. Knows no sockets; who asks comes from `findAsker`.
import type { HoldEnd } from '../gate.ts';
import type { AnswerRequest, AnswerResponse, GrantView, GroupView } from '../control/messages.ts';
import type {
  ApproverRef,
  ClientAddress,
  DecisionRequest,
  GrantRef,
  ProcessRef,
  Verdict,
} from '../policy/decision.ts';
import type { Destination } from '../policy/destination.ts';
import type { GrantSpec } from './grants.ts';
import { groupView, heldAsker } from './group-view.ts';
import type { HeldAsker } from './group-view.ts';
import { Pending } from './pending.ts';
import type { ClosedWhy, Effect, PendingGroup, PendingLimits } from './pending.ts';
import { processRef, type Asker } from './process-tree.ts';
import { parseScope } from './scope.ts';
import type { AnswerScope } from './scope.ts';

/** A new question, told once, after the first look for the program that asks. */
export interface OpenedQuestion {
  readonly id: string;
  readonly destination: Destination;
  readonly client: ClientAddress;
  /** Undefined when the operating system did not tell. */
  readonly asker: Asker | undefined;
}

/** An answer that was taken. */
export interface AnsweredQuestion {
  readonly id: string;
  readonly destination: Destination;
  readonly outcome: 'allow' | 'deny';
  /** As written: `once`, `30m`, `2h`, `restart`, `always`. */
  readonly for: string;
  /** `exact`, or `*.` and a domain. */
  readonly host: string;
  readonly port: 'this' | 'any';
  readonly approver: ApproverRef;
  readonly released: number;
  readonly grant: GrantView | undefined;
}

/** What became of an answer; `problem` is a sentence for the person who gave it. */
export type AnswerResult =
  | { readonly status: 'answered'; readonly response: AnswerResponse }
  | { readonly status: 'unknown' | 'gone' | 'changed' }
  /** `bad`: it says what cannot be; `full`: no room for another grant; `failed`: it cannot be kept. */
  | { readonly status: 'bad' | 'full' | 'failed'; readonly problem: string };

/** Who asks in one question, for the self-approval guard. */
export interface Askers {
  readonly destination: Destination;
  readonly askers: readonly Asker[];
  /** True when somebody asks whom nobody knows: no caller can then be shown to be outside. */
  readonly unidentified: boolean;
}

/** What holds are made of. */
export interface HoldsParts {
  readonly limits: PendingLimits;
  /** Milliseconds since 1970 from a clock that does not jump; tests pass their own. */
  readonly now: () => number;
  /** The program at the client's end, or undefined; never rejects and has its own deadline. */
  readonly findAsker: (client: ClientAddress) => Promise<Asker | undefined>;
  /** Keeps a grant: its view, undefined when there is no room; throws when it cannot be stored. */
  readonly addGrant: (spec: GrantSpec) => GrantView | undefined;
  readonly onOpened: (opened: OpenedQuestion) => void;
  readonly onAnswered: (answered: AnsweredQuestion) => void;
  /** Told of an exception in the two above; the answer stands. */
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
  /** All questions, oldest first. */
  readonly list: () => readonly GroupView[];
  /** Who asks there, as far as is known now. */
  readonly askersOf: (id: string) => Askers | undefined;
  /** Resolves when no look-up for this question is under way; the caller puts a limit on it. */
  readonly settled: (id: string) => Promise<void>;
  /** One answer for the question; whether this approver may is judged by answers.ts. */
  readonly answer: (id: string, answer: AnswerRequest, approver: ApproverRef) => AnswerResult;
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
  asker: ProcessRef | undefined;
}

/** What stands beside a question: the request that opened it, and whether it was told. */
interface Opening {
  readonly request: DecisionRequest;
  isTold: boolean;
  lookups: number;
  settled: PromiseWithResolvers<void> | undefined;
}

interface Answer {
  readonly grant: GrantRef | undefined;
  readonly approver: ApproverRef;
}

/** A ticket waits this long for the next try of a client that left. */
const ticketMs = 10 * 60_000;
const longestTimerMs = 2 ** 31 - 1;

/** Starts with nothing waiting and no timer. */
export function createHolds(parts: HoldsParts): Holds {
  const { now } = parts;
  const pending = new Pending<HeldAsker>(parts.limits, parts.firstId);
  const waiters = new Map<number, Waiter>();
  const openings = new Map<string, Opening>();
  let timer: { readonly handle: NodeJS.Timeout; readonly atMs: number } | undefined;
  let isStopped = false;

  function carryOut(effects: readonly Effect[], given?: Answer): void {
    for (const effect of effects) {
      if (effect.kind === 'ended') endHold(effect, given);
      if (effect.kind === 'closed') forgetGroup(effect.group, effect.why);
    }
    arm();
  }

  function endHold(effect: Extract<Effect, { kind: 'ended' }>, given: Answer | undefined): void {
    const waiter = waiters.get(effect.hold);
    if (waiter === undefined) return;
    waiters.delete(effect.hold);
    waiter.forget();
    const { end, group, waitedMs } = effect;
    waiter.resolve({
      end,
      grant: given?.grant,
      summary: {
        group,
        waitedMs,
        approver: given?.approver,
        ...(waiter.asker === undefined ? {} : { asker: waiter.asker }),
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

  function guarded(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      parts.onBug(error);
    }
  }

  function tell(id: string, opening: Opening, asker: Asker | undefined): void {
    if (opening.isTold) return;
    opening.isTold = true;
    const { destination, client } = opening.request;
    guarded(() => {
      parts.onOpened({ id, destination, client, asker });
    });
  }

  async function identify(groupId: string, holdId: number, client: ClientAddress): Promise<void> {
    const opening = openings.get(groupId);
    if (opening === undefined) return;
    opening.lookups += 1;
    const asker = await parts.findAsker(client).catch(() => undefined);
    const waiter = waiters.get(holdId);
    if (waiter !== undefined) waiter.asker = processRef(asker);
    carryOut(pending.identify(groupId, holdId, asker && heldAsker(asker), now()));
    if (openings.get(groupId) !== opening) return;
    tell(groupId, opening, asker);
    opening.lookups -= 1;
    if (opening.lookups > 0) return;
    opening.settled?.resolve();
    opening.settled = undefined;
  }

  function hold(request: DecisionRequest, signal: AbortSignal): Promise<HoldEnd> {
    if (signal.aborted || isStopped) {
      const summary = { group: undefined, waitedMs: 0, approver: undefined };
      const end = isStopped ? 'stopping' : 'gone';
      return Promise.resolve({ end, grant: undefined, summary });
    }
    const opened = pending.open(request.destination, now());
    const { promise, resolve } = Promise.withResolvers<HoldEnd>();
    const onAbort = () => {
      carryOut(pending.withdraw(opened.hold, now()));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    const forget = () => {
      signal.removeEventListener('abort', onAbort);
    };
    waiters.set(opened.hold, { request, resolve, forget, asker: undefined });
    if (opened.effects.some(({ kind }) => kind === 'opened') && opened.group !== undefined) {
      openings.set(opened.group, { request, isTold: false, lookups: 0, settled: undefined });
    }
    carryOut(opened.effects);
    if (opened.identify && opened.group !== undefined) {
      // Nobody waits for it: it never rejects, and the hold stands meanwhile.
      void identify(opened.group, opened.hold, request.client);
    }
    return promise;
  }

  /** The grant an answer leaves behind, and what stops it from being given. */
  function grantFor(
    scope: AnswerScope,
    seen: PendingGroup<HeldAsker>,
    outcome: 'allow' | 'deny',
    approver: ApproverRef,
  ): GrantView | AnswerResult | undefined {
    const spec = grantSpec(scope, seen, outcome, approver);
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
    const scope = parseScope(request, seen.group.destination);
    if (!scope.ok) return { status: 'bad', problem: scope.problem };
    const { outcome } = request;
    const grant = grantFor(scope.value, seen.group, outcome, approver);
    if (grant !== undefined && 'status' in grant) return grant;
    const opening = openings.get(id);
    if (opening !== undefined) tell(id, opening, seen.group.askers[0]?.asker);
    const ref = grant && { id: grant.id, outcome, ticket: grant.for === 'ticket' };
    carryOut(pending.answer(id, outcome, request.revision, now()).effects, {
      grant: ref,
      approver,
    });
    const released = seen.released;
    guarded(() => {
      const { destination } = seen.group;
      const { for: lasts = 'once', host = 'exact', port = 'this' } = request;
      const shown = host === destination.host ? 'exact' : host;
      parts.onAnswered({
        id,
        destination,
        outcome,
        for: lasts,
        host: shown,
        port,
        approver,
        released,
        grant,
      });
    });
    if (grant !== undefined && !ref?.ticket && parts.evaluate !== undefined)
      rejudge(parts.evaluate);
    return { status: 'answered', response: { id, outcome, released, grant: grant ?? null } };
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

  return {
    hold,
    answer,
    rejudge,
    list: () => pending.list().map((group) => groupView(group)),
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
    setLimits: (limits) => {
      pending.setLimits(limits);
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

/** A ticket is left to the request it is for; it ends no hold of others. */
function isDecided(verdict: Verdict): boolean {
  return verdict.outcome !== 'ask' && verdict.grant?.ticket !== true;
}

function grantSpec(
  { duration, host, port }: AnswerScope,
  { destination, waiting }: PendingGroup<HeldAsker>,
  outcome: 'allow' | 'deny',
  approver: ApproverRef,
): GrantSpec | undefined {
  const spec = { outcome, protocol: destination.protocol, host, port, approver };
  switch (duration.kind) {
    case 'once':
      return waiting > 0 ? undefined : { ...spec, for: 'ticket', lastsMs: ticketMs };
    case 'until':
      return { ...spec, for: 'until', lastsMs: duration.ms };
    case 'restart':
    case 'always':
      return { ...spec, for: duration.kind, lastsMs: undefined };
    default:
      return duration satisfies never;
  }
}
