import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createAnswerLog } from '../../../src/approval/answer-log.ts';
import { createUndo, type UndoneAnswer, type UndoParts } from '../../../src/approval/undo.ts';
import { makeDestination } from '../../support/asking.ts';
import { makeAnswer, makeGrant } from '../../support/views.ts';

const approver = { name: 'dev', surface: 'page' };
const destination = makeDestination('api.example.net');
const undoneAt = '2026-11-20T12:01:00.000Z';

function bench(given: Partial<UndoParts> = {}) {
  const log = createAnswerLog();
  const done: string[] = [];
  const told: UndoneAnswer[] = [];
  const bugs: unknown[] = [];
  const undo = createUndo({
    log,
    now: () => Date.parse(undoneAt),
    revoke: (id) => {
      done.push(`revoke ${id}`);
      return makeGrant({ id });
    },
    closeQuestion: (question, grant) => {
      done.push(`close ${question} ${grant}, ${log.isUndone(question) ? 'undone' : 'standing'}`);
      return 3;
    },
    liftCooling: ({ host }) => done.push(`lift ${host}`),
    onUndone: (undone) => told.push(undone),
    onBug: (error) => bugs.push(error),
    ...given,
  });
  const add = (answer: Parameters<typeof makeAnswer>[0]) =>
    log.add(makeAnswer(answer), destination);
  return { undo, add, done, told, bugs };
}

describe('undo', () => {
  it('closes what an allow once let through', () => {
    const { undo, add, done, told } = bench();
    add({});
    const answer = makeAnswer({ undone: undoneAt });
    assert.deepEqual(undo('k3', approver), { answer, closed: 3 });
    assert.deepEqual(done, ['close k3 undefined, undone']);
    assert.deepEqual(told, [{ answer, closed: 3, approver, revoked: undefined }]);
  });
  it('takes back the grant of an allow, and what it let through', () => {
    const { undo, add, done, told } = bench();
    add({ for: '1h', grant: 'g7' });
    undo(undefined, approver);
    assert.deepEqual(done, ['revoke g7', 'close k3 g7, undone']);
    assert.deepEqual(told[0]?.revoked, makeGrant({ id: 'g7' }));
  });
  it('lets what was denied ask again', () => {
    const { undo, add, done } = bench();
    add({ outcome: 'deny' });
    assert.deepEqual(undo('k3', approver), {
      answer: makeAnswer({ outcome: 'deny', undone: undoneAt }),
      closed: 0,
    });
    add({ id: 'k4', outcome: 'deny', for: 'always', grant: 'g2' });
    undo('k4', approver);
    assert.deepEqual(done, ['lift api.example.net', 'revoke g2', 'lift api.example.net']);
  });
  it('is done once, newest first, and not without an answer', () => {
    const { undo, add } = bench();
    add({ id: 'a1' });
    add({ id: 'b1' });
    const id = () => {
      const undone = undo(undefined, approver);
      return typeof undone === 'string' ? undone : undone.answer.id;
    };
    assert.deepEqual([id(), id(), id()], ['b1', 'a1', 'none']);
    assert.deepEqual([undo('a1', approver), undo('z9', approver)], ['gone', 'none']);
  });
  it('stands although keeping, closing or telling fails', () => {
    const fail = () => assert.fail('broken');
    const { undo, add, bugs } = bench({ revoke: fail, closeQuestion: fail, onUndone: fail });
    add({ grant: 'g1' });
    const undone = undo('k3', approver);
    assert.equal(typeof undone === 'string' ? undone : undone.closed, 0);
    assert.equal(bugs.length, 3);
    assert.equal(undo('k3', approver), 'gone');
  });
});
