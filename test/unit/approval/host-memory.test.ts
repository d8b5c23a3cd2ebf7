import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createHostMemory } from '../../../src/approval/host-memory.ts';
import { decisionEvent, readDecision } from '../../../src/audit/event.ts';
import type { HoldSummary } from '../../../src/policy/decision.ts';
import { makeEntry } from '../../support/decisions.ts';
import { makeGrant } from '../../support/views.ts';

function answered(group: string): HoldSummary {
  return { group, waitedMs: 5, approver: { name: 'dev', surface: 'cli' } };
}

/** What is remembered, without the links of the list it stands in. */
function historyOf(memory: ReturnType<typeof createHostMemory>, host: string) {
  const history = memory.of(host);
  if (history === undefined) return undefined;
  const { firstSeenMs, allowed, allowedSinceMs, lastAllowedMs, denied, refusals, lastRefusedMs } =
    history;
  return { firstSeenMs, allowed, allowedSinceMs, lastAllowedMs, denied, refusals, lastRefusedMs };
}

describe('createHostMemory', () => {
  it('counts what was let through and what was refused, and since when', () => {
    const memory = createHostMemory();
    memory.note(makeEntry('a.test', { outcome: 'deny', hold: answered('k1') }), 1);
    memory.note(makeEntry('a.test', { outcome: 'allow' }), 2);
    memory.note(makeEntry('a.test', { outcome: 'allow' }), 3);
    assert.deepEqual(historyOf(memory, 'a.test'), {
      firstSeenMs: 1,
      allowed: 2,
      allowedSinceMs: 2,
      lastAllowedMs: 3,
      denied: 1,
      refusals: 1,
      lastRefusedMs: 1,
    });
    assert.equal(memory.of('b.test'), undefined);
  });

  it('counts one no for all connections of a question, and none where no person said it', () => {
    const memory = createHostMemory();
    for (const group of ['k1', 'k1', 'm1']) {
      memory.note(makeEntry('a.test', { outcome: 'deny', hold: answered(group) }), 1);
    }
    memory.note(makeEntry('a.test', { outcome: 'deny', reason: 'denied' }), 2);
    memory.note(makeEntry('a.test', { outcome: 'deny', reason: 'approval_timeout' }), 3);
    memory.note(makeEntry('a.test', { outcome: 'deny', reason: 'client_gone' }), 4);
    const { denied, refusals, lastRefusedMs } = memory.of('a.test') ?? {};
    assert.deepEqual(
      { denied, refusals, lastRefusedMs },
      { denied: 4, refusals: 2, lastRefusedMs: 1 },
    );
  });

  it('does not take what report-only mode let through for allowed', () => {
    const memory = createHostMemory();
    memory.note(makeEntry('a.test', { outcome: 'allow', wouldDeny: true }), 1);
    assert.equal(memory.of('a.test')?.allowed, 0);
    assert.deepEqual([...memory.allowedHosts()], []);
  });

  it('learns the same from the journal as from the decisions', () => {
    const entries = [
      makeEntry('a.test', { outcome: 'deny', hold: answered('k1') }),
      makeEntry('a.test', { outcome: 'deny', hold: answered('k1') }),
      makeEntry('a.test', { outcome: 'deny', reason: 'client_gone' }),
      makeEntry('a.test', { outcome: 'allow', wouldDeny: true }),
      makeEntry('a.test', { outcome: 'allow' }),
    ];
    const [live, seeded] = [createHostMemory(), createHostMemory()];
    entries.forEach((entry, at) => {
      live.note(entry, 1000 + at);
      const past = readDecision(decisionEvent('u', 1000 + at, entry));
      assert.ok(past !== undefined);
      seeded.seed(past);
    });
    assert.deepEqual(historyOf(seeded, 'a.test'), historyOf(live, 'a.test'));
  });

  it('learns of earlier runs after decisions of this one', () => {
    const memory = createHostMemory();
    const past = (atMs: number) => {
      const entry = makeEntry('a.test', { outcome: 'allow' });
      return readDecision(decisionEvent('u', atMs, entry));
    };
    memory.note(makeEntry('a.test', { outcome: 'allow' }), 500);
    const [first, second] = [past(100), past(200)];
    assert.ok(first !== undefined && second !== undefined);
    memory.seed(first);
    memory.seed(second);
    const { firstSeenMs, allowed, allowedSinceMs, lastAllowedMs } = memory.of('a.test') ?? {};
    assert.deepEqual(
      { firstSeenMs, allowed, allowedSinceMs, lastAllowedMs },
      { firstSeenMs: 100, allowed: 3, allowedSinceMs: 100, lastAllowedMs: 500 },
    );
  });

  it('passes over a decision without a time', () => {
    const memory = createHostMemory();
    const past = readDecision(decisionEvent('u', 1, makeEntry('a.test', { outcome: 'allow' })));
    assert.ok(past !== undefined);
    memory.seed({ ...past, at: 'never' });
    assert.equal(memory.of('a.test'), undefined);
  });

  it('forgets the host seen longest ago, but none that was allowed for a flood of others', () => {
    const memory = createHostMemory();
    memory.note(makeEntry('good.test', { outcome: 'allow' }), 1);
    memory.note(makeEntry('first.test', { outcome: 'deny' }), 2);
    memory.note(makeEntry('second.test', { outcome: 'deny' }), 3);
    for (let n = 0; n < 2046; n += 1) memory.note(makeEntry(`h${n}.test`, { outcome: 'deny' }), n);
    memory.note(makeEntry('first.test', { outcome: 'deny' }), 5);
    memory.note(makeEntry('last.test', { outcome: 'deny' }), 6);
    const kept = ['good.test', 'first.test', 'second.test', 'h0.test', 'last.test'];
    assert.deepEqual(
      kept.map((host) => memory.of(host) !== undefined),
      [true, true, false, true, true],
    );
  });

  it('lets the oldest of too many allowed hosts go, and says that they changed', () => {
    const memory = createHostMemory();
    for (let n = 0; n < 2048; n += 1) memory.note(makeEntry(`h${n}.test`, { outcome: 'allow' }), n);
    const before = memory.allowedVersion();
    memory.note(makeEntry('h0.test', { outcome: 'allow' }), 3000);
    assert.equal(memory.allowedVersion(), before);
    memory.note(makeEntry('more.test', { outcome: 'allow' }), 3001);
    assert.ok(memory.allowedVersion() > before);
    assert.deepEqual(
      ['h0.test', 'h1.test', 'more.test'].map((host) => memory.of(host) !== undefined),
      [true, false, true],
    );
    assert.equal([...memory.allowedHosts()].length, 2048);
  });

  it('finds names below a domain, those let through first', () => {
    const memory = createHostMemory();
    memory.note(makeEntry('a.x.test', { outcome: 'deny' }), 1);
    memory.note(makeEntry('b.x.test', { outcome: 'allow' }), 2);
    memory.note(makeEntry('notx.test', { outcome: 'allow' }), 3);
    memory.note(makeEntry('x.test', { outcome: 'allow' }), 4);
    memory.note(makeEntry('c.d.x.test', { outcome: 'deny' }), 5);
    assert.deepEqual(memory.namesBelow('x.test', 8), ['b.x.test', 'c.d.x.test', 'a.x.test']);
    assert.deepEqual(memory.namesBelow('x.test', 2), ['b.x.test', 'c.d.x.test']);
  });

  it('says since when a host, or one below it, is let through', () => {
    const memory = createHostMemory();
    memory.note(makeEntry('b.x.test', { outcome: 'allow' }), 7);
    memory.note(makeEntry('a.x.test', { outcome: 'allow' }), 3);
    memory.note(makeEntry('b.x.test', { outcome: 'allow' }), 9);
    const hosts = ['x.test', 'b.x.test', 'y.test'];
    assert.deepEqual(
      hosts.map((host) => memory.allowedSince(host)),
      [3, 7, undefined],
    );
  });

  it('knows when an allow that covered the destination ran out', () => {
    const memory = createHostMemory();
    const at = (hour: number) => `2026-11-20T${hour}:00:00.000Z`;
    memory.noteExpired(makeGrant({ host: 'a.x.test', port: 443, expires: at(10) }));
    memory.noteExpired(makeGrant({ host: '*.x.test', port: 'any', expires: at(11) }));
    memory.noteExpired(makeGrant({ host: 'no.test', outcome: 'deny', expires: at(12) }));
    memory.noteExpired(makeGrant({ host: 'always.test', for: 'always', expires: null }));
    const find = (host: string, port = 443, protocol = 'https_connect') =>
      memory.expiredFor(protocol, host, port);
    assert.deepEqual(
      [
        find('a.x.test'),
        find('deep.a.x.test', 80),
        find('x.test'),
        find('a.x.test', 443, 'http'),
        find('no.test'),
        find('always.test'),
      ],
      [Date.parse(at(11)), Date.parse(at(11)), undefined, undefined, undefined, undefined],
    );
  });

  it('keeps a thousand of the allows that ran out', () => {
    const memory = createHostMemory();
    for (let n = 0; n <= 1024; n += 1) memory.noteExpired(makeGrant({ host: `h${n}.test` }));
    const kept = ['h0.test', 'h1.test', 'h1024.test'];
    assert.deepEqual(
      kept.map((host) => memory.expiredFor('https_connect', host, 443) !== undefined),
      [false, true, true],
    );
  });
});
