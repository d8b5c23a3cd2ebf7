import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { envCommand, renderVariables } from '../../../src/cli/env.ts';
import { makeFolder, recordIo, standInAddress, startStandIn } from '../../support/command.ts';

describe('renderVariables', () => {
  const set = { A: 'plain', B: `it's "a" $HOME \\ x`, C: '' };
  const cases = [
    { shell: 'bash', want: `export A=plain\nexport B='it'\\''s "a" $HOME \\ x'\nexport C=\n` },
    {
      shell: 'fish',
      want: `set -gx A 'plain'\nset -gx B 'it\\'s "a" $HOME \\\\ x'\nset -gx C ''\n`,
    },
    { shell: 'pwsh', want: `$env:A = 'plain'\n$env:B = 'it''s "a" $HOME \\ x'\n$env:C = ''\n` },
    { shell: 'dotenv', want: `A=plain\nB="it's \\"a\\" \\$HOME \\\\ x"\nC=\n` },
  ] as const;
  for (const { shell, want } of cases) {
    it(`speaks ${shell}`, () => assert.equal(renderVariables(set, shell), want));
  }

  it('gives a POSIX shell exactly the values', () => {
    const script = `${renderVariables(set, 'bash')}printf '%s|' "$A" "$B" "$C"`;
    const { stdout } = spawnSync('/bin/sh', ['-c', script]);
    assert.equal(stdout.toString(), `${Object.values(set).join('|')}|`);
  });
});

describe('env', () => {
  it('prints the addresses of the running daemon', async (t) => {
    const daemon = await startStandIn(t);
    const io = recordIo({ ...daemon.env, HTTPS_PROXY: 'http://other.example:1' });
    assert.equal(await envCommand.run([], io), 0);
    assert.match(io.written.out, /^export HTTPS_PROXY=http:\/\/127\.0\.0\.1:4128$/m);
    assert.match(io.written.out, /^export OPENAI_BASE_URL=http:\/\/127\.0\.0\.1:4130\/v1$/m);
    const note = 'sallyport: replaced your HTTPS_PROXY, which would lead around the gate\n';
    assert.equal(io.written.err, note);
  });

  it('prints JSON', async (t) => {
    const daemon = await startStandIn(t);
    const io = recordIo(daemon.env);
    assert.equal(await envCommand.run(['--json'], io), 0);
    const set = JSON.parse(io.written.out) as Record<string, string>;
    assert.equal(set['https_proxy'], standInAddress.http);
  });

  it('prints those of the configuration when no daemon runs, and says so', async (t) => {
    const folder = makeFolder(t);
    const file = join(folder, 'config.toml');
    writeFileSync(file, '[network]\nhttp_port = 5128\n');
    const io = recordIo({ SALLYPORT_STATE: join(folder, 'state'), SALLYPORT_CONFIG: file });
    assert.equal(await envCommand.run(['--shell', 'dotenv'], io), 0);
    assert.match(io.written.out, /^HTTPS_PROXY=http:\/\/127\.0\.0\.1:5128$/m);
    assert.equal(
      io.written.err,
      'sallyport: no daemon is running; these are the addresses of the configuration\n',
    );
  });

  it('knows its shells', async () => {
    const message = '--shell takes one of bash, fish, pwsh, dotenv';
    const wrong = envCommand.run(['--shell', 'csh'], recordIo());
    await assert.rejects(wrong, { code: 'ERR_USAGE', message });
    await assert.rejects(envCommand.run(['bash'], recordIo()), { code: 'ERR_USAGE' });
  });
});
