import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { HookEnd } from '../../../src/approval/hook-answer.ts';
import { createPendingHook } from '../../../src/approval/pending-hook.ts';
import type { GroupView } from '../../../src/control/messages.ts';
import { makeGroup } from '../../support/views.ts';

const done: HookEnd = { status: 'done', answer: undefined };
const refused: HookEnd = { status: 'failed', problem: 'answered with status 500' };

function setUp(context: TestContext, ends: HookEnd[], isOn = true) {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const told: string[] = [];
  const problems: string[] = [];
  const world = { isPaused: false, recovered: 0 };
  const groups = new Map<string, GroupView>();
  const hook = createPendingHook({
    run: isOn
      ? (notice) => {
          told.push(`${notice.id}:${notice.asked}`);
          return Promise.resolve(ends.shift() ?? done);
        }
      : undefined,
    isPaused: () => world.isPaused,
    group: (id) => groups.get(id) ?? 'gone',
    onProblem: (problem) => problems.push(problem),
    onRecovered: () => (world.recovered += 1),
  });
  const open = async (given: Partial<GroupView> = {}): Promise<void> => {
    const view = makeGroup(given);
    groups.set(view.id, view);
    hook.opened(view);
    await pass(0);
  };
  const pass = async (ms: number): Promise<void> => {
    context.mock.timers.tick(ms);
    const { promise, resolve } = Promise.withResolvers<void>();
    setImmediate(resolve);
    await promise;
  };
  return { hook, told, problems, world, groups, open, pass };
}

describe('telling of questions', () => {
  it('tells once of each', async (context) => {
    const { hook, told, problems, open, pass } = setUp(context, []);
    await open();
    await open({ id: 'k4' });
    await pass(60_000);
    assert.deepEqual([told, problems, hook.problem()], [['k3:1', 'k4:1'], [], null]);
  });

  it('tells nobody where nothing is configured', async (context) => {
    const { told, open } = setUp(context, [], false);
    await open();
    assert.deepEqual(told, []);
  });

  it('tells nobody while questions are paused', async (context) => {
    const { told, world, open } = setUp(context, []);
    world.isPaused = true;
    await open();
    assert.deepEqual(told, []);
  });

  it('tries twice more, with what is true then, and says once what went wrong', async (context) => {
    const ends = [refused, refused, refused, refused];
    const { hook, told, problems, groups, open, pass } = setUp(context, ends);
    await open();
    groups.set('k3', makeGroup({ asked: 2 }));
    await pass(1_000);
    await pass(5_000);
    await pass(60_000);
    assert.deepEqual(told, ['k3:1', 'k3:2', 'k3:2']);
    assert.deepEqual(
      [problems, hook.problem()],
      [['answered with status 500'], 'answered with status 500'],
    );
  });

  it('stops trying once it worked, and says so', async (context) => {
    const { hook, told, world, open, pass } = setUp(context, [refused]);
    await open();
    await pass(1_000);
    await pass(60_000);
    assert.deepEqual([told.length, world.recovered, hook.problem()], [2, 1, null]);
  });

  it('does not tell again of a question that is gone', async (context) => {
    const { told, groups, open, pass } = setUp(context, [refused]);
    await open();
    groups.clear();
    await pass(1_000);
    assert.equal(told.length, 1);
  });

  it('keeps only so many to tell again', async (context) => {
    const { told, open, pass } = setUp(
      context,
      Array.from({ length: 100 }, () => refused),
    );
    for (let id = 0; id < 100; id += 1) await open({ id: `k${id}` });
    await pass(1_000);
    assert.equal(told.length, 164);
  });

  it('ends with the daemon', async (context) => {
    const { hook, told, open, pass } = setUp(context, [refused]);
    await open();
    hook.close();
    await open({ id: 'k4' });
    await pass(60_000);
    assert.deepEqual(told, ['k3:1']);
  });
});
