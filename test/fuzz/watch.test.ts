// Property test of the live list: whatever is typed and whatever the daemon sends, an answer leaves only for the
// open question on the screen, at its revision, after its sentence stood there for the dead time; and the screen is
// always as large as the terminal. FUZZ_RUNS sets the number of steps, of which one input has about fifty.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { widthOf } from '../../src/cli/columns.ts';
import { deadTimeMs, selectedCard, type Effect } from '../../src/cli/watch-state.ts';
import type { GroupView } from '../../src/control/messages.ts';
import { escapePrintable } from '../../src/policy/printable.ts';
import { makeAnswer, makeGroup, makeLiveView } from '../support/views.ts';
import { plainPreview, WatchBench } from '../support/watch.ts';

const numRuns = Math.ceil(Number(process.env['FUZZ_RUNS'] ?? 20_000) / 50);
// Cast: the corpus is ours, a list of lists of steps.
const corpus = JSON.parse(
  readFileSync(new URL('corpus/watch.json', import.meta.url), 'utf8'),
) as readonly (readonly string[])[];

const keys = 'j k a d t h p g u + P ! ? y n q return escape up down pagedown pageup'.split(' ');
const happenings =
  'view change answered empty told told failed refused done lost small large tick pause pause pause'.split(
    ' ',
  );
const step = fc.oneof(fc.constantFrom(...keys), fc.constantFrom(...happenings));

/** A watch, a daemon of one or two questions, and since when the sentence on the screen stands there. */
class Run {
  readonly watch = new WatchBench();
  #revision = 1;
  #groups: readonly GroupView[] = [];
  #saidAtMs = Number.POSITIVE_INFINITY;

  #view(groups: readonly GroupView[], answered = false): void {
    this.#groups = groups;
    this.watch.view(makeLiveView({ groups, answers: answered ? [makeAnswer()] : [] }));
  }

  #questions(): readonly GroupView[] {
    const warnings = this.#revision % 2 === 0 ? ['Look\u202e twice. '.repeat(20)] : [];
    return [
      makeGroup({ revision: this.#revision, warnings }),
      makeGroup({ id: 'k4', host: `${'long.'.repeat(40)}example.net` }),
    ];
  }

  #happen(name: string): void {
    const { watch } = this;
    const { mode, tickets } = watch.state;
    switch (name) {
      case 'view':
        return this.#view(this.#questions());
      case 'change':
        this.#revision += 1;
        return this.#view(this.#questions());
      case 'answered':
        return this.#view(this.#questions().slice(1), true);
      case 'empty':
        return this.#view([]);
      case 'told':
        if (mode.kind === 'answer' && mode.step === 'choose') this.#saidAtMs = watch.nowMs;
        watch.news({
          kind: 'previewed',
          ticket: tickets,
          preview: { kind: 'told', preview: plainPreview },
        });
        return;
      case 'failed':
        watch.news({ kind: 'previewed', ticket: tickets, preview: { kind: 'failed', text: 'x' } });
        return;
      case 'refused':
        watch.news({ kind: 'refused', from: 'answer', reason: 'changed', text: 'x' });
        return;
      case 'done':
        watch.news({ kind: 'answered', id: 'k3', text: 'done' });
        return;
      case 'lost':
        watch.news({ kind: 'lost', problem: 'gone' });
        return;
      case 'small':
        watch.news({ kind: 'size', columns: 40, rows: 10 });
        return;
      case 'large':
        watch.news({ kind: 'size', columns: 120, rows: 40 });
        return;
      default:
        watch.wait(name === 'tick' ? 90 : 600);
    }
  }

  take(name: string): void {
    const { watch } = this;
    const before = watch.state;
    const sent = watch.effects.length;
    if (happenings.includes(name)) this.#happen(name);
    else watch.keys(name);
    for (const effect of watch.effects.slice(sent)) this.#judge(effect, name, before);
    // a sentence that is asked for anew is not on the screen
    if (watch.effects.slice(sent).some(({ kind }) => kind === 'preview')) {
      this.#saidAtMs = Number.POSITIVE_INFINITY;
    }
    this.#look();
  }

  #judge(effect: Effect, name: string, before: WatchBench['state']): void {
    if (effect.kind !== 'answer') return;
    assert.ok(name === 'return' || name === 'y', `${name} answers`);
    assert.ok(before.mode.kind === 'answer' && before.mode.preview.kind === 'told');
    assert.equal(before.mode.step, effect.request.for === 'always' ? 'always' : 'choose');
    const group = this.#groups.find(({ id }) => id === effect.id);
    assert.equal(effect.request.revision, group?.revision, 'another question than the one shown');
    assert.equal(selectedCard(before)?.group.id, effect.id);
    assert.equal(before.lost, undefined);
    assert.ok(this.watch.nowMs - this.#saidAtMs >= deadTimeMs, 'its sentence has just come up');
  }

  #look(): void {
    const { columns, rows } = this.watch.state.size;
    const lines = this.watch.lines();
    assert.equal(lines.length, rows);
    for (const line of lines) {
      assert.ok(widthOf(line) <= columns, line);
      assert.equal(escapePrintable(line), line);
    }
  }
}

function replay(steps: readonly string[]): Run {
  const run = new Run();
  for (const one of steps) run.take(one);
  return run;
}

describe('the live list', () => {
  for (const [index, steps] of corpus.entries()) {
    it(`keeps its promises in ${index}: ${steps.join(' ')}`, () => void replay(steps));
  }

  it('answers when it should', () => {
    const kinds = replay(corpus[0] ?? []).watch.sent();
    assert.deepEqual(kinds, ['answer']);
  });

  it('keeps its promises whatever comes', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 80 }), (steps) => {
        replay(['view', 'pause', 'j', ...steps]);
      }),
      { numRuns },
    );
  });
});
