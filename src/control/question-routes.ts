// The routes of what waits for an answer.
import type { Answer, JudgedAnswer } from '../approval/answers.ts';
import type { ApproverRef } from '../policy/decision.ts';
import { act, done, gone, guardCodes, read, readRow, unknown } from './action.ts';
import type { ActionParts } from './action.ts';
import { decodeAnswer, decodeFor } from './decode.ts';
import type { Feed } from './feed.ts';
import type * as messages from './messages.ts';
import type { AnswerRequest, GroupView, PreviewResponse, StatusResponse } from './messages.ts';
import { redactGroup, sourceFor } from './redact.ts';
import type { LiveSource } from './redact.ts';
import { refuse } from './route.ts';
import type { ControlReply, ControlRequest, Route } from './route.ts';

/** What these routes speak for. */
export interface QuestionParts extends ActionParts {
  readonly live: LiveSource;
  readonly feed: Feed;
  readonly status: () => StatusResponse;
  readonly find: (id: string) => GroupView | 'unknown' | 'gone';
  readonly preview: (id: string, request: AnswerRequest) => PreviewResponse | 'unknown' | 'gone';
  readonly answer: Answer;
  /** Lets those who wait there wait this long from now; gives the end in Unix ms. */
  readonly extend: (
    id: string,
    ms: number,
    approver: ApproverRef,
  ) => number | 'unknown' | 'gone' | 'nobody';
}

/** Health, status, questions, their answers, and the live stream. */
export function questionRoutes(parts: QuestionParts): readonly Route[] {
  const { live } = parts;
  return [
    read('/v1/health', 'anyone', () => ({ ok: true }) satisfies messages.HealthResponse),
    read('/v1/status', 'view', () => parts.status()),
    read(
      '/v1/pending',
      'view',
      ({ holder }) =>
        ({ groups: sourceFor(live, holder.role).groups() }) satisfies messages.PendingResponse,
    ),
    {
      ...readRow('/v1/pending/{id}', 'view'),
      handle: ({ id, holder }) => {
        const group = parts.find(id);
        if (typeof group === 'string') return Promise.resolve(noQuestion(id, group));
        return done(holder.role === 'viewer' ? redactGroup(group) : group);
      },
    },
    {
      method: 'POST',
      path: '/v1/pending/{id}/answer',
      permission: 'answer',
      reach: 'own',
      handle: async (request) => await answerQuestion(parts, request),
    },
    {
      // Its sentence names the asking program's folder, which viewers are not shown.
      method: 'POST',
      path: '/v1/pending/{id}/preview',
      permission: 'answer',
      reach: 'unchanged',
      handle: ({ id, body }) => {
        const answer = decodeAnswer(body);
        if (!answer.ok) return Promise.resolve(refuse(400, 'bad_request', answer.problem));
        const preview = parts.preview(id, answer.value);
        return typeof preview === 'string'
          ? Promise.resolve(noQuestion(id, preview))
          : done(preview);
      },
    },
    act(parts, {
      route: 'POST /v1/pending/{id}/hold',
      permission: 'answer',
      reach: 'narrow', // what asks may not buy itself more time
      action: 'hold',
      decode: (body) => decodeFor(body, 1, 60),
      run: (ms, by, id) => {
        const until = parts.extend(id, ms, by);
        if (until === 'nobody') return gone(`nobody waits for question ${id} any more`);
        if (typeof until === 'string') return noQuestion(id, until);
        const at = new Date(until).toISOString();
        return { body: { id, until: at } satisfies messages.HoldResponse };
      },
    }),
    {
      ...readRow('/v1/events', 'view'),
      handle: async (request) => await watch(parts, request),
    },
  ];
}

/** A program behind the gate has the user's token, too: it may not take all the places of those who answer. */
async function watch(
  { feed, judge }: QuestionParts,
  { holder, surface, caller }: ControlRequest,
): Promise<ControlReply> {
  if (feed.isCrowded(holder)) {
    const judged = await judge(caller, surface, { action: 'watch', reach: 'narrow' });
    if (!judged.ok) return refuse(403, guardCodes[judged.status], judged.problem);
  }
  return feed.hasRoom(holder)
    ? { stream: (out) => feed.watch(holder, surface, out) }
    : refuse(503, 'busy', 'as many watch already as may; close another watcher first');
}

async function answerQuestion(
  parts: QuestionParts,
  { id, body, caller, surface }: ControlRequest,
): Promise<ControlReply> {
  const answer = decodeAnswer(body);
  if (!answer.ok) return refuse(400, 'bad_request', answer.problem);
  return replyOf(id, await parts.answer(id, answer.value, { ...caller, surface }));
}

function replyOf(id: string, judged: JudgedAnswer): ControlReply {
  switch (judged.status) {
    case 'answered':
      return { body: judged.response satisfies messages.AnswerResponse };
    case 'unknown':
    case 'gone':
      return noQuestion(id, judged.status);
    case 'changed':
      return refuse(409, 'changed', `question ${id} has changed since you saw it; look again`);
    case 'bad':
      return refuse(400, 'bad_request', judged.problem);
    case 'full':
    case 'failed':
      return refuse(503, 'unavailable', judged.problem);
    case 'self':
    case 'unplaced':
      return refuse(403, guardCodes[judged.status], judged.problem);
    default:
      return judged satisfies never;
  }
}

function noQuestion(id: string, end: 'unknown' | 'gone'): ControlReply {
  if (end === 'gone') return gone(`question ${id} has been answered or has expired`);
  return unknown(`no question "${id}" in this run; see "sallyport pending"`);
}
