import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseDuration, parseScope } from '../../../src/approval/scope.ts';
import type { AnswerRequest } from '../../../src/control/messages.ts';
import { makeDestination } from '../../support/asking.ts';

const hourMs = 3_600_000;

describe('parseDuration', () => {
  const good = [
    { text: 'once', want: { kind: 'once' } },
    { text: '1m', want: { kind: 'until', ms: 60_000 } },
    { text: '30m', want: { kind: 'until', ms: 30 * 60_000 } },
    { text: '2h', want: { kind: 'until', ms: 2 * hourMs } },
    { text: '720h', want: { kind: 'until', ms: 720 * hourMs } },
    { text: '43200m', want: { kind: 'until', ms: 720 * hourMs } },
    { text: 'restart', want: { kind: 'restart' } },
    { text: 'always', want: { kind: 'always' } },
  ];
  for (const { text, want } of good) {
    it(`takes ${text}`, () => assert.deepEqual(parseDuration(text), { ok: true, value: want }));
  }
  for (const text of [
    '',
    '0m',
    '01m',
    '30',
    '30s',
    '2d',
    '721h',
    '43201m',
    '99999m',
    '-1h',
    '1.5h',
    ' 1h',
    'Always',
    'forever',
    '1h1m',
    '1H',
    '9999999999h',
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseDuration(text).ok, false));
  }
});

describe('the words of an answer', () => {
  const read = (answer: AnswerRequest) => {
    const scope = parseScope(answer, makeDestination('a.example'));
    return scope.ok ? undefined : scope.problem;
  };
  for (const [name, words] of [
    ['one line', 'for the build'],
    ['other scripts', 'für den Bau 建設'],
    ['200 characters', 'x'.repeat(200)],
  ] as const) {
    it(`may be ${name}`, () => {
      assert.equal(read({ outcome: 'allow', note: words }), undefined);
      assert.equal(read({ outcome: 'deny', tell: words, note: words }), undefined);
    });
  }
  for (const [name, words] of [
    ['nothing', ' '],
    ['201 characters', 'x'.repeat(201)],
    ['two lines', 'a\nb'],
    ['an escape', 'a\u001b[2J'],
    ['text that turns its direction', 'a\u202eb'],
    ['what has no width', 'a\u200bb'],
    ['half a pair', 'a\ud800'],
  ] as const) {
    it(`may not be ${name}`, () => {
      assert.match(read({ outcome: 'allow', note: words }) ?? '', /^note: /);
      assert.match(read({ outcome: 'deny', tell: words }) ?? '', /^tell: /);
    });
  }
  it('are told by a deny alone', () => {
    assert.match(read({ outcome: 'allow', tell: 'no' }) ?? '', /goes with a deny/);
  });
});

describe('parseScope', () => {
  const host = 'a.b.example.net';
  interface Case {
    readonly name: string;
    readonly answer: Omit<AnswerRequest, 'outcome'>;
    readonly host?: string;
    readonly kind?: 'name' | 'ipv4' | 'ipv6';
    readonly want: object | RegExp;
  }
  const once = { kind: 'once' };
  const always = { kind: 'always' };
  const cases: readonly Case[] = [
    {
      name: 'defaults to once, exact, this',
      answer: {},
      want: { duration: once, host, port: 443, wide: false },
    },
    {
      name: 'takes the host itself for exact',
      answer: { host },
      want: { duration: once, host, port: 443, wide: false },
    },
    {
      name: 'keeps minutes narrow',
      answer: { for: '5m' },
      want: { duration: { kind: 'until', ms: 300_000 }, host, port: 443, wide: false },
    },
    {
      name: 'keeps restart narrow',
      answer: { for: 'restart' },
      want: { duration: { kind: 'restart' }, host, port: 443, wide: false },
    },
    {
      name: 'calls always wide',
      answer: { for: 'always' },
      want: { duration: always, host, port: 443, wide: true },
    },
    {
      name: 'calls any port wide',
      answer: { for: '5m', port: 'any' },
      want: { duration: { kind: 'until', ms: 300_000 }, host, port: 'any', wide: true },
    },
    {
      name: 'takes the registrable domain',
      answer: { for: 'always', host: '*.example.net' },
      want: { duration: always, host: '*.example.net', port: 443, wide: true },
    },
    {
      name: 'takes what lies below the registrable domain',
      answer: { for: 'always', host: '*.b.example.net' },
      want: { duration: always, host: '*.b.example.net', port: 443, wide: true },
    },
    {
      name: 'refuses a wildcard that lasts once',
      answer: { host: '*.example.net' },
      want: /^once covers/,
    },
    { name: 'refuses any port once', answer: { port: 'any' }, want: /^once covers/ },
    {
      name: 'refuses a public suffix',
      answer: { for: 'always', host: '*.net' },
      want: /public suffix, shared/,
    },
    {
      name: 'refuses another domain',
      answer: { for: 'always', host: '*.example.org' },
      want: /does not cover/,
    },
    {
      name: 'refuses a name that only ends alike',
      answer: { for: 'always', host: '*.xample.net' },
      want: /does not cover/,
    },
    {
      name: 'refuses the apex by its own wildcard',
      answer: { for: 'always', host: '*.example.net' },
      host: 'example.net',
      want: /does not cover/,
    },
    {
      name: 'refuses a private suffix',
      answer: { for: 'always', host: '*.github.io' },
      host: 'me.github.io',
      want: /public suffix, shared/,
    },
    {
      name: 'takes what lies below a private suffix',
      answer: { for: 'always', host: '*.me.github.io' },
      host: 'www.me.github.io',
      want: { duration: always, host: '*.me.github.io', port: 443, wide: true },
    },
    {
      name: 'refuses a suffix of two labels',
      answer: { for: 'always', host: '*.co.uk' },
      host: 'a.co.uk',
      want: /public suffix, shared/,
    },
    {
      name: 'refuses an unlisted suffix',
      answer: { for: 'always', host: '*.corp.internal' },
      host: 'a.corp.internal',
      want: /not a known public suffix/,
    },
    { name: 'refuses a bare star', answer: { for: 'always', host: '*' }, want: /^host: write/ },
    {
      name: 'refuses an empty wildcard',
      answer: { for: 'always', host: '*.' },
      want: /does not cover/,
    },
    {
      name: 'refuses a star in the middle',
      answer: { for: 'always', host: '*.*.example.net' },
      want: /does not cover/,
    },
    {
      name: 'refuses a single label',
      answer: { for: 'always', host: '*.build' },
      host: 'build',
      want: /does not cover/,
    },
    {
      name: 'refuses a wildcard of an address',
      answer: { for: 'always', host: '*.2.3.4' },
      host: '1.2.3.4',
      kind: 'ipv4',
      want: /no subdomains/,
    },
    {
      name: 'refuses a host that was not asked for',
      answer: { host: 'other.example.net' },
      want: /^host: write/,
    },
    {
      name: 'refuses a duration it does not know',
      answer: { for: 'forever' },
      want: /^for: not a duration/,
    },
  ];
  for (const { name, answer, want, host: asked = host, kind = 'name' } of cases) {
    it(name, () => {
      const scope = parseScope(
        { outcome: 'allow', ...answer },
        makeDestination(asked, 443, { kind }),
      );
      if (want instanceof RegExp) assert.match(scope.ok ? '' : scope.problem, want);
      else assert.deepEqual(scope, { ok: true, value: want });
    });
  }
});
