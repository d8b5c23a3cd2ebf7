import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatGrants, readGrants } from '../../../src/approval/grants-file.ts';
import { SallyportError } from '../../../src/errors.ts';

const row = {
  id: 'g3',
  outcome: 'allow',
  protocol: 'http',
  host: 'a.example',
  port: 80,
  created: '2026-11-20T12:00:00.000Z',
  approver: 'dev',
  surface: 'cli',
  uses: 2,
  lastUsed: null,
};
const program = { executable: '/usr/bin/curl', folder: '/home/dev/app' };
const file = (...grants: readonly unknown[]) => JSON.stringify({ version: 1, next: 2, grants });

describe('readGrants', () => {
  it('takes no file for no grants', () => {
    assert.deepEqual(readGrants(undefined, 'f'), { grants: [], next: 1 });
  });
  it('reads a grant whole, and never gives its id away again', () => {
    assert.deepEqual(readGrants(file(row), 'f'), {
      grants: [
        {
          ref: { id: 'g3', outcome: 'allow', ticket: false },
          outcome: 'allow',
          protocol: 'http',
          host: 'a.example',
          port: 80,
          for: 'always',
          expiresMs: undefined,
          createdMs: Date.UTC(2026, 10, 20, 12),
          approver: { name: 'dev', surface: 'cli' },
          uses: 2,
          lastUsedMs: undefined,
          programs: undefined,
          note: undefined,
          question: undefined,
        },
      ],
      next: 4,
    });
  });
  it('reads what the second version added', () => {
    const more = { programs: [program, { ...program, folder: null }], note: 'why', question: 'k3' };
    const text = JSON.stringify({ version: 2, next: 2, grants: [{ ...row, ...more }] });
    const { grants } = readGrants(text, 'f');
    assert.deepEqual(
      grants.map(({ programs, note, question }) => ({ programs, note, question })),
      [more],
    );
    assert.deepEqual(readGrants(formatGrants(grants, 4), 'f'), { grants, next: 4 });
  });
  for (const { name, programs } of [
    { name: 'no executable', programs: [{ folder: null }] },
    { name: 'a path of more than 4096', programs: [{ ...program, folder: '/'.repeat(4097) }] },
    { name: 'an unknown key', programs: [{ ...program, uid: 0 }] },
    { name: 'a text', programs: ['curl'] },
  ]) {
    it(`refuses a program with ${name}`, () =>
      assert.throws(
        () => readGrants(file({ ...row, programs }), 'f'),
        /grants\[0\]\.programs\[0\]/,
      ));
  }
  for (const host of ['*.example.net', '192.0.2.1', '2001:db8::1']) {
    it(`takes ${host}`, () =>
      assert.equal(readGrants(file({ ...row, host }), 'f').grants[0]?.host, host));
  }

  const wrongValues: readonly (readonly [string, unknown])[] = [
    ['id', 'x3'],
    ['outcome', 'maybe'],
    ['protocol', 'udp'],
    ['host', '*'],
    ['host', '*.com'],
    ['host', '*.1.2.3.4'],
    ['host', 'A.example'],
    ['host', 'a.example.'],
    ['host', 'a b'],
    ['host', '[::1]'],
    ['host', 7],
    ['port', 0],
    ['port', '80'],
    ['port', 65_536],
    ['created', 'today'],
    ['approver', 'x'.repeat(257)],
    ['surface', null],
    ['uses', -1],
    ['uses', 1.5],
    ['lastUsed', 0],
    ['programs', []],
    ['programs', 'curl'],
    ['programs', Array.from({ length: 9 }, () => program)],
    ['note', 'x'.repeat(257)],
    ['question', 7],
  ];
  const bad: readonly { name: string; text: string; says: RegExp }[] = [
    { name: 'an empty file', text: '', says: /JSON/ },
    { name: 'half a file', text: file(row).slice(0, -9), says: /JSON/ },
    { name: 'a list', text: '[]', says: /the file is not an object/ },
    {
      name: 'another version',
      text: '{"version":3,"next":1,"grants":[]}',
      says: /version is none of 1, 2/,
    },
    {
      name: 'an unknown key',
      text: '{"version":1,"next":1,"grants":[],"x":1}',
      says: /does not belong/,
    },
    { name: 'no list', text: '{"version":1,"next":1,"grants":{}}', says: /grants is not a list/ },
    {
      name: 'too many',
      text: file(...Array.from({ length: 4097 }, () => row)),
      says: /grants has more than 4096 entries/,
    },
    { name: 'two of one id', text: file(row, row), says: /two grants have one id/ },
    {
      name: 'a bad counter',
      text: '{"version":1,"next":-1,"grants":[]}',
      says: /next is not a count/,
    },
    { name: 'a grant that is null', text: file(null), says: /grants\[0\] is not an object/ },
    ...wrongValues.map(([key, value]) => ({
      name: `${key} ${JSON.stringify(value).slice(0, 20)}`,
      text: file({ ...row, [key]: value }),
      says: new RegExp(`grants\\[0\\]\\.${key} is`),
    })),
  ];
  const whole = { ...row, programs: [program], note: null, question: null };
  for (const key of ['programs', 'note', 'question']) {
    it(`refuses a grant of the second version without its ${key}`, () => {
      const grant = Object.fromEntries(Object.entries(whole).filter(([name]) => name !== key));
      const text = JSON.stringify({ version: 2, next: 4, grants: [grant] });
      assert.throws(() => readGrants(text, 'f'), new RegExp(`grants\\[0\\]\\.${key} is missing`));
    });
  }
  for (const { name, text, says } of bad) {
    it(`refuses ${name}, naming the file`, () => {
      assert.throws(
        () => readGrants(text, '/state/grants.json'),
        (error) =>
          error instanceof SallyportError &&
          error.code === 'ERR_STATE_CORRUPT' &&
          error.message.startsWith('/state/grants.json: ') &&
          says.test(error.message),
      );
    });
  }
});
