import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { selectedCard } from '../../../src/cli/watch-state.ts';
import { makeAnswer, makeFacts, makeGate, makeGroup, makeLiveView } from '../../support/views.ts';
import { plainPreview, WatchBench } from '../../support/watch.ts';

const first = makeGroup();
const second = makeGroup({ id: 'k4', host: 'b.example' });
const open = makeLiveView({ groups: [first, second] });
/** Every sign of ASCII, and keys with names. */
const named =
  'up down left right return escape tab backspace pageup pagedown f1 ctrl-a space'.split(' ');
const everyKey = [
  ...Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)),
  ...named,
  '',
];

/** Two questions, looked at for long enough. */
function bench(view = open): WatchBench {
  return new WatchBench().view(view).wait(2000);
}

function chosenId(watch: WatchBench): string | undefined {
  return selectedCard(watch.state)?.group.id;
}

describe('a single key', () => {
  const harmless = new Set(['quit']); // q leaves, and answers nothing
  for (const start of ['nothing chosen', 'a question chosen', 'its details open'] as const) {
    it(`answers nothing with ${start}`, () => {
      for (const key of everyKey) {
        const watch = bench();
        if (start !== 'nothing chosen') watch.keys('j');
        if (start === 'its details open') watch.keys('return');
        const wanted = watch
          .keys(key)
          .sent()
          .filter((kind) => !harmless.has(kind));
        const holds = key === '+' && start !== 'nothing chosen';
        assert.deepEqual(wanted, holds ? ['hold'] : [], JSON.stringify(key));
      }
    });
  }

  it('answers nothing pressed again and again', () => {
    for (const key of everyKey) {
      const watch = bench().keys('j');
      for (let n = 0; n < 20; n += 1) watch.keys(key).told();
      assert.ok(!watch.sent().includes('answer'), JSON.stringify(key));
      assert.ok(!watch.sent().includes('act'), JSON.stringify(key));
    }
  });
});

describe('choosing', () => {
  it('begins with nothing, and goes through the cards in order', () => {
    const watch = bench();
    assert.equal(chosenId(watch), undefined);
    const ids = ['j', 'down', 'j', 'k', 'up', 'escape', 'k'].map((key) =>
      chosenId(watch.keys(key)),
    );
    assert.deepEqual(ids, ['k3', 'k4', 'k4', 'k3', 'k3', undefined, 'k4']);
  });

  it('stays on a question that was answered elsewhere', () => {
    const watch = bench().keys('j');
    watch.view(makeLiveView({ groups: [second], answers: [makeAnswer()] })).wait(2000);
    assert.equal(chosenId(watch), 'k3');
    watch.keys('a');
    assert.equal(watch.state.mode.kind, 'list');
    assert.equal(watch.state.notice?.text, 'k3 waits no more');
  });
});

describe('an answer', () => {
  it('takes a verb and Enter, and quotes what was on the screen', () => {
    const watch = bench().keys('j', 'a').told().keys('return');
    assert.deepEqual(watch.effects.at(-1), {
      kind: 'answer',
      id: 'k3',
      request: {
        outcome: 'allow',
        for: 'once',
        host: 'exact',
        port: 'this',
        program: 'this',
        revision: 1,
      },
    });
    watch.news({ kind: 'answered', id: 'k3', text: 'allowed k3' });
    assert.equal(watch.state.mode.kind, 'list');
    assert.equal(watch.state.notice?.text, 'allowed k3; u undoes it');
  });

  it('is sent once, however often Enter is pressed', () => {
    const watch = bench().keys('j', 'd').told().keys('return', 'return', 'return', 'a', 'escape');
    assert.deepEqual(watch.sent(), ['answer']);
  });

  it('does not count before it is known what it does, nor within the dead time after', () => {
    const watch = bench().keys('j', 'a').wait(5000).keys('return');
    assert.deepEqual(watch.sent(), []);
    const ticket = watch.state.tickets;
    watch.news({ kind: 'previewed', ticket, preview: { kind: 'told', preview: plainPreview } });
    watch.keys('return').wait(499).keys('return');
    assert.deepEqual(watch.sent(), []);
    watch.wait(1).keys('return');
    assert.deepEqual(watch.sent(), ['answer']);
  });

  it('is not what somebody typed into the wrong window', () => {
    const watch = bench().keys('j');
    // a person typing "cat" and Enter, 120 ms a key, the daemon answering at once
    for (const key of ['c', 'a', 't', 'return']) {
      watch.keys(key);
      if (watch.state.mode.kind === 'answer') {
        const { ticket } = watch.state.mode;
        watch.news({ kind: 'previewed', ticket, preview: { kind: 'told', preview: plainPreview } });
      }
      watch.wait(120);
    }
    assert.deepEqual(watch.sent(), []);
  });

  it('asks anew what each choice would do, and ignores what was asked before', () => {
    const watch = bench(makeLiveView({ groups: [first] })).keys('j', 'a');
    const old = watch.state.tickets;
    watch.keys('t', 'h', 'p', 'g');
    const asked = watch.effects.filter(({ kind }) => kind === 'preview');
    assert.deepEqual(
      asked.map((effect) => (effect.kind === 'preview' ? effect.request : undefined)).at(-1),
      {
        outcome: 'allow',
        for: '1h',
        host: '*.example.net',
        port: 'any',
        program: 'any',
        revision: 1,
      },
    );
    watch.news({
      kind: 'previewed',
      ticket: old,
      preview: { kind: 'told', preview: plainPreview },
    });
    watch.wait(5000).keys('return');
    assert.deepEqual(watch.sent(), []);
    assert.equal(watch.told().keys('return').sent().length, 1);
  });

  it('goes through every time, and between its verbs', () => {
    const watch = bench().keys('j', 'd');
    const drafts = ['t', 't', 't', 't', 'a', 'd'].map((key) => {
      watch.keys(key);
      return watch.state.mode.kind === 'answer'
        ? `${watch.state.mode.draft.outcome} ${watch.state.mode.draft.for}`
        : '';
    });
    assert.deepEqual(drafts, [
      'deny 1h',
      'deny restart',
      'deny always',
      'deny once',
      'allow once',
      'deny once',
    ]);
  });

  it('offers no wider host or program where there is none', () => {
    const alone = makeGroup({ wildcards: [], exactOnly: 'a public suffix', unidentified: true });
    const watch = bench(makeLiveView({ groups: [alone] }))
      .keys('j', 'a')
      .keys('h', 'g');
    const { mode } = watch.state;
    assert.deepEqual(mode.kind === 'answer' && [mode.draft.host, mode.draft.program], [
      'exact',
      'any',
    ]);
  });

  it('for good asks once more, by another key than Enter', () => {
    const rule = 'allow api.example.net:443';
    const watch = bench()
      .keys('j', 'a', 't', 't', 't')
      .told({ ...plainPreview, rule });
    watch.keys('return', 'return', 'return');
    assert.deepEqual(watch.sent(), []);
    assert.match(watch.text(), /remembers: allow api\.example\.net:443/);
    assert.match(watch.text(), /For good\. Press y/);
    watch.keys('x');
    assert.doesNotMatch(watch.text(), /For good/);
    watch.keys('return', 'y');
    assert.deepEqual(watch.sent(), ['answer']);
  });

  it('that would be refused says so and is not sent', () => {
    const watch = bench()
      .keys('j', 'a')
      .told({ ...plainPreview, problem: 'not this host' });
    watch.keys('return');
    assert.deepEqual(watch.sent(), []);
    assert.equal(watch.state.notice?.text, 'not this host');
  });

  it('that the daemon cannot judge is not sent', () => {
    const watch = bench().keys('j', 'a');
    const ticket = watch.state.tickets;
    watch.news({ kind: 'previewed', ticket, preview: { kind: 'failed', text: 'no daemon' } });
    watch.wait(5000).keys('return');
    assert.deepEqual([watch.sent(), watch.state.notice?.text], [[], 'no daemon']);
  });

  it('is left by Escape and q', () => {
    for (const key of ['escape', 'q']) {
      const watch = bench().keys('j', 'a').told().keys(key);
      assert.deepEqual([watch.state.mode.kind, watch.sent()], ['list', []]);
    }
  });

  it('needs the warnings to have been on the screen', () => {
    const warnings = Array.from({ length: 6 }, (_, n) => `Warning ${n}: ${'word '.repeat(12)}`);
    const watch = new WatchBench(40, 10);
    watch.view(makeLiveView({ groups: [makeGroup({ warnings })] })).wait(2000);
    watch.keys('j', 'a').told().keys('return');
    assert.deepEqual(watch.sent(), []);
    assert.match(watch.text(), /read to the end of it first/);
    watch.keys(...Array.from({ length: 9 }, () => 'pagedown'), 'return');
    assert.deepEqual(watch.sent(), ['answer']);
    const deny = new WatchBench(40, 10);
    deny.view(makeLiveView({ groups: [makeGroup({ warnings })] })).wait(2000);
    assert.deepEqual(deny.keys('j', 'd').told().keys('return').sent(), ['answer']);
  });

  it('is not for viewers, nor while the daemon is away', () => {
    const viewer = bench({ ...open, role: 'viewer' }).keys('j', 'a');
    assert.equal(viewer.state.notice?.text, 'a viewer may look, not answer');
    const away = bench().keys('j').news({ kind: 'lost', problem: 'gone' }).keys('d');
    assert.equal(away.state.notice?.text, 'the daemon does not answer');
  });

  it('warns once more of a look-alike, above what it would do', () => {
    const sentence = 'exarnple.net looks like example.net: "rn" for "m".';
    const facts = makeFacts({ lookAlike: { of: 'example.net', kind: 'confusable', sentence } });
    const watch = bench(makeLiveView({ groups: [makeGroup({ facts })] }))
      .keys('j', 'a')
      .told();
    const text = watch.text();
    assert.ok(
      text.indexOf(sentence) > 0 && text.indexOf(sentence) < text.indexOf(plainPreview.sentence),
    );
  });
});

describe('other keys', () => {
  it('+ holds the chosen question', () => {
    assert.deepEqual(bench().keys('j', '+').effects.at(-1), { kind: 'hold', id: 'k3' });
  });

  it('u takes the last answer back at once, for 10 s and once', () => {
    const answered = bench().news({ kind: 'answered', id: 'k3', text: 'allowed k3' });
    assert.deepEqual(answered.keys('u', 'u').effects.slice(-1), [
      { kind: 'act', act: { kind: 'undo', id: 'k3' } },
    ]);
    assert.equal(answered.sent().length, 1);
    const late = bench().news({ kind: 'answered', id: 'k3', text: 'allowed k3' }).wait(10_000);
    assert.deepEqual(late.keys('u').sent(), []);
  });

  it('u takes a chosen answer back after a question', () => {
    const watch = bench().keys('j');
    watch.view(makeLiveView({ groups: [second], answers: [makeAnswer()] })).wait(2000);
    watch.keys('u');
    assert.match(watch.text(), /Take the answer to k3 back, and close what it let through\?/);
    assert.deepEqual(watch.keys('return').sent(), []);
    assert.deepEqual(watch.keys('u', 'y').sent(), ['act']);
    const undone = [makeAnswer({ undone: '2026-11-20T12:01:00.000Z' })];
    watch
      .view(makeLiveView({ groups: [second], answers: undone }))
      .wait(2000)
      .keys('u');
    assert.equal(watch.state.notice?.text, 'k3 is undone already');
  });

  const acts = [
    { key: 'P', gate: makeGate(), want: { kind: 'pause' } },
    {
      key: 'P',
      gate: makeGate({ pausedUntil: '2026-11-20T14:00:00.000Z' }),
      want: { kind: 'resume' },
    },
    { key: '!', gate: makeGate(), want: { kind: 'panic', on: true } },
    {
      key: '!',
      gate: makeGate({ panicSince: '2026-11-20T14:00:00.000Z' }),
      want: { kind: 'panic', on: false },
    },
  ] as const;
  for (const { key, gate, want } of acts) {
    it(`${key} asks again, then does: ${JSON.stringify(want)}`, () => {
      const watch = bench({ ...open, gate });
      assert.deepEqual(watch.keys(key, 'n', key, 'escape', key, 'return').sent(), []);
      assert.deepEqual(watch.keys(key, 'y').effects.at(-1), { kind: 'act', act: want });
    });
  }

  it('! then y works at any moment, since it only shuts', () => {
    const watch = new WatchBench().view(open);
    assert.deepEqual(watch.keys('!', 'y').sent(), ['act']);
    assert.deepEqual(new WatchBench().view(open).keys('P', 'y').sent(), []);
  });

  it('? shows the keys, and any key goes back', () => {
    const watch = bench().keys('?');
    assert.match(watch.text(), /d a +deny or allow/);
    assert.doesNotMatch(watch.keys('a').text(), /deny or allow: shows/);
    assert.deepEqual(watch.sent(), []);
  });

  it('Ctrl-C leaves from everywhere, q from lists and texts', () => {
    for (const keys of [[], ['j', 'a'], ['j', 'a', 't', 't', 't'], ['?'], ['!'], ['j', 'return']]) {
      assert.deepEqual(
        bench()
          .keys(...keys)
          .keys('ctrl-c')
          .sent(),
        ['quit'],
      );
    }
    for (const keys of [[], ['?'], ['j', 'return']]) {
      assert.deepEqual(
        bench()
          .keys(...keys, 'q')
          .sent(),
        ['quit'],
      );
    }
  });

  it('details scroll no further than their end', () => {
    const watch = new WatchBench(40, 10).view(open).wait(2000).keys('j', 'return');
    const before = watch.text();
    watch.keys(...Array.from({ length: 99 }, () => 'j'));
    assert.notEqual(watch.text(), before);
    watch.keys(...Array.from({ length: 99 }, () => 'k'));
    assert.equal(watch.text(), before);
    assert.equal(watch.keys('escape').state.mode.kind, 'list');
  });
});
