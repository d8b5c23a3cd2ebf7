import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  describeEnd,
  describeFate,
  describeTerm,
  mergeCards,
  type Card,
} from '../../../src/cli/watch-cards.ts';
import { makeAnswer, makeGroup, makeLiveView } from '../../support/views.ts';

const first = makeGroup();
const second = makeGroup({ id: 'k4', host: 'b.example' });
const card = (group = first): Card => ({
  key: `${group.id} ${group.firstSeen}`,
  group,
  end: undefined,
});

describe('mergeCards', () => {
  it('keeps places, appends what is new and marks what has ended', () => {
    const view = makeLiveView({
      groups: [makeGroup({ id: 'k5' }), second],
      answers: [makeAnswer()],
    });
    const merged = mergeCards([card(), card(second)], view, undefined);
    assert.deepEqual(
      merged.cards.map(({ group, end }) => [group.id, end?.kind]),
      [
        ['k3', 'answered'],
        ['k4', undefined],
        ['k5', undefined],
      ],
    );
    assert.deepEqual([merged.added, merged.calls, merged.changed.size], [1, 1, 0]);
  });

  const changes = [
    { name: 'its revision', given: { revision: 2 }, want: 1 },
    { name: 'a warning', given: { warnings: ['Look twice.'] }, want: 1 },
    { name: 'an unknown program', given: { unidentified: true }, want: 1 },
    { name: 'the end of a review', given: { reviewing: true }, want: 1 },
    { name: 'how many wait', given: { waiting: 7, asked: 9 }, want: 0 },
  ] as const;
  for (const { name, given, want } of changes) {
    it(`${want === 1 ? 'tells' : 'does not tell'} of a change of ${name}`, () => {
      const view = makeLiveView({ groups: [makeGroup(given)] });
      assert.equal(mergeCards([card()], view, undefined).changed.size, want);
    });
  }

  it('calls a person for what the reviewer passes on, not for what it thinks about', () => {
    const reviewing = makeGroup({ reviewing: true });
    const asked = mergeCards([], makeLiveView({ groups: [reviewing] }), undefined);
    assert.deepEqual([asked.added, asked.calls], [1, 0]);
    const passed = mergeCards(asked.cards, makeLiveView({ groups: [first] }), undefined);
    assert.deepEqual([passed.added, passed.calls], [0, 1]);
  });

  it('remembers how a question ended, also when a daemon that started anew no longer does', () => {
    const answered = makeLiveView({ answers: [makeAnswer()] });
    const [ended] = mergeCards([card()], answered, undefined).cards;
    assert.ok(ended);
    const restarted = mergeCards([ended], makeLiveView(), undefined);
    assert.deepEqual(restarted.cards, [ended]);
    const undone = makeAnswer({ undone: '2026-11-20T12:01:00.000Z' });
    const [last] = mergeCards([ended], makeLiveView({ answers: [undone] }), undefined).cards;
    assert.deepEqual(last?.end, { kind: 'answered', answer: undone });
  });

  it('does not take an answer to another host for its own', () => {
    const view = makeLiveView({ answers: [makeAnswer({ host: 'other.example' })] });
    assert.deepEqual(mergeCards([card()], view, undefined).cards[0]?.end, { kind: 'gone' });
  });
});

describe('words', () => {
  it('tell how long an answer holds', () => {
    assert.deepEqual(['once', '30m', 'restart', 'always'].map(describeTerm), [
      'once',
      'for 30m',
      'until restart',
      'always',
    ]);
  });

  it('tell how a question ended', () => {
    const answer = makeAnswer({ outcome: 'deny', undone: '2026-11-20T12:01:00.000Z' });
    const denied = { kind: 'answered', answer } as const;
    assert.equal(describeFate(denied), 'denied once, undone since');
    assert.equal(describeEnd(card(), denied), 'k3 was denied once, undone since by dev (cli)');
    assert.equal(describeFate({ kind: 'gone' }), 'gone');
    assert.equal(describeEnd(card(), { kind: 'gone' }), 'k3 is gone without an answer');
  });
});
