// Made-up decisions as the audit trail is told of them.
import type { DecisionEntry, HoldSummary } from '../../src/policy/decision.ts';
import { makeDestination, makeRequest } from './asking.ts';

/** What matters of a decision. */
export interface GivenEntry {
  readonly outcome: 'allow' | 'deny';
  /** Default `not_allowed`, a person's word where `hold` names an approver. */
  readonly reason?: 'denied' | 'not_allowed' | 'approval_timeout' | 'client_gone';
  readonly wouldDeny?: boolean;
  readonly hold?: HoldSummary;
}

/** What report-only mode says of an unknown host. */
const reported = {
  source: 'baseline_policy',
  reason: 'not_allowed',
  override: false,
  wouldDeny: true,
} as const;

/** A decision about this host, port 443. */
export function makeEntry(host: string, given: GivenEntry): DecisionEntry {
  const common = { source: 'decider', rule: undefined, grant: undefined } as const;
  const wouldDeny = given.wouldDeny === true;
  return {
    request: makeRequest(makeDestination(host)),
    verdict:
      given.outcome === 'allow'
        ? wouldDeny
          ? { ...common, ...reported, outcome: 'allow' }
          : { ...common, outcome: 'allow', reason: 'allow', override: false, wouldDeny }
        : { ...common, outcome: 'deny', reason: given.reason ?? 'not_allowed' },
    hold: given.hold,
    pinned: true,
    policyVersion: 'v1',
  };
}
