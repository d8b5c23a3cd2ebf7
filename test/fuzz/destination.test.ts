// Property test of the host grammar: never throws, one canonical spelling, and the same addresses as Node and
// the URL standard see. FUZZ_RUNS sets the number of inputs.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { isIPv4, isIPv6 } from 'node:net';
import { describe, it } from 'node:test';
import { domainToASCII } from 'node:url';
import * as fc from 'fast-check';
import {
  formatHostPort,
  parseAddress,
  parseHost,
  parsePort,
  parseRuleHost,
} from '../../src/policy/destination.ts';
import type { Host } from '../../src/policy/destination.ts';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 20_000);
// Cast: the corpus is ours, a list of texts.
const corpus = JSON.parse(
  readFileSync(new URL('corpus/destination.json', import.meta.url), 'utf8'),
) as readonly string[];

const label = fc.string({
  unit: fc.constantFrom(...'abzABZ0189-_xX*%@ .\u00ad\u00df\u3002\uff11\u0000'.split('')),
  maxLength: 6,
});
const number = fc.constantFrom(
  '0',
  '00',
  '1',
  '9',
  '10',
  '127',
  '255',
  '256',
  '0x7f',
  '0177',
  '65536',
);
const hex = fc.constantFrom(
  '',
  '0',
  '1',
  'ffff',
  'FFFF',
  '0db8',
  '12345',
  'g',
  '1.2.3.4',
  '127.0.0.1',
);
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.array(label, { maxLength: 5 }).map((labels) => labels.join('.')),
  fc.array(number, { maxLength: 6 }).map((parts) => parts.join('.')),
  fc.array(hex, { maxLength: 9 }).map((groups) => groups.join(':')),
  fc.array(hex, { maxLength: 9 }).map((groups) => `[${groups.join(':')}]`),
  fc.ipV6().map((address) => `[${address}]`),
  fc.ipV4Extended(),
  fc.domain(),
  fc
    .tuple(fc.domain(), fc.constantFrom('.', '..', '\n', '%00', ':80', '/'))
    .map((two) => two.join('')),
  fc.constantFrom(...corpus),
);

/** The properties of one input; called for the corpus too. */
function check(input: string): void {
  const host = parseHost(input);
  const rule = parseRuleHost(input);
  const address = parseAddress(input);
  if (host.ok) {
    checkCanonical(host.value);
    assert.deepEqual(rule, host, 'a rule for a host is that host');
    checkUrl(input, host.value);
  }
  if (rule.ok) checkCanonical(rule.value);
  // Node takes zone ids, which are no part of an address here.
  const isAddress = isIPv4(input) || (isIPv6(input) && !input.includes('%'));
  assert.equal(address.ok, isAddress, 'an address is what Node takes for one');
  if (address.ok) checkCanonical(address.value);
  checkPort(input);
}

function checkCanonical(host: Host): void {
  const { text: canonical, kind } = host;
  const spelt = kind === 'ipv6' ? `[${canonical}]` : canonical;
  assert.deepEqual(parseHost(spelt), { ok: true, value: host }, 'canonical text is a fixed point');
  assert.deepEqual(
    parseHost(spelt.toUpperCase()),
    { ok: true, value: host },
    'case does not matter',
  );
  assert.equal(isIPv4(canonical), kind === 'ipv4');
  assert.equal(isIPv6(canonical), kind === 'ipv6');
  assert.equal(domainToASCII(spelt), spelt, 'the resolver is asked for the same text');
  assert.equal(new URL(`http://${formatHostPort(canonical, kind, 8080)}`).host, `${spelt}:8080`);
  if (kind === 'name') {
    assert.match(canonical, /^(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/);
    assert.doesNotMatch(canonical, /(?:^|\.)-|-(?:\.|$)|(?:^|\.)(?:\d+|0x[^.]*)$/);
  }
}

/** A URL parser sees the same host, but for the trailing dot it keeps and the mapped address it does not fold. */
function checkUrl(input: string, host: Host): void {
  const seen = new URL(`http://${input}/`).hostname;
  if (host.kind === 'name') assert.equal(seen.replace(/\.$/, ''), host.text);
  else if (/^\[::ffff:\w+:\w+\]$/.test(seen)) assert.equal(host.kind, 'ipv4');
  else assert.equal(seen, host.kind === 'ipv6' ? `[${host.text}]` : host.text);
}

function checkPort(input: string): void {
  const port = parsePort(input);
  if (!port.ok) return;
  assert.match(input, /^[0-9]{1,5}$/);
  assert.ok(port.value >= 1 && port.value <= 65_535 && port.value === Number(input));
}

describe('parseHost and its kin', () => {
  for (const [index, input] of corpus.entries()) {
    it(`holds for corpus ${index}: ${JSON.stringify(input).slice(0, 60)}`, () => check(input));
  }
  it(`hold for ${numRuns} inputs`, () => {
    fc.assert(fc.property(text, check), { numRuns });
  });
  it('reads every port there is', () => {
    fc.assert(
      fc.property(fc.nat(99_999), (port) => {
        assert.equal(parsePort(String(port)).ok, port >= 1 && port <= 65_535);
      }),
      { numRuns: Math.min(numRuns, 20_000) },
    );
  });
});
