// Keeps the memory behind finished reads small. Node gives every read from a socket a buffer of its own; V8 does
// not count those when it plans a collection of young objects, and begins a full one only when 64 MiB of them lie
// about. A young collection each 8 MiB takes a third of a millisecond, and far fewer full ones are needed.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const stepBytes = 8 * 1024 * 1024;

/**
 * Gives a function to be told of every read, in bytes; it calls `collect` once for each 8 MiB. `collect` is
 * V8's own young collection unless given.
 */
export function createReadBufferCollector(
  collect: () => void = youngCollection(),
): (bytes: number) => void {
  let uncollected = 0;
  return (bytes) => {
    uncollected += bytes;
    if (uncollected < stepBytes) return;
    uncollected = 0;
    collect();
  };
}

/** V8 hands its collector to new contexts only while the flag is set; no later one shall have it. */
function youngCollection(): () => void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as (options: { readonly type: 'minor' }) => void;
  setFlagsFromString('--no-expose-gc');
  return () => gc({ type: 'minor' });
}
