import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { it } from 'node:test';
import { paint } from '../../../src/cli/paint.ts';

it('a stream that is no terminal gets the words alone', () => {
  const line = [{ text: 'a', tone: 'red' }, { text: 'b' }, { text: '', tone: 'bold' }] as const;
  assert.equal(paint(line, new PassThrough()), 'ab');
});
