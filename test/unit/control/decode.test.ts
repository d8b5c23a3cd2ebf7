import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as decode from '../../../src/control/decode.ts';
import type { Parsed } from '../../../src/policy/destination.ts';

const draft = { file: '/c.toml', etag: 'e' };
const edit = { kind: 'add', list: 'allow', rule: 'a.example' };

/** Each reader with bodies it takes as they are and bodies it refuses. */
const readers: readonly {
  name: string;
  read: (body: unknown) => Parsed<unknown>;
  good: readonly object[];
  bad: readonly unknown[];
}[] = [
  {
    name: 'decodeAnswer',
    read: decode.decodeAnswer,
    good: [
      { outcome: 'deny' },
      {
        outcome: 'allow',
        for: '2h',
        host: '*.example.net',
        port: 'any',
        program: 'this',
        note: 'n'.repeat(200),
        revision: 3,
      },
      { outcome: 'deny', tell: 'use the mirror' },
    ],
    bad: [
      {},
      { outcome: 'maybe' },
      { outcome: true },
      { for: 'once' },
      { outcome: 'allow', for: 5 },
      { outcome: 'allow', host: ['a'] },
      { outcome: 'allow', host: 'x'.repeat(256) },
      { outcome: 'allow', port: 443 },
      { outcome: 'allow', program: 'other' },
      { outcome: 'allow', note: 'n'.repeat(201) },
      { outcome: 'deny', tell: null },
      { outcome: 'allow', revision: '2' },
      { outcome: 'allow', revision: 1.5 },
      { outcome: 'allow', fro: 'always' },
      { outcome: 'allow', constructor: 'x' },
      JSON.parse('{"outcome":"allow","__proto__":{"for":"always"}}'),
    ],
  },
  {
    name: 'decodeUndo',
    read: decode.decodeUndo,
    good: [{}, { id: 'k3' }],
    bad: [{ id: '' }, { id: 3 }, { id: 'a b' }, { id: 'x'.repeat(33) }, { grant: 'g1' }],
  },
  {
    name: 'decodePanic',
    read: decode.decodePanic,
    good: [{ on: true }, { on: false }],
    bad: [{}, { on: 'true' }, { on: 1 }, { on: true, off: true }],
  },
  {
    name: 'decodeDraft',
    read: decode.decodeDraft,
    good: [
      { ...draft, text: '' },
      { ...draft, text: 'x'.repeat(1024 * 1024) },
      { ...draft, edits: [] },
      { ...draft, edits: [edit, { kind: 'remove', list: 'deny', rule: '*.b.example' }] },
    ],
    bad: [
      {},
      draft,
      { ...draft, text: '', edits: [] },
      { etag: 'e', text: '' },
      { file: 'f', text: '' },
      { ...draft, text: 'x'.repeat(1024 * 1024 + 1) },
      { ...draft, text: 5 },
      { ...draft, edits: edit },
      { ...draft, edits: [{ ...edit, kind: 'replace' }] },
      { ...draft, edits: [{ ...edit, list: 'both' }] },
      { ...draft, edits: [{ kind: 'add', list: 'allow' }] },
      { ...draft, edits: [{ ...edit, more: 1 }] },
      { ...draft, edits: [null] },
      { ...draft, edits: Array.from({ length: 501 }, () => edit) },
      { ...draft, file: 'x'.repeat(4097), text: '' },
    ],
  },
  {
    name: 'decodeToken',
    read: decode.decodeToken,
    good: [
      { name: 'a', role: 'viewer' },
      { name: 'a', role: 'admin', days: 366 },
    ],
    bad: [
      {},
      { name: 'a' },
      { role: 'admin' },
      { name: 'a', role: 'root' },
      { name: 'x'.repeat(41), role: 'admin' },
      { name: 'a', role: 'admin', days: 0 },
      { name: 'a', role: 'admin', days: 367 },
      { name: 'a', role: 'admin', days: 1.5 },
      { name: 'a', role: 'admin', days: '5' },
      { name: 'a', role: 'admin', days: null },
    ],
  },
  {
    name: 'decodePageSession',
    read: decode.decodePageSession,
    good: [{ code: 'abc' }],
    bad: [{}, { code: 5 }, { code: 'x'.repeat(65) }, { code: 'a', role: 'admin' }],
  },
  {
    name: 'decodeTray',
    read: decode.decodeTray,
    good: [{ problem: null }, { problem: 'no tray on this desktop' }],
    bad: [{}, { problem: 5 }, { problem: 'x'.repeat(301) }, { problem: undefined }],
  },
];

for (const { name, read, good, bad } of readers) {
  describe(name, () => {
    for (const body of good) {
      it(`takes ${JSON.stringify(body).slice(0, 60)}`, () =>
        assert.deepEqual(read(body), { ok: true, value: body }));
    }
    for (const body of [undefined, null, [], 'text', 5, ...bad]) {
      it(`refuses ${JSON.stringify({ body }).slice(0, 60)}`, () =>
        assert.equal(read(body).ok, false));
    }
  });
}

describe('decodeFor', () => {
  const cases = [
    { text: '1m', want: 60_000 },
    { text: '60m', want: 3_600_000 },
    { text: '1h', want: 3_600_000 },
    { text: '0m', want: undefined },
    { text: '01m', want: undefined },
    { text: '61m', want: undefined },
    { text: '2h', want: undefined },
    { text: '5', want: undefined },
    { text: '5s', want: undefined },
    { text: '1e1m', want: undefined },
    { text: 'once', want: undefined },
    { text: 5, want: undefined },
    { text: undefined, want: undefined },
  ];
  for (const { text, want } of cases) {
    it(`reads ${String(text)} as ${want ?? 'a mistake'}`, () => {
      const read = decode.decodeFor({ for: text }, 1, 60);
      assert.deepEqual(read.ok ? read.value : undefined, want);
    });
  }
  it('says what it takes', () => {
    assert.deepEqual(decode.decodeFor({}, 1, 720), {
      ok: false,
      problem: 'for: write minutes or hours, "1m" to "720m"',
    });
  });
});

describe('decodeNothing', () => {
  it('takes an empty object alone', () => {
    assert.equal(decode.decodeNothing({}).ok, true);
    assert.deepEqual(decode.decodeNothing({ a: 1 }), {
      ok: false,
      problem: 'unknown key; none is expected',
    });
    assert.equal(decode.decodeNothing(undefined).ok, false);
  });
});

describe('decodeEditId', () => {
  it('takes the id of an edit', () => {
    assert.deepEqual(decode.decodeEditId({ id: 'e1' }), { ok: true, value: 'e1' });
    for (const body of [{}, { id: 5 }, { id: '../x' }, { id: 'e1', file: 'x' }]) {
      assert.equal(decode.decodeEditId(body).ok, false);
    }
  });
});

describe('decodeTray', () => {
  it('shows no control characters', () => {
    assert.deepEqual(decode.decodeTray({ problem: 'a\u001b[2J\u202eb' }), {
      ok: true,
      value: { problem: 'a\ufffd[2J\ufffdb' },
    });
  });
});

describe('decodeHistory', () => {
  const read = (query: Readonly<Record<string, string>>) =>
    decode.decodeHistory(new Map(Object.entries(query)));
  it('takes every parameter', () => {
    const query = {
      host: 'a.example',
      program: 'curl',
      outcome: 'deny',
      since: '2026-11-20T12:00:00Z',
      before: '2026-11-20T14:00:00.123+02:00',
      limit: '500',
    };
    assert.deepEqual(read(query), { ok: true, value: { ...query, limit: 500 } });
    assert.deepEqual(read({}), { ok: true, value: {} });
  });
  const bad: readonly Readonly<Record<string, string>>[] = [
    { limit: '0' },
    { limit: '501' },
    { limit: '5.5' },
    { limit: '' },
    { since: '1h' },
    { since: '2026-11-20' },
    { since: '2026-13-45T12:00:00Z' },
    { before: '2026-11-20T12:00:00' },
    { outcome: 'ask' },
    { host: 'x'.repeat(254) },
    { program: 'x'.repeat(256) },
  ];
  for (const query of bad) {
    it(`refuses ${JSON.stringify(query).slice(0, 50)}`, () => assert.equal(read(query).ok, false));
  }
});
