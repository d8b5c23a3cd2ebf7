import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatFinding, nearest, quote } from '../../../src/config/finding.ts';
import { escapePrintable } from '../../../src/policy/printable.ts';

describe('nearest', () => {
  const words = ['allowed_domains', 'denied_domains', 'domains', 'mode', 'enabled'];
  const cases: readonly (readonly [string, string | undefined])[] = [
    ['allowed_domain', 'allowed_domains'],
    ['allow_domains', 'allowed_domains'],
    ['Denied-Domains', 'denied_domains'],
    ['doamins', 'domains'],
    ['mdoe', 'mode'],
    ['enable', 'enabled'],
    ['mode', 'mode'],
    ['timeout', undefined],
    ['x', undefined],
    ['', undefined],
    ['a'.repeat(65), undefined],
  ];
  for (const [text, want] of cases) {
    it(`takes ${JSON.stringify(text.slice(0, 20))} for ${want}`, () => {
      assert.equal(nearest(text, words), want);
    });
  }
});

describe('text for people', () => {
  it('is one line with the place in front', () => {
    const place = { file: 'c.toml', line: 3, column: 7, message: 'key: wrong' };
    assert.equal(formatFinding({ severity: 'error', ...place }), 'c.toml:3:7: key: wrong');
    assert.equal(
      formatFinding({ severity: 'warning', ...place }),
      'c.toml:3:7: warning: key: wrong',
    );
  });

  it('shows what a terminal would hide, turn round or obey', () => {
    assert.equal(
      escapePrintable('a\u001b[2K\u202eb\u200bc\u00a0d \n\ud800é'),
      'a\\u001b[2K\\u202eb\\u200bc\\u00a0d \\u000a\\ud800é',
    );
  });

  it('quotes and cuts', () => {
    assert.equal(quote('a"b\u202e'), '"a\\"b\\u202e"');
    assert.equal(quote('x'.repeat(100)), `"${'x'.repeat(77)}..."`);
  });
});
