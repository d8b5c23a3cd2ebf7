// The control API as a table: method, path, permission, reach, handler. Turns what the parts say into statuses;
// bodies are read in decode.ts, guards and framing are server.ts.
import type { Answer, Caller, JudgedAnswer } from '../approval/answers.ts';
import type { ApproverRef } from '../policy/decision.ts';
import type { Parsed } from '../policy/destination.ts';
import * as decode from './decode.ts';
import type { Feed } from './feed.ts';
import type {
  AnswerRequest,
  ChangeResponse,
  GateResponse,
  GrantView,
  GroupView,
  HistoryQuery,
  HistoryResponse,
  PreviewResponse,
  ReloadResponse,
  Role,
  RulesCheckResponse,
  RulesDraft,
  RulesHistoryResponse,
  RulesResponse,
  RulesSaveResponse,
  StatusResponse,
  UndoResponse,
} from './messages.ts';
import type * as messages from './messages.ts';
import type { PageSessions } from './page-sessions.ts';
import { redactEntry, redactGroup, sourceFor } from './redact.ts';
import type { LiveSource } from './redact.ts';
import { refuse } from './route.ts';
import type { ControlReply, ControlRequest, Permission, Reach, Route } from './route.ts';
import type { Tokens } from './tokens.ts';

/** Why a part did not do what it was asked. */
export interface Problem {
  readonly status: 'forbidden' | 'changed' | 'bad' | 'failed' | 'unknown' | 'gone';
  readonly problem: string;
}

/** Something, now or soon. */
export type Soon<T> = T | Promise<T>;

/** What the guard of all changes says of a caller. */
export type Judged =
  | { readonly ok: true; readonly approver: ApproverRef }
  | { readonly ok: false; readonly status: 'self' | 'unplaced'; readonly problem: string };

/** A change that was made, for the audit trail. */
export interface Acted {
  readonly action: string;
  readonly approver: ApproverRef;
  /** The token it came with. */
  readonly token: string;
  /** The id in its path; null for actions without. */
  readonly about: string | null;
}

/** The rules page's other side. */
export interface Rules {
  /** Texts, and `editable`, for admins only. */
  readonly rules: (role: Role) => Soon<RulesResponse>;
  readonly check: (draft: RulesDraft) => Soon<RulesCheckResponse | Problem>;
  readonly save: (draft: RulesDraft, approver: ApproverRef) => Soon<RulesSaveResponse | Problem>;
  readonly history: () => Soon<RulesHistoryResponse>;
  readonly undo: (id: string, approver: ApproverRef) => Soon<RulesSaveResponse | Problem>;
}

/** What the routes speak for. What throws is a bug: the caller gets a 500 without details. */
export interface RouteParts {
  readonly live: LiveSource;
  readonly feed: Feed;
  readonly tokens: Tokens;
  readonly pages: PageSessions;
  /** The page's files, from static.ts. */
  readonly files: readonly Route[];
  readonly status: () => StatusResponse;
  /** Who is at the other end, and whether this caller may do a thing of that reach. */
  readonly judge: (
    caller: Caller,
    surface: string,
    wanted: { readonly action: string; readonly reach: Reach },
  ) => Promise<Judged>;
  /** Told of every change that was made, answers to questions excepted. */
  readonly onActed: (acted: Acted) => void;
  readonly find: (id: string) => GroupView | 'unknown' | 'gone';
  readonly preview: (id: string, request: AnswerRequest) => PreviewResponse | 'unknown' | 'gone';
  readonly answer: Answer;
  /** Lets those who wait there wait this long from now; gives the end in Unix ms. */
  readonly extend: (
    id: string,
    ms: number,
    approver: ApproverRef,
  ) => number | 'unknown' | 'gone' | 'nobody';
  /** Takes back the answer to this question, else the last one that stands. */
  readonly undo: (
    id: string | undefined,
    approver: ApproverRef,
  ) => Soon<UndoResponse | 'none' | 'gone'>;
  /** Takes a grant back, with the tunnels it opened; undefined for an id that is not there; may throw. */
  readonly revoke: (id: string, approver: ApproverRef) => GrantView | undefined;
  /** Decisions out of the journal, newest first; `answers` is added here. */
  readonly history: (query: HistoryQuery) => Soon<Omit<HistoryResponse, 'answers'>>;
  readonly pause: (ms: number, approver: ApproverRef) => Soon<GateResponse>;
  readonly resume: (approver: ApproverRef) => Soon<GateResponse>;
  readonly panic: (on: boolean, approver: ApproverRef) => Soon<GateResponse>;
  /** Lets a tree that was denied quietly ask again; undefined for an id that is not there. */
  readonly lift: (id: string, approver: ApproverRef) => Soon<GateResponse | undefined>;
  readonly change: (
    id: string,
    verb: 'accept' | 'reject' | 'undo',
    approver: ApproverRef,
  ) => Soon<ChangeResponse | Problem>;
  readonly rules: Rules;
  /** What a tray said of its desktop. */
  readonly reportTray: (report: messages.TrayReport) => void;
  readonly reload: (approver: ApproverRef) => Soon<ReloadResponse>;
}

const draftLimitBytes = 2 * 1024 * 1024;
const codeLimitBytes = 1024;

/** The table. */
export function createRoutes(parts: RouteParts): readonly Route[] {
  return [
    ...questionRoutes(parts),
    ...memoryRoutes(parts),
    ...gateRoutes(parts),
    ...ruleRoutes(parts),
    ...accessRoutes(parts),
    ...parts.files,
  ];
}

function questionRoutes(parts: RouteParts): readonly Route[] {
  const { live, feed } = parts;
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
        const answer = decode.decodeAnswer(body);
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
      reach: 'none',
      action: 'hold',
      decode: (body) => decode.decodeFor(body, 1, 60),
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
      handle: ({ holder, surface }) =>
        Promise.resolve(
          feed.hasRoom(holder)
            ? { stream: (out) => feed.watch(holder, surface, out) }
            : refuse(503, 'busy', 'as many watch already as may; close another watcher first'),
        ),
    },
  ];
}

function memoryRoutes(parts: RouteParts): readonly Route[] {
  const { live } = parts;
  return [
    read(
      '/v1/grants',
      'view',
      ({ holder }) =>
        ({ grants: sourceFor(live, holder.role).grants() }) satisfies messages.GrantsResponse,
    ),
    act(parts, {
      route: 'DELETE /v1/grants/{id}',
      permission: 'answer',
      reach: 'narrow',
      action: 'revoke',
      decode: ignored,
      run: (_, by, id) => {
        const revoked = parts.revoke(id, by);
        if (revoked === undefined) return unknown(`no grant "${id}"; see "sallyport grants"`);
        return { body: { revoked } satisfies messages.RevokeResponse };
      },
    }),
    act(parts, {
      route: 'POST /v1/undo',
      permission: 'answer',
      reach: 'narrow',
      action: 'undo',
      decode: decode.decodeUndo,
      about: ({ id }) => id ?? null,
      run: async ({ id }, by) => {
        const undone = await parts.undo(id, by);
        if (undone === 'none')
          return unknown('there is no answer to undo; see "sallyport history"');
        if (undone === 'gone') return gone('that answer has been undone already');
        return { body: undone satisfies UndoResponse };
      },
    }),
    {
      ...readRow('/v1/history', 'view'),
      query: decode.historyParameters,
      handle: async ({ query, holder }) => {
        const wanted = decode.decodeHistory(query);
        if (!wanted.ok) return refuse(400, 'bad_request', wanted.problem);
        const { entries, more } = await parts.history(wanted.value);
        const shown = holder.role === 'viewer' ? entries.map(redactEntry) : entries;
        const answers = live.answers();
        return { body: { entries: shown, more, answers } satisfies HistoryResponse };
      },
    },
  ];
}

function gateRoutes(parts: RouteParts): readonly Route[] {
  const verbs = ['accept', 'reject', 'undo'] as const;
  return [
    act(parts, {
      route: 'POST /v1/pause',
      permission: 'answer',
      reach: 'none',
      action: 'pause',
      decode: (body) => decode.decodeFor(body, 1, 720),
      run: async (ms, by) => ({ body: await parts.pause(ms, by) }),
    }),
    act(parts, {
      route: 'POST /v1/resume',
      permission: 'answer',
      reach: 'narrow',
      action: 'resume',
      decode: decode.decodeNothing,
      run: async (_, by) => ({ body: await parts.resume(by) }),
    }),
    act(parts, {
      route: 'POST /v1/panic',
      permission: 'answer',
      reach: 'wide',
      // To close everything is free to all who may answer; to open it again is the widest thing there is.
      reachOf: ({ on }) => (on ? 'none' : 'wide'),
      action: 'panic',
      decode: decode.decodePanic,
      run: async ({ on }, by) => ({ body: await parts.panic(on, by) }),
    }),
    act(parts, {
      route: 'POST /v1/floods/{id}/lift',
      permission: 'answer',
      reach: 'narrow',
      action: 'lift',
      decode: decode.decodeNothing,
      run: async (_, by, id) => {
        const lifted = await parts.lift(id, by);
        return lifted === undefined ? unknown(`no flood "${id}"`) : { body: lifted };
      },
    }),
    ...verbs.map((verb) =>
      act(parts, {
        route: `POST /v1/changes/{id}/${verb}`,
        permission: 'answer',
        reach: verb === 'accept' ? 'wide' : 'none',
        action: `change_${verb}`,
        decode: decode.decodeNothing,
        run: async (_, by, id) => replyTo(await parts.change(id, verb, by)),
      }),
    ),
    act(parts, {
      route: 'POST /v1/tray',
      permission: 'answer',
      reach: 'none',
      action: 'tray',
      decode: decode.decodeTray,
      run: (report) => {
        parts.reportTray(report);
        return { body: { ok: true } satisfies messages.TrayResponse };
      },
    }),
    act(parts, {
      route: 'POST /v1/reload',
      permission: 'admin',
      reach: 'none',
      action: 'reload',
      decode: decode.decodeNothing,
      run: async (_, by) => ({ body: await parts.reload(by) }),
    }),
  ];
}

function ruleRoutes({ rules, ...parts }: RouteParts): readonly Route[] {
  return [
    {
      ...readRow('/v1/rules', 'view'),
      handle: async ({ holder }) => ({ body: await rules.rules(holder.role) }),
    },
    {
      ...readRow('/v1/rules/history', 'admin'),
      handle: async () => ({ body: await rules.history() }),
    },
    {
      method: 'POST',
      path: '/v1/rules/check',
      permission: 'admin',
      reach: 'unchanged',
      bodyLimitBytes: draftLimitBytes,
      handle: async ({ body }) => {
        const draft = decode.decodeDraft(body);
        if (!draft.ok) return refuse(400, 'bad_request', draft.problem);
        return replyTo(await rules.check(draft.value));
      },
    },
    act(parts, {
      route: 'POST /v1/rules/save',
      permission: 'admin',
      reach: 'wide',
      action: 'rules_save',
      bodyLimitBytes: draftLimitBytes,
      decode: decode.decodeDraft,
      run: async (draft, by) => replyTo(await rules.save(draft, by)),
    }),
    act(parts, {
      route: 'POST /v1/rules/undo',
      permission: 'admin',
      reach: 'wide',
      action: 'rules_undo',
      decode: decode.decodeEditId,
      about: (id) => id,
      run: async (id, by) => replyTo(await rules.undo(id, by)),
    }),
  ];
}

function accessRoutes(parts: RouteParts): readonly Route[] {
  const { tokens, pages, feed } = parts;
  return [
    read(
      '/v1/tokens',
      'admin',
      () => ({ tokens: tokens.list() }) satisfies messages.TokensResponse,
    ),
    act(parts, {
      route: 'POST /v1/tokens',
      permission: 'admin',
      reach: 'wide',
      action: 'token_create',
      decode: decode.decodeToken,
      about: ({ name }) => name,
      run: (request) => {
        const created = tokens.create(request);
        if (!created.ok) return refuse(400, 'bad_request', created.problem);
        return { body: created.value satisfies messages.TokenCreatedResponse };
      },
    }),
    act(parts, {
      route: 'DELETE /v1/tokens/{id}',
      permission: 'admin',
      reach: 'wide',
      action: 'token_revoke',
      decode: ignored,
      run: (_, _by, id) => {
        if (id === 'local') {
          const message = 'the token of the state folder cannot be revoked; rotate it';
          return refuse(400, 'bad_request', message);
        }
        const revoked = tokens.revoke(id);
        feed.recheck(); // what it watches ends with it
        if (revoked === undefined) return unknown(`no token "${id}"; see "sallyport token list"`);
        return { body: { revoked } satisfies messages.TokenRevokedResponse };
      },
    }),
    act(parts, {
      route: 'POST /v1/tokens/local/rotate',
      permission: 'admin',
      reach: 'wide',
      action: 'token_rotate',
      decode: decode.decodeNothing,
      run: () => ({ body: tokens.rotateLocal() satisfies messages.TokenRotatedResponse }),
    }),
    act(parts, {
      route: 'POST /v1/page-codes',
      permission: 'answer',
      reach: 'narrow',
      action: 'page_code',
      decode: decode.decodeNothing,
      run: (_, _by, _id, { holder }) => ({ body: pages.createCode(holder) }),
    }),
    {
      method: 'POST',
      path: '/v1/page-sessions',
      permission: 'anyone',
      reach: 'own',
      bodyLimitBytes: codeLimitBytes,
      handle: ({ body }) => Promise.resolve(openPage(pages, body)),
    },
  ];
}

function openPage(pages: PageSessions, body: unknown): ControlReply {
  const request = decode.decodePageSession(body);
  if (!request.ok) return refuse(400, 'bad_request', request.problem);
  const session = pages.open(request.value.code);
  if (session === 'busy') return refuse(429, 'busy', 'too many wrong codes; wait a minute');
  if (session === 'wrong') {
    const message = 'this code was used, or is older than a minute; run "sallyport open" again';
    return refuse(401, 'unauthorized', message);
  }
  return { body: session };
}

function readRow(path: string, permission: Permission) {
  return { method: 'GET', path, permission, reach: 'unchanged' } as const;
}

function read(
  path: string,
  permission: Permission,
  get: (request: ControlRequest) => object,
): Route {
  return { ...readRow(path, permission), handle: (request) => done(get(request)) };
}

/** A route that changes something: its body is read, its caller judged, and only then it is done and told. */
interface Action<T> {
  readonly route: string;
  readonly permission: Permission;
  readonly reach: Reach;
  /** Where the reach depends on the body. */
  readonly reachOf?: (wanted: T) => Reach;
  readonly action: string;
  readonly bodyLimitBytes?: number;
  readonly decode: (body: unknown) => Parsed<T>;
  /** What it is about, where the path does not say. */
  readonly about?: (wanted: T) => string | null;
  readonly run: (
    wanted: T,
    approver: ApproverRef,
    id: string,
    request: ControlRequest,
  ) => Soon<ControlReply>;
}

function act<T>(parts: Pick<RouteParts, 'judge' | 'onActed'>, action: Action<T>): Route {
  const [method, path = ''] = action.route.split(' ');
  return {
    method: method === 'DELETE' ? 'DELETE' : 'POST',
    path,
    permission: action.permission,
    reach: action.reach,
    ...(action.bodyLimitBytes === undefined ? {} : { bodyLimitBytes: action.bodyLimitBytes }),
    handle: async (request) => await runAction(parts, action, request),
  };
}

async function runAction<T>(
  { judge, onActed }: Pick<RouteParts, 'judge' | 'onActed'>,
  action: Action<T>,
  request: ControlRequest,
): Promise<ControlReply> {
  const { id, body, caller, surface, holder } = request;
  const wanted = action.decode(body);
  if (!wanted.ok) return refuse(400, 'bad_request', wanted.problem);
  const reach = action.reachOf?.(wanted.value) ?? action.reach;
  const judged = await judge(caller, surface, { action: action.action, reach });
  if (!judged.ok) return refuse(403, guardCodes[judged.status], judged.problem);
  const { approver } = judged;
  const reply = await action.run(wanted.value, approver, id, request);
  if ('refused' in reply) return reply;
  const about = action.about?.(wanted.value) ?? (id === '' ? null : id);
  onActed({ action: action.action, approver, token: holder.token, about });
  return reply;
}

const guardCodes = { self: 'self_approval', unplaced: 'forbidden' } as const;

async function answerQuestion(
  parts: RouteParts,
  { id, body, caller, surface }: ControlRequest,
): Promise<ControlReply> {
  const answer = decode.decodeAnswer(body);
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

const problemStatuses = {
  bad: [400, 'bad_request'],
  forbidden: [403, 'forbidden'],
  unknown: [404, 'not_found'],
  changed: [409, 'changed'],
  gone: [410, 'gone'],
  failed: [503, 'unavailable'],
} as const;

function replyTo(result: object | Problem): ControlReply {
  if (!('problem' in result && 'status' in result)) return { body: result };
  const [status, code] = problemStatuses[result.status];
  return refuse(status, code, result.problem);
}

function noQuestion(id: string, end: 'unknown' | 'gone'): ControlReply {
  if (end === 'gone') return gone(`question ${id} has been answered or has expired`);
  return unknown(`no question "${id}" in this run; see "sallyport pending"`);
}

function unknown(message: string): ControlReply {
  return refuse(404, 'not_found', message);
}

function gone(message: string): ControlReply {
  return refuse(410, 'gone', message);
}

function done(body: unknown): Promise<ControlReply> {
  return Promise.resolve({ body });
}

/** A DELETE has no body. */
function ignored(): Parsed<undefined> {
  return { ok: true, value: undefined };
}
