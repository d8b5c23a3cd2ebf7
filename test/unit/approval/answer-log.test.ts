import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createAnswerLog } from '../../../src/approval/answer-log.ts';
import { makeDestination } from '../../support/asking.ts';
import { makeAnswer } from '../../support/views.ts';

const destination = makeDestination('api.example.net');
const idsOf = (log: ReturnType<typeof createAnswerLog>) => log.list().map(({ id }) => id);

describe('the log of answers', () => {
  it('shows the newest first, and keeps what was asked for', () => {
    const log = createAnswerLog();
    for (const id of ['a1', 'b1']) log.add(makeAnswer({ id }), destination);
    assert.deepEqual(log.list(), [makeAnswer({ id: 'b1' }), makeAnswer({ id: 'a1' })]);
    assert.deepEqual(log.find('a1'), { view: makeAnswer({ id: 'a1' }), destination });
  });
  it('finds the newest that stands', () => {
    const log = createAnswerLog();
    assert.equal(log.find(undefined), 'none');
    for (const id of ['a1', 'b1']) log.add(makeAnswer({ id }), destination);
    const newest = () => {
      const found = log.find(undefined);
      return typeof found === 'string' ? found : found.view.id;
    };
    assert.equal(newest(), 'b1');
    log.undo('b1', 0);
    assert.equal(newest(), 'a1');
    log.undo('a1', 0);
    assert.equal(newest(), 'none');
  });
  it('takes an answer back once, and says when', () => {
    const log = createAnswerLog();
    log.add(makeAnswer(), destination);
    const atMs = Date.UTC(2026, 10, 20, 12, 1);
    const undone = makeAnswer({ undone: '2026-11-20T12:01:00.000Z' });
    assert.equal(log.isUndone('k3'), false);
    assert.deepEqual(log.undo('k3', atMs), undone);
    assert.deepEqual([log.undo('k3', atMs), log.find('k3')], [undefined, 'gone']);
    assert.deepEqual([log.list(), log.isUndone('k3')], [[undone], true]);
    assert.deepEqual([log.undo('z9', atMs), log.isUndone('z9')], [undefined, false]);
  });
  it('keeps the last ones, and which were undone for longer', () => {
    const log = createAnswerLog(2);
    log.add(makeAnswer({ id: 'a1' }), destination);
    log.undo('a1', 0);
    for (const id of ['b1', 'c1']) log.add(makeAnswer({ id }), destination);
    assert.deepEqual(idsOf(log), ['c1', 'b1']);
    assert.deepEqual([log.find('a1'), log.isUndone('a1')], ['gone', true]);
  });
  it('remembers 4096 that were undone', () => {
    const log = createAnswerLog();
    for (let n = 0; n <= 4096; n += 1) {
      log.add(makeAnswer({ id: `a${n}` }), destination);
      log.undo(`a${n}`, 0);
    }
    assert.deepEqual(
      ['a0', 'a1', 'a4096'].map((id) => log.isUndone(id)),
      [false, true, true],
    );
    assert.equal(log.list().length, 256);
  });
});
