// What must hold of every request that is parked, whatever approvers, programs and clocks do meanwhile: nothing is
// let through that nobody allowed, and everything ends once.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import * as fc from 'fast-check';
import { createAnswerLog } from '../../src/approval/answer-log.ts';
import { createGrants } from '../../src/approval/grants.ts';
import { heldAsker } from '../../src/approval/group-view.ts';
import { createHolds, type HoldsParts } from '../../src/approval/holds.ts';
import type { Asker } from '../../src/approval/process-tree.ts';
import type { Stance } from '../../src/approval/question.ts';
import { createUndo } from '../../src/approval/undo.ts';
import type { AnswerRequest } from '../../src/control/messages.ts';
import type { HoldEnd } from '../../src/gate.ts';
import { makeAsker, makeDestination, makeProcess, makeRequest, makeShell } from './asking.ts';
import { calmFlood, makeHoldsParts } from './holds.ts';

/** One thing that happens; numbers choose among what there is. */
export type HoldsStep =
  | { readonly kind: 'ask'; readonly host: number; readonly program: number }
  | { readonly kind: 'answer'; readonly at: number; readonly answer: AnswerRequest }
  | { readonly kind: 'leave' | 'extend' | 'revoke' | 'undo'; readonly at: number }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'stance'; readonly holdMs: number | undefined }
  | { readonly kind: 'quiet'; readonly isQuiet: boolean }
  | { readonly kind: 'pauseAll' };

const answers: fc.Arbitrary<AnswerRequest> = fc.record({
  outcome: fc.constantFrom('allow' as const, 'deny' as const),
  for: fc.constantFrom('once', '1m', '1h', 'restart'),
  program: fc.constantFrom('this' as const, 'any' as const),
  host: fc.constantFrom('exact', 'exact', '*.example.net'),
});

/** Any sequence of steps. */
export const holdsSteps: fc.Arbitrary<readonly HoldsStep[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('ask' as const),
        host: fc.nat(1),
        program: fc.nat(2),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('answer' as const),
        at: fc.nat(2),
        answer: answers,
      }),
    },
    fc.record({
      kind: fc.constantFrom(
        'leave' as const,
        'extend' as const,
        'revoke' as const,
        'undo' as const,
      ),
      at: fc.nat(3),
    }),
    fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(1, 30_000, 61_000, 6e5) }),
    fc.record({
      kind: fc.constant('stance' as const),
      holdMs: fc.constantFrom(undefined, 0, 20_000),
    }),
    fc.record({ kind: fc.constant('quiet' as const), isQuiet: fc.boolean() }),
    fc.record({ kind: fc.constant('pauseAll' as const) }),
  ),
  { maxLength: 25 },
);

const hosts = ['a.example.net', 'b.example.net'];
const programs: readonly (Asker | undefined)[] = [
  makeAsker(makeProcess(70, { executable: '/usr/bin/curl' }), makeShell(30)),
  makeAsker(makeProcess(71, { executable: '/usr/bin/wget' }), makeShell(31)),
  undefined,
];
const approver = { name: 'dev', surface: 'cli' };
const say = 'as the stance says';

/** Plays the steps on a mocked clock and checks every end; needs `setTimeout` and `Date` to be mocked. */
export async function checkHolds(context: TestContext, steps: readonly HoldsStep[]): Promise<void> {
  const model = new HoldsModel();
  for (const step of steps) {
    model.run(step, context);
    await settled();
    model.check();
  }
  await model.finish();
}

interface Asked {
  readonly host: string;
  readonly program: number;
  readonly leave: AbortController;
  readonly atMs: number;
}

class HoldsModel {
  #stance: Stance = { end: 'timeout', holdMs: undefined, say: undefined };
  #isQuiet = false;
  readonly #bugs: unknown[] = [];
  /** Tickets that let something through. */
  readonly #used = new Set<string>();
  readonly #clients = new Map<number, number>();
  readonly #waiting = new Set<Asked>();
  /** Ids that were answered, with what was said. */
  readonly #said = new Map<string, 'allow' | 'deny'>();
  /** Until when a host is not asked about after a deny once, and by which question. */
  readonly #cooling = new Map<string, { readonly untilMs: number; readonly id: string }>();
  readonly #log = createAnswerLog();
  readonly #grants = createGrants({
    store: { file: 'f', load: () => undefined, save: () => undefined },
    now: () => Date.now(),
  });
  readonly #holds = createHolds(this.#parts());
  readonly #undo = createUndo({
    log: this.#log,
    now: () => Date.now(),
    revoke: (id) => this.#grants.revoke(id),
    closeQuestion: () => 0,
    liftCooling: (destination) => this.#holds.liftCooling(destination),
    onUndone: () => undefined,
    onBug: (error) => this.#bugs.push(error),
  });

  run(step: HoldsStep, context: TestContext): void {
    switch (step.kind) {
      case 'ask':
        return this.#ask(step.host, step.program);
      case 'answer':
        return this.#answer(step.at, step.answer);
      case 'leave':
        return [...this.#waiting][step.at]?.leave.abort();
      case 'extend':
        this.#holds.extend(this.#idAt(step.at), 600_000);
        return undefined;
      case 'revoke':
        this.#grants.revoke(this.#grants.list()[step.at]?.id ?? '');
        return undefined;
      case 'undo':
        return this.#takeBack();
      case 'pass':
        return context.mock.timers.tick(step.ms);
      case 'stance': {
        const { holdMs } = step;
        this.#stance = { end: 'timeout', holdMs, say: holdMs === undefined ? undefined : say };
        return undefined;
      }
      case 'quiet':
        this.#isQuiet = step.isQuiet;
        return undefined;
      case 'pauseAll':
        this.#holds.pauseAll(say, approver);
        return assert.equal(this.#holds.counts().holds, 0);
      default:
        return step satisfies never;
    }
  }

  check(): void {
    assert.deepEqual(this.#bugs, []);
    assert.equal(this.#holds.counts().holds, this.#waiting.size);
    const shown = this.#holds.list();
    const waiting = shown.reduce((sum, group) => sum + group.waiting, 0);
    assert.equal(waiting, this.#waiting.size, 'everything that waits is shown');
    for (const { id, deadline } of shown) {
      assert.equal(this.#said.has(id), false, 'what is answered is not asked');
      if (deadline !== null) assert.ok(Date.parse(deadline) > Date.now());
    }
  }

  async finish(): Promise<void> {
    this.#holds.stop();
    await settled();
    assert.deepEqual([this.#waiting.size, this.#holds.counts()], [0, { groups: 0, holds: 0 }]);
    assert.deepEqual(this.#bugs, []);
  }

  #parts(): HoldsParts {
    return makeHoldsParts({
      findAsker: (client) => Promise.resolve(programs[this.#clients.get(client.port) ?? 2]),
      stance: () => this.#stance,
      flood: {
        ...calmFlood,
        isQuiet: (tree) => this.#isQuiet && tree === quietTree,
        judge: (asker) => (this.#isQuiet && asker?.tree === quietTree ? 'quiet' : 'ask'),
      },
      isBound: this.#grants.isBound,
      findProgramGrant: this.#grants.findFor,
      addGrant: this.#grants.add,
      log: this.#log,
      onBug: (error) => this.#bugs.push(error),
    });
  }

  #idAt(at: number): string {
    return this.#holds.list()[at]?.id ?? 'z9';
  }

  #ask(hostAt: number, program: number): void {
    const host = hosts[hostAt] ?? assert.fail('no such host');
    const request = makeRequest(makeDestination(host));
    this.#clients.set(request.client.port, program);
    const asked = { host, program, leave: new AbortController(), atMs: Date.now() };
    const cooled = this.#cooling.get(host);
    const isCool = cooled !== undefined && cooled.untilMs > Date.now();
    const isBound = this.#grants.isBound(request.destination);
    const before = new Set(this.#said.keys());
    this.#waiting.add(asked);
    // Nothing may be awaited between the call and its end but what the holds themselves await.
    void this.#holds.hold(request, asked.leave.signal).then((end) => {
      assert.ok(this.#waiting.delete(asked), 'a hold ends once');
      this.#guard(() => {
        this.#checkEnd(asked, end);
        if (isCool && !isBound) {
          assert.deepEqual([end.end, end.summary.group], ['denied', cooled.id]);
        }
        const { group = '' } = end.summary;
        if (!isCool) assert.equal(before.has(group), false, 'an old answer decides nothing new');
      });
    });
  }

  #answer(at: number, answer: AnswerRequest): void {
    const id = this.#idAt(at);
    const view = this.#holds.get(id);
    const preview = this.#holds.preview(id, answer);
    const { status } = this.#holds.answer(id, answer, approver);
    if (typeof view === 'string') return assert.equal(status, view);
    const isFine = typeof preview !== 'string' && preview.problem === null;
    assert.equal(status, isFine ? 'answered' : 'bad', 'a preview says what would come of it');
    if (!isFine) return undefined;
    this.#said.set(id, answer.outcome);
    if (answer.outcome === 'deny' && answer.for === 'once') {
      this.#cooling.set(view.host, { untilMs: Date.now() + 60_000, id });
    }
    return undefined;
  }

  #takeBack(): void {
    const undone = this.#undo(undefined, approver);
    if (typeof undone === 'string') return;
    const { id, host, outcome, grant } = undone.answer;
    assert.ok(this.#log.isUndone(id));
    assert.ok(this.#grants.list().every((left) => left.id !== grant));
    if (outcome === 'deny') this.#cooling.delete(host);
  }

  #checkEnd({ host, program }: Asked, { end, grant, summary }: HoldEnd): void {
    if (end === 'timeout') assert.equal(summary.say === undefined || summary.say === say, true);
    if (end !== 'allowed') return;
    if (summary.approver !== undefined) {
      assert.equal(this.#said.get(summary.group ?? ''), 'allow');
      return;
    }
    if (grant?.ticket === true) {
      assert.equal(this.#used.has(grant.id), false, 'a ticket is used once');
      this.#used.add(grant.id);
    }
    // Nobody answered it, so a grant did: one that is for this program, or was used up by it.
    const kept = this.#grants.list().find(({ id }) => id === grant?.id);
    assert.ok(grant?.bound === true && grant.outcome === 'allow');
    if (kept === undefined) return assert.ok(grant.ticket);
    assert.ok(kept.host === host || host.endsWith(kept.host.slice(1)));
    const executable = programs[program]?.process.executable;
    assert.ok(kept.programs === null || kept.programs.some((one) => one.executable === executable));
    return undefined;
  }

  /** An assertion in a callback must fail the run, not an unheard promise. */
  #guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#bugs.push(error);
    }
  }
}

const quietTree = heldAsker(programs[1] ?? assert.fail('no such program')).tree;

/** Lets what is already resolved reach the holds. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
}
