// PURE: what a client is told. A refusal, a malformed request or upstream trouble becomes an HTTP answer or a
// SOCKS5 reply code. The only file with words for clients; shapes follow Codex so that its users know them.
// Trouble is never dressed as a denial: only denials carry x-proxy-error.
import { SallyportError, type ErrorCode } from '../errors.ts';
import type { DenyReason, Refusal } from '../policy/decision.ts';
import { formatHostPort, type Destination } from '../policy/destination.ts';

/** A whole answer; `fields` has everything but Date and Connection, which depend on the moment. */
export interface HttpAnswer {
  readonly status: number;
  /** A valid reason-phrase (RFC 9112 §4): ASCII, at most 200 characters. */
  readonly reason: string;
  readonly fields: readonly (readonly [string, string])[];
  readonly body: string;
}

/** What can go wrong without anybody having denied anything. */
export type Trouble =
  /** 400; `problem` says what, in words that fit after a colon. */
  | { readonly kind: 'malformed'; readonly problem: string }
  /** 408: the head did not arrive in time. */
  | { readonly kind: 'head_timeout' }
  /** 431: the head is larger than we read. */
  | { readonly kind: 'head_too_large' }
  /** 417: an Expect other than 100-continue. */
  | { readonly kind: 'expectation' }
  /** 404: a path the gateway does not serve. */
  | { readonly kind: 'not_found' }
  /** 421: a Host that is not the gateway's. */
  | { readonly kind: 'misdirected' }
  /** 403 without x-proxy-error: a browser page of another origin. */
  | { readonly kind: 'foreign_origin' }
  /** 503: too many connections. */
  | { readonly kind: 'capacity' }
  /** 502, or 504 where time ran out. */
  | { readonly kind: 'upstream'; readonly code: ErrorCode; readonly destination: Destination };

interface Words {
  /** `x-proxy-error`; undefined makes it a 503. */
  readonly header: string | undefined;
  /** Codex's sentence for the reason. */
  readonly lead: string;
  /** What stands behind host and port in the reason phrase. */
  readonly phrase: string;
  /** What to do next, for the body. */
  readonly next: string;
}

const otherwise = 'Request blocked by network policy.';

const wordsOf: Readonly<Record<DenyReason, Words>> = {
  not_allowed: {
    header: 'blocked-by-allowlist',
    lead: 'Domain not in allowlist.',
    phrase: 'is not allowed',
    next: 'Ask the person in charge to add it to allowed_domains if it is needed.',
  },
  not_allowed_local: {
    header: 'blocked-by-allowlist',
    lead: 'Sandbox policy blocks local/private network addresses.',
    phrase: 'is, or resolves to, a local or private address',
    next: 'Only an allow rule that names the address itself opens it; an approval does not.',
  },
  denied: {
    header: 'blocked-by-denylist',
    lead: 'Domain denied by the sandbox policy.',
    phrase: 'is denied by a rule',
    next: 'A deny rule stands above every approval, so do not try again.',
  },
  method_not_allowed: {
    header: 'blocked-by-method-policy',
    lead: 'Method not allowed in limited mode.',
    phrase: 'may only be read: limited mode lets GET, HEAD and OPTIONS through',
    next: 'Use GET, HEAD or OPTIONS over HTTP; an approval does not change the mode.',
  },
  mitm_required: {
    header: 'blocked-by-mitm-required',
    lead: 'MITM required for limited HTTPS.',
    phrase: 'cannot be tunnelled in limited mode',
    next: 'Limited mode passes no traffic it cannot read; an approval does not change the mode.',
  },
  proxy_disabled: {
    header: undefined,
    lead: 'Proxy is disabled.',
    phrase: 'the gate is switched off (network.enabled = false)',
    next: 'Ask the person in charge to switch the network on.',
  },
  panic: {
    header: 'blocked-by-policy',
    lead: otherwise,
    phrase: 'is stopped with all other traffic: an approver has closed the gate',
    next: 'Wait until a person opens the gate again; nothing passes until then.',
  },
  proxy_loop: {
    header: 'blocked-by-policy',
    lead: otherwise,
    phrase: "is one of sallyport's own listeners",
    next: 'The gate cannot be reached through itself.',
  },
  approval_timeout: {
    header: 'blocked-by-policy',
    lead: otherwise,
    phrase: 'is not allowed yet',
    next: 'Nobody answered in time; ask the person in charge, then try again.',
  },
  approval_limit: {
    header: 'blocked-by-policy',
    lead: otherwise,
    phrase: 'cannot be asked for now: too many questions are open',
    next: 'Wait until the open questions (sallyport pending) are answered, then try again.',
  },
  client_gone: {
    header: 'blocked-by-policy',
    lead: otherwise,
    phrase: 'was given up by the client before an answer came',
    next: 'Try again once a person has answered.',
  },
  stopping: {
    header: 'blocked-by-policy',
    lead: otherwise,
    phrase: 'was not decided: sallyport is stopping',
    next: 'Try again when sallyport runs again.',
  },
  sni_mismatch: {
    header: 'blocked-by-policy',
    lead: otherwise,
    phrase: 'was not the server name the TLS handshake asked for',
    next: 'Open the tunnel to the host that the handshake names.',
  },
  policy_changed: {
    header: 'blocked-by-policy',
    lead: otherwise,
    phrase: 'is no longer allowed: the policy has changed',
    next: 'Ask the person in charge what the new policy allows.',
  },
  audit_unavailable: {
    header: undefined,
    lead: 'Audit journal unavailable.',
    phrase: 'the audit journal cannot be written, so nothing is let through',
    next: 'Tell the person in charge; sallyport status names the problem.',
  },
  internal_error: {
    header: 'blocked-by-policy',
    lead: otherwise,
    phrase: 'could not be decided because of a fault in sallyport',
    next: "Tell the person in charge; the fault is in sallyport's log.",
  },
};

const noWayRound = 'Do not look for a way round this gate.';
// Room for the longest words around it in a phrase of 200 characters.
const shownHostLimit = 80;
const phraseLimit = 200;

/** Answer to a refused CONNECT: text, with Codex's status, header and opening words. */
export function refusalForConnect(refusal: Refusal): HttpAnswer {
  return textRefusal(refusal);
}

/** Answer to a refused plain HTTP or gateway request: Codex's JSON, text where it is a 503. */
export function refusalForHttp(refusal: Refusal): HttpAnswer {
  const { request, verdict } = refusal;
  const words = wordsOf[verdict.reason];
  if (words.header === undefined) return textRefusal(refusal);
  // The order of the members is Codex's; readers compare the text.
  const body = JSON.stringify({
    status: 'blocked',
    host: request.destination.host,
    reason: verdict.reason,
    decision: 'deny',
    source: verdict.source,
    protocol: request.destination.protocol,
    port: request.destination.port,
    message: messageFor(refusal, words),
  });
  return answer(403, phraseFor(refusal, words), 'application/json', body, words.header);
}

/** Answer where nothing was denied: the request, the destination or our capacity is the trouble. */
export function trouble(cause: Trouble): HttpAnswer {
  switch (cause.kind) {
    case 'malformed':
      return plain(400, `Bad Request: ${cause.problem}`);
    case 'upstream':
      return upstreamTrouble(cause.code, cause.destination);
    case 'head_timeout':
    case 'head_too_large':
    case 'expectation':
    case 'not_found':
    case 'misdirected':
    case 'foreign_origin':
    case 'capacity':
      return fixedTrouble[cause.kind];
    default:
      return cause satisfies never;
  }
}

/** SOCKS5 reply field (RFC 1928 §6) for a refusal or for whatever `dial` rejected with. */
export function socksReply(cause: Refusal | SallyportError): number {
  if (!(cause instanceof SallyportError)) return 0x02; // connection not allowed by ruleset
  if (cause.code === 'ERR_UPSTREAM_UNREACHABLE' && isNetworkGone(cause.cause)) return 0x03;
  return failureReplies[cause.code] ?? 0x01;
}

const failureReplies: Partial<Readonly<Record<ErrorCode, number>>> = {
  ERR_UPSTREAM_REFUSED: 0x05,
  ERR_UPSTREAM_UNREACHABLE: 0x04,
  // 0x06 would say that a hop count ran out, which is not what happened.
  ERR_UPSTREAM_TIMEOUT: 0x04,
  ERR_DNS_FAILED: 0x04,
  ERR_DNS_TIMEOUT: 0x04,
};

/** The bytes of an answer for a raw socket that is closed behind it; `date` is an HTTP-date. */
export function renderAnswer(answered: HttpAnswer, date: string): Buffer {
  let head = `HTTP/1.1 ${String(answered.status)} ${answered.reason}\r\n`;
  for (const [name, value] of answered.fields) head += `${name}: ${value}\r\n`;
  return Buffer.from(`${head}date: ${date}\r\nconnection: close\r\n\r\n${answered.body}`);
}

function textRefusal(refusal: Refusal): HttpAnswer {
  const words = wordsOf[refusal.verdict.reason];
  const status = words.header === undefined ? 503 : 403;
  const body = messageFor(refusal, words);
  return answer(status, phraseFor(refusal, words), 'text/plain', body, words.header);
}

/** Reason phrase: npm, pip and wget show nothing else, so it says what to type. */
function phraseFor(refusal: Refusal, words: Words): string {
  if (words.header === undefined) return clip(`Service Unavailable by sallyport: ${words.phrase}`);
  const shown = showHostPort(refusal.request.destination, shownHostLimit);
  return clip(`Forbidden by sallyport: ${shown} ${phraseEnd(refusal, words)}`);
}

function phraseEnd(refusal: Refusal, words: Words): string {
  const id = openQuestion(refusal);
  if (id !== undefined) return `is not allowed; ask for it with: sallyport allow ${id}`;
  if (!isAnswered(refusal)) return words.phrase;
  return `was refused by ${isReviewed(refusal) ? 'the automatic reviewer' : 'a person'}`;
}

/** Body text: Codex's words first, then which host and reason, what to do, and what not to do. */
function messageFor(refusal: Refusal, words: Words): string {
  const { request, verdict } = refusal;
  const shown = showHostPort(request.destination, 253);
  const what = `sallyport refused ${shown} (${verdict.reason}).`;
  return `${words.lead} ${what} ${nextStep(refusal, words)} ${noWayRound}`;
}

function nextStep(refusal: Refusal, words: Words): string {
  const id = openQuestion(refusal);
  const said = refusal.hold?.say;
  const say = said === undefined ? '' : `${said}${/[.!?…]$/.test(said) ? '' : '.'} `;
  if (id !== undefined) {
    return `${say}Question ${id} is open: ask the person in charge to run "sallyport allow ${id}", then try again.`;
  }
  if (isAnswered(refusal)) {
    const who = isReviewed(refusal) ? 'The automatic reviewer' : 'A person was asked and';
    return `${who} said no. ${say}`.trimEnd();
  }
  return `${say}${words.next}`;
}

/** The id of a question that can still be answered; one that got its deny cannot. */
function openQuestion({ verdict, hold }: Refusal): string | undefined {
  const open = verdict.reason === 'approval_timeout' || verdict.reason === 'client_gone';
  return open ? hold?.group : undefined;
}

function isAnswered({ verdict }: Refusal): boolean {
  return verdict.reason === 'not_allowed' && verdict.source === 'decider';
}

function isReviewed({ hold }: Refusal): boolean {
  return hold?.approver?.surface === 'reviewer';
}

const upstreamWords: Partial<Readonly<Record<ErrorCode, string>>> = {
  ERR_UPSTREAM_REFUSED: 'refused the connection',
  ERR_UPSTREAM_UNREACHABLE: 'cannot be reached: no route to it',
  ERR_UPSTREAM_TIMEOUT: 'did not answer in time',
  ERR_UPSTREAM_TLS: 'failed the TLS handshake',
  ERR_UPSTREAM_RESET: 'closed the connection too early',
  ERR_UPSTREAM_INVALID: 'answered with something that is not valid HTTP',
  ERR_DNS_FAILED: 'has a name that does not resolve',
  ERR_DNS_TIMEOUT: 'has a name whose look-up did not finish in time',
  ERR_PARENT_FAILED: 'cannot be reached: the upstream proxy refused or failed',
};

function upstreamTrouble(code: ErrorCode, destination: Destination): HttpAnswer {
  const late = code === 'ERR_UPSTREAM_TIMEOUT' || code === 'ERR_DNS_TIMEOUT';
  const words = upstreamWords[code] ?? 'could not be reached';
  const shown = showHostPort(destination, shownHostLimit);
  const reason = clip(`${late ? 'Gateway Timeout' : 'Bad Gateway'}: ${shown} ${words}`);
  const body = `upstream failure: ${showHostPort(destination, 253)} ${words}`;
  return answer(late ? 504 : 502, reason, 'text/plain', body, undefined);
}

const fixedTrouble = {
  head_timeout: plain(408, 'Request Timeout: the head of the request did not arrive in time'),
  head_too_large: plain(431, 'Request Header Fields Too Large: at most 64 KiB are read'),
  expectation: plain(417, 'Expectation Failed: only 100-continue is understood'),
  not_found: plain(404, 'Not Found: this gateway serves /v1/ only'),
  misdirected: plain(421, 'Misdirected Request: Host must be the address of this gateway'),
  foreign_origin: plain(403, 'Forbidden: pages of other origins may not use this gateway'),
  capacity: plain(503, 'Service Unavailable: sallyport has too many connections open'),
} as const;

/** An answer whose body repeats its reason phrase. */
function plain(status: number, reason: string): HttpAnswer {
  const phrase = clip(reason);
  return answer(status, phrase, 'text/plain', phrase, undefined);
}

function answer(
  status: number,
  reason: string,
  type: string,
  body: string,
  header: string | undefined,
): HttpAnswer {
  const length: readonly [string, string] = ['content-length', String(Buffer.byteLength(body))];
  const fields: readonly (readonly [string, string])[] =
    header === undefined
      ? [['content-type', type], length]
      : [['content-type', type], ['x-proxy-error', header], length];
  return { status, reason, fields, body };
}

/** `host:port`; a long name is cut in the middle so that both of its ends can be read. */
function showHostPort({ host, kind, port }: Destination, limit: number): string {
  if (host.length <= limit) return formatHostPort(host, kind, port);
  const half = Math.floor((limit - 3) / 2);
  return formatHostPort(`${host.slice(0, half)}...${host.slice(-half)}`, kind, port);
}

/** Makes any text a reason-phrase: one line of visible ASCII and blanks, at most 200 characters. */
function clip(text: string): string {
  const safe = text.replace(/[^\x20-\x7e]/g, '?');
  return safe.length <= phraseLimit ? safe : `${safe.slice(0, phraseLimit - 3)}...`;
}

/** True when every attempt failed for want of a network, not of the host alone. */
function isNetworkGone(cause: unknown): boolean {
  if (cause instanceof AggregateError) return cause.errors.every(isNetworkGone);
  return cause instanceof Error && 'code' in cause && cause.code === 'ENETUNREACH';
}
