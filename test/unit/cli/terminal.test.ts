import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isForegroundStat } from '../../../src/cli/terminal.ts';

const file = join(import.meta.dirname, '../../../src/cli/terminal.ts');
const script = `
  import { hasTerminal, isForeground } from ${JSON.stringify(file)};
  console.log(JSON.stringify([hasTerminal(), isForeground()]));`;
const node = `'${process.execPath}' --input-type=module-typescript -e '${script.replaceAll('\n', ' ')}'`;

describe('isForegroundStat', () => {
  const cases = [
    {
      name: 'is true in the foreground group',
      stat: '9 (node) S 8 9 7 34816 9 4194304',
      want: true,
    },
    { name: 'is false in the background', stat: '9 (node) S 8 9 7 34816 5 4194304', want: false },
    { name: 'is false without a terminal', stat: '9 (node) S 8 9 7 0 -1 4194304', want: false },
    {
      name: 'is not misled by a name',
      stat: '9 (a) S 1 2 (x) S 8 9 7 34816 9 4194304',
      want: true,
    },
    { name: 'is false for nonsense', stat: 'x', want: false },
  ];
  for (const { name, stat, want } of cases) {
    it(name, () => assert.equal(isForegroundStat(stat), want));
  }
});

describe('a terminal', () => {
  it('is not there in a session without one', () => {
    const { stdout } = spawnSync('setsid', ['-w', 'sh', '-c', node]);
    assert.equal(stdout.toString(), '[false,false]\n');
  });

  it('is there, in the foreground, under a pseudo-terminal', () => {
    const { stdout } = spawnSync('script', ['-qec', node, '/dev/null'], { input: '' });
    assert.match(stdout.toString(), /\[true,true\]/);
  });
});
