import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  readWindowsSnapshot,
  splitCommand,
  takeWindowsSnapshot,
} from '../../../src/approval/windows-processes.ts';

const runs = Number(process.env['FUZZ_RUNS'] ?? 2000);
const at = (second: number): string =>
  `2026-11-20T13:44:${String(second).padStart(2, '0')}.0000000Z`;

const output = JSON.stringify({
  connections: [
    [42, 50000, 4128],
    [1000, 4128, 50000],
    ['odd', 1, 2],
  ],
  processes: [
    [
      42,
      40,
      'curl.exe',
      'C:\\Windows\\System32\\curl.exe',
      'curl "https://api.example/a b"',
      at(30),
    ],
    [40, 7, 'pwsh.exe', 'C:\\Tools\\pwsh.exe', 'pwsh', at(10)],
    [7, 0, 'later.exe', null, null, at(50)],
    [8, 'odd'],
  ],
});

describe('the output of the PowerShell script', () => {
  it('gives connections and processes, and leaves odd rows out', () => {
    const { connections, processes } = readWindowsSnapshot(output);
    assert.deepEqual(connections, [
      { pid: 42, localPort: 50000, remotePort: 4128 },
      { pid: 1000, localPort: 4128, remotePort: 50000 },
    ]);
    assert.deepEqual(processes.get(42), {
      pid: 42,
      parentPid: 40,
      started: at(30),
      executable: 'C:/Windows/System32/curl.exe',
      name: 'curl.exe',
      words: ['curl', 'https://api.example/a b'],
      cwd: undefined,
      hasTerminal: true,
      uid: -1,
    });
    assert.equal(processes.size, 3);
  });

  it('takes a parent that is younger than its child for a pid that was used again', () => {
    assert.equal(readWindowsSnapshot(output).processes.get(40)?.parentPid, 0);
  });

  it('is no picture when it is no object', () => {
    for (const text of ['', 'null', '3', 'Get-NetTCPConnection : not found']) {
      assert.throws(() => readWindowsSnapshot(text));
    }
  });

  it('is read whatever its rows are', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.array(fc.jsonValue()), (connections, processes) => {
        readWindowsSnapshot(JSON.stringify({ connections, processes }));
      }),
      { numRuns: runs },
    );
  });
});

describe('splitCommand', () => {
  const cases = [
    { text: 'a b', want: ['a', 'b'] },
    { text: '"C:\\Program Files\\x.exe" --y="1 2"', want: ['C:\\Program Files\\x.exe', '--y=1 2'] },
    { text: 'open "end', want: ['open', 'end'] },
    { text: '', want: [] },
  ];
  for (const { text, want } of cases) {
    it(`splits ${JSON.stringify(text)}`, () => assert.deepEqual(splitCommand(text), want));
  }
});

describe('taking a picture where there is no PowerShell', () => {
  it('rejects', async () => {
    const picture = await takeWindowsSnapshot('/nowhere').catch((error: unknown) => error);
    assert.ok(picture instanceof Error);
  });
});
