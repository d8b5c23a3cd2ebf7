import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { matchRoutes, readQuery, splitTarget } from '../../../src/control/match.ts';
import type { Route } from '../../../src/control/route.ts';

const row = (method: Route['method'], path: string): Route => ({
  method,
  path,
  permission: 'view',
  reach: 'unchanged',
  handle: () => Promise.reject(new Error('not called')),
});

describe('splitTarget', () => {
  const cases = [
    { target: '/v1/status', want: { path: '/v1/status', query: undefined } },
    { target: '/v1/history?', want: { path: '/v1/history', query: '' } },
    { target: '/v1/history?a=b?c', want: { path: '/v1/history', query: 'a=b?c' } },
  ];
  for (const { target, want } of cases) {
    it(`splits ${target}`, () => assert.deepEqual(splitTarget(target), want));
  }
});

describe('matchRoutes', () => {
  const routes = [
    row('GET', '/v1/grants'),
    row('DELETE', '/v1/grants/{id}'),
    row('POST', '/v1/tokens/local/rotate'),
    row('GET', '/'),
  ];
  const cases = [
    { path: '/', want: ['GET /'] },
    { path: '/v1/grants', want: ['GET /v1/grants'] },
    { path: '/v1/grants/g-1_A', want: ['DELETE /v1/grants/{id} g-1_A'] },
    { path: `/v1/grants/${'a'.repeat(32)}`, want: [`DELETE /v1/grants/{id} ${'a'.repeat(32)}`] },
    { path: `/v1/grants/${'a'.repeat(33)}`, want: [] },
    { path: '/v1/grants/', want: [] },
    { path: '/v1/grants/%67', want: [] },
    { path: '/v1/grants/..', want: [] },
    { path: '/v1//grants', want: [] },
    { path: '//', want: [] },
    { path: '', want: [] },
    { path: 'http://127.0.0.1/v1/grants', want: [] },
    { path: '/v1/tokens/other/rotate', want: [] },
    { path: '/V1/grants', want: [] },
  ];
  for (const { path, want } of cases) {
    it(`finds ${want.join() || 'nothing'} at "${path}"`, () => {
      const found = matchRoutes(routes, path).map(({ route, id }) =>
        `${route.method} ${route.path} ${id}`.trim(),
      );
      assert.deepEqual(found, want);
    });
  }
});

describe('readQuery', () => {
  const names = ['host', 'limit'];
  const good = [
    { query: undefined, want: {} },
    { query: '', want: {} },
    { query: 'host=a.example', want: { host: 'a.example' } },
    { query: 'limit=5&host=', want: { limit: '5', host: '' } },
    { query: 'host=a%20b+c%2B', want: { host: 'a b c+' } },
    { query: 'host=a=b', want: { host: 'a=b' } },
    { query: 'h%6Fst=x', want: { host: 'x' } },
  ];
  for (const { query, want } of good) {
    it(`reads ${String(query)}`, () => {
      const read = readQuery(query, names);
      assert.deepEqual(read.ok && Object.fromEntries(read.value), want);
    });
  }
  const bad = [
    'token=x',
    'host',
    'host=a&host=b',
    'host=a&h%6Fst=b',
    'host=%zz',
    'host=%ff',
    '&',
    'host=a&',
    '=x',
    '__proto__=x',
    `host=${'x'.repeat(2048)}`,
  ];
  for (const query of bad) {
    it(`refuses ${query.slice(0, 30)}`, () => assert.equal(readQuery(query, names).ok, false));
  }
});
