// How a line of the route table is made: what only shows something, and what changes something. A change's body is
// read first, then its caller is judged, and only then it is made and told.
import type { Caller } from '../approval/answers.ts';
import { SallyportError } from '../errors.ts';
import type { ApproverRef } from '../policy/decision.ts';
import type { Parsed } from '../policy/destination.ts';
import { refuse } from './route.ts';
import type { ControlReply, ControlRequest, Permission, Reach, Route } from './route.ts';

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

/** What every change needs. */
export interface ActionParts {
  /** Who is at the other end, and whether this caller may do a thing of that reach. */
  readonly judge: (
    caller: Caller,
    surface: string,
    wanted: { readonly action: string; readonly reach: Reach },
  ) => Promise<Judged>;
  /** Told of every change that was made, answers to questions excepted. */
  readonly onActed: (acted: Acted) => void;
}

/** The columns of a route that changes nothing. */
export function readRow(path: string, permission: Permission) {
  return { method: 'GET', path, permission, reach: 'unchanged' } as const;
}

/** A route that shows something and waits for nothing. */
export function read(
  path: string,
  permission: Permission,
  get: (request: ControlRequest) => object,
): Route {
  return { ...readRow(path, permission), handle: (request) => done(get(request)) };
}

/** A route that changes something. */
export interface Action<T> {
  readonly route: string;
  readonly permission: Permission;
  readonly reach: Reach;
  /** Where the reach depends on the body. */
  readonly reachOf?: (wanted: T) => Reach;
  readonly action: string;
  readonly bodyLimitBytes?: number;
  readonly decode: (body: unknown) => Parsed<T>;
  /** False where it is not worth a record; default true. */
  readonly isTold?: boolean;
  /** What it is about, where the path does not say. */
  readonly about?: (wanted: T) => string | null;
  readonly run: (
    wanted: T,
    approver: ApproverRef,
    id: string,
    request: ControlRequest,
  ) => Soon<ControlReply>;
}

/** The route of a change. */
export function act<T>(parts: ActionParts, action: Action<T>): Route {
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
  { judge, onActed }: ActionParts,
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
  const reply = await runOrSay(async () => action.run(wanted.value, approver, id, request));
  if ('refused' in reply || action.isTold === false) return reply;
  const about = action.about?.(wanted.value) ?? (id === '' ? null : id);
  onActed({ action: action.action, approver, token: holder.token, about });
  return reply;
}

/** A state folder that cannot be written is for the caller to know; every other fault is a bug. */
async function runOrSay(run: () => Promise<ControlReply>): Promise<ControlReply> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof SallyportError) || error.code !== 'ERR_STATE_UNSAFE') throw error;
    return refuse(503, 'unavailable', error.message);
  }
}

/** The error codes of the guard's refusals. */
export const guardCodes = { self: 'self_approval', unplaced: 'forbidden' } as const;

const problemStatuses = {
  bad: [400, 'bad_request'],
  forbidden: [403, 'forbidden'],
  unknown: [404, 'not_found'],
  changed: [409, 'changed'],
  gone: [410, 'gone'],
  failed: [503, 'unavailable'],
} as const;

/** What a part gave back, as a reply. */
export function replyTo(result: object | Problem): ControlReply {
  if (!('problem' in result && 'status' in result)) return { body: result };
  const [status, code] = problemStatuses[result.status];
  return refuse(status, code, result.problem);
}

/** 404. */
export function unknown(message: string): ControlReply {
  return refuse(404, 'not_found', message);
}

/** 410. */
export function gone(message: string): ControlReply {
  return refuse(410, 'gone', message);
}

/** 200 with this body. */
export function done(body: unknown): Promise<ControlReply> {
  return Promise.resolve({ body });
}

/** A DELETE has no body. */
export function ignored(): Parsed<undefined> {
  return { ok: true, value: undefined };
}
