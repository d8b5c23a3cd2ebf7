import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { formatFinding } from '../../../src/config/finding.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { exampleToml, referenceMarkdown } from '../../../src/config/reference.ts';
import { keys } from '../../../src/config/schema.ts';
import { shippedFolder } from '../../../src/config/sources.ts';
import { writeFiles } from '../../support/config-files.ts';

const made: readonly (readonly [string, string])[] = [
  ['example.toml', exampleToml()],
  ['README.md', referenceMarkdown()],
];

if (process.env['UPDATE_REFERENCE'] === '1') {
  for (const [name, text] of made) writeFileSync(join(shippedFolder, name), text);
}

describe('the files made from the schema', () => {
  for (const [name, text] of made) {
    it(`config/${name} is what the schema makes (UPDATE_REFERENCE=1 writes it)`, () => {
      assert.equal(readFileSync(join(shippedFolder, name), 'utf8'), text);
    });
    it(`config/${name} names every key`, () => {
      for (const { path } of keys) assert.ok(text.includes(path.split('.')[1] ?? ''), path);
    });
  }

  it('the example loads as it is, and sets nothing', () => {
    const result = loadConfig({
      configFile: join(shippedFolder, 'example.toml'),
      env: {},
      platform: 'linux',
      managedFiles: [],
    });
    assert.ok(result.ok);
    assert.deepEqual([result.warnings, result.config.rules], [[], []]);
  });

  it('the example loads with every key of a user file uncommented', () => {
    const lines = exampleToml().replaceAll(/^#([a-z_]+ = .*)$/gm, (_, line: string) =>
      /^(managed_|domains )/.test(line) ? '' : line,
    );
    const { file } = writeFiles({ 'config.toml': lines, 'company-root.pem': 'x' });
    const result = loadConfig({
      configFile: file('config.toml'),
      env: { OTLP_TOKEN: 't' },
      platform: 'linux',
      managedFiles: [],
    });
    assert.deepEqual(result.ok ? [] : result.findings.map(formatFinding), []);
  });
});
