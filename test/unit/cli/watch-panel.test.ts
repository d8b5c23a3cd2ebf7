import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { textOf } from '../../../src/cli/columns.ts';
import { factLines, frameRows, measurePanel, renderPanel } from '../../../src/cli/watch-panel.ts';
import { makeAnswer, makeGroup, makeLiveView } from '../../support/views.ts';
import { plainPreview, WatchBench } from '../../support/watch.ts';

const groups = [
  makeGroup({ waiting: 4 }),
  makeGroup({ id: 'k4', host: 'b.example', warnings: ['It looks like c.example.'] }),
];

function bench(columns = 80, rows = 24): WatchBench {
  return new WatchBench(columns, rows);
}

describe('the panel of an answer', () => {
  it('names the whole host, however long', () => {
    const host = `${'long.'.repeat(30)}example.net`;
    const watch = bench(40, 20).view(makeLiveView({ groups: [makeGroup({ host })] }));
    watch.wait(2000).keys('j', 'a').told();
    assert.ok(
      watch
        .lines()
        .map((line) => line.trim())
        .join('')
        .includes(`${host}:443`),
    );
  });

  it('counts what must be seen', () => {
    const watch = bench().view(makeLiveView({ groups })).wait(2000).keys('j', 'a').told();
    const panel = measurePanel(watch.state, watch.nowMs);
    assert.equal(panel.rows, 21);
    assert.ok(panel.mustSee >= 3 && panel.lines > panel.mustSee);
    assert.deepEqual(measurePanel(bench().state, 0), { lines: 0, mustSee: 0, rows: 21 });
  });

  it('shows what is chosen in words', () => {
    const watch = bench().view(makeLiveView({ groups })).wait(2000).keys('j', 'd').told();
    const text = watch.text();
    assert.match(text, /^Deny k3: api\.example\.net:443$/m);
    assert.match(text, /t time: once · h host: exact · p port: this · g program: this/);
    assert.match(text, /⏎ deny {2}esc back/);
  });
});

describe('the facts', () => {
  const key = `k3 ${groups[0]?.firstSeen}`;
  const now = Date.parse('2026-11-20T12:01:00.000Z');

  it('of a question that has ended say how, and nothing of who waits', () => {
    const card = { key, group: makeGroup(), end: undefined };
    const ended = { ...card, end: { kind: 'answered', answer: makeAnswer() } } as const;
    const open = factLines(card, now, 80).map(textOf);
    const lines = factLines(ended, now, 80).map(textOf);
    assert.equal(lines[0], 'k3 was allowed once by dev (cli)');
    assert.ok(open.some((line) => line.startsWith('waiting: ')));
    assert.ok(!lines.some((line) => line.startsWith('waiting: ')));
  });

  it('scroll to their end and no further', () => {
    const watch = bench(40, 10).view(makeLiveView({ groups })).wait(2000).keys('j', 'return');
    const rows = 10 - frameRows;
    const last = renderPanel(watch.state, 999, watch.nowMs, rows).map(textOf);
    assert.equal(last.length, rows);
    assert.match(last.at(-1) ?? '', /history: never decided on this machine|before/);
  });
});

describe('cautions', () => {
  it('stand below the sentence, without what is warned of already', () => {
    const cautions = ['It looks like c.example.', 'It stays.'];
    const watch = bench().view(makeLiveView({ groups })).wait(2000).keys('k', 'a');
    const text = watch.told({ ...plainPreview, cautions }).text();
    assert.match(text, /^! It looks like c\.example\.$/m);
    assert.match(text, /^- It stays\.$/m);
    assert.doesNotMatch(text, /^- It looks/m);
  });
});
