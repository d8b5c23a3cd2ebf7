import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HookEnd } from '../../../src/approval/hook-answer.ts';
import type { ReviewQuestion } from '../../../src/approval/hook-question.ts';
import { createReviewer, type Reviewed } from '../../../src/approval/reviewer.ts';
import type { AnswerRequest, GroupView } from '../../../src/control/messages.ts';
import type { ApproverRef } from '../../../src/policy/decision.ts';
import { makeFacts, makeGroup } from '../../support/views.ts';

/** One run of the hook that the test ends. */
interface Run {
  readonly question: ReviewQuestion;
  readonly limitMs: number;
  readonly end: (end: HookEnd) => void;
}

interface Given {
  /** False: the configuration says `user`. */
  readonly isOn?: boolean;
  readonly perHour?: number;
  /** What becomes of an answer; taken unless said. */
  readonly result?: { readonly status: string; readonly problem?: string };
}

function setUp({ isOn = true, perHour = 30, result = { status: 'answered' } }: Given = {}) {
  const runs: Run[] = [];
  const answers: [string, AnswerRequest, ApproverRef][] = [];
  const asked: string[] = [];
  const told: GroupView[] = [];
  const reviewed: Reviewed[] = [];
  const bugs: unknown[] = [];
  const groups = new Map<string, GroupView>();
  const world = { nowMs: 0, isPaused: false, changes: 0, isBroken: false };
  const reviewer = createReviewer({
    ask: isOn
      ? async (question, limitMs) => {
          const { promise, resolve } = Promise.withResolvers<HookEnd>();
          runs.push({ question, limitMs, end: resolve });
          return await promise;
        }
      : undefined,
    settings: () => ({ reviewSeconds: 20, reviewMinutes: 10, reviewPerHour: perHour }),
    isPaused: () => world.isPaused,
    group: (id) => {
      const view = groups.get(id);
      const whySentence = `review: ${reviewer.reviewOf(id)?.kind ?? 'none'}`;
      return view === undefined ? 'gone' : { ...view, whySentence };
    },
    answer: (id, request, approver) => {
      if (world.isBroken) throw new Error('broken');
      answers.push([id, request, approver]);
      if (result.status === 'answered') groups.delete(id);
      return result;
    },
    now: () => world.nowMs,
    onChanged: () => (world.changes += 1),
    onAsked: (view) => {
      asked.push(view.id);
      told.push(view);
    },
    onReviewed: (end) => reviewed.push(end),
    onBug: (error) => bugs.push(error),
  });
  const open = (given: Partial<GroupView> = {}): void => {
    const view = makeGroup(given);
    groups.set(view.id, view);
    reviewer.opened(view);
  };
  /** Ends a run; everything that follows from it has happened then. */
  const end = async (at: number, answer: HookEnd): Promise<void> => {
    runs[at]?.end(answer);
    await settled();
  };
  return { reviewer, runs, answers, asked, told, reviewed, bugs, groups, world, open, end };
}

/** Lets what was resolved go through its few awaits. */
async function settled(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(resolve);
  await promise;
}

const say = (verdict: string, risk = 'low', reason = 'because'): HookEnd => ({
  status: 'done',
  answer: { verdict, risk, reason },
});
const approver: ApproverRef = { name: 'auto_review', surface: 'reviewer' };

describe('the reviewer', () => {
  it('is given the question and shown as reviewing', () => {
    const { reviewer, runs, asked, world, open } = setUp();
    open();
    assert.deepEqual(
      runs.map(({ question, limitMs }) => [question.type, question.id, question.minutes, limitMs]),
      [['review', 'k3', 10, 20_000]],
    );
    assert.deepEqual(reviewer.reviewOf('k3'), { kind: 'reviewing' });
    assert.deepEqual([asked, world.changes], [[], 1]);
  });

  it('allows at low risk for minutes, this host and this port, at the revision it saw', async () => {
    const { reviewer, answers, asked, reviewed, world, open, end } = setUp();
    open({ revision: 7 });
    world.nowMs = 1500;
    await end(0, say('allow'));
    assert.deepEqual(answers, [
      [
        'k3',
        {
          outcome: 'allow',
          for: '10m',
          host: 'exact',
          port: 'this',
          revision: 7,
          note: 'because',
        },
        approver,
      ],
    ]);
    assert.deepEqual([reviewer.reviewOf('k3'), asked], [undefined, []]);
    assert.deepEqual(reviewed, [
      {
        id: 'k3',
        host: 'api.example.net',
        port: 443,
        verdict: { verdict: 'allow', risk: 'low', reason: 'because' },
        end: 'allowed',
        tookMs: 1500,
      },
    ]);
  });

  it('denies once and tells the program why', async () => {
    const { answers, reviewed, open, end } = setUp();
    open();
    await end(0, say('deny', 'high', 'a paste site'));
    const request = { outcome: 'deny', for: 'once', revision: 1 };
    assert.deepEqual(answers, [
      ['k3', { ...request, note: 'a paste site', tell: 'a paste site' }, approver],
    ]);
    assert.deepEqual(
      reviewed.map(({ end: how }) => how),
      ['denied'],
    );
  });

  const passedOn: readonly (readonly [string, HookEnd, string, string | null])[] = [
    ['asks for a person', say('ask'), 'low risk: because', null],
    ['allows at medium risk', say('allow', 'medium'), 'medium risk: because', null],
    ['allows at high risk', say('allow', 'high'), 'high risk: because', null],
    [
      'says what is no verdict',
      { status: 'done', answer: { verdict: 'allow' } },
      'the reviewer answered with something that is no verdict',
      'the reviewer answered with something that is no verdict',
    ],
    [
      'is late',
      { status: 'failed', problem: 'did not answer within 20 s' },
      'the reviewer did not answer within 20 s',
      'the reviewer did not answer within 20 s',
    ],
    [
      'cannot be started',
      { status: 'failed', problem: 'cannot be started (ENOENT)' },
      'the reviewer cannot be started (ENOENT)',
      'the reviewer cannot be started (ENOENT)',
    ],
  ];
  for (const [name, answer, reason, problem] of passedOn) {
    it(`leaves it to a person when it ${name}`, async () => {
      const { reviewer, answers, asked, reviewed, open, end } = setUp();
      open();
      await end(0, answer);
      assert.deepEqual([answers, asked], [[], ['k3']]);
      assert.deepEqual(reviewer.reviewOf('k3'), { kind: 'asked', reason });
      assert.deepEqual(
        reviewed.map(({ end: how }) => how),
        ['asked'],
      );
      assert.equal(reviewer.problem(), problem);
    });
  }

  it('forgets a problem at the next verdict', async () => {
    const { reviewer, open, end } = setUp();
    open();
    await end(0, { status: 'failed', problem: 'broke off its answer' });
    open({ id: 'k4' });
    await end(1, say('ask'));
    assert.equal(reviewer.problem(), null);
  });

  const forPeople: readonly (readonly [string, Partial<GroupView>])[] = [
    ['a bare address', { facts: makeFacts({ kind: 'ipv4' }) }],
    ['a warning', { warnings: ['Look.'], quickAllow: false }],
    ['a flood', { bundle: { id: 'b1', title: '12 names', suggests: 'deny' } }],
    ['a question a person denied', { why: 'denied_before' }],
  ];
  for (const [name, given] of forPeople) {
    it(`is not given ${name}`, () => {
      const { reviewer, runs, asked, open } = setUp();
      open(given);
      assert.deepEqual([runs, asked, reviewer.reviewOf('k3')], [[], ['k3'], undefined]);
    });
  }

  it('is given nothing when the configuration says user', () => {
    const { runs, asked, open } = setUp({ isOn: false });
    open();
    assert.deepEqual([runs, asked], [[], ['k3']]);
  });

  it('is given nothing while questions are paused, and decides nothing then', async () => {
    const { reviewer, runs, asked, answers, world, open, end } = setUp();
    open();
    world.isPaused = true;
    open({ id: 'k4' });
    await end(0, say('allow'));
    assert.deepEqual([runs.length, answers, asked], [1, [], ['k4', 'k3']]);
    assert.deepEqual(reviewer.reviewOf('k3'), { kind: 'asked', reason: 'questions are paused' });
  });

  it('is given so many questions an hour and no more', async () => {
    const { reviewer, runs, asked, world, open } = setUp({ perHour: 2 });
    open({ id: 'k1' });
    world.nowMs = 1_800_000;
    open({ id: 'k2' });
    open({ id: 'k3' });
    const reason = 'the reviews of this hour (2) are used up';
    assert.deepEqual(reviewer.reviewOf('k3'), { kind: 'asked', reason });
    world.nowMs = 3_600_000;
    open({ id: 'k4' });
    open({ id: 'k5' });
    assert.deepEqual(
      [runs.map(({ question }) => question.id), asked],
      [
        ['k1', 'k2', 'k4'],
        ['k3', 'k5'],
      ],
    );
    await settled();
  });

  it('gives no answer when a person was faster', async () => {
    const { reviewer, answers, asked, reviewed, groups, open, end } = setUp();
    open();
    groups.delete('k3');
    reviewer.closed('k3');
    await end(0, say('allow'));
    assert.deepEqual([answers, asked, reviewer.reviewOf('k3')], [[], [], undefined]);
    assert.deepEqual(
      reviewed.map(({ end: how }) => how),
      ['late'],
    );
  });

  for (const status of ['gone', 'unknown']) {
    it(`takes it calmly that its answer finds the question ${status}`, async () => {
      const { reviewer, asked, reviewed, open, end } = setUp({ result: { status } });
      open();
      await end(0, say('allow'));
      assert.deepEqual([asked, reviewer.reviewOf('k3')], [[], undefined]);
      assert.deepEqual(
        reviewed.map(({ end: how }) => how),
        ['late'],
      );
    });
  }

  it('leaves it to a person when its answer cannot be taken', async () => {
    const result = { status: 'full', problem: 'no room' };
    const { reviewer, asked, open, end } = setUp({ result });
    open();
    await end(0, say('allow'));
    assert.deepEqual(asked, ['k3']);
    assert.deepEqual(reviewer.reviewOf('k3'), { kind: 'asked', reason: 'no room' });
  });

  it('passes a question on as it is then, which says why it was left', async () => {
    const { told, open, end } = setUp({ perHour: 1 });
    open({ id: 'k1' });
    open({ id: 'k2' });
    await end(0, say('ask'));
    assert.deepEqual(
      told.map(({ id, whySentence }) => [id, whySentence]),
      [
        ['k2', 'review: asked'],
        ['k1', 'review: asked'],
      ],
    );
  });

  it('reviews a question that changed once more, in the time that is left', async () => {
    const { reviewer, runs, answers, groups, world, open, end } = setUp();
    open();
    groups.set('k3', makeGroup({ revision: 2, asked: 5 }));
    world.nowMs = 5_000;
    await end(0, say('deny'));
    assert.deepEqual(
      runs.map(({ question, limitMs }) => [question.asked, limitMs]),
      [
        [1, 20_000],
        [5, 15_000],
      ],
    );
    assert.deepEqual(reviewer.reviewOf('k3'), { kind: 'reviewing' });
    await end(1, say('allow'));
    assert.deepEqual(
      answers.map(([, { outcome, revision }]) => [outcome, revision]),
      [['allow', 2]],
    );
  });

  it('leaves a question to a person that changes twice', async () => {
    const { reviewer, answers, asked, groups, open, end } = setUp();
    open();
    groups.set('k3', makeGroup({ revision: 2 }));
    await end(0, say('allow'));
    groups.set('k3', makeGroup({ revision: 3 }));
    await end(1, say('allow'));
    assert.deepEqual([answers, asked], [[], ['k3']]);
    const reason = 'it changed while it was reviewed';
    assert.deepEqual(reviewer.reviewOf('k3'), { kind: 'asked', reason });
  });

  const changes: readonly (readonly [string, Partial<GroupView>, number, string])[] = [
    ['has a warning now', { warnings: ['Look.'] }, 0, 'it has a warning'],
    ['changed at the last moment', {}, 19_900, 'it changed while it was reviewed'],
    ['would be one too many', {}, 0, 'the reviews of this hour (1) are used up'],
  ];
  for (const [name, given, nowMs, reason] of changes) {
    it(`does not review again what ${name}`, async () => {
      const perHour = reason.includes('(1)') ? 1 : 30;
      const { reviewer, runs, answers, groups, world, open, end } = setUp({ perHour });
      open();
      groups.set('k3', makeGroup({ revision: 2, ...given }));
      world.nowMs = nowMs;
      await end(0, say('allow'));
      assert.deepEqual([runs.length, answers], [1, []]);
      assert.deepEqual(reviewer.reviewOf('k3'), { kind: 'asked', reason });
    });
  }

  it('leaves the question to a person when something of ours breaks', async () => {
    const { reviewer, asked, bugs, world, open, end } = setUp();
    open();
    world.isBroken = true;
    await end(0, say('allow'));
    assert.deepEqual([asked, bugs.length], [['k3'], 1]);
    assert.deepEqual(reviewer.reviewOf('k3'), { kind: 'asked', reason: 'the reviewer failed' });
  });

  it('keeps only so much in mind', () => {
    const { reviewer, open } = setUp({ perHour: 1 });
    for (let id = 0; id < 5000; id += 1) open({ id: `k${id}` });
    assert.equal(reviewer.reviewOf('k0'), undefined);
    assert.equal(reviewer.reviewOf('k4999')?.kind, 'asked');
  });
});
