// Holds the promises about the tree itself: tests mirror src, every export is documented, records are kept.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { describe, it } from 'node:test';
import { errorCodes } from '../../src/errors.ts';

const root = join(import.meta.dirname, '..', '..');
const sources = list('src').filter((name) => name.endsWith('.ts'));

function list(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.split(sep).join('/')}`)
    .sort();
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

/** Files whose whole is types, or whose test is the end-to-end suite. */
const withoutUnitTest = new Set([
  'src/approval/question.ts',
  'src/daemon.ts',
  'src/daemon/access.ts',
  'src/daemon/approvals.ts',
  'src/daemon/control-desk.ts',
  'src/daemon/doors.ts',
  'src/daemon/outlets.ts',
  'src/daemon/parts.ts',
  'src/daemon/reviewing.ts',
  'src/errors.ts',
  'src/policy/decision.ts',
  'src/control/messages.ts',
  'src/cli/command.ts',
  'src/config/config.ts',
]);

describe('the tree', () => {
  it('has only the agreed folders at the top', () => {
    const tracked = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' }).split('\n');
    const folders = [
      ...new Set(
        tracked.filter((file) => file.includes('/')).map((file) => file.split('/')[0] ?? ''),
      ),
    ].filter((folder) => !folder.startsWith('.'));
    assert.deepEqual(folders.sort(), ['bench', 'certs', 'config', 'src', 'test']);
  });

  it('has a unit test of the same path for every source file', () => {
    const missing = sources.filter((file) => {
      const test = file.replace(/^src\//, 'test/unit/').replace(/\.ts$/, '.test.ts');
      return !withoutUnitTest.has(file) && !existsSync(join(root, test));
    });
    assert.deepEqual(missing, []);
  });

  it('opens every source file with a comment on its job', () => {
    const silent = sources.filter((file) => !/^(#!.*\n)?\/[/*]/.test(read(file)));
    assert.deepEqual(silent, []);
  });

  it('documents every export', () => {
    const bare: string[] = [];
    for (const file of sources) {
      const lines = read(file).split('\n');
      lines.forEach((line, index) => {
        if (!/^export (async )?(function|const|class|interface|type)\b/.test(line)) return;
        const above = lines[index - 1] ?? '';
        if (!/\*\/\s*$/.test(above)) bare.push(`${file}:${index + 1}: ${line}`);
      });
    }
    assert.deepEqual(bare, []);
  });

  it('leaves no test skipped, to do or alone', () => {
    const left = list('test')
      .filter((file) => file.endsWith('.ts') && !file.startsWith('test/meta/'))
      .filter((file) =>
        /\b(it|test|describe)\.(skip|todo|only)\b|\{\s*(skip|todo|only):/.test(read(file)),
      );
    assert.deepEqual(left, []);
  });
});

describe('the records', () => {
  it('give every dependency a line', () => {
    const manifest = JSON.parse(read('package.json')) as Record<
      'dependencies' | 'devDependencies',
      object
    >;
    const names = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.devDependencies)];
    const records = read('src/ADR.md');
    assert.deepEqual(
      names.filter((name) => !records.includes(`\`${name}\``)),
      [],
    );
  });

  it('pin every dependency exactly', () => {
    const manifest = JSON.parse(read('package.json')) as {
      dependencies: Record<string, string>;
      devDependencies: Record<string, string>;
    };
    const loose = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }).filter(
      ([, version]) => !/^(npm:[a-z0-9-]+@)?\d+\.\d+\.\d+$/.test(version),
    );
    assert.deepEqual(loose, []);
  });

  it('use every error code they list', () => {
    const text = sources
      .filter((file) => file !== 'src/errors.ts')
      .map(read)
      .join('\n');
    assert.deepEqual(
      Object.keys(errorCodes).filter((code) => !text.includes(code)),
      [],
    );
  });

  it('hold no address in the lock file', () => {
    assert.doesNotMatch(read('package-lock.json'), /"resolved"/);
  });
});
