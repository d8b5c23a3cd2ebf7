import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readHook } from '../../../src/config/hook.ts';

describe('readHook', () => {
  const command = (...argv: readonly string[]) => ({ kind: 'command', argv });
  const endpoint = (url: string) => ({ kind: 'endpoint', url });
  const good: readonly (readonly [string, unknown, unknown])[] = [
    ['a program on the path', ['notify', '--to', 'me'], command('notify', '--to', 'me')],
    ['a program by its whole path', ['/bin/notify'], command('/bin/notify')],
    ['a program beside the file', ['./notify.sh', './arg'], command('/conf/notify.sh', './arg')],
    ['empty and long words', ['notify', '', 'a b\n$(c)'], command('notify', '', 'a b\n$(c)')],
    ['https', 'https://chat.example/hook?key=1', endpoint('https://chat.example/hook?key=1')],
    ['http on this machine', 'http://127.0.0.1:8080/x', endpoint('http://127.0.0.1:8080/x')],
    ['http on this machine by name', 'http://localhost/', endpoint('http://localhost/')],
    ['http on this machine by IPv6', 'http://[::1]:9/', endpoint('http://[::1]:9/')],
  ];
  for (const [name, value, want] of good) {
    it(`takes ${name}`, () => {
      assert.deepEqual(readHook(value, '/conf'), { ok: true, value: want });
    });
  }

  const example = '["program", "argument"] or "https://…"';
  const bad: readonly (readonly [string, unknown, string])[] = [
    [
      'a line for a shell',
      'notify --to me',
      `is neither a list of words nor a web address; write ${example}`,
    ],
    ['nothing', '', `is neither a list of words nor a web address; write ${example}`],
    ['a number', 1, `is the number 1; expected ${example}`],
    ['a table', { command: 'x' }, `is a table; expected ${example}`],
    ['an empty list', [], `names no program; write ${example}`],
    ['an empty program', ['', 'x'], `names no program; write ${example}`],
    ['a list with a number', ['x', 1], 'is the number 1; expected only strings in the list'],
    ['a NUL', ['x', 'a\0b'], 'has a word with a NUL in it'],
    ['a list too long', Array.from({ length: 65 }, () => 'x'), 'has more than 64 words'],
    ['a word too long', ['x', 'y'.repeat(4097)], 'has a word of more than 4096 characters'],
    [
      'http to another machine',
      'http://chat.example/secret',
      'is http:// to another machine; write https://, which shows who answers',
    ],
    [
      'a name that only begins like this machine',
      'http://127.0.0.1.example/',
      'is http:// to another machine; write https://, which shows who answers',
    ],
    [
      'a password',
      'https://me:secret@chat.example/',
      'holds a user name or password; send credentials in a header instead',
    ],
  ];
  for (const [name, value, problem] of bad) {
    it(`refuses ${name}`, () => {
      assert.deepEqual(readHook(value, '/conf'), { ok: false, problem });
    });
  }
});
