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
    return { status: 'done', answer: JSON.parse(text) as unknown };
  } catch {
    return failed('answered with something that is not JSON');
  }
}
