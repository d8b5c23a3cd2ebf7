// What is known of a destination, and why a person is asked, in sentences. Everything from outside is escaped
// here, so that no surface can forget to.
import type { HostFacts, LookAlike, WhyAsked } from '../control/messages.ts';
import type { Destination } from '../policy/destination.ts';
import { escapePrintable } from '../policy/printable.ts';
import { clockText } from './clock-text.ts';
import type { HostHistory, HostMemory } from './host-memory.ts';
import { knownHost } from './known-hosts.ts';
import { isMixed, scriptsOf } from './skeleton.ts';
import { decodeName, findResemblance } from './name-index.ts';
import type { NameIndex, Resemblance } from './name-index.ts';
import type { ReviewState } from './reviewer.ts';

/** What stays the same for as long as a question is asked. */
export interface SteadyFacts {
  readonly unicode: string | null;
  readonly about: string | null;
  readonly lookAlike: LookAlike | null;
  /** Sentences about the name itself, the look-alike's first. */
  readonly warnings: readonly string[];
}

/** Finds the facts that cost; `indexes` in the order in which a likeness is worth telling. */
export function steadyFacts(
  { host, kind }: Destination,
  indexes: readonly NameIndex[],
  memory: HostMemory,
  nowMs: number,
): SteadyFacts {
  if (kind !== 'name') {
    const warnings = ['It is a bare address: no name says whose it is.'];
    return { unicode: null, about: null, lookAlike: null, warnings };
  }
  const decoded = decodeName(host);
  const known = knownHost(host);
  const found = findResemblance(host, indexes);
  const lookAlike =
    found === undefined ? null : viewLikeness(host, found, { indexes, memory, nowMs });
  const warnings = [
    ...(lookAlike === null ? [] : [lookAlike.sentence]),
    ...(known?.isRisky === true ? [`${host} is known as ${known.about}.`] : []),
    ...warnOfLetters(host, decoded),
    ...(host.length > longName ? [longText(host.length)] : []),
  ];
  return {
    unicode: decoded === host ? null : escapePrintable(decoded),
    about: known?.about ?? null,
    lookAlike,
    warnings,
  };
}

/** The facts of one question, with what the memory says now. */
export function viewFacts(
  { kind }: Destination,
  { unicode, about, lookAlike }: SteadyFacts,
  history: HostHistory | undefined,
): HostFacts {
  const { allowed = 0, denied = 0, firstSeenMs } = history ?? {};
  const firstSeen = firstSeenMs === undefined ? null : new Date(firstSeenMs).toISOString();
  return { unicode, kind, about, lookAlike, allowed, denied, firstSeen };
}

/** Longer than any name a person would give; such names are made by programs, and may carry data. */
const longName = 120;

function longText(length: number): string {
  return `Its name is ${length} characters long: so long a name may carry data.`;
}

function warnOfLetters(host: string, decoded: string): string[] {
  const warnings: string[] = [];
  if (decoded !== host) {
    warnings.push(`Its name has letters beyond a to z; it reads "${escapePrintable(decoded)}".`);
  }
  const unread = decoded.split('.').some((label) => label.startsWith('xn--'));
  if (unread) warnings.push('A part of its name is punycode that stands for no letters.');
  const mixed = decoded.split('.').find(isMixed);
  if (mixed !== undefined) {
    const scripts = scriptsOf(mixed).join(' and ');
    warnings.push(`One part of its name mixes ${scripts} letters, as no language does.`);
  }
  return warnings;
}

interface Known {
  readonly indexes: readonly NameIndex[];
  readonly memory: HostMemory;
  readonly nowMs: number;
}

function viewLikeness(
  host: string,
  { kind, of, domain, difference }: Resemblance,
  { indexes, memory, nowMs }: Known,
): LookAlike {
  if (kind === 'subdomain') {
    const sentence = `${host} is not below ${of}: it belongs to ${domain}.`;
    return { of, kind, sentence };
  }
  // The same part in front, where that is known: then whole names stand side by side.
  const twin = host.slice(0, host.length - domain.length) + of;
  const like = indexes.some((index) => index.hasHost(twin)) ? twin : of;
  const sinceMs = memory.allowedSince(like);
  const since = sinceMs === undefined ? '' : `, allowed since ${dayText(sinceMs, nowMs)}`;
  const asked = like === of ? domain : host;
  const words = escapePrintable(difference);
  return { of: like, kind, sentence: `${asked} looks like ${like}${since}: ${words}.` };
}

const counts = ['', 'once', 'twice'];

/** What is looked at to say why a person is asked. */
export interface AskedBecause {
  readonly destination: Destination;
  readonly waiting: number;
  /** What was done with questions when it came. */
  readonly stance: 'hold' | 'paused' | 'unattended';
  readonly review: ReviewState | undefined;
  readonly history: HostHistory | undefined;
  /** When an allow for it ran out last. */
  readonly expiredMs: number | undefined;
  readonly nowMs: number;
}

/** Why a person is asked: the first of several reasons that changes what to do. */
export function whyAsked(because: AskedBecause): { why: WhyAsked; whySentence: string } {
  const { destination, waiting, stance, review, history, expiredMs, nowMs } = because;
  if (waiting === 0 && stance !== 'hold') return { why: stance, whySentence: stanceText[stance] };
  if (destination.kind !== 'name') {
    const whySentence = 'It is a bare address; nobody can tell from a name whose it is.';
    return { why: 'address', whySentence };
  }
  const { refusals = 0, lastRefusedMs = 0 } = history ?? {};
  if (refusals > 0 && lastRefusedMs >= (expiredMs ?? 0)) {
    const times = counts[refusals] ?? `${refusals} times`;
    const last = `${refusals > 1 ? 'last ' : ''}${momentText(lastRefusedMs, nowMs)}`;
    return { why: 'denied_before', whySentence: `It was denied ${times} before, ${last}.` };
  }
  if (review !== undefined) return { why: 'reviewer', whySentence: reviewText(review) };
  if (expiredMs !== undefined) {
    const whySentence = `An allow for it ran out ${momentText(expiredMs, nowMs)}.`;
    return { why: 'expired', whySentence };
  }
  return { why: 'no_rule', whySentence: noRuleText(history, nowMs) };
}

const stanceText = {
  paused:
    'Questions were paused when it came, so it was refused at once; an answer is for its next try.',
  unattended:
    'Nobody was watching when it came, so it was refused at once; an answer is for its next try.',
} as const;

function noRuleText(history: HostHistory | undefined, nowMs: number): string {
  if (history === undefined || history.allowed === 0) return 'No rule names this host.';
  const last = momentText(history.lastAllowedMs, nowMs);
  return `No rule names this host; it was let through before, last ${last}.`;
}

const reasonLimit = 200;

function reviewText(review: ReviewState): string {
  if (review.kind === 'reviewing') return 'The automatic reviewer is looking at it.';
  const reason = escapePrintable(review.reason.slice(0, reasonLimit)).replace(/\.+$/, '');
  return `The automatic reviewer left it to a person: ${reason}.`;
}

function momentText(atMs: number, nowMs: number): string {
  const text = clockText(atMs, nowMs);
  return `${text.includes(' ') ? 'on' : 'at'} ${text}`;
}

/** The day alone, where it is not today. */
function dayText(atMs: number, nowMs: number): string {
  const text = clockText(atMs, nowMs);
  const time = text.lastIndexOf(' ');
  return time < 0 ? text : text.slice(0, time);
}
