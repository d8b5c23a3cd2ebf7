import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SallyportError } from '../../../src/errors.ts';
import type { AuditEvent } from '../../../src/audit/draft.ts';
import { heartbeatEvent } from '../../../src/audit/gate-events.ts';
import type { DecisionEntry } from '../../../src/policy/decision.ts';
import { createTrail } from '../../../src/audit/trail.ts';

function setUp(append: (event: AuditEvent) => Promise<void>): {
  readonly exported: AuditEvent[];
  readonly trail: ReturnType<typeof createTrail>;
} {
  const exported: AuditEvent[] = [];
  const trail = createTrail({
    journal: { append },
    exportEvent: (event) => exported.push(event),
    now: () => 1_700_000_000_000,
    newUid: () => 'u1',
  });
  return { exported, trail };
}

const entry: DecisionEntry = {
  request: {
    destination: { protocol: 'http', host: 'a.example', kind: 'name', port: 80 },
    listener: 'http',
    method: 'GET',
    form: 'request',
    client: { address: '127.0.0.1', port: 40_000, localPort: 4128 },
  },
  verdict: {
    outcome: 'deny',
    source: 'baseline_policy',
    reason: 'denied',
    rule: undefined,
    grant: undefined,
  },
  hold: undefined,
  pinned: true,
  policyVersion: 'v1',
};

const beat = (uid: string, timeMs: number): AuditEvent =>
  heartbeatEvent(uid, timeMs, {
    uptimeMs: 0,
    connections: 0,
    groups: 0,
    holds: 0,
    exported: 0,
    dropped: 0,
    policyVersion: 'v1',
  });

describe('createTrail', () => {
  it('exports an event only once the journal has it', async () => {
    const kept = Promise.withResolvers<void>();
    const { exported, trail } = setUp(() => kept.promise);
    const noted = trail.note(beat);
    assert.deepEqual(exported, []);
    kept.resolve();
    await noted;
    assert.deepEqual(
      exported.map(({ uid, name }) => ({ uid, name })),
      [{ uid: 'u1', name: 'sallyport.heartbeat' }],
    );
  });

  it('exports nothing that the journal refused, and only a decision hears of it', async () => {
    const lost = new SallyportError('ERR_AUDIT_UNAVAILABLE', 'the disk is full');
    const { exported, trail } = setUp(() => Promise.reject(lost));
    await trail.note(beat);
    await assert.rejects(trail.record('u2', entry), lost);
    assert.deepEqual(exported, []);
  });
});
