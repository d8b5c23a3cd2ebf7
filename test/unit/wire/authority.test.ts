import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  readAbsoluteTarget,
  readConnectTarget,
  readHostField,
  readOriginTarget,
} from '../../../src/wire/authority.ts';

const hostProblem = 'the host has characters in it that no host name or address has';
const portProblem = 'the port must be one to five digits';
const userinfoProblem = 'user information in a target is not accepted';
const emptyProblem = 'the host is empty';

describe('readConnectTarget', () => {
  const good: [name: string, target: string, host: string, port: string][] = [
    ['a name', 'example.com:443', 'example.com', '443'],
    ['a name as written', 'EXAMPLE.com.:00443', 'EXAMPLE.com.', '00443'],
    ['an IPv4 address', '93.184.215.14:80', '93.184.215.14', '80'],
    ['an IPv6 address with its brackets', '[2001:DB8::1]:8443', '[2001:DB8::1]', '8443'],
    ['a port out of range, which is the policy’s to refuse', 'a:99999', 'a', '99999'],
  ];
  for (const [name, target, host, port] of good) {
    it(`reads ${name}`, () => {
      assert.deepEqual(readConnectTarget(target), { ok: true, value: { host, port } });
    });
  }
  const bad: [name: string, target: string, problem: string][] = [
    ['no port', 'example.com', 'a CONNECT target needs a port, as in example.com:443'],
    ['no port behind brackets', '[::1]', 'a CONNECT target needs a port, as in example.com:443'],
    ['an empty port', 'example.com:', portProblem],
    ['six digits', 'example.com:000443', portProblem],
    ['a signed port', 'example.com:+443', portProblem],
    ['a port in other digits', 'example.com:４４３', portProblem],
    ['an empty host', ':443', emptyProblem],
    ['nothing', '', emptyProblem],
    ['a bare IPv6 address', '::1:443', emptyProblem],
    ['a bare IPv6 address that starts with digits', '2001:db8::1:443', portProblem],
    ['an open bracket', '[::1:443', hostProblem],
    ['something behind the bracket', '[::1]x:443', hostProblem],
    ['brackets round a name', '[example.com]:443', hostProblem],
    ['a zone id', '[fe80::1%25eth0]:443', hostProblem],
    ['empty brackets', '[]:443', hostProblem],
    ['user information', 'user:secret@example.com:443', userinfoProblem],
    ['an at sign with nothing before it', '@example.com:443', userinfoProblem],
    ['a path', 'example.com:443/', portProblem],
    ['a path in front of the port', 'example.com/x:443', hostProblem],
    ['a scheme', 'https://example.com:443', portProblem],
    ['a percent escape', 'ex%61mple.com:443', hostProblem],
    ['a backslash', 'good.test\\.bad.test:443', hostProblem],
    ['a blank', 'exa mple.com:443', hostProblem],
    ['a NUL', 'good.test\0.bad.test:443', hostProblem],
    ['a line break behind the port', 'example.com:443\n', portProblem],
    ['a line break behind the host', 'example.com\n:443', hostProblem],
    ['a byte above ASCII', 'b\xfccher.example:443', hostProblem],
    ['a soft hyphen', 'b\u00adad.test:443', hostProblem],
  ];
  for (const [name, target, problem] of bad) {
    it(`refuses ${name}`, () => {
      assert.deepEqual(readConnectTarget(target), { ok: false, problem });
    });
  }
});

describe('readAbsoluteTarget', () => {
  const good: [name: string, target: string, want: object][] = [
    [
      'a bare authority, giving it a path',
      'http://example.com',
      { scheme: 'http', host: 'example.com', port: undefined, origin: '/' },
    ],
    [
      'port, path and query',
      'HTTP://Example.com:8080/a/../b?c=d/e',
      { scheme: 'http', host: 'Example.com', port: '8080', origin: '/a/../b?c=d/e' },
    ],
    [
      'a query without a path',
      'http://h?x=1',
      { scheme: 'http', host: 'h', port: undefined, origin: '/?x=1' },
    ],
    ['ws', 'ws://h:1/s', { scheme: 'ws', host: 'h', port: '1', origin: '/s' }],
    [
      'an IPv6 address',
      'http://[::1]:80/',
      { scheme: 'http', host: '[::1]', port: '80', origin: '/' },
    ],
    [
      'an at sign in the path',
      'http://h/@u',
      { scheme: 'http', host: 'h', port: undefined, origin: '/@u' },
    ],
    [
      'a path that looks like an authority',
      'http://good.test//bad.test/',
      { scheme: 'http', host: 'good.test', port: undefined, origin: '//bad.test/' },
    ],
    [
      'bytes above ASCII in the path',
      'http://h/\xc3\xbc',
      { scheme: 'http', host: 'h', port: undefined, origin: '/\xc3\xbc' },
    ],
  ];
  for (const [name, target, value] of good) {
    it(`reads ${name}`, () => {
      assert.deepEqual(readAbsoluteTarget(target), { ok: true, value });
    });
  }
  const blank = 'the target has a blank or a control character in it';
  const absolute = 'this is a proxy: the target must be absolute, as in http://example.com/';
  const connect = 'an https or wss target goes through a proxy with CONNECT';
  const scheme = 'the scheme of the target must be http or ws';
  const authority = 'the target has no authority';
  const fragment = 'the target has a fragment, which is never sent';
  const bad: [name: string, target: string, problem: string][] = [
    ['origin-form', '/v1/models', absolute],
    ['nothing', '', absolute],
    ['the asterisk', '*', absolute],
    ['https', 'https://h/', connect],
    ['wss', 'WSS://h/', connect],
    ['ftp', 'ftp://h/', scheme],
    ['authority-form, whose host looks like a scheme', 'example.com:443', scheme],
    ['no slashes', 'http:h/', authority],
    ['one slash', 'http:/h/', authority],
    ['backslashes', 'http:\\\\h/', authority],
    ['an empty authority', 'http:///x', emptyProblem],
    ['an empty host', 'http://:80/', emptyProblem],
    ['an empty port', 'http://h:/', portProblem],
    ['user information', 'http://u:p@h/', userinfoProblem],
    ['user information that looks like the host', 'http://good.test@bad.test/', userinfoProblem],
    ['a backslash in the authority', 'http://good.test\\@bad.test/', userinfoProblem],
    ['a backslash before the path', 'http://good.test\\.bad.test/', hostProblem],
    ['a fragment', 'http://h/#f', fragment],
    ['a fragment before the host ends', 'http://good.test#@bad.test/', fragment],
    ['a blank', 'http://h/a b', blank],
    ['a tab', 'http://h\t/', blank],
    ['a NUL', 'http://h/\0', blank],
    ['a line break', 'http://h/\r\nHost: x', blank],
    ['DEL', 'http://h/\x7f', blank],
    ['characters that are no bytes', 'http://h/\u0100', blank],
    ['a name above ASCII', 'http://b\xfccher.example/', hostProblem],
  ];
  for (const [name, target, problem] of bad) {
    it(`refuses ${name}`, () => {
      assert.deepEqual(readAbsoluteTarget(target), { ok: false, problem });
    });
  }
});

describe('readHostField', () => {
  const cases: [name: string, value: string, want: ReturnType<typeof readHostField>][] = [
    ['reads a name', 'Example.com', { ok: true, value: { host: 'Example.com', port: undefined } }],
    ['reads a port', 'h:1', { ok: true, value: { host: 'h', port: '1' } }],
    ['reads brackets', '[::1]:80', { ok: true, value: { host: '[::1]', port: '80' } }],
    ['refuses nothing', '', { ok: false, problem: emptyProblem }],
    ['refuses a list', 'a, b', { ok: false, problem: hostProblem }],
    ['refuses a path', 'a/b', { ok: false, problem: hostProblem }],
    ['refuses user information', 'u@a', { ok: false, problem: userinfoProblem }],
  ];
  for (const [name, value, want] of cases) {
    it(name, () => assert.deepEqual(readHostField(value), want));
  }
});

describe('readOriginTarget', () => {
  const good: [name: string, target: string, path: string, sent?: string][] = [
    ['keeps a plain path', '/v1/responses', '/v1/responses'],
    ['keeps the query byte for byte', '/v1/x?a=%2e%2f..//\\', '/v1/x', '/v1/x?a=%2e%2f..//\\'],
    ['keeps the root', '/', '/'],
    ['keeps a trailing slash', '/v1/x/', '/v1/x/'],
    ['resolves dot segments', '/v1/a/./b/../c', '/v1/a/c'],
    ['resolves a dot segment at the end to its folder', '/v1/x/..', '/v1/'],
    ['resolves a single dot at the end', '/v1/.', '/v1/'],
    ['cannot climb above the root', '/../../v1/x', '/v1/x'],
    ['shows what climbs out of /v1', '/v1/../admin', '/admin'],
    ['sees dots that are escaped', '/v1/%2e%2E/admin', '/admin'],
    ['sees dots that are half escaped', '/v1/.%2e/admin', '/admin'],
    ['sees letters that are escaped', '/%76%31/x', '/v1/x'],
    ['keeps other escapes', '/v1/a%20b%C3%BC', '/v1/a%20b%C3%BC'],
    ['keeps an escaped percent sign', '/v1/100%25', '/v1/100%25'],
    ['keeps dots that are no segment', '/v1/...', '/v1/...'],
    ['makes runs of slashes one', '//v1///x', '/v1/x'],
    ['makes slashes alone the root', '///', '/'],
    ['resolves dots behind empty segments as a browser would not', '/v1//../x', '/x'],
  ];
  for (const [name, target, path, sent] of good) {
    it(name, () => {
      const want = { ok: true, value: { path, target: sent ?? path } };
      assert.deepEqual(readOriginTarget(target), want);
    });
  }
  const bad: [name: string, target: string, problem: string][] = [
    ['nothing', '', 'the target must be a path that starts with "/"'],
    ['absolute-form', 'http://h/v1', 'the target must be a path that starts with "/"'],
    ['the asterisk', '*', 'the target must be a path that starts with "/"'],
    ['a blank', '/v1/a b', 'the target has a byte in it that must be escaped'],
    ['a control byte', '/v1/\n', 'the target has a byte in it that must be escaped'],
    ['a byte above ASCII', '/v1/\xfc', 'the target has a byte in it that must be escaped'],
    ['a fragment', '/v1#x', 'the target has a fragment, which is never sent'],
    ['a backslash', '/v1\\..\\admin', 'the path has a backslash in it'],
    ['a broken escape', '/v1/%2', 'the path has a broken percent escape'],
    ['a percent sign alone', '/v1/%zz', 'the path has a broken percent escape'],
    ['an escaped slash', '/v1/..%2Fadmin', 'the path has an escaped slash or backslash in it'],
    ['an escaped backslash', '/v1/%5c', 'the path has an escaped slash or backslash in it'],
    ['a slash escaped twice', '/v1/%252f', 'the path has an escaped slash or backslash in it'],
    ['an escaped NUL', '/v1/x%00.json', 'the path has an escaped control byte'],
    ['an escaped line break', '/v1/%0d%0a', 'the path has an escaped control byte'],
    ['an escaped DEL', '/v1/%7F', 'the path has an escaped control byte'],
    [
      'a dot escaped twice, the second time in pieces',
      '/v1/%25%32%65/x',
      'the path has a dot in it that is escaped twice',
    ],
    [
      'a slash escaped twice, the second time in pieces',
      '/v1/%25%32%66x',
      'the path has an escaped slash or backslash in it',
    ],
    ['a dot escaped twice', '/v1/%252e%252e/x', 'the path has a dot in it that is escaped twice'],
  ];
  for (const [name, target, problem] of bad) {
    it(`refuses ${name}`, () => {
      assert.deepEqual(readOriginTarget(target), { ok: false, problem });
    });
  }
});
