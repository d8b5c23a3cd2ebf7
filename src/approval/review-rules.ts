// What the automatic reviewer may decide. Pure: which questions it is given at all, what its answer must look
// like, and what becomes of it. Everything it may not decide, and everything unclear, is for a person.
import type { AnswerRequest, GroupView } from '../control/messages.ts';
import { escapePrintable } from '../policy/printable.ts';

/** What the reviewer said. */
export interface Verdict {
  readonly verdict: 'allow' | 'deny' | 'ask';
  readonly risk: 'low' | 'medium' | 'high';
  /** At most 200 printable characters; may be empty. */
  readonly reason: string;
}

/** What becomes of a verdict: an answer to give, or a reason why a person is asked. */
export type Outcome =
  | { readonly kind: 'answer'; readonly request: AnswerRequest }
  | { readonly kind: 'ask'; readonly reason: string };

/** Why a person must look at this question, as a phrase after "it"; undefined when the reviewer may. */
export function whyForPerson(view: GroupView): string | undefined {
  const { facts, warnings, bundle, why } = view;
  if (facts.kind !== 'name') return 'is a bare address';
  if (facts.lookAlike !== null) return 'looks like another name';
  if (bundle?.suggests === 'deny') return 'is one of a flood of names';
  if (warnings.length > 0) return 'has a warning';
  if (why === 'denied_before') return 'was denied before';
  if (why === 'paused') return 'came while questions were paused';
  // The same things decide whether one click may allow it; what is added there counts here too.
  return view.quickAllow ? undefined : 'needs a close look';
}

const verdicts = ['allow', 'deny', 'ask'] as const;
const risks = ['low', 'medium', 'high'] as const;
const keys = ['verdict', 'risk', 'reason'];

/** Reads an answer; undefined unless it is exactly `{ verdict, risk, reason }` with values they can have. */
export function decodeVerdict(answer: unknown): Verdict | undefined {
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) return undefined;
  const names = Object.keys(answer);
  if (names.length !== keys.length || !keys.every((key) => names.includes(key))) return undefined;
  const fields = answer as Readonly<Record<string, unknown>>; // an object that is no array
  const verdict = verdicts.find((known) => known === fields['verdict']);
  const risk = risks.find((known) => known === fields['risk']);
  const { reason } = fields as { readonly reason?: unknown };
  if (verdict === undefined || risk === undefined || typeof reason !== 'string') return undefined;
  return { verdict, risk, reason: tidy(reason) };
}

const reasonLimit = 200;

/** One printable line of at most 200 characters: it goes to the program that asked, and onto every surface. */
function tidy(text: string): string {
  const line = escapePrintable(text.slice(0, 4 * reasonLimit).replaceAll(/\s+/g, ' ')).trim();
  return line.length <= reasonLimit ? line : `${cutWhole(line, reasonLimit - 1)}…`;
}

/** The first units of the text, without half of a pair at the end. */
function cutWhole(text: string, units: number): string {
  return text.slice(0, units).replace(/[\ud800-\udbff]$/, '');
}

/** Allows at low risk, for minutes and this host and port only; denies once; leaves the rest to a person. */
export function outcomeOf(
  { verdict, risk, reason }: Verdict,
  revision: number,
  minutes: number,
): Outcome {
  if (verdict === 'allow' && risk === 'low') {
    return {
      kind: 'answer',
      request: {
        outcome: 'allow',
        for: `${minutes}m`,
        host: 'exact',
        port: 'this',
        revision,
        ...(reason === '' ? {} : { note: reason }),
      },
    };
  }
  if (verdict === 'deny') {
    const told = reason === '' ? {} : { note: reason, tell: reason };
    return { kind: 'answer', request: { outcome: 'deny', for: 'once', revision, ...told } };
  }
  const said = reason === '' ? 'it gave no reason' : reason;
  return { kind: 'ask', reason: `${risk} risk: ${said}` };
}
