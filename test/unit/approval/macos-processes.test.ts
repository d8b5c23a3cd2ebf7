import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  readLsofConnections,
  readLsofNames,
  readNames,
  readPs,
  takeMacosSnapshot,
} from '../../../src/approval/macos-processes.ts';

const runs = Number(process.env['FUZZ_RUNS'] ?? 2000);

describe('the output of lsof', () => {
  it('gives each connection with its holder, IPv6 too, and skips what is none', () => {
    const text = [
      'p42',
      'f5',
      'n127.0.0.1:54321->127.0.0.1:4128',
      'f6',
      'n*:8080',
      'p1000',
      'f12',
      'n[::1]:4128->[::1]:54322',
      '',
    ].join('\n');
    assert.deepEqual(readLsofConnections(text), [
      { pid: 42, localPort: 54321, remotePort: 4128 },
      { pid: 1000, localPort: 4128, remotePort: 54322 },
    ]);
  });

  it('gives the working folder of each process', () => {
    const text = 'p42\nfcwd\nn/Users/dev/my app\np43\nfcwd\nn/\n';
    assert.deepEqual(
      [...readLsofNames(text)],
      [
        [42, '/Users/dev/my app'],
        [43, '/'],
      ],
    );
  });
});

describe('the output of ps', () => {
  const names = readNames('  42 /Applications/My Tool.app/tool\n  40 -zsh\nrubbish\n');
  const text = [
    '   42    40   501 ??       Fri Nov 20 13:44:21 2026     /Applications/My Tool.app/tool --go now',
    '   40     1   501 ttys001  Fri 20 Nov  9:01:02 2026     -zsh',
    'a line of another kind',
  ].join('\n');

  it('gives processes with parents, starts and executables', () => {
    const found = readPs(text, names, new Map([[42, '/Users/dev']]));
    assert.deepEqual(found.get(42), {
      pid: 42,
      parentPid: 40,
      started: 'Fri Nov 20 13:44:21 2026',
      executable: '/Applications/My Tool.app/tool',
      name: 'tool',
      words: ['/Applications/My', 'Tool.app/tool', '--go', 'now'],
      cwd: '/Users/dev',
      hasTerminal: false,
      uid: 501,
    });
    assert.deepEqual(found.get(40)?.hasTerminal, true);
    assert.equal(found.get(40)?.executable, undefined);
    assert.equal(found.size, 2);
  });
});

describe('any output', () => {
  it('is read without an exception', () => {
    const line = fc.oneof(
      fc.string(),
      fc.stringMatching(/^[pfn][0-9.:>*/-]{0,40}$/),
      fc.stringMatching(
        /^ {0,3}\d{1,6} \d{1,6} \d{1,6} \S{1,8} \w{3} \w{3} \d{1,2} [\d:]{8} \d{4} .{0,40}$/,
      ),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const text = lines.join('\n');
        readLsofConnections(text);
        readPs(text, readNames(text), readLsofNames(text));
      }),
      { numRuns: runs },
    );
  });
});

describe('taking a picture where these programs are not', () => {
  it('rejects', async () => {
    // On a Mac it is taken; that this one rejects elsewhere is what the finder relies on.
    const picture = await takeMacosSnapshot().catch((error: unknown) => error);
    assert.ok(process.platform === 'darwin' || picture instanceof Error);
  });
});
