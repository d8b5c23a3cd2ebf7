// From what an approver says to what it will do: which grant it leaves, who is bound by it, what the refused
// program is told. Pure, and nothing has happened yet; holds.ts carries it out, or only shows it.
import type { AnswerRequest } from '../control/messages.ts';
import type { ApproverRef } from '../policy/decision.ts';
import type { Parsed } from '../policy/destination.ts';
import type { GrantSpec } from './grants.ts';
import type { HeldAsker } from './group-view.ts';
import type { PendingGroup } from './pending.ts';
import { grantProgramsOf } from './programs.ts';
import { parseScope, type AnswerScope } from './scope.ts';

/** An answer that may be given. */
export interface AnswerPlan {
  readonly scope: AnswerScope;
  /** What it leaves behind; undefined for `once` with somebody waiting. */
  readonly spec: GrantSpec | undefined;
  /** What the programs it refuses are told. */
  readonly say: string | undefined;
  /** Whether the same question is refused for a minute after it. */
  readonly cools: boolean;
}

/** A ticket waits this long for the next try of a client that left. */
const ticketMs = 10 * 60_000;

/** What this answer to this question would do, or why it cannot be given. */
export function planAnswer(
  request: AnswerRequest,
  group: PendingGroup<HeldAsker>,
  approver: ApproverRef,
): Parsed<AnswerPlan> {
  const { destination } = group;
  const parsed = parseScope(request, destination);
  if (!parsed.ok) return parsed;
  const scope = parsed.value;
  const { outcome, note, tell } = request;
  const isOnce = scope.duration.kind === 'once';
  const who = approver.surface === 'reviewer' ? 'reviewer' : 'approver';
  const plan = {
    scope,
    say: tell === undefined ? undefined : `The ${who} says: ${tell}`,
    cools: isOnce && outcome === 'deny',
  };
  if (isOnce && group.waiting > 0) return { ok: true, value: { ...plan, spec: undefined } };
  const programs = programsFor(request, group, isOnce);
  if (!programs.ok) return programs;
  const { protocol } = destination;
  const { host, port } = scope;
  const from = { approver, programs: programs.value, note, question: group.id };
  const spec = { outcome, protocol, host, port, ...termOf(scope), ...from };
  return { ok: true, value: { ...plan, spec } };
}

/** A ticket is for the next try of those who asked, where they are known and nobody says otherwise. */
function programsFor(
  { program }: AnswerRequest,
  { askers, unidentified }: PendingGroup<HeldAsker>,
  isTicket: boolean,
): Parsed<GrantSpec['programs']> {
  if (program === 'any' || (program === undefined && !isTicket)) {
    return { ok: true, value: undefined };
  }
  const programs = grantProgramsOf(
    askers.map(({ asker }) => asker),
    unidentified,
  );
  return programs.ok || program === 'this' ? programs : { ok: true, value: undefined };
}

function termOf({ duration }: AnswerScope): Pick<GrantSpec, 'for' | 'lastsMs'> {
  switch (duration.kind) {
    case 'once':
      return { for: 'ticket', lastsMs: ticketMs };
    case 'until':
      return { for: 'until', lastsMs: duration.ms };
    case 'restart':
    case 'always':
      return { for: duration.kind, lastsMs: undefined };
    default:
      return duration satisfies never;
  }
}
