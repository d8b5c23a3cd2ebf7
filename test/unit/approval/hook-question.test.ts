import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pendingNotice, reviewQuestion } from '../../../src/approval/hook-question.ts';
import { makeAskerView, makeFacts, makeGroup } from '../../support/views.ts';

const question = {
  version: 1,
  id: 'k3',
  protocol: 'https_connect',
  host: 'api.example.net',
  port: 443,
  waiting: 1,
  asked: 1,
  firstSeen: '2026-11-20T12:00:00.000Z',
  why: 'No rule names this host.',
  warnings: [],
  facts: makeFacts(),
  programs: [{ program: 'curl', parents: ['bash', 'codex'] }],
};

describe('a question for programs outside', () => {
  const secret = makeGroup({
    request: 'GET /secret-path',
    askers: [
      makeAskerView({
        executable: '/secret/bin/curl',
        commandLine: ['curl', 'secret-word'],
        cwd: '/home/secret',
        repository: '/home/secret',
      }),
    ],
  });

  it('is what the reviewer needs, without command lines, folders and paths', () => {
    const given = reviewQuestion(secret, 10);
    assert.deepEqual(given, { type: 'review', ...question, minutes: 10 });
    assert.doesNotMatch(JSON.stringify(given), /secret/);
  });

  it('says to a chat how to answer', () => {
    const given = pendingNotice(secret);
    assert.deepEqual(given, {
      type: 'pending',
      ...question,
      text: 'curl asks for api.example.net:443 (k3). No rule names this host. To answer: sallyport allow k3, or sallyport deny k3.',
      answer: {
        show: 'sallyport show k3',
        allow: 'sallyport allow k3',
        deny: 'sallyport deny k3',
      },
    });
    assert.doesNotMatch(JSON.stringify(given), /secret/);
  });

  it('says warnings, several programs once each, and addresses in brackets', () => {
    const { text } = pendingNotice(
      makeGroup({
        host: '2001:db8::1',
        whySentence: 'It is a bare address.',
        warnings: ['Look twice.'],
        askers: [
          makeAskerView(),
          makeAskerView({ program: 'node' }),
          makeAskerView({ program: 'curl' }),
        ],
      }),
    );
    assert.equal(
      text,
      'curl, node ask for [2001:db8::1]:443 (k3). It is a bare address. Look twice. To answer: sallyport allow k3, or sallyport deny k3.',
    );
  });

  it('names nobody where nobody is known', () => {
    assert.match(pendingNotice(makeGroup({ askers: [] })).text, /^a program asks for /);
  });

  it('is bounded, however many programs ask and however long their names are', () => {
    const asker = makeAskerView({
      program: 'p'.repeat(1000),
      parents: Array.from({ length: 64 }, () => 'q'.repeat(1000)),
    });
    const { programs } = reviewQuestion(
      makeGroup({ askers: Array.from({ length: 64 }, () => asker) }),
      1,
    );
    assert.deepEqual(
      programs,
      Array.from({ length: 8 }, () => ({
        program: `${'p'.repeat(63)}…`,
        parents: Array.from({ length: 8 }, () => `${'q'.repeat(63)}…`),
      })),
    );
  });
});
