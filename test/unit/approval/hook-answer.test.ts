import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { answerLimitBytes, failed, readAnswer } from '../../../src/approval/hook-answer.ts';

describe('readAnswer', () => {
  const notJson = failed('answered with something that is not JSON');
  const cases: readonly (readonly [string, Uint8Array, unknown])[] = [
    ['an object', Buffer.from(' {"a":[1]}\n'), { status: 'done', answer: { a: [1] } }],
    ['null', Buffer.from('null'), { status: 'done', answer: null }],
    ['nothing', Buffer.from(''), notJson],
    ['words', Buffer.from('allow'), notJson],
    ['two answers', Buffer.from('{} {}'), notJson],
    [
      'quotes, backslashes and colons',
      Buffer.from(String.raw`{ "a\" : 1" : "b\\", "c" : [{ "d:" : ":" }, {}] }`),
      { status: 'done', answer: { 'a" : 1': 'b\\', c: [{ 'd:': ':' }, {}] } },
    ],
    [
      'a key that stands twice',
      Buffer.from('{"verdict":"ask","verdict":"allow"}'),
      failed('answered with a key that stands twice'),
    ],
    [
      'a key that stands twice in another spelling',
      Buffer.from(String.raw`{"a":{"b":1,"\u0062":2}}`),
      failed('answered with a key that stands twice'),
    ],
    ['more depth than there is', Buffer.from(`${'['.repeat(32768)}${']'.repeat(32768)}`), notJson],
    ['bytes that are no text', Buffer.from([0x22, 0xff, 0x22]), notJson],
  ];
  for (const [name, bytes, want] of cases) {
    it(`reads ${name}`, () => {
      assert.deepEqual(readAnswer(bytes), want);
    });
  }

  it('has a limit that fits any answer', () => {
    assert.equal(answerLimitBytes, 65_536);
  });
});
