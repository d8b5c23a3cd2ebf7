import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { createTokens } from '../../../src/control/tokens.ts';
import type { Tokens } from '../../../src/control/tokens.ts';
import type { TokenRequest } from '../../../src/control/messages.ts';
import { openState } from '../../../src/state.ts';
import type { State } from '../../../src/state.ts';

const startMs = Date.parse('2026-11-20T12:00:00.000Z');
const dayMs = 24 * 60 * 60_000;

/** Tokens over a state folder of their own, with a clock that the test moves. */
function bench(context: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-tokens-'));
  context.after(() => {
    rmSync(folder, { recursive: true });
  });
  const clock = { now: startMs };
  let isFull = false;
  const open = (): Tokens => {
    const state = openState(folder);
    const writeAtomic: State['writeAtomic'] = (name, text) => {
      if (isFull) throw new Error('disk full');
      state.writeAtomic(name, text);
    };
    return createTokens({ state: { ...state, writeAtomic }, now: () => clock.now });
  };
  const fill = (full: boolean) => (isFull = full);
  return { folder, clock, open, fill, local: () => readFileSync(join(folder, 'token'), 'utf8') };
}

function create(tokens: Tokens, request: TokenRequest) {
  const created = tokens.create(request);
  assert.ok(created.ok, created.ok ? '' : created.problem);
  return created.value;
}

describe('createTokens', () => {
  it("makes the local admin's token at the first start, and keeps it", (context) => {
    const { open, local } = bench(context);
    const secret = open() && local().trim();
    const tokens = open();
    assert.deepEqual(tokens.find(secret), {
      key: 'local#1',
      token: 'local',
      role: 'admin',
      surface: undefined,
    });
    for (const wrong of ['', 'x', secret.slice(1), `${secret}x`, `${secret}\n`]) {
      assert.equal(tokens.find(wrong), undefined);
    }
  });

  it('makes tokens of each role, shows a secret once and keeps its hash alone', (context) => {
    const { open, folder } = bench(context);
    const tokens = open();
    for (const role of ['viewer', 'approver', 'admin'] as const) {
      const { token, secret } = create(tokens, { name: `a ${role}`, role });
      assert.match(secret, /^[A-Za-z0-9_-]{43}$/);
      assert.deepEqual(
        [token.role, token.created, token.lastUsed, token.expires],
        [role, '2026-11-20T12:00:00.000Z', null, null],
      );
      for (const again of [tokens, open()]) {
        assert.deepEqual(again.find(secret), {
          key: token.id,
          token: token.id,
          role,
          surface: undefined,
        });
      }
      const text = readFileSync(join(folder, 'tokens.json'), 'utf8');
      assert.equal(text.includes(secret), false);
    }
    assert.equal(statSync(join(folder, 'tokens.json')).mode & 0o777, 0o600);
    assert.deepEqual(
      tokens.list().map(({ id, name, role }) => [id, name, role]),
      [
        ['local', 'local', 'admin'],
        ['t1', 'a viewer', 'viewer'],
        ['t2', 'a approver', 'approver'],
        ['t3', 'a admin', 'admin'],
      ],
    );
  });

  it('lets two tokens of one name be valid at once, and no third', (context) => {
    const tokens = bench(context).open();
    const first = create(tokens, { name: 'wall', role: 'viewer' });
    const second = create(tokens, { name: 'wall', role: 'viewer' });
    assert.deepEqual(tokens.create({ name: 'wall', role: 'viewer' }), {
      ok: false,
      problem: 'name: "wall" has two valid tokens; revoke one of t1, t2 first',
    });
    assert.equal(tokens.revoke(first.token.id)?.name, 'wall');
    assert.equal(tokens.find(first.secret), undefined);
    assert.notEqual(tokens.find(second.secret), undefined);
    assert.equal(create(tokens, { name: 'wall', role: 'viewer' }).token.id, 't3');
  });

  const refused: readonly { request: TokenRequest; problem: RegExp }[] = [
    { request: { name: '', role: 'viewer' }, problem: /^name: 1 to 40 letters/ },
    { request: { name: ' a', role: 'viewer' }, problem: /^name: 1 to 40 letters/ },
    { request: { name: 'a\u202eb', role: 'viewer' }, problem: /^name: 1 to 40 letters/ },
    { request: { name: 'x'.repeat(41), role: 'viewer' }, problem: /^name: 1 to 40 letters/ },
    { request: { name: 'local', role: 'viewer' }, problem: /rotate it instead$/ },
    {
      request: { name: 'taken', role: 'admin' },
      problem: /is a token for the role viewer; revoke t1, or use another name$/,
    },
  ];
  for (const { request, problem } of refused) {
    it(`refuses the name "${request.name}" for ${request.role}`, (context) => {
      const tokens = bench(context).open();
      create(tokens, { name: 'taken', role: 'viewer' });
      const created = tokens.create(request);
      assert.match(created.ok ? '' : created.problem, problem);
    });
  }

  it('keeps to 64 tokens', (context) => {
    const tokens = bench(context).open();
    for (let n = 0; n < 64; n += 1) create(tokens, { name: `n${n}`, role: 'viewer' });
    assert.deepEqual(tokens.create({ name: 'more', role: 'viewer' }), {
      ok: false,
      problem: 'there are 64 tokens already; revoke one that is not used',
    });
  });

  it('ends a token with its time, and gives its place free', (context) => {
    const { open, clock } = bench(context);
    const tokens = open();
    const { secret, token } = create(tokens, { name: 'guest', role: 'approver', days: 2 });
    assert.equal(token.expires, '2026-11-22T12:00:00.000Z');
    clock.now = startMs + 2 * dayMs - 1;
    assert.equal(tokens.isValid('t1'), true);
    assert.notEqual(tokens.find(secret), undefined);
    clock.now += 1;
    assert.deepEqual(
      [tokens.isValid('t1'), tokens.find(secret), open().find(secret), tokens.list().length],
      [false, undefined, undefined, 1],
    );
    assert.equal(create(tokens, { name: 'guest', role: 'viewer' }).token.id, 't2');
  });

  it('changes the local token with an overlap of ten minutes', (context) => {
    const { open, clock, local } = bench(context);
    const tokens = open();
    const first = local().trim();
    assert.deepEqual(tokens.rotateLocal().oldExpires, '2026-11-20T12:10:00.000Z');
    const second = local().trim();
    assert.notEqual(first, second);
    assert.deepEqual([tokens.find(first)?.key, tokens.find(second)?.key], ['local#1', 'local#2']);
    clock.now += 10 * 60_000 - 1;
    assert.equal(tokens.isValid('local#1'), true);
    clock.now += 1;
    assert.deepEqual(
      [tokens.find(first), tokens.isValid('local#1'), tokens.find(second)?.role],
      [undefined, false, 'admin'],
    );
    assert.notEqual(open().find(second), undefined);
  });

  it('drops the oldest of three local secrets at once', (context) => {
    const { open, local } = bench(context);
    const tokens = open();
    const first = local().trim();
    tokens.rotateLocal();
    const second = local().trim();
    tokens.rotateLocal();
    assert.deepEqual(
      [tokens.find(first), tokens.find(second)?.token, tokens.find(local().trim())?.token],
      [undefined, 'local', 'local'],
    );
  });

  it('tells when a token was last used, to the day, and writes that down when asked to', (context) => {
    const { open, clock } = bench(context);
    const tokens = open();
    const { secret } = create(tokens, { name: 'wall', role: 'viewer' });
    clock.now = startMs + dayMs;
    tokens.find(secret);
    const used = '2026-11-21T00:00:00.000Z';
    assert.deepEqual([tokens.list()[1]?.lastUsed, open().list()[1]?.lastUsed], [used, null]);
    tokens.flush();
    assert.equal(open().list()[1]?.lastUsed, used);
  });

  it('hands out no secret that could not be kept, and revokes even so', (context) => {
    const { open, fill } = bench(context);
    const tokens = open();
    const { secret } = create(tokens, { name: 'wall', role: 'viewer' });
    fill(true);
    assert.throws(() => tokens.create({ name: 'more', role: 'viewer' }), /disk full/);
    assert.equal(tokens.list().length, 2);
    assert.throws(() => tokens.revoke('t1'), /disk full/);
    assert.equal(tokens.find(secret), undefined);
    assert.throws(() => tokens.rotateLocal(), /disk full/);
    fill(false);
    tokens.flush();
    assert.equal(open().find(secret), undefined);
  });

  it('knows no id that is not there', (context) => {
    const tokens = bench(context).open();
    assert.equal(tokens.revoke('t1'), undefined);
    assert.equal(tokens.revoke('local'), undefined);
    assert.equal(tokens.isValid('t1'), false);
    assert.equal(tokens.isValid(''), false);
  });

  it('refuses to start over damaged files', (context) => {
    const { open, folder } = bench(context);
    open();
    writeFileSync(join(folder, 'tokens.json'), '{', { mode: 0o600 });
    assert.throws(open, { code: 'ERR_STATE_CORRUPT' });
    rmSync(join(folder, 'tokens.json'));
    writeFileSync(join(folder, 'token'), 'short\n');
    assert.throws(open, { code: 'ERR_STATE_CORRUPT' });
  });
});
