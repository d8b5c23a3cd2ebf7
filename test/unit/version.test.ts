import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { readVersion } from '../../src/version.ts';

it('reads the version of the package', () => {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  assert.deepEqual([readVersion(), /^\d+\.\d+\.\d+$/.test(version)], [version, true]);
});
