// The events of every connection, as pure builders from plain data to flat attributes, and decisions read back.
// What a client controls is bounded and escaped here; paths, queries, fields and bodies never come in.
import { type DecisionEntry, type Malformed, type RuleRef, scopeOf } from '../policy/decision.ts';
import type { AttributeName } from './attributes.ts';
import {
  type AuditEvent,
  type Draft,
  approved,
  asking,
  buildEvent,
  clientText,
  closeDraft,
  openDraft,
  putTarget,
  whole,
} from './draft.ts';
import { authorityOnly, escapeText, maskUserinfo } from './escape.ts';

/** The record of one allow or deny, with Codex's attributes and ours. `timeMs` is Unix time. */
export function decisionEvent(uid: string, timeMs: number, entry: DecisionEntry): AuditEvent {
  const { request, verdict, hold } = entry;
  const allowed = verdict.outcome === 'allow';
  const draft = openDraft(timeMs, 'codex.network_proxy.policy_decision');
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
  return closeDraft(uid, draft);
}

/** A request that was answered with 400. */
export function malformedEvent(uid: string, timeMs: number, malformed: Malformed): AuditEvent {
  return buildEvent(uid, timeMs, 'sallyport.request.malformed', {
    'client.address': clientText(malformed.client),
    'sallyport.listener': malformed.listener,
    'sallyport.malformed.what': escapeText(maskUserinfo(malformed.what), 256),
    'sallyport.malformed.text': escapeText(authorityOnly(malformed.text), 256),
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
  const draft = openDraft(timeMs, 'sallyport.connection.closed');
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
  return closeDraft(uid, draft);
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

function putRule(draft: Draft, { text, origin }: RuleRef): void {
  draft['sallyport.rule.text'] = escapeText(text, 512);
  draft['sallyport.rule.layer'] = origin.layer;
  draft['sallyport.rule.file'] = escapeText(origin.file, 1024);
  draft['sallyport.rule.line'] = origin.line;
}

/** RFC 9110 §5.6.2 token; OpenTelemetry's convention for anything else is `_OTHER`. */
const methodToken = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}$/;

function methodText(method: string): string {
  return methodToken.test(method) ? method : '_OTHER';
}
