// The control API as a table: method, path, permission, handler. Decodes what callers send and turns
// what the approval part says into statuses; guards and framing are server.ts.
import type { Answer, Caller, JudgedAnswer } from '../approval/answers.ts';
import type { ApproverRef } from '../policy/decision.ts';
import type { Parsed } from '../policy/destination.ts';
import type {
  AnswerRequest,
  AnswerResponse,
  GrantsResponse,
  GrantView,
  GroupView,
  HealthResponse,
  PendingResponse,
  ReloadResponse,
  RevokeResponse,
  StatusResponse,
} from './messages.ts';
import { refuse } from './server.ts';
import type { ControlReply, ControlRequest, Route } from './server.ts';

/** What the routes speak for. */
export interface RouteParts {
  readonly status: () => StatusResponse;
  readonly pending: () => readonly GroupView[];
  readonly answer: Answer;
  readonly grants: () => readonly GrantView[];
  /** Who is at the other end of this connection. */
  readonly approverOf: (caller: Caller, surface: string) => Promise<ApproverRef>;
  /** Takes a grant back, with the tunnels it opened; undefined for an id that is not there; may throw. */
  readonly revoke: (id: string, approver: ApproverRef) => GrantView | undefined;
  readonly reload: () => Promise<ReloadResponse>;
}

/** The table. */
export function createRoutes(parts: RouteParts): readonly Route[] {
  const done = (body: unknown): Promise<ControlReply> => Promise.resolve({ body });
  return [
    {
      method: 'GET',
      path: '/v1/health',
      permission: 'anyone',
      handle: () => done({ ok: true } satisfies HealthResponse),
    },
    {
      method: 'GET',
      path: '/v1/status',
      permission: 'view',
      handle: () => done(parts.status()),
    },
    {
      method: 'GET',
      path: '/v1/pending',
      permission: 'view',
      handle: () => done({ groups: parts.pending() } satisfies PendingResponse),
    },
    {
      method: 'POST',
      path: '/v1/pending/{id}/answer',
      permission: 'answer',
      handle: async (request) => await answerQuestion(parts, request),
    },
    {
      method: 'GET',
      path: '/v1/grants',
      permission: 'view',
      handle: () => done({ grants: parts.grants() } satisfies GrantsResponse),
    },
    {
      method: 'DELETE',
      path: '/v1/grants/{id}',
      permission: 'answer',
      handle: async (request) => await revokeGrant(parts, request),
    },
    {
      method: 'POST',
      path: '/v1/reload',
      permission: 'admin',
      handle: async () => ({ body: (await parts.reload()) satisfies ReloadResponse }),
    },
  ];
}

async function answerQuestion(
  parts: RouteParts,
  { id, body, caller, surface }: ControlRequest,
): Promise<ControlReply> {
  const answer = decodeAnswer(body);
  if (!answer.ok) return refuse(400, 'bad_request', answer.problem);
  return replyOf(id, await parts.answer(id, answer.value, { ...caller, surface }));
}

function replyOf(id: string, judged: JudgedAnswer): ControlReply {
  switch (judged.status) {
    case 'answered':
      return { body: judged.response satisfies AnswerResponse };
    case 'unknown':
      return refuse(404, 'not_found', `no question "${id}" in this run; see "sallyport pending"`);
    case 'gone':
      return refuse(410, 'gone', `question ${id} has been answered or has expired`);
    case 'changed':
      return refuse(409, 'changed', `question ${id} has changed since you saw it; look again`);
    case 'bad':
      return refuse(400, 'bad_request', judged.problem);
    case 'full':
    case 'failed':
      return refuse(503, 'unavailable', judged.problem);
    case 'self':
      return refuse(403, 'self_approval', judged.problem);
    case 'unplaced':
      return refuse(403, 'forbidden', judged.problem);
    default:
      return judged satisfies never;
  }
}

async function revokeGrant(
  parts: RouteParts,
  { id, caller, surface }: ControlRequest,
): Promise<ControlReply> {
  const approver = await parts.approverOf(caller, surface);
  const revoked = parts.revoke(id, approver);
  if (revoked === undefined) {
    return refuse(404, 'not_found', `no grant "${id}"; see "sallyport grants"`);
  }
  return { body: { revoked } satisfies RevokeResponse };
}

/** Reads the body of an answer; unknown keys are mistakes, since one misspelt could widen an answer. */
export function decodeAnswer(body: unknown): Parsed<AnswerRequest> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return { ok: false, problem: 'the body must be an object such as {"outcome":"allow"}' };
  }
  const fields = body as Readonly<Record<string, unknown>>; // an object that is no array
  const checks: Readonly<Record<string, (value: unknown) => boolean>> = {
    outcome: (value) => value === 'allow' || value === 'deny',
    for: isShortText,
    host: isShortText,
    port: (value) => value === 'this' || value === 'any',
    revision: (value) => Number.isSafeInteger(value),
  };
  for (const [key, value] of Object.entries(fields)) {
    const check = Object.hasOwn(checks, key) ? checks[key] : undefined;
    if (check === undefined) {
      return { ok: false, problem: `unknown key; expected ${Object.keys(checks).join(', ')}` };
    }
    if (!check(value)) return { ok: false, problem: `${key}: not a value it can have` };
  }
  if (!('outcome' in fields)) return { ok: false, problem: 'outcome: write "allow" or "deny"' };
  return { ok: true, value: fields as unknown as AnswerRequest }; // every key was checked above
}

function isShortText(value: unknown): boolean {
  return typeof value === 'string' && value.length <= 255;
}
