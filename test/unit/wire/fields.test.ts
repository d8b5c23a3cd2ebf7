import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Authority } from '../../../src/wire/authority.ts';
import {
  checkRequestFields,
  checkResponseFields,
  endToEndFields,
} from '../../../src/wire/fields.ts';

const example: Authority = { host: 'example.com', port: undefined };
const host = ['Host', 'example.com'];
const differs = 'Host does not name the authority of the request target';
const oddLength = 'Content-Length must be one plain number';
const both = 'Content-Length and Transfer-Encoding exclude each other';
const notChunked = 'Transfer-Encoding must be "chunked"';

interface RequestCase {
  readonly name: string;
  readonly raw: readonly string[];
  readonly method?: string;
  readonly version?: string;
  readonly authority?: Authority | undefined;
  readonly want: string | undefined;
}

describe('checkRequestFields', () => {
  const framing: RequestCase[] = [
    { name: 'lets a plain request through', raw: host, want: undefined },
    { name: 'lets a length through', raw: [...host, 'content-length', '5'], want: undefined },
    {
      name: 'lets chunked through',
      raw: [...host, 'TRANSFER-ENCODING', 'Chunked'],
      want: undefined,
    },
    {
      name: 'lets a tab and obs-text in a value through',
      raw: [...host, 'X-A', 'a\tb\xff'],
      want: undefined,
    },
    {
      name: 'lets fields through whose names only have a known length',
      raw: [...host, 'Date', 'x', 'Accept-Charset', 'x', 'If-Modified-Since', 'x'],
      want: undefined,
    },
    {
      name: 'refuses both framings',
      raw: [...host, 'Content-Length', '5', 'Transfer-Encoding', 'chunked'],
      want: both,
    },
    {
      name: 'refuses both framings the other way round',
      raw: [...host, 'Transfer-Encoding', 'chunked', 'Content-Length', '0'],
      want: both,
    },
    {
      name: 'refuses two lengths even when they agree',
      raw: [...host, 'Content-Length', '5', 'content-length', '5'],
      want: 'there is more than one Content-Length field',
    },
    {
      name: 'refuses a list of lengths',
      raw: [...host, 'Content-Length', '5, 5'],
      want: oddLength,
    },
    { name: 'refuses a signed length', raw: [...host, 'Content-Length', '+5'], want: oddLength },
    {
      name: 'refuses a hexadecimal length',
      raw: [...host, 'Content-Length', '0x5'],
      want: oddLength,
    },
    { name: 'refuses an octal length', raw: [...host, 'Content-Length', '010'], want: oddLength },
    { name: 'refuses an empty length', raw: [...host, 'Content-Length', ''], want: oddLength },
    {
      name: 'refuses a length that numbers do not hold',
      raw: [...host, 'Content-Length', '1'.repeat(16)],
      want: oddLength,
    },
    {
      name: 'refuses two transfer codings fields',
      raw: [...host, 'Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked'],
      want: 'there is more than one Transfer-Encoding field',
    },
    {
      name: 'refuses gzip, chunked',
      raw: [...host, 'Transfer-Encoding', 'gzip, chunked'],
      want: notChunked,
    },
    { name: 'refuses identity', raw: [...host, 'Transfer-Encoding', 'identity'], want: notChunked },
    {
      name: 'refuses a parameter',
      raw: [...host, 'Transfer-Encoding', 'chunked;q=1'],
      want: notChunked,
    },
    {
      name: 'refuses a tab before chunked',
      raw: [...host, 'Transfer-Encoding', '\tchunked'],
      want: notChunked,
    },
    { name: 'refuses an empty coding', raw: [...host, 'Transfer-Encoding', ''], want: notChunked },
    {
      name: 'refuses chunked in HTTP/1.0',
      raw: [...host, 'Transfer-Encoding', 'chunked'],
      version: '1.0',
      want: 'HTTP/1.0 has no Transfer-Encoding',
    },
    {
      name: 'refuses HTTP/0.9',
      raw: host,
      version: '0.9',
      want: 'the protocol version must be HTTP/1.1 or HTTP/1.0',
    },
    { name: 'refuses a name without value', raw: [...host, 'X'], want: 'a field has no value' },
    {
      name: 'refuses a blank before the colon',
      raw: [...host, 'Content-Length ', '5'],
      want: 'a field name has characters in it that no name has',
    },
    {
      name: 'refuses an empty name',
      raw: ['', 'x'],
      want: 'a field name has characters in it that no name has',
    },
    ...['a\rb', 'a\nb', 'a\0b', 'a\x0bb', 'a\x7fb', 'a\u0100'].map((value) => ({
      name: `refuses the value ${JSON.stringify(value)}`,
      raw: [...host, 'X', value],
      want: 'a field value has a control character in it',
    })),
  ];
  const hosts: RequestCase[] = [
    { name: 'refuses a missing Host', raw: [], want: 'the Host field is missing' },
    { name: 'lets HTTP/1.0 without Host through', raw: [], version: '1.0', want: undefined },
    {
      name: 'refuses two Hosts even when they agree',
      raw: [...host, 'HOST', 'example.com'],
      want: 'there is more than one Host field',
    },
    { name: 'refuses an empty Host', raw: ['Host', ''], want: 'Host: the host is empty' },
    { name: 'refuses another Host', raw: ['Host', 'bad.test'], want: differs },
    {
      name: 'refuses another Host in HTTP/1.0',
      raw: ['Host', 'bad.test'],
      version: '1.0',
      want: differs,
    },
    { name: 'refuses another port', raw: ['Host', 'example.com:81'], want: differs },
    {
      name: 'takes case and a trailing dot as the same',
      raw: ['Host', 'EXAMPLE.com.'],
      want: undefined,
    },
    { name: 'takes the default port as none', raw: ['Host', 'example.com:80'], want: undefined },
    {
      name: 'takes none as the default port',
      raw: host,
      authority: { host: 'example.com', port: '0080' },
      want: undefined,
    },
    {
      name: 'does not let Host lack another port',
      raw: host,
      authority: { host: 'example.com', port: '8080' },
      want: differs,
    },
    {
      name: 'compares nothing where the target has no authority',
      raw: ['Host', 'x:1'],
      authority: undefined,
      want: undefined,
    },
    {
      name: 'still reads Host where the target has no authority',
      raw: ['Host', 'a/b'],
      authority: undefined,
      want: 'Host: the host has characters in it that no host name or address has',
    },
  ];
  const tunnel = { host: 'example.com', port: '443' };
  const connects: RequestCase[] = [
    { name: 'lets Host lack the port in CONNECT', raw: host, want: undefined },
    { name: 'takes the port in CONNECT', raw: ['Host', 'example.com:443'], want: undefined },
    { name: 'refuses another port in CONNECT', raw: ['Host', 'example.com:80'], want: differs },
    { name: 'refuses another host in CONNECT', raw: ['Host', 'bad.test:443'], want: differs },
    {
      name: 'lets CONNECT say it has no content',
      raw: [...host, 'Content-Length', '0'],
      want: undefined,
    },
    {
      name: 'refuses content in CONNECT',
      raw: [...host, 'Content-Length', '1'],
      want: 'CONNECT has no content',
    },
    {
      name: 'refuses chunked in CONNECT',
      raw: [...host, 'Transfer-Encoding', 'chunked'],
      want: 'CONNECT has no Transfer-Encoding',
    },
  ].map((row) => ({ ...row, method: 'CONNECT', authority: tunnel }));
  for (const row of [...framing, ...hosts, ...connects]) {
    it(row.name, () => {
      const head = {
        rawHeaders: row.raw,
        method: row.method ?? 'POST',
        httpVersion: row.version ?? '1.1',
        authority: 'authority' in row ? row.authority : example,
      };
      assert.equal(checkRequestFields(head), row.want);
    });
  }
});

describe('checkResponseFields', () => {
  const cases: {
    name: string;
    raw: string[];
    status?: number;
    version?: string | undefined;
    asked?: boolean;
    want: string | undefined;
  }[] = [
    { name: 'lets a plain answer through', raw: ['Content-Length', '5'], want: undefined },
    { name: 'lets chunked through', raw: ['Transfer-Encoding', 'chunked'], want: undefined },
    {
      name: 'lets a Host through, which means nothing here',
      raw: ['Host', 'x y'],
      want: undefined,
    },
    { name: 'lets an asked 101 through', raw: [], status: 101, asked: true, want: undefined },
    {
      name: 'refuses an unasked 101',
      raw: [],
      status: 101,
      want: 'the answer is a 101 nobody asked for',
    },
    {
      name: 'refuses both framings',
      raw: ['Content-Length', '5', 'Transfer-Encoding', 'chunked'],
      want: both,
    },
    { name: 'refuses a list of lengths', raw: ['Content-Length', '5,5'], want: oddLength },
    {
      name: 'refuses a NUL',
      raw: ['X', '\0'],
      want: 'a field value has a control character in it',
    },
    {
      name: 'refuses chunked in HTTP/1.0',
      raw: ['Transfer-Encoding', 'chunked'],
      version: '1.0',
      want: 'HTTP/1.0 has no Transfer-Encoding',
    },
    {
      name: 'does not guess the version where it is not told',
      raw: ['Transfer-Encoding', 'chunked'],
      version: undefined,
      want: undefined,
    },
  ];
  for (const row of cases) {
    it(row.name, () => {
      const head = {
        rawHeaders: row.raw,
        status: row.status ?? 200,
        httpVersion: 'version' in row ? row.version : '1.1',
        upgradeAsked: row.asked ?? false,
      };
      assert.equal(checkResponseFields(head), row.want);
    });
  }
});

describe('endToEndFields', () => {
  const cases: { name: string; raw: string[]; want: string[] }[] = [
    {
      name: 'keeps order, case and repeats',
      raw: ['X-B', '1', 'x-a', '2', 'X-B', '3'],
      want: ['X-B', '1', 'x-a', '2', 'X-B', '3'],
    },
    {
      name: 'drops what belongs to the connection',
      raw: [
        'Connection',
        'close',
        'Keep-Alive',
        'timeout=5',
        'TE',
        'trailers',
        'Trailer',
        'X',
        'Transfer-Encoding',
        'chunked',
        'Upgrade',
        'h2c',
        'HTTP2-Settings',
        'AA',
        'Accept',
        '*/*',
      ],
      want: ['Accept', '*/*'],
    },
    {
      name: 'drops every proxy field',
      raw: [
        'Proxy-Connection',
        'x',
        'PROXY-AUTHORIZATION',
        'Basic AA',
        'proxy-anything',
        'x',
        'Proxying',
        'y',
      ],
      want: ['Proxying', 'y'],
    },
    {
      name: 'drops what Connection names, in any case and over several fields',
      raw: [
        'connection',
        'x-a , X-B,',
        'X-A',
        '1',
        'x-b',
        '2',
        'X-C',
        '3',
        'Connection',
        'x-c',
        'X-D',
        '4',
      ],
      want: ['X-D', '4'],
    },
    {
      name: 'keeps Host and Content-Length although Connection names them',
      raw: [
        'Connection',
        'host, content-length, authorization',
        'Host',
        'h',
        'Content-Length',
        '1',
        'Authorization',
        'x',
      ],
      want: ['Host', 'h', 'Content-Length', '1'],
    },
    {
      name: 'drops Expect, which has been answered',
      raw: ['Expect', '100-continue', 'Via', '1.1 x'],
      want: ['Via', '1.1 x'],
    },
    {
      name: 'passes credentials for the origin on',
      raw: ['Authorization', 'Bearer x', 'Cookie', 'a=b'],
      want: ['Authorization', 'Bearer x', 'Cookie', 'a=b'],
    },
    { name: 'leaves a name without value out', raw: ['A', '1', 'B'], want: ['A', '1'] },
    { name: 'gives nothing for nothing', raw: [], want: [] },
  ];
  for (const row of cases) {
    it(row.name, () => assert.deepEqual(endToEndFields(row.raw), row.want));
  }
});
