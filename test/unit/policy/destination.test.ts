// What is a host, what is not, and that there is one spelling for each.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createDestination,
  formatHostPort,
  parseAddress,
  parseHost,
  parsePort,
  parseRuleHost,
  pendingKey,
} from '../../../src/policy/destination.ts';
import type { HostKind } from '../../../src/policy/destination.ts';

function host(text: string, kind: HostKind): unknown {
  return { ok: true, value: { text, kind } };
}

const badCharacter = 'the host has a character that names do not have';
const badQuad = 'a host that ends in a number is four decimal parts';
const badBrackets = 'brackets hold one IPv6 address';
const badHyphen = 'the host has a label that begins or ends with a hyphen';
const badEmpty = 'the host has an empty label';
const label63 = 'a'.repeat(63);
const name253 = `${`${label63}.`.repeat(3)}${'b'.repeat(61)}`;

describe('parseHost', () => {
  const taken = [
    ['Example.COM', 'example.com', 'name'],
    ['example.com.', 'example.com', 'name'],
    ['localhost', 'localhost', 'name'],
    ['_dmarc.example.com', '_dmarc.example.com', 'name'],
    ['a_b.example', 'a_b.example', 'name'],
    ['r3---sn-x.example', 'r3---sn-x.example', 'name'],
    ['XN--BCHER-KVA.example', 'xn--bcher-kva.example', 'name'],
    // Left as it is: Node hands ASCII names to the resolver unchanged, so what is matched is what is asked for.
    ['xn--999999999.example', 'xn--999999999.example', 'name'],
    ['1e100.example', '1e100.example', 'name'],
    ['123.example', '123.example', 'name'],
    ['a.b0x1', 'a.b0x1', 'name'],
    [`${label63}.example`, `${label63}.example`, 'name'],
    [name253, name253, 'name'],
    [`${name253}.`, name253, 'name'],
    ['93.184.215.14', '93.184.215.14', 'ipv4'],
    ['0.0.0.0', '0.0.0.0', 'ipv4'],
    ['[::1]', '::1', 'ipv6'],
    ['[2001:DB8:0:0:0:0:0:1]', '2001:db8::1', 'ipv6'],
    ['[::FFFF:93.184.215.14]', '93.184.215.14', 'ipv4'],
    ['[::ffff:5db8:d70e]', '93.184.215.14', 'ipv4'],
    ['[64:ff9b::1.2.3.4]', '64:ff9b::102:304', 'ipv6'],
  ] as const;
  for (const [text, want, kind] of taken) {
    it(`takes ${text.slice(0, 40)} for a canonical ${kind}`, () => {
      assert.deepEqual(parseHost(text), host(want, kind));
    });
  }

  const refused = [
    ['nothing', '', 'the host is empty'],
    ['a lone dot', '.', badEmpty],
    ['two trailing dots', 'example.com..', badEmpty],
    ['a leading dot', '.example.com', badEmpty],
    ['an empty label', 'a..example', badEmpty],
    ['a label of 64', `${'a'.repeat(64)}.example`, 'the host has a label longer than 63 octets'],
    ['a name of 254', `${name253}b`, 'the host is longer than 253 octets'],
    ['a leading hyphen', '-a.example', badHyphen],
    ['a trailing hyphen', 'a.b-', badHyphen],
    ['a hyphen before a dot', 'a-.example', badHyphen],
    ['a blank', 'a b.example', badCharacter],
    ['a tab at the end', 'example.com\t', badCharacter],
    ['a newline at the end', 'example.com\n', badCharacter],
    ['NUL', 'allowed.example\0.evil.example', badCharacter],
    ['a percent escape', 'ex%61mple.com', badCharacter],
    ['userinfo', 'user@example.com', badCharacter],
    ['a star', '*.example.com', badCharacter],
    ['a slash', 'example.com/a', badCharacter],
    ['a backslash', 'example.com\\a', badCharacter],
    ['the sign before a', '`a.example', badCharacter],
    ['the sign after z', '{.example', badCharacter],
    ['DEL', 'a\x7f.example', badCharacter],
    ['a soft hyphen', 'b\u00adad.wild.test', badCharacter],
    ['Unicode', 'b\u00fccher.example', badCharacter],
    ['a fullwidth letter', '\uff45xample.com', badCharacter],
    ['the long s, whose upper case is S', 'example.te\u017ft', badCharacter],
    ['the Kelvin sign, whose lower case is k', '\u212a.example', badCharacter],
    ['an ideographic full stop', 'example\u3002com', badCharacter],
    ['a port', 'example.com:80', 'the host has a colon; an IPv6 address stands in brackets'],
    ['bare IPv6', '::1', 'the host has a colon; an IPv6 address stands in brackets'],
    ['IPv4 as one number', '2130706433', badQuad],
    ['IPv4 in hex', '0x7f.0.0.1', badQuad],
    ['IPv4 in one hex number', '0x7f000001', badQuad],
    ['a bare 0x', 'example.0x', badQuad],
    ['upper-case 0X', 'example.0X7F', badQuad],
    ['IPv4 in octal', '0177.0.0.1', badQuad],
    ['IPv4 of three parts', '127.0.1', badQuad],
    ['IPv4 of five parts', '1.2.3.4.5', badQuad],
    ['IPv4 with a trailing dot', '127.0.0.1.', badQuad],
    ['IPv4 out of range', '1.2.3.256', badQuad],
    ['a name ending in a number', 'example.1', badQuad],
    ['IPv4 in brackets', '[127.0.0.1]', badBrackets],
    ['a name in brackets', '[example.com]', badBrackets],
    ['empty brackets', '[]', badBrackets],
    ['an open bracket', '[::1', badBrackets],
    ['something after the bracket', '[::1].', badBrackets],
    ['a zone id', '[fe80::1%25eth0]', 'an IPv6 address here has no zone id'],
    ['broken IPv6', '[1::2::3]', badBrackets],
  ] as const;
  for (const [name, text, problem] of refused) {
    it(`refuses ${name}`, () => assert.deepEqual(parseHost(text), { ok: false, problem }));
  }
});

describe('parseAddress', () => {
  it('reads addresses without brackets', () => {
    assert.deepEqual(parseAddress('93.184.215.14'), host('93.184.215.14', 'ipv4'));
    assert.deepEqual(parseAddress('2606:4700:0::1'), host('2606:4700::1', 'ipv6'));
    assert.deepEqual(parseAddress('::ffff:10.0.0.1'), host('10.0.0.1', 'ipv4'));
  });
  for (const text of ['', 'example.com', '[::1]', 'fe80::1%lo', '1.2.3', '::1 ']) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.deepEqual(parseAddress(text), { ok: false, problem: 'not an IPv4 or IPv6 address' });
    });
  }
});

describe('parsePort', () => {
  for (const [text, value] of [
    ['1', 1],
    ['443', 443],
    ['65535', 65_535],
    ['00080', 80],
  ] as const) {
    it(`reads ${text}`, () => assert.deepEqual(parsePort(text), { ok: true, value }));
  }
  for (const text of ['', '0', '65536', '000080', '+80', '-1', '8 0', '80 ', '1e3', '0x50', '٣']) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.deepEqual(parsePort(text), {
        ok: false,
        problem: 'the port is not a number from 1 to 65535',
      });
    });
  }
});

describe('parseRuleHost', () => {
  const taken = [
    ['Example.com.', 'example.com', 'name'],
    ['b\u00fccher.example', 'xn--bcher-kva.example', 'name'],
    ['B\u00dcCHER.example', 'xn--bcher-kva.example', 'name'],
    ['fa\u00df.example', 'xn--fa-hia.example', 'name'],
    ['example\u3002com', 'example.com', 'name'],
    ['::1', '::1', 'ipv6'],
    ['[::1]', '::1', 'ipv6'],
    ['10.0.0.1', '10.0.0.1', 'ipv4'],
  ] as const;
  for (const [text, want, kind] of taken) {
    it(`reads ${text} as ${want}`, () => assert.deepEqual(parseRuleHost(text), host(want, kind)));
  }
  const refused = [
    ['a path behind Unicode', 'b\u00fc.example/x', badCharacter],
    ['an escape behind Unicode', 'b\u00fc%61.example', badCharacter],
    [
      'an unassigned letter',
      '\u{e0080}\u{378}.example',
      'the host is not a valid international name (UTS 46)',
    ],
    [
      'an address in fullwidth digits',
      '\uff11.1.1.1',
      'an address is written in ASCII digits and dots',
    ],
    ['an empty label', 'b\u00fc..example', badEmpty],
    ['what parseHost refuses', 'a b', badCharacter],
    ['broken IPv6', '1::2::3', 'not an IPv4 or IPv6 address'],
  ] as const;
  for (const [name, text, problem] of refused) {
    it(`refuses ${name}`, () => assert.deepEqual(parseRuleHost(text), { ok: false, problem }));
  }
});

describe('a destination', () => {
  const name = createDestination('https_connect', { text: 'example.com', kind: 'name' }, 443);
  it('is put together from its parts', () => {
    assert.deepEqual(name, {
      protocol: 'https_connect',
      host: 'example.com',
      kind: 'name',
      port: 443,
    });
  });
  it('has one pending key for each protocol, host and port', () => {
    const keys = [
      name,
      { ...name, port: 80 },
      { ...name, host: 'a' },
      { ...name, protocol: 'http' as const },
    ];
    assert.deepEqual(keys.map(pendingKey), [
      'https_connect example.com 443',
      'https_connect example.com 80',
      'https_connect a 443',
      'http example.com 443',
    ]);
  });
  it('is written with brackets only round IPv6', () => {
    assert.equal(formatHostPort('example.com', 'name', 443), 'example.com:443');
    assert.equal(formatHostPort('10.0.0.1', 'ipv4', 80), '10.0.0.1:80');
    assert.equal(formatHostPort('::1', 'ipv6', 80), '[::1]:80');
  });
});
