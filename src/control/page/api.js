// The control API as this page calls it: a function per route, refusals as errors with the daemon's own words.
/** @import * as Messages from '../messages.ts' */

const limitMs = 15_000;

/** The daemon's "no", or that it could not be asked: then `status` is 0 and `code` is `unreachable`. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} code
   * @param {string} message
   */
  constructor(status, code, message) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
  }
}

/**
 * The routes.
 * @typedef {ReturnType<typeof createApi>} Api
 */

/**
 * Makes the caller of one session. `onEnded` is told when the daemon no longer knows it.
 * @param {string} secret
 * @param {() => void} onEnded
 */
export function createApi(secret, onEnded) {
  const call = async (
    /** @type {'GET' | 'POST' | 'DELETE'} */ method,
    /** @type {string} */ path,
    /** @type {unknown} */ body,
  ) => {
    const response = await send(secret, method, path, body);
    if (response.status === 401) onEnded();
    return await readReply(response);
  };
  const id = encodeURIComponent;
  // The daemon serves this page itself, so its shapes are trusted as messages.ts has them.
  return {
    /** @returns {Promise<Messages.StatusResponse>} */
    status: () => call('GET', '/v1/status', undefined),
    /** @type {(group: string, answer: Messages.AnswerRequest) => Promise<Messages.AnswerResponse>} */
    answer: (group, answer) => call('POST', `/v1/pending/${id(group)}/answer`, answer),
    /** @type {(group: string, answer: Messages.AnswerRequest) => Promise<Messages.PreviewResponse>} */
    preview: (group, answer) => call('POST', `/v1/pending/${id(group)}/preview`, answer),
    /** @type {(group: string, time: string) => Promise<unknown>} */
    hold: (group, time) => call('POST', `/v1/pending/${id(group)}/hold`, { for: time }),
    /** @type {(group: string) => Promise<Messages.UndoResponse>} */
    undo: (group) => call('POST', '/v1/undo', { id: group }),
    /** @type {(grant: string) => Promise<Messages.RevokeResponse>} */
    revoke: (grant) => call('DELETE', `/v1/grants/${id(grant)}`, undefined),
    /** @type {(query: Readonly<Record<string, string>>) => Promise<Messages.HistoryResponse>} */
    history: (query) =>
      call('GET', `/v1/history?${new URLSearchParams(query).toString()}`, undefined),
    /** @type {(time: string) => Promise<Messages.GateResponse>} */
    pause: (time) => call('POST', '/v1/pause', { for: time }),
    /** @returns {Promise<Messages.GateResponse>} */
    resume: () => call('POST', '/v1/resume', {}),
    /** @type {(on: boolean) => Promise<Messages.GateResponse>} */
    panic: (on) => call('POST', '/v1/panic', { on }),
    /** @type {(flood: string) => Promise<Messages.GateResponse>} */
    lift: (flood) => call('POST', `/v1/floods/${id(flood)}/lift`, {}),
    /** @type {(change: string, verb: 'accept' | 'reject' | 'undo') => Promise<Messages.ChangeResponse>} */
    change: (change, verb) => call('POST', `/v1/changes/${id(change)}/${verb}`, {}),
    /** @returns {Promise<Messages.RulesResponse>} */
    rules: () => call('GET', '/v1/rules', undefined),
    /** @type {(draft: Messages.RulesDraft) => Promise<Messages.RulesCheckResponse>} */
    check: (draft) => call('POST', '/v1/rules/check', draft),
    /** @type {(draft: Messages.RulesDraft) => Promise<Messages.RulesSaveResponse>} */
    save: (draft) => call('POST', '/v1/rules/save', draft),
    /** @returns {Promise<Messages.RulesHistoryResponse>} */
    edits: () => call('GET', '/v1/rules/history', undefined),
    /** @type {(edit: string) => Promise<Messages.RulesSaveResponse>} */
    undoEdit: (edit) => call('POST', '/v1/rules/undo', { id: edit }),
  };
}

/**
 * The headers of every call.
 * @param {string} secret
 * @returns {Record<string, string>}
 */
export function sessionHeaders(secret) {
  return { authorization: `Bearer ${secret}`, 'x-sallyport-surface': 'page' };
}

/**
 * @param {string} secret
 * @param {string} method
 * @param {string} path
 * @param {unknown} body
 * @returns {Promise<Response>}
 */
async function send(secret, method, path, body) {
  const headers = sessionHeaders(secret);
  try {
    return await fetch(path, {
      method,
      signal: AbortSignal.timeout(limitMs),
      headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      ...(body === undefined ? undefined : { body: JSON.stringify(body) }),
    });
  } catch {
    throw new ApiError(0, 'unreachable', 'The daemon does not answer.');
  }
}

/**
 * @param {Response} response
 * @returns {Promise<any>}
 */
async function readReply(response) {
  const body = await response.json().catch(() => undefined);
  if (response.ok && body !== undefined) return body;
  const { code = 'internal', message = `unexpected answer, status ${response.status}` } =
    body?.error ?? {};
  throw new ApiError(response.status, String(code), String(message));
}

/**
 * An error in words for the person at the page.
 * @param {unknown} error
 * @returns {string}
 */
export function problemOf(error) {
  if (!(error instanceof ApiError)) return 'The page failed; reload it.';
  if (error.code === 'changed') return 'It has changed meanwhile: look again.';
  if (error.code === 'gone' || error.code === 'not_found')
    return `No longer there: ${error.message}`;
  return error.message;
}
