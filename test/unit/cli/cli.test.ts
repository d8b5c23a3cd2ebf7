import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { commands, runCli } from '../../../src/cli/cli.ts';
import { readVersion } from '../../../src/version.ts';
import { recordIo } from '../../support/command.ts';

async function type(...words: string[]): Promise<readonly [number, string, string]> {
  const io = recordIo();
  const code = await runCli(words, io);
  return [code, io.written.out, io.written.err];
}

describe('the table of commands', () => {
  for (const [name, load] of Object.entries(commands)) {
    it(`has ${name} under its own name, with a summary and a usage text`, async () => {
      const command = await load();
      assert.equal(command.name, name);
      assert.match(command.summary, /^[a-z].*[^.\n]$/);
      assert.ok(command.usage.startsWith(`usage: sallyport ${name}`));
      assert.ok(command.usage.endsWith('\n'));
    });

    it(`answers ${name} --help and --version without running it`, async () => {
      const { usage } = await load();
      assert.deepEqual(await type(name, '--help'), [0, usage, '']);
      assert.deepEqual(await type(name, '-h'), [0, usage, '']);
      assert.deepEqual(await type('help', name), [0, usage, '']);
      assert.deepEqual(await type(name, '--version'), [0, `sallyport ${readVersion()}\n`, '']);
    });
  }
});

describe('runCli', () => {
  it('prints the version of the package', async () => {
    const manifest = readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8');
    const { version } = JSON.parse(manifest) as { version: string };
    assert.deepEqual(await type('--version'), [0, `sallyport ${version}\n`, '']);
  });

  it('lists every command in its help', async () => {
    const [code, out, err] = await type('--help');
    assert.deepEqual([code, err], [0, '']);
    const listed = [...out.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map((match) => match[1]);
    assert.deepEqual(listed, Object.keys(commands));
    assert.match(
      out,
      /Exit codes: 0 done, 1 failed, 2 usage, 3 gone, 4 changed meanwhile, 5 refused\.\n$/,
    );
  });

  const mistakes = [
    {
      name: 'asks which command when there is none',
      words: [],
      want: 'sallyport: which command? "sallyport --help" lists them\n',
    },
    {
      name: 'names the command that was meant',
      words: ['pendng'],
      want: 'sallyport: "pendng" is not a command; did you mean "pending"? "sallyport --help" lists the commands\n',
    },
    {
      name: 'guesses nothing for a word that is near none',
      words: ['frobnicate'],
      want: 'sallyport: "frobnicate" is not a command; "sallyport --help" lists the commands\n',
    },
    {
      name: 'knows no word of the language as a command',
      words: ['constructor'],
      want: 'sallyport: "constructor" is not a command; "sallyport --help" lists the commands\n',
    },
    {
      name: 'shows a word with controls escaped',
      words: ['\u202ex'],
      want: 'sallyport: "\\u202ex" is not a command; "sallyport --help" lists the commands\n',
    },
    {
      name: 'says that an option stands in the place of a command',
      words: ['--jsn'],
      want: 'sallyport: "--jsn" is not an option of sallyport itself; "sallyport --help" lists the commands\n',
    },
    {
      name: 'names the option that was meant',
      words: ['pending', '--jsn'],
      want: 'sallyport: "--jsn" is not an option here; did you mean --json?\nsallyport: "sallyport pending --help" says how it is used\n',
    },
  ];
  for (const { name, words, want } of mistakes) {
    it(name, async () => assert.deepEqual(await type(...words), [2, '', want]));
  }
});
