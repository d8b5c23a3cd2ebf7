// The pieces of a head that are written anew rather than passed on: Host and the reason phrase.
import type { Destination } from '../policy/destination.ts';
import { formatHostPort } from '../policy/destination.ts';

/** Host for a plain HTTP destination (RFC 9110 §7.2): port 80 is left out, an IPv6 address bracketed. */
export function hostField({ host, kind, port }: Destination): string {
  const whole = formatHostPort(host, kind, port);
  return port === 80 ? whole.slice(0, -':80'.length) : whole;
}

/** A reason phrase fit to be written (RFC 9112 §4), or nothing where it has bytes that are not. */
export function reasonPhrase(text: string): string {
  return /^[\t\x20-\x7e]*$/.test(text) ? text : '';
}
