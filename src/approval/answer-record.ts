// An answer that was taken, as it is logged and told. Pure.
import type { AnswerRequest, AnswerView, GrantView } from '../control/messages.ts';
import type { ApproverRef } from '../policy/decision.ts';
import type { HeldAsker } from './group-view.ts';
import type { PendingGroup } from './pending.ts';
import type { AnsweredQuestion } from './question.ts';
import type { AnswerScope } from './scope.ts';

/** An answer that was taken. */
export interface TakenAnswer {
  readonly request: AnswerRequest;
  readonly scope: AnswerScope;
  /** The question as it was answered. */
  readonly group: PendingGroup<HeldAsker>;
  readonly released: number;
  readonly approver: ApproverRef;
  readonly grant: GrantView | undefined;
  readonly atMs: number;
}

/** As those are told who write it down. */
export function answeredQuestion(taken: TakenAnswer): AnsweredQuestion {
  const { request, group, released, approver, grant, atMs } = taken;
  const { outcome, for: lasts = 'once', port = 'this', note } = request;
  return {
    id: group.id,
    destination: group.destination,
    outcome,
    for: lasts,
    host: scopeHostOf(taken),
    port,
    program: (grant?.programs ?? null) === null ? 'any' : 'this',
    note,
    approver,
    latencyMs: Math.max(0, atMs - group.firstSeenMs),
    released,
    grant,
  };
}

/** As the log of this run keeps it. */
export function answerView(taken: TakenAnswer): Omit<AnswerView, 'undone'> {
  const { id, destination, outcome, for: lasts, host, port, ...said } = answeredQuestion(taken);
  return {
    id,
    protocol: destination.protocol,
    host: destination.host,
    port: destination.port,
    outcome,
    for: lasts,
    scopeHost: host,
    scopePort: port,
    at: new Date(taken.atMs).toISOString(),
    approver: said.approver.name,
    surface: said.approver.surface,
    latencyMs: said.latencyMs,
    released: said.released,
    grant: said.grant?.id ?? null,
  };
}

/** `exact`, also where the answer wrote the host itself. */
function scopeHostOf({ scope, group }: TakenAnswer): string {
  return scope.host === group.destination.host ? 'exact' : scope.host;
}
