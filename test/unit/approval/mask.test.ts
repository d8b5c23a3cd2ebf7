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
      name: 'keeps a flag that has no value',
      argv: ['x', '--token=', '-u'],
      want: ['x', '--token=', '-u'],
    },
  ];
  for (const { name, argv, want } of cases) {
    it(name, () => assert.deepEqual(maskArguments(argv), want));
  }
});
