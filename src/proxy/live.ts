// The register of open connections: who is through the gate, so that a new policy, a revoked grant or
// the daemon's stop can end them. It closes nothing itself; each owner hands in how to.
import type { Permit } from '../policy/decision.ts';

/** Why a connection ended; the closed list behind `sallyport.connection.closed`. */
export const closeReasons = [
  'client_closed',
  'upstream_closed',
  'client_reset',
  'upstream_reset',
  'idle',
  'policy_changed',
  'revoked',
  'stopping',
  'panic',
  'error',
  'sni_mismatch',
] as const;
/** One of `closeReasons`. */
export type CloseReason = (typeof closeReasons)[number];

/** One ended connection, as the audit trail records it. */
export interface ClosedRecord {
  readonly permit: Permit;
  readonly reason: CloseReason;
  /** Bytes from client to upstream: raw in a tunnel, the body alone for a forwarded request. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** Since the entry was opened, which is after the decision and before the dial. */
  readonly durationMs: number;
  /** The far end of the connection that was opened (the parent's where one stands between), if there was one. */
  readonly remoteAddress: string | undefined;
}

/** One open connection's own handle. */
export interface LiveEntry {
  /**
   * Takes the entry out and reports it; only the first call counts. When the register asked for the
   * close, its reason is the one recorded, whatever the sockets say afterwards.
   */
  readonly end: (
    reason: CloseReason,
    bytesUp: number,
    bytesDown: number,
    remoteAddress: string | undefined,
  ) => void;
  /** Hands the entry to the next owner: `close` is what the register calls from now on. */
  readonly onClose: (close: (reason: CloseReason) => void) => void;
  /** To be told of every chunk of a body or tunnel as it is read, in bytes. */
  readonly onRead: (bytes: number) => void;
}

/** The register. */
export interface Live {
  /** Enters a connection; `close` must tear it down at once and lead to `end`. */
  readonly open: (permit: Permit, close: (reason: CloseReason) => void) => LiveEntry;
  /** Closes (`policy_changed`) what `judge` no longer allows; returns how many that were. */
  readonly rejudge: (judge: (permit: Permit) => boolean) => number;
  /** Closes (`revoked`) what this grant let through; returns how many that were. */
  readonly closeGrant: (grantId: string) => number;
  /** Closes (`revoked`) what the answer to this question, or the grant it left, let through; returns how many that were. */
  readonly closeQuestion: (question: string, grantId?: string) => number;
  /** Closes everything; returns how many that were. */
  readonly closeAll: (reason: 'stopping' | 'panic') => number;
  /** Connections open now. */
  readonly count: number;
}

interface Open {
  readonly permit: Permit;
  close: (reason: CloseReason) => void;
  asked: CloseReason | undefined;
}

/**
 * Builds an empty register; `now` is in milliseconds, `onClosed` hears of each end exactly once, `onRead` of
 * every chunk of every connection.
 */
export function createLive(parts: {
  readonly onClosed: (record: ClosedRecord) => void;
  readonly now: () => number;
  readonly onRead?: (bytes: number) => void;
}): Live {
  const { onRead = () => undefined } = parts;
  const entries = new Set<Open>();

  function closeWhere(reason: CloseReason, isHit: (entry: Open) => boolean): number {
    let hits = 0;
    // Closing removes from the set; JavaScript sets allow that during iteration.
    for (const entry of entries) {
      if (entry.asked !== undefined || !isHit(entry)) continue;
      entry.asked = reason;
      hits += 1;
      entry.close(reason);
    }
    return hits;
  }

  return {
    open(permit, close) {
      const entry: Open = { permit, close, asked: undefined };
      const openedAtMs = parts.now();
      entries.add(entry);
      return {
        onRead,
        onClose(next) {
          entry.close = next;
          // A close that was asked for between two owners must not be lost.
          if (entry.asked !== undefined && entries.has(entry)) next(entry.asked);
        },
        end(reason, bytesUp, bytesDown, remoteAddress) {
          if (!entries.delete(entry)) return;
          parts.onClosed({
            permit,
            reason: entry.asked ?? reason,
            bytesUp,
            bytesDown,
            durationMs: Math.max(0, parts.now() - openedAtMs),
            remoteAddress,
          });
        },
      };
    },
    rejudge: (judge) => closeWhere('policy_changed', ({ permit }) => !judge(permit)),
    closeGrant: (grantId) =>
      closeWhere('revoked', ({ permit }) => permit.verdict.grant?.id === grantId),
    closeQuestion: (question, grantId) =>
      closeWhere(
        'revoked',
        ({ permit }) =>
          permit.hold?.group === question ||
          (grantId !== undefined && permit.verdict.grant?.id === grantId),
      ),
    closeAll: (reason) => closeWhere(reason, () => true),
    get count() {
      return entries.size;
    },
  };
}
