// Questions that were denied once: for a minute their program is refused again without anybody being asked,
// since most programs try again at once. Pure: takes `now`; bounded, the oldest gives way.
import type { ApproverRef } from '../policy/decision.ts';
import { pendingKey, type Destination } from '../policy/destination.ts';

/** A deny that still cools. */
export interface Cooled {
  /** The question that was denied. */
  readonly question: string;
  readonly approver: ApproverRef;
  /** What the refused program is told. */
  readonly say: string | undefined;
}

interface Entry extends Cooled {
  readonly untilMs: number;
  refused: number;
}

/** How long a deny once refuses what comes after it. */
export const coolingMs = 60_000;

/** The denies that cool. */
export class Cooling {
  readonly #entries = new Map<string, Entry>();

  /** At most `limit` are kept. */
  add(destination: Destination, cooled: Cooled, now: number, limit: number): void {
    const key = pendingKey(destination);
    this.#entries.delete(key);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size < limit) break;
      this.#entries.delete(oldest);
    }
    this.#entries.set(key, { ...cooled, untilMs: now + coolingMs, refused: 0 });
  }

  /** What a request for this destination is refused by, counting it as refused. */
  refuse(destination: Destination, now: number): Cooled | undefined {
    if (this.#entries.size === 0) return undefined;
    const entry = this.#entries.get(pendingKey(destination));
    if (entry === undefined || entry.untilMs <= now) return undefined;
    entry.refused += 1;
    return entry;
  }

  /** Whether a request for this destination would be refused; counts nothing. */
  has(destination: Destination, now: number): boolean {
    if (this.#entries.size === 0) return false;
    const entry = this.#entries.get(pendingKey(destination));
    return entry !== undefined && entry.untilMs > now;
  }

  /** Ends it for this destination; gives how many were refused while it lasted. */
  lift(destination: Destination): number {
    if (this.#entries.size === 0) return 0;
    const key = pendingKey(destination);
    const refused = this.#entries.get(key)?.refused ?? 0;
    this.#entries.delete(key);
    return refused;
  }
}
