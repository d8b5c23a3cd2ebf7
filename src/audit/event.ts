// Everything that happens, as audit events: pure builders from plain data to flat attributes.
// The only file that spells event and attribute names; who writes or sends events is not its business.
// What a client controls is bounded and escaped here; paths, queries, fields and bodies never come in.
import type {
  ApproverRef,
  ClientAddress,
  DecisionEntry,
  Layer,
  Malformed,
  ProcessRef,
  RuleRef,
} from '../policy/decision.ts';
import { scopeOf } from '../policy/decision.ts';
import type { Destination } from '../policy/destination.ts';

/** Version of the attribute table below; raised when a name or meaning changes. */
export const schemaVersion = 1;

/** One record of the audit trail, as the journal keeps it and exporters send it. */
export interface AuditEvent {
  /** Unique for ever; consumers drop a second record of the same uid. */
  readonly uid: string;
  /** ISO 8601 in UTC with milliseconds. */
  readonly time: string;
  /** One of `eventNames`. */
  readonly name: string;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

/** Every event name with its meaning. */
export const eventNames = {
  'codex.network_proxy.policy_decision': 'one request was allowed or denied',
  'sallyport.request.malformed': 'a request could not be read and was answered with 400',
  'sallyport.approval.opened': 'an unknown destination became a question',
  'sallyport.approval.answered': 'an approver answered a question',
  'sallyport.approval.undone': 'an answer was taken back',
  'sallyport.approval.extended': 'an approver let what waits in a question wait longer',
  'sallyport.approval.reviewed': 'the automatic reviewer was asked about a question',
  'sallyport.approval.self': 'an answer came from inside the process tree that asked',
  'sallyport.control.acted': 'somebody changed a token, opened the page or asked for a reload',
  'sallyport.control.refused': 'a program that asks tried to steer the gate',
  'sallyport.gate.paused': 'an approver had unknown hosts denied without a question',
  'sallyport.gate.resumed': 'unknown hosts are asked about again',
  'sallyport.gate.panic': 'an approver stopped all traffic',
  'sallyport.gate.reopened': 'an approver let traffic through again',
  'sallyport.gate.flood': 'a program asked for too much and is refused until a person looks',
  'sallyport.connection.closed': 'a permitted connection or request ended',
  'sallyport.policy.loaded': 'a policy came into force',
  'sallyport.policy.rejected': 'a policy on disk has mistakes; the last good one stays',
  'sallyport.policy.changed':
    'a policy that lets more through waits, came into force, or was undone',
  'sallyport.policy.edited': 'an admin saved a configuration file through the control API',
  'sallyport.grant.created': 'an answer was remembered',
  'sallyport.grant.revoked': 'a remembered answer was taken back',
  'sallyport.grant.expired': 'a remembered answer ran out',
  'sallyport.daemon.started': 'the daemon opened its doors',
  'sallyport.daemon.stopping': 'the daemon began to stop',
  'sallyport.heartbeat': 'the daemon is alive; written once a minute',
} as const;
/** One of `eventNames`. */
export type EventName = keyof typeof eventNames;

/** Type and meaning of one attribute; `int` is a whole number. */
export interface AttributeDoc {
  readonly type: 'string' | 'int' | 'bool';
  readonly meaning: string;
}

/** Every attribute that any event can carry. Names without `sallyport.` are Codex's, with Codex's types. */
export const attributeTable = {
  'event.name': { type: 'string', meaning: 'the name of the event' },
  'event.timestamp': { type: 'string', meaning: 'when it happened: RFC 3339, milliseconds, Z' },
  'network.policy.scope': {
    type: 'string',
    meaning: 'domain, or non_domain when the host had no part in the decision',
  },
  'network.policy.decision': { type: 'string', meaning: 'allow or deny' },
  'network.policy.source': {
    type: 'string',
    meaning: 'who said so: baseline_policy, mode_guard, proxy_state or decider',
  },
  'network.policy.reason': {
    type: 'string',
    meaning: 'allow, or why not; not_allowed with an allow means that a miss was overridden',
  },
  'network.policy.override': {
    type: 'bool',
    meaning: 'true only when an approver turned a miss into an allow',
  },
  'network.transport.protocol': { type: 'string', meaning: 'http, https_connect or socks5_tcp' },
  'server.address': { type: 'string', meaning: 'canonical host of the destination' },
  'server.port': { type: 'int', meaning: 'port of the destination' },
  'http.request.method': {
    type: 'string',
    meaning: 'as sent; none for SOCKS, _OTHER when it is no method name of at most 32 characters',
  },
  'client.address': { type: 'string', meaning: 'address and port of the client, or unknown' },
  'sallyport.schema_version': { type: 'int', meaning: 'version of this table' },
  'sallyport.uid': { type: 'string', meaning: 'unique id of the record' },
  'sallyport.listener': { type: 'string', meaning: 'the door: http, socks5 or gateway' },
  'sallyport.rule.text': { type: 'string', meaning: 'the rule that decided, as written' },
  'sallyport.rule.layer': { type: 'string', meaning: 'configuration layer of that rule' },
  'sallyport.rule.file': { type: 'string', meaning: 'file of that rule' },
  'sallyport.rule.line': { type: 'int', meaning: 'line of that rule, from 1' },
  'sallyport.group.id': { type: 'string', meaning: 'short id of the question' },
  'sallyport.grant.id': { type: 'string', meaning: 'id of the remembered answer' },
  'sallyport.grant.outcome': { type: 'string', meaning: 'allow or deny' },
  'sallyport.grant.for': { type: 'string', meaning: 'ticket, until, restart or always' },
  'sallyport.grant.host': { type: 'string', meaning: 'the host, or *. and a domain' },
  'sallyport.grant.port': { type: 'string', meaning: 'the port in digits, or any' },
  'sallyport.grant.expires': {
    type: 'string',
    meaning: 'when it runs out; absent when it does not',
  },
  'sallyport.approver.name': { type: 'string', meaning: 'who answered' },
  'sallyport.approver.surface': { type: 'string', meaning: 'from where: cli, page, tray …' },
  'sallyport.wait_ms': { type: 'int', meaning: 'how long the request was held, in milliseconds' },
  'sallyport.policy.version': { type: 'string', meaning: 'the policy in force' },
  'sallyport.pinned': {
    type: 'bool',
    meaning: 'false when the name went to an upstream proxy without being looked up here',
  },
  'sallyport.would_deny': {
    type: 'bool',
    meaning: 'true when report-only mode let through what it would have asked about or denied',
  },
  'sallyport.process.executable': { type: 'string', meaning: 'the asking program, by the OS' },
  'sallyport.process.pid': { type: 'int', meaning: 'its process id' },
  'sallyport.malformed.what': { type: 'string', meaning: 'what was wrong with the request' },
  'sallyport.malformed.text': {
    type: 'string',
    meaning: 'the host or authority that was wrong: escaped, no userinfo, at most 256 characters',
  },
  'sallyport.answer.outcome': { type: 'string', meaning: 'allow or deny' },
  'sallyport.answer.for': { type: 'string', meaning: 'once, minutes, hours, restart or always' },
  'sallyport.answer.host': { type: 'string', meaning: 'exact, or *. and a domain' },
  'sallyport.answer.port': { type: 'string', meaning: 'this or any' },
  'sallyport.answer.program': {
    type: 'string',
    meaning: 'any, or this: the answer is bound to the programs that asked',
  },
  'sallyport.answer.note': {
    type: 'string',
    meaning: "the approver's words, at most 200 characters",
  },
  'sallyport.answer.latency_ms': {
    type: 'int',
    meaning: 'from the first request of the question to the answer',
  },
  'sallyport.answer.released': { type: 'int', meaning: 'how many held connections it let go' },
  'sallyport.answer.taken': {
    type: 'bool',
    meaning: 'false when the self-approval guard refused it',
  },
  'sallyport.review.verdict': {
    type: 'string',
    meaning: 'allow, deny or ask; absent when it gave none that could be read',
  },
  'sallyport.review.risk': { type: 'string', meaning: 'low, medium or high' },
  'sallyport.review.end': {
    type: 'string',
    meaning: 'allowed, denied, asked (left to a person) or late (somebody was faster)',
  },
  'sallyport.review.took_ms': { type: 'int', meaning: 'how long the reviewer took' },
  'sallyport.control.action': { type: 'string', meaning: 'what the caller wanted to do' },
  'sallyport.control.about': { type: 'string', meaning: 'the name or id it is about' },
  'sallyport.control.token': { type: 'string', meaning: 'id of the token it came with' },
  'sallyport.gate.until': { type: 'string', meaning: 'when the pause ends: RFC 3339' },
  'sallyport.gate.closed': { type: 'int', meaning: 'open connections that were closed by it' },
  'sallyport.flood.refused': { type: 'int', meaning: 'requests refused so far' },
  'sallyport.connection.permit_uid': {
    type: 'string',
    meaning: 'uid of the decision that permitted it',
  },
  'sallyport.connection.reason': { type: 'string', meaning: 'why it ended' },
  'sallyport.connection.bytes_up': { type: 'int', meaning: 'bytes from the client' },
  'sallyport.connection.bytes_down': { type: 'int', meaning: 'bytes to the client' },
  'sallyport.connection.duration_ms': { type: 'int', meaning: 'how long it lived' },
  'sallyport.connection.remote_address': { type: 'string', meaning: 'the address dialled' },
  'sallyport.policy.enabled': { type: 'bool', meaning: 'false: everything is refused' },
  'sallyport.policy.mode': { type: 'string', meaning: 'full or limited' },
  'sallyport.policy.unknown': { type: 'string', meaning: 'ask, deny or report' },
  'sallyport.policy.allow_rules': { type: 'int', meaning: 'number of allow rules' },
  'sallyport.policy.deny_rules': { type: 'int', meaning: 'number of deny rules' },
  'sallyport.policy.layers': { type: 'string', meaning: 'layer=file, lowest first, blank between' },
  'sallyport.policy.problems': { type: 'int', meaning: 'number of mistakes found' },
  'sallyport.policy.problem': { type: 'string', meaning: 'the first mistake, with its place' },
  'sallyport.policy.state': {
    type: 'string',
    meaning: 'waiting, applied, undone, rejected or replaced',
  },
  'sallyport.policy.added': { type: 'int', meaning: 'number of rules added' },
  'sallyport.policy.removed': { type: 'int', meaning: 'number of rules removed' },
  'sallyport.policy.keys': { type: 'int', meaning: 'number of other keys changed' },
  'sallyport.policy.file': { type: 'string', meaning: 'the file that was saved' },
  'sallyport.policy.lines': { type: 'int', meaning: 'number of lines changed in it' },
  'sallyport.daemon.version': { type: 'string', meaning: 'version of sallyport' },
  'sallyport.daemon.pid': { type: 'int', meaning: 'process id of the daemon' },
  'sallyport.heartbeat.uptime_ms': { type: 'int', meaning: 'time since the start' },
  'sallyport.heartbeat.connections': { type: 'int', meaning: 'open connections of all doors' },
  'sallyport.heartbeat.groups': { type: 'int', meaning: 'open questions' },
  'sallyport.heartbeat.holds': { type: 'int', meaning: 'connections held' },
  'sallyport.heartbeat.exported': { type: 'int', meaning: 'records delivered to the collector' },
  'sallyport.heartbeat.dropped': { type: 'int', meaning: 'records the exporter gave up on' },
} as const satisfies Readonly<Record<string, AttributeDoc>>;
/** One of the names in `attributeTable`. */
export type AttributeName = keyof typeof attributeTable;

interface TypeOf {
  readonly string: string;
  readonly int: number;
  readonly bool: boolean;
}
type Attributes = {
  readonly [N in AttributeName]?: TypeOf[(typeof attributeTable)[N]['type']] | undefined;
};

/** Host, port and protocol as every event about a destination shows them. */
export type Target = Pick<Destination, 'protocol' | 'host' | 'port'>;

/** The record of one allow or deny, with Codex's attributes and ours. `timeMs` is Unix time. */
export function decisionEvent(uid: string, timeMs: number, entry: DecisionEntry): AuditEvent {
  const { request, verdict, hold } = entry;
  const allowed = verdict.outcome === 'allow';
  const draft = open(timeMs, 'codex.network_proxy.policy_decision');
  draft['network.policy.scope'] = scopeOf(verdict.source);
  draft['network.policy.decision'] = verdict.outcome;
  draft['network.policy.source'] = verdict.source;
  draft['network.policy.reason'] = verdict.reason;
  putTarget(draft, request.destination);
  draft['http.request.method'] = methodText(request.method);
  draft['client.address'] = clientText(request.client);
  draft['network.policy.override'] = allowed && verdict.override;
  draft['sallyport.listener'] = request.listener;
  if (verdict.rule !== undefined) putRule(draft, verdict.rule);
  if (hold?.group !== undefined) draft['sallyport.group.id'] = hold.group;
  if (verdict.grant !== undefined) draft['sallyport.grant.id'] = verdict.grant.id;
  if (hold !== undefined) {
    Object.assign(draft, approved(hold.approver));
    draft['sallyport.wait_ms'] = whole(hold.waitedMs);
  }
  draft['sallyport.policy.version'] = entry.policyVersion;
  draft['sallyport.pinned'] = entry.pinned;
  draft['sallyport.would_deny'] = allowed && verdict.wouldDeny;
  Object.assign(draft, asking(hold?.asker));
  return close(uid, draft);
}

/** A request that was answered with 400. */
export function malformedEvent(uid: string, timeMs: number, malformed: Malformed): AuditEvent {
  return build(uid, timeMs, 'sallyport.request.malformed', {
    'client.address': clientText(malformed.client),
    'sallyport.listener': malformed.listener,
    'sallyport.malformed.what': escapeText(maskUserinfo(malformed.what), 256),
    'sallyport.malformed.text': escapeText(authorityOnly(malformed.text), 256),
  });
}

/** A new question. */
export interface Opened {
  readonly group: string;
  readonly target: Target;
  readonly client?: ClientAddress | undefined;
  readonly asker?: ProcessRef | undefined;
}

/** An unknown destination became a question; written once a group. */
export function approvalOpenedEvent(uid: string, timeMs: number, opened: Opened): AuditEvent {
  return build(uid, timeMs, 'sallyport.approval.opened', {
    'sallyport.group.id': opened.group,
    ...target(opened.target),
    'client.address': opened.client === undefined ? undefined : clientText(opened.client),
    ...asking(opened.asker),
  });
}

/** An approver's answer as it was given. */
export interface Answered {
  readonly group: string;
  readonly target: Target;
  readonly outcome: 'allow' | 'deny';
  /** `once`, `30m`, `2h`, `restart` or `always`. */
  readonly for: string;
  /** `exact`, or `*.` and a domain. */
  readonly host: string;
  readonly port: 'this' | 'any';
  readonly approver: ApproverRef;
  readonly program: 'this' | 'any';
  readonly note?: string | undefined;
  /** From the first request of the question, in ms. */
  readonly latencyMs: number;
  readonly released: number;
  readonly grant?: string | undefined;
}

/** A question was answered. */
export function approvalAnsweredEvent(uid: string, timeMs: number, answer: Answered): AuditEvent {
  return build(uid, timeMs, 'sallyport.approval.answered', {
    'sallyport.group.id': answer.group,
    ...target(answer.target),
    'sallyport.answer.outcome': answer.outcome,
    'sallyport.answer.for': escapeText(answer.for, 32),
    'sallyport.answer.host': escapeText(answer.host, 256),
    'sallyport.answer.port': answer.port,
    'sallyport.answer.program': answer.program,
    'sallyport.answer.note': answer.note === undefined ? undefined : escapeText(answer.note, 256),
    'sallyport.answer.latency_ms': whole(answer.latencyMs),
    'sallyport.answer.released': whole(answer.released),
    'sallyport.grant.id': answer.grant,
    ...approved(answer.approver),
  });
}

/** An answer that was taken back. */
export interface Undone {
  readonly group: string;
  readonly target: Target;
  readonly outcome: 'allow' | 'deny';
  readonly grant: string | undefined;
  readonly closed: number;
  readonly approver: ApproverRef;
}

/** An answer was taken back, with the connections it had opened. */
export function approvalUndoneEvent(uid: string, timeMs: number, undone: Undone): AuditEvent {
  return build(uid, timeMs, 'sallyport.approval.undone', {
    'sallyport.group.id': undone.group,
    ...target(undone.target),
    'sallyport.answer.outcome': undone.outcome,
    'sallyport.grant.id': undone.grant,
    'sallyport.gate.closed': whole(undone.closed),
    ...approved(undone.approver),
  });
}

/** What waits in a question may wait longer. */
export function approvalExtendedEvent(
  uid: string,
  timeMs: number,
  extended: { readonly group: string; readonly until: string; readonly approver: ApproverRef },
): AuditEvent {
  return build(uid, timeMs, 'sallyport.approval.extended', {
    'sallyport.group.id': extended.group,
    'sallyport.gate.until': extended.until,
    ...approved(extended.approver),
  });
}

/** A program that asks, or one that hides, tried to steer the gate. */
export interface RefusedAction {
  readonly action: string;
  readonly approver: ApproverRef;
  readonly asker: ProcessRef | undefined;
  /** True when `dangerously_allow_self_approval` let it through. */
  readonly taken: boolean;
}

/** The guard of the control API met a caller that may not steer the gate. */
export function controlRefusedEvent(uid: string, timeMs: number, tried: RefusedAction): AuditEvent {
  return build(uid, timeMs, 'sallyport.control.refused', {
    'sallyport.control.action': escapeText(tried.action, 64),
    'sallyport.answer.taken': tried.taken,
    ...approved(tried.approver),
    ...asking(tried.asker),
  });
}

/** A change through the control API that has no event of its own. */
export interface ControlAct {
  readonly action: string;
  readonly approver: ApproverRef;
  readonly token: string;
  readonly about: string | null;
}

/** Somebody changed a token, opened the page or asked for a reload. */
export function controlActedEvent(uid: string, timeMs: number, act: ControlAct): AuditEvent {
  return build(uid, timeMs, 'sallyport.control.acted', {
    'sallyport.control.action': escapeText(act.action, 64),
    'sallyport.control.about': act.about === null ? undefined : escapeText(act.about, 128),
    'sallyport.control.token': escapeText(act.token, 64),
    ...approved(act.approver),
  });
}

/** Pause, panic and their ends. */
export interface GateChange {
  readonly change: 'paused' | 'resumed' | 'panic' | 'reopened';
  /** ISO 8601; for a pause. */
  readonly until?: string | undefined;
  readonly closed: number;
  readonly approver: ApproverRef;
}

/** An approver changed what the gate as a whole does. */
export function gateEvent(uid: string, timeMs: number, gate: GateChange): AuditEvent {
  return build(uid, timeMs, `sallyport.gate.${gate.change}`, {
    'sallyport.gate.until': gate.until,
    'sallyport.gate.closed': whole(gate.closed),
    ...approved(gate.approver),
  });
}

/** A program tree that is refused quietly, when that begins and when a person lifts it (`approver`). */
export interface Flood {
  readonly asker: ProcessRef | undefined;
  readonly refused: number;
  readonly approver?: ApproverRef | undefined;
}

/** A program asked for too much, or a person has looked. */
export function floodEvent(uid: string, timeMs: number, flood: Flood): AuditEvent {
  return build(uid, timeMs, 'sallyport.gate.flood', {
    'sallyport.flood.refused': whole(flood.refused),
    ...asking(flood.asker),
    ...approved(flood.approver),
  });
}

/** One review that ended. */
export interface Reviewed {
  readonly group: string;
  readonly host: string;
  readonly port: number;
  readonly verdict: string | undefined;
  readonly risk: string | undefined;
  readonly end: 'allowed' | 'denied' | 'asked' | 'late';
  readonly tookMs: number;
}

/** The automatic reviewer was asked about a question; its reason is not recorded, since it is its own text. */
export function approvalReviewedEvent(uid: string, timeMs: number, review: Reviewed): AuditEvent {
  return build(uid, timeMs, 'sallyport.approval.reviewed', {
    'sallyport.group.id': review.group,
    'server.address': review.host,
    'server.port': review.port,
    'sallyport.review.verdict': review.verdict,
    'sallyport.review.risk': review.risk,
    'sallyport.review.end': review.end,
    'sallyport.review.took_ms': whole(review.tookMs),
  });
}

/** An answer from inside the asking process tree. */
export interface SelfApproval {
  readonly group: string;
  readonly target?: Target | undefined;
  readonly outcome: 'allow' | 'deny';
  readonly approver: ApproverRef;
  /** The program that answered, when it was found. */
  readonly asker?: ProcessRef | undefined;
  /** True when `dangerously_allow_self_approval` let it through. */
  readonly taken: boolean;
}

/** The self-approval guard met an answer. */
export function selfApprovalEvent(uid: string, timeMs: number, self: SelfApproval): AuditEvent {
  return build(uid, timeMs, 'sallyport.approval.self', {
    'sallyport.group.id': escapeText(self.group, 32),
    ...(self.target === undefined ? {} : target(self.target)),
    'sallyport.answer.outcome': self.outcome,
    'sallyport.answer.taken': self.taken,
    ...approved(self.approver),
    ...asking(self.asker),
  });
}

/** How a permitted connection ended. */
export interface Closed {
  readonly permit: Pick<DecisionEntry, 'request'> & { readonly uid: string };
  readonly reason: string;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly durationMs: number;
  readonly remoteAddress: string | undefined;
}

/** A permitted connection or request ended; tied to its decision by the permit's uid. */
export function connectionClosedEvent(uid: string, timeMs: number, closed: Closed): AuditEvent {
  const { request, uid: permitUid } = closed.permit;
  const draft = open(timeMs, 'sallyport.connection.closed');
  putTarget(draft, request.destination);
  draft['client.address'] = clientText(request.client);
  draft['sallyport.listener'] = request.listener;
  draft['sallyport.connection.permit_uid'] = permitUid;
  draft['sallyport.connection.reason'] = closed.reason;
  draft['sallyport.connection.bytes_up'] = whole(closed.bytesUp);
  draft['sallyport.connection.bytes_down'] = whole(closed.bytesDown);
  draft['sallyport.connection.duration_ms'] = whole(closed.durationMs);
  const { remoteAddress } = closed;
  if (remoteAddress !== undefined) draft['sallyport.connection.remote_address'] = remoteAddress;
  return close(uid, draft);
}

/** A policy as the record sums it up. */
export interface LoadedPolicy {
  readonly version: string;
  readonly enabled: boolean;
  readonly mode: 'full' | 'limited';
  readonly unknown: 'ask' | 'deny' | 'report';
  readonly allowRules: number;
  readonly denyRules: number;
  readonly layers: readonly { readonly layer: Layer; readonly file: string }[];
}

/** A policy came into force, at the start or by a reload. */
export function policyLoadedEvent(uid: string, timeMs: number, policy: LoadedPolicy): AuditEvent {
  const layers = policy.layers.map(({ layer, file }) => `${layer}=${file}`).join(' ');
  return build(uid, timeMs, 'sallyport.policy.loaded', {
    'sallyport.policy.version': policy.version,
    'sallyport.policy.enabled': policy.enabled,
    'sallyport.policy.mode': policy.mode,
    'sallyport.policy.unknown': policy.unknown,
    'sallyport.policy.allow_rules': whole(policy.allowRules),
    'sallyport.policy.deny_rules': whole(policy.denyRules),
    'sallyport.policy.layers': escapeText(layers, 2048),
  });
}

/** A policy that widens, on its way. */
export interface PolicyChange {
  readonly state: 'waiting' | 'applied' | 'undone' | 'rejected' | 'replaced';
  readonly version: string;
  readonly added: number;
  readonly removed: number;
  readonly keys: number;
  readonly approver?: ApproverRef | undefined;
}

/** A policy that lets more through waits, came into force, or was undone. */
export function policyChangedEvent(uid: string, timeMs: number, change: PolicyChange): AuditEvent {
  return build(uid, timeMs, 'sallyport.policy.changed', {
    'sallyport.policy.state': change.state,
    'sallyport.policy.version': change.version,
    'sallyport.policy.added': whole(change.added),
    'sallyport.policy.removed': whole(change.removed),
    'sallyport.policy.keys': whole(change.keys),
    ...approved(change.approver),
  });
}

/** A configuration file was saved through the control API. */
export function policyEditedEvent(
  uid: string,
  timeMs: number,
  edit: { readonly file: string; readonly lines: number; readonly approver: ApproverRef },
): AuditEvent {
  return build(uid, timeMs, 'sallyport.policy.edited', {
    'sallyport.policy.file': escapeText(edit.file, 1024),
    'sallyport.policy.lines': whole(edit.lines),
    ...approved(edit.approver),
  });
}

/** A reload that failed. */
export interface RejectedPolicy {
  /** The version that stays in force. */
  readonly kept: string;
  /** The mistakes, each `file:line:column: message`, without secret values. */
  readonly problems: readonly string[];
}

/** A policy on disk was not taken. */
export function policyRejectedEvent(
  uid: string,
  timeMs: number,
  rejected: RejectedPolicy,
): AuditEvent {
  return build(uid, timeMs, 'sallyport.policy.rejected', {
    'sallyport.policy.version': rejected.kept,
    'sallyport.policy.problems': rejected.problems.length,
    'sallyport.policy.problem': escapeText(rejected.problems[0] ?? 'unknown', 1024),
  });
}

/** A remembered answer as its events show it. */
export interface GrantChange {
  readonly change: 'created' | 'revoked' | 'expired';
  readonly id: string;
  readonly outcome: 'allow' | 'deny';
  readonly protocol: Destination['protocol'];
  /** A host, or `*.` and a domain. */
  readonly host: string;
  readonly port: number | 'any';
  readonly for: 'ticket' | 'until' | 'restart' | 'always';
  /** ISO 8601; null when it does not run out. */
  readonly expires: string | null;
  /** Who made it, or for `revoked` who took it back. */
  readonly approver?: ApproverRef | undefined;
}

/** An answer was remembered, taken back, or ran out. */
export function grantEvent(uid: string, timeMs: number, grant: GrantChange): AuditEvent {
  return build(uid, timeMs, `sallyport.grant.${grant.change}`, {
    'network.transport.protocol': grant.protocol,
    'sallyport.grant.id': grant.id,
    'sallyport.grant.outcome': grant.outcome,
    'sallyport.grant.for': grant.for,
    'sallyport.grant.host': escapeText(grant.host, 256),
    'sallyport.grant.port': String(grant.port),
    'sallyport.grant.expires': grant.expires ?? undefined,
    ...approved(grant.approver),
  });
}

/** The daemon's own beginning and end. */
export interface DaemonChange {
  readonly change: 'started' | 'stopping';
  readonly version: string;
  readonly pid: number;
}

/** The daemon started or begins to stop; a trail without the second ended by force. */
export function daemonEvent(uid: string, timeMs: number, daemon: DaemonChange): AuditEvent {
  return build(uid, timeMs, `sallyport.daemon.${daemon.change}`, {
    'sallyport.daemon.version': daemon.version,
    'sallyport.daemon.pid': whole(daemon.pid),
  });
}

/** The daemon's counters at one moment. */
export interface Heartbeat {
  readonly uptimeMs: number;
  readonly connections: number;
  readonly groups: number;
  readonly holds: number;
  readonly exported: number;
  readonly dropped: number;
  readonly policyVersion: string;
}

/** Sign of life, once a minute: a gap in them is a gap in the trail. */
export function heartbeatEvent(uid: string, timeMs: number, beat: Heartbeat): AuditEvent {
  return build(uid, timeMs, 'sallyport.heartbeat', {
    'sallyport.heartbeat.uptime_ms': whole(beat.uptimeMs),
    'sallyport.heartbeat.connections': whole(beat.connections),
    'sallyport.heartbeat.groups': whole(beat.groups),
    'sallyport.heartbeat.holds': whole(beat.holds),
    'sallyport.heartbeat.exported': whole(beat.exported),
    'sallyport.heartbeat.dropped': whole(beat.dropped),
    'sallyport.policy.version': beat.policyVersion,
  });
}

/** One decision of the trail, read back. */
export interface PastDecision {
  readonly uid: string;
  readonly at: string;
  readonly outcome: 'allow' | 'deny';
  readonly protocol: string;
  readonly host: string;
  readonly port: number;
  readonly method: string;
  readonly reason: string;
  readonly source: string;
  /** `text (file:line)`. */
  readonly rule: string | null;
  readonly question: string | null;
  readonly grant: string | null;
  readonly approver: string | null;
  readonly surface: string | null;
  readonly waitMs: number | null;
  readonly program: string | null;
  readonly pid: number | null;
}

/** The decision an event is about; undefined for other events and for lines that are not as we write them. */
export function readDecision({
  uid,
  time,
  name,
  attributes,
}: AuditEvent): PastDecision | undefined {
  if (name !== 'codex.network_proxy.policy_decision') return undefined;
  const text = (key: AttributeName): string | null => {
    const value = attributes[key];
    return typeof value === 'string' ? value : null;
  };
  const number = (key: AttributeName): number | null => {
    const value = attributes[key];
    return typeof value === 'number' ? value : null;
  };
  const [host, port, outcome] = [
    text('server.address'),
    number('server.port'),
    text('network.policy.decision'),
  ];
  if (host === null || port === null || (outcome !== 'allow' && outcome !== 'deny')) {
    return undefined;
  }
  const rule = text('sallyport.rule.text');
  const place = `${text('sallyport.rule.file')}:${number('sallyport.rule.line')}`;
  return {
    uid,
    at: time,
    outcome,
    protocol: text('network.transport.protocol') ?? '',
    host,
    port,
    method: text('http.request.method') ?? '',
    reason: text('network.policy.reason') ?? '',
    source: text('network.policy.source') ?? '',
    rule: rule === null ? null : `${rule} (${place})`,
    question: text('sallyport.group.id'),
    grant: text('sallyport.grant.id'),
    approver: text('sallyport.approver.name'),
    surface: text('sallyport.approver.surface'),
    waitMs: number('sallyport.wait_ms'),
    program: text('sallyport.process.executable'),
    pid: number('sallyport.process.pid'),
  };
}

/** An event on its way: nothing in it is undefined. */
type Draft = { -readonly [N in keyof Attributes]: Exclude<Attributes[N], undefined> } & {
  'event.name': EventName;
  'event.timestamp': string;
};

/**
 * The events of every connection are put together name by name, in one order, instead of from parts: V8 then
 * keeps them in one shape, which takes a third off what making and writing them costs.
 */
function open(timeMs: number, name: EventName): Draft {
  return { 'event.name': name, 'event.timestamp': new Date(timeMs).toISOString() };
}

function close(uid: string, draft: Draft): AuditEvent {
  draft['sallyport.schema_version'] = schemaVersion;
  draft['sallyport.uid'] = uid;
  const attributes = draft as AuditEvent['attributes']; // every value is set, and of one of the three types
  return { uid, time: draft['event.timestamp'], name: draft['event.name'], attributes };
}

function build(uid: string, timeMs: number, name: EventName, given: Attributes): AuditEvent {
  const draft = open(timeMs, name);
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  return close(uid, Object.assign(draft, Object.fromEntries(set)));
}

function target(of: Target): Attributes {
  const attributes: Partial<Draft> = {};
  putTarget(attributes, of);
  return attributes;
}

function putTarget(draft: Partial<Draft>, { protocol, host, port }: Target): void {
  draft['network.transport.protocol'] = protocol;
  draft['server.address'] = host;
  draft['server.port'] = port;
}

function putRule(draft: Draft, { text, origin }: RuleRef): void {
  draft['sallyport.rule.text'] = escapeText(text, 512);
  draft['sallyport.rule.layer'] = origin.layer;
  draft['sallyport.rule.file'] = escapeText(origin.file, 1024);
  draft['sallyport.rule.line'] = origin.line;
}

function approved(approver: ApproverRef | undefined): Attributes | undefined {
  return approver === undefined
    ? undefined
    : {
        'sallyport.approver.name': escapeText(approver.name, 128),
        'sallyport.approver.surface': escapeText(approver.surface, 64),
      };
}

function asking(asker: ProcessRef | undefined): Attributes | undefined {
  return asker === undefined
    ? undefined
    : {
        'sallyport.process.executable': escapeText(asker.executable, 1024),
        'sallyport.process.pid': whole(asker.pid),
      };
}

function clientText({ address, port }: ClientAddress): string {
  if (address === '') return 'unknown';
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** RFC 9110 §5.6.2 token; OpenTelemetry's convention for anything else is `_OTHER`. */
const methodToken = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}$/;

function methodText(method: string): string {
  return methodToken.test(method) ? method : '_OTHER';
}

/** A finite whole number, so that an attribute never changes its type or becomes null in JSON. */
function whole(value: number): number {
  return Number.isFinite(value) ? Math.round(value) : 0;
}

const plainText = /^[\x20-\x5b\x5d-\x7e]*$/;

/** Printable ASCII of at most `limit` characters; the rest as \\, \xNN or \uNNNN, a cut marked by `...`. */
export function escapeText(text: string, limit: number): string {
  if (text.length <= limit && plainText.test(text)) return text;
  let out = '';
  let cut = ''; // the longest start that leaves room for the mark and splits no escape
  for (const unit of text.slice(0, limit + 1).split('')) {
    out += plainText.test(unit) ? unit : escapeUnit(unit);
    if (out.length > limit) return `${cut}...`;
    if (out.length <= limit - 3) cut = out;
  }
  return out;
}

function escapeUnit(unit: string): string {
  if (unit === '\\') return '\\\\';
  const code = unit.charCodeAt(0);
  const hex = code.toString(16);
  return code < 0x100 ? `\\x${hex.padStart(2, '0')}` : `\\u${hex.padStart(4, '0')}`;
}

/** What stands before an `@` may be a password. By words and not by a pattern: the cost stays linear. */
function maskUserinfo(text: string): string {
  if (!text.includes('@')) return text;
  const words = text.split(' ').map((word) => {
    const at = word.lastIndexOf('@');
    return at === -1 ? word : `***${word.slice(at)}`;
  });
  return words.join(' ');
}

/** Scheme, userinfo, path, query and fragment cut away; a doubtful `@` hides everything. */
function authorityOnly(text: string): string {
  const rest = text.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '');
  const end = rest.search(/[/?#]/);
  const head = end === -1 ? rest : rest.slice(0, end);
  const at = head.lastIndexOf('@');
  if (at !== -1) return `***@${head.slice(at + 1)}`;
  return rest.includes('@') ? '***' : head;
}
