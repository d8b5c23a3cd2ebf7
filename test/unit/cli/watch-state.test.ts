import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deadTimeMs, isReady, startState } from '../../../src/cli/watch-state.ts';
import { makeAnswer, makeFacts, makeGate, makeGroup, makeLiveView } from '../../support/views.ts';
import { plainPreview, WatchBench } from '../../support/watch.ts';

const first = makeGroup();
const second = makeGroup({ id: 'k4', host: 'b.example' });
const open = makeLiveView({ groups: [first] });
const both = makeLiveView({ groups: [first, second] });

function ready(watch: WatchBench): boolean {
  return isReady(watch.state, watch.nowMs);
}

function ids(watch: WatchBench): string[] {
  return watch.state.cards.map(
    ({ group, end }) => group.id + (end === undefined ? '' : `:${end.kind}`),
  );
}

describe('the dead time', () => {
  it('begins with the first view and lasts half a second', () => {
    const watch = new WatchBench();
    assert.equal(ready(watch), false);
    watch.view(open);
    assert.equal(ready(watch), false);
    assert.equal(ready(watch.wait(deadTimeMs - 1)), false);
    assert.equal(ready(watch.wait(1)), true);
  });

  it('begins anew when a card is added or changes', () => {
    for (const view of [both, makeLiveView({ groups: [{ ...first, revision: 2 }] })]) {
      const watch = new WatchBench().view(open).wait(5000);
      assert.equal(ready(watch.view(view)), false);
    }
  });

  it('does not begin when only times and numbers change', () => {
    const watch = new WatchBench().view(open).wait(5000);
    watch.view(makeLiveView({ groups: [{ ...first, waiting: 9, asked: 9 }] }));
    assert.equal(ready(watch), true);
  });

  it('lets an approver in between new cards that never cease', () => {
    const watch = new WatchBench().view(open).wait(5000).keys('j');
    let readyTicks = 0;
    const groups = [first];
    for (let n = 0; n < 100; n += 1) {
      groups.push(makeGroup({ id: `m${n}`, host: `h${n}.example` }));
      watch.view(makeLiveView({ groups: [...groups] })).wait(100);
      readyTicks += ready(watch) ? 1 : 0;
    }
    assert.ok(readyTicks >= 60, String(readyTicks));
  });

  it('follows every change of the chosen card', () => {
    const watch = new WatchBench().view(open).wait(5000).keys('j');
    for (let revision = 2; revision < 6; revision += 1) {
      watch.view(makeLiveView({ groups: [{ ...first, revision }] })).wait(400);
      assert.equal(ready(watch), false);
    }
  });

  it('of an answer is not lengthened by what others do', () => {
    const watch = new WatchBench().view(open).wait(5000).keys('j', 'a').told();
    assert.equal(ready(watch.view(both)), true);
  });
});

describe('cards', () => {
  it('keep their places: new ones come last, ended ones stay', () => {
    const watch = new WatchBench().view(both).wait(2000).keys('j', 'j');
    const third = makeGroup({ id: 'k5', host: 'c.example' });
    watch.view(makeLiveView({ groups: [third, second], answers: [makeAnswer()] }));
    assert.deepEqual(ids(watch), ['k3:answered', 'k4', 'k5']);
    assert.equal(watch.state.selected, `${second.id} ${second.firstSeen}`);
  });

  it('say that they ended without an answer, until the answer is heard of', () => {
    const watch = new WatchBench().view(open).view(makeLiveView());
    assert.deepEqual(ids(watch), ['k3:gone']);
    watch.view(makeLiveView({ answers: [makeAnswer()] }));
    assert.deepEqual(ids(watch), ['k3:answered']);
  });

  it('are not mistaken for those of another run, which counts from the start again', () => {
    const watch = new WatchBench().view(open).wait(2000).keys('j');
    watch.news({ kind: 'lost', problem: 'gone' });
    const reborn = { ...first, host: 'evil.example', firstSeen: '2026-11-20T13:00:00.000Z' };
    watch
      .view(makeLiveView({ groups: [reborn] }))
      .wait(2000)
      .keys('a');
    assert.deepEqual(ids(watch), ['k3:gone', 'k3']);
    assert.equal(watch.state.notice?.text, 'k3 waits no more');
  });

  it('that have ended are forgotten in the end, but not the chosen one', () => {
    const watch = new WatchBench();
    const groups = Array.from({ length: 60 }, (_, n) => makeGroup({ id: `k${n}` }));
    watch.view(makeLiveView({ groups })).wait(2000).keys('j').view(makeLiveView());
    assert.equal(watch.state.cards.length, 40);
    assert.equal(watch.state.cards[0]?.group.id, 'k0');
  });

  it('ring for new questions only', () => {
    const watch = new WatchBench().view(open);
    const rings = (): number => watch.effects.filter(({ kind }) => kind === 'bell').length;
    assert.equal(rings(), 1);
    watch.view(makeLiveView({ groups: [{ ...first, revision: 2 }] })).view(makeLiveView());
    assert.equal(rings(), 1);
  });
});

describe('what was said of a panic', () => {
  it('goes when the panic does', () => {
    const shut = { ...open, gate: makeGate({ panicSince: '2026-11-20T12:00:00.000Z' }) };
    const watch = new WatchBench().view(shut);
    watch.news({ kind: 'done', text: 'panic since 12:00' });
    assert.equal(watch.view(shut).state.notice?.text, 'panic since 12:00');
    assert.equal(watch.view(open).state.notice, undefined);
  });
});

describe('an open answer', () => {
  it('starts over when its question changes', () => {
    const watch = new WatchBench().view(open).wait(5000).keys('j', 'a', 't', 'h').told();
    const facts = makeFacts({
      lookAlike: { of: 'example.net', kind: 'typo', sentence: 'It looks like example.net.' },
    });
    watch.view(makeLiveView({ groups: [{ ...first, revision: 2, facts }] })).keys('return');
    const { mode, notice } = watch.state;
    assert.equal(notice?.text, 'k3 has changed, look again');
    assert.ok(mode.kind === 'answer');
    assert.deepEqual(
      [mode.draft.for, mode.draft.host, mode.draft.revision, mode.preview.kind],
      ['once', 'exact', 2, 'asked'],
    );
    assert.deepEqual(watch.sent(), []);
  });

  it('closes when its question is answered elsewhere or goes', () => {
    const elsewhere = makeLiveView({ answers: [makeAnswer({ surface: 'tray', for: '1h' })] });
    for (const [view, text] of [
      [elsewhere, 'k3 was allowed for 1h by dev (tray)'],
      [makeLiveView(), 'k3 is gone without an answer'],
    ] as const) {
      const watch = new WatchBench().view(open).wait(5000).keys('j', 'd').told().view(view);
      watch.keys('return');
      assert.equal(watch.state.mode.kind === 'answer', false);
      assert.deepEqual(watch.sent(), []);
      assert.equal(
        new WatchBench().view(open).wait(5000).keys('j', 'd').told().view(view).state.notice?.text,
        text,
      );
    }
  });

  it('closes when the daemon is lost', () => {
    const watch = new WatchBench().view(open).wait(5000).keys('j', 'd').told();
    watch.news({ kind: 'lost', problem: 'gone' });
    assert.equal(watch.state.mode.kind, 'list');
    assert.deepEqual(watch.keys('return').sent(), []);
  });

  it('that was refused as changed shows the question again', () => {
    const watch = new WatchBench().view(open).wait(5000).keys('j', 'a').told().keys('return');
    watch.news({ kind: 'refused', from: 'answer', reason: 'changed', text: 'look again' });
    assert.deepEqual([watch.state.mode.kind, watch.state.notice?.text], ['detail', 'look again']);
  });

  it('that was refused otherwise goes back to the list', () => {
    const watch = new WatchBench().view(open).wait(5000).keys('j', 'a').told().keys('return');
    watch.news({ kind: 'refused', from: 'answer', reason: 'gone', text: 'too late' });
    assert.deepEqual([watch.state.mode.kind, watch.state.notice?.text], ['list', 'too late']);
  });

  it('is not closed by what comes of something else', () => {
    const watch = new WatchBench().view(open).wait(5000).keys('j', '+', 'a').told();
    watch.news({ kind: 'refused', from: 'act', reason: 'gone', text: 'too late' });
    watch.news({ kind: 'answered', id: 'k9', text: 'allowed k9' });
    watch.news({ kind: 'done', text: 'held' });
    assert.equal(watch.state.mode.kind, 'answer');
  });

  it('takes no preview that comes late', () => {
    const watch = new WatchBench().view(open).wait(5000).keys('j', 'a').told().keys('return');
    const { state } = watch;
    watch.news({ kind: 'previewed', ticket: 1, preview: { kind: 'told', preview: plainPreview } });
    assert.equal(watch.state, state);
  });
});

it('nothing is known at the start', () => assert.equal(startState(80, 24).lost, 'connecting'));
