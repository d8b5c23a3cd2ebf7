// The one door: evaluate -> hold -> pin -> audit. The only maker of a Permit (a test holds this).
// It knows no sockets, files or clocks; everything it needs is passed in by daemon.ts.
import { randomUUID } from 'node:crypto';
import type {
  AllowVerdict,
  Decision,
  DecisionEntry,
  DecisionRequest,
  DenyReason,
  DenyVerdict,
  GrantRef,
  HoldSummary,
  Parent,
  Permit,
  Resolution,
  Route,
  Source,
  Verdict,
} from './policy/decision.ts';

/** More tickets than one destination can have at a time. */
const ticketTries = 64;

/** How one hold ended; `policy`: a reload now decides this request without a person. */
export interface HoldEnd {
  readonly end:
    'allowed' | 'denied' | 'paused' | 'policy' | 'timeout' | 'limit' | 'gone' | 'stopping';
  /** What the answer became for later requests, when it became anything. */
  readonly grant: GrantRef | undefined;
  readonly summary: HoldSummary;
}

/** What the gate needs; each is a plain function so that parts can be taken apart in tests. */
export interface GateParts {
  /** The policy in force with the grants and our own listeners: decision order 1 to 8. */
  readonly evaluate: (request: DecisionRequest) => Verdict;
  /** Decision order 9: why this address may not be dialled, or undefined when it may. */
  readonly vet: (request: DecisionRequest, address: string) => DenyVerdict | undefined;
  /** Takes a one-use ticket; false when it, or any other grant, is not there any more. */
  readonly consume: (grant: GrantRef) => boolean;
  /** Parks the request until a person answers, the client leaves (signal) or time runs out. */
  readonly hold: (request: DecisionRequest, signal: AbortSignal) => Promise<HoldEnd>;
  /** The upstream proxy for this destination, or undefined for a direct connection. */
  readonly parentFor: (request: DecisionRequest) => Promise<Parent | undefined>;
  /** Name to addresses within a deadline; called only for names already allowed. Never rejects. */
  readonly resolve: (host: string, signal: AbortSignal) => Promise<Resolution>;
  /** Writes the decision's record; resolves once the kernel has it. A rejection is a refusal. */
  readonly record: (uid: string, entry: DecisionEntry) => Promise<void>;
  readonly policyVersion: () => string;
  /** Changes whenever what `evaluate` says may have become narrower: a new policy, or panic. */
  readonly generation: () => number;
  /** Whether the answer to this question has been taken back since. */
  readonly isUndone: (question: string) => boolean;
  /** Told of an exception on the decision path: it is a deny, and a bug to log. */
  readonly onBug: (error: unknown) => void;
}

/** Decides one request. Never rejects: doubt, failure and exceptions are refusals. */
export type Gate = (request: DecisionRequest, signal: AbortSignal) => Promise<Decision>;

/** Builds the gate from its parts. */
export function createGate(parts: GateParts): Gate {
  return async (request, signal) => {
    const course: Course = { request, signal, version: '', generation: -1, hold: undefined };
    try {
      return await decide(parts, course);
    } catch (error) {
      tellBug(parts, error);
      return await refuse(parts, course, deny('internal_error', 'proxy_state'));
    }
  };
}

/** One request on its way through the gate. */
interface Course {
  readonly request: DecisionRequest;
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal;
  /** The policy that was asked last. */
  version: string;
  generation: number;
  hold: HoldSummary | undefined;
}

async function decide(parts: GateParts, course: Course): Promise<Decision> {
  const judged = judge(parts, course);
  const verdict = judged.outcome === 'ask' ? await askPerson(parts, course) : judged;
  if (verdict.outcome === 'deny') return await refuse(parts, course, verdict);
  const route = await findRoute(parts, course);
  if (route.via === 'refused') return await refuse(parts, course, route.verdict);
  const decision = await permit(parts, course, verdict, route);
  const late = tightened(parts, course, verdict);
  return late === undefined ? decision : await refuse(parts, course, late);
}

function askPolicy(parts: GateParts, course: Course): Verdict {
  course.version = parts.policyVersion();
  course.generation = parts.generation();
  return parts.evaluate(course.request);
}

/** Takes a ticket when that is what allows or denies; one that is lost to a race counts as none. */
function judge(parts: GateParts, course: Course): Verdict {
  for (let tries = 0; tries < ticketTries; tries += 1) {
    const verdict = askPolicy(parts, course);
    if (verdict.outcome === 'ask' || verdict.grant?.ticket !== true) return verdict;
    if (parts.consume(verdict.grant)) return verdict;
  }
  throw new Error('the grants offer tickets that cannot be taken');
}

/** Holds the request. The policy may change meanwhile; an answer never overrides orders 1 to 5. */
async function askPerson(parts: GateParts, course: Course): Promise<AllowVerdict | DenyVerdict> {
  const { end, grant, summary } = await parts.hold(course.request, course.signal);
  course.hold = summary;
  if (end === 'policy') {
    const ruled = judge(parts, course);
    // Still unknown: the reload that ended the hold was itself undone before we got here.
    return ruled.outcome === 'ask' ? deny('policy_changed', 'proxy_state') : ruled;
  }
  if (end === 'allowed') {
    const again = askPolicy(parts, course);
    if (again.outcome === 'deny') return again;
    if (course.signal.aborted) return deny('client_gone', 'decider');
  }
  return answered(end, grant);
}

function answered(
  end: Exclude<HoldEnd['end'], 'policy'>,
  grant: GrantRef | undefined,
): AllowVerdict | DenyVerdict {
  switch (end) {
    case 'allowed':
      return {
        outcome: 'allow',
        source: 'decider',
        reason: 'not_allowed',
        override: true,
        wouldDeny: false,
        rule: undefined,
        grant,
      };
    case 'denied':
      return { ...deny('not_allowed', 'decider'), grant };
    case 'paused': // nobody will answer, and the question stays, as after a wait in vain
    case 'timeout':
      return deny('approval_timeout', 'decider');
    case 'gone':
      return deny('client_gone', 'decider');
    case 'limit':
      return deny('approval_limit', 'proxy_state');
    case 'stopping':
      return deny('stopping', 'proxy_state');
    default:
      return end satisfies never;
  }
}

function deny(reason: DenyReason, source: Source): DenyVerdict {
  return { outcome: 'deny', source, reason, rule: undefined, grant: undefined };
}

type RouteOrRefusal = Route | { readonly via: 'refused'; readonly verdict: DenyVerdict };

/** Order 9: only now is a name looked up; every address is vetted and exactly those go into the permit. */
async function findRoute(parts: GateParts, { request, signal }: Course): Promise<RouteOrRefusal> {
  const { host, kind } = request.destination;
  const parent = await parts.parentFor(request);
  if (parent !== undefined) {
    const verdict = loopThrough(parts, request, parent);
    return verdict === undefined ? { via: 'parent', parent } : { via: 'refused', verdict };
  }
  let addresses: readonly string[] = [host];
  if (kind === 'name') {
    const resolution = await parts.resolve(host, signal);
    if (resolution.kind === 'failed') return { via: 'nowhere', failure: resolution.failure };
    addresses = resolution.addresses;
  }
  for (const address of addresses) {
    const verdict = parts.vet(request, address);
    if (verdict !== undefined) return { via: 'refused', verdict };
  }
  return { via: 'direct', addresses };
}

/**
 * A parent on this machine would find our own ports under any name that stands for this machine, and we do not
 * look it up: so those ports are closed to every name. All else that `vet` says of a parent's address is not
 * about the destination (order 5 exempts the parent).
 */
function loopThrough(
  parts: GateParts,
  request: DecisionRequest,
  { host }: Parent,
): DenyVerdict | undefined {
  const verdict = parts.vet(request, host === 'localhost' ? '127.0.0.1' : host);
  return verdict?.reason === 'proxy_loop' ? verdict : undefined;
}

/**
 * A policy that came, a grant that was revoked or an answer that was undone during the look-up or the record
 * found no open connection to close; so all are asked for once more before the permit leaves.
 */
function tightened(
  parts: GateParts,
  course: Course,
  { grant }: AllowVerdict,
): DenyVerdict | undefined {
  const question = course.hold?.group ?? grant?.question;
  if (question !== undefined && parts.isUndone(question)) return deny('policy_changed', 'decider');
  if (grant?.bound === true && !grant.ticket && !parts.consume(grant)) {
    return deny('policy_changed', 'decider');
  }
  const lasting = grant?.ticket === false && grant.bound !== true ? grant : undefined;
  if (lasting === undefined && course.generation === parts.generation()) return undefined;
  const again = askPolicy(parts, course);
  if (again.outcome === 'deny') return again;
  if (lasting === undefined || again.outcome === 'allow') return undefined;
  return deny('policy_changed', 'decider');
}

async function permit(
  parts: GateParts,
  { request, hold, version: policyVersion }: Course,
  verdict: AllowVerdict,
  route: Route,
): Promise<Decision> {
  const uid = randomUUID();
  const entry: DecisionEntry = {
    request,
    verdict,
    hold,
    pinned: route.via !== 'parent',
    policyVersion,
  };
  try {
    await parts.record(uid, entry);
  } catch {
    // No record, no way out: the journal's own error is logged where it happened.
    return { outcome: 'deny', request, verdict: deny('audit_unavailable', 'proxy_state'), hold };
  }
  const made: Omit<Permit, symbol> = { outcome: 'allow', request, verdict, route, hold, uid };
  return made as Permit; // the brand exists in the type only; this is the one place that may add it
}

/** Never rejects: a refusal without its record is still a refusal. */
async function refuse(
  parts: GateParts,
  { request, hold }: Course,
  verdict: DenyVerdict,
): Promise<Decision> {
  try {
    const policyVersion = parts.policyVersion();
    await parts.record(randomUUID(), { request, verdict, hold, pinned: true, policyVersion });
    return { outcome: 'deny', request, verdict, hold };
  } catch {
    return { outcome: 'deny', request, verdict: deny('audit_unavailable', 'proxy_state'), hold };
  }
}

function tellBug(parts: GateParts, error: unknown): void {
  try {
    parts.onBug(error);
  } catch {
    // a log that fails must not turn the refusal into nothing
  }
}
