import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createEditHistory,
  type EditHistory,
  type KeptEdit,
} from '../../../src/config/edit-history.ts';

function open(first?: string): { history: EditHistory; kept: () => string | undefined } {
  let text = first;
  const save = (next: string): void => {
    text = next;
  };
  return { history: createEditHistory({ load: () => text, save }), kept: () => text };
}

function edit(before: string): Omit<KeptEdit, 'id'> {
  const diff = [{ kind: 'added', line: 1, text: 'x' }] as const;
  return {
    at: '2026-11-20T12:00:00.000Z',
    file: '/c.toml',
    by: 'ann',
    surface: 'page',
    before,
    afterEtag: 'e',
    diff,
  };
}

describe('the history of edits', () => {
  it('is empty at first', () => {
    assert.deepEqual(open().history.list(), []);
    assert.equal(open().history.find('e1'), undefined);
  });

  it('keeps the newest first, over a restart, under ids that only grow', () => {
    const { history, kept } = open();
    assert.deepEqual(history.add(edit('one')), { id: 'e1', ...edit('one') });
    history.add(edit('two'));
    history.drop('e2');
    history.add(edit('three'));
    const again = open(kept()).history;
    assert.deepEqual(
      again.list().map(({ id, before }) => [id, before]),
      [
        ['e3', 'three'],
        ['e1', 'one'],
      ],
    );
    assert.deepEqual(again.find('e1'), { id: 'e1', ...edit('one') });
  });

  it('keeps fifty edits, and gives up the oldest', () => {
    const { history } = open();
    for (let index = 0; index < 60; index += 1) history.add(edit(`${index}`));
    const list = history.list();
    assert.deepEqual([list.length, list[0]?.before, list.at(-1)?.before], [50, '59', '10']);
  });

  it('keeps four million characters, and the newest whatever its size', () => {
    const { history } = open();
    const large = 'x'.repeat(1_500_000);
    for (let index = 0; index < 4; index += 1) history.add(edit(large));
    assert.equal(history.list().length, 2);
    history.add(edit('x'.repeat(5_000_000)));
    assert.deepEqual(
      history.list().map(({ id }) => id),
      ['e5'],
    );
  });

  it('cuts a long diff short, and says so', () => {
    const { history } = open();
    const diff = Array.from({ length: 600 }, (_, index) => {
      return { kind: 'added', line: index + 1, text: 'x' } as const;
    });
    const kept = history.add({ ...edit(''), diff });
    assert.equal(kept.diff.length, 501);
    assert.deepEqual(kept.diff.at(-1), {
      kind: 'same',
      line: 501,
      text: '… and 100 more lines of this diff',
    });
  });

  const damaged: readonly (readonly [name: string, text: string])[] = [
    ['no JSON', '{'],
    ['no object', 'null'],
    ['no list', '{"next":1}'],
    ['no number', '{"next":"1","edits":[]}'],
    ['an edit that is none', '{"next":1,"edits":[null]}'],
    [
      'an edit without a text',
      JSON.stringify({ next: 1, edits: [{ ...edit('x'), id: 'e1', before: 1 }] }),
    ],
    [
      'a diff that is none',
      JSON.stringify({ next: 1, edits: [{ ...edit('x'), id: 'e1', diff: [1] }] }),
    ],
    [
      'a line of another kind',
      JSON.stringify({
        next: 1,
        edits: [{ ...edit('x'), id: 'e1', diff: [{ kind: 'x', line: 1, text: '' }] }],
      }),
    ],
  ];
  for (const [name, text] of damaged) {
    it(`refuses a file that holds ${name}`, () => {
      const { history } = open(text);
      assert.throws(() => history.list(), { code: 'ERR_STATE_CORRUPT' });
      assert.throws(() => history.add(edit('x')), { code: 'ERR_STATE_CORRUPT' });
    });
  }
});
