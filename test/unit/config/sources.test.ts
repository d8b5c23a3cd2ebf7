import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkFile, folderOf, readSource, readTextFile } from '../../../src/config/sources.ts';
import { writeFiles } from '../../support/config-files.ts';

describe('reading one file', () => {
  const { file, folder } = writeFiles({ 'a.toml': '\uFEFFx = "é"\r\n', 'none.plist': 'x' });

  it('gives the text as it is, byte order mark and line ends too', () => {
    assert.deepEqual(readTextFile(file('a.toml')), { kind: 'text', text: '\uFEFFx = "é"\r\n' });
  });

  it('tells a missing file from one that cannot be had', () => {
    assert.deepEqual(readTextFile(file('b.toml')), { kind: 'missing' });
    assert.deepEqual(readTextFile(`${file('a.toml')}/below`), { kind: 'missing' });
    assert.equal(readTextFile('/x\0y').kind, 'problem');
  });

  it('refuses preferences that nothing here can read', () => {
    const source = {
      layer: 'managed-preferences',
      dialect: 'codex',
      format: 'plist',
      required: false,
    } as const;
    assert.equal(readSource({ ...source, file: file('none.plist') }).kind, 'problem');
    assert.equal(readSource({ ...source, file: file('other.plist') }).kind, 'missing');
  });

  it('says what is wrong with a file that is named', () => {
    assert.equal(checkFile(file('a.toml')), undefined);
    assert.equal(checkFile(file('b.pem')), `the file ${file('b.pem')} does not exist`);
    assert.equal(checkFile(folder), `the file ${folder} is a folder; name the file in it`);
  });

  it('starts relative paths at the folder of the file', () => {
    assert.equal(folderOf('/etc/x/c.toml'), '/etc/x');
    assert.equal(folderOf('c.toml'), process.cwd());
  });
});
