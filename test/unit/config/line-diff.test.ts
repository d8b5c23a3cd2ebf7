import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { alignLines, diffTexts, keepLineEnds } from '../../../src/config/line-diff.ts';

/** A diff as patch prints it: a sign, the line number, the text. */
function shownDiff(before: string, after: string): readonly string[] {
  const signs = { same: ' ', added: '+', removed: '-' };
  return diffTexts(before, after).map(({ kind, line, text }) => `${signs[kind]}${line} ${text}`);
}

describe('diffTexts', () => {
  it('is empty for equal texts', () => {
    assert.deepEqual(diffTexts('a\nb\n', 'a\nb\n'), []);
    assert.deepEqual(diffTexts('', ''), []);
  });

  it('shows three lines around each change and leaves the rest out', () => {
    const before = Array.from({ length: 20 }, (_, index) => `line ${index + 1}\n`);
    const after = before.toSpliced(1, 1).toSpliced(15, 1, 'new\n');
    assert.deepEqual(shownDiff(before.join(''), after.join('')), [
      ' 1 line 1',
      '-2 line 2',
      ' 2 line 3',
      ' 3 line 4',
      ' 4 line 5',
      ' 13 line 14',
      ' 14 line 15',
      ' 15 line 16',
      '-17 line 17',
      '+16 new',
      ' 17 line 18',
      ' 18 line 19',
      ' 19 line 20',
    ]);
  });

  it('numbers removed lines as they were and added ones as they are', () => {
    assert.deepEqual(shownDiff('a\nb\nc\n', 'a\nX\nY\nc\n'), [
      ' 1 a',
      '-2 b',
      '+2 X',
      '+3 Y',
      ' 4 c',
    ]);
  });

  it('sees a line end that came, went or changed', () => {
    assert.deepEqual(shownDiff('a\nb', 'a\nb\n'), [' 1 a', '-2 b', '+2 b']);
    assert.deepEqual(shownDiff('a\r\n', 'a\n'), ['-1 a', '+1 a']);
  });

  it('shows a whole new file as added', () => {
    assert.deepEqual(shownDiff('', 'a\nb\n'), ['+1 a', '+2 b']);
  });

  it('escapes what is not to be seen, tabs aside', () => {
    assert.deepEqual(shownDiff('', '\t# a\u202eb\u0007\n'), ['+1 \t# a\\u202eb\\u0007']);
  });

  it('takes texts without a line in common, too large for a careful look, as one block', () => {
    const lines = (word: string): string =>
      Array.from({ length: 2000 }, (_, index) => `${word} ${index}\n`).join('');
    const diff = diffTexts(lines('old'), lines('new'));
    assert.equal(diff.length, 4000);
    assert.deepEqual(diff[1999], { kind: 'removed', line: 2000, text: 'old 1999' });
    assert.deepEqual(diff[2000], { kind: 'added', line: 1, text: 'new 0' });
  });

  it('takes no time for a change in the middle of a large text', () => {
    const lines = Array.from({ length: 50_000 }, (_, index) => `  "h${index}.example",\n`);
    const started = performance.now();
    const diff = diffTexts(lines.join(''), lines.toSpliced(25_000, 1).join(''));
    assert.equal(diff.length, 7);
    assert.ok(performance.now() - started < 10_000);
  });
});

describe('alignLines', () => {
  it('pairs each line with where it stands in the other list', () => {
    assert.deepEqual(alignLines(['a', 'b', 'c'], ['b', 'd']), [
      { kind: 'removed', before: 0, after: 0 },
      { kind: 'same', before: 1, after: 0 },
      { kind: 'removed', before: 2, after: 1 },
      { kind: 'added', before: 3, after: 1 },
    ]);
  });
});

describe('keepLineEnds', () => {
  const before = '# a\r\n[network]\r\nmode = "full"\r\n';
  const cases: readonly (readonly [name: string, before: string, draft: string, want: string])[] = [
    ['gives unchanged lines their CRLF back', before, before.replaceAll('\r\n', '\n'), before],
    [
      'gives new lines the CRLF of the file',
      before,
      '# a\n# b\n[network]\nmode = "full"\n',
      '# a\r\n# b\r\n[network]\r\nmode = "full"\r\n',
    ],
    [
      'keeps each line as it was where ends are mixed',
      'a\r\nb\nc\r\n',
      'a\nb\nx\nc\n',
      'a\r\nb\nx\r\nc\r\n',
    ],
    ['gives the line end that a last line was without', 'a\r\nb', 'a\nb\nc\n', 'a\r\nb\r\nc\r\n'],
    ['leaves a draft alone that has a CR of its own', before, 'a\r\nb\n', 'a\r\nb\n'],
    ['leaves a draft of an LF file alone', 'a\nb\n', 'b\n', 'b\n'],
    ['leaves an emptied file empty', before, '', ''],
  ];
  for (const [name, old, draft, want] of cases) {
    it(name, () => assert.equal(keepLineEnds(old, draft), want));
  }
});
