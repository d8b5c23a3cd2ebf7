// Events about questions, answers and what is remembered: pure builders from plain data to flat attributes.
import type { ApproverRef, ClientAddress, ProcessRef } from '../policy/decision.ts';
import type { Destination } from '../policy/destination.ts';
import {
  type AuditEvent,
  type Target,
  approved,
  asking,
  buildEvent,
  clientText,
  target,
  whole,
} from './draft.ts';
import { escapeText } from './escape.ts';

/** A new question. */
export interface Opened {
  readonly group: string;
  readonly target: Target;
  readonly client?: ClientAddress | undefined;
  readonly asker?: ProcessRef | undefined;
}

/** An unknown destination became a question; written once a group. */
export function approvalOpenedEvent(uid: string, timeMs: number, opened: Opened): AuditEvent {
  return buildEvent(uid, timeMs, 'sallyport.approval.opened', {
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
  return buildEvent(uid, timeMs, 'sallyport.approval.answered', {
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
  return buildEvent(uid, timeMs, 'sallyport.approval.undone', {
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
  return buildEvent(uid, timeMs, 'sallyport.approval.extended', {
    'sallyport.group.id': extended.group,
    'sallyport.gate.until': extended.until,
    ...approved(extended.approver),
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
  return buildEvent(uid, timeMs, 'sallyport.approval.reviewed', {
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
  return buildEvent(uid, timeMs, 'sallyport.approval.self', {
    'sallyport.group.id': escapeText(self.group, 32),
    ...(self.target === undefined ? {} : target(self.target)),
    'sallyport.answer.outcome': self.outcome,
    'sallyport.answer.taken': self.taken,
    ...approved(self.approver),
    ...asking(self.asker),
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
  return buildEvent(uid, timeMs, `sallyport.grant.${grant.change}`, {
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
