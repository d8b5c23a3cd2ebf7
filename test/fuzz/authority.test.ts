// Request targets and Host fields from anybody: whatever is accepted must mean the same to another parser.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { parseHost } from '../../src/policy/destination.ts';
import {
  readAbsoluteTarget,
  readConnectTarget,
  readHostField,
  readOriginTarget,
} from '../../src/wire/authority.ts';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 20_000);
const corpusFile = new URL('corpus/authority.json', import.meta.url);
const corpus = JSON.parse(readFileSync(corpusFile, 'utf8')) as Readonly<
  Record<'authority' | 'absolute' | 'origin', readonly string[]>
>;

const pieces = fc.constantFrom(
  ...words(
    'good.test bad.test A.Test. 127.0.0.1 0x7f.1 [::1] [::ffff:7f00:1] [ ] http:// HTTP: ws://',
  ),
  ...words('https:// v1 : :443 :80 :0 :99999 :000001 @ u:p@ \\ / // /.. /. ? # . .. _'),
  ...words('% %2e %2E%2e %252e %25 %25%32 %32 %65 %66 65 2f %2f %5C %00 %41 %c0%ae'),
  ' ',
  '\t',
  '\0',
  '\r\n',
  '\x7f',
  '\xff',
  '\u0130',
);
const anyByte = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map(toCharacter),
  maxLength: 12,
});
const written = fc
  .array(fc.oneof({ arbitrary: pieces, weight: 3 }, { arbitrary: anyByte, weight: 1 }), {
    maxLength: 8,
  })
  .map((parts) => parts.join(''));

function words(text: string): string[] {
  return text.split(' ');
}

function toCharacter(code: number): string {
  return String.fromCharCode(code);
}

/** Problems are fixed words: printable, and short enough for a reason phrase. */
function assertProblem(problem: string): void {
  assert.match(problem, /^[ -~]{1,100}$/);
}

/** The host another parser finds in a URL, made canonical by ours; undefined when it finds none. */
function hostByUrl(url: string): unknown {
  const parsed = URL.parse(url);
  if (parsed === null) return undefined;
  assert.equal(parsed.username + parsed.password, '');
  return parseHost(parsed.hostname);
}

function assertSameHost(host: string, url: string): void {
  const ours = parseHost(host);
  const theirs = hostByUrl(url);
  if (ours.ok && theirs !== undefined) assert.deepEqual(ours, theirs);
}

function checkConnect(target: string): void {
  const read = readConnectTarget(target);
  if (!read.ok) return assertProblem(read.problem);
  const { host, port } = read.value;
  assert.equal(`${host}:${port}`, target);
  assert.match(port, /^\d{1,5}$/);
  assert.doesNotMatch(host, /[^!-~]|[@/\\?#%]/);
  return assertSameHost(host, `http://${target}/`);
}

function checkHost(value: string): void {
  const read = readHostField(value);
  if (!read.ok) return assertProblem(read.problem);
  const { host, port } = read.value;
  assert.equal(port === undefined ? host : `${host}:${port}`, value);
  return assertSameHost(host, `http://${value}/`);
}

function checkAbsolute(target: string): void {
  const read = readAbsoluteTarget(target);
  if (!read.ok) return assertProblem(read.problem);
  const { scheme, host, port, origin } = read.value;
  const authority = port === undefined ? host : `${host}:${port}`;
  const start = scheme.length + 3 + authority.length;
  assert.equal(target.slice(0, start).toLowerCase(), `${scheme}://${authority}`.toLowerCase());
  assert.ok(origin === target.slice(start) || origin === `/${target.slice(start)}`);
  assert.match(origin, /^\/[\x21-\x22\x24-\x7e\x80-\xff]*$/);
  return assertSameHost(host, target);
}

// What a URL parser escapes in a path although it stands for itself, and the unreserved it leaves escaped.
const escapedForNothing =
  /%(?:22|3C|3E|5E|60|7B|7C|7D|2D|2E|3\d|4[1-9A-F]|5[\dAF]|6[1-9A-F]|7[\dAE])/gi;

function checkOrigin(target: string): void {
  const read = readOriginTarget(target);
  if (!read.ok) return assertProblem(read.problem);
  const { path, target: sent } = read.value;
  assert.deepEqual(readOriginTarget(sent), read); // normalising twice changes nothing
  assert.ok(sent.startsWith(path));
  assert.doesNotMatch(path, /\/\/|\/\.{1,2}(?:\/|$)|\\|%2e|%2f|%5c|%[01]|%7f|[?#]/i);
  // Another parser neither resolves anything further in it nor takes it for another host's.
  const url = new URL(sent, 'http://upstream.test');
  assert.equal(url.hostname, 'upstream.test');
  assert.equal(unescape(url.pathname), unescape(path));
  // And where no slashes were joined, it resolves what was written to the same path.
  if (/^[^?]*\/\//.test(target)) return;
  const resolved = new URL(`http://upstream.test${target}`).pathname;
  assert.equal(unescape(resolved), unescape(path));
}

function unescape(path: string): string {
  return path.replace(escapedForNothing, decodeURIComponent);
}

describe('the kept corpus', () => {
  it('holds for authorities', () => {
    for (const text of corpus.authority) {
      checkConnect(text);
      checkHost(text);
      checkAbsolute(`http://${text}`);
    }
  });
  it('holds for absolute-form', () => corpus.absolute.forEach(checkAbsolute));
  it('holds for origin-form', () => corpus.origin.forEach(checkOrigin));
});

describe('any text', () => {
  it('is a CONNECT target that reads back as written, or a problem', () => {
    fc.assert(fc.property(written, checkConnect), { numRuns });
  });
  it('is a Host that reads back as written, or a problem', () => {
    fc.assert(fc.property(written, checkHost), { numRuns });
  });
  it('is an absolute-form target whose host every parser sees, or a problem', () => {
    const targets = fc.oneof(
      written.map((text) => `http://${text}`),
      written.map((text) => `ws://good.test${text}`),
      written,
    );
    fc.assert(fc.property(targets, checkAbsolute), { numRuns });
  });
  it('is an origin-form target that cannot be resolved further, or a problem', () => {
    const targets = fc.oneof(
      written.map((text) => `/${text}`),
      written.map((text) => `/v1/${text}`),
      written,
    );
    fc.assert(fc.property(targets, checkOrigin), { numRuns });
  });
});
