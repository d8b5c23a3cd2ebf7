import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { askPerson, isYes } from '../../../src/cli/ask.ts';

describe('isYes', () => {
  for (const [words, want] of [
    ['y', true],
    [' Yes ', true],
    ['', false],
    ['n', false],
    ['yes please', false],
    ['yy', false],
  ] as const) {
    it(`is ${want} for ${JSON.stringify(words)}`, () => assert.equal(isYes(words), want));
  }
});

it('nobody is asked without a terminal', async () => {
  if (process.stdin.isTTY) process.stdin.pause();
  const answer = process.stdin.isTTY ? undefined : await askPerson('save?');
  assert.equal(answer, undefined);
});
