// One event of every kind the trail has, each as full as it can be, with what they are made of.
import {
  approvalAnsweredEvent,
  approvalExtendedEvent,
  approvalOpenedEvent,
  approvalReviewedEvent,
  approvalUndoneEvent,
  grantEvent,
  selfApprovalEvent,
} from '../../src/audit/approval-events.ts';
import type { AuditEvent } from '../../src/audit/draft.ts';
import { connectionClosedEvent, decisionEvent, malformedEvent } from '../../src/audit/event.ts';
import {
  controlActedEvent,
  controlRefusedEvent,
  daemonEvent,
  floodEvent,
  gateEvent,
  heartbeatEvent,
  policyChangedEvent,
  policyEditedEvent,
  policyLoadedEvent,
  policyRejectedEvent,
} from '../../src/audit/gate-events.ts';
import type { AllowVerdict, DecisionEntry, DecisionRequest } from '../../src/policy/decision.ts';

/** When all of them happen, in Unix ms. */
export const timeMs = Date.UTC(2026, 10, 20, 8, 36, 41, 138);
/** The same as the trail writes it. */
export const time = '2026-11-20T08:36:41.138Z';

/** A CONNECT. */
export const request: DecisionRequest = {
  destination: { protocol: 'https_connect', host: 'api.example', kind: 'name', port: 443 },
  listener: 'http',
  method: 'CONNECT',
  form: 'tunnel',
  client: { address: '127.0.0.1', port: 40_000, localPort: 4128 },
};

/** An allow by a rule. */
export const byRule: AllowVerdict = {
  outcome: 'allow',
  source: 'baseline_policy',
  reason: 'allow',
  override: false,
  wouldDeny: false,
  rule: {
    text: '*.example',
    outcome: 'allow',
    origin: { layer: 'user', file: 'config.toml', line: 12, column: 3 },
  },
  grant: undefined,
};

/** Its decision. */
export const entry: DecisionEntry = {
  request,
  verdict: byRule,
  hold: undefined,
  pinned: true,
  policyVersion: 'p7',
};

/** What they are about. */
export const target = request.destination;
/** Who answers. */
export const approver = { name: 'ada', surface: 'cli' };
/** Who asks. */
export const asker = { pid: 1, executable: 'curl' };

const grant = {
  id: 'g1',
  outcome: 'allow',
  protocol: 'http',
  host: '*.example',
  port: 'any',
  for: 'until',
  expires: time,
  approver,
} as const;

/** At least one event of every kind, each as full as it can be. */
export const everything: readonly AuditEvent[] = [
  decisionEvent('u', timeMs, { ...entry, hold: { group: 'k3', waitedMs: 1, approver, asker } }),
  malformedEvent('u', timeMs, { listener: 'http', client: request.client, what: 'w', text: 't' }),
  approvalOpenedEvent('u', timeMs, { group: 'k3', target, client: request.client, asker }),
  approvalAnsweredEvent('u', timeMs, {
    group: 'k3',
    target,
    outcome: 'allow',
    for: '30m',
    host: 'exact',
    port: 'this',
    program: 'this',
    note: 'for the release',
    latencyMs: 1234.4,
    approver,
    released: 4,
    grant: 'g1',
  }),
  approvalUndoneEvent('u', timeMs, {
    group: 'k3',
    target,
    outcome: 'allow',
    grant: 'g1',
    closed: 2,
    approver,
  }),
  approvalReviewedEvent('u', timeMs, {
    group: 'k3',
    host: 'api.example',
    port: 443,
    verdict: 'allow',
    risk: 'low',
    end: 'allowed',
    tookMs: 12,
  }),
  approvalExtendedEvent('u', timeMs, { group: 'k3', until: time, approver }),
  controlActedEvent('u', timeMs, { action: 'token_create', approver, token: 'local', about: 'ci' }),
  controlRefusedEvent('u', timeMs, { action: 'panic off', approver, asker, taken: false }),
  gateEvent('u', timeMs, { change: 'paused', until: time, closed: 0, approver }),
  gateEvent('u', timeMs, { change: 'resumed', closed: 0, approver }),
  gateEvent('u', timeMs, { change: 'panic', closed: 12, approver }),
  gateEvent('u', timeMs, { change: 'reopened', closed: 0, approver }),
  floodEvent('u', timeMs, { asker, refused: 21, approver }),
  policyChangedEvent('u', timeMs, {
    state: 'waiting',
    version: 'v2',
    added: 1,
    removed: 2,
    keys: 3,
    approver,
  }),
  policyEditedEvent('u', timeMs, { file: '/home/dev/config.toml', lines: 1, approver }),
  selfApprovalEvent('u', timeMs, {
    group: 'k3',
    target,
    outcome: 'allow',
    approver,
    asker,
    taken: false,
  }),
  connectionClosedEvent('u', timeMs, {
    permit: { uid: 'p', request },
    reason: 'client_closed',
    bytesUp: 1,
    bytesDown: 2,
    durationMs: 3.7,
    remoteAddress: '93.184.215.14',
  }),
  policyLoadedEvent('u', timeMs, {
    version: 'p8',
    enabled: true,
    mode: 'full',
    unknown: 'ask',
    allowRules: 3,
    denyRules: 1,
    layers: [
      { layer: 'user', file: 'config.toml' },
      { layer: 'requirements', file: 'requirements.toml' },
    ],
  }),
  policyRejectedEvent('u', timeMs, { kept: 'p7', problems: ['config.toml:1:2: wrong', 'more'] }),
  grantEvent('u', timeMs, { ...grant, change: 'created' }),
  grantEvent('u', timeMs, { ...grant, change: 'revoked' }),
  grantEvent('u', timeMs, { ...grant, change: 'expired' }),
  daemonEvent('u', timeMs, { change: 'started', version: '0.1.0', pid: 7 }),
  daemonEvent('u', timeMs, { change: 'stopping', version: '0.1.0', pid: 7 }),
  heartbeatEvent('u', timeMs, {
    uptimeMs: 60_000,
    connections: 1,
    groups: 2,
    holds: 3,
    exported: 4,
    dropped: Number.NaN,
    policyVersion: 'p7',
  }),
];
