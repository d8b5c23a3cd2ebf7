import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FloodView } from '../../../src/control/messages.ts';
import { createFloodWatch, unknownTree } from '../../../src/approval/flood.ts';
import type { FloodAsker, FloodWatch } from '../../../src/approval/flood.ts';
import { makeDestination } from '../../support/asking.ts';

const startMs = Date.UTC(2026, 10, 20, 12);
const npm: FloodAsker = { tree: '50@1', program: 'npm install', pid: 70 };
const pip: FloodAsker = { tree: '60@1', program: 'pip install', pid: 80 };

/** Asks for hosts one after the other and gives what was said to each. */
function ask(
  flood: FloodWatch,
  asker: FloodAsker | undefined,
  hosts: readonly string[],
  { atMs = 0, everyMs = 0 } = {},
): string[] {
  return hosts.map((host, n) =>
    flood.judge(asker, makeDestination(host), host, startMs + atMs + n * everyMs),
  );
}

function hostsOf(count: number, domain = ''): string[] {
  return Array.from({ length: count }, (_, n) =>
    domain === '' ? `h${n}.test` : `h${n}.${domain}`,
  );
}

describe('a tree that asks for too much', () => {
  it('is quiet from the twenty-first new destination in a minute on', () => {
    const flood = createFloodWatch();
    const said = ask(flood, npm, hostsOf(22), { everyMs: 2_700 });
    assert.deepEqual(said, [...Array<string>(20).fill('ask'), 'quiet', 'quiet']);
    assert.equal(flood.isQuiet(npm.tree, startMs), true);
    assert.equal(flood.isQuiet(pip.tree, startMs), false);
  });

  it('is not quiet for asking slowly, or for the same again and again', () => {
    const flood = createFloodWatch();
    assert.ok(!ask(flood, npm, hostsOf(60), { everyMs: 3_000 }).includes('quiet'));
    const again = Array.from({ length: 99 }, (_, n) => `h${n % 3}.test`);
    assert.ok(!ask(flood, pip, again, { everyMs: 10 }).includes('quiet'));
  });

  it('does not make others quiet', () => {
    const flood = createFloodWatch();
    ask(flood, npm, hostsOf(30));
    assert.deepEqual(ask(flood, pip, ['a.test']), ['ask']);
  });

  it('is shown with what it was refused, and told of once', () => {
    const told: FloodView[] = [];
    const flood = createFloodWatch((view) => told.push(view));
    ask(flood, npm, hostsOf(25), { everyMs: 1_000 });
    for (const host of hostsOf(12)) flood.refused(npm.tree, host);
    flood.refused(npm.tree, 'h0.test');
    flood.refused('nobody', 'h0.test');
    const view = {
      id: 'f1',
      since: '2026-11-20T12:00:20.000Z',
      program: 'npm install',
      pid: 70,
      refused: 0,
      hosts: [],
    };
    assert.deepEqual(told, [view]);
    assert.deepEqual(flood.list(), [{ ...view, refused: 13, hosts: hostsOf(8) }]);
  });

  it('asks again once it is lifted, and may flood again under another id', () => {
    const flood = createFloodWatch();
    ask(flood, npm, hostsOf(21));
    assert.deepEqual([flood.lift('f9'), flood.lift('f1'), flood.lift('f1')], [false, true, false]);
    assert.equal(flood.isQuiet(npm.tree, startMs), false);
    const said = ask(flood, npm, hostsOf(21, 'x.test'));
    assert.deepEqual(said, [...Array<string>(20).fill('ask'), 'quiet']);
    assert.deepEqual(
      flood.list().map(({ id }) => id),
      ['f2'],
    );
  });

  it('counts all programs that nobody can name as one', () => {
    const flood = createFloodWatch();
    ask(flood, undefined, hostsOf(21));
    assert.equal(flood.isQuiet(unknownTree, startMs), true);
    const [{ program, pid } = { program: '', pid: 0 }] = flood.list();
    assert.deepEqual({ program, pid }, { program: 'programs that cannot be named', pid: null });
  });

  it('is one of sixty-four at most', () => {
    const flood = createFloodWatch();
    for (let n = 1; n <= 65; n += 1) ask(flood, { ...npm, tree: `t${n}` }, hostsOf(21));
    const ids = flood.list().map(({ id }) => id);
    assert.deepEqual([ids.length, ids[0], ids.at(-1)], [64, 'f2', 'f65']);
  });
});

describe('questions that one tree asks together', () => {
  it('stand on one card', () => {
    const flood = createFloodWatch();
    ask(flood, npm, ['a.test', 'b.test', 'c.test'], { everyMs: 1_900 });
    ask(flood, pip, ['d.test'], { atMs: 1_000 });
    ask(flood, npm, ['e.test'], { atMs: 5_900 });
    const card = { id: 'card1', title: 'npm install asks for 3 new hosts', suggests: null };
    assert.deepEqual(
      ['a.test', 'b.test', 'c.test', 'd.test', 'e.test', 'f.test'].map(flood.bundleOf),
      [card, card, card, null, null, null],
    );
  });

  it('stay there as others are answered', () => {
    const flood = createFloodWatch();
    ask(flood, npm, ['a.test', 'b.test']);
    flood.closed('a.test');
    flood.closed('never.test');
    assert.equal(flood.bundleOf('a.test'), null);
    assert.equal(flood.bundleOf('b.test')?.title, 'npm install asks for 1 new host');
  });

  it('stand alone when the one before is gone, and when nobody knows who asks', () => {
    const flood = createFloodWatch();
    ask(flood, npm, ['a.test']);
    flood.closed('a.test');
    ask(flood, npm, ['b.test']);
    ask(flood, undefined, ['c.test', 'd.test']);
    assert.deepEqual(['b.test', 'c.test', 'd.test'].map(flood.bundleOf), [null, null, null]);
  });
});

describe('names below one domain', () => {
  const nine = hostsOf(9, 'example.net');

  it('are a card that suggests to deny them from the ninth in a minute on, whoever asks', () => {
    const flood = createFloodWatch();
    ask(flood, npm, nine.slice(0, 5), { everyMs: 5_000 });
    ask(flood, pip, nine.slice(5, 8), { atMs: 30_000, everyMs: 5_000 });
    assert.deepEqual(nine.map(flood.bundleOf), Array(9).fill(null));
    ask(flood, undefined, nine.slice(8), { atMs: 59_000 });
    const card = {
      id: 'card1',
      title: '9 names below example.net: names may carry data',
      suggests: 'deny',
    };
    for (const id of nine) assert.deepEqual(flood.bundleOf(id), card);
    ask(flood, pip, ['more.example.net'], { atMs: 300_000 });
    const title = '10 names below example.net: names may carry data';
    assert.deepEqual(flood.bundleOf('more.example.net'), { ...card, title });
  });

  it('leave the card of the program that asks for them', () => {
    const flood = createFloodWatch();
    ask(flood, npm, ['a.test', 'b.test', ...nine]);
    assert.equal(flood.bundleOf('h0.example.net')?.suggests, 'deny');
    assert.equal(flood.bundleOf('a.test')?.title, 'npm install asks for 2 new hosts');
  });

  it('are none for the domain itself, for the same names again, or over a longer time', () => {
    const flood = createFloodWatch();
    ask(flood, npm, [...nine.slice(0, 8), 'example.net', ...nine.slice(0, 8)]);
    assert.notEqual(flood.bundleOf('h0.example.net')?.suggests, 'deny');
    const slow = createFloodWatch();
    ask(slow, npm, hostsOf(30, 'example.net'), { everyMs: 8_000 });
    assert.equal(slow.bundleOf('h29.example.net'), null);
  });

  it('belong to different owners below a shared suffix', () => {
    const flood = createFloodWatch();
    ask(flood, undefined, hostsOf(12, 'github.io'));
    assert.equal(flood.bundleOf('h11.github.io'), null);
  });

  it('are a new card once all of them are gone', () => {
    const flood = createFloodWatch();
    ask(flood, undefined, nine);
    for (const id of nine) flood.closed(id);
    assert.equal(flood.bundleOf('h0.example.net'), null);
    ask(flood, undefined, ['late.example.net'], { atMs: 120_000 });
    assert.equal(flood.bundleOf('late.example.net'), null);
  });
});

describe('the tables', () => {
  it('let the oldest question go from its card when there are thousands', () => {
    const flood = createFloodWatch();
    const asker = (n: number): FloodAsker => ({ ...npm, tree: `t${n >> 1}` });
    for (let n = 0; n < 4098; n += 1) {
      flood.judge(asker(n), makeDestination(`h${n}.test`), `g${n}`, startMs);
    }
    assert.deepEqual(
      ['g0', 'g1', 'g2', 'g4097'].map((id) => flood.bundleOf(id)?.id ?? null),
      [null, null, 'card2', 'card2049'],
    );
  });
});
