// The arithmetic behind the tables of `npm run bench`; what they show is only as good as this.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { interleave, isMet, ratios, renderResults } from '../bench/result.ts';
import { formatNumber, percentile, summarize } from '../bench/statistics.ts';

describe('summarize', () => {
  it('takes the middle of an odd list and the mean of the middle two of an even one', () => {
    assert.deepEqual(summarize([3, 1, 2]), { median: 2, min: 1, max: 3 });
    assert.deepEqual(summarize([4, 1, 2, 3]), { median: 2.5, min: 1, max: 4 });
  });
});

describe('percentile', () => {
  const values = Array.from({ length: 500 }, (_, index) => 500 - index);
  const cases = [
    { name: 'gives the fifth largest of 500 for p99', share: 0.99, want: 495 },
    { name: 'gives the middle for p50', share: 0.5, want: 250 },
    { name: 'gives the least for 0', share: 0, want: 1 },
    { name: 'gives the largest for 1', share: 1, want: 500 },
  ];
  for (const { name, share, want } of cases) {
    it(name, () => assert.equal(percentile(values, share), want));
  }
});

describe('formatNumber', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0.0312, '0.031'],
    [1.234, '1.23'],
    [12.34, '12.3'],
    [123.4, '123'],
    [1234.5, '1 235'],
    [1_234_567, '1 234 567'],
    [Number.NaN, '–'],
  ];
  for (const [value, want] of cases) {
    it(`writes ${value} as ${want}`, () => assert.equal(formatNumber(value), want));
  }
});

describe('a row', () => {
  it('meets its limit by its median, not by its worst round', () => {
    const row = { what: 'p99 over p99', unit: '×', atMost: 2 };
    assert.equal(isMet({ ...row, values: [1, 1.9, 9] }), true);
    assert.equal(isMet({ ...row, values: [1, 2.1, 2.2] }), false);
    assert.equal(isMet({ ...row, values: [Number.NaN] }), false);
  });

  it('divides within a round', () => {
    assert.deepEqual(ratios([4, 9], [2, 3]), [2, 3]);
  });

  it('is a line of a table whose columns are of one width', () => {
    const rows = [{ what: 'one', unit: 'µs', values: [1000, 2000, 3000] }];
    assert.equal(
      renderResults([{ name: 'n', about: 'About.', rows }]),
      [
        '## n',
        '',
        'About.',
        '',
        '| measured | unit | median |     min–max |',
        '| -------- | ---- | -----: | ----------: |',
        '| one      | µs   |  2 000 | 1 000–3 000 |',
        '',
      ].join('\n'),
    );
  });
});

describe('interleave', () => {
  it('runs every other round in the opposite order', async () => {
    const order: string[] = [];
    await interleave(2, {
      one: async () => void order.push('one'),
      two: async () => void order.push('two'),
    });
    assert.deepEqual(order, ['one', 'two', 'two', 'one']);
  });
});
