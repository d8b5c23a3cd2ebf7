// What a line of the route table is: who may ask, what a handler is given, and what it may give back.
import type { Caller } from '../approval/answers.ts';
import type { ControlErrorCode, Role, Surface } from './messages.ts';

/** Which listener a request came through. */
export type ControlListener = 'tcp' | 'socket';

/** An answer that is not 200. */
export interface Refused {
  readonly status: number;
  readonly code: ControlErrorCode;
  readonly message: string;
}

/** The least role that may ask; `anyone` needs no token. */
export type Permission = 'anyone' | 'view' | 'answer' | 'admin';

/**
 * How far a change reaches: `none` takes nothing away from anybody's safety, `narrow` may let something through
 * that a person had decided, `wide` may let anything through. It says how sure the daemon must be of the caller.
 */
export type Reach = 'none' | 'narrow' | 'wide';

/** Who a secret belongs to. */
export interface Holder {
  /** Names this one secret: of a token's two secrets during a change, each has its own. */
  readonly key: string;
  /** The token's id, `local` for the state folder's; a page session carries that of the token behind it. */
  readonly token: string;
  readonly role: Role;
  /** Forced for page sessions; undefined: what the caller says of itself. */
  readonly surface: Surface | undefined;
}

/** One request as a route sees it: past every guard. */
export interface ControlRequest {
  /** The text in the place of `{id}`; empty for routes without. */
  readonly id: string;
  /** The query's parameters, each of which the route has declared. */
  readonly query: ReadonlyMap<string, string>;
  /** The decoded JSON body of a POST; undefined otherwise. */
  readonly body: unknown;
  /** The other end of the connection. */
  readonly caller: Caller;
  /** What the caller says it is, from a closed list; not proof. */
  readonly surface: Surface;
  /** Whose token it showed; `stranger` on a route for anyone. */
  readonly holder: Holder;
}

/** Whoever has shown no token. */
export const stranger: Holder = { key: '', token: '', role: 'viewer', surface: undefined };

/** A static file as it goes out. */
export interface StaticFile {
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** A stream that has begun; its reader may be slow. */
export interface StreamOut {
  /** Never throws, never waits. */
  readonly write: (text: string) => void;
  /** What was written and has not left this process. */
  readonly unsentBytes: () => number;
  /** Ends it at once; what is unsent is lost. */
  readonly cut: () => void;
}

/** What a route gives back: the body of a 200, a file, an event stream, or a refusal. */
export type ControlReply =
  | { readonly body: unknown }
  | { readonly file: StaticFile }
  /** Called once the stream has begun; what it gives back is called once it has ended. */
  | { readonly stream: (out: StreamOut) => () => void }
  | { readonly refused: Refused };

/** One line of the route table. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Segments; `{id}` stands for one of any text. */
  readonly path: string;
  readonly permission: Permission;
  /** The most it can reach; `unchanged`: it changes nothing; `own`: it is judged by a guard of its own. */
  readonly reach: Reach | 'unchanged' | 'own';
  /** The query parameters it takes; default none. */
  readonly query?: readonly string[];
  /** Default 64 KiB. */
  readonly bodyLimitBytes?: number;
  /** The only listener that has it; default both. */
  readonly listener?: ControlListener;
  readonly handle: (request: ControlRequest) => Promise<ControlReply>;
}

const least: Readonly<Record<Permission, readonly Role[]>> = {
  anyone: ['viewer', 'approver', 'admin'],
  view: ['viewer', 'approver', 'admin'],
  answer: ['approver', 'admin'],
  admin: ['admin'],
};

/** Whether a role is enough for a permission. */
export function isEnough(role: Role, permission: Permission): boolean {
  return least[permission].includes(role);
}

/** A refusal as a route's reply. */
export function refuse(
  status: number,
  code: Refused['code'],
  message: string,
): { readonly refused: Refused } {
  return { refused: { status, code, message } };
}
