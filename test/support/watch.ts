// A watch screen without a terminal: keys and news go in, lines come out, and the clock is the test's.
import { textOf } from '../../src/cli/columns.ts';
import { takeKey } from '../../src/cli/watch-keys.ts';
import { measurePanel } from '../../src/cli/watch-panel.ts';
import { renderScreen } from '../../src/cli/watch-screen.ts';
import {
  startState,
  takeNews,
  type Effect,
  type News,
  type Step,
  type WatchState,
} from '../../src/cli/watch-state.ts';
import type { LiveView, PreviewResponse } from '../../src/control/messages.ts';

/** What an answer would do, said plainly. */
export const plainPreview: PreviewResponse = {
  sentence: 'Allow curl in ~/app to reach api.example.net:443 for this 1 connection.',
  rule: null,
  cautions: [],
  problem: null,
};

/** The state of a watch and what it has asked of its driver. */
export class WatchBench {
  #state: WatchState;
  /** Milliseconds; moved by the test. */
  nowMs = 1_800_000_000_000;
  /** Everything asked for so far. */
  readonly effects: Effect[] = [];

  constructor(columns = 80, rows = 24) {
    this.#state = startState(columns, rows);
  }

  get state(): WatchState {
    return this.#state;
  }

  #take({ state, effects }: Step): void {
    this.#state = state;
    this.effects.push(...effects);
  }

  /** The daemon's view, as the stream would give it. */
  view(view: LiveView): this {
    return this.news({ kind: 'view', view });
  }

  news(news: News): this {
    this.#take(takeNews(this.#state, news, this.nowMs));
    return this;
  }

  /** One key after the other, at the same moment. */
  keys(...keys: readonly string[]): this {
    for (const key of keys) {
      this.#take(takeKey(this.#state, key, this.nowMs, measurePanel(this.#state, this.nowMs)));
    }
    return this;
  }

  wait(ms: number): this {
    this.nowMs += ms;
    return this;
  }

  /** Answers the preview asked for last, and waits until keys count. */
  told(preview: PreviewResponse = plainPreview): this {
    const { mode } = this.#state;
    const ticket = mode.kind === 'answer' ? mode.ticket : 0;
    return this.news({ kind: 'previewed', ticket, preview: { kind: 'told', preview } }).wait(500);
  }

  /** The kinds of what has been asked for, without previews and bells. */
  sent(): string[] {
    return this.effects.map(({ kind }) => kind).filter((kind) => !/preview|bell/.test(kind));
  }

  lines(): string[] {
    return renderScreen(this.#state, this.nowMs).map(textOf);
  }

  text(): string {
    return this.lines().join('\n');
  }
}
