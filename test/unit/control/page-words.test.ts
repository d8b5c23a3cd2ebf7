// The page's words for times, counts, grants and decisions.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  answerWords,
  clockSpan,
  count,
  durationWords,
  entryWhy,
  grantPrograms,
  grantTime,
  hostPort,
  isUnused,
  moment,
  roughSpan,
  waitWords,
} from '../../../src/control/page/words.js';
import type { HistoryEntry } from '../../../src/control/messages.ts';
import { makeAnswer, makeGrant } from '../../support/views.ts';

const now = new Date(2026, 10, 20, 12, 0, 0).getTime();

describe('spans', () => {
  for (const [ms, clock, rough] of [
    [-5, '0:00', '0 s'],
    [0, '0:00', '0 s'],
    [41_000, '0:41', '41 s'],
    [119_000, '1:59', '119 s'],
    [725_000, '12:05', '12 min'],
    [3_723_000, '1:02:03', '62 min'],
    [7_200_000, '2:00:00', '2 h'],
    [259_200_000, '72:00:00', '3 days'],
  ] as const) {
    it(`say ${ms} ms as ${clock} and ${rough}`, () => {
      assert.deepEqual([clockSpan(ms), roughSpan(ms)], [clock, rough]);
    });
  }
});

describe('open questions', () => {
  for (const [waiting, words] of [
    [[], ''],
    [[1], '1 destination waits'],
    [[1, 4], '2 destinations wait'],
    [[0, 1, 0], '1 waits, 2 kept'],
    [[0, 2, 1], '2 wait, 1 kept'],
    [[0, 0], 'nobody waits, 2 kept'],
  ] as const) {
    it(`with ${waiting.join(', ') || 'none'} waiting are said as "${words}"`, () => {
      assert.equal(waitWords(waiting.map((number) => ({ waiting: number }))), words);
    });
  }
});

describe('moments', () => {
  it('leave out what is the same today', () => {
    const at = (...date: [number, number, number, number, number, number]) =>
      moment(new Date(...date).toISOString(), now);
    assert.deepEqual(
      [at(2026, 10, 20, 9, 5, 7), at(2026, 10, 3, 9, 5, 7), at(2025, 0, 3, 9, 5, 7)],
      ['09:05:07', '3 Nov 09:05', '3 Jan 2025 09:05'],
    );
  });

  it('show as it is what is none', () => {
    assert.equal(moment('soon', now), 'soon');
  });
});

describe('names', () => {
  it('put brackets around IPv6 addresses only', () => {
    assert.deepEqual(
      [hostPort('a.example', 443), hostPort('2001:db8::1', 443), hostPort('*.a.example', 'any')],
      ['a.example:443', '[2001:db8::1]:443', '*.a.example, any port'],
    );
  });

  it('count in the singular and the plural', () => {
    assert.deepEqual([count(1, 'name'), count(0, 'name')], ['1 name', '0 names']);
  });
});

describe('answers', () => {
  for (const [given, words] of [
    [{}, 'allowed once'],
    [{ outcome: 'deny', for: 'always' }, 'denied always'],
    [
      { for: '2h', scopeHost: '*.example.net', scopePort: 'any' },
      'allowed for 2 h, *.example.net, any port',
    ],
    [{ for: '30m' }, 'allowed for 30 min'],
    [{ for: 'restart' }, 'allowed until restart'],
  ] as const) {
    it(`are told as "${words}"`, () => {
      assert.equal(answerWords(makeAnswer(given)), words);
    });
  }

  it('keep a duration that is not known as it is', () => {
    assert.equal(durationWords('a while'), 'a while');
  });
});

describe('grants', () => {
  const expires = new Date(now + 3_600_000).toISOString();
  for (const [given, words] of [
    [{ expires }, 'until 13:00:00'],
    [{ for: 'ticket', expires }, 'one use, until 13:00:00'],
    [{ for: 'restart', expires: null }, 'until restart'],
    [{ for: 'always', expires: null }, 'always'],
  ] as const) {
    it(`hold "${words}"`, () => {
      assert.equal(grantTime(makeGrant(given), now), words);
    });
  }

  it('name the programs they are bound to', () => {
    const programs = [
      { executable: '/usr/bin/curl', folder: '/home/dev/app' },
      { executable: 'C:\\bin\\node.exe', folder: null },
    ];
    assert.equal(grantPrograms(makeGrant({ programs })), 'curl in /home/dev/app, node.exe');
    assert.equal(grantPrograms(makeGrant()), 'any program');
  });

  it('are unused after thirty days without use, when they are for good', () => {
    const old = new Date(now - 31 * 86_400_000).toISOString();
    const kept = makeGrant({ for: 'always', created: old });
    assert.deepEqual(
      [
        isUnused(kept, now),
        isUnused({ ...kept, lastUsed: new Date(now).toISOString() }, now),
        isUnused({ ...kept, for: 'restart' }, now),
      ],
      [true, false, false],
    );
  });
});

describe('a decision', () => {
  const entry: HistoryEntry = {
    uid: 'u',
    at: '2026-11-20T12:00:00.000Z',
    outcome: 'deny',
    protocol: 'http',
    host: 'a.example',
    port: 80,
    method: 'GET',
    reason: 'not_allowed',
    source: 'decider',
    rule: null,
    question: null,
    grant: null,
    approver: null,
    surface: null,
    waitMs: null,
    program: null,
    pid: null,
  };
  for (const [given, words] of [
    [{ rule: 'deny a.example (x.toml:3)' }, 'rule deny a.example (x.toml:3)'],
    [{ approver: 'dev', surface: 'tray' }, 'answered by dev (tray)'],
    [{ grant: 'g1' }, 'remembered answer g1'],
    [{}, 'no rule allows it'],
    [{ reason: 'sni_mismatch' }, 'sni mismatch'],
  ] as const) {
    it(`is explained as "${words}"`, () => {
      assert.equal(entryWhy({ ...entry, ...given }), words);
    });
  }
});
