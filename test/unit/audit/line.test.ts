import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatLine, readLine } from '../../../src/audit/line.ts';

const event = {
  uid: 'u',
  time: '2026-11-20T08:36:41.138Z',
  name: 'test',
  attributes: { text: 'ü\u2028\u007f"\\\n', number: 1, flag: false },
};

describe('formatLine', () => {
  it('writes ASCII only, in a fixed order, with one line feed at the end', () => {
    assert.equal(
      formatLine(event),
      '{"uid":"u","time":"2026-11-20T08:36:41.138Z","name":"test",' +
        '"attributes":{"text":"\\u00fc\\u2028\\u007f\\"\\\\\\n","number":1,"flag":false}}\n',
    );
  });
});

describe('readLine', () => {
  it('reads back what was written', () => {
    assert.deepEqual(readLine(formatLine(event).trimEnd()), event);
  });

  it('knows a line cut at any place', () => {
    const line = formatLine(event).trimEnd();
    for (let end = 0; end < line.length; end += 1) {
      assert.equal(readLine(line.slice(0, end)), undefined);
    }
  });

  const cases = [
    'null',
    '[]',
    '"text"',
    '{}',
    '{"uid":1,"time":"","name":"","attributes":{}}',
    '{"uid":"","time":"","name":"","attributes":[]}',
    '{"uid":"","time":"","name":"","attributes":{"a":null}}',
    '{"uid":"","time":"","name":"","attributes":{"a":{}}}',
    '{"uid":"","time":"","name":"","attributes":{"a":1e400}}',
    '{"uid":"","time":"","name":""}',
  ];
  for (const text of cases) {
    it(`refuses ${text}`, () => assert.equal(readLine(text), undefined));
  }
});
