import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  bareLine,
  indentAt,
  lineEndNear,
  lineStartAt,
  nextLineAt,
  splice,
  splitLines,
} from '../../../src/config/lines.ts';

describe('splice', () => {
  it('replaces several stretches, named in any order', () => {
    const splices = [
      { start: 0, end: 1, text: 'A' },
      { start: 4, end: 4, text: '!' },
      { start: 2, end: 3, text: '' },
    ];
    assert.equal(splice('abcd', splices), 'Abd!');
  });
});

describe('lines of a text', () => {
  const text = 'one\r\n  two\n\tthree';

  it('begin behind the line end before an offset', () => {
    const starts = [0, 2, 4, 5, 8, 10, 11, 17].map((offset) => lineStartAt(text, offset));
    assert.deepEqual(starts, [0, 0, 0, 5, 5, 5, 11, 11]);
  });

  it('end where the next begins, the last nowhere', () => {
    assert.deepEqual(
      [nextLineAt(text, 0), nextLineAt(text, 10), nextLineAt(text, 11)],
      [5, 11, undefined],
    );
  });

  it('keep their blanks', () => {
    assert.deepEqual([indentAt(text, 0), indentAt(text, 5), indentAt(text, 11)], ['', '  ', '\t']);
  });

  it('are split with their ends and shown without', () => {
    assert.deepEqual(splitLines(text), ['one\r\n', '  two\n', '\tthree']);
    assert.deepEqual(splitLines(text).map(bareLine), ['one', '  two', '\tthree']);
    assert.deepEqual(splitLines(''), []);
    assert.deepEqual(splitLines('\n\r\n'), ['\n', '\r\n']);
  });
});

describe('lineEndNear', () => {
  const cases: readonly (readonly [name: string, text: string, offset: number, want: string])[] = [
    ['takes the end of its own line', 'a\nb\r\nc\n', 2, '\r\n'],
    ['takes the end of the line before the last', 'a\nb\r\nc', 5, '\r\n'],
    ['takes LF in a text of one line', 'abc', 1, '\n'],
    ['takes LF in an empty text', '', 0, '\n'],
    ['is not misled by an empty first line', '\nabc', 2, '\n'],
    ['sees CRLF on an empty first line', '\r\nabc', 0, '\r\n'],
  ];
  for (const [name, text, offset, want] of cases) {
    it(name, () => assert.equal(lineEndNear(text, offset), want));
  }
});
