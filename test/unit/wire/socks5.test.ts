import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  methodReply,
  readGreeting,
  readRequest,
  requestReply,
  socksProblems,
  type Read,
  type SocksProblem,
} from '../../../src/wire/socks5.ts';

const none = Uint8Array.of();
const name = (text: string): number[] => [text.length, ...Buffer.from(text, 'latin1')];
const v6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xab, 0xcd, 0, 1];

function bad(code: SocksProblem, rep?: number, text = ''): Read<never> {
  return {
    status: 'bad',
    code,
    reply: rep === undefined ? undefined : requestReply(rep),
    text,
  };
}

describe('readGreeting', () => {
  const cases: { name: string; bytes: number[]; want: Read<readonly number[]> }[] = [
    { name: 'waits for the first byte', bytes: [], want: { status: 'more' } },
    { name: 'waits for the count', bytes: [5], want: { status: 'more' } },
    { name: 'waits for the last method', bytes: [5, 2, 2], want: { status: 'more' } },
    {
      name: 'takes the one method we have',
      bytes: [5, 1, 0],
      want: { status: 'done', value: [0], rest: none },
    },
    {
      name: 'finds it among others',
      bytes: [5, 3, 2, 1, 0],
      want: { status: 'done', value: [2, 1, 0], rest: none },
    },
    {
      name: 'keeps early bytes',
      bytes: [5, 1, 0, 9, 8],
      want: { status: 'done', value: [0], rest: Uint8Array.of(9, 8) },
    },
    {
      name: 'refuses SOCKS4 without an answer',
      bytes: [4, 1],
      want: { status: 'bad', code: 'version', reply: undefined, text: '' },
    },
    {
      name: 'refuses HTTP at its first letter',
      bytes: [...Buffer.from('G')],
      want: { status: 'bad', code: 'version', reply: undefined, text: '' },
    },
    {
      name: 'answers 05 FF when only a password is offered',
      bytes: [5, 1, 2],
      want: { status: 'bad', code: 'methods', reply: Uint8Array.of(5, 255), text: '' },
    },
    {
      name: 'answers 05 FF when nothing is offered',
      bytes: [5, 0],
      want: { status: 'bad', code: 'methods', reply: Uint8Array.of(5, 255), text: '' },
    },
  ];
  for (const row of cases) {
    it(row.name, () => assert.deepEqual(readGreeting(Uint8Array.from(row.bytes)), row.want));
  }
});

describe('readRequest', () => {
  const cases: { name: string; bytes: number[]; want: ReturnType<typeof readRequest> }[] = [
    { name: 'waits for the first byte', bytes: [], want: { status: 'more' } },
    { name: 'waits for the address type', bytes: [5, 1, 0], want: { status: 'more' } },
    { name: 'waits for the length of a name', bytes: [5, 1, 0, 3], want: { status: 'more' } },
    { name: 'waits for the rest of a name', bytes: [5, 1, 0, 3, 2, 104], want: { status: 'more' } },
    {
      name: 'waits for the second byte of the port',
      bytes: [5, 1, 0, 1, 1, 2, 3, 4, 0],
      want: { status: 'more' },
    },
    {
      name: 'reads a name as sent',
      bytes: [5, 1, 0, 3, ...name('Example.COM.'), 1, 187],
      want: {
        status: 'done',
        value: { host: 'Example.COM.', form: 'name', port: 443 },
        rest: none,
      },
    },
    {
      name: 'reads the longest name',
      bytes: [5, 1, 0, 3, ...name('a'.repeat(255)), 0, 80],
      want: {
        status: 'done',
        value: { host: 'a'.repeat(255), form: 'name', port: 80 },
        rest: none,
      },
    },
    {
      name: 'leaves odd but visible names to the policy',
      bytes: [5, 1, 0, 3, ...name('a%00@b:1'), 0, 80],
      want: { status: 'done', value: { host: 'a%00@b:1', form: 'name', port: 80 }, rest: none },
    },
    {
      name: 'reads an IPv4 address and the highest port',
      bytes: [5, 1, 0, 1, 93, 184, 215, 14, 255, 255],
      want: {
        status: 'done',
        value: { host: '93.184.215.14', form: 'address', port: 65_535 },
        rest: none,
      },
    },
    {
      name: 'reads an IPv6 address',
      bytes: [5, 1, 0, 4, ...v6, 0, 1],
      want: {
        status: 'done',
        value: { host: '2001:db8:0:0:0:0:abcd:1', form: 'address', port: 1 },
        rest: none,
      },
    },
    {
      name: 'keeps early bytes',
      bytes: [5, 1, 0, 1, 1, 2, 3, 4, 0, 80, 22, 3],
      want: {
        status: 'done',
        value: { host: '1.2.3.4', form: 'address', port: 80 },
        rest: Uint8Array.of(22, 3),
      },
    },
    { name: 'refuses another version', bytes: [4], want: bad('version') },
    { name: 'answers 07 to BIND', bytes: [5, 2], want: bad('command', 7) },
    { name: 'answers 07 to UDP ASSOCIATE', bytes: [5, 3, 0, 1], want: bad('command', 7) },
    { name: 'answers 07 to an unknown command', bytes: [5, 0], want: bad('command', 7) },
    { name: 'answers 01 to a reserved byte', bytes: [5, 1, 1], want: bad('reserved', 1) },
    { name: 'answers 08 to an unknown type', bytes: [5, 1, 0, 2], want: bad('address_type', 8) },
    { name: 'answers 02 to an empty name', bytes: [5, 1, 0, 3, 0], want: bad('host', 2) },
    {
      name: 'answers 02 to a NUL in a name',
      bytes: [5, 1, 0, 3, ...name('a\0b')],
      want: bad('host', 2, 'a\0b'),
    },
    {
      name: 'answers 02 to a blank in a name',
      bytes: [5, 1, 0, 3, ...name('a b')],
      want: bad('host', 2, 'a b'),
    },
    {
      name: 'answers 02 to DEL in a name',
      bytes: [5, 1, 0, 3, ...name('a\x7f')],
      want: bad('host', 2, 'a\x7f'),
    },
    {
      name: 'answers 02 to bytes above ASCII',
      bytes: [5, 1, 0, 3, ...name('b\xc3\xbccher')],
      want: bad('host', 2, 'b\xc3\xbccher'),
    },
    {
      name: 'answers 02 to port 0',
      bytes: [5, 1, 0, 1, 1, 2, 3, 4, 0, 0],
      want: bad('port', 2),
    },
  ];
  for (const row of cases) {
    it(row.name, () => assert.deepEqual(readRequest(Uint8Array.from(row.bytes)), row.want));
    it(`${row.name}, at every split point`, () => {
      assertPrefixes(Uint8Array.from(row.bytes), readRequest);
    });
  }
});

/** A prefix is either too short or already says what the whole says. */
function assertPrefixes<T>(bytes: Uint8Array, read: (bytes: Uint8Array) => Read<T>): void {
  const whole = read(bytes);
  for (let cut = 0; cut < bytes.length; cut += 1) {
    const part = read(bytes.subarray(0, cut));
    if (part.status === 'more') continue;
    assert.equal(part.status, whole.status);
    if (part.status === 'bad') assert.deepEqual(part, whole);
    if (part.status === 'done' && whole.status === 'done') {
      assert.deepEqual(part.value, whole.value);
      assert.equal(part.rest.length, whole.rest.length - (bytes.length - cut));
    }
  }
}

describe('the replies', () => {
  it('choose a method', () => assert.deepEqual(methodReply(0), Uint8Array.of(5, 0)));
  it('carry the code and no address of ours', () => {
    assert.deepEqual(requestReply(0), Uint8Array.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0));
    assert.deepEqual(requestReply(2), Uint8Array.of(5, 2, 0, 1, 0, 0, 0, 0, 0, 0));
  });
  it('have words for every problem', () => {
    for (const words of Object.values(socksProblems)) assert.match(words, /^the [ -~]+$/);
  });
});
