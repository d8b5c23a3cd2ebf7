import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  answeredQuestion,
  answerView,
  type TakenAnswer,
} from '../../../src/approval/answer-record.ts';
import { makeDestination } from '../../support/asking.ts';
import { makeGrant } from '../../support/views.ts';

const approver = { name: 'dev', surface: 'page' };
const destination = makeDestination('a.example.net', 8443);

function take(given: Partial<TakenAnswer> = {}): TakenAnswer {
  return {
    request: { outcome: 'allow' },
    scope: { duration: { kind: 'once' }, host: 'a.example.net', port: 8443, wide: false },
    group: {
      id: 'k3',
      revision: 1,
      destination,
      waiting: 1,
      asked: 1,
      firstSeenMs: 1000,
      lastSeenMs: 1000,
      oldestMs: 1000,
      deadlineMs: 2000,
      expiresMs: 3000,
      askers: [],
      unidentified: false,
    },
    released: 1,
    approver,
    grant: undefined,
    atMs: 6000,
    ...given,
  };
}

describe('an answer that was taken', () => {
  it('is told with what it leaves to its defaults', () => {
    assert.deepEqual(answeredQuestion(take()), {
      id: 'k3',
      destination,
      outcome: 'allow',
      for: 'once',
      host: 'exact',
      port: 'this',
      program: 'any',
      note: undefined,
      approver,
      latencyMs: 5000,
      released: 1,
      grant: undefined,
    });
  });
  it('is told with what it says', () => {
    const grant = makeGrant({ programs: [{ executable: '/usr/bin/curl', folder: null }] });
    const request = { outcome: 'deny', for: '1h', port: 'any', note: 'why' } as const;
    const duration = { kind: 'until', ms: 3_600_000 } as const;
    const scope = { duration, host: '*.example.net', port: 'any', wide: true } as const;
    const told = answeredQuestion(take({ request, scope, grant, atMs: 0 }));
    const { outcome, for: lasts, host, port, program, note, latencyMs } = told;
    assert.deepEqual(
      { outcome, lasts, host, port, program, note, latencyMs },
      {
        outcome: 'deny',
        lasts: '1h',
        host: '*.example.net',
        port: 'any',
        program: 'this',
        note: 'why',
        latencyMs: 0,
      },
    );
  });
  it('is logged under its question, with the grant it left', () => {
    assert.deepEqual(answerView(take({ grant: makeGrant({ id: 'g7' }) })), {
      id: 'k3',
      protocol: 'https_connect',
      host: 'a.example.net',
      port: 8443,
      outcome: 'allow',
      for: 'once',
      scopeHost: 'exact',
      scopePort: 'this',
      at: '1970-01-01T00:00:06.000Z',
      approver: 'dev',
      surface: 'page',
      latencyMs: 5000,
      released: 1,
      grant: 'g7',
    });
  });
});
