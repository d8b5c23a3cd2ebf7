import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { exactCommand, ignoringSignals, shellWord } from '../../../src/cli/raw-words.ts';

describe('exactCommand', () => {
  it('leaves ordinary words as they are', () => {
    const words = ['git', 'commit', '-m', 'grüße\n', ''];
    assert.deepEqual(exactCommand(words), { program: 'git', args: words.slice(1), name: 'git' });
  });

  it('leaves a replacement character that the user wrote', () => {
    // our own command line has no such bytes, so it can only be the character itself
    assert.deepEqual(exactCommand(['echo', '\ufffd']), {
      program: 'echo',
      args: ['\ufffd'],
      name: 'echo',
    });
  });
});

describe('ignoringSignals', () => {
  const words = {
    program: 'sh',
    args: ['-c', 'kill -HUP $$; kill -INT $$; echo "$0 lives"', 'it'],
    name: 'sh',
  };

  it('changes nothing when there is none', () => assert.equal(ignoringSignals(words, []), words));

  it('starts the program so that it ignores them', () => {
    const { program, args, name } = ignoringSignals(words, ['HUP', 'INT']);
    const { stdout } = spawnSync(program, [...args]);
    assert.deepEqual([stdout.toString(), name], ['it lives\n', 'sh']);
  });
});

describe('shellWord', () => {
  const words = [
    [0xe9],
    [0xe9, 0x0a, 0x0a],
    [0x61, 0x27, 0xff, 0x25, 0x5c, 0x31],
    [0x0a, 0x80, 0x30],
    [0x61],
    [],
  ];
  for (const bytes of words) {
    it(`gives a shell the bytes ${JSON.stringify(bytes)} back`, () => {
      const word = shellWord(Uint8Array.from(bytes));
      assert.match(word, /^[\x20-\x7e\n]*$/);
      const { stdout } = spawnSync('/bin/sh', ['-c', `printf '%s' ${word}`]);
      assert.deepEqual([...stdout], bytes);
    });
  }
});
