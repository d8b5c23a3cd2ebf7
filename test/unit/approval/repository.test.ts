import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createRepositoryFinder } from '../../../src/approval/repository.ts';

/** A finder in a made-up file system; `looks` counts what it asked for. */
function bench(paths: readonly string[], nowMs = { ms: 0 }) {
  const looks: string[] = [];
  const find = createRepositoryFinder({
    now: () => nowMs.ms,
    exists: (path) => {
      looks.push(path);
      return Promise.resolve(paths.includes(path));
    },
  });
  return { find, looks };
}

describe('createRepositoryFinder', () => {
  for (const { name, folder, paths, want } of [
    { name: 'takes the folder itself', folder: '/w/app', paths: ['/w/app/.git'], want: '/w/app' },
    { name: 'looks above', folder: '/w/app/src/a', paths: ['/w/app/.hg'], want: '/w/app' },
    {
      name: 'takes the nearest',
      folder: '/w/app/vendor/lib',
      paths: ['/w/app/.git', '/w/app/vendor/lib/.jj'],
      want: '/w/app/vendor/lib',
    },
    { name: 'finds the root', folder: '/a', paths: ['/.git'], want: '/' },
    { name: 'finds none', folder: '/w/app', paths: [], want: undefined },
    { name: 'takes no relative folder', folder: 'app', paths: ['app/.git'], want: undefined },
  ]) {
    it(name, async () => assert.equal(await bench(paths).find(folder), want));
  }
  it('gives up below the thirty-second folder', async () => {
    const { find, looks } = bench(['/.git']);
    assert.equal(await find('/d'.repeat(40)), undefined);
    assert.equal(looks.length, 96);
  });
  it('remembers for two seconds', async () => {
    const nowMs = { ms: 0 };
    const { find, looks } = bench(['/a/.git'], nowMs);
    await find('/a');
    nowMs.ms = 1999;
    await find('/a');
    assert.equal(looks.length, 1);
    nowMs.ms = 2000;
    await find('/a');
    assert.equal(looks.length, 2);
  });
  it('waits for no file system that hangs, and has one look hang at most', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const hung = Promise.withResolvers<boolean>();
    const looks: string[] = [];
    const find = createRepositoryFinder({
      now: () => 0,
      exists: (path) => {
        looks.push(path);
        return path.startsWith('/hung') ? hung.promise : Promise.resolve(true);
      },
    });
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const found = Promise.all([find('/hung'), find('/fine')]);
    await turn();
    context.mock.timers.tick(200);
    assert.deepEqual(await found, [undefined, undefined]);
    assert.deepEqual(looks, ['/hung/.git']);
    hung.resolve(false);
    await turn();
    assert.equal(looks.includes('/fine/.git'), false, 'nobody waits for it any more');
    assert.equal(await find('/later'), '/later');
  });
  it('finds a real one, also where it is a file', async (context) => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'sallyport-repository-')));
    context.after(() => rmSync(folder, { recursive: true }));
    const find = createRepositoryFinder({ now: () => 0 });
    mkdirSync(join(folder, 'tree', 'src'), { recursive: true });
    writeFileSync(join(folder, 'tree', '.git'), 'gitdir: ../main/.git/worktrees/tree');
    assert.equal(await find(join(folder, 'tree', 'src')), join(folder, 'tree'));
  });
});
