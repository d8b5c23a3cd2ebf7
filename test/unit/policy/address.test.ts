// Every special-purpose block by its first and last address and the neighbours outside it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  andWords,
  embeddedIpv4,
  formatAddress,
  isLoopbackOrUnspecified,
  maskBits,
  maskWords,
  readAddress,
  readIpv4,
  readIpv6,
  specialRange,
} from '../../../src/policy/address.ts';

describe('readIpv4', () => {
  const cases = [
    { text: '0.0.0.0', want: 0 },
    { text: '255.255.255.255', want: 0xffffffff },
    { text: '93.184.215.14', want: 0x5db8d70e },
    { text: '256.1.1.1', want: undefined },
    { text: '1.2.3', want: undefined },
    { text: '1.2.3.4.5', want: undefined },
    { text: '01.2.3.4', want: undefined },
    { text: '1.2.3.00', want: undefined },
    { text: '1.2.3.', want: undefined },
    { text: '1.2.3.0x4', want: undefined },
    { text: ' 1.2.3.4', want: undefined },
    { text: '1.2.3.4\n', want: undefined },
    { text: '1111111111.2.3.4', want: undefined },
    { text: '', want: undefined },
  ];
  for (const { text, want } of cases) {
    it(`reads ${JSON.stringify(text)} as ${want ?? 'nothing'}`, () => {
      assert.equal(readIpv4(text), want);
    });
  }
});

describe('readIpv6', () => {
  const cases = [
    { text: '::', want: [0, 0, 0, 0] },
    { text: '::1', want: [0, 0, 0, 1] },
    { text: '1::', want: [0x10000, 0, 0, 0] },
    { text: '1:2:3:4:5:6:7:8', want: [0x10002, 0x30004, 0x50006, 0x70008] },
    { text: '1:2:3:4:5:6:7::', want: [0x10002, 0x30004, 0x50006, 0x70000] },
    { text: '::1.2.3.4', want: [0, 0, 0, 0x01020304] },
    { text: '64:ff9b::255.255.255.255', want: [0x64ff9b, 0, 0, 0xffffffff] },
    { text: '1:2:3:4:5:6:1.2.3.4', want: [0x10002, 0x30004, 0x50006, 0x01020304] },
    { text: 'FFFF::ffff', want: [0xffff0000, 0, 0, 0xffff] },
    { text: '', want: undefined },
    { text: ':', want: undefined },
    { text: ':::', want: undefined },
    { text: '1', want: undefined },
    { text: '1:2:3:4:5:6:7', want: undefined },
    { text: '1:2:3:4:5:6:7:8:9', want: undefined },
    { text: '1::2::3', want: undefined },
    { text: '1:2:3:4::5:6:7:8', want: undefined },
    { text: ':1::2', want: undefined },
    { text: '1::2:', want: undefined },
    { text: '12345::', want: undefined },
    { text: 'g::', want: undefined },
    { text: '::1.2.3', want: undefined },
    { text: '::01.2.3.4', want: undefined },
    { text: '1.2.3.4', want: undefined },
    { text: '::1.2.3.4:5', want: undefined },
    { text: 'fe80::1%eth0', want: undefined },
    { text: `${'0:'.repeat(30)}1`, want: undefined },
  ];
  for (const { text, want } of cases) {
    it(`reads ${JSON.stringify(text)} as ${want?.join() ?? 'nothing'}`, () => {
      assert.deepEqual(readIpv6(text), want);
    });
  }
});

describe('readAddress and formatAddress', () => {
  const cases = [
    { text: '10.0.0.1', want: '10.0.0.1' },
    { text: '::FFFF:10.0.0.1', want: '10.0.0.1' },
    { text: '::ffff:a00:1', want: '10.0.0.1' },
    { text: '0:0:0:0:0:0:0:0', want: '::' },
    { text: '2001:DB8:0:0:1:0:0:0', want: '2001:db8:0:0:1::' },
    { text: '2001:db8:0:0:1:0:0:1', want: '2001:db8::1:0:0:1' },
    { text: '2001:db8:0:1:1:1:1:1', want: '2001:db8:0:1:1:1:1:1' },
    { text: '0:1:0:1:0:1:0:1', want: '0:1:0:1:0:1:0:1' },
    { text: '1:2:3:4:5:6:0:0', want: '1:2:3:4:5:6::' },
    { text: '::1.2.3.4', want: '::102:304' },
    { text: '64:ff9b::1.2.3.4', want: '64:ff9b::102:304' },
    { text: '10.0.0', want: undefined },
    { text: 'x::', want: undefined },
  ];
  for (const { text, want } of cases) {
    it(`writes ${text} as ${want ?? 'nothing'} (RFC 5952)`, () => {
      const address = readAddress(text);
      assert.equal(address && formatAddress(address), want);
    });
  }
});

describe('masks', () => {
  it('has leading ones for every length', () => {
    assert.deepEqual(
      [-1, 0, 1, 8, 31, 32, 40].map(maskBits),
      [0, 0, 0x80000000, 0xff000000, 0xfffffffe, 0xffffffff, 0xffffffff],
    );
    assert.deepEqual(maskWords(0), [0, 0, 0, 0]);
    assert.deepEqual(maskWords(48), [0xffffffff, 0xffff0000, 0, 0]);
    assert.deepEqual(maskWords(128), [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff]);
  });
});

describe('andWords', () => {
  it('clears what the mask does not cover and stays unsigned', () => {
    const all = maskWords(128);
    assert.deepEqual(andWords(all, maskWords(33)), [0xffffffff, 0x80000000, 0, 0]);
    assert.deepEqual(andWords(all, all), all);
  });
});

describe('specialRange', () => {
  const special = [
    ['this network', 'RFC 791', ['0.0.0.0', '0.255.255.255']],
    ['private use', 'RFC 1918', ['10.0.0.0', '10.255.255.255', '172.16.0.0', '172.31.255.255']],
    ['private use', 'RFC 1918', ['192.168.0.0', '192.168.255.255']],
    ['carrier-grade NAT', 'RFC 6598', ['100.64.0.0', '100.127.255.255']],
    ['loopback', 'RFC 1122', ['127.0.0.0', '127.0.0.1', '127.255.255.255']],
    ['link local', 'RFC 3927', ['169.254.0.0', '169.254.169.254', '169.254.255.255']],
    ['IETF protocol assignments', 'RFC 6890', ['192.0.0.0', '192.0.0.170', '192.0.0.255']],
    ['documentation', 'RFC 5737', ['192.0.2.0', '198.51.100.255', '203.0.113.7']],
    ['AS112', 'RFC 7535', ['192.31.196.1']],
    ['multicast tunnelling', 'RFC 7450', ['192.52.193.1']],
    ['6to4 relay', 'RFC 7526', ['192.88.99.0', '192.88.99.255']],
    ['AS112', 'RFC 7534', ['192.175.48.1', '2620:4f:8000::1']],
    ['benchmarking', 'RFC 2544', ['198.18.0.0', '198.19.255.255']],
    ['multicast', 'RFC 5771', ['224.0.0.0', '239.255.255.255']],
    ['reserved', 'RFC 1112', ['240.0.0.0', '255.255.255.254']],
    ['limited broadcast', 'RFC 919', ['255.255.255.255']],
    ['unspecified', 'RFC 4291', ['::']],
    ['loopback', 'RFC 4291', ['::1']],
    ['IPv4-compatible', 'RFC 4291', ['::2', '::93.184.215.14']],
    ['outside global unicast', 'RFC 4291', ['::1:0:0', '::ffff:0:1.2.3.4', '1000::', '4000::']],
    ['outside global unicast', 'RFC 4291', ['fe00::1', '1fff:ffff::', '64:ff9b:2::1', '5f01::']],
    ['local-use translation', 'RFC 8215', ['64:ff9b:1::', '64:ff9b:1:ffff::5db8:d70e']],
    ['discard only', 'RFC 6666', ['100::', '100::ffff:ffff:ffff:ffff']],
    ['dummy prefix', 'RFC 9780', ['100:0:0:1::']],
    ['Teredo', 'RFC 4380', ['2001::1', '2001:0:ffff::']],
    ['benchmarking', 'RFC 5180', ['2001:2::', '2001:2:0:ffff::']],
    ['overlay identifiers', 'RFC 4843', ['2001:10::', '2001:1f:ffff::']],
    ['overlay identifiers', 'RFC 7343', ['2001:20::', '2001:2f:ffff::']],
    ['IETF protocol assignments', 'RFC 2928', ['2001:1::1', '2001:3::', '2001:1ff:ffff::']],
    ['documentation', 'RFC 3849', ['2001:db8::', '2001:db8:ffff::']],
    ['documentation', 'RFC 9637', ['3fff::', '3fff:fff:ffff::']],
    ['segment routing', 'RFC 9602', ['5f00::']],
    ['unique local', 'RFC 4193', ['fc00::', 'fdff:ffff::']],
    ['link local', 'RFC 4291', ['fe80::1', 'febf:ffff::']],
    ['site local', 'RFC 3879', ['fec0::', 'feff:ffff::']],
    ['multicast', 'RFC 4291', ['ff00::', 'ff02::1']],
    ['not an address', 'RFC 4291', ['', 'example.com', '1.2.3', 'fe80::1%eth0', '[::1]']],
  ] as const;
  for (const [name, rfc, addresses] of special) {
    for (const address of addresses) {
      it(`finds ${JSON.stringify(address)} in ${name}, ${rfc}`, () => {
        assert.deepEqual(specialRange(address), { name, rfc });
      });
    }
  }

  const carried = [
    ['mapped', '::ffff:10.0.0.1', 'private use'],
    ['mapped in hex', '::ffff:7f00:1', 'loopback'],
    ['NAT64', '64:ff9b::169.254.169.254', 'link local'],
    ['NAT64', '64:ff9b::10.1.2.3', 'private use'],
    ['6to4', '2002:7f00:1::', 'loopback'],
    ['6to4', '2002:c0a8:101:5::9', 'private use'],
    ['ISATAP', '2606:4700::5efe:10.0.0.1', 'private use'],
    ['ISATAP, universal', '2606:4700::200:5efe:10.0.0.1', 'private use'],
  ] as const;
  for (const [kind, address, name] of carried) {
    it(`judges the IPv4 address inside ${kind} ${address}`, () => {
      assert.equal(specialRange(address)?.name, name);
    });
  }

  const open = [
    '1.0.0.0 9.255.255.255 11.0.0.0 93.184.215.14 100.63.255.255 100.128.0.0',
    '126.255.255.255 128.0.0.0 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0',
    '191.255.255.255 192.0.1.0 192.0.3.0 192.88.98.255 192.167.0.1 192.169.0.0',
    '198.17.255.255 198.20.0.0 203.0.112.255 203.0.114.0 223.255.255.255 2000::',
    '2001:200:: 2001:4860:4860::8888 2001:db7::1 2001:db9:: 2606:4700::1111',
    '3ffe:ffff:: 3fff:1000:: ::ffff:93.184.215.14 64:ff9b::93.184.215.14',
    '2002:5db8:d70e::1 2606:4700::5efe:93.184.215.14',
  ].flatMap((line) => line.split(' '));
  for (const address of open) {
    it(`leaves ${address} alone`, () => assert.equal(specialRange(address), undefined));
  }
});

describe('embeddedIpv4', () => {
  const cases = [
    { text: '64:ff9b:1::10.0.0.1', want: 0x0a000001 },
    { text: '2001::f5ff:fffe', want: 0x0a000001 }, // Teredo, inverted
    { text: '::10.0.0.1', want: 0x0a000001 },
    { text: '2606:4700::1', want: undefined },
    { text: '64:ff9b::1:0:0', want: undefined },
  ];
  for (const { text, want } of cases) {
    it(`finds ${want ?? 'nothing'} in ${text}`, () => {
      const words = readIpv6(text);
      assert.ok(words);
      assert.equal(embeddedIpv4(words), want);
    });
  }
  it('takes a mapped address for what it carries', () => {
    assert.equal(embeddedIpv4([0, 0, 0xffff, 0x0a000001]), 0x0a000001);
  });
});

describe('isLoopbackOrUnspecified', () => {
  const own = [
    '127.0.0.1 127.255.255.255 0.0.0.0 ::1 :: ::ffff:127.0.0.1 ::127.0.0.1',
    '64:ff9b::127.0.0.1 64:ff9b:1::127.0.0.1 2002:7f00:1:: 64:ff9b::',
    '2606:4700::5efe:127.0.0.1',
  ].flatMap((line) => line.split(' '));
  for (const address of own) {
    it(`is true of ${address}`, () => assert.equal(isLoopbackOrUnspecified(address), true));
  }
  for (const address of ['10.0.0.1', '128.0.0.1', '::10.0.0.1', 'fe80::1', '2606:4700::1', 'x']) {
    it(`is false of ${address}`, () => assert.equal(isLoopbackOrUnspecified(address), false));
  }
});
