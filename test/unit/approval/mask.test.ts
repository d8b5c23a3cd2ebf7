import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { maskArguments } from '../../../src/approval/mask.ts';

describe('maskArguments', () => {
  const cases = [
    {
      name: 'keeps a plain command',
      argv: ['git', 'clone', 'https://git.example/a/b.git'],
      want: ['git', 'clone', 'https://git.example/a/b.git'],
    },
    {
      name: 'hides the value after a named option',
      argv: ['x', '--token', 'abc', '--api-key', 'k'],
      want: ['x', '--token', '***', '--api-key', '***'],
    },
    {
      name: 'hides an assigned value',
      argv: ['x', '--password=hunter2', 'API_TOKEN=t'],
      want: ['x', '--password=***', 'API_TOKEN=***'],
    },
    {
      name: 'hides curl users',
      argv: ['curl', '-u', 'me:pw', '--proxy-user', 'a:b'],
      want: ['curl', '-u', '***', '--proxy-user', '***'],
    },
    {
      name: 'hides headers',
      argv: ['curl', '-H', 'Authorization: Bearer x', '-H', 'X-Api-Key: y', '-H', 'Accept: z'],
      want: ['curl', '-H', 'Authorization: ***', '-H', 'X-Api-Key: ***', '-H', 'Accept: z'],
    },
    {
      name: 'hides userinfo',
      argv: ['curl', 'https://me:pw@host.example/x'],
      want: ['curl', 'https://***@host.example/x'],
    },
    {
      name: 'hides secrets of a query',
      argv: ['curl', 'https://host.example/x?a=1&access_token=zz&b=2'],
      want: ['curl', 'https://host.example/x?a=1&access_token=***&b=2'],
    },
    {
      name: 'hides keys by their shape',
      argv: ['sk-proj-abcdefgh1234', 'ghp_abcdefgh12345678', 'eyJhbGciOiJ.eyJzdWIiOi.sig'],
      want: ['***', '***', '***'],
    },
    {
      name: 'hides them inside a script',
      argv: ['sh', '-c', 'curl -H "Bearer abc" x'],
      want: ['sh', '-c', 'curl -H "*** x'],
    },
    { name: 'hides long random runs', argv: ['aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3'], want: ['***'] },
    {
      name: 'keeps commit hashes and paths',
      argv: [
        '0123456789abcdef0123456789abcdef01234567',
        '/usr/share/some/long/path/to/Some/File/v2',
      ],
      want: [
        '0123456789abcdef0123456789abcdef01234567',
        '/usr/share/some/long/path/to/Some/File/v2',
      ],
    },
    {
      name: 'hides headers and users that stand in one word with their option',
      argv: ['-HAuthorization: x', '--header=X-Auth-Token: y', '-HAccept: z', '-ume:pw', '-user'],
      want: ['-HAuthorization: ***', '--header=X-Auth-Token: ***', '-HAccept: z', '-u***', '-user'],
    },
    {
      name: 'hides a cookie, and no name of a branch',
      argv: ['curl', '-b', 'sid=1', 'git', 'checkout', '-b', 'topic'],
      want: ['curl', '-b', '***', 'git', 'checkout', '-b', 'topic'],
    },
    {
      name: 'hides the userinfo also where a secret of the query ends the word',
      argv: ['https://me:pw@host.example/?token=x'],
      want: ['https://***@host.example/?token=***'],
    },
    {
      name: 'hides values inside of JSON and of scripts',
      argv: ['{"user":"a","password": "b c"}', 'export API_TOKEN=x; run --password y --force'],
      want: [
        '{"user":"a","password": "*** c"}',
        'export API_TOKEN=***; run --password *** --force',
      ],
    },
    {
      name: 'keeps words about secrets',
      argv: ['Fix the token of the session', 'tokens', '--no-password --force'],
      want: ['Fix the token of the session', 'tokens', '--no-password --force'],
    },
    {
      name: 'keeps a flag that has no value',
      argv: ['x', '--token=', '-u'],
      want: ['x', '--token=', '-u'],
    },
  ];
  for (const { name, argv, want } of cases) {
    it(name, () => assert.deepEqual(maskArguments(argv), want));
  }

  for (const part of [
    '?token',
    '?key',
    '&pass',
    'a.',
    'a-',
    'x-key-',
    '-H',
    'eyJa.',
    'token: ',
    '-token ',
    'ab://',
  ]) {
    it(`takes only a moment for any number of ${part} (it once took seconds)`, () => {
      const word = part.repeat(Math.floor(4096 / part.length));
      const startMs = performance.now();
      maskArguments([word, `eyJ${word}`, `x-${word}`]);
      const tookMs = performance.now() - startMs;
      assert.ok(tookMs < 250, `it took ${tookMs} ms`);
    });
  }
});
