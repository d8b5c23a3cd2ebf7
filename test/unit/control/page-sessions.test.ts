import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createPageSessions } from '../../../src/control/page-sessions.ts';
import type { PageSessions } from '../../../src/control/page-sessions.ts';
import type { Holder } from '../../../src/control/route.ts';

const admin: Holder = { key: 'local#1', token: 'local', role: 'admin', surface: undefined };
const approver: Holder = { key: 't1', token: 't1', role: 'approver', surface: undefined };
const hourMs = 60 * 60_000;

function bench() {
  const clock = { now: Date.parse('2026-11-20T12:00:00.000Z') };
  const valid = new Set(['local#1', 't1']);
  const where: { url: string | undefined } = { url: 'http://127.0.0.1:4131' };
  const pages = createPageSessions({
    now: () => clock.now,
    url: () => where.url,
    isValid: (key) => valid.has(key),
  });
  return { pages, clock, valid, where };
}

/** The code out of the address. */
function codeFor(pages: PageSessions, holder = admin): string {
  return /#code=([A-Za-z0-9_-]{22})$/.exec(pages.createCode(holder).url ?? '')?.[1] ?? '';
}

function openFor(pages: PageSessions, holder = admin): string {
  const session = pages.open(codeFor(pages, holder));
  assert.ok(typeof session === 'object');
  return session.secret;
}

describe('createPageSessions', () => {
  it('turns a code into a session of the same role, and forces its surface', () => {
    const { pages } = bench();
    const code = codeFor(pages, approver);
    const session = pages.open(code);
    assert.ok(typeof session === 'object');
    assert.match(session.secret, /^[A-Za-z0-9_-]{43}$/);
    assert.equal(session.role, 'approver');
    assert.deepEqual(pages.find(session.secret), {
      key: 'page#1',
      token: 't1',
      role: 'approver',
      surface: 'page',
    });
    assert.equal(pages.find(code), undefined);
    assert.equal(pages.count(), 1);
  });

  it('says how long a code lives, and gives no address without a control port', () => {
    const { pages, where } = bench();
    assert.equal(pages.createCode(admin).expires, '2026-11-20T12:01:00.000Z');
    where.url = undefined;
    assert.equal(pages.createCode(admin).url, null);
  });

  it('takes a code once', () => {
    const { pages } = bench();
    const code = codeFor(pages);
    assert.equal(typeof pages.open(code), 'object');
    assert.equal(pages.open(code), 'wrong');
  });

  it('takes a code for 60 s', () => {
    const { pages, clock } = bench();
    const [early, late] = [codeFor(pages), codeFor(pages)];
    clock.now += 59_999;
    assert.equal(typeof pages.open(early), 'object');
    clock.now += 1;
    assert.equal(pages.open(late), 'wrong');
  });

  it('keeps eight codes open, the newest', () => {
    const { pages } = bench();
    const [first = '', second = '', ...others] = Array.from({ length: 9 }, () => codeFor(pages));
    assert.equal(pages.open(first), 'wrong');
    for (const code of [second, ...others]) assert.equal(typeof pages.open(code), 'object');
  });

  it('takes no code of a token that has been revoked since', () => {
    const { pages, valid } = bench();
    const code = codeFor(pages);
    valid.delete('local#1');
    assert.equal(pages.open(code), 'wrong');
  });

  it('counts wrong codes, and takes right ones all the same', () => {
    const { pages, clock } = bench();
    const code = codeFor(pages);
    const tries = Array.from({ length: 12 }, () => pages.open('guess'));
    assert.deepEqual(tries, [...Array.from({ length: 10 }, () => 'wrong'), 'busy', 'busy']);
    assert.equal(typeof pages.open(code), 'object');
    clock.now += 60_000;
    assert.equal(pages.open('guess'), 'wrong');
  });

  it('admits no other user with a right code, which stays good', async () => {
    const client = { address: '127.0.0.1', port: 40_000, localPort: 4131 };
    const asked: unknown[] = [];
    const pages = createPageSessions({
      now: Date.now,
      url: () => 'http://127.0.0.1:4131',
      isValid: () => true,
      isForeign: ({ port }) => {
        asked.push(port);
        return Promise.resolve(port === 40_000);
      },
    });
    const code = codeFor(pages);
    const own = { ...client, port: 40_001 };
    assert.deepEqual(
      [
        await pages.admits(code, client),
        await pages.admits(code, own),
        await pages.admits(code, undefined),
        await pages.admits('guess', client),
      ],
      [false, true, true, true],
    );
    assert.deepEqual(asked, [40_000, 40_001]); // nobody looks for a wrong code
    assert.equal(typeof pages.open(code), 'object');
  });

  it('ends a session that was idle for twelve hours', () => {
    const { pages, clock } = bench();
    const secret = openFor(pages);
    clock.now += 12 * hourMs - 1;
    assert.notEqual(pages.find(secret), undefined);
    clock.now += 12 * hourMs - 1;
    assert.equal(pages.isValid('page#1'), true);
    clock.now += 12 * hourMs;
    assert.deepEqual(
      [pages.find(secret), pages.isValid('page#1'), pages.count()],
      [undefined, false, 0],
    );
  });

  it('ends a session with the token behind it, and the sessions that it opened', () => {
    const { pages, valid } = bench();
    const first = openFor(pages);
    const holder = pages.find(first);
    assert.ok(holder);
    const second = openFor(pages, holder);
    const other = openFor(pages, approver);
    valid.delete('local#1');
    assert.deepEqual(
      [pages.find(first), pages.find(second), pages.find(other)?.role],
      [undefined, undefined, 'approver'],
    );
  });

  it('keeps 32 sessions, the longest idle gives way', () => {
    const { pages, clock } = bench();
    const secrets = Array.from({ length: 32 }, () => openFor(pages));
    const [first = '', second = ''] = secrets;
    clock.now += 1000;
    pages.find(first);
    openFor(pages);
    assert.deepEqual(
      [pages.count(), pages.find(second), pages.find(first)?.role],
      [32, undefined, 'admin'],
    );
  });

  it('lets a session open another one in its own place', () => {
    const { pages } = bench();
    openFor(pages);
    const holder = { ...admin, key: 'page#1', surface: 'page' as const };
    for (let n = 0; n < 31; n += 1) openFor(pages, approver);
    assert.notEqual(pages.find(openFor(pages, holder)), undefined); // it is the longest idle one itself
  });

  it('knows no secret of another run', () => {
    const secret = openFor(bench().pages);
    assert.equal(bench().pages.find(secret), undefined);
    assert.equal(bench().pages.find(''), undefined);
  });
});
