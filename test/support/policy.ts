// Policies and requests for tests, written as a person would write them.
import type {
  AllowVerdict,
  DecisionRequest,
  DenyReason,
  DenyVerdict,
  GrantRef,
  RuleRef,
  Source,
} from '../../src/policy/decision.ts';
import { createDestination, parseRuleHost } from '../../src/policy/destination.ts';
import type { Protocol } from '../../src/policy/destination.ts';
import { parsePattern } from '../../src/policy/pattern.ts';
import { compilePolicy } from '../../src/policy/rules.ts';
import type { Policy, PolicyInput, PolicyRule } from '../../src/policy/rules.ts';

/** What a test says of a policy; rules are pattern texts. */
export interface PolicyWords extends Partial<Omit<PolicyInput, 'rules'>> {
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
}

/** A rule of line `line` of a user file. */
export function makeRule(outcome: 'allow' | 'deny', text: string, line = 1): PolicyRule {
  const pattern = parsePattern(text, { outcome, port: true });
  if (!pattern.ok) throw new Error(pattern.problem);
  return { pattern: pattern.value, ref: makeRef(outcome, text, line) };
}

/** The reference that `makeRule` gives a rule. */
export function makeRef(outcome: 'allow' | 'deny', text: string, line = 1): RuleRef {
  return { text, outcome, origin: { layer: 'user', file: 'config.toml', line, column: 1 } };
}

/** Compiles a policy: enabled, full, `unknown = "ask"` and the guard on, unless told otherwise. */
export function makePolicy({ allow = [], deny = [], ...settings }: PolicyWords = {}): Policy {
  return compilePolicy({
    enabled: true,
    mode: 'full',
    unknown: 'ask',
    allowLocalBinding: false,
    managedOnly: false,
    ...settings,
    rules: [
      ...allow.map((text) => makeRule('allow', text)),
      ...deny.map((text) => makeRule('deny', text)),
    ],
  });
}

/** A request; a tunnel through the HTTP listener unless told otherwise. */
export function makeRequest(
  host: string,
  port = 443,
  details: Partial<Omit<DecisionRequest, 'destination'>> & { readonly protocol?: Protocol } = {},
): DecisionRequest {
  const { protocol = 'https_connect', ...rest } = details;
  const read = parseRuleHost(host);
  if (!read.ok) throw new Error(read.problem);
  return {
    destination: createDestination(protocol, read.value, port),
    listener: 'http',
    method: 'CONNECT',
    form: 'tunnel',
    client: { address: '127.0.0.1', port: 50_000, localPort: 4128 },
    ...rest,
  };
}

/** A whole deny verdict. */
export function denied(
  reason: DenyReason,
  source: Source,
  rule?: RuleRef,
  grant?: GrantRef,
): DenyVerdict {
  return { outcome: 'deny', reason, source, rule, grant };
}

/** A whole allow verdict by rule, unless told otherwise. */
export function allowed(details: Partial<AllowVerdict>): AllowVerdict {
  return {
    outcome: 'allow',
    source: 'baseline_policy',
    reason: 'allow',
    override: false,
    wouldDeny: false,
    rule: undefined,
    grant: undefined,
    ...details,
  };
}
