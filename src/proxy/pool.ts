// Idle upstream connections for plain HTTP, by destination and route. Knows nothing of HTTP: forward.ts
// makes the connections and says when one is free, gone or needed again.

/** What is kept: something that can be thrown away. */
export interface Pooled {
  readonly key: string;
  readonly discard: () => void;
}

/** Idle connections, newest used first, oldest given up first. */
export interface Pool<T extends Pooled> {
  /** The most recently freed connection for this key, which is the caller's from now on. */
  readonly take: (key: string) => T | undefined;
  /** Keeps a connection; above the limit the one idle for longest is discarded. */
  readonly put: (pooled: T) => void;
  /** Forgets a connection that has ended by itself. */
  readonly drop: (pooled: T) => void;
  /** Discards everything. */
  readonly clear: () => void;
  /** Connections kept now. */
  readonly count: number;
}

/** Makes an empty pool of at most `limit` idle connections. */
export function createPool<T extends Pooled>(limit: number): Pool<T> {
  // A Set remembers the order of putting, which is the order of giving up.
  const idle = new Set<T>();
  const byKey = new Map<string, T[]>();

  function drop(pooled: T): void {
    if (!idle.delete(pooled)) return;
    const same = byKey.get(pooled.key) ?? [];
    const index = same.indexOf(pooled);
    if (index !== -1) same.splice(index, 1);
    if (same.length === 0) byKey.delete(pooled.key);
  }

  return {
    take(key) {
      const pooled = byKey.get(key)?.at(-1);
      if (pooled !== undefined) drop(pooled);
      return pooled;
    },
    put(pooled) {
      idle.add(pooled);
      const same = byKey.get(pooled.key);
      if (same === undefined) byKey.set(pooled.key, [pooled]);
      else same.push(pooled);
      if (idle.size <= limit) return;
      const [oldest] = idle;
      if (oldest === undefined) return;
      drop(oldest);
      oldest.discard();
    },
    drop,
    clear() {
      for (const pooled of idle) pooled.discard();
      idle.clear();
      byKey.clear();
    },
    get count() {
      return idle.size;
    },
  };
}
