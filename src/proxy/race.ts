// Which of a destination's addresses answers first: RFC 8305 §5 over attempts that the caller opens.
// It knows no destination and no policy; dial.ts decides what an attempt is.
import { isIPv6, type Socket } from 'node:net';

/** At most this many addresses are tried; more would only lengthen a failure. */
export const attemptLimit = 6;

/** How one race is run. */
export interface RaceOptions {
  /** Starts one attempt; the socket is connecting, and emits `connect` or `error`. */
  readonly open: (address: string) => Socket;
  /** How long an attempt stays alone before the next one starts, in milliseconds. */
  readonly staggerMs: number;
  readonly signal: AbortSignal;
}

/**
 * Families in turn, starting with the family that stands first (RFC 8305 §4), at most
 * `attemptLimit` addresses.
 */
export function interleave(addresses: readonly string[]): readonly string[] {
  if (addresses.length < 2) return addresses;
  const firstIsV6 = isIPv6(addresses[0] ?? '');
  const first = addresses.filter((address) => isIPv6(address) === firstIsV6);
  const second = addresses.filter((address) => isIPv6(address) !== firstIsV6);
  const ordered: string[] = [];
  for (let i = 0; i < first.length || i < second.length; i += 1) {
    ordered.push(...first.slice(i, i + 1), ...second.slice(i, i + 1));
  }
  return ordered.slice(0, attemptLimit);
}

/**
 * Gives the first socket that connects; every other attempt is destroyed at once. Rejects with the
 * list of errors when all have failed (an AggregateError), or with the signal's reason.
 */
export function race(
  addresses: readonly string[],
  { open, staggerMs, signal }: RaceOptions,
): Promise<Socket> {
  const waiting = [...interleave(addresses)];
  const running = new Set<Socket>();
  const errors: unknown[] = [];
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    let over = false;
    const finish = (): void => {
      over = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      for (const loser of running) loser.destroy();
      running.clear();
    };
    const abort = (): void => {
      finish();
      reject(signal.reason as Error);
    };
    const next = (): void => {
      clearTimeout(timer);
      const address = waiting.shift();
      if (address !== undefined) start(address);
    };
    const start = (address: string): void => {
      const socket = open(address);
      running.add(socket);
      // The listener stays: whoever gets the socket may attach its own a moment later.
      socket.on('error', (error) => {
        if (over || !running.delete(socket)) return;
        errors.push(error);
        socket.destroy();
        if (waiting.length > 0) return next();
        if (running.size > 0) return;
        finish();
        reject(new AggregateError(errors, 'every attempt failed'));
      });
      socket.once('connect', () => {
        if (over) return;
        running.delete(socket);
        finish();
        resolve(socket);
      });
      if (waiting.length > 0) timer = setTimeout(next, staggerMs);
    };
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    if (waiting.length === 0) {
      finish();
      return reject(new AggregateError([], 'there is no address to try'));
    }
    next();
  });
}
