// What a plain HTTP request asks for, as an approver may see it: method and path. Query and fragment are left
// out and secret-looking parts masked, since paths carry keys, too. Shown live only and never recorded. Pure.
import type { DecisionRequest } from '../policy/decision.ts';
import { escapePrintable } from '../policy/printable.ts';
import { maskArguments } from './mask.ts';

const mask = '***';
const lineLimit = 200;
const methodLimit = 32;
/** More than is shown, so that what is shown is masked as a whole; less than makes masking slow. */
const readLimit = 1024;
/** Segments after which a key is likely to stand. */
const beforeSecret =
  /^(?:pass(?:wd|word)?|secrets?|tokens?|api[-_]?keys?|keys?|auth|credentials?|hooks?|webhooks?|services?)$/i;

/** `GET /v1/items`, at most 200 characters and printable; null for tunnels, which show no request. */
export function requestLine({ destination, method, target }: DecisionRequest): string | null {
  if (destination.protocol !== 'http' || target === undefined) return null;
  const line = `${method.slice(0, methodLimit)} ${maskPath(pathOf(target))}`;
  const shown = escapePrintable(line);
  return shown.length <= lineLimit ? shown : `${shown.slice(0, lineLimit - 1)}…`;
}

/** The path of an absolute-form or origin-form target (RFC 9112 §3.2); user information goes with the host. */
function pathOf(target: string): string {
  const rest = target.slice(0, readLimit).replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
  const path = rest.split(/[?#]/, 1)[0] ?? '';
  return path === '' ? '/' : path;
}

function maskPath(path: string): string {
  const segments = path.split('/');
  return segments.map((segment, at) => maskSegment(segment, segments[at - 1])).join('/');
}

function maskSegment(segment: string, before: string | undefined): string {
  // Parameters of a segment (RFC 3986 §3.3) hold session ids more often than anything to decide by.
  const [name = '', ...parameters] = segment.split(';');
  const shown = isSecret(name, before) ? mask : name;
  return parameters.length === 0 ? shown : `${shown};${mask}`;
}

function isSecret(segment: string, before: string | undefined): boolean {
  const text = decode(segment);
  if (maskArguments([text])[0] !== text) return true;
  if (looksGenerated(text)) return true;
  return before !== undefined && beforeSecret.test(before) && text.length >= 8 && /\d/.test(text);
}

/** Twenty and more characters with both cases and digits: shorter than what is masked on command lines. */
function looksGenerated(text: string): boolean {
  return /[\w-]{20,}/.test(text) && /[a-z]/.test(text) && /[A-Z]/.test(text) && /\d/.test(text);
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
