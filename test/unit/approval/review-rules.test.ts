import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeVerdict, outcomeOf, whyForPerson } from '../../../src/approval/review-rules.ts';
import type { Verdict } from '../../../src/approval/review-rules.ts';
import type { GroupView } from '../../../src/control/messages.ts';
import { makeFacts, makeGroup } from '../../support/views.ts';

describe('whyForPerson', () => {
  const lookAlike = { of: 'example.net', kind: 'typo', sentence: 'It looks like it.' } as const;
  const cases: readonly (readonly [string, Partial<GroupView>, string | undefined])[] = [
    ['leaves a plain name to the reviewer', {}, undefined],
    ['leaves one nobody watches to the reviewer', { why: 'unattended' }, undefined],
    ['leaves one whose allow ran out to the reviewer', { why: 'expired' }, undefined],
    [
      'leaves several of one program to the reviewer',
      { bundle: { id: 'b1', title: 'npm install asks for 7 new hosts', suggests: null } },
      undefined,
    ],
    ['keeps an IPv4 address', { facts: makeFacts({ kind: 'ipv4' }) }, 'is a bare address'],
    ['keeps an IPv6 address', { facts: makeFacts({ kind: 'ipv6' }) }, 'is a bare address'],
    ['keeps a look-alike', { facts: makeFacts({ lookAlike }) }, 'looks like another name'],
    [
      'keeps a flood of names',
      { bundle: { id: 'b1', title: '12 names', suggests: 'deny' } },
      'is one of a flood of names',
    ],
    ['keeps what has a warning', { warnings: ['Look.'] }, 'has a warning'],
    ['keeps what a person denied', { why: 'denied_before' }, 'was denied before'],
    ['keeps what came in a pause', { why: 'paused' }, 'came while questions were paused'],
    ['keeps what one click may not allow', { quickAllow: false }, 'needs a close look'],
  ];
  for (const [name, given, want] of cases) {
    it(name, () => {
      assert.equal(whyForPerson(makeGroup(given)), want);
    });
  }
});

describe('decodeVerdict', () => {
  const good = { verdict: 'allow', risk: 'low', reason: 'known' };
  it('reads what is exactly a verdict', () => {
    assert.deepEqual(decodeVerdict(good), good);
  });

  const bad: readonly (readonly [string, unknown])[] = [
    ['null', null],
    ['a word', 'allow'],
    ['a list', [good]],
    ['nothing', {}],
    ['no risk', { verdict: 'allow', reason: '' }],
    ['no reason', { verdict: 'allow', risk: 'low' }],
    ['another verdict', { ...good, verdict: 'ALLOW' }],
    ['a verdict of Object', { ...good, verdict: 'constructor' }],
    ['another risk', { ...good, risk: 'none' }],
    ['a number of risk', { ...good, risk: 0 }],
    ['a reason that is no text', { ...good, reason: ['x'] }],
    ['one thing more', { ...good, host: '*' }],
    ['a scope', { ...good, for: 'always' }],
  ];
  for (const [name, answer] of bad) {
    it(`takes ${name} for no verdict`, () => {
      assert.equal(decodeVerdict(answer), undefined);
    });
  }

  const reasons: readonly (readonly [string, string, string])[] = [
    ['keeps words', 'A known host.', 'A known host.'],
    ['makes one line of several', ' a\r\n\tb \u2028c ', 'a b c'],
    ['shows what hides', 'a\u202eb\u200b\u0007', 'a\\u202eb\\u200b\\u0007'],
    ['cuts what is long', 'x'.repeat(201), `${'x'.repeat(199)}…`],
    ['cuts no character in half', `${'x'.repeat(198)}😀😀`, `${'x'.repeat(198)}…`],
    ['keeps two hundred', 'x'.repeat(200), 'x'.repeat(200)],
  ];
  for (const [name, reason, want] of reasons) {
    it(`${name} in the reason`, () => {
      assert.equal(decodeVerdict({ ...good, reason })?.reason, want);
    });
  }
});

describe('outcomeOf', () => {
  const allow = {
    outcome: 'allow',
    for: '10m',
    host: 'exact',
    port: 'this',
    revision: 4,
  } as const;
  const deny = { outcome: 'deny', for: 'once', revision: 4 } as const;
  const answer = (request: object) => ({ kind: 'answer', request });
  const ask = (reason: string) => ({ kind: 'ask', reason });
  const cases: readonly (readonly [Verdict, unknown])[] = [
    [{ verdict: 'allow', risk: 'low', reason: 'fine' }, answer({ ...allow, note: 'fine' })],
    [{ verdict: 'allow', risk: 'low', reason: '' }, answer(allow)],
    [{ verdict: 'allow', risk: 'medium', reason: 'new' }, ask('medium risk: new')],
    [{ verdict: 'allow', risk: 'high', reason: 'odd' }, ask('high risk: odd')],
    [{ verdict: 'ask', risk: 'low', reason: 'who knows' }, ask('low risk: who knows')],
    [{ verdict: 'ask', risk: 'high', reason: '' }, ask('high risk: it gave no reason')],
    [
      { verdict: 'deny', risk: 'low', reason: 'a paste site' },
      answer({ ...deny, note: 'a paste site', tell: 'a paste site' }),
    ],
    [{ verdict: 'deny', risk: 'high', reason: '' }, answer(deny)],
  ];
  for (const [verdict, want] of cases) {
    it(`makes of ${verdict.verdict} at ${verdict.risk} risk${verdict.reason === '' ? ', without a reason,' : ''} what it may`, () => {
      assert.deepEqual(outcomeOf(verdict, 4, 10), want);
    });
  }
});
