import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { escapeText } from '../../../src/audit/escape.ts';

describe('escapeText', () => {
  it('never splits an escape and never exceeds the limit', () => {
    for (let limit = 3; limit < 40; limit += 1) {
      const text = escapeText('a\u202e\\\u0007bcdefghijklmnop\u202e', limit);
      assert.ok(text.length <= limit);
      assert.match(text, /^(?:[ -[\]-~]|\\\\|\\x[0-9a-f]{2}|\\u[0-9a-f]{4})*$/);
    }
  });
});
