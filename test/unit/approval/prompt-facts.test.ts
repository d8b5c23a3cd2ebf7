import assert from 'node:assert/strict';
import { domainToASCII } from 'node:url';
import { describe, it } from 'node:test';
import { createHostMemory } from '../../../src/approval/host-memory.ts';
import type { HostHistory } from '../../../src/approval/host-memory.ts';
import { createNameIndex } from '../../../src/approval/name-index.ts';
import { steadyFacts, viewFacts, whyAsked } from '../../../src/approval/prompt-facts.ts';
import type { AskedBecause } from '../../../src/approval/prompt-facts.ts';
import { makeDestination } from '../../support/asking.ts';
import { makeEntry } from '../../support/decisions.ts';

// Sentences say the time of this machine's zone, so the moments are made in it.
const nowMs = new Date(2026, 10, 20, 12, 30).getTime();
const earlierMs = new Date(2026, 10, 20, 9, 5).getTime();
const daysAgoMs = new Date(2026, 10, 3, 14, 5).getTime();

const memory = createHostMemory();
memory.note(makeEntry('files.example.net', { outcome: 'allow' }), daysAgoMs);
const index = createNameIndex(['files.example.net', 'openai.com']);

function facts(host: string, kind: 'name' | 'ipv4' | 'ipv6' = 'name') {
  return steadyFacts(makeDestination(host, 443, { kind }), [index], memory, nowMs);
}

describe('steadyFacts', () => {
  it('has nothing to say of a plain unknown name', () => {
    const want = { unicode: null, about: null, lookAlike: null, warnings: [] };
    assert.deepEqual(facts('api.quiet.test'), want);
  });

  const likenesses = [
    [
      'files.exarnple.net',
      'confusable',
      'files.example.net',
      'files.exarnple.net looks like files.example.net, allowed since 3 Nov: "rn" for "m".',
    ],
    [
      'cdn.exarnple.net',
      'confusable',
      'example.net',
      'exarnple.net looks like example.net, allowed since 3 Nov: "rn" for "m".',
    ],
    [
      'api.0penai.com',
      'confusable',
      'openai.com',
      '0penai.com looks like openai.com: "0" for "o".',
    ],
    ['openai.co', 'suffix', 'openai.com', 'openai.co looks like openai.com: ".co" for ".com".'],
    [
      'api.openai.com.evil.test',
      'subdomain',
      'openai.com',
      'api.openai.com.evil.test is not below openai.com: it belongs to evil.test.',
    ],
  ] as const;
  for (const [host, kind, of, sentence] of likenesses) {
    it(`says what ${host} looks like`, () => {
      const { lookAlike, warnings } = facts(host);
      assert.deepEqual(lookAlike, { of, kind, sentence });
      assert.deepEqual(warnings, [sentence]);
    });
  }

  it('shows what punycode reads, and warns of letters from two scripts', () => {
    const host = domainToASCII('оpenai.com');
    assert.deepEqual(facts(host), {
      unicode: 'оpenai.com',
      about: null,
      lookAlike: {
        of: 'openai.com',
        kind: 'confusable',
        sentence: `${host} looks like openai.com: "о" (Cyrillic) for "o".`,
      },
      warnings: [
        `${host} looks like openai.com: "о" (Cyrillic) for "o".`,
        'Its name has letters beyond a to z; it reads "оpenai.com".',
        'One part of its name mixes Latin and Cyrillic letters, as no language does.',
      ],
    });
  });

  const warned = [
    ['x.webhook.site', /is known as webhook catcher: records/],
    ['xn--a.quiet.test', /punycode that stands for no letters/],
    [`${'data.'.repeat(25)}quiet.test`, /135 characters long: so long a name may carry data/],
  ] as const;
  for (const [host, pattern] of warned) {
    it(`warns of ${host.slice(0, 40)}`, () => {
      const { warnings } = facts(host);
      assert.equal(warnings.length, 1);
      assert.match(warnings[0] ?? '', pattern);
    });
  }

  it('says what a known host is for, without a warning where that is ordinary', () => {
    const { about, warnings } = facts('api.github.com');
    assert.deepEqual(
      { about, warnings },
      { about: 'code hosting; anybody can upload', warnings: [] },
    );
  });

  it('warns of a bare address', () => {
    const warnings = ['It is a bare address: no name says whose it is.'];
    const want = { unicode: null, about: null, lookAlike: null, warnings };
    assert.deepEqual(facts('93.184.215.14', 'ipv4'), want);
    assert.deepEqual(facts('2001:db8::1', 'ipv6'), want);
  });
});

describe('viewFacts', () => {
  it('adds what the memory says', () => {
    const destination = makeDestination('api.quiet.test');
    const steady = { unicode: null, about: 'a', lookAlike: null, warnings: [] };
    const common = { unicode: null, kind: 'name', about: 'a', lookAlike: null };
    assert.deepEqual(viewFacts(destination, steady, undefined), {
      ...common,
      allowed: 0,
      denied: 0,
      firstSeen: null,
    });
    const history = makeHistory({ allowed: 2, denied: 1, firstSeenMs: Date.UTC(2026, 0, 1) });
    assert.deepEqual(viewFacts(destination, steady, history), {
      ...common,
      allowed: 2,
      denied: 1,
      firstSeen: '2026-01-01T00:00:00.000Z',
    });
  });
});

function makeHistory(given: Partial<HostHistory>): HostHistory {
  return {
    host: 'api.quiet.test',
    firstSeenMs: 0,
    allowed: 0,
    allowedSinceMs: 0,
    lastAllowedMs: 0,
    denied: 0,
    refusals: 0,
    lastRefusedMs: 0,
    ...given,
  };
}

function because(given: Partial<AskedBecause>): AskedBecause {
  return {
    destination: makeDestination('api.quiet.test'),
    waiting: 1,
    stance: 'hold',
    review: undefined,
    history: undefined,
    expiredMs: undefined,
    nowMs,
    ...given,
  };
}

describe('whyAsked', () => {
  const refused = makeHistory({ denied: 9, refusals: 2, lastRefusedMs: daysAgoMs });
  const cases: readonly (readonly [Partial<AskedBecause>, string, string])[] = [
    [{}, 'no_rule', 'No rule names this host.'],
    [
      { history: makeHistory({ allowed: 3, lastAllowedMs: daysAgoMs }) },
      'no_rule',
      'No rule names this host; it was let through before, last on 3 Nov 14:05.',
    ],
    [{ expiredMs: earlierMs }, 'expired', 'An allow for it ran out at 09:05.'],
    [{ expiredMs: daysAgoMs }, 'expired', 'An allow for it ran out on 3 Nov 14:05.'],
    [{ history: refused }, 'denied_before', 'It was denied twice before, last on 3 Nov 14:05.'],
    [
      { history: { ...refused, refusals: 1, lastRefusedMs: earlierMs } },
      'denied_before',
      'It was denied once before, at 09:05.',
    ],
    [
      { history: { ...refused, refusals: 12 } },
      'denied_before',
      'It was denied 12 times before, last on 3 Nov 14:05.',
    ],
    [{ history: refused, expiredMs: earlierMs }, 'expired', 'An allow for it ran out at 09:05.'],
    [
      { destination: makeDestination('93.184.215.14', 443, { kind: 'ipv4' }), history: refused },
      'address',
      'It is a bare address; nobody can tell from a name whose it is.',
    ],
    [
      { review: { kind: 'reviewing' }, expiredMs: earlierMs },
      'reviewer',
      'The automatic reviewer is looking at it.',
    ],
    [
      { review: { kind: 'asked', reason: 'medium risk: odd\n\u202ename.' } },
      'reviewer',
      'The automatic reviewer left it to a person: medium risk: odd\\u000a\\u202ename.',
    ],
    [
      { review: { kind: 'asked', reason: 'was denied before' }, history: refused },
      'denied_before',
      'It was denied twice before, last on 3 Nov 14:05.',
    ],
    [
      { stance: 'paused', waiting: 0 },
      'paused',
      'Questions were paused when it came, so it was refused at once; an answer is for its next try.',
    ],
    [
      { stance: 'unattended', waiting: 0, history: refused },
      'unattended',
      'Nobody was watching when it came, so it was refused at once; an answer is for its next try.',
    ],
    [{ stance: 'unattended' }, 'no_rule', 'No rule names this host.'],
  ];
  for (const [given, why, whySentence] of cases) {
    it(`says: ${whySentence}`, () => {
      assert.deepEqual(whyAsked(because(given)), { why, whySentence });
    });
  }
});
