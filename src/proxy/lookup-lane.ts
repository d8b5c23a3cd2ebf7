// The system's own resolver (getaddrinfo) behind a narrow door: it knows split DNS, VPN scopes and
// multicast DNS, but each call holds one of libuv's few threads until it ends and cannot be cancelled.
import { lookup as systemLookup } from 'node:dns/promises';
import { parseAddress } from '../policy/destination.ts';
import type { Resolution } from '../policy/decision.ts';

/** Asks the system; rejects with an error that has a `code`. */
export type SystemLookup = (host: string) => Promise<readonly string[]>;

/** A bounded lane. */
export interface LookupLane {
  /** True when a new question would have to wait for a thread. */
  readonly busy: () => boolean;
  /** Never rejects. Waits in line while all threads of the lane are taken; full: `dns_timeout`. */
  readonly ask: (host: string) => Promise<Resolution>;
}

/** Questions that wait at most; beyond that the answer would come too late anyhow. */
const queueLimit = 256;

/** Makes a lane of `slots` concurrent look-ups; `deadlineMs` is for the wait in line. */
export function createLookupLane(
  slots: number,
  deadlineMs: number,
  lookup: SystemLookup = askSystem,
): LookupLane {
  const queue = new Set<() => void>();
  let running = 0;
  const run = async (host: string): Promise<Resolution> => {
    running += 1;
    try {
      const addresses = canonical(await lookup(host));
      return addresses.length > 0
        ? { kind: 'addresses', addresses }
        : { kind: 'failed', failure: 'dns_failed' };
    } catch {
      return { kind: 'failed', failure: 'dns_failed' };
    } finally {
      running -= 1;
      const [next] = queue;
      next?.();
    }
  };
  return {
    busy: () => running >= slots,
    ask: (host) => {
      if (running < slots) return run(host);
      if (queue.size >= queueLimit) return Promise.resolve(late);
      return new Promise((resolve) => {
        const timer = setTimeout(() => {
          queue.delete(go);
          resolve(late);
        }, deadlineMs);
        const go = (): void => {
          clearTimeout(timer);
          queue.delete(go);
          resolve(run(host));
        };
        queue.add(go);
      });
    },
  };
}

const late: Resolution = { kind: 'failed', failure: 'dns_timeout' };

/** The final dot keeps the system from trying its search domains. */
async function askSystem(host: string): Promise<readonly string[]> {
  const found = await systemLookup(`${host}.`, { all: true, order: 'verbatim' });
  return found.map(({ address }) => address);
}

function canonical(addresses: readonly string[]): readonly string[] {
  const parsed = addresses.map((address) => parseAddress(address));
  return [...new Set(parsed.flatMap((one) => (one.ok ? [one.value.text] : [])))];
}
