// The one error class and the closed list of its codes. Callers match `code`, never text.

/** Every code a SallyportError can carry, with the one-line meaning the documents print. */
export const errorCodes = {
  ERR_CONFIG_INVALID: 'the configuration has mistakes; each is named by file, line and column',
  ERR_CONFIG_READ: 'a configuration file exists but cannot be read',
  ERR_STATE_UNSAFE: 'the state folder or a file in it is not safe to use (owner, mode or symlink)',
  ERR_STATE_CORRUPT: 'a state file does not hold what it should',
  ERR_ALREADY_RUNNING: 'another daemon owns this state folder',
  ERR_PORT_IN_USE: 'a listener port is taken',
  ERR_LISTEN: 'a listener could not be opened',
  ERR_AUDIT_UNAVAILABLE: 'the audit journal cannot be written, so the gate is closed',
  ERR_UPSTREAM_REFUSED: 'every address of the destination refused the connection',
  ERR_UPSTREAM_UNREACHABLE: 'no route to any address of the destination',
  ERR_UPSTREAM_TIMEOUT: 'the destination did not answer the connect in time',
  ERR_UPSTREAM_TLS: 'the TLS handshake with the destination failed',
  ERR_UPSTREAM_RESET: 'the destination closed the connection too early',
  ERR_UPSTREAM_INVALID: 'the destination answered with something that is not valid HTTP',
  ERR_DNS_FAILED: 'the name of the destination does not resolve',
  ERR_DNS_TIMEOUT: 'the look-up of the destination did not finish in time',
  ERR_CLIENT_GONE: 'the client left before its connection stood',
  ERR_PARENT_FAILED: 'the upstream proxy refused or failed',
  ERR_CONTROL_UNREACHABLE: 'the daemon does not answer on its control listener',
  ERR_CONTROL_REFUSED: 'the daemon refused the request',
  ERR_USAGE: 'the command line is not understood',
} as const;

/** One of the codes of the catalogue. */
export type ErrorCode = keyof typeof errorCodes;

/** An error whose code is stable; `message` is lower case and says what, where and what to do. */
export class SallyportError extends Error {
  override readonly name = 'SallyportError';
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
