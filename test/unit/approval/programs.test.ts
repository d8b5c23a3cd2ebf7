import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { grantProgramOf, grantProgramsOf, isOneOf } from '../../../src/approval/programs.ts';
import { makeAsker, makeProcess } from '../../support/asking.ts';

const executable = '/usr/bin/curl';
const curl = (given: Parameters<typeof makeProcess>[1] = {}) =>
  makeAsker(makeProcess(70, { executable, ...given }));

describe('grantProgramOf', () => {
  const cases = [
    {
      name: 'takes the repository before the folder',
      asker: curl({ cwd: '/w/app/src', repository: '/w/app' }),
      want: { executable, folder: '/w/app' },
    },
    {
      name: 'takes the folder where there is no repository',
      asker: curl({ cwd: '/w', repository: undefined }),
      want: { executable, folder: '/w' },
    },
    {
      name: 'does without a folder',
      asker: curl({ cwd: undefined, repository: undefined }),
      want: { executable, folder: null },
    },
    {
      name: 'needs an executable',
      asker: curl({ executable: undefined }),
      want: undefined,
    },
    {
      name: 'takes no path of more than 4096 characters',
      asker: curl({ repository: `/${'a'.repeat(4096)}` }),
      want: undefined,
    },
    {
      name: 'takes no executable of more than 4096 characters',
      asker: curl({ executable: `/${'a'.repeat(4096)}` }),
      want: undefined,
    },
  ];
  for (const { name, asker, want } of cases) {
    it(name, () => assert.deepEqual(grantProgramOf(asker), want));
  }
});

describe('grantProgramsOf', () => {
  it('names each program once', () => {
    const app = curl();
    const web = curl({ repository: '/home/dev/web' });
    assert.deepEqual(grantProgramsOf([app, web, app], false), {
      ok: true,
      value: [
        { executable, folder: '/home/dev/app' },
        { executable, folder: '/home/dev/web' },
      ],
    });
  });
  const many = Array.from({ length: 9 }, (_, n) => curl({ repository: `/r${n}` }));
  for (const { name, askers, unidentified, says } of [
    { name: 'nobody', askers: [], unidentified: false, says: /not every program .* is known/ },
    { name: 'somebody unknown', askers: [curl()], unidentified: true, says: /is known/ },
    {
      name: 'one without executable',
      askers: [curl(), curl({ executable: undefined })],
      unidentified: false,
      says: /is known/,
    },
    { name: 'nine programs', askers: many, unidentified: false, says: /more than 8 programs/ },
  ]) {
    it(`refuses ${name}`, () => {
      const read = grantProgramsOf(askers, unidentified);
      assert.match(read.ok ? '' : read.problem, says);
    });
  }
});

describe('isOneOf', () => {
  it('compares program and folder', () => {
    const programs = [{ executable, folder: '/home/dev/app' }];
    assert.deepEqual(
      [
        curl(),
        curl({ repository: '/x' }),
        curl({ executable: '/bin/x' }),
        curl({ executable: undefined }),
      ].map((asker) => isOneOf(programs, asker)),
      [true, false, false, false],
    );
  });
  it('takes a folder nobody knows for no folder at all', () => {
    const nowhere = curl({ cwd: undefined, repository: undefined });
    assert.equal(isOneOf([{ executable, folder: null }], nowhere), true);
    assert.equal(isOneOf([{ executable, folder: null }], curl()), false);
  });
});
