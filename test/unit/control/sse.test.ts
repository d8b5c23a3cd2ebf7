import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createSseReader } from '../../../src/control/sse.ts';

function read(...chunks: readonly string[]): string[] {
  const reader = createSseReader(100);
  return chunks.flatMap((chunk) => [...reader.push(Buffer.from(chunk))]);
}

describe('createSseReader', () => {
  const cases: readonly { name: string; text: string; want: readonly string[] }[] = [
    { name: 'reads an event', text: 'event: a\nid: 1\ndata: {"x":1}\n\n', want: ['{"x":1}'] },
    { name: 'reads two', text: 'data: 1\n\ndata: 2\n\n', want: ['1', '2'] },
    { name: 'waits for the empty line', text: 'data: 1\n', want: [] },
    { name: 'passes comments over', text: ':\n\n: hello\n\ndata: 1\n\n', want: ['1'] },
    { name: 'passes events without data over', text: 'event: a\n\ndata: 1\n\n', want: ['1'] },
    { name: 'joins lines of data', text: 'data: 1\ndata: 2\n\n', want: ['1\n2'] },
    { name: 'takes data without a blank', text: 'data:1\n\n', want: ['1'] },
    { name: 'takes away one blank only', text: 'data:  1\n\n', want: [' 1'] },
    { name: 'takes empty data', text: 'data\n\ndata:\n\n', want: ['', ''] },
    { name: 'takes no field that only begins like data', text: 'database: 1\n\n', want: [] },
    {
      name: 'reads CR and CRLF',
      text: 'data: 1\r\n\r\ndata: 2\r\rdata: 3\n\n',
      want: ['1', '2', '3'],
    },
    { name: 'reads text beyond ASCII', text: 'data: Ω😀\n\n', want: ['Ω😀'] },
  ];
  for (const { name, text, want } of cases) {
    it(name, () => assert.deepEqual(read(text), want));
    it(`${name}, byte by byte`, () => {
      const reader = createSseReader(100);
      const found = [...Buffer.from(text)].flatMap((byte) => [...reader.push(Buffer.of(byte))]);
      assert.deepEqual(found, want);
    });
  }
  const long: readonly { name: string; chunks: readonly string[] }[] = [
    { name: 'a line without end', chunks: ['data: ', 'x'.repeat(60), 'x'.repeat(60)] },
    { name: 'data of many lines', chunks: Array.from({ length: 30 }, () => 'data: xxxxxx\n') },
    { name: 'a comment without end', chunks: [':', 'x'.repeat(120)] },
  ];
  for (const { name, chunks } of long) {
    it(`refuses ${name}`, () => assert.throws(() => read(...chunks), RangeError));
  }
  it('takes any number of comments and short events', () => {
    const many = Array.from({ length: 100 }, () => ': alive\n\ndata: 1\nid: 12345678\n\n');
    assert.equal(read(...many).length, 100);
  });
});
