// The audit trail as the daemon's parts use it: every event goes to the journal first, and to the exporter
// once the journal has it, so that nothing is exported that could still be lost here.
import type { DecisionEntry } from '../policy/decision.ts';
import type { AuditEvent } from './draft.ts';
import { decisionEvent } from './event.ts';
import type { Journal } from './journal.ts';

/** Where events go. */
export interface Trail {
  /** Resolves once the kernel has the decision's record; rejects with ERR_AUDIT_UNAVAILABLE. */
  readonly record: (uid: string, entry: DecisionEntry) => Promise<void>;
  /**
   * Writes any other event; resolves once it is kept or lost. A loss is told by the journal itself and
   * closes the gate, so there is nothing for the caller to do about it.
   */
  readonly note: (build: (uid: string, timeMs: number) => AuditEvent) => Promise<void>;
}

/** What the trail is made of. */
export interface TrailParts {
  readonly journal: Pick<Journal, 'append'>;
  /** Hands the event on; must not throw or block. */
  readonly exportEvent: (event: AuditEvent) => void;
  /** Unix time in ms. */
  readonly now: () => number;
  readonly newUid: () => string;
}

/** Builds the trail. */
export function createTrail({ journal, exportEvent, now, newUid }: TrailParts): Trail {
  async function keep(event: AuditEvent): Promise<void> {
    await journal.append(event);
    exportEvent(event);
  }
  return {
    record: (uid, entry) => keep(decisionEvent(uid, now(), entry)),
    note: async (build) => {
      await keep(build(newUid(), now())).catch(() => undefined);
    },
  };
}
