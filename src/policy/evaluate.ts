// The order of precedence, here and nowhere else. The numbers are those of the contract's decision order.
import { isLoopbackOrUnspecified, specialRange } from './address.ts';
import type {
  AllowVerdict,
  DecisionRequest,
  DenyReason,
  DenyVerdict,
  GrantRef,
  RuleRef,
  Source,
  Verdict,
} from './decision.ts';
import { parseAddress } from './destination.ts';
import type { Destination } from './destination.ts';
import { guardMode } from './mode.ts';
import type { Policy } from './rules.ts';

/**
 * Orders 1 to 8: what the policy says of one request before any person is asked. `findGrant` is asked only
 * when no rule decides; `ownPorts` are the ports our listeners are bound to; `isPanic`: an approver has stopped
 * everything, whatever any rule says. Pure.
 */
export function evaluate(
  request: DecisionRequest,
  policy: Policy,
  findGrant: (destination: Destination) => GrantRef | undefined,
  ownPorts: ReadonlySet<number>,
  isPanic = false,
): Verdict {
  const { destination } = request;
  const { host, kind, port } = destination;
  if (isPanic) return deny('panic', 'proxy_state'); // before 1
  if (!policy.enabled) return deny('proxy_disabled', 'proxy_state'); // 1
  if (ownPorts.has(port) && isOwnHost(destination)) return deny('proxy_loop', 'proxy_state'); // 2
  const denied = policy.matchDeny(host, kind, port);
  if (denied !== undefined) return deny('denied', 'baseline_policy', denied); // 3
  const guarded = guardMode(request, policy.mode);
  if (guarded !== undefined) return deny(guarded, 'mode_guard'); // 4
  if (isGuardedLocal(destination, policy)) return deny('not_allowed_local', 'baseline_policy'); // 5
  const allowed = policy.matchAllow(host, kind, port);
  if (allowed !== undefined) return allow('baseline_policy', 'allow', { rule: allowed }); // 6
  const grant = policy.managedOnly ? undefined : findGrant(destination);
  if (grant !== undefined) return byGrant(grant); // 7
  return byDefault(policy); // 8
}

/**
 * Order 9 for one address that an allowed host stands for: why it may not be dialled, or undefined. Repeats
 * 2, 3 and 5 on the address; a rule for a name excuses nothing, but for `localhost` (RFC 6761 §6.3).
 */
export function vet(
  request: DecisionRequest,
  address: string,
  policy: Policy,
  ownPorts: ReadonlySet<number>,
): DenyVerdict | undefined {
  const { port } = request.destination;
  const read = parseAddress(address);
  if (!read.ok) return deny('not_allowed_local', 'baseline_policy'); // a zone id, or no address at all
  const { text, kind } = read.value;
  if (ownPorts.has(port) && isLoopbackOrUnspecified(text)) return deny('proxy_loop', 'proxy_state');
  const denied = policy.matchDeny(text, kind, port);
  if (denied !== undefined) return deny('denied', 'baseline_policy', denied);
  if (policy.allowLocalBinding || specialRange(text) === undefined) return undefined;
  if (policy.coversAddress(text, port) !== undefined) return undefined;
  if (isNamedLocalhost(request.destination, policy) && isLoopback(text)) return undefined;
  return deny('not_allowed_local', 'baseline_policy');
}

// 10, the server name of a tunnel against its host, is to stand here: it needs the first bytes of the
// tunnel, so it is judged after the permit and ends the connection with `sni_mismatch`.

/** Names that mean this machine without any look-up (RFC 6761 §6.3). */
function isLocalName(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost');
}

function isOwnHost({ host, kind }: Destination): boolean {
  return kind === 'name' ? isLocalName(host) : isLoopbackOrUnspecified(host);
}

/** 5: a local target is refused unless the guard is off or an allow rule names exactly it. */
function isGuardedLocal({ host, kind, port }: Destination, policy: Policy): boolean {
  if (policy.allowLocalBinding) return false;
  const isLocal = kind === 'name' ? isLocalName(host) : specialRange(host) !== undefined;
  return isLocal && policy.namesExactly(host, kind, port) === undefined;
}

function isNamedLocalhost({ host, kind, port }: Destination, policy: Policy): boolean {
  return host === 'localhost' && policy.namesExactly(host, kind, port) !== undefined;
}

/** What `localhost` is by its standard; 0.0.0.0 and `::` reach this machine too but are not its name. */
function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}

function byGrant(grant: GrantRef): Verdict {
  if (grant.outcome === 'deny') return { ...deny('not_allowed', 'decider'), grant };
  return allow('decider', 'not_allowed', { grant, override: true });
}

function byDefault(policy: Policy): Verdict {
  if (policy.managedOnly) return deny('not_allowed', 'baseline_policy');
  switch (policy.unknown) {
    case 'ask':
      return { outcome: 'ask' };
    case 'deny':
      return deny('not_allowed', 'baseline_policy');
    case 'report':
      return allow('baseline_policy', 'not_allowed', { wouldDeny: true });
    default:
      policy.unknown satisfies never;
      return deny('internal_error', 'proxy_state');
  }
}

function allow(
  source: Source,
  reason: AllowVerdict['reason'],
  details: Partial<AllowVerdict>,
): AllowVerdict {
  return {
    outcome: 'allow',
    source,
    reason,
    override: details.override ?? false,
    wouldDeny: details.wouldDeny ?? false,
    rule: details.rule,
    grant: details.grant,
  };
}

function deny(reason: DenyReason, source: Source, rule?: RuleRef): DenyVerdict {
  return { outcome: 'deny', source, reason, rule, grant: undefined };
}
