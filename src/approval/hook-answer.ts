// How a run of a hook ends, and what its answer says.

/** How one run ended; `problem` is a phrase that fits after "the hook", without anything secret. */
export type HookEnd =
  /** The JSON that it gave; undefined where none is wanted. */
  | { readonly status: 'done'; readonly answer: unknown }
  | { readonly status: 'failed'; readonly problem: string };

/** One way to run: ends within a moment of the signal's abort, and never rejects. */
export type HookRunner = (text: string, signal: AbortSignal) => Promise<HookEnd>;

/** Longest answer that is read. */
export const answerLimitBytes = 64 * 1024;

/** A run that came to nothing. */
export function failed(problem: string): HookEnd {
  return { status: 'failed', problem };
}

/** The end of a run that gave these bytes as its answer. */
export function readAnswer(bytes: Uint8Array): HookEnd {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    const answer: unknown = JSON.parse(text);
    // Made of pasted words, an answer could bring a second verdict along, and the last one would count.
    const isRepeated = keysIn(text) !== keysOf(answer);
    return isRepeated
      ? failed('answered with a key that stands twice')
      : { status: 'done', answer };
  } catch {
    return failed('answered with something that is not JSON');
  }
}

/** How many keys stand in a text that is JSON. */
function keysIn(text: string): number {
  return [...text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)].filter(([, colon]) => colon !== undefined)
    .length;
}

/** How many keys came out of it. */
function keysOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Object.values(value).reduce((sum: number, inner) => sum + keysOf(inner), own);
}
