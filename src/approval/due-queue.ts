// A list of things with a time, soonest first. Times nearly always arrive in order, so adding looks
// from the end: constant work however long the list is, without one timer for each thing.

/** Something with a time; `before` and `after` are the queue's own. */
export interface Due {
  /** When it is due, in ms. */
  dueMs: number;
  before: Due | undefined;
  after: Due | undefined;
  queued: boolean;
}

/** The links a new element starts with. */
export function unlinked(dueMs: number): Due {
  return { dueMs, before: undefined, after: undefined, queued: false };
}

/** An ordered list linked through its own elements. */
export class DueQueue<T extends Due> {
  #first: Due | undefined;
  #last: Due | undefined;

  /** The soonest, or undefined. */
  get first(): T | undefined {
    return this.#first as T | undefined; // only T is ever added
  }

  /**
   * Puts it in its place: behind everything due no later. It must not be queued already. `near`, a queued one that
   * is due about then, is where to look from; without it, the end.
   */
  add(item: T, near?: T): void {
    let before: Due | undefined = near ?? this.#last;
    while (before !== undefined && before.dueMs > item.dueMs) before = before.before;
    let after = before === undefined ? this.#first : before.after;
    while (after !== undefined && after.dueMs <= item.dueMs) {
      before = after;
      after = after.after;
    }
    item.before = before;
    item.after = after;
    if (before === undefined) this.#first = item;
    else before.after = item;
    if (after === undefined) this.#last = item;
    else after.before = item;
    item.queued = true;
  }

  /** Takes it out; nothing happens when it is not queued. */
  remove(item: T): void {
    if (!item.queued) return;
    if (item.before === undefined) this.#first = item.after;
    else item.before.after = item.after;
    if (item.after === undefined) this.#last = item.before;
    else item.after.before = item.before;
    item.before = undefined;
    item.after = undefined;
    item.queued = false;
  }

  /** Soonest first. */
  *[Symbol.iterator](): Generator<T> {
    for (let item = this.#first; item !== undefined; item = item.after) yield item as T;
  }
}
