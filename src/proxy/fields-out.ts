// The pieces of a head that are written anew rather than passed on: Host and the reason phrase; and a request's
// fields with the new Host among them.
import type { Destination } from '../policy/destination.ts';
import { formatHostPort } from '../policy/destination.ts';
import { endToEndFields } from '../wire/fields.ts';

/** Host for a plain HTTP destination (RFC 9110 §7.2): port 80 is left out, an IPv6 address bracketed. */
export function hostField({ host, kind, port }: Destination): string {
  const whole = formatHostPort(host, kind, port);
  return port === 80 ? whole.slice(0, -':80'.length) : whole;
}

/** A request's fields to send on, as rawHeaders: nothing of this hop, and `host` as its one Host, which comes first. */
export function requestFields(host: string, rawHeaders: readonly string[]): string[] {
  const fields = ['Host', host];
  const kept = endToEndFields(rawHeaders);
  for (let index = 0; index < kept.length; index += 2) {
    const name = kept[index] ?? '';
    if (name.toLowerCase() !== 'host') fields.push(name, kept[index + 1] ?? '');
  }
  return fields;
}

/** A reason phrase fit to be written (RFC 9112 §4), or nothing where it has bytes that are not. */
export function reasonPhrase(text: string): string {
  return /^[\t\x20-\x7e]*$/.test(text) ? text : '';
}
