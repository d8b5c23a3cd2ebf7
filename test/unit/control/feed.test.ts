import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { createFeed } from '../../../src/control/feed.ts';
import type { FeedParts } from '../../../src/control/feed.ts';
import type { LiveEvent, Role } from '../../../src/control/messages.ts';
import type { Holder } from '../../../src/control/route.ts';
import { createSseReader } from '../../../src/control/sse.ts';
import { makeAskerView, makeGate, makeGrant, makeGroup } from '../../support/views.ts';

const holderOf = (role: Role, token: string = role, key = token): Holder => ({
  key,
  token,
  role,
  surface: undefined,
});

/** A reader of the stream as the test wants it: slow ones leave everything unsent. */
function watcher(isSlow = false) {
  const reader = createSseReader(10_000_000);
  const events: LiveEvent[] = [];
  const seen = { text: '', unsent: 0, cuts: 0, events };
  const out = {
    write: (text: string) => {
      seen.text += text;
      if (isSlow) seen.unsent += Buffer.byteLength(text);
      for (const data of reader.push(Buffer.from(text))) events.push(JSON.parse(data) as LiveEvent);
    },
    unsentBytes: () => seen.unsent,
    cut: () => (seen.cuts += 1),
  };
  return { seen, out };
}

/** A feed over groups and grants that the test replaces; how often each was asked for is counted. */
function bench(context: TestContext, given: Partial<FeedParts> = {}) {
  context.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const now = { groups: [makeGroup({ id: 'k1' })], grants: [makeGrant()] };
  const asked = { groups: 0, grants: 0 };
  const watching: unknown[] = [];
  const bugs: unknown[] = [];
  const invalid = new Set<string>();
  const feed = createFeed({
    source: {
      version: '1',
      gate: makeGate,
      groups: () => ((asked.groups += 1), now.groups),
      floods: () => [],
      grants: () => ((asked.grants += 1), now.grants),
      answers: () => [],
      policyChange: () => null,
    },
    onWatching: (...change) => watching.push(change),
    isValid: (key) => !invalid.has(key),
    onBug: (bug) => bugs.push(bug),
    ...given,
  });
  return {
    feed,
    now,
    asked,
    watching,
    bugs,
    invalid,
    tick: (ms: number) => context.mock.timers.tick(ms),
  };
}

describe('createFeed', () => {
  it('asks for nothing while nobody watches', (context) => {
    const { feed, asked, tick } = bench(context);
    feed.mark('groups');
    feed.mark('grants');
    tick(10_000);
    assert.deepEqual(asked, { groups: 0, grants: 0 });
  });

  it('sends a snapshot at once, and changes gathered over 50 ms', (context) => {
    const { feed, now, asked, tick } = bench(context);
    const { seen, out } = watcher();
    feed.watch(holderOf('admin'), 'page', out);
    assert.deepEqual(
      seen.events.map((event) => event.type === 'snapshot' && [event.id, event.view.role]),
      [[1, 'admin']],
    );
    asked.groups = 0;
    for (let waiting = 2; waiting < 100; waiting += 1) {
      now.groups = [makeGroup({ id: 'k1', waiting })];
      feed.mark('groups');
    }
    tick(49);
    assert.equal(seen.events.length, 1);
    tick(1);
    assert.deepEqual(seen.events[1], {
      type: 'change',
      id: 2,
      change: { groups: [makeGroup({ id: 'k1', waiting: 99 })] },
    });
    assert.equal(asked.groups, 1);
    tick(1000);
    assert.equal(seen.events.length, 2);
  });

  it('gathers uses of grants over 500 ms, sooner when something else goes out', (context) => {
    const { feed, now, tick } = bench(context);
    const { seen, out } = watcher();
    feed.watch(holderOf('admin'), 'page', out);
    now.grants = [makeGrant({ uses: 1 })];
    feed.mark('grants');
    tick(499);
    assert.equal(seen.events.length, 1);
    tick(1);
    assert.equal(seen.events.length, 2);
    now.grants = [makeGrant({ uses: 2 })];
    feed.mark('grants');
    feed.mark('gate');
    tick(50);
    assert.deepEqual(seen.events[2], {
      type: 'change',
      id: 3,
      change: { grants: [makeGrant({ uses: 2 })] },
    });
  });

  it('sends nothing when a mark changed nothing', (context) => {
    const { feed, tick } = bench(context);
    const { seen, out } = watcher();
    feed.watch(holderOf('admin'), 'page', out);
    feed.mark('groups');
    tick(50);
    assert.equal(seen.events.length, 1);
  });

  it('gives whoever comes later what is there, and those who watch the same changes', (context) => {
    const { feed, now, tick } = bench(context);
    const [first, second] = [watcher(), watcher()];
    feed.watch(holderOf('admin'), 'page', first.out);
    now.groups = [makeGroup({ id: 'k2' })]; // not even marked
    feed.watch(holderOf('approver'), 'watch', second.out);
    now.groups = [];
    feed.mark('groups');
    tick(50);
    assert.deepEqual(
      first.seen.events.map((event) => (event.type === 'change' ? event.change : event.type)),
      [
        'snapshot',
        { groups: [makeGroup({ id: 'k2' })], closedGroups: ['k1'] },
        { closedGroups: ['k2'] },
      ],
    );
    assert.deepEqual(
      second.seen.events.map((event) =>
        event.type === 'change' ? [event.id, event.change] : [event.id, event.view.groups],
      ),
      [
        [2, [makeGroup({ id: 'k2' })]],
        [3, { closedGroups: ['k2'] }],
      ],
    );
  });

  it('shows viewers nothing private', (context) => {
    const { feed, now, tick } = bench(context);
    const { seen, out } = watcher();
    now.groups = [makeGroup({ id: 'k1', askers: [makeAskerView({ cwd: '/private' })] })];
    feed.watch(holderOf('viewer'), 'api', out);
    feed.watch(holderOf('admin'), 'page', watcher().out);
    now.groups = [makeGroup({ id: 'k2', request: 'GET /private' })];
    now.grants = [makeGrant({ note: 'private' })];
    feed.mark('groups');
    feed.mark('grants');
    tick(50);
    assert.equal(seen.events.length, 2);
    assert.doesNotMatch(seen.text, /private/);
  });

  it('cuts off a slow watcher and serves the others', (context) => {
    const { feed, now, tick, watching } = bench(context);
    const [slow, quick] = [watcher(true), watcher()];
    feed.watch(holderOf('admin'), 'page', slow.out);
    feed.watch(holderOf('admin'), 'tray', quick.out);
    let changes = 0;
    const note = 'x'.repeat(100_000);
    for (; slow.seen.cuts === 0 && changes < 20; changes += 1) {
      now.grants = [makeGrant({ note, uses: changes })];
      feed.mark('gate');
      feed.mark('grants');
      tick(50);
    }
    assert.equal(changes, 12); // a little over one MiB
    assert.equal(slow.seen.events.length, 12);
    assert.equal(quick.seen.events.length, 13);
    assert.deepEqual([feed.count(), watching.at(-1)], [1, ['page', -1]]);
  });

  it('does not take a long snapshot for slowness', (context) => {
    const { feed, now, tick } = bench(context);
    now.grants = Array.from({ length: 5000 }, (_, n) =>
      makeGrant({ id: `g${n}`, note: 'x'.repeat(200) }),
    );
    const { seen, out } = watcher(true);
    feed.watch(holderOf('admin'), 'page', out);
    assert.ok(seen.unsent > 1024 * 1024);
    now.groups = [];
    feed.mark('groups');
    tick(50);
    assert.deepEqual([seen.cuts, seen.events.length], [0, 2]);
  });

  it('sends a comment every 15 s', (context) => {
    const { feed, tick } = bench(context);
    const { seen, out } = watcher();
    feed.watch(holderOf('admin'), 'page', out);
    const before = seen.text;
    tick(15_000);
    tick(15_000);
    assert.equal(seen.text, `${before}:\n\n:\n\n`);
  });

  it('takes 64 watchers, 32 with one token', (context) => {
    const { feed } = bench(context);
    for (let n = 0; n < 32; n += 1)
      feed.watch(holderOf('admin', 'admin', `page#${n}`), 'page', watcher().out);
    assert.deepEqual(
      [feed.hasRoom(holderOf('admin')), feed.hasRoom(holderOf('viewer'))],
      [false, true],
    );
    for (let n = 0; n < 32; n += 1) feed.watch(holderOf('viewer'), 'api', watcher().out);
    assert.equal(feed.hasRoom(holderOf('approver')), false);
    const { seen, out } = watcher();
    feed.watch(holderOf('approver'), 'api', out)();
    assert.deepEqual([seen.text, seen.cuts, feed.count()], ['', 1, 64]);
  });

  it('is crowded for a token with eight watchers', (context) => {
    const { feed } = bench(context);
    const seen = Array.from({ length: 9 }, () => {
      const isCrowded = feed.isCrowded(holderOf('admin'));
      feed.watch(holderOf('admin'), 'page', watcher().out);
      return isCrowded;
    });
    assert.deepEqual(seen.slice(-2), [false, true]);
    assert.equal(feed.isCrowded(holderOf('viewer')), false);
  });

  it('tells who watches, viewers excepted, and once when they leave', (context) => {
    const { feed, watching, asked, tick } = bench(context);
    const leave = feed.watch(holderOf('approver'), 'tray', watcher().out);
    feed.watch(holderOf('viewer'), 'api', watcher().out)();
    leave();
    leave();
    assert.deepEqual(watching, [
      ['tray', 1],
      ['tray', -1],
    ]);
    asked.groups = 0;
    feed.mark('groups');
    tick(60_000);
    assert.deepEqual([asked.groups, feed.count()], [0, 0]);
  });

  it('begins anew for whoever comes after all have left', (context) => {
    const { feed, now } = bench(context);
    feed.watch(holderOf('admin'), 'page', watcher().out)();
    now.groups = [];
    const { seen, out } = watcher();
    feed.watch(holderOf('admin'), 'page', out);
    assert.deepEqual(
      seen.events.map((event) => event.type === 'snapshot' && event.view.groups),
      [[]],
    );
  });

  it('cuts off whose secret is no longer good, at once when told and else within 15 s', (context) => {
    const { feed, invalid, tick } = bench(context);
    const [first, second, third] = [watcher(), watcher(), watcher()];
    feed.watch(holderOf('admin', 'local', 'local#1'), 'page', first.out);
    feed.watch(holderOf('viewer', 't1'), 'api', second.out);
    feed.watch(holderOf('viewer', 't2'), 'api', third.out);
    invalid.add('t1');
    feed.recheck();
    assert.deepEqual([first.seen.cuts, second.seen.cuts, third.seen.cuts], [0, 1, 0]);
    invalid.add('local#1');
    tick(15_000);
    assert.deepEqual([first.seen.cuts, third.seen.cuts, feed.count()], [1, 0, 1]);
  });

  it('ends every stream when it closes', (context) => {
    const { feed, watching } = bench(context);
    const { seen, out } = watcher();
    feed.watch(holderOf('admin'), 'page', out);
    feed.close();
    assert.deepEqual([seen.cuts, feed.count(), watching.length], [1, 0, 2]);
  });

  it('lets everybody begin anew after a fault, and tells of it', (context) => {
    const failure = new Error('inside');
    let isBroken = false;
    const { feed, bugs, tick } = bench(context, {
      source: {
        version: '1',
        gate: makeGate,
        groups: () => {
          if (isBroken) throw failure;
          return [];
        },
        floods: () => [],
        grants: () => [],
        answers: () => [],
        policyChange: () => null,
      },
    });
    const { seen, out } = watcher();
    feed.watch(holderOf('admin'), 'page', out);
    isBroken = true;
    feed.mark('groups');
    tick(50);
    assert.deepEqual([bugs, seen.cuts, feed.count()], [[failure], 1, 0]);
  });
});
