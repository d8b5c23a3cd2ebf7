import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Resolution } from '../../../src/policy/decision.ts';
import { createLookupLane } from '../../../src/proxy/lookup-lane.ts';

const failed: Resolution = { kind: 'failed', failure: 'dns_failed' };
const late: Resolution = { kind: 'failed', failure: 'dns_timeout' };

function addresses(...list: readonly string[]): Resolution {
  return { kind: 'addresses', addresses: list };
}

/** A system that answers each name when the test says so. */
function createSystem(): {
  readonly lookup: (host: string) => Promise<readonly string[]>;
  readonly asked: string[];
  readonly answer: (host: string, address?: string) => void;
} {
  const open = new Map<string, PromiseWithResolvers<readonly string[]>>();
  const asked: string[] = [];
  return {
    asked,
    lookup: (host) => {
      asked.push(host);
      const question = Promise.withResolvers<readonly string[]>();
      open.set(host, question);
      return question.promise;
    },
    answer: (host, address = '93.184.215.14') => open.get(host)?.resolve([address]),
  };
}

function mockTimers(t: TestContext): void {
  t.mock.timers.enable({ apis: ['setTimeout'] });
}

describe('an answer of the lane', () => {
  const cases = [
    {
      name: 'has canonical addresses, each once and in order',
      lookup: async () => ['2001:DB8:0:0::1', '93.184.215.14', '2001:db8::1'],
      want: addresses('2001:db8::1', '93.184.215.14'),
    },
    {
      name: 'leaves out what is no address of ours',
      lookup: async () => ['fe80::1%lo0', 'a.test', '', '10.0.0.1'],
      want: addresses('10.0.0.1'),
    },
    { name: 'is a failure without addresses', lookup: async () => [], want: failed },
    { name: 'is a failure with none to use', lookup: async () => ['fe80::1%lo0'], want: failed },
    {
      name: 'is a failure when the system has one',
      lookup: () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' })),
      want: failed,
    },
    {
      name: 'is a failure when the system throws',
      lookup: () => {
        throw new Error('no threads');
      },
      want: failed,
    },
  ];
  for (const { name, lookup, want } of cases) {
    it(name, async () => {
      const lane = createLookupLane(1, 1000, lookup);
      assert.deepEqual(await lane.ask('a.test'), want);
      assert.equal(lane.busy(), false, 'its thread is free again');
    });
  }
});

describe('the line before the lane', () => {
  it('asks as many at once as there are slots, and the rest in their order', async () => {
    const system = createSystem();
    const lane = createLookupLane(2, 60_000, system.lookup);
    const names = ['a', 'b', 'c', 'd'];
    assert.equal(lane.busy(), false);
    const answers = names.map((name) => lane.ask(name));
    assert.deepEqual([system.asked, lane.busy()], [['a', 'b'], true]);
    system.answer('b', '10.0.0.2');
    assert.deepEqual(await answers[1], addresses('10.0.0.2'));
    assert.deepEqual([system.asked, lane.busy()], [['a', 'b', 'c'], true]);
    system.answer('a', '10.0.0.1');
    assert.deepEqual(await answers[0], addresses('10.0.0.1'));
    system.answer('c', '10.0.0.3');
    system.answer('d', '10.0.0.4');
    assert.deepEqual(await Promise.all(answers.slice(2)), [
      addresses('10.0.0.3'),
      addresses('10.0.0.4'),
    ]);
    assert.equal(lane.busy(), false);
  });

  it('is left at the deadline without an answer, and without a question', async (t) => {
    mockTimers(t);
    const system = createSystem();
    const lane = createLookupLane(1, 1000, system.lookup);
    const first = lane.ask('a');
    const waiting = lane.ask('b');
    t.mock.timers.tick(1000);
    assert.deepEqual(await waiting, late);
    system.answer('a');
    assert.deepEqual(await first, addresses('93.184.215.14'));
    assert.deepEqual([system.asked, lane.busy()], [['a'], false]);
  });

  it('has no deadline for a question that has been asked', async (t) => {
    mockTimers(t);
    const system = createSystem();
    const lane = createLookupLane(1, 1000, system.lookup);
    const first = lane.ask('a');
    const waiting = lane.ask('b');
    t.mock.timers.tick(999);
    system.answer('a');
    await first;
    t.mock.timers.tick(10_000); // not ended by a timer of its wait, which is over
    system.answer('b', '10.0.0.2');
    assert.deepEqual(await waiting, addresses('10.0.0.2'));
  });

  it('takes 256 and no more', async (t) => {
    mockTimers(t);
    const system = createSystem();
    const lane = createLookupLane(1, 1000, system.lookup);
    const asked = lane.ask('first');
    const waiting = Array.from({ length: 256 }, (_, index) => lane.ask(`n${index}`));
    assert.deepEqual(await lane.ask('one too many'), late);
    t.mock.timers.tick(1000);
    assert.deepEqual(new Set(await Promise.all(waiting)), new Set([late]));
    system.answer('first');
    assert.deepEqual(await asked, addresses('93.184.215.14'));
  });
});
