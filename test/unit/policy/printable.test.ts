import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { escapePrintable } from '../../../src/policy/printable.ts';

describe('escapePrintable', () => {
  const cases = [
    { name: 'leaves letters of any script', text: 'Grüße, 東京 é', want: 'Grüße, 東京 é' },
    {
      name: 'shows controls and newlines',
      text: 'a\n\u001b[2J\u009b\u007f',
      want: 'a\\u000a\\u001b[2J\\u009b\\u007f',
    },
    {
      name: 'shows what turns the reading direction',
      text: 'a\u202eb\u2066c\u061c',
      want: 'a\\u202eb\\u2066c\\u061c',
    },
    {
      name: 'shows characters without width',
      text: 'a\u200bb\u200d\ufeff\u2060',
      want: 'a\\u200bb\\u200d\\ufeff\\u2060',
    },
    {
      name: 'shows fillers and selectors',
      text: '\u115f\u3164\u2800\ufe0f\u034f',
      want: '\\u115f\\u3164\\u2800\\ufe0f\\u034f',
    },
    { name: 'shows line separators', text: '\u2028\u2029\u0085', want: '\\u2028\\u2029\\u0085' },
    { name: 'shows private characters', text: '\ue000', want: '\\ue000' },
    { name: 'shows half a pair', text: 'a\ud800', want: 'a\\ud800' },
    { name: 'shows tags of the upper planes as pairs', text: '\u{e0041}', want: '\\udb40\\udc41' },
    { name: 'keeps whole pairs that show', text: '\u{1f600}', want: '\u{1f600}' },
  ];
  for (const { name, text, want } of cases) {
    it(name, () => assert.equal(escapePrintable(text), want));
  }
  it('changes nothing the second time', () => {
    const once = escapePrintable('a\u202eb\n');
    assert.equal(escapePrintable(once), once);
  });
});
