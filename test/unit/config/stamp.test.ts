import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { describe, it } from 'node:test';
import { joinStamps, stampFileSync, stampFiles } from '../../../src/config/stamp.ts';
import { writeFiles } from '../../support/config-files.ts';

describe('stamps', () => {
  it('are the same with and without waiting, in the order given', async () => {
    const { file } = writeFiles({ a: 'x', b: 'y' });
    const names = [file('b'), file('none'), file('a')];
    assert.equal(await stampFiles(names), joinStamps(names.map(stampFileSync)));
  });

  it('differ when a file is written, replaced by an equal one, or gone', () => {
    const { file, write, folder } = writeFiles({ a: 'x', b: 'x' });
    const before = stampFileSync(file('a'));
    write('a', 'longer');
    const written = stampFileSync(file('a'));
    renameSync(file('b'), file('a'));
    const replaced = stampFileSync(file('a'));
    renameSync(file('a'), `${folder}/elsewhere`);
    const gone = stampFileSync(file('a'));
    assert.equal(new Set([before, written, replaced, gone]).size, 4);
    assert.equal(gone, `${file('a')} ENOENT`);
  });
});
