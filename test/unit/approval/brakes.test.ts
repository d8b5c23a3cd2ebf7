import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createBrakes, type Brakes } from '../../../src/approval/brakes.ts';

interface Bench {
  readonly brakes: Brakes;
  readonly clock: { nowMs: number };
  readonly kept: { text: string | undefined; fails: boolean };
  readonly changes: number[];
}

function makeBrakes(text?: string): Bench {
  const clock = { nowMs: Date.UTC(2026, 10, 20) };
  const kept = { text, fails: false };
  const changes: number[] = [];
  const brakes = createBrakes({
    store: {
      file: '/state/panic.json',
      load: () => kept.text,
      save: (next) => {
        if (kept.fails) throw new Error('disk full');
        kept.text = next;
      },
    },
    now: () => clock.nowMs,
    onChanged: () => changes.push(clock.nowMs),
  });
  return { brakes, clock, kept, changes };
}

describe('pause', () => {
  it('lasts as long as it was given, and resuming ends it before', () => {
    const { brakes, clock, changes } = makeBrakes();
    brakes.pause(600_000);
    assert.equal(brakes.pausedUntilMs(), clock.nowMs + 600_000);
    clock.nowMs += 599_999;
    assert.notEqual(brakes.pausedUntilMs(), undefined);
    assert.equal(brakes.resume(), true);
    assert.equal(brakes.pausedUntilMs(), undefined);
    assert.equal(brakes.resume(), false);
    assert.equal(changes.length, 2);
    brakes.close();
  });

  it('ends by itself, and tells', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const { brakes, clock, changes } = makeBrakes();
    brakes.pause(60_000);
    clock.nowMs += 60_001;
    context.mock.timers.tick(60_001);
    assert.equal(brakes.pausedUntilMs(), undefined);
    assert.equal(changes.length, 2);
  });
});

describe('panic', () => {
  it('is kept, and found by the next start', () => {
    const first = makeBrakes();
    first.brakes.panic();
    const again = makeBrakes(first.kept.text);
    assert.equal(again.brakes.panicSinceMs(), first.clock.nowMs);
    assert.equal(again.brakes.reopen(), true);
    assert.equal(makeBrakes(again.kept.text).brakes.panicSinceMs(), undefined);
    assert.equal(again.brakes.reopen(), false);
  });

  it('closes the gate also when it cannot be kept, and says so', () => {
    const { brakes, kept, clock } = makeBrakes();
    kept.fails = true;
    assert.throws(() => brakes.panic(), /disk full/);
    assert.equal(brakes.panicSinceMs(), clock.nowMs);
  });

  it('stays when its end cannot be kept', () => {
    const { brakes, kept } = makeBrakes();
    brakes.panic();
    kept.fails = true;
    assert.throws(() => brakes.reopen(), /disk full/);
    assert.notEqual(brakes.panicSinceMs(), undefined);
  });

  it('makes decisions that are under way ask again', () => {
    const { brakes } = makeBrakes();
    const before = brakes.generation();
    brakes.panic();
    assert.notEqual(brakes.generation(), before);
  });

  const since = '"panic":"2026-11-20T12:00:00.000Z"';
  for (const text of [
    '',
    '{}',
    '{"panic":1}',
    '{"panic":"yesterday"}',
    'null',
    '[]',
    `{${since},"panic":null}`,
    `{${since},"\\u0070anic":null}`,
    '{"panic":null,"more":1}',
  ]) {
    it(`refuses the start over a file that holds ${JSON.stringify(text)}`, () => {
      assert.throws(() => makeBrakes(text), { code: 'ERR_STATE_CORRUPT', message: /panic\.json/ });
    });
  }
});
