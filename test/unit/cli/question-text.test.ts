import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  cautionsOf,
  describeQuestion,
  destinationOf,
  protocolWords,
  renderAskers,
  warningsOf,
} from '../../../src/cli/question-text.ts';
import { makeAskerView, makeFacts, makeGroup } from '../../support/views.ts';

const now = Date.parse('2026-11-20T12:01:00.000Z');
const similar = {
  of: 'example.net',
  kind: 'confusable',
  sentence: 'exarnple.net looks like example.net: "rn" for "m".',
} as const;

function said(given: Parameters<typeof makeGroup>[0]): string[] {
  return describeQuestion(makeGroup(given), now).map(
    ({ label, text, tone }) => `${tone === 'warning' ? '!' : ''}${label}: ${text}`,
  );
}

describe('describeQuestion', () => {
  it('says everything in the order an approver reads', () => {
    assert.deepEqual(
      said({
        waiting: 4,
        asked: 5,
        clientLeaves: '2026-11-20T12:01:40.000Z',
        request: 'GET /x',
        protocol: 'http',
        port: 80,
        facts: makeFacts({
          unicode: 'bücher.example',
          about: 'code hosting; anybody can upload',
          lookAlike: similar,
          allowed: 2,
          denied: 1,
          firstSeen: '2026-11-03T08:00:00.000Z',
        }),
        warnings: [similar.sentence, 'Uploads are possible.'],
        bundle: { id: 'b1', title: 'npm install asks for 7 new hosts', suggests: 'deny' },
        exactOnly: 'github.io is shared by many owners',
        askers: [makeAskerView({ cwd: '/home/dev/app/sub' })],
      }),
      [
        'host: api.example.net',
        'reads as: bücher.example',
        'port: 80, plain HTTP, readable on the way',
        'request: GET /x',
        'asked by: curl (pid 4711), as the system reports it',
        'command: curl https://api.example.net/',
        'folder: /home/dev/app/sub, in the repository /home/dev/app',
        'started by: codex › bash',
        'waiting: 4 connections, the longest for 60s, refused in 4m without an answer',
        'seen: 5 connections asked, first 60s ago, last 60s ago',
        'gives up: the client is likely to leave in about 40s',
        'why: No rule names this host.',
        'history: allowed 2 times, denied once since 2026-11-03',
        'about: code hosting; anybody can upload',
        'card: npm install asks for 7 new hosts',
        'exact only: github.io is shared by many owners',
        '!beware: exarnple.net looks like example.net: "rn" for "m".',
        '!beware: Uploads are possible.',
        '!beware: npm install asks for 7 new hosts; deny is suggested',
      ],
    );
  });

  it('says what is not known', () => {
    const lines = said({
      waiting: 0,
      waitingSince: null,
      deadline: null,
      askers: [makeAskerView({ commandLine: [], cwd: null, repository: null, parents: [] })],
      unidentified: true,
    });
    assert.ok(
      lines.includes('waiting: nobody; the client is gone, and an answer serves its next try'),
    );
    assert.ok(lines.includes('asked by: a program that could not be found'));
    assert.ok(lines.includes('history: never decided on this machine before'));
    assert.ok(!lines.some((line) => /^(command|folder|started by|gives up):/.test(line)));
  });

  it('cannot be forged', () => {
    const forged = 'x\nhost: friend.example\u202e';
    const lines = said({ askers: [makeAskerView({ commandLine: [forged] })], warnings: [forged] });
    assert.ok(lines.every((line) => !/[\n\u202e]/.test(line)));
    assert.equal(lines.filter((line) => line.startsWith('host:')).length, 1);
  });

  it('names a folder that is a repository, and one that is in none', () => {
    assert.ok(said({}).includes('folder: /home/dev/app, a repository'));
    const alone = makeAskerView({ repository: null });
    assert.ok(said({ askers: [alone] }).includes('folder: /home/dev/app, in no repository'));
  });
});

describe('warningsOf', () => {
  it('says each once', () => {
    const facts = makeFacts({ lookAlike: similar });
    assert.deepEqual(warningsOf(makeGroup({ facts, warnings: [similar.sentence] })), [
      similar.sentence,
    ]);
    assert.deepEqual(warningsOf(makeGroup({ facts })), [similar.sentence]);
    assert.deepEqual(warningsOf(makeGroup()), []);
  });
});

it('cautions leave out what is warned of already', () => {
  const group = makeGroup({ warnings: ['Look twice.'] });
  assert.deepEqual(cautionsOf(group, ['Look twice.', 'It is\u202e wide.']), ['It is\\u202e wide.']);
});

describe('renderAskers', () => {
  const cases = [
    { name: 'one', given: {}, want: 'curl https://api.example.net/ (pid 4711)' },
    { name: 'nobody', given: { askers: [] }, want: 'unknown' },
    {
      name: 'several, some unknown',
      given: { askers: [makeAskerView({ commandLine: [] }), makeAskerView()], unidentified: true },
      want: 'curl (pid 4711) and 1 more and others unknown',
    },
  ];
  for (const { name, given, want } of cases) {
    it(`names ${name}`, () => assert.equal(renderAskers(makeGroup(given)), want));
  }
});

it('every protocol has its words, and a destination its brackets', () => {
  const words = (['http', 'https_connect', 'socks5_tcp'] as const).map(protocolWords);
  assert.equal(new Set(words).size, 3);
  assert.equal(destinationOf({ host: '2606:4700::1', port: 443 }), '[2606:4700::1]:443');
});
