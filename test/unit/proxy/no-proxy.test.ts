import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseNoProxy } from '../../../src/proxy/no-proxy.ts';

const hosts = [
  'a.test',
  'x.a.test',
  'y.x.a.test',
  'xa.test',
  'b.test',
  '10.0.0.1',
  '10.1.2.3',
  '11.1.2.3',
  '::1',
  'fd00::1',
  'fe80::1',
] as const;

describe('parseNoProxy', () => {
  const cases: readonly { name: string; list: string; want: readonly string[] }[] = [
    { name: 'nothing', list: '', want: [] },
    { name: 'separators alone', list: ' ,\t, ', want: [] },
    { name: 'a star', list: '*', want: hosts },
    { name: 'a star among others', list: 'b.test,*', want: hosts },
    { name: 'a name and all below it', list: 'a.test', want: ['a.test', 'x.a.test', 'y.x.a.test'] },
    { name: 'a name below another', list: 'x.a.test', want: ['x.a.test', 'y.x.a.test'] },
    { name: 'a leading dot', list: '.b.test', want: ['b.test'] },
    { name: 'a leading star', list: '*.x.a.test', want: ['x.a.test', 'y.x.a.test'] },
    { name: 'a final dot', list: 'b.test.', want: ['b.test'] },
    { name: 'capitals and blanks', list: ' B.Test\n,XA.TEST ', want: ['xa.test', 'b.test'] },
    { name: 'a star within a name', list: 'x*.a.test', want: [] },
    { name: 'a dot alone', list: '.', want: [] },
    { name: 'the port asked for', list: 'b.test:443', want: ['b.test'] },
    { name: 'another port', list: 'b.test:8443', want: [] },
    { name: 'a port that is none', list: 'b.test:443x', want: [] },
    { name: 'an IPv4 address', list: '10.0.0.1', want: ['10.0.0.1'] },
    { name: 'an IPv4 address with the port', list: '10.0.0.1:443', want: ['10.0.0.1'] },
    { name: 'an IPv4 address with another port', list: '10.0.0.1:80', want: [] },
    { name: 'an IPv6 address', list: '::1', want: ['::1'] },
    { name: 'an IPv6 address in brackets', list: '[FD00::1]', want: ['fd00::1'] },
    { name: 'an IPv6 address spelt at length', list: 'fd00:0:0:0:0:0:0:01', want: ['fd00::1'] },
    { name: 'an IPv4 address within IPv6', list: '::ffff:10.0.0.1', want: ['10.0.0.1'] },
    { name: 'an IPv6 address with the port', list: '[0:0::1]:443', want: ['::1'] },
    { name: 'an IPv6 address with another port', list: '[::1]:80', want: [] },
    { name: 'a zone id', list: 'fe80::1%lo', want: [] },
    { name: 'a block of IPv4', list: '10.0.0.0/8', want: ['10.0.0.1', '10.1.2.3'] },
    { name: 'a block of one', list: '10.1.2.3/32', want: ['10.1.2.3'] },
    { name: 'a block whose address has host bits', list: '10.1.9.9/16', want: ['10.1.2.3'] },
    { name: 'a block of IPv6', list: 'fd00::/8', want: ['fd00::1'] },
    { name: 'all of IPv4', list: '0.0.0.0/0', want: ['10.0.0.1', '10.1.2.3', '11.1.2.3'] },
    { name: 'a block without its length', list: '10.0.0.0/', want: [] },
    { name: 'a block too long', list: '10.0.0.0/33,fd00::/129', want: [] },
    { name: 'a block that says it twice', list: '10.0.0.0/8/8', want: [] },
    { name: 'a length that is no number', list: '10.0.0.0/0x8,10.0.0.0/-1,a/b', want: [] },
    { name: 'a block of names', list: 'a.test/8', want: [] },
    { name: 'several', list: '11.0.0.0/8 ::1;, b.test', want: ['b.test', '11.1.2.3'] },
  ];
  for (const { name, list, want } of cases) {
    it(`reads ${name}`, () => {
      const isExempt = parseNoProxy(list);
      assert.deepEqual(
        hosts.filter((host) => isExempt({ host, port: 443 })),
        want,
      );
    });
  }
});
