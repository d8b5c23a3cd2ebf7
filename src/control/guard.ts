// What every request to the control API must show before anything else is looked at (security
// requirement 18): that it was meant for us (Host), that no foreign web page sent it (Origin,
// Sec-Fetch-Site), and that its sender holds a secret of ours (token).
import type { ControlListener, Holder, Refused } from './route.ts';

/** What the guard looks at. */
export interface GuardedRequest {
  /** Names and values in turn, as they came: Node hides a second Host elsewhere. */
  readonly rawHeaders: readonly string[];
  readonly listener: ControlListener;
  /** Of the TCP listener. */
  readonly port: number;
}

const single = ['host', 'origin', 'sec-fetch-site', 'authorization', 'content-type'] as const;
type Single = (typeof single)[number];

/** Refuses what was meant for another host (421) or sent by a foreign page (403). */
export function checkOrigin({ rawHeaders, listener, port }: GuardedRequest): Refused | undefined {
  const headers = singleHeaders(rawHeaders);
  if (headers === undefined) {
    return {
      status: 400,
      code: 'bad_request',
      message: 'a header that may stand once stands twice',
    };
  }
  const names = ['127.0.0.1', 'localhost', '[::1]'].map((name) => `${name}:${port}`);
  const host = headers.get('host');
  const isOurs =
    listener === 'tcp'
      ? host !== undefined && names.includes(host)
      : host === undefined || host === '' || host === 'localhost';
  if (!isOurs) {
    return { status: 421, code: 'misdirected', message: 'this Host is not served here' };
  }
  const origin = headers.get('origin');
  const isOwn = listener === 'tcp' && names.some((name) => origin === `http://${name}`);
  const site = headers.get('sec-fetch-site');
  const isSameSite = site === undefined || site === 'same-origin' || site === 'none';
  if ((origin !== undefined && !isOwn) || !isSameSite) {
    return { status: 403, code: 'forbidden', message: 'requests of other web pages are refused' };
  }
  return undefined;
}

/** Whose secret the request shows, or the refusal (401) of whoever shows none that is known. */
export function findHolder(
  rawHeaders: readonly string[],
  find: (secret: string) => Holder | undefined,
): Holder | Refused {
  const sent = singleHeaders(rawHeaders)?.get('authorization');
  const bearer = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(sent ?? '')?.[1];
  const holder = bearer === undefined ? undefined : find(bearer);
  if (holder !== undefined) return holder;
  const message = 'send "Authorization: Bearer" with the token of the state folder';
  return { status: 401, code: 'unauthorized', message };
}

/** The headers that may stand once, by lower-case name; undefined when one stands twice. */
export function singleHeaders(
  rawHeaders: readonly string[],
): ReadonlyMap<Single, string> | undefined {
  const found = new Map<Single, string>();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = single.find((known) => known === rawHeaders[at]?.toLowerCase());
    if (name === undefined) continue;
    if (found.has(name)) return undefined;
    found.set(name, rawHeaders[at + 1] ?? '');
  }
  return found;
}
