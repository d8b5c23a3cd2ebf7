// Property test of rules: reading never throws and is stable, and the compiled policy finds a rule exactly
// where a naive reading of the rule texts does. FUZZ_RUNS sets the number of inputs.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { formatAddress } from '../../src/policy/address.ts';
import { parseRuleHost } from '../../src/policy/destination.ts';
import type { Host } from '../../src/policy/destination.ts';
import { parsePattern } from '../../src/policy/pattern.ts';
import type { Pattern, PatternOptions } from '../../src/policy/pattern.ts';
import { compilePolicy } from '../../src/policy/rules.ts';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 20_000);
// Cast: the corpus is ours, a list of texts.
const corpus = JSON.parse(
  readFileSync(new URL('corpus/pattern.json', import.meta.url), 'utf8'),
) as readonly string[];

const allow: PatternOptions = { outcome: 'allow', port: true };
const everyOption: readonly PatternOptions[] = [
  allow,
  { outcome: 'allow', port: false },
  { outcome: 'deny', port: true },
  { outcome: 'deny', port: false },
];

// Few letters and labels, so that rules and hosts meet often.
const starLabel = fc.constantFrom(
  '*',
  'a*',
  '*a',
  'a*b',
  '*a*',
  'a*b*',
  'ab*',
  '*-b',
  'x',
  'a',
  'b',
);
const plainLabel = fc.constantFrom('a', 'b', 'ab', 'aab', 'a-b', 'x', 'aa');
const fixed = fc.constantFrom('a.test', 'b.test', 'x.a.test', 'test', 'ab.b.test');
const name = fc
  .tuple(fc.array(plainLabel, { maxLength: 3 }), fixed)
  .map(([labels, end]) => [...labels, end].join('.'));
const starName = fc
  .tuple(fc.array(starLabel, { maxLength: 3 }), fixed)
  .map(([labels, end]) => [...labels, end].join('.'));
const ipv4 = fc.tuple(fc.constantFrom(10, 93, 127), fc.nat(1), fc.nat(1), fc.nat(255));
const address = fc.oneof(
  ipv4.map((parts) => parts.join('.')),
  fc.constantFrom('::1', 'fd00::1', 'fd00:1::2', 'fd80::', '2606:4700::1', '64:ff9b::a00:1'),
);
const block = fc.tuple(address, fc.nat(128)).map(([base, length]) => `${base}/${length}`);
const portSuffix = fc.constantFrom('', '', '', ':443', ':80');
const rule = fc.oneof(
  fc.tuple(fc.constantFrom('', '*.', '**.'), name, portSuffix).map((parts) => parts.join('')),
  fc.tuple(starName, portSuffix).map((parts) => parts.join('')),
  address,
  block,
  fc.constantFrom('*', '*:80', '10.0.0.0/8:443', '[fd00::/8]:80', '[::1]:443', '10.0.0.0/15'),
);
const anyText = fc.oneof(
  rule,
  fc.string({ unit: 'binary', maxLength: 24 }),
  fc.string({ unit: fc.constantFrom(...'a*.b:/[]%@1 -_?{}0'.split('')), maxLength: 24 }),
  fc.constantFrom(...corpus),
  fc.webUrl(),
);

/** Never throws, and the canonical text reads as the same pattern. */
function checkStable(text: string): void {
  for (const options of everyOption) {
    const read = parsePattern(text, options);
    if (!read.ok) {
      assert.ok(read.problem.startsWith('"'), 'a problem quotes the text');
      continue;
    }
    assert.ok(options.port || read.value.port === undefined);
    assert.ok(options.outcome === 'allow' || read.value.shape !== 'any');
    assert.deepEqual(parsePattern(read.value.text, options), read);
  }
}

/** What the rule text means, read naively: string ends, a regular expression by label, Node's block list. */
function naive(text: string, host: Host, port: number): boolean {
  const suffix = /^(.*[^:]):(\d+)$/s.exec(text);
  const isPorted = suffix !== null && (text.startsWith('[') || text.split(':').length === 2);
  if (isPorted && Number(suffix[2]) !== port) return false;
  const bare = (isPorted ? (suffix[1] ?? '') : text).replace(/[[\]]/g, '');
  if (bare === '*') return true;
  const [base = '', length] = bare.split('/');
  if (isIP(base) !== 0) return naiveBlock(base, Number(length ?? 128), host);
  if (host.kind !== 'name') return false;
  if (bare.startsWith('**.')) return `.${host.text}`.endsWith(bare.slice(2));
  if (bare.startsWith('*.')) return host.text.endsWith(bare.slice(1));
  const pattern = bare
    .split('.')
    .map((label) => (label === '*' ? '[^.]+' : label.replaceAll('*', '[^.]*')))
    .join('\\.');
  return new RegExp(`^${pattern}$`).test(host.text);
}

function naiveBlock(base: string, length: number, host: Host): boolean {
  if (host.kind === 'name' || (isIP(base) === 4) !== (host.kind === 'ipv4')) return false;
  const list = new BlockList();
  const family = host.kind;
  list.addSubnet(base, family === 'ipv4' ? Math.min(length, 32) : length, family);
  return list.check(host.text, family);
}

function readHost(text: string): Host {
  const host = parseRuleHost(text);
  assert.ok(host.ok);
  return host.value;
}

function readPatterns(texts: readonly string[]): readonly Pattern[] {
  return texts.flatMap((text) => {
    const read = parsePattern(text, allow);
    return read.ok ? [read.value] : [];
  });
}

/** A compiled policy finds a rule exactly where the plain meaning of some rule matches, and names such a rule. */
function checkMatch(texts: readonly string[], hostText: string, port: number): void {
  const host = readHost(hostText);
  const patterns = readPatterns(texts);
  const matching = patterns.filter((pattern) => naive(pattern.text, host, port));
  const policy = compile(patterns);
  const found = policy.matchAllow(host.text, host.kind, port);
  const wanted = matching.map((pattern) => pattern.text);
  assert.equal(found === undefined, wanted.length === 0, 'finds a rule where one matches');
  assert.ok(found === undefined || wanted.includes(found.text), 'names a rule that matches');
  for (const pattern of patterns) {
    const alone = compile([pattern]).matchAllow(host.text, host.kind, port);
    assert.equal(alone !== undefined, matching.includes(pattern), pattern.text);
  }
  if (host.kind === 'name') return;
  const covers = matching.filter((pattern) => pattern.shape === 'network');
  const covering = policy.coversAddress(host.text, port);
  assert.equal(covering === undefined, covers.length === 0);
  assert.equal(lengthOf(covers, covering?.text), lengthOf(covers), 'the longest prefix is named');
}

function lengthOf(patterns: readonly Pattern[], text?: string): number {
  const lengths = patterns.flatMap((each) =>
    each.shape === 'network' && (text ?? each.text) === each.text ? [each.length] : [],
  );
  return Math.max(0, ...lengths);
}

function compile(patterns: readonly Pattern[]): ReturnType<typeof compilePolicy> {
  const origin = { layer: 'user', file: 'config.toml', line: 1, column: 1 } as const;
  return compilePolicy({
    enabled: true,
    mode: 'full',
    unknown: 'ask',
    allowLocalBinding: false,
    managedOnly: false,
    rules: patterns.map((pattern) => ({
      pattern,
      ref: { text: pattern.text, outcome: 'allow', origin },
    })),
  });
}

describe('parsePattern', () => {
  for (const [index, text] of corpus.entries()) {
    it(`holds for corpus ${index}: ${JSON.stringify(text).slice(0, 60)}`, () => checkStable(text));
  }
  it(`is stable over ${numRuns} inputs`, () => {
    fc.assert(fc.property(anyText, checkStable), { numRuns });
  });
  it('writes a block as its base and length', () => {
    const read = parsePattern('[fd00:0::/8]:80', allow);
    assert.ok(read.ok && read.value.shape === 'network');
    assert.equal(`[${formatAddress(read.value.base)}/${read.value.length}]:80`, read.value.text);
  });
});

describe('compilePolicy', () => {
  it(`matches as the rules do one by one, over ${numRuns} rule lists`, () => {
    const hosts = fc.oneof(name, name, address);
    const rules = fc.array(rule, { minLength: 1, maxLength: 8 });
    const port = fc.constantFrom(80, 443, 22);
    fc.assert(fc.property(rules, hosts, port, checkMatch), { numRuns });
  });
});
