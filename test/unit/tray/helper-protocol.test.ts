import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  createHelperBook,
  readHelperLine,
  type WireEntry,
} from '../../../src/tray/helper-protocol.ts';
import { makeModel, makeVerb } from '../../support/tray-models.ts';

const runs = Number(process.env['FUZZ_RUNS'] ?? 5000);

function idOf(entries: readonly WireEntry[], label: string): number {
  for (const entry of entries) {
    if ('id' in entry && entry.label === label) return entry.id;
    const inner = 'entries' in entry ? idOf(entry.entries, label) : 0;
    if (inner > 0) return inner;
  }
  return 0;
}

describe('the book of ids', () => {
  it('tells the helper everything and keeps what the clicks mean', () => {
    const book = createHelperBook('r1');
    const line = book.lineOf(makeModel('k3'));
    assert.deepEqual(line, {
      v: 1,
      run: 'r1',
      type: 'show',
      state: 'waiting',
      badge: '1',
      tooltip: '1 destination waits\napi.example.net:443',
      menu: [
        {
          label: 'k3 api.example.net:443',
          entries: [
            { label: 'curl in ~/app' },
            { label: 'Deny', id: 1 },
            { label: 'Allow once', id: 2 },
          ],
        },
        { separator: true },
        { label: 'Open', id: 3 },
      ],
      notice: {
        title: 'k3: api.example.net:443',
        body: 'curl asks\nin ~/app',
        click: 4,
        isNew: true,
      },
    });
    assert.deepEqual(book.actionOf(1), makeVerb('k3', 'deny'));
    assert.deepEqual(book.actionOf(3), { kind: 'open' });
  });

  it('never gives an id a second meaning, and forgets what is not shown any more', () => {
    const book = createHelperBook('r1');
    const allow = idOf(book.lineOf(makeModel('k3')).menu, 'Allow once');
    const next = book.lineOf(makeModel('m3'));
    assert.equal(book.actionOf(allow), undefined);
    assert.ok(idOf(next.menu, 'Deny') > allow);
    assert.equal(idOf(next.menu, 'Open'), 3);
  });

  it('draws attention to the same notice once', () => {
    const book = createHelperBook('r1');
    book.lineOf(makeModel('k3'));
    assert.equal(book.lineOf(makeModel('k3')).notice?.isNew, false);
    assert.equal(book.lineOf(makeModel('m3')).notice?.isNew, true);
    assert.equal(book.lineOf(makeModel('m3', { notification: null })).notice, null);
  });
});

describe('a line of the helper', () => {
  const cases = [
    { text: '{"v":1,"run":"r1","type":"ready"}', want: { type: 'ready' } },
    { text: '{"v":1,"run":"r1","type":"click","id":12}', want: { type: 'click', id: 12 } },
    { text: '{"v":1,"run":"r1","type":"menu","open":true}', want: { type: 'menu', open: true } },
    {
      text: '{"v":1,"run":"r1","type":"problem","text":"x"}',
      want: { type: 'problem', text: 'x' },
    },
    { text: '{"v":1,"run":"r2","type":"click","id":12}', want: undefined },
    { text: '{"v":2,"run":"r1","type":"ready"}', want: undefined },
    { text: '{"v":1,"run":"r1","type":"click","id":"12"}', want: undefined },
    { text: '{"v":1,"run":"r1","type":"click","id":-1}', want: undefined },
    { text: '{"v":1,"run":"r1","type":"answer","verb":"allow"}', want: undefined },
    { text: '[]', want: undefined },
    { text: 'ready', want: undefined },
  ];
  for (const { text, want } of cases) {
    it(`${want === undefined ? 'is refused' : 'is read'}: ${text}`, () => {
      assert.deepEqual(readHelperLine(text, 'r1'), want);
    });
  }

  it('is read without an exception, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        assert.equal(readHelperLine(text, 'a run nobody knows'), undefined);
      }),
      { numRuns: runs },
    );
  });
});
