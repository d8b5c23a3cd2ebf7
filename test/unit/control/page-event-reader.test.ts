// Server-sent events as the page reads them.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createEventReader } from '../../../src/control/page/event-reader.js';

describe('the reader of events', () => {
  for (const [name, text, events] of [
    ['a named event', 'event: change\ndata: {}\n\n', [{ event: 'change', data: '{}' }]],
    ['an unnamed event', 'data:x\n\n', [{ event: 'message', data: 'x' }]],
    ['several data lines', 'data: a\ndata: b\n\n', [{ event: 'message', data: 'a\nb' }]],
    ['CRLF', 'id: 1\r\ndata: a\r\n\r\n', [{ event: 'message', data: 'a' }]],
    ['comments alone', ': alive\n\n: alive\n\n', []],
    ['an event without data', 'event: change\n\n', []],
    ['an event that is not ended', 'data: a\n', []],
  ] as const) {
    it(`reads ${name}, however it is cut`, () => {
      for (let cut = 0; cut <= text.length; cut += 1) {
        const read = createEventReader();
        assert.deepEqual([...read(text.slice(0, cut)), ...read(text.slice(cut))], events);
      }
    });
  }

  it('forgets the name with its event', () => {
    assert.deepEqual(createEventReader()('event: a\ndata: 1\n\ndata: 2\n\n'), [
      { event: 'a', data: '1' },
      { event: 'message', data: '2' },
    ]);
  });

  it('gives up on a line without end', () => {
    const read = createEventReader();
    const piece = 'x'.repeat(16 * 1024 * 1024);
    read(piece);
    read(piece);
    assert.throws(() => read('x'), /too long/);
  });
});
