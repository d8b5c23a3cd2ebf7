import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readMoment, readSpan } from '../../../src/cli/duration.ts';

const now = Date.parse('2026-11-20T12:00:00.000Z');

describe('readSpan', () => {
  for (const text of ['1m', '90m', '12h']) {
    it(`takes ${text}`, () => assert.equal(readSpan(text, 'pause'), text));
  }
  for (const text of ['', '0m', '5', '5s', '1.5h', '-1m', 'm', '5m ', undefined]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      const message = 'pause takes minutes such as 10m or hours such as 2h';
      assert.throws(() => readSpan(text, 'pause'), { code: 'ERR_USAGE', message });
    });
  }
});

describe('readMoment', () => {
  const cases = [
    { text: '90s', want: '2026-11-20T11:58:30.000Z' },
    { text: '1h', want: '2026-11-20T11:00:00.000Z' },
    { text: '7d', want: '2026-11-13T12:00:00.000Z' },
    { text: '2026-11-19', want: '2026-11-19T00:00:00.000Z' },
    { text: '2026-11-19T08:30:00+02:00', want: '2026-11-19T06:30:00.000Z' },
  ];
  for (const { text, want } of cases) {
    it(`reads ${text}`, () => assert.equal(readMoment(text, '--since', now), want));
  }
  for (const text of ['', 'yesterday', '0h', '2026-13-45', '1w', '5']) {
    it(`refuses ${JSON.stringify(text)}`, () =>
      assert.throws(() => readMoment(text, '--since', now), {
        code: 'ERR_USAGE',
        message: /^--since takes a span such as 30m/,
      }));
  }
});
