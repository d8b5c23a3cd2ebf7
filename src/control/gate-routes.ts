// The routes of what is remembered and can be taken back, and of the gate as a whole: pause, panic, floods, changes.
import type { ApproverRef } from '../policy/decision.ts';
import { act, gone, ignored, read, readRow, replyTo, unknown } from './action.ts';
import type { ActionParts, Problem, Soon } from './action.ts';
import * as decode from './decode.ts';
import type * as messages from './messages.ts';
import type {
  ChangeResponse,
  GateResponse,
  GrantView,
  HistoryQuery,
  HistoryResponse,
  ReloadResponse,
  UndoResponse,
} from './messages.ts';
import { redactEntry, sourceFor } from './redact.ts';
import type { LiveSource } from './redact.ts';
import { refuse } from './route.ts';
import type { Route } from './route.ts';

/** What the routes of memory speak for. */
export interface MemoryParts extends ActionParts {
  readonly live: LiveSource;
  /** Takes back the answer to this question, else the last one that stands. */
  readonly undo: (
    id: string | undefined,
    approver: ApproverRef,
  ) => Soon<UndoResponse | 'none' | 'gone'>;
  /** Takes a grant back, with the tunnels it opened; undefined for an id that is not there; may throw. */
  readonly revoke: (id: string, approver: ApproverRef) => GrantView | undefined;
  /** Decisions out of the journal, newest first; `answers` is added here. */
  readonly history: (query: HistoryQuery) => Soon<Omit<HistoryResponse, 'answers'>>;
}

/** What the routes of the gate speak for. */
export interface GateParts extends ActionParts {
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
  /** What a tray said of its desktop. */
  readonly reportTray: (report: messages.TrayReport) => void;
  readonly reload: (approver: ApproverRef) => Soon<ReloadResponse>;
}

/** A look into the journal reads much: the gate must not wait for anybody's curiosity. */
const readerLimit = 4;

/** Grants, undo and history. */
export function memoryRoutes(parts: MemoryParts): readonly Route[] {
  const { live } = parts;
  let readers = 0;
  const readHistory = async (query: HistoryQuery) => {
    readers += 1;
    try {
      return await parts.history(query);
    } finally {
      readers -= 1;
    }
  };
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
        if (readers >= readerLimit)
          return refuse(503, 'busy', 'the history is being read; try again');
        const { entries, more } = await readHistory(wanted.value);
        const shown = holder.role === 'viewer' ? entries.map(redactEntry) : entries;
        const answers = live.answers();
        return { body: { entries: shown, more, answers } satisfies HistoryResponse };
      },
    },
  ];
}

/** Pause, panic, floods, changes of the policy, the tray's report and reload. */
export function gateRoutes(parts: GateParts): readonly Route[] {
  // To undo a change that widened here may well have tightened there: it brings back what was refused since.
  const verbs = [
    ['accept', 'wide'],
    ['reject', 'narrow'],
    ['undo', 'wide'],
  ] as const;
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
        return lifted === undefined
          ? unknown(`no flood "${id}"; see "sallyport lift"`)
          : { body: lifted };
      },
    }),
    ...verbs.map(([verb, reach]) =>
      act(parts, {
        route: `POST /v1/changes/{id}/${verb}`,
        permission: 'answer',
        reach,
        action: `change_${verb}`,
        decode: decode.decodeNothing,
        run: async (_, by, id) => replyTo(await parts.change(id, verb, by)),
      }),
    ),
    act(parts, {
      route: 'POST /v1/tray',
      permission: 'answer',
      reach: 'narrow', // what it says is shown to people
      action: 'tray',
      isTold: false,
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
