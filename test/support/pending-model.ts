// A plain model of questions and holds, to check pending.ts against whatever is done to it.
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { Pending } from '../../src/approval/pending.ts';
import type { Effect, PendingAsker, PendingLimits } from '../../src/approval/pending.ts';
import { makeDestination } from './asking.ts';

/** One thing done to the questions; numbers choose among what there is. */
export type PendingStep =
  | {
      readonly kind: 'open';
      readonly host: number;
      readonly holdMs: number | undefined;
      readonly isProvisional: boolean;
    }
  | { readonly kind: 'identify'; readonly at: number; readonly tree: number }
  | { readonly kind: 'pass'; readonly at: number }
  | { readonly kind: 'withdraw' | 'decide' | 'extend'; readonly at: number; readonly ms: number }
  | { readonly kind: 'answer'; readonly at: number; readonly outcome: 'allow' | 'deny' }
  | { readonly kind: 'tick'; readonly ms: number }
  | { readonly kind: 'pause' };

/** Any sequence of steps. */
export const pendingSteps: fc.Arbitrary<readonly PendingStep[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('open' as const),
        host: fc.nat(5),
        holdMs: fc.constantFrom(undefined, 0, 5, 2000),
        isProvisional: fc.boolean(),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('identify' as const),
        at: fc.nat(9),
        tree: fc.nat(3),
      }),
    },
    fc.record({ kind: fc.constant('pass' as const), at: fc.nat(9) }),
    fc.record({
      kind: fc.constantFrom('withdraw' as const, 'decide' as const, 'extend' as const),
      at: fc.nat(9),
      ms: fc.nat(3000),
    }),
    fc.record({
      kind: fc.constant('answer' as const),
      at: fc.nat(9),
      outcome: fc.constantFrom('allow' as const, 'deny' as const),
    }),
    fc.record({ kind: fc.constant('tick' as const), ms: fc.nat(4000) }),
    fc.record({ kind: fc.constant('pause' as const) }),
  ),
  { maxLength: 40 },
);

const limits: PendingLimits = {
  holdMs: 1000,
  questionMs: 5000,
  holdsPerGroup: 4,
  holds: 8,
  groups: 3,
};
const trees: readonly (PendingAsker | undefined)[] = [
  { tree: 'codex', identity: 'curl' },
  { tree: 'codex', identity: 'node' },
  { tree: 'other', identity: 'wget' },
  undefined,
];

/** Does the steps and checks after each that what pending.ts says of itself is what it was told. */
export function checkPending(steps: readonly PendingStep[]): void {
  const model = new PendingModel();
  for (const step of steps) model.run(step);
  model.finish(steps.length % 2 === 0);
}

class PendingModel {
  readonly #pending = new Pending<PendingAsker>(limits);
  #now = 0;
  /** Holds that have not ended, with their question and the soonest they may time out. */
  readonly #waiting = new Map<number, { readonly group: string; dueMs: number }>();
  /** Look-ups that are owed, oldest first. */
  readonly #owed: { readonly group: string; readonly hold: number }[] = [];
  readonly #open = new Set<string>();
  readonly #revisions = new Map<string, number>();
  readonly #asked = new Map<string, number>();
  /** Questions that somebody asked whom nobody knew. */
  readonly #unknown = new Set<string>();

  run(step: PendingStep): void {
    this.#do(step);
    this.#check();
  }

  /** Whatever there was is gone in time; and, from where it stands, at once when all is stopped. */
  finish(isStopped: boolean): void {
    if (!isStopped) {
      while (this.#owed.length > 0) this.run({ kind: 'identify', at: 0, tree: 2 });
      this.run({ kind: 'tick', ms: 10_000 });
      this.run({ kind: 'tick', ms: 10_000 });
      assert.deepEqual(this.#pending.counts(), { groups: 0, holds: 0 });
    }
    this.#apply(this.#pending.stop(this.#now));
    assert.deepEqual([this.#waiting.size, this.#open.size], [0, 0]);
    assert.deepEqual(this.#pending.counts(), { groups: 0, holds: 0 });
    for (const { group, hold } of this.#owed) {
      assert.deepEqual(this.#pending.identify(group, hold, trees[0], this.#now), []);
    }
    assert.equal(this.#pending.nextDueMs(), undefined);
  }

  #do(step: PendingStep): void {
    const pending = this.#pending;
    const now = this.#now;
    switch (step.kind) {
      case 'open':
        return this.#openHold(step);
      case 'identify':
      case 'pass': {
        const [owed] = this.#owed.splice(step.at % Math.max(1, this.#owed.length), 1);
        if (owed === undefined) return undefined;
        const { group, hold } = owed;
        if (step.kind === 'identify' && trees[step.tree] === undefined) this.#unknown.add(group);
        return this.#apply(
          step.kind === 'pass'
            ? pending.pass(group, hold, 'limit', now)
            : pending.identify(group, hold, trees[step.tree], now),
        );
      }
      case 'withdraw': {
        const hold = [...this.#waiting.keys()][step.at] ?? 0;
        return this.#apply(pending.withdraw(hold, now));
      }
      case 'decide':
        return this.#apply(pending.decide(this.#groupAt(step.at)));
      case 'extend':
        return this.#extend(this.#groupAt(step.at), now + step.ms);
      case 'answer': {
        const id = this.#groupAt(step.at);
        const { answered, effects } = pending.answer(id, step.outcome, undefined, now);
        assert.equal(answered.status === 'answered', this.#open.has(id));
        for (const effect of effects) {
          if (effect.kind === 'ended') {
            assert.deepEqual([effect.end, effect.group], [endOf(step.outcome), id]);
          }
        }
        return this.#apply(effects);
      }
      case 'tick':
        this.#now += step.ms;
        return this.#tick();
      case 'pause':
        this.#apply(pending.endAll('paused', now));
        return assert.equal(this.#waiting.size, 0);
      default:
        return step satisfies never;
    }
  }

  #openHold({ host, holdMs, isProvisional }: PendingStep & { kind: 'open' }): void {
    const destination = makeDestination(`h${host}.example`);
    const { hold, group, identify, effects } = this.#pending.open(destination, this.#now, {
      holdMs,
      isProvisional,
    });
    for (const effect of effects) if (effect.kind === 'opened') this.#open.add(effect.group);
    if (group !== undefined) {
      this.#waiting.set(hold, { group, dueMs: this.#now + (holdMs ?? limits.holdMs) });
    }
    if (!identify && group !== undefined) this.#unknown.add(group);
    if (identify) this.#owed.push({ group: group ?? assert.fail('nothing to identify'), hold });
    this.#apply(effects);
  }

  #extend(id: string, untilMs: number): void {
    const said = this.#pending.extend(id, untilMs);
    const own = [...this.#waiting.values()].filter(({ group }) => group === id);
    for (const hold of own) hold.dueMs = Math.max(hold.dueMs, untilMs);
    const soonest = own.length === 0 ? undefined : Math.min(...own.map(({ dueMs }) => dueMs));
    assert.equal(said, this.#open.has(id) ? (soonest ?? 'nobody') : said);
    if (!this.#open.has(id)) assert.ok(said === 'gone' || said === 'unknown');
  }

  #tick(): void {
    const due = [...this.#waiting].filter(([, { dueMs }]) => dueMs <= this.#now);
    const effects = this.#pending.tick(this.#now);
    const ended = effects.flatMap((effect) => (effect.kind === 'ended' ? [effect.hold] : []));
    assert.deepEqual(new Set(ended), new Set(due.map(([hold]) => hold)));
    this.#apply(effects);
    const next = this.#pending.nextDueMs();
    assert.ok(next === undefined || next > this.#now);
  }

  #apply(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'ended') {
        assert.ok(effect.waitedMs >= 0);
        const known = this.#waiting.delete(effect.hold);
        assert.ok(known || effect.group === undefined, 'a hold ends once');
      }
      if (effect.kind === 'closed') {
        assert.ok(this.#open.delete(effect.group), 'a question closes once');
        const left = [...this.#waiting.values()].some(({ group }) => group === effect.group);
        assert.ok(!left, 'nobody waits in a question that is closed');
      }
    }
  }

  #groupAt(at: number): string {
    return [...this.#open][at] ?? 'a1';
  }

  #check(): void {
    const pending = this.#pending;
    const counts = pending.counts();
    assert.deepEqual(counts, { groups: this.#open.size, holds: this.#waiting.size });
    assert.ok(counts.holds <= limits.holds && counts.groups <= limits.groups + limits.holds);
    const shown = pending.list();
    assert.ok(shown.length <= limits.groups);
    for (const id of this.#open) this.#checkGroup(id);
  }

  #checkGroup(id: string): void {
    const group = this.#pending.find(id);
    if (typeof group === 'string') return assert.fail(`${id} is ${group}`);
    const own = [...this.#waiting.values()].filter((hold) => hold.group === id);
    const { waiting, deadlineMs, oldestMs, revision, asked, askers, unidentified } = group;
    assert.equal(waiting, own.length);
    assert.equal(
      deadlineMs,
      own.length === 0 ? undefined : Math.min(...own.map(({ dueMs }) => dueMs)),
    );
    assert.equal(oldestMs === undefined, own.length === 0);
    assert.ok(revision >= (this.#revisions.get(id) ?? 1) && asked >= (this.#asked.get(id) ?? 0));
    const isOwed = this.#owed.some((owed) => owed.group === id);
    assert.equal(unidentified, isOwed || this.#unknown.has(id));
    assert.ok(askers.length <= trees.length);
    this.#revisions.set(id, revision);
    this.#asked.set(id, asked);
  }
}

function endOf(outcome: 'allow' | 'deny'): 'allowed' | 'denied' {
  return outcome === 'allow' ? 'allowed' : 'denied';
}
