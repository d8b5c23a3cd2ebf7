import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type {
  PageCodeResponse,
  PageSessionResponse,
  RulesCheckResponse,
  RulesDraft,
  RulesSaveResponse,
  TokenCreatedResponse,
  TokenRotatedResponse,
  TokensResponse,
} from '../../../src/control/messages.ts';
import { SallyportError } from '../../../src/errors.ts';
import { ask, openParts, refusalOf } from '../../support/control.ts';
import type { AskedOf } from '../../support/control.ts';

const admin = (asked: Omit<AskedOf, 'role'> = {}): AskedOf => ({ ...asked, role: 'admin' });

function bodyOf(reply: object): unknown {
  assert.ok('body' in reply, JSON.stringify(reply));
  return reply.body;
}

describe('the rules', () => {
  const draft: RulesDraft = { file: '/c.toml', etag: 'e', text: 'a' };
  const problem = { status: 'changed', problem: 'p' } as const;
  const saved = { edit: 'e1' } as RulesSaveResponse & RulesCheckResponse; // passed on as it is
  it('are shown by role', async (context) => {
    const roles: string[] = [];
    const rules = { files: [], rules: [], total: 0 };
    const base = openParts(context);
    const parts = {
      ...base,
      rules: { ...base.rules, rules: (role: string) => (roles.push(role), rules) },
    };
    await ask(parts, 'GET /v1/rules', { role: 'viewer' });
    assert.deepEqual(await ask(parts, 'GET /v1/rules', admin()), { body: rules });
    assert.deepEqual(roles, ['viewer', 'admin']);
    assert.deepEqual(await ask(parts, 'GET /v1/rules/history', admin()), { body: { edits: [] } });
  });
  it('are checked, saved and undone, or it is said why not', async (context) => {
    const asked: unknown[] = [];
    const base = openParts(context);
    let answer: typeof saved | typeof problem = problem;
    const note =
      (name: string) =>
      (...given: readonly unknown[]) => {
        asked.push([name, given[0]]);
        return answer;
      };
    const rules = { ...base.rules, check: note('check'), save: note('save'), undo: note('undo') };
    const parts = { ...base, rules };
    const all = async () => [
      await ask(parts, 'POST /v1/rules/check', admin({ body: draft })),
      await ask(parts, 'POST /v1/rules/save', admin({ body: draft })),
      await ask(parts, 'POST /v1/rules/undo', admin({ body: { id: 'e1' } })),
    ];
    assert.deepEqual((await all()).map(refusalOf), [
      [409, 'changed'],
      [409, 'changed'],
      [409, 'changed'],
    ]);
    assert.deepEqual(base.acted, []);
    answer = saved;
    assert.deepEqual(await all(), [{ body: saved }, { body: saved }, { body: saved }]);
    assert.deepEqual(asked.slice(0, 3), [
      ['check', draft],
      ['save', draft],
      ['undo', 'e1'],
    ]);
    assert.deepEqual(
      base.acted
        .map((acted) => acted as { action: string; about: string | null })
        .map(({ action, about }) => [action, about]),
      [
        ['rules_save', null],
        ['rules_undo', 'e1'],
      ],
    );
    for (const verb of ['check', 'save']) {
      const reply = await ask(parts, `POST /v1/rules/${verb}`, admin({ body: { file: 'x' } }));
      assert.deepEqual(refusalOf(reply), [400, 'bad_request']);
    }
  });
});

describe('tokens', () => {
  it('are made, listed and revoked', async (context) => {
    const parts = openParts(context);
    const body = { name: 'wall', role: 'viewer', days: 7 };
    const made = bodyOf(
      await ask(parts, 'POST /v1/tokens', admin({ body })),
    ) as TokenCreatedResponse;
    assert.equal(parts.tokens.find(made.secret)?.role, 'viewer');
    const listed = bodyOf(await ask(parts, 'GET /v1/tokens', admin())) as TokensResponse;
    assert.deepEqual(
      listed.tokens.map(({ id }) => id),
      ['local', 't1'],
    );
    assert.doesNotMatch(JSON.stringify([listed, parts.acted]), new RegExp(made.secret));
    assert.deepEqual(await ask(parts, 'DELETE /v1/tokens/{id}', admin({ id: 't1' })), {
      body: {
        revoked: { ...made.token, lastUsed: `${made.token.created.slice(0, 10)}T00:00:00.000Z` },
      },
    });
    assert.equal(parts.tokens.find(made.secret), undefined);
    assert.deepEqual(
      parts.acted.map((acted) => (acted as { about: string }).about),
      ['wall', 't1'],
    );
  });
  it('are refused with the mend', async (context) => {
    const parts = openParts(context);
    const body = { name: 'local', role: 'viewer' };
    const cases = [
      await ask(parts, 'POST /v1/tokens', admin({ body })),
      await ask(parts, 'DELETE /v1/tokens/{id}', admin({ id: 'local' })),
      await ask(parts, 'DELETE /v1/tokens/{id}', admin({ id: 't9' })),
    ];
    assert.deepEqual(cases.map(refusalOf), [
      [400, 'bad_request'],
      [400, 'bad_request'],
      [404, 'not_found'],
    ]);
  });
  it('end what they watch when they are revoked', async (context) => {
    const parts = openParts(context);
    const made = parts.tokens.create({ name: 'wall', role: 'viewer' });
    assert.ok(made.ok);
    const holder = parts.tokens.find(made.value.secret);
    assert.ok(holder);
    let cuts = 0;
    parts.feed.watch(holder, 'api', {
      write: () => undefined,
      unsentBytes: () => 0,
      cut: () => (cuts += 1),
    });
    await ask(parts, 'DELETE /v1/tokens/{id}', admin({ id: 't1' }));
    assert.deepEqual([cuts, parts.feed.count()], [1, 0]);
  });
  it('are over, with what they watch, also when that cannot be written down', async (context) => {
    const base = openParts(context);
    const made = base.tokens.create({ name: 'wall', role: 'viewer' });
    assert.ok(made.ok);
    const holder = base.tokens.find(made.value.secret);
    assert.ok(holder);
    base.feed.watch(holder, 'api', {
      write: () => undefined,
      unsentBytes: () => 0,
      cut: () => undefined,
    });
    const revoke = (id: string) => {
      base.tokens.revoke(id);
      throw new SallyportError('ERR_STATE_UNSAFE', 'disk full');
    };
    const parts = { ...base, tokens: { ...base.tokens, revoke } };
    const reply = await ask(parts, 'DELETE /v1/tokens/{id}', admin({ id: 't1' }));
    assert.deepEqual([refusalOf(reply), parts.feed.count()], [[503, 'unavailable'], 0]);
  });
  it('of the state folder are changed without telling the new one', async (context) => {
    const parts = openParts(context);
    const reply = await ask(parts, 'POST /v1/tokens/local/rotate', admin({ body: {} }));
    const { token, oldExpires } = bodyOf(reply) as TokenRotatedResponse;
    assert.equal(token.id, 'local');
    assert.ok(Date.parse(oldExpires) > Date.now());
    assert.deepEqual(Object.keys(bodyOf(reply) as object), ['token', 'oldExpires']);
  });
});

describe('the ways into the page', () => {
  it('are a code for the role of whoever asks, and a session for the code', async (context) => {
    const parts = openParts(context, { now: () => Date.parse('2026-11-20T12:00:00.000Z') });
    assert.deepEqual(await ask(parts, 'POST /v1/page-codes', { body: {} }), {
      body: { url: null, expires: '2026-11-20T12:01:00.000Z' } satisfies PageCodeResponse,
    });
    const wrong = await ask(parts, 'POST /v1/page-sessions', { body: { code: 'guess' } });
    assert.deepEqual(refusalOf(wrong), [401, 'unauthorized']);
    for (let n = 1; n < 10; n += 1) {
      await ask(parts, 'POST /v1/page-sessions', { body: { code: 'guess' } });
    }
    const tooMany = await ask(parts, 'POST /v1/page-sessions', { body: { code: 'guess' } });
    assert.deepEqual(refusalOf(tooMany), [429, 'busy']);
    const none = await ask(parts, 'POST /v1/page-sessions', { body: {} });
    assert.deepEqual(refusalOf(none), [400, 'bad_request']);
  });
  it('give a session of that role', async (context) => {
    const base = openParts(context);
    const opened: string[] = [];
    const session: PageSessionResponse = { secret: 's', role: 'approver' };
    const pages = { ...base.pages, open: (code: string) => (opened.push(code), session) };
    const reply = await ask({ ...base, pages }, 'POST /v1/page-sessions', { body: { code: 'c' } });
    assert.deepEqual([reply, opened], [{ body: session }, ['c']]);
  });
  it('are shut to other users', async (context) => {
    const base = openParts(context);
    const open = () => assert.fail('it was opened');
    const pages = { ...base.pages, admits: () => Promise.resolve(false), open };
    const reply = await ask({ ...base, pages }, 'POST /v1/page-sessions', { body: { code: 'c' } });
    assert.deepEqual(refusalOf(reply), [403, 'forbidden']);
  });
});
