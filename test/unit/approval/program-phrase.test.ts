import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { escapePrintable } from '../../../src/policy/printable.ts';
import { programNameOf, programPhrase } from '../../../src/approval/program-phrase.ts';

describe('programPhrase', () => {
  const cases = [
    ['/usr/bin/curl', ['curl', '-sS', 'https://x.test/'], 'curl', 'curl'],
    ['/usr/bin/node', ['npm install left-pad'], 'npm', 'npm install'],
    ['/usr/bin/node', ['node', '/usr/lib/node_modules/npm/bin/npm-cli.js', 'ci'], 'npm', 'npm ci'],
    ['/usr/bin/node', ['node', '--inspect', 'server.mjs', 'start'], 'server', 'server'],
    ['/usr/bin/node', ['node', '-e', 'fetch("https://x.test")'], 'node', 'node'],
    ['/usr/bin/node', ['node'], 'node', 'node'],
    ['/usr/bin/python3.12', ['python3', '-m', 'pip', 'install', 'x'], 'pip', 'pip install'],
    ['/usr/bin/python3.12', ['python3', '/usr/bin/pip', '-q', 'download'], 'pip', 'pip download'],
    ['/usr/bin/bash', ['bash', 'deploy.sh', 'prod'], 'deploy', 'deploy'],
    ['/usr/bin/bash', ['bash', '-c', 'curl https://x.test'], 'bash', 'bash'],
    ['/usr/lib/git-core/git-remote-https', ['git-remote-https', 'origin'], 'git', 'git'],
    ['/usr/lib/apt/methods/https', ['/usr/lib/apt/methods/https'], 'apt', 'apt'],
    ['/opt/git.exe', ['git', 'fetch'], 'git', 'git fetch'],
    ['/usr/bin/git', ['git', 'fetch', 'origin'], 'git', 'git fetch'],
    ['/usr/bin/cargo', ['cargo', '../odd'], 'cargo', 'cargo'],
    [undefined, ['other', 'words'], 'theirs', 'theirs'],
    // Once it gave what every object has under that name.
    ['/usr/bin/node', ['node', 'toString'], 'toString', 'toString'],
  ] as const;
  for (const [executable, commandLine, name, phrase] of cases) {
    it(`calls ${commandLine.join(' ')} "${phrase}"`, () => {
      const process = { executable, name: 'theirs', commandLine };
      assert.deepEqual([programNameOf(process), programPhrase(process)], [name, phrase]);
    });
  }
  it('survives an empty argument list', () => {
    const process = { executable: '/usr/bin/node', name: 'node', commandLine: [] };
    assert.equal(programPhrase(process), 'node');
  });
  for (const script of [
    '',
    'x'.repeat(33),
    'safe to allow',
    'a\u202eb.js',
    'npm install, verified',
  ]) {
    it(`does not let a script call itself "${escapePrintable(script)}"`, () => {
      const process = {
        executable: '/usr/bin/node',
        name: 'node',
        commandLine: ['node', `/tmp/${script}`, 'ci'],
      };
      assert.equal(programPhrase(process), script === '' ? 'tmp' : 'node');
    });
  }
});
