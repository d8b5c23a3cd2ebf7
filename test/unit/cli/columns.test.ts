import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  clip,
  clipLine,
  cutMiddle,
  textOf,
  widthOf,
  wrap,
  wrapLines,
} from '../../../src/cli/columns.ts';

describe('widthOf', () => {
  const cases = [
    { text: '', want: 0 },
    { text: 'abc', want: 3 },
    { text: 'Grüße', want: 5 },
    { text: 'e\u0301', want: 1 },
    { text: '東京', want: 4 },
    { text: '\u{1f512}', want: 2 },
  ];
  for (const { text, want } of cases) {
    it(`of ${JSON.stringify(text)} is ${want}`, () => assert.equal(widthOf(text), want));
  }
});

describe('clip', () => {
  const cases = [
    { text: 'abc', columns: 3, want: 'abc' },
    { text: 'abcd', columns: 3, want: 'ab…' },
    { text: '東京都', columns: 4, want: '東…' },
    { text: 'abc', columns: 0, want: '…' },
  ];
  for (const { text, columns, want } of cases) {
    it(`${text} to ${columns}`, () => assert.equal(clip(text, columns), want));
  }
});

describe('cutMiddle', () => {
  it('keeps both ends, and more of the one that says whose it is', () => {
    assert.equal(
      cutMiddle('api.openai.com.login.evil.example:443', 24),
      'api.ope…evil.example:443',
    );
    assert.equal(cutMiddle('a.example:443', 13), 'a.example:443');
    assert.equal(widthOf(cutMiddle('x'.repeat(99), 20)), 20);
  });
});

describe('wrap', () => {
  const cases = [
    { name: 'breaks at blanks', text: 'one two three', columns: 7, want: ['one two', 'three'] },
    {
      name: 'breaks a long word, losing nothing',
      text: 'abcdefgh',
      columns: 3,
      want: ['abc', 'def', 'gh'],
    },
    { name: 'keeps blanks within a line', text: 'a  b', columns: 9, want: ['a  b'] },
    { name: 'gives one line for nothing', text: '', columns: 9, want: [''] },
    { name: 'does not split a wide letter', text: '東京都', columns: 5, want: ['東京', '都'] },
    {
      name: 'starts no line with nothing',
      text: 'a bcdefgh',
      columns: 3,
      want: ['a', 'bcd', 'efg', 'h'],
    },
  ];
  for (const { name, text, columns, want } of cases) {
    it(name, () => assert.deepEqual(wrap(text, columns), want));
  }
});

describe('lines', () => {
  it('are indented after the first and carry their tone', () => {
    assert.deepEqual(wrapLines('one two three', 9, 'red', 2), [
      [{ text: 'one two', tone: 'red' }],
      [{ text: '  three', tone: 'red' }],
    ]);
    assert.deepEqual(wrapLines('a', 9), [[{ text: 'a' }]]);
  });

  it('are cut over spans', () => {
    const line = [{ text: 'abc', tone: 'bold' }, { text: 'defg' }, { text: 'h' }] as const;
    assert.equal(textOf(clipLine(line, 5)), 'abcd…');
    assert.equal(textOf(clipLine(line, 3)), 'abc');
    assert.equal(textOf(clipLine(line, 8)), 'abcdefgh');
  });
});
