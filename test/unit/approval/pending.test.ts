import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatGroupId, parseGroupId, Pending } from '../../../src/approval/pending.ts';
import type { PendingAsker, PendingLimits } from '../../../src/approval/pending.ts';
import { makeDestination } from '../../support/asking.ts';

const limits: PendingLimits = {
  holdMs: 1000,
  questionMs: 60_000,
  holdsPerGroup: 8,
  holds: 20,
  groups: 4,
};
const codex: PendingAsker = { tree: 'codex', identity: 'curl' };
const other: PendingAsker = { tree: 'other', identity: 'wget' };
const third: PendingAsker = { tree: 'third', identity: 'node' };
const fourth: PendingAsker = { tree: 'fourth', identity: 'git' };

function make(given: Partial<PendingLimits> = {}): Pending<PendingAsker> {
  return new Pending({ ...limits, ...given });
}

/** Opens a hold and says who asks. */
function ask(
  pending: Pending<PendingAsker>,
  host: string,
  asker: PendingAsker | undefined,
  now = 0,
) {
  const opened = pending.open(makeDestination(host), now);
  const effects = [...opened.effects];
  if (opened.identify)
    effects.push(...pending.identify(opened.group ?? '', opened.hold, asker, now));
  return { ...opened, effects };
}

describe('short ids', () => {
  it('start with a letter that changes from one to the next', () => {
    assert.deepEqual([0, 1, 22, 23, 45, 46].map(formatGroupId), [
      'a1',
      'b1',
      'z1',
      'a2',
      'z2',
      'a3',
    ]);
  });
  it('are read back', () => {
    for (let n = 0; n < 5000; n += 1) assert.equal(parseGroupId(formatGroupId(n)), n);
  });
  it('are nothing else', () => {
    for (const text of [
      '',
      'a',
      'a0',
      'a01',
      'l1',
      'o1',
      'i1',
      'A1',
      'a1 ',
      '1a',
      'a1234567890',
      'aa1',
    ]) {
      assert.equal(parseGroupId(text), undefined, text);
    }
  });
});

describe('open', () => {
  it('makes one question of 500 holds for one destination', () => {
    const pending = make({ holds: 4096, holdsPerGroup: 1024 });
    const effects = Array.from(
      { length: 500 },
      () => ask(pending, 'a.example', codex).effects,
    ).flat();
    assert.deepEqual(effects, [{ kind: 'opened', group: 'a1' }]);
    assert.deepEqual(pending.counts(), { groups: 1, holds: 500 });
    const { answered, effects: ends } = pending.answer('a1', 'allow', undefined, 7);
    assert.equal(answered.status === 'answered' && answered.released, 500);
    assert.equal(ends.filter(({ kind }) => kind === 'ended').length, 500);
    assert.deepEqual(ends.at(-1), { kind: 'closed', group: 'a1', why: 'answered' });
    assert.deepEqual(pending.counts(), { groups: 0, holds: 0 });
  });
  it('makes another question of another port and of another protocol', () => {
    const pending = make();
    pending.open(makeDestination('a.example', 443), 0);
    pending.open(makeDestination('a.example', 8443), 0);
    pending.open(makeDestination('a.example', 443, { protocol: 'http' }), 0);
    assert.deepEqual(
      pending.list().map(({ id, destination }) => [id, destination.port, destination.protocol]),
      [
        ['a1', 443, 'https_connect'],
        ['b1', 8443, 'https_connect'],
        ['c1', 443, 'http'],
      ],
    );
  });
  it('shows the question whole', () => {
    const pending = make();
    ask(pending, 'a.example', codex, 100);
    ask(pending, 'a.example', codex, 300);
    assert.deepEqual(pending.find('a1'), {
      id: 'a1',
      revision: 1,
      destination: makeDestination('a.example'),
      waiting: 2,
      asked: 2,
      firstSeenMs: 100,
      lastSeenMs: 300,
      oldestMs: 100,
      deadlineMs: 1100,
      expiresMs: 60_300,
      askers: [codex],
      unidentified: false,
    });
  });
  it('refuses at once and keeps the question when holding is off', () => {
    const pending = make({ holdMs: 0 });
    const { effects } = ask(pending, 'a.example', codex, 5);
    assert.deepEqual(effects, [
      { kind: 'opened', group: 'a1' },
      { kind: 'ended', hold: 1, end: 'timeout', group: 'a1', waitedMs: 0 },
    ]);
    assert.deepEqual(
      pending.list().map(({ waiting, asked }) => [waiting, asked]),
      [[0, 1]],
    );
  });
});

describe('limits', () => {
  const endsOf = (effects: readonly { readonly kind: string }[]) =>
    effects.flatMap((effect) => ('end' in effect ? [effect.end] : []));

  it('end what is over the holds of one question, of any tree', () => {
    const pending = make();
    const trees = ['a', 'b', 'c', 'd'];
    const ends = Array.from({ length: 12 }, (_, n) => {
      const tree = trees[n % 4] ?? '';
      return endsOf(ask(pending, 'a.example', { tree, identity: tree }).effects);
    });
    assert.deepEqual(ends.flat(), ['limit', 'limit', 'limit', 'limit']);
    assert.deepEqual(pending.counts(), { groups: 1, holds: 8 });
  });
  it('give one tree half of a question', () => {
    const pending = make();
    const ends = Array.from({ length: 6 }, () =>
      endsOf(ask(pending, 'a.example', codex).effects),
    ).flat();
    assert.deepEqual(ends, ['limit', 'limit']);
    assert.deepEqual(endsOf(ask(pending, 'a.example', other).effects), []);
  });
  it('give one tree half of all holds', () => {
    const pending = make({ holds: 6 });
    const hosts = ['a.example', 'b.example'];
    const ends = hosts.flatMap((host) =>
      [0, 1].flatMap(() => endsOf(ask(pending, host, codex).effects)),
    );
    assert.deepEqual(ends, ['limit']);
    assert.deepEqual(endsOf(ask(pending, 'a.example', other).effects), []);
  });
  it('give all programs nobody knows one half together', () => {
    const pending = make();
    const ends = Array.from({ length: 5 }, () =>
      endsOf(ask(pending, 'a.example', undefined).effects),
    ).flat();
    assert.deepEqual(ends, ['limit']);
  });
  it('give one tree half of the questions, and drop the one that is too many', () => {
    const pending = make();
    ask(pending, 'a.example', codex);
    ask(pending, 'b.example', codex);
    assert.deepEqual(ask(pending, 'c.example', codex).effects, [
      { kind: 'opened', group: 'c1' },
      { kind: 'ended', hold: 3, end: 'limit', group: undefined, waitedMs: 0 },
      { kind: 'closed', group: 'c1', why: 'crowded' },
    ]);
    assert.equal(pending.find('c1'), 'gone');
    assert.deepEqual(endsOf(ask(pending, 'd.example', other).effects), []);
  });
  it('let a tree replace its own oldest question that nobody waits in', () => {
    const pending = make();
    const first = ask(pending, 'a.example', codex);
    ask(pending, 'b.example', codex);
    pending.withdraw(first.hold, 10);
    assert.deepEqual(ask(pending, 'c.example', codex, 20).effects, [
      { kind: 'opened', group: 'c1' },
      { kind: 'closed', group: 'a1', why: 'evicted' },
    ]);
  });
  it('let the oldest question that nobody waits in give way, then refuse', () => {
    const pending = make({ groups: 2 });
    const first = ask(pending, 'a.example', codex, 0);
    pending.withdraw(first.hold, 1);
    const second = ask(pending, 'b.example', other, 2);
    assert.deepEqual(ask(pending, 'c.example', third, 3).effects, [
      { kind: 'opened', group: 'c1' },
      { kind: 'closed', group: 'a1', why: 'evicted' },
    ]);
    assert.deepEqual(ask(pending, 'd.example', fourth, 4).effects, [
      { kind: 'opened', group: 'd1' },
      { kind: 'ended', hold: 4, end: 'limit', group: undefined, waitedMs: 0 },
      { kind: 'closed', group: 'd1', why: 'crowded' },
    ]);
    pending.withdraw(second.hold, 5);
    assert.deepEqual(ask(pending, 'd.example', fourth, 6).effects, [
      { kind: 'opened', group: 'e1' },
      { kind: 'closed', group: 'b1', why: 'evicted' },
    ]);
  });
  it('keep a place for others from a flood of one tree that nobody has looked at yet (it once took all)', () => {
    const pending = make({ groups: 4, holds: 20 });
    const flood = Array.from({ length: 12 }, (_, n) => `flood${n}.example`);
    const opened = flood.map((host) => pending.open(makeDestination(host), 0));
    assert.deepEqual(endsOf(ask(pending, 'a.example', other).effects), []);
    const ends = opened.map(({ group = '', hold }) =>
      endsOf(pending.identify(group, hold, codex, 1)),
    );
    assert.deepEqual(ends.flat(), flood.slice(1).fill('limit'));
    assert.deepEqual(
      pending.list().map(({ destination }) => destination.host),
      ['flood0.example', 'a.example'],
    );
  });
  it('keep places free between floods of one known tree and of programs nobody knows (they once had all)', () => {
    const pending = make({ groups: 16, holds: 200, holdsPerGroup: 200 });
    const flood = (name: string, asker: PendingAsker | undefined): number => {
      for (let n = 0; n < 30; n += 1) ask(pending, `${name}${n}.example`, asker);
      return pending.counts().groups;
    };
    const groups = [flood('known', codex), flood('unknown', undefined), flood('other', other)];
    assert.deepEqual(groups, [8, 12, 14]);
    assert.deepEqual(endsOf(ask(pending, 'a.example', third).effects), []);
  });
  it('keep holds free in the same way', () => {
    const pending = make({ holds: 16, holdsPerGroup: 100 });
    const flood = (asker: PendingAsker | undefined): number => {
      for (let n = 0; n < 16; n += 1) ask(pending, 'a.example', asker);
      return pending.counts().holds;
    };
    assert.deepEqual([flood(codex), flood(undefined), flood(other)], [8, 12, 14]);
    assert.deepEqual(endsOf(ask(pending, 'a.example', third).effects), []);
  });
  it('give a tree its half of the questions also when each is asked twice at once (it once got all)', () => {
    const pending = make();
    const hosts = ['a.example', 'b.example', 'c.example', 'd.example'];
    const opened = hosts.flatMap((host) =>
      [0, 1].map(() => pending.open(makeDestination(host), 0)),
    );
    for (const { group = '', hold } of opened) pending.identify(group, hold, codex, 1);
    assert.deepEqual(pending.counts(), { groups: 2, holds: 4 });
  });
  it('show no more questions than may be asked, and have an end to those nobody has looked at', () => {
    const pending = make({ groups: 2, holds: 3 });
    const opened = Array.from({ length: 6 }, (_, n) =>
      pending.open(makeDestination(`flood${n}.example`), 0),
    );
    assert.deepEqual(
      opened.map(({ effects }) => endsOf(effects)),
      [[], [], [], ['limit'], ['limit'], ['limit']],
    );
    assert.equal(pending.list().length, 2);
    for (const { hold } of opened) pending.withdraw(hold, 1);
    const beyond = Array.from({ length: 9 }, (_, n) =>
      pending.withdraw(pending.open(makeDestination(`more${n}.example`), 2).hold, 2),
    );
    assert.ok(pending.counts().groups <= 5, `${beyond.length} more made no more questions`);
  });
  it('give back what ended holds and questions took', () => {
    const pending = make();
    for (let round = 0; round < 50; round += 1) {
      const hosts = ['a.example', 'b.example'];
      const holds = hosts.flatMap((host) => [
        ask(pending, host, codex, round),
        ask(pending, host, codex, round),
      ]);
      assert.deepEqual(
        holds.flatMap(({ effects }) => endsOf(effects)),
        [],
      );
      for (const { id } of pending.list()) pending.answer(id, 'deny', undefined, round);
    }
    assert.deepEqual(pending.counts(), { groups: 0, holds: 0 });
  });
});

describe('ends', () => {
  it('withdraw a hold and keep the question', () => {
    const pending = make();
    const { hold } = ask(pending, 'a.example', codex, 0);
    assert.deepEqual(pending.withdraw(hold, 40), [
      { kind: 'ended', hold, end: 'gone', group: 'a1', waitedMs: 40 },
    ]);
    assert.deepEqual(pending.withdraw(hold, 41), []);
    const found = pending.find('a1');
    assert.deepEqual(
      typeof found === 'string' ? found : [found.waiting, found.deadlineMs, found.expiresMs],
      [0, undefined, 60_000],
    );
  });
  it('time out each hold at its own deadline, and the question much later', () => {
    const pending = make();
    ask(pending, 'a.example', codex, 0);
    ask(pending, 'a.example', codex, 400);
    assert.equal(pending.nextDueMs(), 1000);
    assert.deepEqual(pending.tick(999), []);
    assert.deepEqual(pending.tick(1000), [
      { kind: 'ended', hold: 1, end: 'timeout', group: 'a1', waitedMs: 1000 },
    ]);
    assert.equal(pending.nextDueMs(), 1400);
    assert.deepEqual(pending.tick(1500), [
      { kind: 'ended', hold: 2, end: 'timeout', group: 'a1', waitedMs: 1100 },
    ]);
    assert.equal(pending.nextDueMs(), 60_400);
    assert.deepEqual(pending.tick(60_400), [{ kind: 'closed', group: 'a1', why: 'expired' }]);
    assert.equal(pending.nextDueMs(), undefined);
    assert.equal(pending.find('a1'), 'gone');
  });
  it('keep a question alive that is asked again', () => {
    const pending = make();
    const first = ask(pending, 'a.example', codex, 0);
    pending.withdraw(first.hold, 1);
    const second = ask(pending, 'a.example', codex, 50_000);
    assert.equal(second.group, 'a1');
    pending.withdraw(second.hold, 50_001);
    assert.deepEqual(pending.tick(60_000), []);
    assert.equal(pending.nextDueMs(), 110_000);
  });
  it('apply a new hold time to what comes, also when it is shorter', () => {
    const pending = make();
    ask(pending, 'a.example', codex, 0);
    pending.setLimits({ ...limits, holdMs: 10 });
    ask(pending, 'a.example', codex, 0);
    assert.deepEqual(
      pending.tick(10).map((effect) => 'hold' in effect && effect.hold),
      [2],
    );
    assert.deepEqual(
      pending.tick(1000).map((effect) => 'hold' in effect && effect.hold),
      [1],
    );
  });
  it('decide a question only when nobody waits in it', () => {
    const pending = make();
    const { hold } = ask(pending, 'a.example', codex);
    assert.deepEqual(pending.decide('a1'), []);
    pending.end(hold, 'policy', 3);
    assert.deepEqual(pending.decide('a1'), [{ kind: 'closed', group: 'a1', why: 'decided' }]);
    assert.deepEqual(pending.decide('a1'), []);
  });
  it('stop everything', () => {
    const pending = make();
    ask(pending, 'a.example', codex, 0);
    ask(pending, 'b.example', codex, 0);
    assert.deepEqual(
      pending.stop(9).map((effect) => ('end' in effect ? effect.end : effect.kind)),
      ['stopping', 'stopping', 'closed', 'closed'],
    );
    assert.deepEqual(pending.counts(), { groups: 0, holds: 0 });
    assert.equal(pending.nextDueMs(), undefined);
  });
});

describe('answers', () => {
  it('tell an old question from one that never was', () => {
    const pending = new Pending(limits, 23);
    ask(pending, 'a.example', codex);
    pending.answer('a2', 'deny', undefined, 0);
    const statuses = ['a2', 'b2', 'a1', 'x', 'l1'].map(
      (id) => pending.answer(id, 'allow', undefined, 1).answered.status,
    );
    assert.deepEqual(statuses, ['gone', 'unknown', 'unknown', 'unknown', 'unknown']);
  });
  it('are refused when the askers have changed since the revision', () => {
    const pending = make();
    ask(pending, 'a.example', codex);
    ask(pending, 'a.example', codex);
    assert.equal(pending.check('a1', 1).status, 'answered');
    ask(pending, 'a.example', other);
    assert.equal(pending.answer('a1', 'allow', 1, 0).answered.status, 'changed');
    ask(pending, 'a.example', undefined);
    assert.equal(pending.check('a1', 2).status, 'changed');
    assert.equal(pending.answer('a1', 'allow', 3, 0).answered.status, 'answered');
  });
  it('know that a program is still looked for', () => {
    const pending = make();
    const { hold } = pending.open(makeDestination('a.example'), 0);
    const unidentified = () => pending.list().map((group) => group.unidentified);
    assert.deepEqual(unidentified(), [true]);
    pending.identify('a1', hold, codex, 0);
    assert.deepEqual(unidentified(), [false]);
    ask(pending, 'a.example', undefined);
    assert.deepEqual(unidentified(), [true]);
  });
  it('count programs beyond the bound as not known', () => {
    const pending = make({ holdsPerGroup: 1000, holds: 1000 });
    for (let n = 0; n < 33; n += 1) ask(pending, 'a.example', { tree: `t${n}`, identity: `i${n}` });
    const [group] = pending.list();
    assert.deepEqual([group?.askers.length, group?.unidentified, group?.revision], [32, true, 33]);
  });
  it('take the asker of a hold that has gone, since its question stands', () => {
    const pending = make();
    const { hold, group = '' } = pending.open(makeDestination('a.example'), 0);
    pending.withdraw(hold, 1);
    assert.deepEqual(pending.identify(group, hold, codex, 2), []);
    assert.deepEqual(
      pending.list().map(({ askers }) => askers),
      [[codex]],
    );
    assert.deepEqual(pending.identify('z9', 77, codex, 2), []);
  });
});

describe('pass', () => {
  it('ends a hold without making a question of it, nor using up a place', () => {
    const pending = make({ groups: 1 });
    const { group = '', hold } = pending.open(makeDestination('a.example'), 0, {
      isProvisional: true,
    });
    assert.deepEqual(pending.pass(group, hold, 'allowed', 7), [
      { kind: 'ended', hold, end: 'allowed', group: undefined, waitedMs: 7 },
      { kind: 'closed', group, why: 'crowded' },
    ]);
    assert.deepEqual(pending.counts(), { groups: 0, holds: 0 });
    assert.equal(ask(pending, 'b.example', codex).effects.length, 1);
  });
  it('leaves the question to the others who ask it, uncounted', () => {
    const pending = make();
    ask(pending, 'a.example', codex, 10);
    const opened = pending.open(makeDestination('a.example'), 20, { isProvisional: true });
    const effects = pending.pass('a1', opened.hold, 'denied', 25);
    assert.deepEqual(effects, [
      { kind: 'ended', hold: opened.hold, end: 'denied', group: undefined, waitedMs: 5 },
    ]);
    const { asked, lastSeenMs, waiting, unidentified } = pending.list()[0] ?? assert.fail();
    assert.deepEqual([asked, lastSeenMs, waiting, unidentified], [1, 10, 1, false]);
  });
  it('does nothing more for a hold that has ended, or a question that has gone', () => {
    const pending = make();
    const { group = '', hold } = pending.open(makeDestination('a.example'), 0);
    pending.withdraw(hold, 1);
    assert.deepEqual(pending.pass(group, hold, 'limit', 2), [
      { kind: 'closed', group, why: 'crowded' },
    ]);
    assert.deepEqual(pending.pass(group, hold, 'limit', 2), []);
  });
  it('keeps a question that has its place, until it expires', () => {
    const pending = make();
    const first = ask(pending, 'a.example', codex, 0);
    pending.withdraw(first.hold, 0);
    const opened = pending.open(makeDestination('a.example'), 50_000, { isProvisional: true });
    assert.deepEqual(pending.pass('a1', opened.hold, 'allowed', 50_001).length, 1);
    assert.equal(pending.nextDueMs(), 60_000);
  });
});

describe('a provisional hold', () => {
  it('counts as having asked once it is identified', () => {
    const pending = make();
    const { hold } = pending.open(makeDestination('a.example'), 5, { isProvisional: true });
    assert.equal(pending.list()[0]?.asked, 0);
    pending.identify('a1', hold, codex, 9);
    const { asked, lastSeenMs } = pending.list()[0] ?? assert.fail();
    assert.deepEqual([asked, lastSeenMs], [1, 9]);
  });
  it('counts at once when nobody will look for its program', () => {
    const pending = make({ holds: 1 });
    ask(pending, 'a.example', codex);
    const { identify } = pending.open(makeDestination('b.example'), 1, { isProvisional: true });
    assert.deepEqual([identify, pending.list()[1]?.asked], [false, 1]);
  });
});

describe('how a hold is opened', () => {
  it('may wait for another time than the limit', () => {
    const pending = make();
    const { hold } = pending.open(makeDestination('a.example'), 0, { holdMs: 5000 });
    pending.identify('a1', hold, codex, 0);
    assert.equal(pending.find('a1') !== 'gone' && pending.nextDueMs(), 5000);
    assert.deepEqual(pending.tick(4999), []);
    assert.equal(pending.tick(5000).length, 1);
  });
  it('may be at once although others wait', () => {
    const pending = make();
    ask(pending, 'a.example', codex);
    const { effects } = pending.open(makeDestination('a.example'), 3, { holdMs: 0 });
    assert.deepEqual(effects, [
      { kind: 'ended', hold: 2, end: 'timeout', group: 'a1', waitedMs: 0 },
    ]);
    assert.equal(pending.counts().holds, 1);
  });
  it('may bring with it what was refused before', () => {
    const pending = make();
    pending.open(makeDestination('a.example'), 0, { refusedBefore: 4 });
    assert.equal(pending.list()[0]?.asked, 5);
  });
});

describe('extend', () => {
  it('moves every deadline of the question, and no other', () => {
    const pending = make();
    ask(pending, 'a.example', codex, 0);
    ask(pending, 'b.example', codex, 1);
    ask(pending, 'a.example', other, 2);
    assert.equal(pending.extend('a1', 5000), 5000);
    const deadlines = () => pending.list().map(({ deadlineMs }) => deadlineMs);
    assert.deepEqual(deadlines(), [5000, 1001]);
    assert.equal(pending.nextDueMs(), 1001);
    assert.equal(pending.tick(4999).length, 1);
    assert.equal(pending.tick(5000).length, 2);
  });
  it('never makes anything wait for less', () => {
    const pending = make();
    ask(pending, 'a.example', codex, 0);
    assert.equal(pending.extend('a1', 400), 1000);
    assert.equal(pending.extend('a1', 3000), 3000);
  });
  it('finds nobody, nothing any more, nothing ever', () => {
    const pending = make();
    pending.withdraw(ask(pending, 'a.example', codex).hold, 0);
    assert.equal(pending.extend('a1', 5000), 'nobody');
    pending.answer('a1', 'deny', undefined, 0);
    assert.deepEqual([pending.extend('a1', 5000), pending.extend('b1', 1)], ['gone', 'unknown']);
  });
});

describe('endAll', () => {
  it('ends every hold and keeps every question', () => {
    const pending = make();
    ask(pending, 'a.example', codex, 0);
    ask(pending, 'b.example', other, 1);
    assert.deepEqual(pending.endAll('paused', 10), [
      { kind: 'ended', hold: 1, end: 'paused', group: 'a1', waitedMs: 10 },
      { kind: 'ended', hold: 2, end: 'paused', group: 'b1', waitedMs: 9 },
    ]);
    assert.deepEqual(
      pending.list().map(({ waiting, oldestMs }) => [waiting, oldestMs]),
      [
        [0, undefined],
        [0, undefined],
      ],
    );
  });
});

describe('a question without a place', () => {
  it('is not one of those that give way', () => {
    const pending = make({ groups: 1 });
    ask(pending, 'waiting.example', codex);
    const refused = pending.open(makeDestination('refused.example'), 0, { holdMs: 0 });
    const { effects } = ask(pending, 'late.example', other);
    assert.deepEqual(
      effects.flatMap((effect) => (effect.kind === 'closed' ? [effect.why] : [])),
      ['crowded'],
    );
    assert.notEqual(pending.find(refused.group ?? ''), 'gone', 'its program is still looked for');
  });
});
