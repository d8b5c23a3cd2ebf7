import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { GateResponse, HistoryEntry, HistoryQuery } from '../../../src/control/messages.ts';
import { redactGrant } from '../../../src/control/redact.ts';
import { createRoutes } from '../../../src/control/routes.ts';
import { ask, openParts, refusalOf, requestOf } from '../../support/control.ts';
import { makeAnswer, makeGate, makeGrant } from '../../support/views.ts';

const grant = makeGrant({ note: 'private' });

describe('what is remembered', () => {
  it('is listed, to viewers without notes', async (context) => {
    const parts = openParts(context, { live: { grants: () => [grant] } });
    assert.deepEqual(await ask(parts, 'GET /v1/grants'), { body: { grants: [grant] } });
    assert.deepEqual(await ask(parts, 'GET /v1/grants', { role: 'viewer' }), {
      body: { grants: [redactGrant(grant)] },
    });
  });
  it('is revoked, and it is said who did', async (context) => {
    const by: unknown[] = [];
    const parts = openParts(context, {
      revoke: (id, approver) => {
        by.push([id, approver]);
        return id === 'g1' ? grant : undefined;
      },
    });
    assert.deepEqual(await ask(parts, 'DELETE /v1/grants/{id}', { id: 'g1' }), {
      body: { revoked: grant },
    });
    assert.deepEqual(refusalOf(await ask(parts, 'DELETE /v1/grants/{id}', { id: 'g2' })), [
      404,
      'not_found',
    ]);
    const approver = { name: 'dev', surface: 'cli' };
    assert.deepEqual(by, [
      ['g1', approver],
      ['g2', approver],
    ]);
    assert.deepEqual(parts.acted, [{ action: 'revoke', approver, token: 'local', about: 'g1' }]);
  });
  it('is undone by question, or the last of all', async (context) => {
    const asked: (string | undefined)[] = [];
    const undone = { answer: makeAnswer({ undone: 'now' }), closed: 2 };
    const parts = openParts(context, {
      undo: (id) => {
        asked.push(id);
        return id === 'k1' ? 'none' : id === 'k2' ? 'gone' : undone;
      },
    });
    const undo = async (body: object) => await ask(parts, 'POST /v1/undo', { body });
    assert.deepEqual(await undo({}), { body: undone });
    assert.deepEqual(await undo({ id: 'k3' }), { body: undone });
    assert.deepEqual(refusalOf(await undo({ id: 'k1' })), [404, 'not_found']);
    assert.deepEqual(refusalOf(await undo({ id: 'k2' })), [410, 'gone']);
    assert.deepEqual(asked, [undefined, 'k3', 'k1', 'k2']);
  });
});

describe('the history', () => {
  it('passes the query on and adds the answers of this run', async (context) => {
    const asked: HistoryQuery[] = [];
    const entry = { uid: 'u', program: '/private/bin/curl' } as HistoryEntry; // as much as is looked at
    const parts = openParts(context, {
      live: { answers: () => [makeAnswer()] },
      history: (query) => {
        asked.push(query);
        return Promise.resolve({ entries: [entry], more: true });
      },
    });
    const query = { host: 'example', outcome: 'deny', limit: '5' };
    assert.deepEqual(await ask(parts, 'GET /v1/history', { query }), {
      body: { entries: [entry], more: true, answers: [makeAnswer()] },
    });
    assert.deepEqual(asked, [{ host: 'example', outcome: 'deny', limit: 5 }]);
    assert.deepEqual(await ask(parts, 'GET /v1/history', { role: 'viewer' }), {
      body: { entries: [{ ...entry, program: 'curl' }], more: true, answers: [makeAnswer()] },
    });
    assert.deepEqual(refusalOf(await ask(parts, 'GET /v1/history', { query: { limit: '0' } })), [
      400,
      'bad_request',
    ]);
  });
});

describe('reading the history', () => {
  it('is for four at once, and free again after a fault', async (context) => {
    const reads: PromiseWithResolvers<never>[] = [];
    const parts = openParts(context, {
      history: () => {
        const read = Promise.withResolvers<never>();
        reads.push(read);
        return read.promise;
      },
    });
    const route = createRoutes(parts).find(({ path }) => path === '/v1/history');
    assert.ok(route);
    const call = async () => await route.handle(requestOf('approver'));
    const first = [call(), call(), call(), call()];
    assert.deepEqual(refusalOf(await call()), [503, 'busy']);
    for (const { reject } of reads) reject(new Error('disk'));
    for (const one of first) await assert.rejects(one, /disk/);
    void call();
    assert.equal(reads.length, 5);
  });
});

describe('the gate', () => {
  const response: GateResponse = { gate: makeGate(), closed: 3 };
  it('is paused for 1 minute to 12 hours, and resumed', async (context) => {
    const asked: unknown[] = [];
    const parts = openParts(context, {
      pause: (ms, approver) => {
        asked.push([ms, approver.name]);
        return response;
      },
      resume: (approver) => {
        asked.push(approver.name);
        return Promise.resolve(response);
      },
    });
    assert.deepEqual(await ask(parts, 'POST /v1/pause', { body: { for: '12h' } }), {
      body: response,
    });
    for (const text of ['0m', '13h', '721m', 'once']) {
      const reply = await ask(parts, 'POST /v1/pause', { body: { for: text } });
      assert.deepEqual(refusalOf(reply), [400, 'bad_request']);
    }
    assert.deepEqual(await ask(parts, 'POST /v1/resume', { body: {} }), { body: response });
    assert.deepEqual(asked, [[43_200_000, 'dev'], 'dev']);
  });
  it('is closed by whoever may answer, and opened again as the widest change there is', async (context) => {
    const asked: boolean[] = [];
    const parts = openParts(context, {
      panic: (on) => {
        asked.push(on);
        return response;
      },
    });
    for (const on of [true, false]) {
      assert.deepEqual(await ask(parts, 'POST /v1/panic', { body: { on } }), { body: response });
    }
    assert.deepEqual(asked, [true, false]);
    assert.deepEqual(parts.judged, [
      { action: 'panic', reach: 'none' },
      { action: 'panic', reach: 'wide' },
    ]);
  });
  it('lets a flood ask again', async (context) => {
    const parts = openParts(context, { lift: (id) => (id === 'f1' ? response : undefined) });
    const path = 'POST /v1/floods/{id}/lift';
    assert.deepEqual(await ask(parts, path, { id: 'f1', body: {} }), { body: response });
    assert.deepEqual(refusalOf(await ask(parts, path, { id: 'f2', body: {} })), [404, 'not_found']);
  });
  it('accepts, rejects and undoes a change of the policy', async (context) => {
    const asked: unknown[] = [];
    const change = { id: 'c1', at: '', state: 'applied', lines: [], version: 'v2' } as const;
    const parts = openParts(context, {
      change: (id, verb) => {
        asked.push([id, verb]);
        return id === 'c1' ? { change } : { status: 'gone', problem: 'p' };
      },
    });
    for (const verb of ['accept', 'reject', 'undo']) {
      const path = `POST /v1/changes/{id}/${verb}`;
      assert.deepEqual(await ask(parts, path, { id: 'c1', body: {} }), { body: { change } });
      assert.deepEqual(refusalOf(await ask(parts, path, { id: 'c2', body: {} })), [410, 'gone']);
    }
    assert.deepEqual(asked.slice(0, 3), [
      ['c1', 'accept'],
      ['c2', 'accept'],
      ['c1', 'reject'],
    ]);
  });
  it('hears what a tray can show, and makes no record of it', async (context) => {
    const reports: unknown[] = [];
    const parts = openParts(context, { reportTray: (report) => reports.push(report) });
    const body = { problem: 'no tray here' };
    assert.deepEqual(await ask(parts, 'POST /v1/tray', { body }), { body: { ok: true } });
    assert.deepEqual([reports, parts.acted], [[body], []]);
  });
  it('reloads', async (context) => {
    const reloaded = { loaded: false, version: 'v1', messages: ['m'] };
    const parts = openParts(context, { reload: () => reloaded });
    assert.deepEqual(await ask(parts, 'POST /v1/reload', { body: {}, role: 'admin' }), {
      body: reloaded,
    });
  });
});
