// Field lists from anybody: what is let through can be framed in one way only, and what is sent on holds
// nothing of this connection. Both are compared with a naive second opinion.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { readHostField } from '../../src/wire/authority.ts';
import {
  checkRequestFields,
  checkResponseFields,
  endToEndFields,
  type RequestHead,
  type ResponseHead,
} from '../../src/wire/fields.ts';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 20_000);
const corpusFile = new URL('corpus/fields.json', import.meta.url);
const corpus = JSON.parse(readFileSync(corpusFile, 'utf8')) as readonly (readonly string[])[];

/** Values of all fields of that name. */
function valuesOf(raw: readonly string[], name: string): string[] {
  return raw.filter((_, index) => index % 2 === 1 && raw[index - 1]?.toLowerCase() === name);
}

function isFramedOneWay(raw: readonly string[], version: string | undefined): boolean {
  const lengths = valuesOf(raw, 'content-length');
  const codings = valuesOf(raw, 'transfer-encoding');
  const names = raw.filter((_, index) => index % 2 === 0);
  const values = raw.filter((_, index) => index % 2 === 1);
  return (
    raw.length % 2 === 0 &&
    names.every((name) => /^[\w!#$%&'*+.^`|~-]+$/.test(name)) &&
    values.every((value) => Array.from(value).every(isFieldCharacter)) &&
    lengths.length + codings.length <= 1 &&
    lengths.every((length) => String(Number(length)) === length && /^\d{1,15}$/.test(length)) &&
    codings.every((coding) => coding.toLowerCase() === 'chunked' && version !== '1.0')
  );
}

function isFieldCharacter(character: string): boolean {
  const code = character.codePointAt(0) ?? 0;
  return code === 9 || (code >= 32 && code !== 127 && code < 256);
}

function isHostRight({ rawHeaders, httpVersion, method, authority }: RequestHead): boolean {
  const hosts = valuesOf(rawHeaders, 'host');
  const [host] = hosts;
  if (hosts.length > 1) return false;
  if (host === undefined) return httpVersion === '1.0';
  const read = readHostField(host);
  if (!read.ok) return false;
  if (authority === undefined) return true;
  const fold = (text: string): string => text.toLowerCase().replace(/\.$/, '');
  if (fold(read.value.host) !== fold(authority.host)) return false;
  if (method === 'CONNECT' && read.value.port === undefined) return true;
  return Number(read.value.port ?? 80) === Number(authority.port ?? 80);
}

function checkRequest(head: RequestHead): void {
  const problem = checkRequestFields(head);
  const contentless =
    head.method !== 'CONNECT' ||
    (valuesOf(head.rawHeaders, 'transfer-encoding').length === 0 &&
      valuesOf(head.rawHeaders, 'content-length').every((length) => length === '0'));
  const fine =
    /^1\.[01]$/.test(head.httpVersion) &&
    isFramedOneWay(head.rawHeaders, head.httpVersion) &&
    contentless &&
    isHostRight(head);
  assert.equal(problem === undefined, fine, problem ?? 'let through');
  if (problem !== undefined) assert.match(problem, /^[ -~]{1,100}$/);
}

function checkResponse(head: ResponseHead): void {
  const problem = checkResponseFields(head);
  const unasked = head.status === 101 && !head.upgradeAsked;
  // A Host means nothing in a response, but two of them are a response nobody should trust.
  const hosts = valuesOf(head.rawHeaders, 'host').length;
  const fine = !unasked && hosts < 2 && isFramedOneWay(head.rawHeaders, head.httpVersion);
  assert.equal(problem === undefined, fine, problem ?? 'let through');
}

const forConnectionOnly =
  /^(?:connection|keep-alive|te|trailer|transfer-encoding|upgrade|http2-settings|expect|proxy-.*)$/i;

function checkEndToEnd(raw: readonly string[]): void {
  const kept = endToEndFields(raw);
  assert.equal(kept.length % 2, 0);
  assert.deepEqual(endToEndFields(kept), kept);
  const named = new Set(
    valuesOf(raw, 'connection')
      .flatMap((list) => list.split(','))
      .map((entry) => entry.trim().toLowerCase()),
  );
  let from = 0;
  for (let index = 0; index < kept.length; index += 2) {
    const name = kept[index] ?? '';
    assert.doesNotMatch(name, forConnectionOnly);
    assert.ok(!named.has(name.toLowerCase()) || /^(?:host|content-length)$/i.test(name));
    while (raw[from] !== name || raw[from + 1] !== kept[index + 1]) {
      from += 2;
      assert.ok(from < raw.length, 'order, case and values are kept');
    }
    from += 2;
  }
  const even = raw.slice(0, raw.length - (raw.length % 2));
  for (const name of ['host', 'content-length']) {
    assert.deepEqual(valuesOf(kept, name), valuesOf(even, name));
  }
}

function words(text: string): string[] {
  return text.split(' ');
}

const name = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      ...words('Host host Content-Length content-length Transfer-Encoding TE Trailer Connection'),
      ...words(
        'connection Keep-Alive Upgrade Proxy-Connection PROXY-X Expect HTTP2-Settings X-A x-b',
      ),
      ...words('Accept Date Authorization Via'),
    ),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 6 }) },
  { weight: 1, arbitrary: fc.constantFrom('', 'Host ', 'X\0', 'X:', 'h\u00f6st', '\u212aost') },
);
const value = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      ...words('good.test GOOD.test. good.test:80 good.test:443 bad.test 0 5 05 +5 -1 0x5 1e3'),
      ...words('999999999999999 9999999999999999 chunked Chunked identity x-a'),
      '',
      '5, 5',
      'gzip, chunked',
      'chunked, chunked',
      'host, x-b',
      'content-length, te',
    ),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 6 }) },
  { weight: 1, arbitrary: fc.constantFrom('\r\n', 'a\nb', '\0', '\t', '\x7f', '\xff', '\u0100') },
);
// Mostly one Host and little else, so that a good share gets past the first checks.
const usual = fc.constantFrom(
  ['Host', 'good.test'],
  ['host', 'good.test:443'],
  ['Host', 'bad'],
  [],
);
const raws = fc
  .tuple(
    usual,
    fc.array(fc.tuple(name, value), { maxLength: 4 }),
    fc.oneof({ weight: 19, arbitrary: fc.constant<string[]>([]) }, fc.constant(['odd'])),
  )
  .map(([host, fields, odd]) => [...host, ...fields.flat(), ...odd]);
const requests = fc.record<RequestHead>({
  rawHeaders: raws,
  method: fc.constantFrom('GET', 'POST', 'CONNECT'),
  httpVersion: fc.constantFrom('1.1', '1.1', '1.1', '1.0', '0.9', '2.0'),
  authority: fc.constantFrom(
    { host: 'good.test', port: undefined },
    { host: 'Good.Test', port: '80' },
    { host: 'good.test.', port: '443' },
    undefined,
  ),
});
const responses = fc.record<ResponseHead>({
  rawHeaders: raws,
  status: fc.constantFrom(101, 200, 204),
  httpVersion: fc.constantFrom('1.1', '1.0', undefined),
  upgradeAsked: fc.boolean(),
});

describe('the kept corpus', () => {
  corpus.forEach((rawHeaders, index) => {
    it(`list ${String(index)}`, () => {
      const authority = { host: 'good.test', port: undefined };
      for (const httpVersion of ['1.1', '1.0']) {
        checkRequest({ rawHeaders, method: 'POST', httpVersion, authority });
        checkRequest({
          rawHeaders,
          method: 'CONNECT',
          httpVersion,
          authority: { ...authority, port: '80' },
        });
        checkResponse({ rawHeaders, status: 200, httpVersion, upgradeAsked: false });
      }
      checkEndToEnd(rawHeaders);
    });
  });
});

describe('any field list', () => {
  it('of a request passes exactly when a second opinion finds one reading', () => {
    fc.assert(fc.property(requests, checkRequest), { numRuns });
  });
  it('of a response passes exactly when a second opinion finds one reading', () => {
    fc.assert(fc.property(responses, checkResponse), { numRuns });
  });
  it('is sent on in order and without what belongs to the connection', () => {
    fc.assert(fc.property(raws, checkEndToEnd), { numRuns });
  });
});
