import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseScope } from '../../../src/approval/scope.ts';
import { describeAnswer } from '../../../src/approval/wording.ts';
import type { AnswerRequest, GroupView } from '../../../src/control/messages.ts';
import { makeAskerView, makeFacts, makeGroup } from '../../support/views.ts';

const app = makeAskerView({ repository: '~/app', cwd: '~/app/src' });
const web = makeAskerView({ program: 'node', repository: null, cwd: '~/web' });
const nowhere = makeAskerView({ program: 'git', repository: null, cwd: null });

function say(
  answer: Partial<AnswerRequest>,
  given: Partial<GroupView> = {},
  isBound = answer.program === 'this',
) {
  const view = makeGroup({ askers: [app], ...given });
  const { protocol, host, port, facts } = view;
  const request: AnswerRequest = { outcome: 'allow', ...answer };
  const scope = parseScope(request, { protocol, host, port, kind: facts.kind });
  if (!scope.ok) assert.fail(scope.problem);
  const { kind } = scope.value.duration;
  const hasTime = kind === 'until' || (kind === 'once' && view.waiting === 0);
  const until = hasTime ? '14:05' : undefined;
  return describeAnswer(view, { outcome: request.outcome, scope: scope.value, isBound, until });
}

describe('the sentence of an answer', () => {
  const ipv6: Partial<GroupView> = {
    host: '2001:db8::1',
    facts: makeFacts({ kind: 'ipv6' }),
    wildcards: [],
  };
  const cases: readonly {
    readonly answer: Partial<AnswerRequest>;
    readonly given?: Partial<GroupView>;
    readonly want: string;
  }[] = [
    {
      answer: {},
      given: { waiting: 4 },
      want: 'Allow curl in ~/app to reach api.example.net:443 for these 4 connections.',
    },
    {
      answer: {},
      want: 'Allow curl in ~/app to reach api.example.net:443 for this connection.',
    },
    {
      answer: { for: '1h', host: '*.example.net', port: 'any' },
      want: 'Allow any program to reach every name below example.net on any port until 14:05.',
    },
    {
      answer: { for: '1h', program: 'this' },
      given: { askers: [app, web] },
      want: 'Allow curl in ~/app and node in ~/web to reach api.example.net:443 until 14:05.',
    },
    {
      answer: { for: 'restart', program: 'this' },
      given: { askers: [app, web, nowhere] },
      want: 'Allow curl in ~/app and 2 other programs to reach api.example.net:443 until sallyport stops.',
    },
    {
      answer: { outcome: 'deny' },
      given: { waiting: 2, askers: [nowhere] },
      want: 'Deny git the way to api.example.net:443 for these 2 connections, and for a minute without asking again.',
    },
    {
      answer: { outcome: 'deny', for: 'always' },
      want: 'Deny any program the way to api.example.net:443 always.',
    },
    {
      answer: { for: 'restart', host: '*.example.net' },
      want: 'Allow any program to reach every name below example.net on port 443 until sallyport stops.',
    },
    {
      answer: { for: '1h', port: 'any' },
      given: ipv6,
      want: 'Allow any program to reach 2001:db8::1 on any port until 14:05.',
    },
    {
      answer: {},
      given: { ...ipv6, unidentified: true },
      want: 'Allow curl in ~/app and programs that are not known to reach [2001:db8::1]:443 for this connection.',
    },
    {
      answer: {},
      given: { askers: [], unidentified: true },
      want: 'Allow a program that is not known to reach api.example.net:443 for this connection.',
    },
    {
      answer: {},
      given: { waiting: 0, askers: [] },
      want: 'Allow the program to reach api.example.net:443, once, at the next try before 14:05.',
    },
    {
      answer: {},
      given: { askers: [app, web, nowhere], unidentified: true },
      want: 'Allow curl in ~/app, 2 other programs and programs that are not known to reach api.example.net:443 for this connection.',
    },
  ];
  for (const { answer, given, want } of cases) {
    it(want, () => assert.equal(say(answer, given).sentence, want));
  }
});

describe('the rule of an answer', () => {
  for (const { name, answer, given, isBound, want } of [
    { name: 'is none for once', answer: {}, given: {}, isBound: false, want: null },
    {
      name: 'is a ticket where nobody waits',
      answer: {},
      given: { waiting: 0 },
      isBound: true,
      want: 'allow https_connect api.example.net:443 until 14:05, one use, for curl in ~/app',
    },
    {
      name: 'names what is covered',
      answer: { outcome: 'deny', for: 'always', host: '*.example.net', port: 'any' },
      given: {},
      isBound: false,
      want: 'deny https_connect *.example.net:* always',
    },
    {
      name: 'brackets an IPv6 address',
      answer: { for: 'restart' },
      given: { host: '2001:db8::1', facts: makeFacts({ kind: 'ipv6' }) },
      isBound: false,
      want: 'allow https_connect [2001:db8::1]:443 until sallyport stops',
    },
  ] as const) {
    it(name, () => assert.equal(say(answer, given, isBound).rule, want));
  }
});

describe('the cautions of an answer', () => {
  it('are none for the narrowest', () => assert.deepEqual(say({}).cautions, []));
  it('repeat the warnings and say what a known host is for, before an allow', () => {
    const given = {
      warnings: ['It looks like another.'],
      facts: makeFacts({ about: 'paste site' }),
      unidentified: true,
    };
    assert.deepEqual(say({}, given).cautions, [
      'It looks like another.',
      'api.example.net is known as: paste site.',
      'Not every program that asks is known.',
    ]);
    assert.deepEqual(say({ outcome: 'deny' }, given).cautions, []);
  });
  it('leave out what a harmless host is for', () => {
    assert.deepEqual(say({}, { facts: makeFacts({ about: 'documentation' }) }).cautions, []);
  });
  it('speak of every widening', () => {
    const widest = { for: 'always', host: '*.example.net', port: 'any', program: 'this' } as const;
    assert.deepEqual(say(widest).cautions, [
      'It covers names below example.net that nobody has seen yet.',
      'It covers every port, also those nobody has asked for.',
      'It stays until somebody revokes it, also after a restart.',
      'The program is what the operating system reports; that is no proof.',
    ]);
  });
});
