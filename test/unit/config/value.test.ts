import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  readFilePath,
  readHttpUrl,
  readScalar,
  type ScalarType,
} from '../../../src/config/value.ts';

const port: ScalarType = { kind: 'integer', min: 0, max: 65_535 };
const url: ScalarType = { kind: 'url' };

describe('readScalar', () => {
  const good: readonly (readonly [ScalarType, unknown, unknown])[] = [
    [{ kind: 'boolean' }, false, false],
    [port, 0, 0],
    [port, 65_535, 65_535],
    [{ kind: 'choice', values: ['a', 'b'] }, 'b', 'b'],
    [{ kind: 'text', maxLength: 4 }, 'four', 'four'],
    [{ kind: 'folder' }, 'audit', 'audit'],
    [{ kind: 'file' }, 'a/../b.pem', '/conf/b.pem'],
    [{ kind: 'file' }, '/abs.pem', '/abs.pem'],
    [url, 'https://api.example/v1/', 'https://api.example/v1'],
    [url, 'HTTP://API.example:8080', 'http://api.example:8080'],
    [url, 'http://[::1]:9/', 'http://[::1]:9'],
  ];
  for (const [type, value, want] of good) {
    it(`takes ${JSON.stringify(value)} as ${type.kind}`, () => {
      assert.deepEqual(readScalar(type, value, '/conf'), { ok: true, value: want });
    });
  }

  const bad: readonly (readonly [ScalarType, unknown, string])[] = [
    [{ kind: 'boolean' }, 1, 'is the number 1; expected true or false'],
    [{ kind: 'boolean' }, 'yes', 'is a string; expected true or false'],
    [port, -1, '-1 is out of range; expected a whole number from 0 to 65535'],
    [port, Number.NaN, 'is the number NaN; expected a whole number from 0 to 65535'],
    [port, new Date(0), 'is a date; expected a whole number from 0 to 65535'],
    [{ kind: 'choice', values: ['a', 'b'] }, true, 'is true; expected "a" or "b"'],
    [{ kind: 'text', maxLength: 4 }, '', 'is empty; write a value or leave the key out'],
    [{ kind: 'text', maxLength: 4 }, 'fives', 'is longer than 4 characters'],
    [{ kind: 'text', maxLength: 4 }, 'a\nb', '"a\\nb" holds a control character'],
    [{ kind: 'file' }, '\0', '"\\u0000" holds a control character'],
    [url, 'ftp://x', 'is not a web address; write one that starts with "https://" or "http://"'],
    [url, 'https://', 'is not a valid web address; expected "https://host[:port]/path"'],
    [url, 'https://a.example/#f', 'holds a fragment (#…); leave it out'],
    [url, 'https://a.example/?q=secret', 'holds a query (?…); leave it out'],
    [url, 'https://a.example:0/', 'names port 0; expected 1 to 65535'],
    [
      url,
      'https://:pw@a.example',
      'holds a user name or password; send credentials in a header instead',
    ],
  ];
  for (const [type, value, problem] of bad) {
    it(`refuses ${JSON.stringify(value)} as ${type.kind}`, () => {
      assert.deepEqual(readScalar(type, value, '/conf'), { ok: false, problem });
    });
  }
});

describe('addresses and paths', () => {
  it('refuse a host that no request could have', () => {
    const read = readHttpUrl('https://a..b/');
    assert.ok(!read.ok);
    assert.match(read.problem, /^holds the host "a\.\.b": /);
  });
  it('may keep a query where the whole address is wanted', () => {
    assert.ok(readHttpUrl('https://a.example/v1/logs?x=1').ok);
  });
  it('refuse a path that is no text', () => {
    assert.deepEqual(readFilePath(3, '/'), {
      ok: false,
      problem: 'is the number 3; expected a string in quotes',
    });
  });
});
