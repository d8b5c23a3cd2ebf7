// The settings of the way out, as people and other programs write them: NO_PROXY, proxy addresses, answers of PAC
// files, and the system's files on names. No text may throw; what is taken is canonical, and read again it is
// the same. FUZZ_RUNS sets the number of inputs.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Parent } from '../../src/policy/decision.ts';
import { parseAddress, parseHost } from '../../src/policy/destination.ts';
import { parseNoProxy } from '../../src/proxy/no-proxy.ts';
import { parsePacAnswer } from '../../src/proxy/pac.ts';
import { parseParent } from '../../src/proxy/parent.ts';
import { parseHosts, parseNameservers, parseSources } from '../../src/proxy/system-files.ts';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 20_000);
const corpusFile = new URL('corpus/upstream-settings.json', import.meta.url);
const corpus = JSON.parse(readFileSync(corpusFile, 'utf8')) as Readonly<
  Record<'noProxy' | 'parent' | 'pac' | 'hosts' | 'resolv', readonly string[]>
>;

function words(text: string): string[] {
  return text.split(' ');
}

const names = words('a.test A.Test. x.a.test localhost xn--bcher-kva.example _s.test -a.test a..b');
const addresses = words(
  '10.0.0.1 127.0.0.1 255.255.255.255 10.1 0x7f.1 0177.0.0.1 ::1 [::1] FD00:0::1 [fd00::1] ::ffff:10.0.0.1 fe80::1%lo',
);
const punctuation = [
  ...words(': :443 :0 :65536 :00001 / /8 /32 /33 /129 // @ u:p@ %41 %00 %zz ? # . * *. [ ] , ;'),
  ' ',
  '\t',
  '\n',
  '\r\n',
  '\0',
  '\u0130',
  '\u00ad',
  '\u3002',
  '\uff11',
];
const schemes = words(
  'http:// HTTPS:// socks:// socks5h:// socks4a:// ftp:// pac+http:// http: http:\\\\',
);
const answers = words('PROXY HTTP HTTPS SOCKS SOCKS5 SOCKS4 DIRECT proxy direct QUIC');
const lines = words(
  'nameserver search options hosts: files dns mdns4_minimal resolve [NOTFOUND=return]',
);
const anyText = fc.string({ unit: 'binary', maxLength: 8 });

/** Texts of up to ten of these pieces, here and there any text between them. */
function textOf(...pieces: readonly (readonly string[])[]): fc.Arbitrary<string> {
  const piece = fc.oneof(...pieces.map((list) => fc.constantFrom(...list)));
  return fc
    .array(fc.oneof({ arbitrary: piece, weight: 8 }, { arbitrary: anyText, weight: 1 }), {
      maxLength: 10,
    })
    .map((parts) => parts.join(''));
}

/** Texts that are nearly right: one choice for each of these places, most often the one that is meant. */
function filled(...places: readonly (readonly string[])[]): fc.Arbitrary<string> {
  const choices = places.map((list) =>
    fc.oneof(
      { arbitrary: fc.constantFrom(...list), weight: 30 },
      { arbitrary: fc.constantFrom(...punctuation, ...addresses), weight: 1 },
    ),
  );
  return fc.tuple(...choices).map((parts) => parts.join(''));
}

/** Fails unless this is how the gate spells a host. */
function assertCanonicalHost(host: string): void {
  const parsed = parseHost(isIP(host) === 6 ? `[${host}]` : host);
  assert.ok(parsed.ok && parsed.value.text === host, `${host} is not canonical`);
}

function assertCanonicalParent({ protocol, host, port, credentials }: Parent): void {
  assert.match(protocol, /^(?:https?|socks[45])$/);
  assertCanonicalHost(host);
  assert.ok(Number.isInteger(port) && port >= 1 && port <= 65_535);
  if (credentials === undefined) return;
  const [name, password] = splitOnce(credentials);
  assert.ok(Buffer.byteLength(name) <= 255 && Buffer.byteLength(password) <= 255);
  assert.doesNotMatch(credentials, /\p{Cc}/u);
}

function splitOnce(credentials: string): [string, string] {
  const colon = credentials.indexOf(':');
  return [credentials.slice(0, colon), credentials.slice(colon + 1)];
}

function hostIn(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}

function checkParent(text: string): void {
  const parent = parseParent(text);
  if (parent === undefined) return;
  assertCanonicalParent(parent);
  const user =
    parent.credentials === undefined
      ? ''
      : `${splitOnce(parent.credentials).map(encodeURIComponent).join(':')}@`;
  const again = `${parent.protocol}://${user}${hostIn(parent.host)}:${parent.port}`;
  assert.deepEqual(parseParent(again), parent);
}

function checkPac(text: string): void {
  const parent = parsePacAnswer(text);
  if (parent === undefined || parent === 'direct') return;
  assertCanonicalParent(parent);
  assert.equal(parent.credentials, undefined);
  const type = parent.protocol === 'http' ? 'PROXY' : parent.protocol.toUpperCase();
  assert.deepEqual(parsePacAnswer(`${type} ${hostIn(parent.host)}:${parent.port}`), parent);
}

const destinations = [
  'a.test',
  'x.a.test',
  'b.test',
  '10.0.0.1',
  '11.0.0.1',
  '::1',
  'fd00::1',
].flatMap((host) => [443, 80].map((port) => ({ host, port })));

function exempted(list: string): boolean[] {
  return destinations.map(parseNoProxy(list));
}

function checkNoProxy(text: string): void {
  const entries = text.toLowerCase().split(/[\s,]+/);
  const whole = exempted(text);
  // A list is the sum of its entries, in whatever order and letters they come.
  const each = entries.map(exempted);
  assert.deepEqual(
    whole,
    destinations.map((_, index) => each.some((one) => one[index])),
  );
  assert.deepEqual(exempted(entries.toReversed().join(' , ')), whole);
  // Only a star, or all of a family, takes what shares no text with any entry.
  const isWide = entries.some((entry) => entry === '*' || /\/[01]$|\/0/.test(entry));
  const stranger = parseNoProxy(text)({ host: 'zq.zqz', port: 1 });
  assert.equal(stranger && !isWide, false);
}

function checkHosts(text: string): void {
  for (const [name, list] of parseHosts(text)) {
    assertCanonicalHost(name);
    assert.equal(isIP(name), 0);
    assert.equal(new Set(list).size, list.length);
    for (const address of list) {
      assert.deepEqual(parseAddress(address), {
        ok: true,
        value: { text: address, kind: isIP(address) === 6 ? 'ipv6' : 'ipv4' },
      });
    }
  }
  const again = [...parseHosts(text)].flatMap(([name, list]) =>
    list.map((address) => `${address} ${name}`),
  );
  assert.deepEqual(parseHosts(again.join('\n')), parseHosts(text));
}

function checkResolv(text: string): void {
  const servers = parseNameservers(text);
  for (const server of servers) assert.match(server, /^[^\s#]+$/);
  const again = servers.map((server) => `nameserver ${server}`).join('\n');
  assert.deepEqual(parseNameservers(again), servers);
  assert.ok(['none', 'local', 'any'].includes(parseSources(text)));
}

const ports = [...words(':443 :80 :1 :3128 :65535 :65536 :0 :00001'), ''];
const users = [...words('u@ u:p@ u%40:p%3A@ %C3%BC:@ :p@ u%3A:p@ u%0A@'), '', '', ''];
const blanks = [' ', '\t', '  '];
const hostTexts = [...names, ...addresses];

const readers = [
  {
    name: 'NO_PROXY',
    kept: corpus.noProxy,
    texts: [textOf(names, addresses, punctuation), textOf(hostTexts, ports, [',', ' ', ', '])],
    check: checkNoProxy,
  },
  {
    name: 'a proxy address',
    kept: corpus.parent,
    texts: [
      textOf(schemes, names, addresses, punctuation),
      filled([...schemes, ''], users, hostTexts, ports, ['', '/']),
    ],
    check: checkParent,
  },
  {
    name: 'an answer of a PAC file',
    kept: corpus.pac,
    texts: [
      textOf(answers, blanks, names, addresses, punctuation),
      filled(['', ';', ' '], answers, blanks, hostTexts, ports, ['', ';', '; DIRECT', ' x']),
    ],
    check: checkPac,
  },
  {
    name: 'a hosts file',
    kept: corpus.hosts,
    texts: [
      textOf([' ', '\n'], names, addresses, punctuation),
      fc
        .array(filled(addresses, blanks, hostTexts, ['', ...blanks], hostTexts))
        .map((all) => all.join('\n')),
    ],
    check: checkHosts,
  },
  {
    name: 'resolv.conf or nsswitch.conf',
    kept: corpus.resolv,
    texts: [
      textOf(lines, [' ', '\n'], addresses, punctuation),
      fc.array(filled(lines, blanks, [...addresses, ...lines])).map((all) => all.join('\n')),
    ],
    check: checkResolv,
  },
] as const;

for (const { name, kept, texts, check } of readers) {
  describe(`any text as ${name}`, () => {
    it('holds for the kept corpus', () => kept.forEach(check));
    it(`holds for ${numRuns} inputs`, () => {
      fc.assert(fc.property(fc.oneof(...texts, anyText, fc.constantFrom(...kept)), check), {
        numRuns,
      });
    });
  });
}
