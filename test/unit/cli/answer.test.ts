import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findGroup, renderAnswer, runAnswer } from '../../../src/cli/answer.ts';
import type { AnswerResponse, GroupView } from '../../../src/control/messages.ts';
import { recordIo, startStandIn, type Answer } from '../../support/command.ts';
import { makeGrant, makeGroup } from '../../support/views.ts';

function group(id: string, host: string, port: number): GroupView {
  return makeGroup({ id, revision: 7, host, port });
}
const groups = [
  group('k3', 'a.example', 443),
  group('k4', 'a.example', 8443),
  group('k5', '2606:4700::1', 443),
];

const grant = makeGrant({
  host: '*.example.com',
  port: 'any',
  created: '2026-11-20T10:00:00.000Z',
  expires: '2026-11-20T10:30:00.000Z',
});

/** A daemon that takes every answer, but says its no to some ids. */
const answers: Answer = (method, path) => {
  if (method === 'GET') return [200, { groups }];
  const id = path.split('/')[3] ?? '';
  const refusals: Record<string, readonly [number, unknown]> = {
    k90: [410, { error: { code: 'gone', message: 'k90 has been answered' } }],
    k91: [409, { error: { code: 'changed', message: 'k91 has changed' } }],
    k92: [403, { error: { code: 'self_approval', message: 'the asker may not answer' } }],
  };
  return (
    refusals[id] ?? [
      200,
      { id, outcome: 'allow', released: 2, grant: null } satisfies AnswerResponse,
    ]
  );
};

describe('runAnswer', () => {
  const sent = [
    { words: ['k3'], body: { outcome: 'allow' } },
    { words: ['k3', '--for', '30m'], body: { outcome: 'allow', for: '30m' } },
    {
      words: ['k3', '--for=always', '--host', '*.example', '--port', 'any'],
      body: { outcome: 'allow', for: 'always', host: '*.example', port: 'any' },
    },
    {
      words: ['k3', '--program', 'this', '--note', 'for the build'],
      body: { outcome: 'allow', program: 'this', note: 'for the build' },
    },
  ];
  for (const { words, body } of sent) {
    it(`sends ${words.join(' ')}`, async (t) => {
      const daemon = await startStandIn(t, answers);
      const io = recordIo(daemon.env);
      assert.equal(await runAnswer('allow', words, io), 0);
      assert.deepEqual(io.written, { out: 'allowed k3: 2 connections go on\n', err: '' });
      assert.deepEqual(daemon.seen, [{ method: 'POST', path: '/v1/pending/k3/answer', body }]);
    });
  }

  it('tells the program why it is denied', async (t) => {
    const daemon = await startStandIn(t, answers);
    assert.equal(await runAnswer('deny', ['k3', '--tell', 'use vendor/'], recordIo(daemon.env)), 0);
    assert.deepEqual(daemon.seen[0]?.body, { outcome: 'deny', tell: 'use vendor/' });
  });

  it('finds a question by host and port, and answers the revision it saw', async (t) => {
    const daemon = await startStandIn(t, answers);
    assert.equal(await runAnswer('deny', ['A.example:8443'], recordIo(daemon.env)), 0);
    assert.deepEqual(daemon.seen, [
      { method: 'GET', path: '/v1/pending', body: undefined },
      { method: 'POST', path: '/v1/pending/k4/answer', body: { outcome: 'deny', revision: 7 } },
    ]);
  });

  it('answers the others when one is gone, and ends with the first failure', async (t) => {
    const daemon = await startStandIn(t, answers);
    const io = recordIo(daemon.env);
    assert.equal(await runAnswer('allow', ['k90', 'k3', 'k91', 'k3', '--json'], io), 3);
    assert.deepEqual(io.written, {
      out: '{"id":"k3","outcome":"allow","released":2,"grant":null}\n',
      err: 'sallyport: k90 has been answered\nsallyport: k91 has changed\n',
    });
  });

  for (const [id, code] of [
    ['k90', 3],
    ['k91', 4],
    ['k92', 5],
  ] as const) {
    it(`ends with ${code} for ${id}`, async (t) => {
      const daemon = await startStandIn(t, answers);
      assert.equal(await runAnswer('allow', [id], recordIo(daemon.env)), code);
    });
  }

  const mistakes = [
    { words: [], want: 'allow needs the id of a question; "sallyport pending" lists them' },
    {
      words: ['k3', '--for', 'ever'],
      want: '--for takes once, minutes such as 30m, hours such as 2h, restart or always',
    },
    {
      words: ['k3', '--for', '0m'],
      want: '--for takes once, minutes such as 30m, hours such as 2h, restart or always',
    },
    { words: ['k3', '--port', '443'], want: '--port takes this or any' },
    { words: ['k3', '--program', 'curl'], want: '--program takes this or any' },
    { words: ['k3', '--note', ''], want: '--note takes 1 to 200 characters' },
    { words: ['k3', '--tell', 'why'], want: '"--tell" is not an option here' },
  ];
  for (const { words, want } of mistakes) {
    it(`refuses: ${words.join(' ')}`, async () => {
      await assert.rejects(runAnswer('allow', words, recordIo()), {
        code: 'ERR_USAGE',
        message: want,
      });
    });
  }
});

describe('findGroup', () => {
  const found = [
    { name: 'k4', want: 'k4' },
    { name: 'a.example:443', want: 'k3' },
    { name: '2606:4700::1', want: 'k5' },
    { name: '[2606:4700::1]', want: 'k5' },
    { name: '[2606:4700::1]:443', want: 'k5' },
  ];
  for (const { name, want } of found) {
    it(`knows ${name}`, () => assert.equal(findGroup(groups, name).id, want));
  }

  it('does not choose between several', () => {
    const message =
      '"a.example" names 2 questions: k3 (https_connect a.example:443), k4 (https_connect a.example:8443); answer by id';
    assert.throws(() => findGroup(groups, 'a.example'), { code: 'ERR_USAGE', message });
  });

  it('says when there is none', () => {
    const message = 'no question waits for "b.example"; see "sallyport pending"';
    assert.throws(() => findGroup(groups, 'b.example'), { reason: 'not_found', message });
  });

  it('ends with 3 for a name that nobody asks for, as for an id that is gone', async (t) => {
    const daemon = await startStandIn(t, () => [200, { groups }]);
    const io = recordIo(daemon.env);
    assert.equal(await runAnswer('allow', ['zz9'], io), 3);
    const err = 'sallyport: no question waits for "zz9"; see "sallyport pending"\n';
    assert.deepEqual(io.written, { out: '', err });
  });
});

describe('renderAnswer', () => {
  const cases: readonly (readonly [AnswerResponse, string])[] = [
    [
      { id: 'k3', outcome: 'allow', released: 1, grant: null },
      'allowed k3: 1 connection goes on\n',
    ],
    [{ id: 'k3', outcome: 'deny', released: 0, grant: null }, 'denied k3: 0 connections refused\n'],
    [
      { id: 'k3', outcome: 'allow', released: 2, grant },
      'allowed k3: 2 connections go on; remembered as g1 for *.example.com:* for the next 30m\n',
    ],
    [
      {
        id: 'k3',
        outcome: 'allow',
        released: 0,
        grant: { ...grant, for: 'ticket', host: 'h', port: 1 },
      },
      'allowed k3: 0 connections go on; nobody waits, so the next try within 10 minutes counts (g1, h:1)\n',
    ],
    [
      { id: 'k3', outcome: 'allow', released: 0, grant: { ...grant, for: 'restart' } },
      'allowed k3: 0 connections go on; remembered as g1 for *.example.com:* until the daemon stops\n',
    ],
    [
      { id: 'k3', outcome: 'allow', released: 0, grant: { ...grant, for: 'always' } },
      'allowed k3: 0 connections go on; remembered as g1 for *.example.com:* until it is revoked\n',
    ],
  ];
  for (const [answer, want] of cases) {
    it(want.trim(), () => assert.equal(renderAnswer(answer), want));
  }
});
