import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compareNames, readName } from '../../../src/approval/look-alike.ts';
import {
  createNameIndex,
  cutsOf,
  decodeName,
  findResemblance,
  hostsOfRules,
} from '../../../src/approval/name-index.ts';
import { makeRule } from '../../support/policy.ts';

const index = createNameIndex(['api.openai.com', 'github.com', 'github.io', 'warehouse-eu.test']);

describe('createNameIndex', () => {
  it('knows registrable domains and shared suffixes, each once', () => {
    const known = createNameIndex(['a.example.com', 'b.example.com', 'github.io', '192.0.2.1']);
    known.add('c.example.com');
    assert.deepEqual(
      ['example.com', 'a.example.com', 'github.io', 'io'].map((name) => known.has(name)),
      [true, false, true, false],
    );
    assert.equal(known.size(), 3);
    const hosts = ['a.example.com', 'c.example.com', 'example.com', 'd.example.com'];
    assert.deepEqual(hosts.map(known.hasHost), [true, true, false, false]);
  });

  it('gives every name that a comparison one by one finds', () => {
    const letters = ['a', 'e', 'l', 'm', 'n', 'r', 'rn', 'o', '0', '-'];
    const hosts = Array.from({ length: 400 }, (_, n) => {
      const label = [n % 10, (n >> 1) % 10, (n >> 3) % 10].map((at) => letters[at]).join('');
      return `x${label}warehouse${n % 3}${n % 5 === 0 ? '-north' : ''}x.test`;
    });
    const names = hosts.flatMap((host) => readName(host) ?? []);
    const all = createNameIndex(hosts.slice(0, 30));
    const near = (of: (typeof names)[number]) =>
      new Set(all.near(of, cutsOf(of)).map(({ domain }) => domain));
    for (const name of names) {
      const found = near(name);
      const missed = names
        .slice(0, 30)
        .filter((each) => compareNames(name, each) !== undefined && !found.has(each.domain));
      assert.deepEqual(missed, [], name.host);
    }
  });

  it('costs no more among ten thousand names than among ten', () => {
    const few = createNameIndex(Array.from({ length: 10 }, (_, n) => `service-number-${n}.test`));
    const many = createNameIndex(
      Array.from({ length: 10_000 }, (_, n) => `service-${n.toString(36)}-number.test`),
    );
    const asked = readName('servise-nunber.test');
    assert.ok(asked !== undefined);
    assert.ok(few.near(asked, cutsOf(asked)).length <= 10);
    assert.ok(many.near(asked, cutsOf(asked)).length <= 2000);
    assert.ok(many.size() === 10_000);
  });
});

describe('cutsOf', () => {
  const cases = [
    ['a.test', 2],
    ['docker.test', 7],
    ['gogle.test', 6],
    ['google.test', 6],
    ['abcdefghijkl.test', 1 + 12 + 66],
    ['abcdefghijklmnopqrstuvwxy.test', 26],
  ] as const;
  for (const [host, want] of cases) {
    it(`gives ${want} for ${host}`, () => {
      const name = readName(host);
      assert.equal(name && cutsOf(name).size, want);
    });
  }
});

describe('findResemblance', () => {
  const cases = [
    ['registry.0penai.com', 'confusable', 'openai.com', '0penai.com', '"0" for "o"'],
    ['githib.com', 'typo', 'github.com', 'githib.com', '"i" for "u"'],
    ['warehoues-ue.test', 'typo', 'warehouse-eu.test', 'warehoues-ue.test', '"es-ue" for "se-eu"'],
    ['github.co', 'suffix', 'github.com', 'github.co', '".co" for ".com"'],
    ['api.openai.com.evil.test', 'subdomain', 'openai.com', 'evil.test', ''],
    ['openai-com.evil.test', 'subdomain', 'openai.com', 'evil.test', ''],
    ['github.com-login.evil.test', 'subdomain', 'github.com', 'evil.test', ''],
    ['me.github.io.evil.test', 'subdomain', 'github.io', 'evil.test', ''],
    ['openai.com.s3.amazonaws.com', 'subdomain', 'openai.com', 'com.s3.amazonaws.com', ''],
  ] as const;
  for (const [host, kind, of, domain, difference] of cases) {
    it(`finds that ${host} is like ${of}`, () => {
      assert.deepEqual(findResemblance(host, [index]), { kind, of, domain, difference });
    });
  }

  for (const host of [
    'openai.com',
    'x.api.openai.com',
    'api.github.com',
    'github.io',
    'a',
    '1.2',
  ]) {
    it(`says nothing of ${host}`, () => assert.equal(findResemblance(host, [index]), undefined));
  }

  it('says nothing of a name that any index knows', () => {
    const other = createNameIndex(['githib.com']);
    assert.equal(findResemblance('githib.com', [index, other]), undefined);
  });

  it('prefers letters that look alike to slips, and the first index among equals', () => {
    const first = createNameIndex(['github.org', 'qithub.com']);
    const found = findResemblance('glthub.com', [first, index]);
    assert.deepEqual([found?.kind, found?.of], ['confusable', 'github.org']);
  });
});

describe('hostsOfRules', () => {
  it('gives the names of allow rules', () => {
    const rules = [
      makeRule('allow', 'api.example.com:443'),
      makeRule('allow', '*.example.net'),
      makeRule('allow', '**.example.org'),
      makeRule('allow', 'region*.v2.example.dev'),
      makeRule('allow', '*'),
      makeRule('allow', '93.184.215.0/24'),
      makeRule('deny', 'evil.example'),
    ];
    assert.deepEqual(hostsOfRules(rules), [
      'api.example.com',
      'example.net',
      'example.org',
      'v2.example.dev',
    ]);
  });
});

describe('decodeName', () => {
  it('decodes each label that can be', () => {
    assert.equal(decodeName('a.xn--mnchen-3ya.xn--a.test'), 'a.münchen.xn--a.test');
    assert.equal(decodeName('plain.test'), 'plain.test');
  });
});
