import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isEnough, refuse, stranger } from '../../../src/control/route.ts';

describe('isEnough', () => {
  const cases = [
    { permission: 'anyone', want: ['viewer', 'approver', 'admin'] },
    { permission: 'view', want: ['viewer', 'approver', 'admin'] },
    { permission: 'answer', want: ['approver', 'admin'] },
    { permission: 'admin', want: ['admin'] },
  ] as const;
  for (const { permission, want } of cases) {
    it(`lets ${want.join(', ')} do what needs "${permission}"`, () => {
      const roles = ['viewer', 'approver', 'admin'] as const;
      assert.deepEqual(
        roles.filter((role) => isEnough(role, permission)),
        want,
      );
    });
  }
});

describe('refuse', () => {
  it('is a reply', () => {
    assert.deepEqual(refuse(404, 'not_found', 'no'), {
      refused: { status: 404, code: 'not_found', message: 'no' },
    });
  });
});

describe('stranger', () => {
  it('has the least role and no token', () => {
    assert.deepEqual([stranger.role, stranger.token, stranger.key], ['viewer', '', '']);
  });
});
