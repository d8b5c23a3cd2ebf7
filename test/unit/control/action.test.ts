import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { act, ignored, read, replyTo } from '../../../src/control/action.ts';
import type { Action, Acted, ActionParts } from '../../../src/control/action.ts';
import { refuse } from '../../../src/control/route.ts';
import type { ControlRequest } from '../../../src/control/route.ts';
import { SallyportError } from '../../../src/errors.ts';

const request: ControlRequest = {
  id: 'x1',
  query: new Map(),
  body: 'body',
  caller: { client: undefined, isConnected: () => true },
  surface: 'cli',
  holder: { key: 't1', token: 't1', role: 'approver', surface: undefined },
};
const approver = { name: 'dev', surface: 'cli' };

/** One action, with what happened in its order. */
function bench(given: Partial<Action<string>> = {}, parts: Partial<ActionParts> = {}) {
  const order: unknown[] = [];
  const route = act<string>(
    {
      judge: (_caller, _surface, wanted) => {
        order.push(wanted);
        return Promise.resolve({ ok: true, approver });
      },
      onActed: (acted: Acted) => order.push(acted),
      ...parts,
    },
    {
      route: 'POST /v1/things/{id}',
      permission: 'answer',
      reach: 'narrow',
      action: 'thing',
      decode: (body) => ({ ok: true, value: String(body) }),
      run: (wanted, by, id) => {
        order.push([wanted, by, id]);
        return { body: { done: true } };
      },
      ...given,
    },
  );
  return { route, order, call: () => route.handle(request) };
}

describe('act', () => {
  it('makes a line of the table', () => {
    const { handle: _, ...row } = bench({ bodyLimitBytes: 5 }).route;
    assert.deepEqual(row, {
      method: 'POST',
      path: '/v1/things/{id}',
      permission: 'answer',
      reach: 'narrow',
      bodyLimitBytes: 5,
    });
    assert.equal(bench({ route: 'DELETE /v1/x' }).route.method, 'DELETE');
  });
  it('judges the caller, then does it, then tells', async () => {
    const { call, order } = bench();
    assert.deepEqual(await call(), { body: { done: true } });
    assert.deepEqual(order, [
      { action: 'thing', reach: 'narrow' },
      ['body', approver, 'x1'],
      { action: 'thing', approver, token: 't1', about: 'x1' },
    ]);
  });
  it('takes the reach and what it is about from the body', async () => {
    const { call, order } = bench({ reachOf: () => 'wide', about: (text) => text });
    await call();
    assert.deepEqual(
      [order[0], order[2]],
      [
        { action: 'thing', reach: 'wide' },
        { action: 'thing', approver, token: 't1', about: 'body' },
      ],
    );
  });
  it('judges nobody over a body that is none', async () => {
    const { call, order } = bench({ decode: () => ({ ok: false, problem: 'p' }) });
    assert.deepEqual(await call(), refuse(400, 'bad_request', 'p'));
    assert.deepEqual(order, []);
  });
  for (const [status, code] of [
    ['self', 'self_approval'],
    ['unplaced', 'forbidden'],
  ] as const) {
    it(`does nothing for a caller that is ${status}`, async () => {
      const { call, order } = bench(
        {},
        {
          judge: () => Promise.resolve({ ok: false, status, problem: 'p' }),
        },
      );
      assert.deepEqual(await call(), refuse(403, code, 'p'));
      assert.deepEqual(order, []);
    });
  }
  it('tells of nothing that was refused, or is not worth it', async () => {
    const refused = bench({ run: () => refuse(404, 'not_found', 'p') });
    assert.deepEqual(await refused.call(), refuse(404, 'not_found', 'p'));
    const quiet = bench({ isTold: false });
    await quiet.call();
    assert.deepEqual([refused.order.length, quiet.order.length], [1, 2]);
  });
  it('says that the state folder cannot be written, and lets every other fault be a bug', async () => {
    const failing = (error: Error) =>
      bench({
        run: () => {
          throw error;
        },
      }).call();
    const full = new SallyportError('ERR_STATE_UNSAFE', 'disk full');
    assert.deepEqual(await failing(full), refuse(503, 'unavailable', 'disk full'));
    await assert.rejects(failing(new Error('inside')), /inside/);
  });
});

describe('read', () => {
  it('shows something', async () => {
    const route = read('/v1/x', 'view', ({ id }) => ({ id }));
    assert.deepEqual(
      [route.method, route.reach, await route.handle(request)],
      ['GET', 'unchanged', { body: { id: 'x1' } }],
    );
  });
});

describe('replyTo', () => {
  const cases = [
    { status: 'bad', want: [400, 'bad_request'] },
    { status: 'forbidden', want: [403, 'forbidden'] },
    { status: 'unknown', want: [404, 'not_found'] },
    { status: 'changed', want: [409, 'changed'] },
    { status: 'gone', want: [410, 'gone'] },
    { status: 'failed', want: [503, 'unavailable'] },
  ] as const;
  for (const { status, want } of cases) {
    it(`turns ${status} into ${want.join(' ')}`, () =>
      assert.deepEqual(replyTo({ status, problem: 'p' }), refuse(want[0], want[1], 'p')));
  }
  it('gives everything else as it is', () => {
    assert.deepEqual(replyTo({ problem: null }), { body: { problem: null } });
  });
});

describe('ignored', () => {
  it('takes no body', () => assert.deepEqual(ignored(), { ok: true, value: undefined }));
});
