import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ownershipOf } from '../../../src/policy/public-suffix.ts';

describe('ownershipOf', () => {
  const cases = [
    ['example.com', { suffix: 'com', kind: 'icann', isSuffix: false }],
    ['a.b.example.co.uk', { suffix: 'co.uk', kind: 'icann', isSuffix: false }],
    ['co.uk', { suffix: 'co.uk', kind: 'icann', isSuffix: true }],
    ['github.io', { suffix: 'github.io', kind: 'private', isSuffix: true }],
    ['somebody.github.io', { suffix: 'github.io', kind: 'private', isSuffix: false }],
    ['corp.internal', { suffix: 'internal', kind: 'unknown', isSuffix: false }],
  ] as const;
  for (const [name, want] of cases) {
    it(`knows who owns what is below ${name}`, () => assert.deepEqual(ownershipOf(name), want));
  }
});
