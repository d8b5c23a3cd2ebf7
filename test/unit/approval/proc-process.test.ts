import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createLineReader, proxyPortsIn, readStat } from '../../../src/approval/proc-process.ts';

describe('readStat', () => {
  const rest = 'S 40 70 70 34816 70 4194304 1 0 0 0 0 0 0 0 20 0 1 0 140223 313 389 1844';
  it('reads name, parent, terminal and start', () => {
    assert.deepEqual(readStat(`70 (curl) ${rest}\n`), {
      name: 'curl',
      parentPid: 40,
      hasTerminal: true,
      started: '140223',
    });
  });
  it('is not misled by a name with brackets and blanks', () => {
    assert.deepEqual(readStat(`70 (a) S 1 (x) ${rest}\n`)?.parentPid, 40);
  });
  it('knows a process without a terminal', () => {
    assert.equal(readStat(`70 (curl) ${rest.replace('34816', '0')}`)?.hasTerminal, false);
  });
  for (const text of ['', '70', '70 (curl', '70 (curl) S 40', ')(']) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(readStat(text), undefined));
  }
});

describe('createLineReader', () => {
  it('gives nothing for a process that is not there', async () => {
    assert.equal(await createLineReader('/nowhere/main.ts', () => 0)(2 ** 30), undefined);
  });
  it('reads this process and remembers it for a while', async () => {
    let nowMs = 0;
    const read = createLineReader('/nowhere/main.ts', () => nowMs);
    const first = await read(process.pid);
    const second = await read(process.pid);
    nowMs = 2001;
    const third = await read(process.pid);
    assert.equal(first?.process, second?.process);
    assert.notEqual(first?.process, third?.process);
    assert.deepEqual(first, third);
  });
});

describe('the repository of a process', () => {
  it('is the nearest above its folder', async (context) => {
    const top = realpathSync(mkdtempSync(join(tmpdir(), 'sallyport-process-')));
    mkdirSync(join(top, '.git'));
    const cwd = join(top, 'src');
    mkdirSync(cwd);
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { cwd });
    context.after(() => {
      child.kill('SIGKILL');
      rmSync(top, { recursive: true });
    });
    await once(child, 'spawn');
    const line = await createLineReader('/nowhere/main.ts', () => 0)(child.pid ?? 0);
    assert.deepEqual([line?.process.cwd, line?.process.repository], [cwd, top]);
  });
});

describe('proxyPortsIn', () => {
  const cases = [
    {
      name: 'finds both cases once',
      text: 'A=1\0HTTP_PROXY=http://127.0.0.1:4128\0http_proxy=http://127.0.0.1:4128/\0',
      want: [4128],
    },
    {
      name: 'finds every kind',
      text: 'ALL_PROXY=socks5h://localhost:4129\0npm_config_https_proxy=http://127.0.0.1:4128',
      want: [4129, 4128],
    },
    { name: 'leaves out other machines', text: 'HTTPS_PROXY=http://proxy.example:3128', want: [] },
    { name: 'leaves out everything else', text: 'PATH=/bin\0NO_PROXY=127.0.0.1', want: [] },
  ];
  for (const { name, text, want } of cases) {
    it(name, () => assert.deepEqual(proxyPortsIn(text), want));
  }
});
