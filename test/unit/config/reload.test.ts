import assert from 'node:assert/strict';
import { EventEmitter, on } from 'node:events';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { formatFinding } from '../../../src/config/finding.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { createReloader, type Reloader } from '../../../src/config/reload.ts';
import { writeFiles, type ConfigFiles } from '../../support/config-files.ts';

/** What the reloader said, in order; `next` waits for the next word. */
interface Watched {
  readonly reloader: Reloader;
  readonly files: ConfigFiles;
  readonly heard: readonly string[];
  readonly next: () => Promise<string>;
}

const port = (number: number): string => `[network]\nhttp_port = ${number}\n`;

function start(user: string | undefined, managed?: string): Watched {
  const files = writeFiles({});
  if (user !== undefined) files.write('sallyport/config.toml', user);
  if (managed !== undefined) files.write('etc/requirements.toml', managed);
  const load = (): ReturnType<typeof loadConfig> =>
    loadConfig({
      env: { XDG_CONFIG_HOME: files.folder },
      platform: 'linux',
      managedFiles: [
        {
          layer: 'requirements',
          dialect: 'own',
          file: files.file('etc/requirements.toml'),
          format: 'toml',
          required: false,
        },
      ],
    });
  const first = load();
  assert.ok(first.ok);
  const said = new EventEmitter();
  const words = on(said, 'word');
  const heard: string[] = [];
  said.on('word', (word: string) => heard.push(word));
  const reloader = createReloader({
    files: first.config.files,
    load,
    onLoaded: ({ network }) => {
      said.emit('word', `loaded ${network.httpPort}`);
      if (network.httpPort === 666) throw new Error('a bug in the callback');
    },
    onRejected: (findings) => {
      const lines = findings.map((finding) => formatFinding(finding).replace(files.folder, ''));
      said.emit('word', `rejected ${lines.join(' | ')}`);
    },
    onProblem: (error) => said.emit('word', `problem ${String(error)}`),
    stableMs: 50,
    pollMs: 200,
  });
  const next = async (): Promise<string> => {
    const word: IteratorResult<unknown, unknown> = await words.next();
    assert.ok(Array.isArray(word.value));
    return String(word.value[0]);
  };
  return { reloader, files, heard, next };
}

describe('the reloader', { timeout: 30_000 }, () => {
  it('loads a file that was written in place', async () => {
    const { reloader, files, next } = start(port(1));
    files.write('sallyport/config.toml', port(2));
    assert.equal(await next(), 'loaded 2');
    files.write('sallyport/config.toml', port(3));
    assert.equal(await next(), 'loaded 3');
    reloader.close();
  });

  it('loads a file that was replaced by rename, as editors do', async () => {
    const { reloader, files, next } = start(port(1));
    files.write('sallyport/config.toml~', port(2));
    renameSync(files.file('sallyport/config.toml~'), files.file('sallyport/config.toml'));
    assert.equal(await next(), 'loaded 2');
    reloader.close();
  });

  it('notices a change made between the load and its own start', async () => {
    const { reloader, files, next } = start(port(1));
    writeFileSync(files.file('sallyport/config.toml'), port(2)); // before its first look
    assert.equal(await next(), 'loaded 2');
    reloader.close();
  });

  it('keeps the last policy for a bad file, says so once, and takes the mended one', async () => {
    const { reloader, files, next } = start(port(1));
    files.write('sallyport/config.toml', 'nonsense');
    assert.match(await next(), /^rejected \/sallyport\/config\.toml:1:\d+: not valid TOML: /);
    files.write('sallyport/config.toml', port(2));
    assert.equal(await next(), 'loaded 2');
    reloader.close();
  });

  it('keeps the last policy while the file is missing, and never falls back to the default', async () => {
    const { reloader, files, next } = start(port(1));
    rmSync(files.file('sallyport/config.toml'));
    assert.equal(
      await next(),
      'rejected /sallyport/config.toml:1:1: the file is missing; the last policy stays in force until it is back',
    );
    reloader.reload();
    assert.match(await next(), /^rejected .* is missing/);
    files.write('sallyport/config.toml', port(2));
    assert.equal(await next(), 'loaded 2');
    reloader.close();
  });

  it('keeps the managed layer while its file is missing', async () => {
    const { reloader, files, next } = start(port(1), '[network]\nmode = "limited"\n');
    rmSync(files.file('etc'), { recursive: true });
    assert.match(await next(), /^rejected \/etc\/requirements\.toml:1:1: the file is missing/);
    files.write('etc/requirements.toml', port(5));
    assert.equal(await next(), 'loaded 5');
    reloader.close();
  });

  it('takes an empty file for an empty policy', async () => {
    const { reloader, files, next } = start(port(1));
    files.write('sallyport/config.toml', '');
    assert.equal(await next(), 'loaded 4128');
    reloader.close();
  });

  it('notices files that appear where none were, folders and all', async () => {
    const { reloader, files, next } = start(undefined);
    mkdirSync(files.file('sallyport'));
    files.write('sallyport/config.toml', port(7));
    assert.equal(await next(), 'loaded 7');
    files.write('etc/requirements.toml', port(8));
    assert.equal(await next(), 'loaded 8');
    reloader.close();
  });

  it('loads at once when told to, changed or not', async () => {
    const { reloader, next } = start(port(1));
    reloader.reload();
    assert.equal(await next(), 'loaded 1');
    reloader.close();
  });

  it('survives a callback that throws', async () => {
    const { reloader, files, next } = start(port(1));
    files.write('sallyport/config.toml', port(666));
    assert.equal(await next(), 'loaded 666');
    assert.equal(await next(), 'problem Error: a bug in the callback');
    files.write('sallyport/config.toml', port(2));
    assert.equal(await next(), 'loaded 2');
    reloader.close();
  });

  it('says nothing more once it is closed', () => {
    const { reloader, heard } = start(port(1));
    reloader.reload();
    assert.deepEqual(heard, ['loaded 1']);
    reloader.close();
    reloader.reload();
    assert.deepEqual(heard, ['loaded 1']);
  });
});
