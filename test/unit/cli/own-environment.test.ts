import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import {
  foundWithheld,
  ignoredSignals,
  ownEnvironment,
  userEnvironment,
  withheldVariables,
} from '../../../src/cli/own-environment.ts';
import { launcherFile } from '../../support/command.ts';

describe('withheldVariables', () => {
  it('are the ones that the launcher moves aside', () => {
    const script = readFileSync(launcherFile, 'utf8').replaceAll('\\\n', ' ');
    const list = /for _sallyport_name in ([A-Z_ ]+);/.exec(script)?.[1] ?? '';
    assert.deepEqual(list.trim().split(/ +/), [...withheldVariables]);
  });
});

describe('our own environment', () => {
  const user = { PATH: '/bin', NODE_OPTIONS: '-r x', DEBUG: '', HTTPS_PROXY: 'http://p:1' };

  it('keeps what cannot weaken us and moves the rest aside', () => {
    assert.deepEqual(foundWithheld(user), ['NODE_OPTIONS', 'DEBUG']);
    const own = ownEnvironment(user);
    assert.deepEqual(own, {
      PATH: '/bin',
      HTTPS_PROXY: 'http://p:1',
      SALLYPORT_SAVED_NODE_OPTIONS: '-r x',
      SALLYPORT_SAVED_DEBUG: '',
    });
    assert.deepEqual(foundWithheld(own), []);
  });

  it('gives the user everything back and nothing of ours', () => {
    assert.deepEqual(userEnvironment(ownEnvironment(user)), user);
  });

  it('restores no variable that the launcher does not save', () => {
    const env = { SALLYPORT_SAVED_PATH: '/evil', SALLYPORT_SAVED_LD_PRELOAD: 'x', PATH: '/bin' };
    assert.deepEqual(userEnvironment(env), { PATH: '/bin' });
  });

  it('prefers the whole environment as the kernel had it', () => {
    const whole =
      'A=1\0BASH_FUNC_f%%=() { :; }\0NODE_OPTIONS=-r x\0EMPTY=\0=odd\0SALLYPORT_SAVED_X=1\0';
    const env = { A: '1', SALLYPORT_SAVED_ENVIRON: Buffer.from(whole).toString('base64') };
    assert.deepEqual(userEnvironment(env), {
      A: '1',
      'BASH_FUNC_f%%': '() { :; }',
      NODE_OPTIONS: '-r x',
      EMPTY: '',
    });
  });
});

describe('ignoredSignals', () => {
  const cases = [
    { mask: '0000000000001001', want: ['HUP'] },
    { mask: '0000000000000006', want: ['INT', 'QUIT'] },
    { mask: '0000000001001000', want: [] },
    { mask: '', want: [] },
  ];
  for (const { mask, want } of cases) {
    it(`reads ${JSON.stringify(mask)}`, () => {
      assert.deepEqual(ignoredSignals({ SALLYPORT_SAVED_IGNORED: mask }), want);
    });
  }

  it('are none when the launcher did not say', () => assert.deepEqual(ignoredSignals({}), []));
});
