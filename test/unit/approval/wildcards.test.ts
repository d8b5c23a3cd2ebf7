import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseScope } from '../../../src/approval/scope.ts';
import { offerWildcards } from '../../../src/approval/wildcards.ts';
import type { Destination } from '../../../src/policy/destination.ts';
import { makeDestination } from '../../support/asking.ts';

const none = (): readonly string[] => [];

describe('offerWildcards', () => {
  it('offers the domain of the owner, with names seen below it', () => {
    const seen = (domain: string, limit: number) =>
      Array.from({ length: limit }, (_, n) => `${'abcdefgh'[n]}.${domain}`);
    assert.deepEqual(offerWildcards(makeDestination('b.example.co.uk'), seen), {
      wildcards: [
        {
          host: '*.example.co.uk',
          covers: ['b', 'a', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => `${name}.example.co.uk`),
        },
      ],
      exactOnly: null,
    });
  });

  it('offers the narrower domain first', () => {
    const seen = (domain: string) => (domain === 'example.net' ? ['www.example.net'] : []);
    assert.deepEqual(offerWildcards(makeDestination('a.b.c.example.net'), seen).wildcards, [
      { host: '*.b.c.example.net', covers: ['a.b.c.example.net'] },
      { host: '*.example.net', covers: ['a.b.c.example.net', 'www.example.net'] },
    ]);
  });

  const exact: readonly (readonly [Destination, string])[] = [
    [makeDestination('93.184.215.14', 443, { kind: 'ipv4' }), 'an address has no subdomains'],
    [makeDestination('2001:db8::1', 443, { kind: 'ipv6' }), 'an address has no subdomains'],
    [makeDestination('intranet'), 'a single label has nothing above it'],
    [
      makeDestination('x.corp.internal'),
      '".internal" is not on the public suffix list, so nobody can tell who owns what is below it',
    ],
    [makeDestination('co.uk'), 'co.uk is shared by many owners'],
    [makeDestination('github.io'), 'github.io is shared by many owners'],
    [makeDestination('foo.github.io'), 'github.io is shared by many owners'],
    [makeDestination('bucket.s3.amazonaws.com'), 's3.amazonaws.com is shared by many owners'],
    [makeDestination('example.net'), '*.example.net would not cover example.net itself'],
  ];
  for (const [destination, exactOnly] of exact) {
    it(`offers nothing wider than ${destination.host}`, () => {
      assert.deepEqual(offerWildcards(destination, none), { wildcards: [], exactOnly });
    });
  }

  it('offers nothing that an answer may not say', () => {
    const hosts = [
      'a.example.com',
      'a.b.example.co.uk',
      'x.foo.github.io',
      'a.b.foo.github.io',
      'a.bucket.s3.amazonaws.com',
      'api.eu.example.dev',
      'xn--a-0fa.example.net',
      'a.kobe.jp',
      'x.y.kobe.jp',
      'a.b.c.kawasaki.jp',
      'city.kawasaki.jp',
      'a.city.kawasaki.jp',
      'www.ck',
      'a.www.ck',
    ];
    for (const host of hosts) {
      const destination = makeDestination(host);
      for (const offer of offerWildcards(destination, none).wildcards) {
        const scope = parseScope({ outcome: 'allow', for: '1h', host: offer.host }, destination);
        assert.ok(scope.ok && scope.value.host === offer.host, `${host}: ${offer.host}`);
      }
    }
  });
});
