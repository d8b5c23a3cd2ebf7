import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import {
  escapeLines,
  escapeText,
  quoteWord,
  renderClock,
  renderCount,
  renderHostPort,
  renderJson,
  renderJsonLine,
  renderSpan,
  renderTable,
} from '../../../src/cli/render.ts';

describe('escapeText', () => {
  const cases = [
    { name: 'leaves letters of any script', text: 'Grüße, 東京 é', want: 'Grüße, 東京 é' },
    {
      name: 'shows controls and newlines',
      text: 'a\n\u001b[2J\u009b\u007f',
      want: 'a\\u000a\\u001b[2J\\u009b\\u007f',
    },
    {
      name: 'shows bidi controls',
      text: 'a\u202eb\u2066c\u061c',
      want: 'a\\u202eb\\u2066c\\u061c',
    },
    {
      name: 'shows zero-width characters',
      text: 'a\u200bb\u200d\ufeff\u2060',
      want: 'a\\u200bb\\u200d\\ufeff\\u2060',
    },
    {
      name: 'shows fillers and selectors',
      text: '\u115f\u3164\u2800\ufe0f\u034f',
      want: '\\u115f\\u3164\\u2800\\ufe0f\\u034f',
    },
    { name: 'shows line separators', text: '\u2028\u2029\u0085', want: '\\u2028\\u2029\\u0085' },
    { name: 'shows half a pair', text: 'a\ud800', want: 'a\\ud800' },
    { name: 'shows tags of the upper planes as pairs', text: '\u{e0041}', want: '\\udb40\\udc41' },
  ];
  for (const { name, text, want } of cases) {
    it(name, () => assert.equal(escapeText(text), want));
  }

  it('keeps line ends in messages of several lines', () => {
    assert.equal(escapeLines('a\u202e\nb\r'), 'a\\u202e\nb\\u000d');
  });
});

describe('renderJson', () => {
  it('stays the same value and is safe on a terminal', () => {
    const value = { host: 'a\u202e\u{e0041}', list: ['\u001b', 'ü'] };
    for (const text of [renderJson(value), renderJsonLine(value)]) {
      assert.deepEqual(JSON.parse(text), value);
      assert.ok(!text.includes('\u202e') && !text.includes('\u{e0041}'));
    }
    assert.equal(renderJsonLine(value).indexOf('\n'), renderJsonLine(value).length - 1);
  });
});

describe('renderTable', () => {
  it('aligns its columns and lets no cell break its line', () => {
    const text = renderTable(
      ['ID', 'HOST'],
      [
        ['k3', 'a.example'],
        ['k12', 'b\nk4 c.example'],
      ],
    );
    assert.equal(text, 'ID   HOST\nk3   a.example\nk12  b\\u000ak4 c.example\n');
  });

  it('is empty without rows', () => assert.equal(renderTable(['ID'], []), ''));
});

describe('quoteWord', () => {
  for (const word of ['plain-1.0', '', 'a b', "it's", '$HOME `x`', 'a\nb\n', '!*?', '-n', 'ü']) {
    it(`gives a shell ${JSON.stringify(word)} back`, () => {
      const { stdout } = spawnSync('/bin/sh', ['-c', `printf '%s.' ${quoteWord(word)}`]);
      assert.equal(stdout.toString(), `${word}.`);
    });
  }
});

describe('renderSpan', () => {
  const cases = [
    { seconds: -5, want: '0s' },
    { seconds: 99, want: '99s' },
    { seconds: 290, want: '5m' },
    { seconds: 7200, want: '2h' },
    { seconds: 86_400 * 30, want: '30d' },
  ];
  for (const { seconds, want } of cases) {
    it(`says ${want}`, () => assert.equal(renderSpan(1000, 1000 + seconds * 1000), want));
  }
});

describe('renderClock', () => {
  it('shows the time of day of this machine', () => {
    const noon = new Date(2026, 10, 20, 9, 5);
    assert.equal(renderClock(noon.toISOString()), '09:05');
  });
});

describe('renderCount', () => {
  it('speaks of one and of several', () => {
    assert.deepEqual(
      [0, 1, 2].map((number) => renderCount(number, 'rule')),
      ['0 rules', '1 rule', '2 rules'],
    );
  });
});

describe('renderHostPort', () => {
  it('puts IPv6 in brackets', () => {
    assert.deepEqual([renderHostPort('::1', 1), renderHostPort('h', '*')], ['[::1]:1', 'h:*']);
  });
});
