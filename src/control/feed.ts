// The live stream: one snapshot to each watcher, then what has changed. Parts that changed are only marked; they
// are asked for together a moment later, once for everybody who sees the same, and only differences go out.
//
//   mark ──► due ──(50 ms; grants 500 ms)──► compare with what was last sent ──► change to every watcher
//
// A watcher that does not read is cut off, never waited for.
import { createLane, liveParts } from './lane.ts';
import type { Lane, LivePart } from './lane.ts';
import type { Role, Surface } from './messages.ts';
import { sourceFor } from './redact.ts';
import type { LiveSource } from './redact.ts';
import type { Holder, StreamOut } from './route.ts';

/** What the feed is made of. */
export interface FeedParts {
  readonly source: LiveSource;
  /** Told when somebody who may answer begins (1) or ceases (-1) to watch. */
  readonly onWatching: (surface: Surface, change: 1 | -1) => void;
  /** Whether the secret of this key still opens anything; asked for every watcher every 15 s. */
  readonly isValid: (key: string) => boolean;
  readonly onBug: (error: unknown) => void;
}

/** The feed. */
export interface Feed {
  /** Says that a part may look different now; cheap, and free while nobody watches. Never throws. */
  readonly mark: (part: LivePart) => void;
  /** Whether one more may watch: 64 at once, 32 with one token. */
  readonly hasRoom: (holder: Holder) => boolean;
  /** Whether so many watch with its token that one more is worth a look at who it is. */
  readonly isCrowded: (holder: Holder) => boolean;
  /** Sends the snapshot and all that follows; gives back what to call once the stream has ended. */
  readonly watch: (holder: Holder, surface: Surface, out: StreamOut) => () => void;
  /** Cuts off whoever watches with a secret that is no longer good. */
  readonly recheck: () => void;
  readonly count: () => number;
  /** Ends every stream and every timer. */
  readonly close: () => void;
}

const watcherLimit = 64;
const perTokenLimit = 32;
const crowd = 8;
const unsentLimitBytes = 1024 * 1024;
const aliveMs = 15_000;
const soonMs = 50;
/** Every use of a grant counts, and none of them is urgent. */
const laterMs = 500;

interface Watcher {
  readonly holder: Holder;
  readonly surface: Surface;
  readonly out: StreamOut;
  readonly lane: Lane;
  /** What may lie unsent before it counts as slow: a snapshot may be long by itself. */
  readonly limitBytes: number;
}

/** Nobody watches at first. */
export function createFeed(parts: FeedParts): Feed {
  return new LiveFeed(parts);
}

class LiveFeed implements Feed {
  readonly #parts: FeedParts;
  readonly #watchers = new Set<Watcher>();
  /** What watchers of one kind have been sent; there is one only while somebody watches it. */
  readonly #lanes = new Map<'viewer' | 'full', Lane>();
  readonly #due = new Set<LivePart>();
  #soon: NodeJS.Timeout | undefined;
  #later: NodeJS.Timeout | undefined;
  #alive: NodeJS.Timeout | undefined;

  constructor(parts: FeedParts) {
    this.#parts = parts;
  }

  mark = (part: LivePart): void => {
    if (this.#watchers.size === 0) return;
    this.#due.add(part);
    if (part === 'grants') this.#later ??= this.#flushIn(laterMs);
    else this.#soon ??= this.#flushIn(soonMs);
  };

  hasRoom = ({ token }: Holder): boolean =>
    this.#watchers.size < watcherLimit && this.#countOf(token) < perTokenLimit;

  isCrowded = ({ token }: Holder): boolean => this.#countOf(token) >= crowd;

  watch = (holder: Holder, surface: Surface, out: StreamOut): (() => void) => {
    if (!this.hasRoom(holder)) {
      out.cut();
      return () => undefined;
    }
    // Those who watch get to where the snapshot begins, what nobody has marked included.
    for (const part of liveParts) this.#due.add(part);
    this.#flush();
    const lane = this.#laneFor(holder.role);
    const snapshot = lane.snapshot(holder.role);
    const limitBytes = unsentLimitBytes + Buffer.byteLength(snapshot);
    const watcher = { holder, surface, out, lane, limitBytes };
    this.#watchers.add(watcher);
    this.#alive ??= setInterval(() => this.#keepAlive(), aliveMs).unref();
    this.#tell(watcher, 1);
    out.write(snapshot);
    return () => this.#leave(watcher);
  };

  recheck = (): void => {
    for (const watcher of this.#watchers) {
      if (!this.#parts.isValid(watcher.holder.key)) this.#cut(watcher);
    }
  };

  count = (): number => this.#watchers.size;

  close = (): void => {
    for (const watcher of this.#watchers) this.#cut(watcher);
  };

  #countOf(token: string): number {
    return [...this.#watchers].filter(({ holder }) => holder.token === token).length;
  }

  #flushIn(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#flush(), ms).unref();
  }

  /** Sends what has changed of the parts that are due. After a fault nobody knows what was sent: all begin anew. */
  #flush(): void {
    clearTimeout(this.#soon);
    clearTimeout(this.#later);
    [this.#soon, this.#later] = [undefined, undefined];
    const due = [...this.#due];
    this.#due.clear();
    if (due.length === 0) return;
    try {
      for (const lane of this.#lanes.values()) {
        const text = lane.change(due);
        if (text !== undefined) this.#send(lane, text);
      }
    } catch (error) {
      this.close();
      this.#parts.onBug(error);
    }
  }

  #send(lane: Lane, text: string): void {
    for (const watcher of this.#watchers) {
      if (watcher.lane !== lane) continue;
      if (watcher.out.unsentBytes() > watcher.limitBytes) this.#cut(watcher);
      else watcher.out.write(text);
    }
  }

  #keepAlive(): void {
    this.recheck();
    for (const lane of this.#lanes.values()) this.#send(lane, ':\n\n');
  }

  #laneFor(role: Role): Lane {
    const kind = role === 'viewer' ? 'viewer' : 'full';
    const known = this.#lanes.get(kind);
    if (known !== undefined) return known;
    const lane = createLane(sourceFor(this.#parts.source, role));
    this.#lanes.set(kind, lane);
    return lane;
  }

  #cut(watcher: Watcher): void {
    this.#leave(watcher);
    watcher.out.cut();
  }

  #leave(watcher: Watcher): void {
    if (!this.#watchers.delete(watcher)) return;
    this.#tell(watcher, -1);
    for (const [kind, lane] of this.#lanes) {
      const isWatched = [...this.#watchers].some((one) => one.lane === lane);
      if (!isWatched) this.#lanes.delete(kind);
    }
    if (this.#watchers.size > 0) return;
    clearInterval(this.#alive);
    clearTimeout(this.#soon);
    clearTimeout(this.#later);
    this.#due.clear();
    [this.#alive, this.#soon, this.#later] = [undefined, undefined, undefined];
  }

  /** Viewers cannot answer: that they watch does not mean that a question will be answered. */
  #tell({ holder, surface }: Watcher, change: 1 | -1): void {
    if (holder.role !== 'viewer') this.#parts.onWatching(surface, change);
  }
}
