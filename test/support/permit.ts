// Permits for tests of what comes after the gate; product code gets them from gate.ts alone.
import type { DecisionRequest, GrantRef, Permit, Route } from '../../src/policy/decision.ts';
import type { Destination } from '../../src/policy/destination.ts';

/** A request for this destination as the HTTP listener would make it. */
export function createRequest(
  destination: Partial<Destination> & { readonly port: number },
  more: Partial<DecisionRequest> = {},
): DecisionRequest {
  return {
    destination: { protocol: 'https_connect', host: 'origin.test', kind: 'name', ...destination },
    listener: 'http',
    method: 'CONNECT',
    form: 'tunnel',
    client: { address: '127.0.0.1', port: 50_000, localPort: 4128 },
    ...more,
  };
}

/** A permit that allows this request by this route, by a rule unless it names a grant. */
export function createPermit(request: DecisionRequest, route: Route, grant?: GrantRef): Permit {
  const made: Omit<Permit, symbol> = {
    outcome: 'allow',
    request,
    route,
    hold: undefined,
    uid: 'test-permit',
    verdict: {
      outcome: 'allow',
      source: 'baseline_policy',
      reason: 'allow',
      override: false,
      wouldDeny: false,
      rule: undefined,
      grant,
    },
  };
  return made as Permit; // a test stands where the gate would
}
