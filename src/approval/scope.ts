// How far an answer reaches: for how long, for which hosts, for which ports, and which words go with it. It
// judges what a person may say; what the answer then does is grants.ts.
import type { AnswerRequest } from '../control/messages.ts';
import type { Destination, Parsed } from '../policy/destination.ts';
import { escapePrintable } from '../policy/printable.ts';
import { ownershipOf } from '../policy/public-suffix.ts';

/** How long an answer holds. */
export type Duration =
  | { readonly kind: 'once' }
  /** `ms`: one minute to 30 days. */
  | { readonly kind: 'until'; readonly ms: number }
  | { readonly kind: 'restart' }
  | { readonly kind: 'always' };

/** An answer's reach, checked. */
export interface AnswerScope {
  readonly duration: Duration;
  /** The question's host, or `*.` and a domain that covers it. */
  readonly host: string;
  readonly port: number | 'any';
  /** True for what a caller nobody can name may not answer: `always`, a wildcard, any port. */
  readonly wide: boolean;
}

const minuteMs = 60_000;
const longestMs = 30 * 24 * 60 * minuteMs;
const longestWords = 200;
const durationHelp = 'write "once", minutes ("30m"), hours ("2h"), "restart" or "always"';

/** Reads `once`, `30m`, `2h`, `restart`, `always`; 1 minute to 30 days. */
export function parseDuration(text: string): Parsed<Duration> {
  if (text === 'once' || text === 'restart' || text === 'always') {
    return { ok: true, value: { kind: text } };
  }
  const match = /^([1-9][0-9]{0,4})([mh])$/.exec(text);
  if (match === null) return { ok: false, problem: `for: not a duration; ${durationHelp}` };
  const ms = Number(match[1]) * (match[2] === 'h' ? 60 * minuteMs : minuteMs);
  if (ms > longestMs) return { ok: false, problem: 'for: longer than 30 days ("720h")' };
  return { ok: true, value: { kind: 'until', ms } };
}

/** The reach of an answer to this question, or why it may not reach so far. */
export function parseScope(answer: AnswerRequest, destination: Destination): Parsed<AnswerScope> {
  const problem = wordsProblem(answer);
  if (problem !== undefined) return { ok: false, problem };
  const duration = parseDuration(answer.for ?? 'once');
  if (!duration.ok) return duration;
  const host = parseAnswerHost(answer.host ?? 'exact', destination);
  if (!host.ok) return host;
  const isWildcard = host.value !== destination.host;
  const isAnyPort = answer.port === 'any';
  if (duration.value.kind === 'once' && (isWildcard || isAnyPort)) {
    return {
      ok: false,
      problem: 'once covers the waiting connections only: a wildcard or any port needs a "for"',
    };
  }
  return {
    ok: true,
    value: {
      duration: duration.value,
      host: host.value,
      port: isAnyPort ? 'any' : destination.port,
      wide: duration.value.kind === 'always' || isWildcard || isAnyPort,
    },
  };
}

/** Words of an approver are shown to others as they are, so they hold nothing that cannot be seen. */
function wordsProblem({ outcome, note, tell }: AnswerRequest): string | undefined {
  if (tell !== undefined && outcome === 'allow') {
    return 'tell: goes with a deny; a program that is allowed is told nothing';
  }
  for (const [key, words] of [
    ['note', note],
    ['tell', tell],
  ] as const) {
    if (words === undefined) continue;
    if (words.length > longestWords) return `${key}: longer than ${longestWords} characters`;
    if (words.trim() === '') return `${key}: says nothing; leave it out`;
    if (escapePrintable(words) !== words) {
      return `${key}: holds characters that cannot be seen; write plain words on one line`;
    }
  }
  return undefined;
}

function parseAnswerHost(text: string, destination: Destination): Parsed<string> {
  if (text === 'exact' || text === destination.host) return { ok: true, value: destination.host };
  if (!text.startsWith('*.')) {
    return {
      ok: false,
      problem: 'host: write "exact", or "*." and a domain such as "*.example.net"',
    };
  }
  const problem = wildcardProblem(text.slice(2), destination);
  return problem === undefined ? { ok: true, value: text } : { ok: false, problem };
}

/**
 * Why `*.domain` may not be answered. It must lie at or below the registrable domain: everything above
 * belongs to several owners (public suffix list with its private part, so that `*.github.io` is refused).
 */
function wildcardProblem(domain: string, destination: Destination): string | undefined {
  if (destination.kind !== 'name') return 'host: an address has no subdomains; answer "exact"';
  if (!destination.host.endsWith(`.${domain}`)) {
    return `host: "*.${domain}" does not cover ${destination.host}`;
  }
  const { suffix, kind, isSuffix } = ownershipOf(domain);
  if (kind === 'unknown') {
    return `host: "${suffix}" is not a known public suffix, so nobody can tell who owns "*.${domain}"; answer "exact"`;
  }
  if (isSuffix) {
    return `host: "${domain}" is a public suffix, shared by many owners; answer "exact"`;
  }
  return undefined;
}
