import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkCommand } from '../../../src/cli/check.ts';
import type { CommandIo } from '../../../src/cli/command.ts';
import { writeFiles } from '../../support/config-files.ts';

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(
  args: readonly string[],
  env: CommandIo['env'] = { HOME: '/nonexistent' },
): Promise<Run> {
  let [stdout, stderr] = ['', ''];
  const code = await checkCommand.run(args, {
    stdout: (text) => (stdout += text),
    stderr: (text) => (stderr += text),
    env,
  });
  return { code, stdout, stderr };
}

describe('sallyport check', () => {
  const { file } = writeFiles({
    'good.toml': '[network]\nallowed_domains = ["a.example"]\ndenied_domains = ["b.example"]\n',
    'bad.toml': '[network]\nmode = "limitd"\nallowed_domains = ["*.com"]\n',
    'idle.toml':
      '[network]\nallowed_domains = ["a.b.example", "c.example"]\ndenied_domains = ["*.b.example"]\n',
    'star.toml': '[network]\nallowed_domains = ["*"]\n',
    'codex/requirements.toml': '[experimental_network]\nenabled = true\n[features]\nx = true\n',
    'own/requirements.toml': '[network]\nmode = "limited"\n[approvals]\nholds = 1\n',
    'odd/requirements.toml': '[experimental_network]\nmode = "limited"\n',
  });

  it('says all mistakes with their places, and fails', async () => {
    const { code, stdout } = await run([file('bad.toml')]);
    assert.deepEqual(
      [code, stdout.replaceAll(file('bad.toml'), 'bad.toml')],
      [
        1,
        `bad.toml:2:8: network.mode: "limitd" is not known; write "limited" or "full"; did you mean "limited"?
bad.toml:3:20: network.allowed_domains[0]: "*.com" is too broad; name at least two labels, such as "*.example.com"
bad.toml: 2 mistakes
`,
      ],
    );
  });

  it('counts rules and names layers when all is well', async () => {
    const { code, stdout } = await run([file('good.toml')]);
    const name = file('good.toml');
    assert.deepEqual(
      [code, stdout],
      [0, `${name}: ok; 1 allow and 1 deny rules from user (${name})\n`],
    );
  });

  it('shows warnings and still succeeds', async () => {
    const { code, stdout } = await run([file('star.toml')]);
    assert.equal(code, 0);
    assert.match(stdout, /star\.toml:2:20: warning: .*\n.*star\.toml: ok, 1 warning; /);
  });

  it('warns of rules that contradict each other', async () => {
    const name = file('idle.toml');
    const { code, stdout } = await run([name]);
    assert.deepEqual(
      [code, stdout.replaceAll(name, 'idle.toml')],
      [
        0,
        `idle.toml:2:20: warning: "a.b.example" never counts: it is denied by "*.b.example" (line 3)
idle.toml: ok, 1 warning; 2 allow and 1 deny rules from user (idle.toml)
`,
      ],
    );
    const { stdout: json } = await run([name, '--json']);
    const [{ findings = [] } = {}] = (JSON.parse(json) as { files: { findings?: unknown[] }[] })
      .files;
    assert.equal(findings.length, 1);
  });

  it('finds nothing to say of the shipped configuration', async () => {
    const { code, stdout } = await run([]);
    assert.match(stdout, /^configuration: ok; /);
    assert.equal(code, 0);
  });

  it('checks what the daemon would load when no file is named', async () => {
    const { code, stdout } = await run([], { SALLYPORT_CONFIG: file('good.toml') });
    assert.equal(code, 0);
    assert.match(stdout, /^configuration: ok; 1 allow and 1 deny rules from user /);
  });

  it('checks requirements.toml as a managed file, in the spelling it is written in', async () => {
    const files = ['codex', 'own', 'odd'].map((folder) => file(`${folder}/requirements.toml`));
    const { code, stdout } = await run([...files, '--json']);
    assert.equal(code, 1);
    assert.deepEqual(JSON.parse(stdout), {
      ok: false,
      files: [
        { file: files[0], ok: true, findings: [] },
        { file: files[1], ok: true, findings: [] },
        {
          file: files[2],
          ok: false,
          findings: [
            {
              severity: 'error',
              file: files[2],
              line: 2,
              column: 1,
              message:
                "experimental_network.mode: is not a key of Codex's file; write it in /etc/sallyport/requirements.toml",
            },
          ],
        },
      ],
    });
  });

  it('fails for a file that is not there', async () => {
    const { code, stdout } = await run(['/nonexistent/x.toml']);
    assert.deepEqual(
      [code, stdout],
      [
        1,
        '/nonexistent/x.toml:1:1: the file does not exist; create it or name another\n/nonexistent/x.toml: 1 mistake\n',
      ],
    );
  });

  it('refuses options it does not know', async () => {
    await assert.rejects(run(['--jsn']), {
      code: 'ERR_USAGE',
      message: '"--jsn" is not an option here; did you mean --json?',
    });
  });
});
