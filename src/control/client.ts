// The typed client of the control API: one function per route, and the live stream. Used by the commands, the tray
// and tests; knows nothing of how answers are printed.
import { callDaemon, watchDaemon } from './call.ts';
import type { ControlTarget } from './call.ts';
import type * as messages from './messages.ts';
import type { AnswerRequest, LiveEvent } from './messages.ts';

/** The daemon's "no". */
export { ControlError } from './call.ts';
/** Where a daemon can be. */
export type { ControlTarget } from './call.ts';

/** Options of the client. */
export interface ControlClientOptions {
  /** What the audit trail calls this surface; default `api`. */
  readonly surface?: 'cli' | 'watch' | 'tray' | 'page' | 'api';
  /** Longest wait for a whole answer; default 15 000 ms. */
  readonly timeoutMs?: number;
}

/**
 * The control API as functions. Each rejects with SallyportError ERR_CONTROL_UNREACHABLE (no daemon),
 * ERR_STATE_CORRUPT (its address file is not readable as such) or ControlError (it said no).
 */
export interface ControlClient {
  readonly health: () => Promise<messages.HealthResponse>;
  readonly status: () => Promise<messages.StatusResponse>;
  readonly pending: () => Promise<messages.PendingResponse>;
  readonly show: (id: string) => Promise<messages.GroupView>;
  readonly answer: (id: string, answer: AnswerRequest) => Promise<messages.AnswerResponse>;
  readonly preview: (id: string, answer: AnswerRequest) => Promise<messages.PreviewResponse>;
  readonly hold: (id: string, duration: string) => Promise<messages.HoldResponse>;
  /**
   * The live stream: a snapshot, then changes, until the signal is aborted, which ends it without an error. It
   * rejects as the others do when the daemon goes or cuts it off; call it again to begin anew.
   */
  readonly watch: (signal: AbortSignal) => AsyncIterable<LiveEvent>;
  readonly grants: () => Promise<messages.GrantsResponse>;
  readonly revoke: (id: string) => Promise<messages.RevokeResponse>;
  /** The answer to this question; without one the last answer that stands. */
  readonly undo: (id?: string) => Promise<messages.UndoResponse>;
  readonly history: (query?: messages.HistoryQuery) => Promise<messages.HistoryResponse>;
  readonly pause: (duration: string) => Promise<messages.GateResponse>;
  readonly resume: () => Promise<messages.GateResponse>;
  readonly panic: (on: boolean) => Promise<messages.GateResponse>;
  readonly lift: (id: string) => Promise<messages.GateResponse>;
  readonly change: (
    id: string,
    verb: 'accept' | 'reject' | 'undo',
  ) => Promise<messages.ChangeResponse>;
  readonly rules: () => Promise<messages.RulesResponse>;
  readonly checkRules: (draft: messages.RulesDraft) => Promise<messages.RulesCheckResponse>;
  readonly saveRules: (draft: messages.RulesDraft) => Promise<messages.RulesSaveResponse>;
  readonly undoRules: (id: string) => Promise<messages.RulesSaveResponse>;
  readonly rulesHistory: () => Promise<messages.RulesHistoryResponse>;
  readonly tokens: () => Promise<messages.TokensResponse>;
  readonly createToken: (request: messages.TokenRequest) => Promise<messages.TokenCreatedResponse>;
  readonly revokeToken: (id: string) => Promise<messages.TokenRevokedResponse>;
  readonly rotateToken: () => Promise<messages.TokenRotatedResponse>;
  readonly pageCode: () => Promise<messages.PageCodeResponse>;
  readonly pageSession: (code: string) => Promise<messages.PageSessionResponse>;
  readonly reportTray: (problem: string | null) => Promise<messages.TrayResponse>;
  readonly reload: () => Promise<messages.ReloadResponse>;
}

/** Makes a client; nothing is read or opened before the first call, and every call looks afresh. */
export function createControlClient(
  target: ControlTarget,
  options: ControlClientOptions = {},
): ControlClient {
  const how = { surface: options.surface ?? 'api', timeoutMs: options.timeoutMs ?? 15_000 };
  // The daemon is ours and of the same version, so its shapes are trusted as messages.ts has them.
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> =>
    (await callDaemon(target, { method, path, body }, how)) as T;
  const get = <T>(path: string): Promise<T> => call<T>('GET', path);
  const post = <T>(path: string, body: unknown = {}): Promise<T> => call<T>('POST', path, body);
  const remove = <T>(path: string): Promise<T> => call<T>('DELETE', path);
  const named = (id: string) => encodeURIComponent(id);
  return {
    health: () => get('/v1/health'),
    status: () => get('/v1/status'),
    pending: () => get('/v1/pending'),
    show: (id) => get(`/v1/pending/${named(id)}`),
    answer: (id, answer) => post(`/v1/pending/${named(id)}/answer`, answer),
    preview: (id, answer) => post(`/v1/pending/${named(id)}/preview`, answer),
    hold: (id, duration) => post(`/v1/pending/${named(id)}/hold`, { for: duration }),
    watch: (signal) => watchDaemon(target, how, signal),
    grants: () => get('/v1/grants'),
    revoke: (id) => remove(`/v1/grants/${named(id)}`),
    undo: (id) => post('/v1/undo', id === undefined ? {} : { id }),
    history: (query = {}) => get(`/v1/history${queryText(query)}`),
    pause: (duration) => post('/v1/pause', { for: duration }),
    resume: () => post('/v1/resume'),
    panic: (on) => post('/v1/panic', { on }),
    lift: (id) => post(`/v1/floods/${named(id)}/lift`),
    change: (id, verb) => post(`/v1/changes/${named(id)}/${verb}`),
    rules: () => get('/v1/rules'),
    checkRules: (draft) => post('/v1/rules/check', draft),
    saveRules: (draft) => post('/v1/rules/save', draft),
    undoRules: (id) => post('/v1/rules/undo', { id }),
    rulesHistory: () => get('/v1/rules/history'),
    tokens: () => get('/v1/tokens'),
    createToken: (request) => post('/v1/tokens', request),
    revokeToken: (id) => remove(`/v1/tokens/${named(id)}`),
    rotateToken: () => post('/v1/tokens/local/rotate'),
    pageCode: () => post('/v1/page-codes'),
    pageSession: (code) => post('/v1/page-sessions', { code }),
    reportTray: (problem) => post('/v1/tray', { problem }),
    reload: () => post('/v1/reload'),
  };
}

function queryText(query: messages.HistoryQuery): string {
  const pairs = Object.entries(query).map(
    ([name, value]) => `${name}=${encodeURIComponent(String(value))}`,
  );
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}
