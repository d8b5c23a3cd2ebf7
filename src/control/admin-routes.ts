// The routes of the rules, and of who may use this API at all.
import type { Caller } from '../approval/answers.ts';
import type { ApproverRef } from '../policy/decision.ts';
import { act, ignored, read, readRow, replyTo, unknown } from './action.ts';
import type { ActionParts, Problem, Soon } from './action.ts';
import * as decode from './decode.ts';
import type { Feed } from './feed.ts';
import type * as messages from './messages.ts';
import type {
  Role,
  RulesCheckResponse,
  RulesDraft,
  RulesHistoryResponse,
  RulesResponse,
  RulesSaveResponse,
} from './messages.ts';
import type { PageSessions } from './page-sessions.ts';
import { refuse } from './route.ts';
import type { ControlReply, Route } from './route.ts';
import type { Tokens } from './tokens.ts';

/** The rules page's other side. */
export interface Rules {
  /** Texts, and `editable`, for admins only. */
  readonly rules: (role: Role) => Soon<RulesResponse>;
  readonly check: (draft: RulesDraft) => Soon<RulesCheckResponse | Problem>;
  readonly save: (draft: RulesDraft, approver: ApproverRef) => Soon<RulesSaveResponse | Problem>;
  readonly history: () => Soon<RulesHistoryResponse>;
  readonly undo: (id: string, approver: ApproverRef) => Soon<RulesSaveResponse | Problem>;
}

/** What the routes of the rules speak for. */
export interface RuleParts extends ActionParts {
  readonly rules: Rules;
}

/** What the routes of access speak for. */
export interface AccessParts extends ActionParts {
  readonly feed: Feed;
  readonly tokens: Tokens;
  readonly pages: PageSessions;
}

const draftLimitBytes = 2 * 1024 * 1024;
const codeLimitBytes = 1024;

/** Rules: shown, checked, saved, undone. */
export function ruleRoutes({ rules, ...parts }: RuleParts): readonly Route[] {
  return [
    {
      ...readRow('/v1/rules', 'view'),
      handle: async ({ holder }) => ({ body: await rules.rules(holder.role) }),
    },
    {
      ...readRow('/v1/rules/history', 'admin'),
      handle: async () => ({ body: await rules.history() }),
    },
    // It changes nothing, but may keep the daemon busy for seconds: not for programs behind the gate.
    act(parts, {
      route: 'POST /v1/rules/check',
      permission: 'admin',
      reach: 'narrow',
      action: 'rules_check',
      isTold: false,
      bodyLimitBytes: draftLimitBytes,
      decode: decode.decodeDraft,
      run: async (draft) => replyTo(await rules.check(draft)),
    }),
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

/** Tokens, and the ways into the page. */
export function accessRoutes(parts: AccessParts): readonly Route[] {
  const { tokens, pages } = parts;
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
      run: (_, _by, id) => revokeToken(parts, id),
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
      handle: async ({ body, caller }) => await openPage(pages, body, caller),
    },
  ];
}

function revokeToken({ tokens, feed }: AccessParts, id: string): ControlReply {
  if (id === 'local') {
    const message = 'the token of the state folder cannot be revoked; rotate it';
    return refuse(400, 'bad_request', message);
  }
  try {
    const revoked = tokens.revoke(id);
    if (revoked === undefined) return unknown(`no token "${id}"; see "sallyport token list"`);
    return { body: { revoked } satisfies messages.TokenRevokedResponse };
  } finally {
    feed.recheck(); // what it watches ends with it, also when its end cannot be written down
  }
}

async function openPage(
  pages: PageSessions,
  body: unknown,
  { client }: Caller,
): Promise<ControlReply> {
  const request = decode.decodePageSession(body);
  if (!request.ok) return refuse(400, 'bad_request', request.problem);
  const { code } = request.value;
  if (!(await pages.admits(code, client))) {
    const message = 'this code is for the user who runs sallyport; open the page as that user';
    return refuse(403, 'forbidden', message);
  }
  const session = pages.open(code);
  if (session === 'busy') return refuse(429, 'busy', 'too many wrong codes; wait a minute');
  if (session === 'wrong') {
    const message = 'this code was used, or is older than a minute; run "sallyport open" again';
    return refuse(401, 'unauthorized', message);
  }
  return { body: session };
}
