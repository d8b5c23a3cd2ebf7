import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SallyportError } from '../../../src/errors.ts';
import { connectFailure, lookupFailure, tlsFailure } from '../../../src/proxy/dial-errors.ts';

/** An error as the system or OpenSSL gives it. */
function systemError(code?: unknown): Error {
  return Object.assign(new Error('words of the system'), code === undefined ? {} : { code });
}

function several(...codes: readonly string[]): AggregateError {
  return new AggregateError(codes.map((code) => systemError(code)));
}

interface Seen {
  readonly code: string;
  readonly message: string;
  readonly cause: unknown;
}

function seen({ code, message, cause }: SallyportError): Seen {
  return { code, message, cause };
}

describe('lookupFailure', () => {
  const cases = [
    {
      failure: 'dns_failed',
      code: 'ERR_DNS_FAILED',
      message: 'a.test: the name does not resolve',
    },
    {
      failure: 'dns_timeout',
      code: 'ERR_DNS_TIMEOUT',
      message: 'a.test: no answer from the name servers in time',
    },
  ] as const;
  for (const { failure, ...want } of cases) {
    it(`puts ${failure} into words`, () => {
      assert.deepEqual(seen(lookupFailure(failure, 'a.test')), { ...want, cause: undefined });
    });
  }
});

describe('connectFailure', () => {
  const cases = [
    { name: 'a refusal', error: systemError('ECONNREFUSED'), code: 'ERR_UPSTREAM_REFUSED' },
    { name: 'a time-out', error: systemError('ETIMEDOUT'), code: 'ERR_UPSTREAM_TIMEOUT' },
    { name: 'no route to a host', error: systemError('EHOSTUNREACH') },
    { name: 'no route to a network', error: systemError('ENETUNREACH') },
    { name: 'no address of our own to send from', error: systemError('EADDRNOTAVAIL') },
    { name: 'a reset', error: systemError('ECONNRESET'), code: 'ERR_UPSTREAM_RESET' },
    { name: 'a pipe that broke', error: systemError('EPIPE'), code: 'ERR_UPSTREAM_RESET' },
    { name: 'a code it does not know', error: systemError('EACCES') },
    { name: 'an error without a code', error: systemError(), told: 'failed' },
    { name: 'a code that is no text', error: systemError(7), told: 'failed' },
    { name: 'what is no error', error: 'oh', told: 'failed' },
    { name: 'no attempt at all', error: several(), told: 'no address' },
    {
      name: 'a refusal before a time-out',
      error: several('ETIMEDOUT', 'ECONNREFUSED', 'ETIMEDOUT'),
      code: 'ERR_UPSTREAM_REFUSED',
      told: 'ETIMEDOUT, ECONNREFUSED',
    },
    {
      name: 'a reset before a time-out',
      error: several('ETIMEDOUT', 'ECONNRESET'),
      code: 'ERR_UPSTREAM_RESET',
      told: 'ETIMEDOUT, ECONNRESET',
    },
    {
      name: 'a time-out before no route',
      error: several('ENETUNREACH', 'ETIMEDOUT'),
      code: 'ERR_UPSTREAM_TIMEOUT',
      told: 'ENETUNREACH, ETIMEDOUT',
    },
  ];
  for (const { name, error, code = 'ERR_UPSTREAM_UNREACHABLE', told } of cases) {
    const codes = told ?? (error as { code?: string }).code ?? '';
    const message = `a.test:443: could not connect (${codes})`;
    it(`says of ${name} ${code}`, () => {
      assert.deepEqual(seen(connectFailure(error, 'a.test:443', false)), {
        code,
        message,
        cause: error,
      });
    });
    it(`says of ${name} at a parent that the parent failed`, () => {
      assert.deepEqual(seen(connectFailure(error, 'a.test:443', true)), {
        code: 'ERR_PARENT_FAILED',
        message,
        cause: error,
      });
    });
  }
});

describe('tlsFailure', () => {
  const cases = [
    { code: 'CERT_HAS_EXPIRED', told: 'its certificate has expired' },
    { code: 'ERR_TLS_CERT_ALTNAME_INVALID', told: 'its certificate is for another name' },
    {
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
      told: 'its certificate is self-signed; name its root as extra_ca',
    },
    {
      code: 'SELF_SIGNED_CERT_IN_CHAIN',
      told: 'its root is not trusted here; name that root as extra_ca',
    },
    {
      code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      told: 'its issuer is not known here; name the root as extra_ca',
    },
    { code: 'ERR_SSL_WRONG_VERSION', told: 'the TLS handshake failed (ERR_SSL_WRONG_VERSION)' },
    { code: undefined, told: 'the TLS handshake failed (no code)' },
  ];
  for (const { code, told } of cases) {
    it(`puts ${code ?? 'an error without a code'} into words, ours or a parent's`, () => {
      const error = systemError(code);
      const message = `a.test:443: ${told}`;
      assert.deepEqual(
        [false, true].map((parent) => seen(tlsFailure(error, 'a.test:443', parent))),
        [
          { code: 'ERR_UPSTREAM_TLS', message, cause: error },
          { code: 'ERR_PARENT_FAILED', message, cause: error },
        ],
      );
    });
  }
});

describe('an error of ours', () => {
  for (const [name, translate] of Object.entries({ connectFailure, tlsFailure })) {
    it(`passes ${name} unchanged, whoever failed`, () => {
      const ours = new SallyportError('ERR_CLIENT_GONE', 'the client left');
      for (const parent of [false, true]) assert.equal(translate(ours, 'a.test', parent), ours);
    });
  }
});
