// Property tests of what prompts make of outside text: names beside names, request targets and argument lists.
// FUZZ_RUNS sets the number of inputs.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  compareNames,
  describeDifference,
  namesInside,
  readName,
} from '../../src/approval/look-alike.ts';
import { createHostMemory } from '../../src/approval/host-memory.ts';
import { createNameIndex, findResemblance } from '../../src/approval/name-index.ts';
import { programNameOf, programPhrase } from '../../src/approval/program-phrase.ts';
import { steadyFacts } from '../../src/approval/prompt-facts.ts';
import { requestLine } from '../../src/approval/request-line.ts';
import { parseScope } from '../../src/approval/scope.ts';
import { offerWildcards } from '../../src/approval/wildcards.ts';
import { parseHost } from '../../src/policy/destination.ts';
import { escapePrintable } from '../../src/policy/printable.ts';
import { makeDestination, makeRequest } from '../support/asking.ts';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 4000);
// Cast: the corpus is ours.
const corpus = JSON.parse(
  readFileSync(new URL('corpus/look-alike.json', import.meta.url), 'utf8'),
) as Readonly<Record<'names' | 'targets', readonly string[]>> & {
  readonly argumentLists: readonly (readonly string[])[];
};

// Few letters, those that look alike among them, so that names meet often.
const label = fc.oneof(
  fc.string({
    unit: fc.constantFrom('rn', 'm', 'i', 'l', '1', 'o', '0', 'e', 'x', '-', 'cl', 'vv'),
    minLength: 1,
    maxLength: 14,
  }),
  fc.constantFrom(
    'example',
    'openai',
    'github',
    'com',
    'xn--exmple-cua',
    'xn--80ak6aa92e',
    'xn--a',
  ),
  fc.stringMatching(/^[a-z0-9_-]{1,63}$/),
);
const suffix = fc.constantFrom(
  'com',
  'co.uk',
  'github.io',
  's3.amazonaws.com',
  'test',
  'kobe.jp',
  'ck',
  'co',
);
const anyName = fc.oneof(
  fc
    .tuple(fc.array(label, { minLength: 1, maxLength: 5 }), suffix)
    .map(([labels, end]) => [...labels, end].join('.')),
  fc.constantFrom(...corpus.names),
  fc.domain(),
);
/** Only canonical hosts come to a prompt. */
const name = anyName.filter((text) => {
  const host = parseHost(text);
  return host.ok && host.value.kind === 'name' && host.value.text === text;
});
/** A slip or two in a name. */
const slip = fc
  .tuple(
    name,
    fc.array(fc.tuple(fc.nat(60), fc.constantFrom('', 'l', 'rn', 'xx', '0')), { maxLength: 2 }),
  )
  .map(([text, slips]) =>
    slips.reduce(
      (left, [at, put]) =>
        left.slice(0, at % left.length) + put + left.slice((at % left.length) + 1),
      text,
    ),
  );
const pair = fc.oneof(
  fc.tuple(name, name),
  name.chain((one) => fc.tuple(fc.constant(one), slip)),
  fc.tuple(slip, slip),
);

const memory = createHostMemory();

function canonical(text: string): string | undefined {
  const host = parseHost(text);
  return host.ok && host.value.kind === 'name' ? host.value.text : undefined;
}

/** Symmetric, and the index finds what a comparison of the two finds. */
function checkPair([one, other]: readonly [string, string]): void {
  const [a, b] = [readName(one), readName(other)];
  if (a === undefined || b === undefined) return;
  const kind = compareNames(a, b);
  assert.equal(compareNames(b, a), kind);
  assert.equal(compareNames(a, a), undefined);
  const index = createNameIndex([other]);
  const found = findResemblance(one, [index]);
  if (a.domain === b.domain || index.has(one)) assert.equal(found, undefined);
  else if (kind === undefined) assert.ok(found === undefined || found.kind === 'subdomain');
  else assert.ok(found?.kind === 'subdomain' || (found?.kind === kind && found.of === b.domain));
  if (kind !== undefined) assert.notEqual(describeDifference(a, b), '');
}

function checkFacts(host: string): void {
  assert.ok(namesInside(host).length <= 700);
  const destination = makeDestination(host);
  const index = createNameIndex(['openai.com', 'example.com', 'github.io']);
  const { lookAlike, warnings, unicode } = steadyFacts(destination, [index], memory, 0);
  for (const text of [...warnings, unicode ?? '', lookAlike?.sentence ?? '']) {
    assert.equal(escapePrintable(text), text);
  }
  for (const offer of offerWildcards(destination, () => []).wildcards) {
    const scope = parseScope({ outcome: 'allow', for: '1h', host: offer.host }, destination);
    assert.ok(scope.ok, offer.host);
  }
}

function checkTarget(target: string, method: string): void {
  const destination = makeDestination('x.test', 80, { protocol: 'http' });
  const line = requestLine(makeRequest(destination, { method, target }));
  assert.ok(line !== null && line.length <= 200);
  assert.equal(escapePrintable(line), line);
  const path = line.slice(Math.min(method.length, 32));
  assert.doesNotMatch(path, /[?#]|glpat-/);
}

describe('names beside names', () => {
  it('are compared both ways alike, and the index misses none', () => {
    for (const one of corpus.names) for (const other of corpus.names) checkPair([one, other]);
    fc.assert(
      fc.property(pair, ([one, other]) => {
        const [a, b] = [canonical(one), canonical(other)];
        if (a !== undefined && b !== undefined) checkPair([a, b]);
      }),
      { numRuns },
    );
  });

  it('give sentences that are safe to show, and offers that answers may name', () => {
    corpus.names.forEach(checkFacts);
    fc.assert(fc.property(name, checkFacts), { numRuns });
  });

  it('cost little, whatever they are made of', () => {
    const worst = [
      `${'a-'.repeat(31)}a.test`,
      `${'a.'.repeat(124)}test`,
      `${`${'rn'.repeat(31)}.`.repeat(3)}test`,
      `${'ab'.repeat(16)}.test`,
      `${'a'.repeat(63)}.${'b-'.repeat(31)}b.test`,
    ];
    const index = createNameIndex(worst);
    const before = process.cpuUsage();
    for (let n = 0; n < 20; n += 1)
      for (const host of worst) findResemblance(`x${host.slice(1)}`, [index]);
    const { user } = process.cpuUsage(before);
    assert.ok(user / 100 < 20_000, `${user / 100} µs for one`);
  });
});

describe('request targets', () => {
  it('never show a query, a fragment, a key or what cannot be seen', () => {
    const segment = fc.stringMatching(/^[A-Za-z0-9._~!$&'()*+,;=:@%-]{0,12}$/);
    const path = fc.array(segment, { maxLength: 5 }).map((parts) => `/${parts.join('/')}`);
    const secret = fc.constantFrom('glpat-0123456789abcdef', '?glpat-', '#glpat-', '/token/');
    const target = fc.oneof(
      fc.constantFrom(...corpus.targets),
      path.map((each) => `http://user:word@x.test:80${each}?query#part`),
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc
        .tuple(path, secret, fc.string({ unit: 'binary', maxLength: 9 }))
        .map(([front, key, end]) => `${front}/${key}/${end}`),
    );
    for (const each of corpus.targets) checkTarget(each, 'GET');
    fc.assert(
      fc.property(target, fc.constantFrom('GET', 'PROPFIND', 'X'.repeat(40)), checkTarget),
      { numRuns },
    );
  });
});

describe('argument lists', () => {
  it('give a short name, whatever they are', () => {
    const words = fc.array(
      fc.oneof(
        fc.constantFrom('-c', '-m', '-', '--', 'npm', '/usr/bin/pip.py', 'install', 'npm ci'),
        fc.string({ unit: 'binary', maxLength: 80 }),
      ),
      { maxLength: 6 },
    );
    const executable = fc.option(
      fc.constantFrom('/usr/bin/node', '/usr/bin/python3', '/bin/bash', '/usr/bin/git', '/x'),
      { nil: undefined },
    );
    const check = (commandLine: readonly string[], path: string | undefined): void => {
      const given = { executable: path, name: 'name', commandLine };
      const phrase = programPhrase(given);
      assert.ok(phrase.startsWith(programNameOf(given)) && phrase !== '');
      assert.ok(phrase.length <= 32 + 17);
    };
    for (const each of corpus.argumentLists) check(each, '/usr/bin/node');
    fc.assert(fc.property(words, executable, check), { numRuns });
  });
});
