import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  shown,
  wordAnswer,
  wordAsker,
  wordCount,
  wordFlood,
  wordPlace,
  wordWaiting,
} from '../../../src/tray/wording.ts';
import { makeAnswer, makeAskerView, makeGroup } from '../../support/views.ts';

describe('the words of the tray', () => {
  it('show what cannot be seen, and cut long text at its end', () => {
    assert.equal(shown('a\u202eb\u0007'), 'a\\u202eb\\u0007');
    assert.equal(shown('abcdef', 4), 'abc…');
    assert.equal(shown('abcd', 4), 'abcd');
  });

  it('never cut a host, and put IPv6 in brackets', () => {
    const host = `${'a'.repeat(60)}.`.repeat(4).concat('example');
    assert.equal(wordPlace({ host, port: 443 }), `${host}:443`);
    assert.equal(wordPlace({ host: '2001:db8::1', port: 80 }), '[2001:db8::1]:80');
  });

  it('name a program by its command line where that may be shown', () => {
    assert.equal(wordAsker(makeAskerView()), 'curl https://api.example.net/, pid 4711');
    assert.equal(wordAsker(makeAskerView({ commandLine: [] })), 'curl, pid 4711');
  });

  const waits = [
    { waiting: 0, want: 'HTTPS, the client has gone; an answer holds for its next try' },
    { waiting: 1, want: 'HTTPS, 1 connection waits' },
    { waiting: 4, want: 'HTTPS, 4 connections wait' },
  ];
  for (const { waiting, want } of waits) {
    it(`count ${waiting} held connections`, () => {
      assert.equal(wordWaiting(makeGroup({ waiting })), want);
    });
  }

  const answers = [
    { given: {}, want: 'allowed once: api.example.net:443' },
    { given: { for: '1h' }, want: 'allowed for 1 hour: api.example.net:443' },
    { given: { for: '30m' }, want: 'allowed for 30m: api.example.net:443' },
    { given: { outcome: 'deny', for: 'always' }, want: 'denied always: api.example.net:443' },
  ] as const;
  for (const { given, want } of answers) {
    it(`say "${want}"`, () => {
      assert.equal(wordAnswer(makeAnswer(given)), want);
    });
  }

  it('say who asked for too much, with a pid where it is known', () => {
    const flood = { id: 'f1', since: '', program: 'node', pid: 7, refused: 3, hosts: [] };
    assert.equal(wordFlood(flood), 'node, pid 7, asked for too much');
    assert.equal(wordFlood({ ...flood, pid: null }), 'node asked for too much');
  });

  it('count destinations', () => {
    const words = [[1], [1, 4], [1, 0, 0], [2, 2, 0], [0]].map((counts) =>
      wordCount(counts.map((waiting) => ({ waiting }))),
    );
    assert.deepEqual(words, [
      '1 destination waits',
      '2 destinations wait',
      '1 waits, 2 kept',
      '2 wait, 1 kept',
      'nobody waits, 1 kept',
    ]);
  });
});
