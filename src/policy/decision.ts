// The vocabulary of a decision: what is asked, which answers exist, why, and who said so.
// Types and closed lists only; the order of precedence is in evaluate.ts.
import type { Destination } from './destination.ts';

/** Which door a request came through. */
export type ListenerKind = 'http' | 'socks5' | 'gateway';

/** Who said so; Codex's values of `network.policy.source`. */
export const sources = ['baseline_policy', 'mode_guard', 'proxy_state', 'decider'] as const;
/** One of `sources`. */
export type Source = (typeof sources)[number];

/** Why a request is refused; the values of `network.policy.reason` beside `allow`. */
export const denyReasons = [
  'denied',
  'not_allowed',
  'not_allowed_local',
  'method_not_allowed',
  'mitm_required',
  'proxy_disabled',
  'panic',
  'proxy_loop',
  'approval_timeout',
  'approval_limit',
  'client_gone',
  'stopping',
  'sni_mismatch',
  'policy_changed',
  'audit_unavailable',
  'internal_error',
] as const;
/** One of `denyReasons`. */
export type DenyReason = (typeof denyReasons)[number];

/** Which configuration layer a value comes from, lowest first. */
export const layers = [
  'default',
  'user',
  'codex-requirements',
  'requirements',
  'managed-preferences',
] as const;
/** One of `layers`. */
export type Layer = (typeof layers)[number];

/** Where a value was written: layer, file as the person named it, 1-based line and column. */
export interface Origin {
  readonly layer: Layer;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** The rule that decided, as the record and `explain` show it. */
export interface RuleRef {
  readonly text: string;
  readonly outcome: 'allow' | 'deny';
  readonly origin: Origin;
}

/** The local program's end of the connection, as the kernel reports it. */
export interface ClientAddress {
  /** Empty when the client was gone before it was looked at; the audit trail then says `unknown`. */
  readonly address: string;
  readonly port: number;
  /** The port of ours it connected to; with `port` it names the connection to the OS. */
  readonly localPort: number;
}

/** One request as every door hands it to the gate: normalised, nothing else is needed to decide. */
export interface DecisionRequest {
  readonly destination: Destination;
  readonly listener: ListenerKind;
  /** The HTTP method exactly as sent, `CONNECT` for a tunnel, `none` for SOCKS. */
  readonly method: string;
  /** `request`: one HTTP message; `tunnel`: opaque bytes; `upgrade`: HTTP that leaves HTTP. */
  readonly form: 'request' | 'tunnel' | 'upgrade';
  readonly client: ClientAddress;
  /** Plain HTTP: the request target as sent. Approvers are shown its path; it decides nothing and is never recorded. */
  readonly target?: string;
}

/** A grant as far as a decision needs it; kept in approval/grants.ts. */
export interface GrantRef {
  readonly id: string;
  readonly outcome: 'allow' | 'deny';
  /** True for a one-use ticket, which the gate must consume before it counts. */
  readonly ticket: boolean;
  /** True for what was found by the asking program: `evaluate` does not see it, so `consume` says whether it stands. */
  readonly bound?: true;
  /** A ticket's question, so that undoing its answer is met by what the ticket let through. */
  readonly question?: string;
}

/** An allow: by rule, by grant or answer (`override`), or by report-only mode (`wouldDeny`). */
export interface AllowVerdict {
  readonly outcome: 'allow';
  readonly source: Source;
  readonly reason: 'allow' | 'not_allowed';
  /** True when an approver's allow replaced a miss (`not_allowed`). */
  readonly override: boolean;
  /** True when report-only mode let through what it would otherwise have asked or denied. */
  readonly wouldDeny: boolean;
  readonly rule: RuleRef | undefined;
  readonly grant: GrantRef | undefined;
}

/** A deny and its reason. */
export interface DenyVerdict {
  readonly outcome: 'deny';
  readonly source: Source;
  readonly reason: DenyReason;
  readonly rule: RuleRef | undefined;
  readonly grant: GrantRef | undefined;
}

/** Nothing allows or denies it: a person is asked. */
export interface AskVerdict {
  readonly outcome: 'ask';
}

/** What the policy says before any person is asked. */
export type Verdict = AllowVerdict | DenyVerdict | AskVerdict;

/** `network.policy.scope`: `non_domain` when the host had no part in the decision. */
export function scopeOf(source: Source): 'domain' | 'non_domain' {
  return source === 'mode_guard' || source === 'proxy_state' ? 'non_domain' : 'domain';
}

/** What a look-up gave: addresses in the order to try them, or why there are none. */
export type Resolution =
  | { readonly kind: 'addresses'; readonly addresses: readonly string[] }
  | { readonly kind: 'failed'; readonly failure: LookupFailure };
/** Why a look-up gave nothing: an answer that says so, or no answer in time. */
export type LookupFailure = 'dns_failed' | 'dns_timeout';

/** An upstream proxy that the daemon itself was told to use (RFC 9110 §3.7: the next proxy). */
export interface Parent {
  readonly protocol: 'http' | 'https' | 'socks4' | 'socks5';
  readonly host: string;
  readonly port: number;
  /** `user:password`, decoded; never shown, logged or recorded. */
  readonly credentials: string | undefined;
}

/** How a permitted request leaves: exactly these addresses, or through the parent by name. */
export type Route =
  | { readonly via: 'direct'; readonly addresses: readonly string[] }
  | { readonly via: 'parent'; readonly parent: Parent }
  | { readonly via: 'nowhere'; readonly failure: LookupFailure };

/** How a hold ended, for the record. */
export interface HoldSummary {
  /** The question's short id, such as `k3`. */
  readonly group: string | undefined;
  readonly waitedMs: number;
  /** Who answered and from where; undefined when nobody did. */
  readonly approver: ApproverRef | undefined;
  /** The program that asked, when the operating system told in time. */
  readonly asker?: ProcessRef;
  /** A sentence for the refused client: what the approver tells it, or why nobody was asked. Printable. */
  readonly say?: string;
}

/** A program as the operating system reported it; not proof. */
export interface ProcessRef {
  readonly pid: number;
  readonly executable: string;
}

/** Who answered a question and from which surface. */
export interface ApproverRef {
  readonly name: string;
  readonly surface: string;
}

/** One allow or deny as the audit trail records it. */
export interface DecisionEntry {
  readonly request: DecisionRequest;
  readonly verdict: AllowVerdict | DenyVerdict;
  readonly hold: HoldSummary | undefined;
  /** False when the name went to a parent unresolved. */
  readonly pinned: boolean;
  readonly policyVersion: string;
}

/** A request that cannot be read in one way only: answered 400 (SOCKS: a refusal) and recorded, never judged. */
export interface Malformed {
  readonly listener: ListenerKind;
  readonly client: ClientAddress;
  /** The problem, in fixed words of ours. */
  readonly what: string;
  /** The authority it named as sent, without user information, path or query; may be empty. */
  readonly text: string;
}

declare const permitBrand: unique symbol;

/** An allow with its route: the only thing that may be dialled. Made in gate.ts and nowhere else. */
export interface Permit {
  readonly outcome: 'allow';
  readonly request: DecisionRequest;
  readonly verdict: AllowVerdict;
  readonly route: Route;
  readonly hold: HoldSummary | undefined;
  /** The uid of the decision's audit record; ties `sallyport.connection.closed` to it. */
  readonly uid: string;
  readonly [permitBrand]: true;
}

/** A deny as the doors answer it. */
export interface Refusal {
  readonly outcome: 'deny';
  readonly request: DecisionRequest;
  readonly verdict: DenyVerdict;
  readonly hold: HoldSummary | undefined;
}

/** The final answer of the gate. */
export type Decision = Permit | Refusal;
