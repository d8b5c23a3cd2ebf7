// The page's session: the one-use code of the address becomes a secret, which this tab alone keeps. No cookie:
// those are shared with every other port of this host.
/** @import { PageSessionResponse } from '../messages.ts' */

const storageKey = 'sallyport-session';

const isOld = 'This link was used before, or is too old.';
/** By the status of the daemon's "no", where it is not `isOld`. @type {Readonly<Record<number, string>>} */
const refusals = {
  403: 'This link is for the user who runs sallyport; this browser is of another one.',
  429: 'Too many wrong links were tried; wait a minute.',
};

/**
 * How opening ended: `none` has neither code nor secret, `refused` had a code that is not taken.
 * @typedef {{ readonly kind: 'open', readonly secret: string }
 *   | { readonly kind: 'none' } | { readonly kind: 'refused', readonly message: string }
 *   | { readonly kind: 'unreachable' }} Opening
 */

/**
 * Takes the code out of the address, if there is one, before anything else can see it, and changes it for a secret.
 * @returns {Promise<Opening>}
 */
export async function openSession() {
  const [, code, question] =
    /^#code=([\w-]{1,200})(?:\/([a-z]\d{1,9}))?$/.exec(location.hash) ?? [];
  if (code === undefined) {
    const secret = sessionStorage.getItem(storageKey);
    return secret === null ? { kind: 'none' } : { kind: 'open', secret };
  }
  history.replaceState(null, '', question === undefined ? '/#waiting' : `/#waiting/${question}`);
  const opening = await redeem(code);
  if (opening.kind === 'open') sessionStorage.setItem(storageKey, opening.secret);
  return opening;
}

/** Forgets the secret, which the daemon no longer knows. */
export function forgetSession() {
  sessionStorage.removeItem(storageKey);
}

/**
 * @param {string} code
 * @returns {Promise<Opening>}
 */
async function redeem(code) {
  try {
    const response = await fetch('/v1/page-sessions', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-sallyport-surface': 'page' },
      body: JSON.stringify({ code }),
      signal: AbortSignal.timeout(15_000),
    });
    if (!response.ok) return { kind: 'refused', message: refusals[response.status] ?? isOld };
    /** @type {PageSessionResponse} */
    const { secret } = await response.json();
    return { kind: 'open', secret };
  } catch {
    return { kind: 'unreachable' };
  }
}
