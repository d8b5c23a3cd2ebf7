// What a card offers to choose, and the request that a choice becomes.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  answerOf,
  keepChoice,
  narrowest,
  nextOption,
  optionsOf,
} from '../../../src/control/page/choices.js';
import { makeAskerView, makeGroup } from '../../support/views.ts';

const values = (options: readonly { readonly value: string }[]) =>
  options.map(({ value }) => value);

describe('the options of a question', () => {
  it('begin with the narrowest', () => {
    const { time, host, port, program } = optionsOf(makeGroup());
    assert.deepEqual([time, host, port, program].map(values), [
      ['once', '1h', 'restart', 'always'],
      ['exact', '*.example.net'],
      ['this', 'any'],
      ['this', 'any'],
    ]);
  });

  it('offer no wildcard where there is none', () => {
    assert.deepEqual(values(optionsOf(makeGroup({ wildcards: [] })).host), ['exact']);
  });

  for (const [name, given] of [
    ['an unidentified program', { unidentified: true }],
    ['no known program', { askers: [] }],
  ] as const) {
    it(`bind to no program with ${name}`, () => {
      const { program } = optionsOf(makeGroup(given));
      assert.deepEqual(program, [{ value: 'any', label: 'any program' }]);
    });
  }

  it('name the program and its folder, or how many there are', () => {
    const label = (askers: readonly ReturnType<typeof makeAskerView>[]) =>
      optionsOf(makeGroup({ askers })).program[0]?.label;
    assert.deepEqual(
      [
        label([makeAskerView(), makeAskerView({ pid: 2 })]),
        label([makeAskerView(), makeAskerView({ program: 'node' })]),
        label([makeAskerView({ repository: null, cwd: null })]),
      ],
      ['only curl in app', 'only 2 programs', 'only curl'],
    );
  });

  it('say what once covers', () => {
    const label = (waiting: number) => optionsOf(makeGroup({ waiting })).time[0]?.label;
    assert.deepEqual(
      [label(0), label(1), label(4)],
      ['once, at its next try', 'this connection', 'these 4 connections'],
    );
  });
});

describe('a choice', () => {
  const options = optionsOf(makeGroup());
  const wide = {
    time: '1h',
    host: '*.example.net',
    port: 'any',
    program: 'any',
    note: 'why',
  } as const;

  it('begins with the narrowest', () => {
    assert.deepEqual(narrowest(options), {
      time: 'once',
      host: 'exact',
      port: 'this',
      program: 'this',
      note: '',
    });
  });

  it('is kept as far as it can still be made', () => {
    const left = optionsOf(makeGroup({ wildcards: [], unidentified: true }));
    assert.deepEqual(keepChoice({ ...wide, program: 'this' }, left), { ...wide, host: 'exact' });
  });

  it('becomes an answer that quotes what was seen', () => {
    assert.deepEqual(answerOf('allow', wide, 7, 'not told with an allow'), {
      outcome: 'allow',
      for: '1h',
      host: '*.example.net',
      port: 'any',
      program: 'any',
      revision: 7,
      note: 'why',
    });
    assert.equal(answerOf('deny', { ...wide, note: ' ' }, 7, ' told ').tell, 'told');
  });

  it('goes round by key', () => {
    assert.deepEqual(
      ['once', 'always', 'gone'].map((value) => nextOption(options.time, value)),
      ['1h', 'once', 'once'],
    );
  });
});
