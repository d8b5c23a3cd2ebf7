import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { planAnswer } from '../../../src/approval/answer-plan.ts';
import { heldAsker } from '../../../src/approval/group-view.ts';
import type { HeldAsker } from '../../../src/approval/group-view.ts';
import type { PendingGroup } from '../../../src/approval/pending.ts';
import type { AnswerRequest } from '../../../src/control/messages.ts';
import { makeAsker, makeDestination, makeProcess } from '../../support/asking.ts';

const approver = { name: 'dev', surface: 'cli' };
const executable = '/usr/bin/curl';
const curl = heldAsker(makeAsker(makeProcess(70, { executable })));
const programs = [{ executable, folder: '/home/dev/app' }];

function group(given: Partial<PendingGroup<HeldAsker>> = {}): PendingGroup<HeldAsker> {
  return {
    id: 'k3',
    revision: 1,
    destination: makeDestination('a.example.net'),
    waiting: 1,
    asked: 1,
    firstSeenMs: 0,
    lastSeenMs: 0,
    oldestMs: 0,
    deadlineMs: 290_000,
    expiresMs: 1_800_000,
    askers: [curl],
    unidentified: false,
    ...given,
  };
}

describe('planAnswer', () => {
  const spec = {
    outcome: 'allow',
    protocol: 'https_connect',
    host: 'a.example.net',
    port: 443,
    for: 'until',
    lastsMs: 3_600_000,
    approver,
    programs: undefined,
    note: undefined,
    question: 'k3',
  };
  const ticket = { ...spec, for: 'ticket', lastsMs: 600_000 };
  const unknown = { unidentified: true };
  const idle = { waiting: 0 };
  const cases: readonly {
    readonly name: string;
    readonly answer: Partial<AnswerRequest>;
    readonly given?: Partial<PendingGroup<HeldAsker>>;
    readonly want: object | undefined;
  }[] = [
    { name: 'leaves nothing behind once', answer: {}, want: undefined },
    {
      name: 'binds nothing once, though it says so',
      answer: { program: 'this' },
      given: unknown,
      want: undefined,
    },
    { name: 'remembers for any program', answer: { for: '1h' }, want: spec },
    {
      name: 'remembers for the programs that ask',
      answer: { for: '1h', program: 'this', note: 'why' },
      want: { ...spec, programs, note: 'why' },
    },
    {
      name: 'denies the programs that ask',
      answer: { outcome: 'deny', for: 'always', program: 'this' },
      want: { ...spec, outcome: 'deny', for: 'always', lastsMs: undefined, programs },
    },
    {
      name: 'gives those who asked a ticket',
      answer: {},
      given: idle,
      want: { ...ticket, programs },
    },
    { name: 'gives anybody a ticket', answer: { program: 'any' }, given: idle, want: ticket },
    {
      name: 'gives anybody a ticket where not all are known',
      answer: {},
      given: { ...idle, ...unknown },
      want: ticket,
    },
    {
      name: 'remembers a wildcard and any port until a restart',
      answer: { for: 'restart', host: '*.example.net', port: 'any' },
      want: { ...spec, for: 'restart', lastsMs: undefined, host: '*.example.net', port: 'any' },
    },
  ];
  for (const { name, answer, given, want } of cases) {
    it(name, () => {
      const plan = planAnswer({ outcome: 'allow', ...answer }, group(given), approver);
      assert.deepEqual(plan.ok ? plan.value.spec : plan.problem, want);
    });
  }
  for (const { name, answer, says } of [
    { name: 'programs nobody knows', answer: { for: '1h', program: 'this' }, says: /^program: / },
    { name: 'a ticket for programs nobody knows', answer: { program: 'this' }, says: /^program: / },
    { name: 'what its scope cannot be', answer: { for: 'sometimes' }, says: /^for: / },
    { name: 'words that cannot be shown', answer: { note: '\n' }, says: /^note: / },
  ] as const) {
    it(`refuses ${name}`, () => {
      const asked = group({ ...idle, ...unknown });
      const plan = planAnswer({ outcome: 'allow', ...answer }, asked, approver);
      assert.match(plan.ok ? '' : plan.problem, says);
    });
  }
  it('cools after a deny once, and tells the program', () => {
    const cools = (answer: Partial<AnswerRequest>) => {
      const plan = planAnswer({ outcome: 'deny', ...answer }, group(), approver);
      return plan.ok ? [plan.value.cools, plan.value.say] : plan.problem;
    };
    assert.deepEqual(cools({}), [true, undefined]);
    assert.deepEqual(cools({ tell: 'use the mirror' }), [
      true,
      'The approver says: use the mirror',
    ]);
    const tell = 'a paste site';
    const said = planAnswer({ outcome: 'deny', tell }, group(), {
      ...approver,
      surface: 'reviewer',
    });
    assert.equal(said.ok && said.value.say, 'The reviewer says: a paste site');
    assert.deepEqual(cools({ for: '1h' }), [false, undefined]);
    assert.deepEqual(cools({ outcome: 'allow' }), [false, undefined]);
  });
});
