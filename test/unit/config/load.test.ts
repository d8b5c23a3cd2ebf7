import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, truncateSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  findSources,
  loadConfig,
  presetNames,
  type LoadOptions,
} from '../../../src/config/load.ts';
import {
  managedSources,
  shippedFolder,
  textOfPreferences,
  userFile,
  userSource,
  type Source,
} from '../../../src/config/sources.ts';
import { writeFiles } from '../../support/config-files.ts';
import { linesOf } from '../../support/layers.ts';

function optionsFor(options: Partial<LoadOptions>): LoadOptions {
  return { env: { HOME: '/nonexistent' }, platform: 'linux', managedFiles: [], ...options };
}

function managed(file: string): Source {
  return { layer: 'codex-requirements', dialect: 'codex', file, format: 'toml', required: false };
}

describe('loadConfig', () => {
  it("falls back to the shipped default, and waits for the user's file", () => {
    const result = loadConfig(optionsFor({}));
    assert.ok(result.ok);
    const { rules, network, layers, files } = result.config;
    assert.equal(network.unknown, 'ask');
    assert.deepEqual(
      rules.map(({ pattern, ref }) => `${ref.outcome} ${pattern.text}`),
      ['allow api.openai.com:443', 'allow chatgpt.com:443', 'allow auth.openai.com:443'],
    );
    const file = join(shippedFolder, 'default.toml');
    assert.deepEqual(layers, [{ layer: 'default', file }]);
    assert.deepEqual(files.absent, ['/nonexistent/.config/sallyport/config.toml']);
    assert.deepEqual(files.read, [file, join(shippedFolder, 'codex.toml')]);
    assert.deepEqual(result.warnings, []);
  });

  it('takes an empty file for an empty policy, never for the default', () => {
    const { file } = writeFiles({ 'config.toml': '' });
    const result = loadConfig(optionsFor({ configFile: file('config.toml') }));
    assert.ok(result.ok);
    assert.deepEqual(result.config.rules, []);
    assert.equal(result.config.layers[0]?.layer, 'user');
  });

  it('prefers --config to $SALLYPORT_CONFIG to the platform folder', () => {
    const { file, folder } = writeFiles({
      'a.toml': '[network]\nhttp_port = 1\n',
      'b.toml': '[network]\nhttp_port = 2\n',
      'sallyport/config.toml': '[network]\nhttp_port = 3\n',
    });
    const port = (options: Partial<LoadOptions>): number => {
      const result = loadConfig(optionsFor(options));
      assert.ok(result.ok);
      return result.config.network.httpPort;
    };
    const env = { XDG_CONFIG_HOME: folder, SALLYPORT_CONFIG: file('b.toml') };
    assert.equal(port({ env, configFile: file('a.toml') }), 1);
    assert.equal(port({ env }), 2);
    assert.equal(port({ env: { XDG_CONFIG_HOME: folder } }), 3);
  });

  it('says the mistakes of every file at once', () => {
    const { file } = writeFiles({
      'u.toml': 'x = 1\n',
      'm.toml': '[experimental_network]\nenabled = 1\n',
    });
    const result = loadConfig(
      optionsFor({ configFile: file('u.toml'), managedFiles: [managed(file('m.toml'))] }),
    );
    assert.deepEqual(linesOf(result), [
      `${file('u.toml')}:1:1: "x" is not known here; expected one of network, approvals, gateway, control, audit, otel, exec`,
      `${file('m.toml')}:2:11: experimental_network.enabled: is the number 1; expected true or false`,
    ]);
  });

  it('counts a managed file that is not there as no layer, and watches its place', () => {
    const { file } = writeFiles({ 'u.toml': '' });
    const places = [managed(file('none.toml')), managed(file('no/such/folder.toml'))];
    const result = loadConfig(optionsFor({ configFile: file('u.toml'), managedFiles: places }));
    assert.ok(result.ok);
    assert.deepEqual(result.config.files.absent, [file('none.toml'), file('no/such/folder.toml')]);
  });

  it('finds every shipped preset, and each loads', () => {
    assert.deepEqual(presetNames(), ['codex', 'codex-extras', 'source-hosting']);
    for (const name of presetNames()) {
      const result = loadConfig(optionsFor({ configFile: join(shippedFolder, `${name}.toml`) }));
      assert.ok(result.ok, linesOf(result).join('\n'));
    }
  });
});

describe('a file that cannot be read', () => {
  const { file, folder } = writeFiles({
    'latin.toml': Uint8Array.of(0x23, 0x0a, 0x23, 0xe9, 0x0a),
    'utf16.toml': Uint8Array.of(0xff, 0xfe, 0x23, 0x00),
    'large.toml': '',
  });
  truncateSync(file('large.toml'), 16 * 1024 * 1024 + 1);
  mkdirSync(file('folder.toml'));
  symlinkSync(file('gone'), file('dangling.toml'));
  execFileSync('mkfifo', [file('pipe.toml')]);
  const cases = [
    ['none.toml', 1, 'the file does not exist; create it or name another'],
    ['folder.toml', 1, 'the file is a folder; name the file in it'],
    ['pipe.toml', 1, 'the file is not a regular file'],
    ['dangling.toml', 1, 'the file is a link to a file that is not there'],
    ['large.toml', 1, 'the file is larger than 16 MiB; split the rules or use wider patterns'],
    ['latin.toml', 2, 'the file is not UTF-8 text; save it as UTF-8'],
    ['utf16.toml', 1, 'the file is UTF-16 text; save it as UTF-8'],
  ] as const;
  for (const [name, line, message] of cases) {
    it(`is a mistake: ${name}`, () => {
      const result = loadConfig(optionsFor({ configFile: file(name) }));
      assert.deepEqual(linesOf(result), [`${file(name)}:${line}:1: ${message}`]);
    });
    if (name === 'none.toml') continue;
    it(`is a mistake in a managed place too: ${name}`, () => {
      const result = loadConfig(optionsFor({ managedFiles: [managed(file(name))] }));
      assert.deepEqual(linesOf(result), [`${file(name)}:${line}:1: ${message}`]);
    });
  }

  it('is never taken for an absent one: a link to nothing in the platform folder', () => {
    mkdirSync(join(folder, 'sallyport'));
    symlinkSync(file('gone'), join(folder, 'sallyport', 'config.toml'));
    const result = loadConfig(optionsFor({ env: { XDG_CONFIG_HOME: folder } }));
    assert.equal(result.ok, false);
  });

  it('is a mistake when permission is missing', () => {
    const { file: secret, folder: place } = writeFiles({ 'secret.toml': '' });
    chmodSync(secret('secret.toml'), 0o000);
    chmodSync(place, 0o755);
    // Root may read everything, so the child becomes nobody once it has loaded its code.
    const module = new URL('../../../src/config/sources.ts', import.meta.url).href;
    const script = `const { readTextFile } = await import(${JSON.stringify(module)});
      if (process.getuid() === 0) process.setuid(65534);
      console.log(JSON.stringify(readTextFile(${JSON.stringify(secret('secret.toml'))})));`;
    const printed = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
    });
    assert.deepEqual(JSON.parse(printed), {
      kind: 'problem',
      problem: 'cannot be read: permission denied; let the user of sallyport read it',
      line: 1,
    });
  });
});

describe('the places of the files', () => {
  it('are those of each platform', () => {
    const home = { HOME: '/home/u', USERPROFILE: 'C:\\Users\\u' };
    assert.equal(userFile(home, 'linux'), '/home/u/.config/sallyport/config.toml');
    assert.equal(userFile({ ...home, XDG_CONFIG_HOME: '/x' }, 'linux'), '/x/sallyport/config.toml');
    assert.equal(
      userFile({ ...home, XDG_CONFIG_HOME: 'relative' }, 'linux'),
      '/home/u/.config/sallyport/config.toml',
    );
    assert.equal(
      userFile(home, 'darwin'),
      '/home/u/Library/Application Support/sallyport/config.toml',
    );
    assert.equal(userFile(home, 'win32'), 'C:\\Users\\u\\AppData\\Roaming\\sallyport\\config.toml');
    assert.equal(userSource(undefined, { SALLYPORT_CONFIG: '/c.toml' }, 'linux').file, '/c.toml');
  });

  it('never hang on the folder that a command happens to run in', () => {
    const account = join(userInfo().homedir, '.config/sallyport/config.toml');
    for (const home of ['', 'relative', '.']) {
      assert.equal(userFile({ HOME: home }, 'linux'), account, home);
    }
  });

  it('are fixed for managed files, lowest first', () => {
    const files = (platform: NodeJS.Platform): readonly string[] =>
      managedSources(platform, 'u').map(({ layer, file }) => `${layer} ${file}`);
    assert.deepEqual(files('linux'), [
      'codex-requirements /etc/codex/requirements.toml',
      'requirements /etc/sallyport/requirements.toml',
    ]);
    assert.deepEqual(files('win32'), [
      'codex-requirements C:\\ProgramData\\OpenAI\\Codex\\requirements.toml',
      'requirements C:\\ProgramData\\sallyport\\requirements.toml',
    ]);
    assert.deepEqual(files('darwin').slice(2), [
      'managed-preferences /Library/Managed Preferences/com.openai.codex.plist',
      'managed-preferences /Library/Managed Preferences/u/com.openai.codex.plist',
    ]);
  });

  it('do not follow a user name that is a path', () => {
    assert.equal(managedSources('darwin', '../x').length, 3);
  });
});

describe('managed preferences', () => {
  const text = '[experimental_network]\nenabled = true\n';
  const wrap = (inner: string): string => `<plist><dict>${inner}</dict></plist>`;
  const key = '<key>requirements_toml_base64</key>';
  it('hold the document in base64, wrapped or not', () => {
    const base64 = Buffer.from(text).toString('base64');
    const wrapped = `${base64.slice(0, 20)}\n\t${base64.slice(20)}`;
    for (const value of [base64, wrapped]) {
      const read = textOfPreferences(wrap(`${key}<string>${value}</string>`));
      assert.deepEqual(read, { kind: 'text', text });
    }
  });
  it('without the key are no layer', () => {
    assert.deepEqual(textOfPreferences(wrap('<key>other</key><true/>')), { kind: 'missing' });
  });
  for (const value of ['<string></string>', '<true/>', '<string>not base64!</string>']) {
    it(`are a mistake when the value is ${value}`, () => {
      assert.equal(textOfPreferences(wrap(`${key}${value}`)).kind, 'problem');
    });
  }
});

describe('findSources', () => {
  it('names the places that are read, and where a file would count', () => {
    const files = (options: Partial<LoadOptions>): readonly (readonly string[])[] => {
      const { sources, awaited } = findSources(optionsFor(options));
      return [sources.map(({ layer, file }) => `${layer} ${file}`), awaited];
    };
    const own = '/nonexistent/.config/sallyport/config.toml';
    const shipped = `default ${join(shippedFolder, 'default.toml')}`;
    assert.deepEqual(files({ managedFiles: [managed('/m.toml')] }), [
      [shipped, 'codex-requirements /m.toml'],
      [own],
    ]);
    assert.deepEqual(files({ configFile: '/c.toml' }), [['user /c.toml'], []]);
    assert.deepEqual(files({ drafts: new Map([[own, '']]) }), [[`user ${own}`], []]);
  });
});

describe('drafts', () => {
  it('stand in for files on disk, and for files that are not there yet', () => {
    const { file } = writeFiles({ 'u.toml': '[network]\nmode = "full"\n' });
    const load = (...drafts: readonly (readonly [string, string])[]): readonly unknown[] => {
      const result = loadConfig(
        optionsFor({
          configFile: file('u.toml'),
          managedFiles: [managed(file('m.toml'))],
          drafts: new Map(drafts),
        }),
      );
      if (!result.ok) return linesOf(result);
      const { network, rules, files } = result.config;
      return [network.mode, rules.length, files.absent];
    };
    const absent = file('m.toml');
    const list = '[experimental_network]\nallowed_domains = ["a.example"]\n';
    assert.deepEqual(load(), ['full', 0, [absent]]);
    assert.deepEqual(load([file('u.toml'), '[network]\nmode = "limited"\n']), [
      'limited',
      0,
      [absent],
    ]);
    assert.deepEqual(load([absent, list]), ['full', 1, []]);
    assert.deepEqual(load([absent, 'x']).length, 1);
  });

  it("replace the shipped default when they are the user's own file", () => {
    const own = '/nonexistent/.config/sallyport/config.toml';
    const result = loadConfig(optionsFor({ drafts: new Map([[own, '']]) }));
    assert.ok(result.ok);
    assert.deepEqual(result.config.layers, [{ layer: 'user', file: own }]);
    assert.deepEqual(result.config.rules, []);
  });
});
