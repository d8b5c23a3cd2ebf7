import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import {
  createAttendance,
  pausedText,
  stanceOf,
  type StanceFacts,
} from '../../../src/approval/attendance.ts';

function setUp(context: TestContext) {
  context.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const told: boolean[] = [];
  const attendance = createAttendance({
    now: Date.now,
    onChanged: () => told.push(attendance.isAttended()),
  });
  const pass = (seconds: number): void => context.mock.timers.tick(seconds * 1000);
  return { attendance, told, pass };
}

describe('attendance', () => {
  it('counts the start as somebody, for a minute, and tells when it has passed', (context) => {
    const { attendance, told, pass } = setUp(context);
    pass(59);
    assert.deepEqual([attendance.isAttended(), told], [true, []]);
    pass(1);
    assert.deepEqual([attendance.isAttended(), told], [false, [false]]);
    pass(3600);
    assert.deepEqual(told, [false]);
  });

  it('takes a call of an approver for a minute, and tells when he comes', (context) => {
    const { attendance, told, pass } = setUp(context);
    pass(100);
    attendance.seen('cli');
    assert.deepEqual([attendance.isAttended(), told], [true, [false, true]]);
    pass(40);
    attendance.seen('api');
    pass(40);
    assert.equal(attendance.isAttended(), true);
    pass(20);
    assert.deepEqual([attendance.isAttended(), told], [false, [false, true, false]]);
  });

  for (const surface of ['tray', 'page', 'watch'] as const) {
    it(`stays attended while a ${surface} listens, and a minute longer`, (context) => {
      const { attendance, told, pass } = setUp(context);
      pass(100);
      attendance.watching(surface, 1);
      pass(7200);
      assert.equal(attendance.isAttended(), true);
      attendance.watching(surface, -1);
      pass(59);
      assert.equal(attendance.isAttended(), true);
      pass(1);
      assert.deepEqual([attendance.isAttended(), told.at(-1)], [false, false]);
    });
  }

  it('does not take a stream that shows nothing to anybody for a person', (context) => {
    const { attendance, pass } = setUp(context);
    attendance.watching('api', 1);
    attendance.watching('cli', 1);
    pass(60);
    assert.equal(attendance.isAttended(), false);
    assert.deepEqual(attendance.counts(), { api: 1, cli: 1 });
  });

  it('counts the streams of each surface and tells of each change', (context) => {
    const { attendance, told } = setUp(context);
    attendance.watching('page', 1);
    attendance.watching('page', 1);
    attendance.watching('tray', 1);
    assert.deepEqual(attendance.counts(), { page: 2, tray: 1 });
    attendance.watching('page', -1);
    attendance.watching('tray', -1);
    assert.deepEqual(attendance.counts(), { page: 1 });
    assert.equal(told.length, 5);
  });

  it('tells nothing any more once it is closed', (context) => {
    const { attendance, told, pass } = setUp(context);
    attendance.close();
    pass(100);
    assert.deepEqual(told, []);
  });
});

describe('stanceOf', () => {
  const plain: StanceFacts['approvals'] = {
    holdSeconds: 290,
    holdSecondsExplicit: false,
    reviewer: 'user',
    reviewSeconds: 20,
  };
  const nobody = 'Nobody is watching for questions right now.';
  const alone = 'Nobody is asked in a run with CODEX_NON_INTERACTIVE=1.';
  const paused = new Date(2026, 10, 20, 14, 5).getTime();
  const nowMs = new Date(2026, 10, 20, 13, 55).getTime();
  const cases: readonly {
    readonly name: string;
    readonly pausedUntilMs?: number;
    readonly isAttended?: boolean;
    readonly approvals?: Partial<StanceFacts['approvals']>;
    readonly want: ReturnType<typeof stanceOf>;
  }[] = [
    {
      name: 'holds as configured while somebody is there',
      want: { end: 'timeout', holdMs: undefined, say: undefined },
    },
    {
      name: 'refuses at once when nobody is there',
      isAttended: false,
      want: { end: 'timeout', holdMs: 0, say: nobody },
    },
    {
      name: 'holds a written hold_seconds though nobody is there',
      isAttended: false,
      approvals: { holdSecondsExplicit: true },
      want: { end: 'timeout', holdMs: undefined, say: undefined },
    },
    {
      name: 'holds for a review when nobody is there',
      isAttended: false,
      approvals: { reviewer: 'auto_review' },
      want: { end: 'timeout', holdMs: 20_000, say: nobody },
    },
    {
      name: 'holds as configured when somebody is there beside the reviewer',
      approvals: { reviewer: 'auto_review' },
      want: { end: 'timeout', holdMs: undefined, say: undefined },
    },
    {
      name: 'refuses at once in a run that is not interactive, whoever is there',
      approvals: { holdSeconds: 0 },
      want: { end: 'timeout', holdMs: 0, say: alone },
    },
    {
      name: 'holds for a review in a run that is not interactive',
      approvals: { holdSeconds: 0, reviewer: 'auto_review' },
      want: { end: 'timeout', holdMs: 20_000, say: alone },
    },
    {
      name: 'says nothing of a 0 that somebody wrote',
      approvals: { holdSeconds: 0, holdSecondsExplicit: true },
      want: { end: 'timeout', holdMs: undefined, say: undefined },
    },
    {
      name: 'refuses at once while paused, whatever is written and whoever is there',
      pausedUntilMs: paused,
      approvals: { holdSecondsExplicit: true, reviewer: 'auto_review' },
      want: {
        end: 'paused',
        holdMs: 0,
        say: 'An approver has paused questions until 14:05.',
      },
    },
  ];
  for (const { name, pausedUntilMs, isAttended = true, approvals, want } of cases) {
    it(name, () => {
      const facts = { pausedUntilMs, nowMs, isAttended, approvals: { ...plain, ...approvals } };
      assert.deepEqual(stanceOf(facts), want);
    });
  }
  it('names the day of a pause that ends on another', () => {
    const until = new Date(2026, 10, 21, 0, 5).getTime();
    const want = 'An approver has paused questions until 21 Nov 00:05.';
    assert.equal(pausedText(until, nowMs), want);
  });
});
