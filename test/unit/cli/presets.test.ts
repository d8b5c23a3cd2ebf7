import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  collectRegistries,
  presetsCommand,
  renderRegistries,
  type RunTool,
} from '../../../src/cli/presets.ts';
import { parseDocument } from '../../../src/config/toml.ts';
import { writeFiles } from '../../support/config-files.ts';

async function run(...args: readonly string[]): Promise<string> {
  let stdout = '';
  const code = await presetsCommand.run(args, {
    stdout: (text) => (stdout += text),
    stderr: assert.fail,
    env: {},
  });
  assert.equal(code, 0);
  return stdout;
}

const { folder } = writeFiles({
  'config.toml':
    '[registries.team]\nindex = "sparse+https://cargo.packages.example/index/"\n[source.mirror]\nregistry = "https://mirror.packages.example:8443/"\n',
});

function answers(table: Readonly<Record<string, string>>): RunTool {
  return (tool, args) => Promise.resolve(table[[tool, ...args].join(' ')]);
}

describe('sallyport presets', () => {
  it('lists every preset with what it is for', async () => {
    assert.deepEqual(
      (await run()).split('\n').map((line) => line.trim().split(/\s{2,}/)[0]),
      ['codex', 'codex-extras', 'source-hosting', 'package-registries', ''],
    );
  });

  it('prints a preset as it is shipped', async () => {
    assert.match(await run('codex'), /^# Preset "codex": .*[^]*"chatgpt\.com:443"/);
  });

  it('prints the list and a preset as JSON for programs', async () => {
    const list = JSON.parse(await run('--json')) as { presets: { name: string; about: string }[] };
    assert.deepEqual(
      list.presets.map(({ name }) => name),
      ['codex', 'codex-extras', 'source-hosting', 'package-registries'],
    );
    assert.ok(list.presets.every(({ about }) => about.length > 0));
    assert.deepEqual(JSON.parse(await run('codex', '--json')), {
      name: 'codex',
      toml: await run('codex'),
    });
  });

  it('suggests the name that is meant', async () => {
    await assert.rejects(run('codx'), {
      code: 'ERR_USAGE',
      message: 'presets: "codx" is not a preset; did you mean "codex"?',
    });
  });
});

describe('package-registries', () => {
  it('are the hosts that the tools themselves name, without paths and passwords', async () => {
    const tools = answers({
      'npm config list --json': JSON.stringify({
        registry: 'https://npm.packages.example/',
        '@team:registry': 'http://user:hunter2@npm.packages.example:4873/x',
        email: 'nobody',
      }),
      'pip config list':
        "global.index-url='https://tok:en@pip.packages.example/simple'\nglobal.cert='/x'\n",
      'pip install --help': '  (default https://default.packages.example/simple)',
    });
    const lines = await collectRegistries(tools, { CARGO_HOME: folder });
    assert.deepEqual(lines, [
      { rule: 'npm.packages.example:443', comment: 'npm, registry' },
      { rule: 'npm.packages.example:4873', comment: 'npm, @team:registry' },
      { rule: 'pip.packages.example:443', comment: 'pip, global.index-url' },
      { rule: 'cargo.packages.example:443', comment: 'cargo, registries.team' },
      { rule: 'mirror.packages.example:8443', comment: 'cargo, source.mirror' },
    ]);
    const text = renderRegistries(lines);
    assert.ok(parseDocument(text).ok);
    assert.doesNotMatch(text, /hunter2|tok|simple/);
  });

  it('are read from the home folder when CARGO_HOME is empty', async () => {
    const home = writeFiles({
      '.cargo/config.toml': '[registries.team]\nindex = "https://home.packages.example/"\n',
    });
    const env = { HOME: home.folder, CARGO_HOME: '' };
    const lines = await collectRegistries(answers({}), env);
    assert.equal(lines.at(-1)?.rule, 'home.packages.example:443');
  });

  it("fall back to the default that pip's own help names", async () => {
    const tools = answers({
      'pip config list': "global.extra-index-url='https://a.packages.example/ file:///x'\n",
      'pip install --help': 'Base URL (default\n   https://default.packages.example/simple).',
    });
    const lines = await collectRegistries(tools, { CARGO_HOME: '/nonexistent' });
    assert.deepEqual(
      lines.map(({ rule }) => rule),
      [undefined, 'a.packages.example:443', undefined, 'default.packages.example:443', undefined],
    );
  });

  it('say in a comment which tool is silent, and stay valid TOML', async () => {
    const lines = await collectRegistries(() => Promise.resolve(undefined), {
      CARGO_HOME: '/nonexistent',
    });
    assert.deepEqual(
      lines.map(({ rule, comment }) => [rule, comment.split(':')[0]]),
      [
        [undefined, 'npm'],
        [undefined, 'pip'],
        [undefined, 'cargo'],
      ],
    );
    assert.ok(parseDocument(renderRegistries(lines)).ok);
  });

  it('never let a setting break out of its comment', () => {
    const text = renderRegistries([
      { rule: undefined, comment: 'npm, @a\n"evil.example",:registry' },
    ]);
    const parsed = parseDocument(text);
    assert.ok(parsed.ok);
    assert.doesNotMatch(text, /^"evil/m);
  });
});
