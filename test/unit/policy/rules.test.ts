// Compiled rules: which rule is named, that ports hold, and that a lookup does not grow with the rules.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pattern } from '../../../src/policy/pattern.ts';
import { compilePolicy } from '../../../src/policy/rules.ts';
import type { PolicyInput } from '../../../src/policy/rules.ts';
import { makePolicy, makeRule } from '../../support/policy.ts';

describe('matchAllow', () => {
  const policy = makePolicy({
    allow: [
      '*',
      '**.example.com',
      '*.example.com:8443',
      'a*.example.com',
      'a*.example.com:22',
      'www.example.com',
      'www.example.com:22',
      '*.deep.example.com',
      '**.both.test',
      '*.both.test',
      '10.0.0.0/8',
      '10.1.0.0/16',
      '10.1.2.3',
      '10.1.2.3:22',
      'fd00::/8',
      'fd00:1::/32',
    ],
  });
  const cases = [
    { host: 'www.example.com', port: 443, want: 'www.example.com' },
    { host: 'www.example.com', port: 22, want: 'www.example.com:22' },
    { host: 'example.com', port: 443, want: '**.example.com' },
    { host: 'b.example.com', port: 443, want: '**.example.com' },
    { host: 'b.example.com', port: 8443, want: '*.example.com:8443' },
    { host: 'abc.example.com', port: 443, want: 'a*.example.com' },
    { host: 'abc.example.com', port: 22, want: 'a*.example.com:22' },
    { host: 'x.abc.example.com', port: 443, want: '**.example.com' },
    { host: 'x.deep.example.com', port: 443, want: '*.deep.example.com' },
    { host: 'deep.example.com', port: 443, want: '**.example.com' },
    { host: 'x.both.test', port: 443, want: '*.both.test' },
    { host: 'both.test', port: 443, want: '**.both.test' },
    { host: 'other.test', port: 443, want: '*' },
    { host: '10.2.0.1', port: 443, want: '10.0.0.0/8' },
    { host: '10.1.9.9', port: 443, want: '10.1.0.0/16' },
    { host: '10.1.2.3', port: 443, want: '10.1.2.3' },
    { host: '10.1.2.3', port: 22, want: '10.1.2.3:22' },
    { host: '11.0.0.1', port: 443, want: '*' },
    { host: 'fd00:1::1', port: 443, want: 'fd00:1::/32' },
    { host: 'fd01::1', port: 443, want: 'fd00::/8' },
    { host: 'fc00::1', port: 443, want: '*' },
  ];
  for (const { host, port, want } of cases) {
    it(`names ${want} for ${host}:${port}, the most specific`, () => {
      assert.equal(policy.matchAllow(host, kindOf(host), port)?.text, want);
    });
  }
});

function kindOf(host: string): 'name' | 'ipv4' | 'ipv6' {
  if (host.includes(':')) return 'ipv6';
  return /^[\d.]+$/.test(host) ? 'ipv4' : 'name';
}

describe('a policy', () => {
  it('matches suffixes at a label border only', () => {
    const policy = makePolicy({ deny: ['**.example.com'] });
    const hosts = ['example.com', 'a.example.com', 'xexample.com', 'com', 'example.com.test'];
    const found = hosts.filter((host) => policy.matchDeny(host, 'name', 80) !== undefined);
    assert.deepEqual(found, ['example.com', 'a.example.com']);
  });

  it('keeps allow and deny apart', () => {
    const policy = makePolicy({ allow: ['a.test'], deny: ['b.test'] });
    assert.equal(policy.matchAllow('b.test', 'name', 80), undefined);
    assert.equal(policy.matchDeny('a.test', 'name', 80), undefined);
  });

  it('names the first of two rules with the same text', () => {
    const rules = ['a.test', 'a.test:22', '*.a.test', 'a*.b.test', '10.0.0.0/8'].flatMap((text) => [
      makeRule('allow', text, 7),
      makeRule('allow', text, 9),
    ]);
    const policy = compilePolicy({ ...settings, rules });
    const lines = [
      policy.matchAllow('a.test', 'name', 80),
      policy.matchAllow('a.test', 'name', 22),
      policy.matchAllow('x.a.test', 'name', 80),
      policy.matchAllow('ax.b.test', 'name', 80),
      policy.matchAllow('10.0.0.1', 'ipv4', 80),
    ].map((ref) => ref?.origin.line);
    assert.deepEqual(lines, [7, 7, 7, 7, 7]);
    assert.deepEqual(policy.counts, { allow: 5, deny: 0 });
  });

  it('counts every kind of rule', () => {
    const texts = ['a.test', 'a.test:1', 'a.test:2', '*.a.test', '**.a.test', 'a*.a.test', '::1'];
    const policy = makePolicy({ allow: [...texts, '*', '10.0.0.1'], deny: texts });
    assert.deepEqual(policy.counts, { allow: 9, deny: 7 });
  });

  it('finds a rule for one port among several', () => {
    const policy = makePolicy({ allow: ['a.test:1', 'a.test:2', '10.0.0.1:1', '*:3'] });
    assert.equal(policy.matchAllow('a.test', 'name', 2)?.text, 'a.test:2');
    assert.equal(policy.matchAllow('a.test', 'name', 4), undefined);
    assert.equal(policy.matchAllow('b.test', 'name', 3)?.text, '*:3');
    assert.equal(policy.matchAllow('10.0.0.1', 'ipv4', 2), undefined);
  });

  it('refuses a rule of a shape that no type knows', () => {
    const odd = { ...makeRule('allow', 'a.test'), pattern: { shape: 'odd' } as unknown as Pattern }; // cast: a bug elsewhere
    assert.throws(() => compilePolicy({ ...settings, rules: [odd] }), TypeError);
  });

  it('cannot be changed', () => {
    const policy = makePolicy();
    assert.ok(Object.isFrozen(policy) && Object.isFrozen(policy.counts));
  });
});

describe('namesExactly and coversAddress', () => {
  const policy = makePolicy({
    allow: ['*', '**.a.test', 'b.test', 'localhost:80', '10.0.0.0/8', 'fd00::1'],
    deny: ['127.0.0.1'],
  });
  const cases = [
    { host: 'a.test', port: 80, want: undefined },
    { host: 'x.a.test', port: 80, want: undefined },
    { host: 'b.test', port: 80, want: 'b.test' },
    { host: 'localhost', port: 80, want: 'localhost:80' },
    { host: 'localhost', port: 81, want: undefined },
    { host: '10.0.0.1', port: 80, want: '10.0.0.0/8' },
    { host: '127.0.0.1', port: 80, want: undefined },
    { host: 'fd00::1', port: 80, want: 'fd00::1' },
    { host: 'fd00::2', port: 80, want: undefined },
  ];
  for (const { host, port, want } of cases) {
    it(`${want === undefined ? 'finds nothing that names' : `finds ${want} to name`} ${host}:${port}`, () => {
      assert.equal(policy.namesExactly(host, kindOf(host), port)?.text, want);
    });
  }
  it('covers only what is an address', () => {
    assert.equal(policy.coversAddress('10.9.9.9', 80)?.text, '10.0.0.0/8');
    assert.equal(policy.coversAddress('11.0.0.1', 80), undefined);
    assert.equal(policy.coversAddress('b.test', 80), undefined);
    assert.equal(makePolicy({ allow: ['*'] }).coversAddress('10.0.0.1', 80), undefined);
  });
});

describe('matchDeny on IPv6', () => {
  it('sees the denied IPv4 address inside', () => {
    const policy = makePolicy({ deny: ['93.184.215.14:443'] });
    const hosts = ['64:ff9b::5db8:d70e', '2002:5db8:d70e::1', '::5db8:d70e', '2606:4700::1'];
    const found = hosts.filter((host) => policy.matchDeny(host, 'ipv6', 443) !== undefined);
    assert.deepEqual(found, hosts.slice(0, 3));
    assert.equal(policy.matchDeny('64:ff9b::5db8:d70e', 'ipv6', 80), undefined);
    assert.equal(policy.matchDeny('not an address', 'ipv6', 443), undefined);
  });
  it('never allows by the address inside', () => {
    const policy = makePolicy({ allow: ['93.184.215.14'] });
    assert.equal(policy.matchAllow('64:ff9b::5db8:d70e', 'ipv6', 443), undefined);
  });
});

const settings: Omit<PolicyInput, 'rules'> = {
  enabled: true,
  mode: 'full',
  unknown: 'ask',
  allowLocalBinding: false,
  managedOnly: false,
};

describe('the version', () => {
  const rules = [makeRule('allow', 'a.test'), makeRule('deny', 'b.test')];
  const { version } = compilePolicy({ ...settings, rules });
  it('is twelve hex digits, the same for the same content wherever it stands', () => {
    assert.match(version, /^[0-9a-f]{12}$/);
    const moved = [makeRule('allow', 'a.test', 5), makeRule('deny', 'b.test', 6)];
    assert.equal(compilePolicy({ ...settings, rules: moved }).version, version);
  });
  const changes: readonly Partial<PolicyInput>[] = [
    { enabled: false },
    { mode: 'limited' },
    { unknown: 'deny' },
    { allowLocalBinding: true },
    { managedOnly: true },
    { rules: [] },
    { rules: [makeRule('deny', 'a.test'), makeRule('deny', 'b.test')] },
    { rules: [makeRule('allow', 'a.test:22'), makeRule('deny', 'b.test')] },
  ];
  for (const change of changes) {
    it(`changes with ${JSON.stringify(change).slice(0, 60)}`, () => {
      assert.notEqual(compilePolicy({ ...settings, rules, ...change }).version, version);
    });
  }
});

describe('a large policy', () => {
  it('finds every rule among twenty thousand', () => {
    const texts = Array.from({ length: 5000 }, (_, index) => [
      `h${index}.example.com`,
      `*.s${index}.example.com`,
      `r${index}-*.example.com`,
      `10.${index >> 8}.${index & 255}.0/24`,
    ]).flat();
    const policy = makePolicy({ allow: texts });
    assert.deepEqual(policy.counts, { allow: 20_000, deny: 0 });
    for (let index = 0; index < 5000; index += 1) {
      const found = [
        policy.matchAllow(`h${index}.example.com`, 'name', 443),
        policy.matchAllow(`a.s${index}.example.com`, 'name', 443),
        policy.matchAllow(`r${index}-x.example.com`, 'name', 443),
        policy.matchAllow(`10.${index >> 8}.${index & 255}.9`, 'ipv4', 443),
      ];
      assert.deepEqual(
        found.map((ref) => ref?.text),
        texts.slice(index * 4, index * 4 + 4),
      );
    }
  });
});
