// Puts failed connects and handshakes into our own codes and words. It opens nothing.
import { type ErrorCode, SallyportError } from '../errors.ts';
import type { LookupFailure } from '../policy/decision.ts';

/** The system's connect errors, by the code that says most about the destination. */
const connectCodes: Readonly<Record<string, ErrorCode>> = {
  ECONNREFUSED: 'ERR_UPSTREAM_REFUSED',
  ETIMEDOUT: 'ERR_UPSTREAM_TIMEOUT',
  EHOSTUNREACH: 'ERR_UPSTREAM_UNREACHABLE',
  ENETUNREACH: 'ERR_UPSTREAM_UNREACHABLE',
  EADDRNOTAVAIL: 'ERR_UPSTREAM_UNREACHABLE',
  ECONNRESET: 'ERR_UPSTREAM_RESET',
  EPIPE: 'ERR_UPSTREAM_RESET',
};

/** What people need to know of a certificate that does not verify; OpenSSL's and Node's codes. */
const certificateWords: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; check the clock of this machine',
  CERT_REVOKED: 'its certificate is revoked',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed; name its root as extra_ca',
  SELF_SIGNED_CERT_IN_CHAIN: 'its root is not trusted here; name that root as extra_ca',
  UNABLE_TO_GET_ISSUER_CERT: 'its issuer is not known here; name the root as extra_ca',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its issuer is not known here; name the root as extra_ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its issuer is not known here; name the root as extra_ca',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};

/** A permit without addresses: its look-up's failure as an error. */
export function lookupFailure(failure: LookupFailure, where: string): SallyportError {
  return failure === 'dns_timeout'
    ? new SallyportError('ERR_DNS_TIMEOUT', `${where}: no answer from the name servers in time`)
    : new SallyportError('ERR_DNS_FAILED', `${where}: the name does not resolve`);
}

/** A failed connect. Errors of ours pass unchanged; all that went wrong at a parent is ERR_PARENT_FAILED. */
export function connectFailure(error: unknown, where: string, parent: boolean): SallyportError {
  if (error instanceof SallyportError) return error;
  const code = connectCode(error);
  const words = `${where}: ${describe(error)}`;
  return new SallyportError(parent ? 'ERR_PARENT_FAILED' : code, words, { cause: error });
}

/** A failed TLS handshake as ERR_UPSTREAM_TLS, or ERR_PARENT_FAILED with a parent. */
export function tlsFailure(error: unknown, where: string, parent: boolean): SallyportError {
  if (error instanceof SallyportError) return error;
  const code = systemCode(error) ?? '';
  const words = certificateWords[code] ?? `the TLS handshake failed (${code || 'no code'})`;
  const ours = parent ? 'ERR_PARENT_FAILED' : 'ERR_UPSTREAM_TLS';
  return new SallyportError(ours, `${where}: ${words}`, { cause: error });
}

/** Of several attempts the one that came furthest speaks: refused, then timed out, then unreachable. */
function connectCode(error: unknown): ErrorCode {
  const seen = new Set(attempts(error).map((one) => connectCodes[systemCode(one) ?? '']));
  for (const code of [
    'ERR_UPSTREAM_REFUSED',
    'ERR_UPSTREAM_RESET',
    'ERR_UPSTREAM_TIMEOUT',
  ] as const) {
    if (seen.has(code)) return code;
  }
  return 'ERR_UPSTREAM_UNREACHABLE';
}

function describe(error: unknown): string {
  const codes = new Set(attempts(error).map((one) => systemCode(one) ?? 'failed'));
  return `could not connect (${[...codes].join(', ') || 'no address'})`;
}

function attempts(error: unknown): readonly unknown[] {
  return error instanceof AggregateError ? (error.errors as readonly unknown[]) : [error];
}

function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
