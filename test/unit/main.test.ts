import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

const main = join(import.meta.dirname, '../../src/main.ts');

function run(words: readonly string[], stdout: number | 'pipe'): ReturnType<typeof spawnSync> {
  return spawnSync(process.execPath, [main, ...words], { stdio: ['ignore', stdout, 'pipe'] });
}

describe('main', () => {
  it('makes the answer of the command the exit code', () => {
    assert.deepEqual([run(['--version'], 'pipe').status, run(['frob'], 'pipe').status], [0, 2]);
  });

  it('fails when what it prints cannot be written', () => {
    if (!existsSync('/dev/full')) return;
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = run(['--version'], full);
    closeSync(full);
    const message = 'sallyport: the output could not be written: ENOSPC\n';
    assert.deepEqual([status, String(stderr)], [1, message]);
  });
});
