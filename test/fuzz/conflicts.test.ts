// What is called superfluous is: without the rule that a warning stands at, every destination fares as before.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { findConflicts } from '../../src/config/conflicts.ts';
import { policyInput } from '../../src/config/effective.ts';
import { createDestination, parseHost } from '../../src/policy/destination.ts';
import type { DecisionRequest } from '../../src/policy/decision.ts';
import { evaluate } from '../../src/policy/evaluate.ts';
import { compilePolicy } from '../../src/policy/rules.ts';
import { loadTexts } from '../support/layers.ts';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 1_000);

interface Rule {
  readonly outcome: 'allow' | 'deny';
  readonly text: string;
}

const texts =
  'a.test b.a.test c.b.a.test *.a.test **.a.test *.b.a.test **.b.a.test b*.a.test *b.a.test x*.b.a.test * localhost *.b.localhost c.b.localhost 10.0.0.0/8 10.1.0.0/16 10.1.2.3 192.168.0.1 ::1 fd00::/8 fd00::1'.split(
    ' ',
  );
const rule: fc.Arbitrary<Rule> = fc
  .record({
    outcome: fc.constantFrom('allow', 'deny'),
    host: fc.constantFrom(...texts),
    port: fc.constantFrom('', '', '', ':443'),
  })
  .map(({ outcome, host, port }) => {
    const isBare6 = host.includes(':');
    const text = isBare6 && port !== '' ? `[${host}]${port}` : `${host}${port}`;
    return { outcome, text: host === 'fd00::/8' ? host : text };
  })
  .filter(({ outcome, text }) => outcome === 'allow' || !/^\*(?::|$)/.test(text));

/** One rule a line; the denies stand in their own list. */
function documentOf(rules: readonly Rule[]): string {
  const lines = (outcome: Rule['outcome']): string =>
    rules
      .filter((one) => one.outcome === outcome)
      .map(({ text }) => `"${text}",\n`)
      .join('');
  return `[network]\nallowed_domains = [\n${lines('allow')}]\ndenied_domains = [\n${lines('deny')}]\n`;
}

const hosts =
  'a.test b.a.test bb.a.test c.b.a.test xc.b.a.test e.test localhost c.b.localhost 10.0.0.1 10.1.2.3 192.168.0.1 [::1] [fd00::1] 93.184.215.14'.split(
    ' ',
  );
const probes: readonly DecisionRequest[] = hosts.flatMap((text) =>
  [80, 443].map((port) => {
    const host = parseHost(text);
    assert.ok(host.ok);
    const client = { address: '127.0.0.1', port: 1, localPort: 2 };
    const destination = createDestination('https_connect', host.value, port);
    return { destination, listener: 'http', method: 'CONNECT', form: 'tunnel', client };
  }),
);

function faresOf(document: string): readonly string[] {
  const result = loadTexts({ user: document });
  assert.ok(result.ok, JSON.stringify(result));
  const policy = compilePolicy(policyInput(result.config));
  return probes.map((probe) => evaluate(probe, policy, () => undefined, new Set()).outcome);
}

function withoutLine(document: string, line: number): string {
  return document
    .split('\n')
    .filter((_, index) => index !== line - 1)
    .join('\n');
}

describe('conflicts of rules', () => {
  it('name only rules that change nothing', () => {
    const property = fc.property(fc.array(rule, { maxLength: 8 }), (rules) => {
      const document = documentOf(rules);
      const result = loadTexts({ user: document });
      assert.ok(result.ok, JSON.stringify(result));
      const fares = faresOf(document);
      for (const { line, message } of findConflicts(result.config.rules, 'config.toml')) {
        assert.deepEqual(faresOf(withoutLine(document, line)), fares, message);
      }
    });
    fc.assert(property, { numRuns });
  });
});
