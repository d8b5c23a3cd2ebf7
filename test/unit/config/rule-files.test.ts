import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LoadOptions } from '../../../src/config/load.ts';
import { findRuleFiles, lookAt, sizeProblem } from '../../../src/config/rule-files.ts';
import { etagOf } from '../../../src/config/save.ts';
import type { Source } from '../../../src/config/sources.ts';
import { writeFiles } from '../../support/config-files.ts';

const plist: Source = {
  layer: 'managed-preferences',
  dialect: 'codex',
  file: '/nonexistent/x.plist',
  format: 'plist',
  required: false,
};

function optionsIn(folder: string): LoadOptions {
  return { env: { XDG_CONFIG_HOME: folder }, platform: 'linux', managedFiles: [plist] };
}

describe('findRuleFiles', () => {
  it("names the layers' files, lowest first", () => {
    const { folder, file } = writeFiles({ 'sallyport/config.toml': '' });
    const found = findRuleFiles(optionsIn(folder));
    assert.deepEqual(
      found.map(({ source, starter }) => [source.layer, source.file, starter]),
      [
        ['user', file('sallyport/config.toml'), ''],
        ['managed-preferences', plist.file, ''],
      ],
    );
  });

  it('names the file that the user does not have yet, which begins as the shipped default', () => {
    const { folder, file } = writeFiles({ 'x.toml': '' });
    const [shipped, own] = findRuleFiles(optionsIn(folder));
    assert.equal(shipped?.source.layer, 'default');
    assert.deepEqual(
      [own?.source.layer, own?.source.file],
      ['user', file('sallyport/config.toml')],
    );
    assert.equal(own?.starter, '[network]\nunknown = "ask"\npresets = ["codex"]\n');
  });
});

describe('lookAt', () => {
  it('says what stands there and whether it is for editing', () => {
    const { folder, write } = writeFiles({ 'x.toml': '' });
    const [shipped, own, managed] = findRuleFiles(optionsIn(folder)).map(lookAt);
    assert.equal(shipped?.obstacle, 'is part of sallyport; write a file of your own');
    assert.deepEqual([own?.text, own?.etag, own?.obstacle], [undefined, 'absent', undefined]);
    assert.equal(managed?.obstacle, 'is kept by the device management; change it there');
    write('sallyport/config.toml', '# mine\n');
    const [mine] = findRuleFiles(optionsIn(folder)).map(lookAt);
    assert.deepEqual(
      [mine?.text, mine?.etag, mine?.obstacle],
      ['# mine\n', etagOf('# mine\n'), undefined],
    );
  });

  it('shows no text that is too large to edit', () => {
    const { folder } = writeFiles({ 'sallyport/config.toml': '\n'.repeat(50_001) });
    const [large] = findRuleFiles(optionsIn(folder)).map(lookAt);
    assert.deepEqual(
      [large?.text, large?.etag, large?.obstacle],
      [undefined, 'hidden', 'is too large for this; use a text editor'],
    );
  });
});

describe('sizeProblem', () => {
  it('counts bytes and lines', () => {
    assert.equal(sizeProblem('x'.repeat(1024 * 1024)), undefined);
    assert.match(sizeProblem('x'.repeat(1024 * 1024 + 1)) ?? '', /larger than 1 MiB/);
    assert.match(sizeProblem('é'.repeat(600_000)) ?? '', /larger than 1 MiB/);
    assert.match(sizeProblem('\n'.repeat(50_001)) ?? '', /more than 50000 lines/);
  });
});
