import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HistoryEntry } from '../../../src/control/messages.ts';
import {
  redactEntry,
  redactGrant,
  redactGroup,
  sourceFor,
  viewFor,
} from '../../../src/control/redact.ts';
import { makeAnswer, makeAskerView, makeGate, makeGrant, makeGroup } from '../../support/views.ts';

const secretGroup = makeGroup({
  request: 'GET /private/path',
  bundle: { id: 'b1', title: 'npm install private-thing asks for 7 new hosts', suggests: 'deny' },
  askers: [makeAskerView({ executable: '/home/private/bin/curl', cwd: '/home/private' })],
});
const secretGrant = makeGrant({
  note: 'private',
  programs: [{ executable: '/home/private/bin/node', folder: '/home/private/app' }],
});
const source = {
  version: '1',
  gate: makeGate,
  groups: () => [secretGroup],
  floods: () => [],
  grants: () => [secretGrant],
  answers: () => [makeAnswer()],
  policyChange: () => null,
};

describe('redactGroup', () => {
  it('leaves the names of programs and nothing of folders, command lines and requests', () => {
    assert.deepEqual(redactGroup(secretGroup), {
      ...secretGroup,
      request: null,
      bundle: { id: 'b1', title: 'questions asked together', suggests: 'deny' },
      askers: [
        {
          pid: 4711,
          program: 'curl',
          executable: null,
          commandLine: [],
          cwd: null,
          repository: null,
          parents: ['bash', 'codex'],
        },
      ],
    });
  });
  it('keeps that there is no bundle', () => assert.equal(redactGroup(makeGroup()).bundle, null));
});

describe('redactGrant', () => {
  it('leaves the names of programs, and no note', () => {
    assert.deepEqual(redactGrant(secretGrant), {
      ...secretGrant,
      note: null,
      programs: [{ executable: 'node', folder: null }],
    });
  });
  it('keeps that it is for any program', () => {
    assert.equal(redactGrant(makeGrant()).programs, null);
  });
});

describe('redactEntry', () => {
  const entry = { program: null } as HistoryEntry; // as much of it as is looked at
  const cases = [
    { program: null, want: null },
    { program: '/home/private/bin/node', want: 'node' },
    { program: 'C:\\private\\node.exe', want: 'node.exe' },
    { program: 'node', want: 'node' },
    { program: '/private/', want: 'private/' },
  ];
  for (const { program, want } of cases) {
    it(`shows ${program} as ${want}`, () =>
      assert.equal(redactEntry({ ...entry, program }).program, want));
  }
});

describe('viewFor', () => {
  it('shows an admin and an approver everything', () => {
    for (const role of ['admin', 'approver'] as const) {
      const view = viewFor(source, role);
      assert.deepEqual(
        [view.role, view.groups, view.grants, view.answers],
        [role, [secretGroup], [secretGrant], [makeAnswer()]],
      );
    }
  });
  it('shows a viewer nothing private', () => {
    const view = viewFor(source, 'viewer');
    assert.equal(view.role, 'viewer');
    assert.doesNotMatch(JSON.stringify(view), /private/);
    assert.deepEqual(sourceFor(source, 'viewer').groups(), view.groups);
  });
});
