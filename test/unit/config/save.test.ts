import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { absent, etagOf, hidden, inspectFile, replaceFile } from '../../../src/config/save.ts';
import { writeFiles, type ConfigFiles } from '../../support/config-files.ts';

const before = '[network]\nmode = "full"\n';
const after = '[network]\nmode = "limited"\n';

function mode(file: string): string {
  return (statSync(file).mode & 0o7777).toString(8);
}

/** A folder whose file says `before`. */
function given(): ConfigFiles & { readonly path: string } {
  const files = writeFiles({ 'a/c.toml': before });
  return { ...files, path: files.file('a/c.toml') };
}

function obstacleOf(file: string): string {
  return inspectFile(file).obstacle ?? 'none';
}

describe('inspectFile', () => {
  it('names the bytes of a file by their hash', () => {
    const { path } = given();
    const want = { text: before, etag: etagOf(before), obstacle: undefined };
    assert.deepEqual(inspectFile(path), want);
    assert.match(etagOf(before), /^[0-9a-f]{64}$/);
    assert.notEqual(etagOf(before), etagOf(`\uFEFF${before}`));
  });

  it('knows a file that is not there, also where its folder is not', () => {
    const { file } = given();
    const want = { text: undefined, etag: absent, obstacle: undefined };
    assert.deepEqual(inspectFile(file('a/none.toml')), want);
    assert.deepEqual(inspectFile(file('x/y/none.toml')), want);
  });

  it('hides what is not text', () => {
    const { file } = writeFiles({ 'c.toml': Uint8Array.of(0x61, 0xff, 0x0a) });
    const obstacle = 'is not UTF-8 text; save it as UTF-8';
    assert.deepEqual(inspectFile(file('c.toml')), { text: undefined, etag: hidden, obstacle });
  });

  it('keeps away from files that replacing would harm', () => {
    const files = given();
    const { path, file } = files;
    linkSync(path, file('other.toml'));
    assert.match(obstacleOf(path), /has 2 names \(hard links\)/);
    rmSync(file('other.toml'));
    chmodSync(path, 0o444);
    assert.match(obstacleOf(path), /write-protected/);
    chmodSync(path, 0o644);
    chmodSync(dirname(path), 0o777);
    assert.match(obstacleOf(path), /everybody can write .*; run: chmod o-w/);
    chmodSync(dirname(path), 0o1777);
    assert.equal(obstacleOf(path), 'none');
    symlinkSync(file('nowhere'), file('dangling.toml'));
    assert.match(obstacleOf(file('dangling.toml')), /is a link to a file that is not there/);
    assert.match(obstacleOf(join(path, 'below.toml')), /cannot be reached \(ENOTDIR\)/);
  });

  it('keeps away from files and folders of other users', () => {
    assert.equal(process.geteuid?.(), 0, 'only root can give files away');
    const { path, file } = given();
    chownSync(path, 12345, 12345);
    assert.match(obstacleOf(path), /belongs to user 12345, and sallyport runs as user 0/);
    chownSync(path, 0, 0);
    chownSync(dirname(path), 12345, 12345);
    assert.match(obstacleOf(path), /lies in a folder of user 12345/);
    assert.match(obstacleOf(file('a/new.toml')), /lies in a folder of user 12345/);
    symlinkSync(path, file('link.toml'));
    assert.match(obstacleOf(file('link.toml')), /lies in a folder of user 12345/);
  });
});

describe('replaceFile', () => {
  it('replaces the whole text, and keeps mode and group', () => {
    const { path } = given();
    chmodSync(path, 0o640);
    chownSync(path, 0, 12345);
    assert.deepEqual(replaceFile(path, etagOf(before), after), { status: 'done' });
    assert.equal(readFileSync(path, 'utf8'), after);
    assert.deepEqual([mode(path), statSync(path).gid], ['640', 12345]);
    assert.deepEqual(readdirSync(dirname(path)), ['c.toml']);
  });

  it('makes a new file readable for all, in private folders', () => {
    const { file } = given();
    assert.deepEqual(replaceFile(file('x/y/c.toml'), absent, after), { status: 'done' });
    assert.equal(readFileSync(file('x/y/c.toml'), 'utf8'), after);
    assert.deepEqual(
      [mode(file('x/y/c.toml')), mode(file('x')), mode(file('x/y'))],
      ['644', '700', '700'],
    );
  });

  it('writes behind a link, and leaves the link', () => {
    const { path, file } = given();
    symlinkSync('a/c.toml', file('link.toml'));
    assert.deepEqual(replaceFile(file('link.toml'), etagOf(before), after), { status: 'done' });
    assert.equal(readlinkSync(file('link.toml')), 'a/c.toml');
    assert.ok(!lstatSync(path).isSymbolicLink());
    assert.equal(readFileSync(path, 'utf8'), after);
  });

  it('leaves a file alone that is not what was seen', () => {
    const { path, write, file } = given();
    write('a/c.toml', '# mine\n');
    const problem = `${path}: has changed since you saw it; look again`;
    assert.deepEqual(replaceFile(path, etagOf(before), after), { status: 'changed', problem });
    assert.deepEqual(replaceFile(path, absent, after), { status: 'changed', problem });
    assert.equal(replaceFile(file('none.toml'), etagOf(before), after).status, 'changed');
    assert.equal(readFileSync(path, 'utf8'), '# mine\n');
    assert.deepEqual(readdirSync(dirname(path)), ['c.toml'], 'no draft is left');
  });

  it('says why it will not write', () => {
    const { path, file } = given();
    chmodSync(path, 0o400);
    const obstacle = 'is write-protected; lift that first';
    assert.deepEqual(replaceFile(path, etagOf(before), after), {
      status: 'failed',
      problem: `${path}: ${obstacle}`,
    });
    mkdirSync(file('folder.toml'));
    assert.equal(replaceFile(file('folder.toml'), hidden, after).status, 'failed');
  });
});
