import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ownershipOf } from '../../../src/policy/public-suffix.ts';

describe('ownershipOf', () => {
  const cases = [
    ['example.com', 'com', 'icann', 'example.com', 'example'],
    ['a.b.example.co.uk', 'co.uk', 'icann', 'example.co.uk', 'example'],
    ['co.uk', 'co.uk', 'icann', undefined, undefined],
    ['github.io', 'github.io', 'private', undefined, undefined],
    ['a.somebody.github.io', 'github.io', 'private', 'somebody.github.io', 'somebody'],
    ['corp.internal', 'internal', 'unknown', 'corp.internal', 'corp'],
    ['intranet', 'intranet', 'unknown', undefined, undefined],
  ] as const;
  for (const [name, suffix, kind, domain, label] of cases) {
    it(`knows who owns what is below ${name}`, () => {
      const want = { suffix, kind, isSuffix: domain === undefined, domain, label };
      assert.deepEqual(ownershipOf(name), want);
    });
  }
});
