import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseHosts, parseNameservers, parseSources } from '../../../src/proxy/system-files.ts';

describe('parseHosts', () => {
  const cases = [
    { name: 'an empty file', text: '', want: [] },
    { name: 'comments and blank lines', text: '# 10.0.0.1 a.test\n\n  \n', want: [] },
    {
      name: 'several names on a line, canonical',
      text: '10.0.0.1\tA.Test. b.test # c.test\r\n',
      want: [
        ['a.test', ['10.0.0.1']],
        ['b.test', ['10.0.0.1']],
      ],
    },
    {
      name: 'several addresses for a name, each once',
      text: '10.0.0.1 a.test\n0:0:0:0:0:0:0:1 a.test\n10.0.0.1 a.test',
      want: [['a.test', ['10.0.0.1', '::1']]],
    },
    {
      name: 'what is no address, zones among it',
      text: 'a.test b.test\nfe80::1%lo0 a.test',
      want: [],
    },
    { name: 'a name that is an address', text: '10.0.0.1 10.0.0.2', want: [] },
  ];
  for (const { name, text, want } of cases) {
    it(`reads ${name}`, () => assert.deepEqual([...parseHosts(text)], want));
  }
});

describe('parseNameservers', () => {
  it('reads nameserver lines and nothing else', () => {
    const text = 'search a.test\nnameserver 10.0.0.1\n#nameserver 10.0.0.2\n nameserver ::1 # x\n';
    assert.deepEqual(parseNameservers(text), ['10.0.0.1', '::1']);
  });
});

describe('parseSources', () => {
  const cases = [
    { text: '', want: 'none' },
    { text: 'passwd: files sss\nhosts: files dns\n', want: 'none' },
    { text: 'hosts:\tfiles mdns4_minimal [NOTFOUND=return] dns # wins', want: 'local' },
    { text: 'hosts: mymachines resolve [!UNAVAIL=return] files myhostname dns', want: 'any' },
  ];
  for (const { text, want } of cases) {
    it(`takes ${JSON.stringify(text)} for ${want}`, () => assert.equal(parseSources(text), want));
  }
});
