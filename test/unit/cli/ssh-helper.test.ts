import assert from 'node:assert/strict';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { findProgram, findSshHelper } from '../../../src/cli/ssh-helper.ts';
import { makeFolder } from '../../support/command.ts';

function place(t: TestContext, ...programs: string[]): string {
  const folder = makeFolder(t);
  for (const program of programs)
    writeFileSync(join(folder, program), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  return folder;
}

describe('findSshHelper', () => {
  it('takes the best that is there', (t) => {
    const folder = place(t, 'socat', 'ncat');
    assert.deepEqual(findSshHelper({ PATH: `/nowhere:${folder}` }, 'linux'), {
      kind: 'ncat',
      path: join(folder, 'ncat'),
    });
  });

  it('is undefined where there is none', (t) => {
    assert.equal(findSshHelper({ PATH: place(t) }, 'linux'), undefined);
    assert.equal(findSshHelper({}, 'linux'), undefined);
    assert.equal(findSshHelper({ PATH: place(t, 'ncat') }, 'win32'), undefined);
  });

  it('knows the kinds of nc apart', (t) => {
    const folder = place(t, 'nc.openbsd');
    symlinkSync(join(folder, 'nc.openbsd'), join(folder, 'nc'));
    const bsd = { kind: 'nc', path: join(folder, 'nc') };
    assert.deepEqual(findSshHelper({ PATH: folder }, 'linux'), bsd);
    const plain = place(t, 'nc');
    assert.equal(findSshHelper({ PATH: plain }, 'linux'), undefined);
    assert.deepEqual(findSshHelper({ PATH: plain }, 'darwin'), {
      kind: 'nc',
      path: join(plain, 'nc'),
    });
  });

  it('leaves an arrangement of the user alone', (t) => {
    const folder = place(t, 'ncat');
    assert.equal(findSshHelper({ PATH: folder, GIT_SSH_COMMAND: 'ssh -4' }, 'linux'), undefined);
    assert.equal(findSshHelper({ PATH: folder, GIT_SSH: '/bin/x' }, 'linux'), undefined);
    writeFileSync(join(folder, '.gitconfig'), '[core]\n\tsshCommand = ssh -6\n');
    assert.equal(
      findSshHelper({ PATH: `${folder}:/usr/bin:/bin`, HOME: folder }, 'linux'),
      undefined,
    );
  });

  it('looks in absolute folders of PATH only', (t) => {
    const folder = place(t, 'ncat');
    assert.equal(findProgram('ncat', { PATH: `.:${folder}` }), join(folder, 'ncat'));
    assert.equal(findProgram('package.json', { PATH: '.:' }), undefined);
  });
});
