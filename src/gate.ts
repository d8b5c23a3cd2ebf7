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

/** How one hold ended; `policy`: a reload now decides this request without a person. */
export interface HoldEnd {
  readonly end: 'allowed' | 'denied' | 'policy' | 'timeout' | 'limit' | 'gone' | 'stopping';
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
  /** Takes a one-use ticket; false when it has been used or has expired meanwhile. */
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
  /** Told of an exception on the decision path: it is a deny, and a bug to log. */
  readonly onBug: (error: unknown) => void;
}

/** Decides one request. Never rejects: doubt, failure and exceptions are refusals. */
export type Gate = (request: DecisionRequest, signal: AbortSignal) => Promise<Decision>;

/** Builds the gate from its parts. */
export function createGate(parts: GateParts): Gate {
  return async (request, signal) => {
    let hold: HoldSummary | undefined;
    let version = parts.policyVersion();
    try {
      let verdict = judge(parts, request);
      if (verdict.outcome === 'ask') {
        const end = await parts.hold(request, signal);
        hold = end.summary;
        // The policy may have changed while we waited; an answer never overrides orders 1 to 5.
        version = parts.policyVersion();
        const again = parts.evaluate(request);
        const ruled = end.end === 'policy' || (end.end === 'allowed' && again.outcome === 'deny');
        verdict = ruled && again.outcome !== 'ask' ? again : answered(end);
      }
      if (signal.aborted && verdict.outcome === 'allow' && hold !== undefined) {
        verdict = deny('client_gone', 'decider');
      }
      if (verdict.outcome === 'deny') return await refuse(parts, request, verdict, hold);
      const route = await findRoute(parts, request, signal);
      if (route.via === 'refused') return await refuse(parts, request, route.verdict, hold);
      const made = await permit(parts, request, verdict, route, hold);
      const late = tightened(parts, request, verdict, version);
      return late === undefined ? made : await refuse(parts, request, late, hold);
    } catch (error) {
      parts.onBug(error);
      return await refuse(parts, request, deny('internal_error', 'proxy_state'), hold);
    }
  };
}

/** Evaluates, and takes a ticket when that is what allows or denies; a ticket lost to a race counts as none. */
function judge(parts: GateParts, request: DecisionRequest): Verdict {
  for (;;) {
    const verdict = parts.evaluate(request);
    if (verdict.outcome === 'ask' || verdict.grant?.ticket !== true) return verdict;
    if (parts.consume(verdict.grant)) return verdict;
  }
}

function answered(end: HoldEnd): AllowVerdict | DenyVerdict {
  switch (end.end) {
    case 'allowed':
      return {
        outcome: 'allow',
        source: 'decider',
        reason: 'not_allowed',
        override: true,
        wouldDeny: false,
        rule: undefined,
        grant: end.grant,
      };
    case 'denied':
      return {
        outcome: 'deny',
        source: 'decider',
        reason: 'not_allowed',
        rule: undefined,
        grant: end.grant,
      };
    case 'policy': // the reload was itself undone before we got here
      return deny('policy_changed', 'proxy_state');
    case 'timeout':
      return deny('approval_timeout', 'decider');
    case 'gone':
      return deny('client_gone', 'decider');
    case 'limit':
      return deny('approval_limit', 'proxy_state');
    case 'stopping':
      return deny('stopping', 'proxy_state');
    default:
      return end.end satisfies never;
  }
}

function deny(reason: DenyReason, source: Source): DenyVerdict {
  return { outcome: 'deny', source, reason, rule: undefined, grant: undefined };
}

type RouteOrRefusal = Route | { readonly via: 'refused'; readonly verdict: DenyVerdict };

/** Order 9: only now is a name looked up; every address is vetted and exactly those go into the permit. */
async function findRoute(
  parts: GateParts,
  request: DecisionRequest,
  signal: AbortSignal,
): Promise<RouteOrRefusal> {
  const { host, kind } = request.destination;
  const parent = await parts.parentFor(request);
  if (parent !== undefined) return { via: 'parent', parent };
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
 * A policy that came, or a grant that was revoked, during the look-up or the record found no open connection
 * to close; so it is asked for once more before the permit leaves.
 */
function tightened(
  parts: GateParts,
  request: DecisionRequest,
  { grant }: AllowVerdict,
  version: string,
): DenyVerdict | undefined {
  const lasting = grant?.ticket === false ? grant : undefined;
  if (lasting === undefined && version === parts.policyVersion()) return undefined;
  const again = parts.evaluate(request);
  if (again.outcome === 'deny') return again;
  if (lasting === undefined || again.outcome === 'allow') return undefined;
  return deny('policy_changed', 'decider');
}

async function permit(
  parts: GateParts,
  request: DecisionRequest,
  verdict: AllowVerdict,
  route: Route,
  hold: HoldSummary | undefined,
): Promise<Decision> {
  const uid = randomUUID();
  const entry: DecisionEntry = {
    request,
    verdict,
    hold,
    pinned: route.via !== 'parent',
    policyVersion: parts.policyVersion(),
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

async function refuse(
  parts: GateParts,
  request: DecisionRequest,
  verdict: DenyVerdict,
  hold: HoldSummary | undefined,
): Promise<Decision> {
  const entry: DecisionEntry = {
    request,
    verdict,
    hold,
    pinned: true,
    policyVersion: parts.policyVersion(),
  };
  try {
    await parts.record(randomUUID(), entry);
    return { outcome: 'deny', request, verdict, hold };
  } catch {
    return { outcome: 'deny', request, verdict: deny('audit_unavailable', 'proxy_state'), hold };
  }
}
