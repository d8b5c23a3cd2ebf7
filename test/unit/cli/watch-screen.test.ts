import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { widthOf } from '../../../src/cli/columns.ts';
import { escapePrintable } from '../../../src/policy/printable.ts';
import { renderClock } from '../../../src/cli/render.ts';
import {
  makeAnswer,
  makeAskerView,
  makeGate,
  makeGroup,
  makeLiveView,
} from '../../support/views.ts';
import { WatchBench } from '../../support/watch.ts';

const groups = [
  makeGroup({ waiting: 4 }),
  makeGroup({ id: 'k4', host: 'b.example', warnings: ['It looks like c.example.'] }),
];
const at = '2026-11-20T14:05:00.000Z';

function bench(columns = 80, rows = 24): WatchBench {
  const watch = new WatchBench(columns, rows);
  watch.nowMs = Date.parse('2026-11-20T12:01:00.000Z');
  return watch;
}

describe('the list', () => {
  it('shows a line for each question, and the keys', () => {
    const watch = bench(80, 8).view(makeLiveView({ groups }));
    assert.deepEqual(watch.lines(), [
      'sallyport · 2 questions',
      '  k3  api.example.net:443 (4 wait 60s)  curl https://api.example.net/ (pid 4711)',
      '  k4  ! b.example:443 (1 waits 60s)  curl https://api.example.net/ (pid 4711)',
      '',
      '',
      '',
      '',
      'wait  j/k choose  ? help  q quit  u undo  P pause  ! panic',
    ]);
    assert.match(watch.wait(500).lines().at(-1) ?? '', /^ready j\/k choose/);
  });

  it('shows what is known of the chosen one below', () => {
    const watch = bench().view(makeLiveView({ groups })).wait(2000).keys('k');
    const text = watch.text();
    assert.match(text, /^> k4 {2}! b\.example:443/m);
    assert.match(text, /^why: No rule names this host\.$/m);
    assert.match(text, /^! It looks like c\.example\.$/m);
    assert.match(text, /d deny {2}a allow/);
  });

  it('collapses what was answered and keeps the rest where it is', () => {
    const watch = bench(80, 8).view(makeLiveView({ groups }));
    watch.view(
      makeLiveView({ groups: groups.slice(1), answers: [makeAnswer({ surface: 'page' })] }),
    );
    assert.deepEqual(watch.lines().slice(0, 3), [
      'sallyport · 1 question',
      '  k3  allowed once · api.example.net:443 · dev (page)',
      '  k4  ! b.example:443 (1 waits 60s)  curl https://api.example.net/ (pid 4711)',
    ]);
  });

  it('puts the title of a bundle above its questions', () => {
    const bundle = { id: 'b1', title: 'npm install asks for 2 new hosts', suggests: null };
    const watch = bench(80, 8).view(
      makeLiveView({ groups: groups.map((group) => ({ ...group, bundle })) }),
    );
    assert.deepEqual(
      watch
        .lines()
        .slice(1, 4)
        .map((line) => line.slice(0, 34)),
      [
        '  npm install asks for 2 new hosts',
        '  k3  api.example.net:443 (4 wait ',
        '  k4  ! b.example:443 (1 waits 60s',
      ].map((line) => line.slice(0, 34)),
    );
  });

  it('scrolls to the chosen one', () => {
    const many = Array.from({ length: 40 }, (_, n) => makeGroup({ id: `k${n}` }));
    const watch = bench(80, 10)
      .view(makeLiveView({ groups: many }))
      .wait(2000);
    watch.keys(...Array.from({ length: 30 }, () => 'j'));
    assert.match(watch.text(), /^> k29 /m);
  });

  it('says when nothing waits, and when the daemon is away', () => {
    assert.equal(bench().view(makeLiveView()).lines()[0], 'sallyport · nothing waits');
    const away = bench().news({ kind: 'lost', problem: 'no daemon\u001b; trying again' });
    assert.equal(away.lines()[0], 'sallyport · no daemon\\u001b; trying again');
  });

  it('names panic, pause and troubles', () => {
    const gate = makeGate({
      panicSince: at,
      pausedUntil: at,
      troubles: ['the export fails\u001b'],
    });
    const floods = [{ id: 'f1', since: at, program: 'node', pid: 1, refused: 200, hosts: [] }];
    const policyChange = { id: 'c1', at, state: 'waiting', lines: [], version: 'p2' } as const;
    const watch = bench().view(makeLiveView({ gate, floods, policyChange }));
    const clock = renderClock(at);
    assert.deepEqual(watch.lines().slice(0, 4), [
      `sallyport · PANIC since ${clock} · paused until ${clock} · nothing waits`,
      '! the export fails\\u001b',
      '! node asks for too much: 200 requests refused (sallyport lift f1)',
      '! a policy change waits (sallyport changes)',
    ]);
    const small = bench(40, 10).view(makeLiveView({ gate, floods, policyChange, groups }));
    assert.equal(small.lines()[2], '! 2 more troubles: sallyport status');
  });
});

describe('any screen', () => {
  const hostile = makeGroup({
    id: 'k5',
    host: `${'a'.repeat(63)}.${'b'.repeat(63)}.example.net`,
    warnings: ['東京'.repeat(80), 'word '.repeat(60)],
    askers: [makeAskerView({ commandLine: ['x\u001b[2J\n\u202e'.repeat(50)], cwd: '/\r\n' })],
  });
  const modes: readonly (readonly [string, readonly string[]])[] = [
    ['list', []],
    ['chosen', ['k']],
    ['detail', ['k', 'return']],
    ['answer', ['k', 'a']],
    ['always', ['k', 'd', 't', 't', 't']],
    ['confirm', ['!']],
    ['help', ['?']],
  ];
  for (const [columns, rows] of [
    [40, 10],
    [80, 24],
    [200, 60],
    [1, 1],
    [3, 2],
  ] as const) {
    for (const [name, keys] of modes) {
      it(`fills ${columns}×${rows} and no more: ${name}`, () => {
        const watch = bench(columns, rows);
        watch
          .view(makeLiveView({ groups: [...groups, hostile] }))
          .wait(2000)
          .keys(...keys)
          .told();
        if (name === 'always') watch.keys('return');
        const lines = watch.lines();
        assert.equal(lines.length, rows);
        for (const line of lines) {
          assert.ok(widthOf(line) <= Math.max(columns, 1), JSON.stringify(line));
          assert.equal(escapePrintable(line), line);
        }
      });
    }
  }

  it('follows a new size', () => {
    const watch = bench().view(makeLiveView({ groups }));
    watch.news({ kind: 'size', columns: 40, rows: 10 });
    assert.equal(watch.lines().length, 10);
  });
});
