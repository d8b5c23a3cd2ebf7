// What a rule may say, how far its stars reach, and the mend that each mistake is given.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createStarMatcher, parsePattern } from '../../../src/policy/pattern.ts';
import type { PatternOptions } from '../../../src/policy/pattern.ts';

const allow: PatternOptions = { outcome: 'allow', port: true };
const deny: PatternOptions = { outcome: 'deny', port: true };
const codex: PatternOptions = { outcome: 'allow', port: false };

const noWarning: readonly string[] = [];
const starWarning = ['has a star that stays inside its label here; in Codex it also crosses dots'];

describe('parsePattern', () => {
  const port = undefined;
  const cases = [
    {
      text: 'Example.COM.',
      want: { shape: 'exact', text: 'example.com', name: 'example.com', port, warnings: noWarning },
    },
    {
      text: 'b\u00fccher.example:8443',
      want: {
        shape: 'exact',
        text: 'xn--bcher-kva.example:8443',
        name: 'xn--bcher-kva.example',
        port: 8443,
        warnings: noWarning,
      },
    },
    {
      text: '*.Example.com',
      want: {
        shape: 'below',
        text: '*.example.com',
        name: 'example.com',
        port,
        warnings: noWarning,
      },
    },
    {
      text: '**.example.com:443',
      want: {
        shape: 'apex_and_below',
        text: '**.example.com:443',
        name: 'example.com',
        port: 443,
        warnings: noWarning,
      },
    },
    {
      text: '*',
      want: {
        shape: 'any',
        text: '*',
        port,
        warnings: [
          'allows every public host; name the hosts, or set unknown = "ask" and answer what comes up',
        ],
      },
    },
    {
      text: 'Region*.a.*.b\u00fc.example.',
      want: {
        shape: 'star',
        text: 'region*.a.*.xn--b-eha.example',
        name: 'region*.a.*.xn--b-eha.example',
        fixed: 'xn--b-eha.example',
        port,
        warnings: starWarning,
      },
    },
    {
      text: 'a*.example.com:80',
      want: {
        shape: 'star',
        text: 'a*.example.com:80',
        name: 'a*.example.com',
        fixed: 'example.com',
        port: 80,
        warnings: starWarning,
      },
    },
    {
      text: '10.0.0.1:80',
      want: {
        shape: 'network',
        text: '10.0.0.1:80',
        base: { family: 4, value: 0x0a000001 },
        length: 32,
        port: 80,
        warnings: noWarning,
      },
    },
    {
      text: '::ffff:10.0.0.1',
      want: {
        shape: 'network',
        text: '10.0.0.1',
        base: { family: 4, value: 0x0a000001 },
        length: 32,
        port,
        warnings: noWarning,
      },
    },
    {
      text: '[0::1]',
      want: {
        shape: 'network',
        text: '::1',
        base: { family: 6, words: [0, 0, 0, 1] },
        length: 128,
        port,
        warnings: noWarning,
      },
    },
    {
      text: '[::1]:3000',
      want: {
        shape: 'network',
        text: '[::1]:3000',
        base: { family: 6, words: [0, 0, 0, 1] },
        length: 128,
        port: 3000,
        warnings: noWarning,
      },
    },
    {
      text: '192.168.0.0/16:22',
      want: {
        shape: 'network',
        text: '192.168.0.0/16:22',
        base: { family: 4, value: 0xc0a80000 },
        length: 16,
        port: 22,
        warnings: noWarning,
      },
    },
    {
      text: '[FC00::/7]:22',
      want: {
        shape: 'network',
        text: '[fc00::/7]:22',
        base: { family: 6, words: [0xfc000000, 0, 0, 0] },
        length: 7,
        port: 22,
        warnings: noWarning,
      },
    },
  ] as const;
  for (const { text, want } of cases) {
    it(`reads ${text}`, () =>
      assert.deepEqual(parsePattern(text, allow), { ok: true, value: want }));
  }

  const denied = [
    ['*.zip', 'below', ['denies everything below "zip"']],
    ['**.zip', 'apex_and_below', ['denies everything below "zip"']],
    ['evil*.zip', 'star', starWarning],
    ['128.0.0.0/1', 'network', noWarning],
  ] as const;
  for (const [text, shape, warnings] of denied) {
    it(`lets a deny be as broad as ${text}`, () => {
      const read = parsePattern(text, deny);
      assert.ok(read.ok);
      assert.deepEqual([read.value.shape, read.value.warnings], [shape, warnings]);
    });
    it(`refuses an allow as broad as ${text}`, () => {
      assert.match(JSON.stringify(parsePattern(text, allow)), /is too broad/);
    });
  }

  const refused = [
    [allow, '', '"" is empty; name a host, such as "example.com"'],
    [allow, ' \t', '" \\t" is empty; name a host, such as "example.com"'],
    [allow, ' example.com', '" example.com" has blanks around it; write "example.com"'],
    [allow, 'a..b ', '"a..b " has blanks around it; write a host, such as "example.com"'],
    [
      allow,
      'https://example.com/a?b',
      '"https://example.com/a?b" is a URL, not a host; write "example.com"',
    ],
    [
      allow,
      'https://u@example.com:8443/',
      '"https://u@example.com:8443/" is a URL, not a host; write "example.com:8443"',
    ],
    [
      codex,
      'https://example.com:8443/',
      '"https://example.com:8443/" is a URL, not a host; write "example.com"',
    ],
    [allow, 'https://', '"https://" is a URL, not a host; write a host, such as "example.com"'],
    [allow, 'git@example.com', '"git@example.com" has a user name; write "example.com"'],
    [allow, 'fe80::1%lo0', '"fe80::1%lo0" has a zone id or an escape; write "fe80::1"'],
    [
      allow,
      '[fe80::1%lo0]:80',
      '"[fe80::1%lo0]:80" has a zone id or an escape; write "[fe80::1]:80"',
    ],
    [allow, 'example.com/path', '"example.com/path" has a path; write "example.com"'],
    [allow, '*.example.com/*', '"*.example.com/*" has a path; write "*.example.com"'],
    [
      allow,
      'a?.example.com',
      '"a?.example.com" has a sign that patterns do not have; only "*" stands for other text',
    ],
    [
      allow,
      '{a,b}.example.com',
      '"{a,b}.example.com" has a sign that patterns do not have; only "*" stands for other text',
    ],
    [
      allow,
      '!example.com',
      '"!example.com" has a sign that patterns do not have; only "*" stands for other text',
    ],
    [allow, 'x'.repeat(1001), `"${'x'.repeat(100)}\u2026" is longer than any host`],
    [
      allow,
      '[ab].example.com',
      '"[ab].example.com" has brackets; they stand only around an IPv6 address',
    ],
    [allow, '[10.0.0.1]', '"[10.0.0.1]" has brackets; they stand only around an IPv6 address'],
    [allow, '[::1', '"[::1" has brackets; they stand only around an IPv6 address'],
    [
      codex,
      'example.com:443',
      '"example.com:443" has a port, and rules here cover every port; write "example.com"',
    ],
    [codex, '[::1]:443', '"[::1]:443" has a port, and rules here cover every port; write "[::1]"'],
    [
      allow,
      'example.com:0',
      '"example.com:0" has a port that is not 1 to 65535; for every port write "example.com"',
    ],
    [
      allow,
      'example.com:*',
      '"example.com:*" has a port that is not 1 to 65535; for every port write "example.com"',
    ],
    [allow, '[::1]:x', '"[::1]:x" has a port that is not 1 to 65535; for every port write "[::1]"'],
    [
      deny,
      '*',
      '"*" would deny everything; set unknown = "deny" and list what may pass in allowed_domains',
    ],
    [
      deny,
      '*:443',
      '"*:443" would deny everything; set unknown = "deny" and list what may pass in allowed_domains',
    ],
    [allow, '**', '"**" is not a pattern; every host is "*"'],
    [
      allow,
      '.example.com',
      '".example.com" starts with a dot; write "*.example.com" for what is below, or "**.example.com"',
    ],
    [allow, 'a..b', '"a..b" is not a host: the host has an empty label'],
    [allow, '1.2.3', '"1.2.3" is not a host: a host that ends in a number is four decimal parts'],
    [allow, '*.com', '"*.com" is too broad; name at least two labels, such as "*.example.com"'],
    [allow, '**.com', '"**.com" is too broad; name at least two labels, such as "**.example.com"'],
    [
      allow,
      '*.*.example.com',
      '"*.*.example.com" has a second star; "*." already covers every depth, such as "*.example.com"',
    ],
    [allow, '*.', '"*." is not a host pattern: the host is empty'],
    [allow, '*.10.0.0.1', '"*.10.0.0.1" has a star before an address; write "10.0.0.1"'],
    [allow, 'a*.10.0.0.1', '"a*.10.0.0.1" has a star before an address; write "10.0.0.1"'],
    [
      allow,
      '10.0.*',
      '"10.0.*" has a star in an address; write it as a CIDR block, such as "10.0.0.0/8"',
    ],
    [
      allow,
      '*example.com',
      '"*example.com" is too broad; write "**.example.com" if you mean that name and what is below',
    ],
    [
      allow,
      'api*.com',
      '"api*.com" is too broad; two labels must follow the star, such as "api*.example.com"',
    ],
    [
      allow,
      'a.b*.com',
      '"a.b*.com" is too broad; two labels must follow the star, such as "a.b*.example.com"',
    ],
    [allow, 'example.*', '"example.*" has a star in its last label; write the end of the name out'],
    [
      allow,
      'a**.example.com',
      '"a**.example.com" has "**" inside; it stands only at the start, as "**."',
    ],
    [allow, 'a*b*c*.example.com', '"a*b*c*.example.com" has more than two stars in one label'],
    [
      allow,
      'b\u00fc*.example.com',
      '"b\u00fc*.example.com" has a label that is no LDH label (with a star it is written in ASCII, as xn--\u2026)',
    ],
    [
      allow,
      '-*.example.com',
      '"-*.example.com" has a label that is no LDH label (with a star it is written in ASCII, as xn--\u2026)',
    ],
    [
      allow,
      `${'a'.repeat(63)}*.example.com`,
      `"${'a'.repeat(63)}*.example.com" has a label that is no LDH label (with a star it is written in ASCII, as xn--\u2026)`,
    ],
    [
      allow,
      'a*..example.com',
      '"a*..example.com" is not a host pattern: the host has an empty label',
    ],
    [
      allow,
      `*a.${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(60)}.${'e'.repeat(60)}.example`,
      `"*a.${'b'.repeat(60)}.${'c'.repeat(36)}\u2026" is longer than 253 octets`,
    ],
    [
      allow,
      '10.0.0.1/8',
      '"10.0.0.1/8" has bits set beyond /8; write "10.0.0.0/8" for the block or "10.0.0.1" for the address',
    ],
    [
      allow,
      'fd00::1/8',
      '"fd00::1/8" has bits set beyond /8; write "fd00::/8" for the block or "fd00::1" for the address',
    ],
    [allow, '10.0.0.0/33', '"10.0.0.0/33" has a prefix length that is not 0 to 32'],
    [allow, '10.0.0.0/08', '"10.0.0.0/08" has a prefix length that is not 0 to 32'],
    [allow, 'fd00::/129', '"fd00::/129" has a prefix length that is not 0 to 128'],
    [allow, '10.0.0.0/', '"10.0.0.0/" has a prefix length that is not 0 to 32'],
    [allow, '10.0.0.0/255.0.0.0', '"10.0.0.0/255.0.0.0" has a prefix length that is not 0 to 32'],
    [
      allow,
      '::ffff:10.0.0.0/104',
      '"::ffff:10.0.0.0/104" is an IPv4 block; write it as one, such as "192.0.2.0/24"',
    ],
    [allow, '0.0.0.0/0', '"0.0.0.0/0" is too broad; a block here is /8 or longer'],
    [allow, '::/0', '"::/0" is too broad; a block here is /7 or longer'],
    [deny, '0.0.0.0/0', '"0.0.0.0/0" is too broad; a block here is /1 or longer'],
  ] as const;
  for (const [options, text, problem] of refused) {
    it(`refuses ${options.outcome} ${JSON.stringify(text.slice(0, 40))}${options.port ? '' : ' where rules have no port'}`, () => {
      assert.deepEqual(parsePattern(text, options), { ok: false, problem });
    });
  }
});

describe('createStarMatcher', () => {
  const cases = [
    {
      text: 'region*.v2.example.com',
      yes: ['region1.v2.example.com', 'region.v2.example.com', 'region-a.v2.example.com'],
      no: ['xregion1.v2.example.com', 'foo.region1.v2.example.com', 'region1.x.v2.example.com'],
    },
    {
      text: 'a.*.example.com',
      yes: ['a.b.example.com'],
      no: ['a.example.com', 'a.b.c.example.com'],
    },
    {
      text: '*-api*.example.com',
      yes: ['x-api.example.com', 'y-api1.example.com'],
      no: ['api.example.com'],
    },
    {
      text: '*a.example.com',
      yes: ['a.example.com', 'aa.example.com'],
      no: ['ab.example.com', 'example.com'],
    },
  ];
  for (const { text, yes, no } of cases) {
    it(`keeps each star of ${text} inside its label`, () => {
      const read = parsePattern(text, allow);
      assert.ok(read.ok && read.value.shape === 'star');
      assert.deepEqual([...yes, ...no].filter(createStarMatcher(read.value)), yes);
    });
  }
});

describe('a star before a public suffix', () => {
  const inAllow = { outcome: 'allow', port: true } as const;
  it('is refused in an allow where a registry gives names to anybody', () => {
    assert.deepEqual(parsePattern('**.co.uk', inAllow), {
      ok: false,
      problem:
        '"**.co.uk" is too broad: anybody can register a name below "co.uk"; name one more label, such as "**.example.co.uk"',
    });
  });
  it('is warned about where a company gives names to anybody', () => {
    const read = parsePattern('*.github.io', inAllow);
    assert.deepEqual(read.ok && read.value.warnings, [
      'lets through what anybody may put below "github.io"; name the sites that are meant',
    ]);
  });
  it('is what a deny may say, and nothing where the suffix is not known', () => {
    const texts = ['**.co.uk', '*.github.io'].map((text) =>
      parsePattern(text, { outcome: 'deny', port: true }),
    );
    const unknown = parsePattern('*.corp.internal', inAllow);
    assert.deepEqual(
      [...texts, unknown].map((read) => read.ok && read.value.warnings),
      [[], [], []],
    );
  });
});
