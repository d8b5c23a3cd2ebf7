import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AnswerOrigin, JudgedAnswer } from '../../../src/approval/answers.ts';
import type { AnswerRequest } from '../../../src/control/messages.ts';
import { redactGroup } from '../../../src/control/redact.ts';
import { refuse } from '../../../src/control/route.ts';
import { ask, openParts, refusalOf } from '../../support/control.ts';
import { makeGrant, makeGroup } from '../../support/views.ts';

const group = makeGroup({ id: 'k3', request: 'GET /private' });

describe('showing questions', () => {
  it('lists and shows them, to viewers without what is private', async (context) => {
    const parts = openParts(context, { live: { groups: () => [group] }, find: () => group });
    for (const [role, want] of [
      ['approver', group],
      ['viewer', redactGroup(group)],
    ] as const) {
      assert.deepEqual(await ask(parts, 'GET /v1/pending', { role }), { body: { groups: [want] } });
      assert.deepEqual(await ask(parts, 'GET /v1/pending/{id}', { role, id: 'k3' }), {
        body: want,
      });
    }
  });
  it('tells questions that are over from those that never were', async (context) => {
    for (const [end, want] of [
      ['unknown', [404, 'not_found']],
      ['gone', [410, 'gone']],
    ] as const) {
      const parts = openParts(context, {
        find: () => end,
        preview: () => end,
        extend: () => end,
      });
      const shown = await ask(parts, 'GET /v1/pending/{id}', { id: 'k3' });
      const body = { outcome: 'allow' };
      const previewed = await ask(parts, 'POST /v1/pending/{id}/preview', { id: 'k3', body });
      const held = await ask(parts, 'POST /v1/pending/{id}/hold', {
        id: 'k3',
        body: { for: '5m' },
      });
      assert.deepEqual([shown, previewed, held].map(refusalOf), [want, want, want]);
    }
  });
  it('says ok to anyone, and the status', async (context) => {
    const parts = openParts(context);
    assert.deepEqual(await ask(parts, 'GET /v1/health'), { body: { ok: true } });
    assert.deepEqual(await ask(parts, 'GET /v1/status'), { body: { version: '0.0.0' } });
  });
});

describe('answering', () => {
  const response = { id: 'k3', outcome: 'allow', released: 2, grant: makeGrant() } as const;
  const ends: readonly { judged: JudgedAnswer; want: readonly [number, string] | undefined }[] = [
    { judged: { status: 'answered', response }, want: undefined },
    { judged: { status: 'unknown' }, want: [404, 'not_found'] },
    { judged: { status: 'gone' }, want: [410, 'gone'] },
    { judged: { status: 'changed' }, want: [409, 'changed'] },
    { judged: { status: 'bad', problem: 'p' }, want: [400, 'bad_request'] },
    { judged: { status: 'full', problem: 'p' }, want: [503, 'unavailable'] },
    { judged: { status: 'failed', problem: 'p' }, want: [503, 'unavailable'] },
    { judged: { status: 'self', problem: 'p' }, want: [403, 'self_approval'] },
    { judged: { status: 'unplaced', problem: 'p' }, want: [403, 'forbidden'] },
  ];
  for (const { judged, want } of ends) {
    it(`turns ${judged.status} into ${want?.join(' ') ?? 'the answer'}`, async (context) => {
      const parts = openParts(context, { answer: () => Promise.resolve(judged) });
      const body = { outcome: 'allow' };
      const reply = await ask(parts, 'POST /v1/pending/{id}/answer', { id: 'k3', body });
      if (want === undefined) assert.deepEqual(reply, { body: response });
      else assert.deepEqual(refusalOf(reply), want);
    });
  }
  it('hands on the answer and where it came from', async (context) => {
    const given: (readonly [string, AnswerRequest, AnswerOrigin])[] = [];
    const parts = openParts(context, {
      answer: (id, request, origin) => {
        given.push([id, request, origin]);
        return Promise.resolve({ status: 'gone' });
      },
    });
    const body = { outcome: 'deny', for: '2h', host: '*.example.net', port: 'any', revision: 3 };
    await ask(parts, 'POST /v1/pending/{id}/answer', { id: 'k3', body });
    assert.deepEqual(
      given.map(([id, request, { client, surface }]) => [id, request, client?.port, surface]),
      [['k3', body, 40_000, 'cli']],
    );
  });
  it('asks nobody about an answer that is none', async (context) => {
    const never = () => assert.fail('it was asked');
    const parts = openParts(context, { answer: never, preview: never });
    for (const verb of ['answer', 'preview']) {
      const reply = await ask(parts, `POST /v1/pending/{id}/${verb}`, { id: 'k3', body: {} });
      assert.deepEqual(reply, refuse(400, 'bad_request', 'outcome: write "allow" or "deny"'));
    }
  });
});

describe('preview and hold', () => {
  it('says what an answer would do', async (context) => {
    const preview = { sentence: 's', rule: null, cautions: [], problem: null };
    const asked: unknown[] = [];
    const parts = openParts(context, {
      preview: (id, request) => {
        asked.push([id, request]);
        return preview;
      },
    });
    const body = { outcome: 'allow', for: 'always' };
    assert.deepEqual(await ask(parts, 'POST /v1/pending/{id}/preview', { id: 'k3', body }), {
      body: preview,
    });
    assert.deepEqual([asked, parts.acted], [[['k3', body]], []]);
  });
  it('lets those who wait there wait longer', async (context) => {
    const asked: unknown[] = [];
    const parts = openParts(context, {
      extend: (id, ms, approver) => {
        asked.push([id, ms, approver.name]);
        return Date.parse('2026-11-20T12:05:00.000Z');
      },
    });
    assert.deepEqual(
      await ask(parts, 'POST /v1/pending/{id}/hold', { id: 'k3', body: { for: '5m' } }),
      { body: { id: 'k3', until: '2026-11-20T12:05:00.000Z' } },
    );
    assert.deepEqual(asked, [['k3', 300_000, 'dev']]);
    const nobody = openParts(context, { extend: () => 'nobody' });
    assert.deepEqual(
      refusalOf(await ask(nobody, 'POST /v1/pending/{id}/hold', { id: 'k3', body: { for: '1h' } })),
      [410, 'gone'],
    );
    const long = await ask(parts, 'POST /v1/pending/{id}/hold', { id: 'k3', body: { for: '61m' } });
    assert.deepEqual(refusalOf(long), [400, 'bad_request']);
  });
});

describe('watching', () => {
  it('gives a stream while there is room', async (context) => {
    const parts = openParts(context);
    const reply = await ask(parts, 'GET /v1/events');
    assert.ok('stream' in reply);
    let text = '';
    const out = {
      write: (more: string) => (text += more),
      unsentBytes: () => 0,
      cut: () => undefined,
    };
    for (let n = 0; n < 32; n += 1) reply.stream(out);
    assert.match(text, /^event: snapshot\n/);
    assert.deepEqual(refusalOf(await ask(parts, 'GET /v1/events')), [503, 'busy']);
  });
});
