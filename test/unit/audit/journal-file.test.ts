import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { JournalFile, listFiles } from '../../../src/audit/journal-file.ts';

const root = mkdtempSync(join(tmpdir(), 'sallyport-journal-file-'));
after(() => rmSync(root, { recursive: true, force: true }));

/** A folder that belongs to somebody else: given away when we may, else the root folder. */
function foreignFolder(): string {
  if (process.getuid?.() !== 0) return '/';
  const folder = join(root, 'foreign');
  mkdirSync(folder, { mode: 0o700 });
  chownSync(folder, 12_345, 12_345);
  return folder;
}

describe('JournalFile.open', () => {
  it('refuses a symbolic link as the folder', () => {
    const link = join(root, 'link');
    mkdirSync(join(root, 'real'), { mode: 0o700 });
    symlinkSync(join(root, 'real'), link);
    assert.throws(() => JournalFile.open(link, 0), {
      code: 'ERR_STATE_UNSAFE',
      message: `audit journal: ${link} is a symbolic link; name the folder itself`,
    });
    assert.deepEqual(readdirSync(join(root, 'real')), []);
  });

  it('refuses a link that leads nowhere', () => {
    const link = join(root, 'dangling');
    symlinkSync(join(root, 'nowhere'), link);
    assert.throws(() => JournalFile.open(link, 0), { code: 'ERR_STATE_UNSAFE' });
  });

  it('refuses a folder that others may enter, and names the mend', () => {
    const folder = join(root, 'wide');
    mkdirSync(folder);
    chmodSync(folder, 0o750);
    assert.throws(() => JournalFile.open(folder, 0), {
      code: 'ERR_STATE_UNSAFE',
      message: `audit journal: ${folder} is open to other users; mend it with: chmod go= ${folder}`,
    });
  });

  it("refuses somebody else's folder", () => {
    const folder = foreignFolder();
    assert.throws(() => JournalFile.open(folder, 0), {
      code: 'ERR_STATE_UNSAFE',
      message: /belongs to user \d+; it must belong to the daemon's user$/,
    });
  });

  it('says what is wrong when the folder is a file', () => {
    const folder = join(root, 'file');
    writeFileSync(folder, '');
    assert.throws(() => JournalFile.open(folder, 0), {
      code: 'ERR_AUDIT_UNAVAILABLE',
      message: new RegExp(`^audit journal: ${folder} cannot be used: EEXIST`),
    });
  });

  it('counts on from the last file, and never opens one that is there', async () => {
    const folder = join(root, 'counted');
    mkdirSync(folder, { mode: 0o700 });
    writeFileSync(join(folder, '0000000041-20261120T000000.000Z.jsonl'), 'theirs');
    symlinkSync('/dev/null', join(folder, '0000000042-19700101T000000.001Z.jsonl'));
    const file = JournalFile.open(folder, 1);
    await file.close();
    assert.deepEqual(
      listFiles(folder).map((path) => basename(path)),
      [
        '0000000041-20261120T000000.000Z.jsonl',
        '0000000042-19700101T000000.001Z.jsonl',
        '0000000043-19700101T000000.001Z.jsonl',
      ],
    );
  });
});

describe('write', () => {
  it('appends, counts and syncs', async () => {
    const file = JournalFile.open(join(root, 'written'), 0);
    assert.deepEqual(file.write(Buffer.from('a\n')), { ok: true });
    await file.sync();
    assert.deepEqual(file.write(Buffer.from('bc\n')), { ok: true });
    assert.equal(file.sizeBytes, 5);
    assert.equal(file.inspect(), undefined);
    await file.close();
  });

  it('is refused by a closed file without an exception', async () => {
    const file = JournalFile.open(join(root, 'closed'), 0);
    await file.close();
    const written = file.write(Buffer.from('a\n'));
    assert.equal(written.ok, false);
  });
});
