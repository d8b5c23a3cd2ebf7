// The answers of reviewers, from anybody: whatever the bytes are, nothing throws, and what they can bring
// about is an allow of this host and port for the configured minutes, a deny once, or a person who is asked.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { readAnswer } from '../../src/approval/hook-answer.ts';
import { decodeVerdict, outcomeOf } from '../../src/approval/review-rules.ts';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 20_000);
const corpusFile = new URL('corpus/review-verdict.json', import.meta.url);
const corpus = JSON.parse(readFileSync(corpusFile, 'utf8')) as readonly string[];

const printable = /^[^\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]*$/u;
const allow = { outcome: 'allow', for: '7m', host: 'exact', port: 'this', revision: 3 };
const deny = { outcome: 'deny', for: 'once', revision: 3 };

function check(bytes: Uint8Array): void {
  const end = readAnswer(bytes);
  const verdict = end.status === 'done' ? decodeVerdict(end.answer) : undefined;
  if (verdict === undefined) return;
  assert.ok(verdict.reason.length <= 200 && printable.test(verdict.reason), verdict.reason);
  const outcome = outcomeOf(verdict, 3, 7);
  if (outcome.kind === 'ask') {
    assert.notEqual(verdict.verdict, 'deny');
    assert.notDeepEqual([verdict.verdict, verdict.risk], ['allow', 'low']);
    return;
  }
  const { note, tell, ...rest } = outcome.request;
  assert.deepEqual(rest, verdict.verdict === 'deny' ? deny : allow);
  assert.deepEqual(note, verdict.reason === '' ? undefined : verdict.reason);
  assert.deepEqual(tell, verdict.verdict === 'deny' ? note : undefined);
}

const word = fc.constantFrom('allow', 'deny', 'ask', 'low', 'medium', 'high', 'ALLOW', '', '*');
const nearly = fc.record(
  {
    verdict: fc.oneof(word, fc.jsonValue()),
    risk: fc.oneof(word, fc.jsonValue()),
    reason: fc.oneof(fc.string({ unit: 'binary', maxLength: 900 }), fc.jsonValue()),
    for: fc.jsonValue(),
    host: fc.jsonValue(),
  },
  { requiredKeys: [] },
);
const whole = fc.record({
  verdict: word,
  risk: word,
  reason: fc.string({ unit: 'binary', maxLength: 900 }),
});

describe('the answers of reviewers', () => {
  it('never bring about more than they may', () => {
    const bytes = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.oneof(whole, nearly).map((value) => Buffer.from(JSON.stringify(value))),
      },
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map((text) => Buffer.from(text)),
    );
    fc.assert(fc.property(bytes, check), { numRuns });
  });

  for (const [index, text] of corpus.entries()) {
    it(`of the corpus are read: ${index}`, () => {
      check(Buffer.from(text));
    });
  }
});
