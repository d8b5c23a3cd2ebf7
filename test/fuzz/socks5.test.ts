// SOCKS5 bytes from anybody: however they are split, the readers say the same, and nothing of them is lost.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { isIPv4, isIPv6 } from 'node:net';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  readGreeting,
  readRequest,
  socksProblems,
  type Read,
  type SocksRequest,
} from '../../src/wire/socks5.ts';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 20_000);
const corpusFile = new URL('corpus/socks5.json', import.meta.url);
const corpus = JSON.parse(readFileSync(corpusFile, 'utf8')) as Readonly<
  Record<'greeting' | 'request', readonly string[]>
>;

/** Every prefix waits or says what the whole says; a finished read keeps all bytes behind it. */
function checkSplits<T>(bytes: Uint8Array, read: (bytes: Uint8Array) => Read<T>): Read<T> {
  const whole = read(bytes);
  let settled = false;
  for (let cut = 0; cut < bytes.length; cut += 1) {
    const part = read(bytes.subarray(0, cut));
    if (part.status === 'more') {
      assert.ok(!settled, 'a longer input makes it wait again');
      continue;
    }
    settled = true;
    if (part.status === 'done' && whole.status === 'done') {
      assert.deepEqual(part.value, whole.value);
      assert.deepEqual(whole.rest, bytes.subarray(cut - part.rest.length));
      return whole; // longer prefixes only make the rest longer
    }
    assert.deepEqual(part, whole);
    return whole;
  }
  return whole;
}

function checkGreeting(bytes: Uint8Array): void {
  const read = checkSplits(bytes, readGreeting);
  if (read.status === 'more') assert.ok(bytes.length < 2 + (bytes[1] ?? 0));
  if (read.status === 'bad') assert.ok(read.code in socksProblems);
  if (read.status !== 'done') return;
  assert.ok(read.value.includes(0));
  assert.deepEqual([5, read.value.length, ...read.value, ...read.rest], [...bytes]);
}

function checkRequest(bytes: Uint8Array): void {
  const read = checkSplits(bytes, readRequest);
  if (read.status === 'more') assert.ok(bytes.length < 262);
  if (read.status === 'bad') assert.ok(read.code in socksProblems);
  if (read.status !== 'done') return;
  const { host, form, port } = read.value;
  assert.ok(port >= 1 && port <= 65_535);
  if (form === 'address') assert.ok(isIPv4(host) || isIPv6(host));
  else assert.match(host, /^[!-~]{1,255}$/);
  assert.deepEqual([...encode(read.value), ...read.rest], [...bytes]);
}

/** The one encoding of a request. */
function encode({ host, form, port }: SocksRequest): number[] {
  const end = [port >> 8, port & 255];
  if (form === 'name') return [5, 1, 0, 3, host.length, ...Buffer.from(host, 'latin1'), ...end];
  if (isIPv4(host)) return [5, 1, 0, 1, ...host.split('.').map(Number), ...end];
  const groups = host.split(':').map((group) => Number.parseInt(group, 16));
  return [5, 1, 0, 4, ...groups.flatMap((group) => [group >> 8, group & 255]), ...end];
}

const byte = fc.integer({ min: 0, max: 255 });
const bytes = (maxLength: number) => fc.array(byte, { maxLength });
const mostly = (value: number) =>
  fc.oneof({ arbitrary: fc.constant(value), weight: 9 }, { arbitrary: byte, weight: 1 });

const greetings = fc.oneof(
  fc.tuple(mostly(5), fc.integer({ min: 0, max: 6 }), bytes(8)).map((parts) => parts.flat()),
  bytes(12),
);
const visible = fc.array(fc.integer({ min: 0x21, max: 0x7e }), { minLength: 1, maxLength: 20 });
const address = fc.oneof(
  fc.tuple(fc.constant(1), bytes(10)).map((parts) => parts.flat()),
  fc.tuple(fc.constant(4), bytes(22)).map((parts) => parts.flat()),
  visible.map((name) => [3, name.length, ...name]),
  fc.tuple(fc.constant(3), fc.integer({ min: 0, max: 8 }), bytes(12)).map((parts) => parts.flat()),
  bytes(6),
);
const wellFormed = fc.oneof(
  fc.array(byte, { minLength: 4, maxLength: 4 }).map((list) => [1, ...list]),
  fc.array(byte, { minLength: 16, maxLength: 16 }).map((list) => [4, ...list]),
  visible.map((name) => [3, name.length, ...name]),
);
const port = fc.constantFrom([0, 0], [0, 1], [1, 0], [255, 255]);
const requests = fc.oneof(
  fc.tuple(mostly(5), mostly(1), mostly(0), address, bytes(6)).map((parts) => parts.flat()),
  fc.tuple(fc.constant([5, 1, 0]), wellFormed, port, bytes(3)).map((parts) => parts.flat()),
  bytes(12),
);

describe('the kept corpus', () => {
  for (const hex of corpus.greeting) {
    it(`greeting ${hex}`, () => checkGreeting(Uint8Array.fromHex(hex)));
  }
  for (const hex of corpus.request) {
    it(`request ${hex}`, () => checkRequest(Uint8Array.fromHex(hex)));
  }
});

describe('any bytes', () => {
  it('are a greeting, too few for one, or a problem', () => {
    fc.assert(
      fc.property(greetings, (list) => checkGreeting(Uint8Array.from(list))),
      { numRuns },
    );
  });
  it('are a request, too few for one, or a problem', () => {
    fc.assert(
      fc.property(requests, (list) => checkRequest(Uint8Array.from(list))),
      { numRuns },
    );
  });
});
