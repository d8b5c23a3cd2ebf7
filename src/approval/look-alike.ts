// Names that could be mistaken for one another: letters that look alike, slips of the finger, another ending,
// and a known name put in front of somebody else's. Compared is what one owner has, the registrable domain,
// since what is below it is the owner's own business. Pure.
import { domainToUnicode } from 'node:url';
import { ownershipOf } from '../policy/public-suffix.ts';
import { skeletonOf, scriptsOf, toLatin } from './skeleton.ts';

/** How two names resemble each other; the same whichever is asked about, but for `subdomain`. */
export type ResemblanceKind = 'confusable' | 'typo' | 'suffix' | 'subdomain';

/** A name taken apart for comparing. */
export interface ReadName {
  readonly host: string;
  /** The registrable domain; for a public suffix the name itself. */
  readonly domain: string;
  /** The domain's first label, decoded. */
  readonly label: string;
  /** What follows it. */
  readonly suffix: string;
  readonly isPrivate: boolean;
  readonly latin: string;
  readonly skeleton: string;
}

/** Labels from here on are compared letter by letter; shorter ones are too often alike by chance. */
const typoLetters = 6;
/** Slips that are hardly ever chance are taken from here on: two letters swapped, one doubled. */
const slipLetters = 4;
/** Two wrong letters are too few to notice in a name this long; beyond the second nobody types it. */
export const twoTypoLetters = { from: 12, to: 24 } as const;
const confusableLetters = 3;
/** Labels that look alike under another ending need more letters to mean anything. */
const confusableElsewhereLetters = 5;
const suffixLetters = 4;
/** Labels everybody uses. */
const commonLabels = new Set(
  `admin api apps assets auth beta blog cloud code data demo docs download downloads files help home
  images links login mail main media news open portal preview proxy repo search shop stage staging static
  status store support team test tools update updates upload wiki www`.split(/\s+/),
);
/** Suffixes under which a project usually has its own name. */
const projectSuffixes = new Set(['github.io', 'gitlab.io', 'readthedocs.io', 'codeberg.page']);

/** Takes a canonical name apart; undefined for a single label, which is nobody's domain. */
export function readName(host: string): ReadName | undefined {
  const { domain = host, suffix, kind } = ownershipOf(host);
  const dot = domain.indexOf('.');
  if (dot < 0) return undefined;
  const label = decodeLabel(domain.slice(0, dot));
  return {
    host,
    domain,
    label,
    suffix: domain.slice(dot + 1),
    isPrivate: kind === 'private' && domain !== suffix,
    latin: toLatin(label),
    skeleton: skeletonOf(label),
  };
}

/** The label in its own letters; as it stands when it is none of punycode, or none that decodes. */
export function decodeLabel(label: string): string {
  if (!label.startsWith('xn--')) return label;
  return domainToUnicode(label) || label;
}

/** How two names of different owners resemble each other by their domains; undefined when they do not. */
export function compareNames(
  a: ReadName,
  b: ReadName,
): Exclude<ResemblanceKind, 'subdomain'> | undefined {
  if (a.domain === b.domain) return undefined;
  const isSameSuffix = a.suffix === b.suffix;
  if (a.label === b.label) return isSuspiciousSuffix(a, b) ? 'suffix' : undefined;
  if (a.skeleton === b.skeleton) {
    const least = isSameSuffix ? confusableLetters : confusableElsewhereLetters;
    return a.skeleton.length >= least ? 'confusable' : undefined;
  }
  return isSameSuffix && isTypo(a.latin, b.latin) ? 'typo' : undefined;
}

function isSuspiciousSuffix(a: ReadName, b: ReadName): boolean {
  if (a.label.length < suffixLetters || commonLabels.has(a.label)) return false;
  // Two tenants of two hosting companies are often one project; a tenant with a real domain's name is not.
  if (a.isPrivate && b.isPrivate) return false;
  return !projectSuffixes.has(a.suffix) && !projectSuffixes.has(b.suffix);
}

function isTypo(a: string, b: string): boolean {
  if (withoutDigits(a) === withoutDigits(b) && /\d/.test(a) && /\d/.test(b)) return false;
  const least = Math.min(a.length, b.length);
  if (least < slipLetters || Math.abs(a.length - b.length) > 2) return false;
  if (least < typoLetters) return isSlip(a, b);
  const isLong = least >= twoTypoLetters.from && Math.max(a.length, b.length) <= twoTypoLetters.to;
  return editDistance(a, b) <= (isLong ? 2 : 1);
}

/** Numbered siblings, `cache1` and `cache2`, are no slips. */
function withoutDigits(label: string): string {
  return label.replaceAll(/\d/g, '');
}

/** Two neighbours swapped, or one letter doubled. */
function isSlip(a: string, b: string): boolean {
  if (a.length !== b.length) {
    const [longer, shorter] = a.length > b.length ? [a, b] : [b, a];
    const at = firstDifference(longer, shorter);
    return longer[at] === longer[at - 1] && longer.slice(at + 1) === shorter.slice(at);
  }
  const at = firstDifference(a, b);
  const [first, second] = [a[at], a[at + 1]];
  return b[at] === second && b[at + 1] === first && a.slice(at + 2) === b.slice(at + 2);
}

function firstDifference(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  return at;
}

/**
 * How many letters must be put in, left out, replaced or swapped with their neighbour (optimal string
 * alignment). Costs the product of the lengths, which for labels is small.
 */
export function editDistance(a: string, b: string): number {
  let older: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const isSame = a[row - 1] === b[column - 1];
      const isSwapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current[column] = Math.min(
        number(above[column]) + 1,
        number(current[column - 1]) + 1,
        number(above[column - 1]) + (isSame ? 0 : 1),
        isSwapped && row > 1 && column > 1 ? number(older[column - 2]) + 1 : Infinity,
      );
    }
    older = above;
    above = current;
  }
  return number(above[b.length]);
}

function number(value: number | undefined): number {
  return value ?? Infinity;
}

/**
 * Names as they stand inside a host before its public suffix, the longest first; also with hyphens for dots, as
 * in `github.com-login.example` and `openai-com.example`.
 */
export function namesInside(host: string): string[] {
  const { suffix } = ownershipOf(host);
  if (host.length <= suffix.length + 1) return [];
  const front = host.slice(0, -suffix.length - 1);
  const whole = windowsOf(front.split('.'));
  if (!front.includes('-')) return whole;
  const parts = windowsOf(front.split(/[.-]/)).filter(isLikelyName);
  return [...new Set([...whole, ...parts])];
}

/** Labels that a known domain has at most, as far as it is looked for inside other names. */
const insideLabels = 5;

function windowsOf(labels: readonly string[]): string[] {
  const found: string[] = [];
  for (let start = 0; start < labels.length - 1; start += 1) {
    const end = Math.min(labels.length, start + insideLabels);
    for (let stop = end; stop >= start + 2; stop -= 1) {
      found.push(labels.slice(start, stop).join('.'));
    }
  }
  return found;
}

/** Where hyphens are taken for dots, `go-dev` and `my-app` may be anything; only endings that mean a name count. */
function isLikelyName(name: string): boolean {
  return /(?:^|\.)[a-z0-9]{4,}\.(?:com|org|net|io|ai|co)$/.test(name);
}

/** What differs, in words such as `"rn" for "m"`; the letters are not escaped. */
export function describeDifference(asked: ReadName, known: ReadName): string {
  const letters = asked.label === known.label ? [] : [differentLetters(asked.label, known.label)];
  const ending = asked.suffix === known.suffix ? [] : [`".${asked.suffix}" for ".${known.suffix}"`];
  return [...letters, ...ending].join(', ');
}

function differentLetters(asked: string, known: string): string {
  const [a, b] = [Array.from(asked), Array.from(known)];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  const room = Math.min(a.length, b.length) - start;
  while (end < room && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  const [has, wants] = [
    a.slice(start, a.length - end).join(''),
    b.slice(start, b.length - end).join(''),
  ];
  if (has === '') return `"${wants}" left out`;
  if (wants === '') return `"${has}" added`;
  const scripts = scriptsOf(has).filter((script) => script !== 'Latin');
  const written = scripts.length === 0 ? '' : ` (${scripts.join(' and ')})`;
  return `"${has}"${written} for "${wants}"`;
}
