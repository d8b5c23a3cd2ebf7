// The journal's line reader and the escaping of hostile text: never a throw, never a different event.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { escapeText } from '../../src/audit/escape.ts';
import { malformedEvent } from '../../src/audit/event.ts';
import { formatLine, readLine } from '../../src/audit/line.ts';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 5000);
const corpus = JSON.parse(
  readFileSync(join(import.meta.dirname, 'corpus', 'journal-line.json'), 'utf8'),
) as readonly string[];

const text = fc.string({ unit: 'binary', maxLength: 40 });
const attributes = fc.dictionary(
  text,
  fc.oneof(text, fc.boolean(), fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })),
  { maxKeys: 5, noNullPrototype: true },
);
const events = fc.record({ uid: text, time: text, name: text, attributes });

/** JSON-like text with the words of a line in it, so that more than the first byte is reached. */
const lines = fc.oneof(
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }) },
  { weight: 1, arbitrary: fc.json() },
  {
    weight: 2,
    arbitrary: fc
      .record({ uid: fc.jsonValue(), time: text, name: text, attributes: fc.jsonValue() })
      .map((value) => JSON.stringify(value)),
  },
);

function checkLine(line: string): void {
  const event = readLine(line);
  if (event === undefined) return;
  assert.deepEqual(Object.keys(event), ['uid', 'time', 'name', 'attributes']);
  assert.deepEqual(readLine(formatLine(event).slice(0, -1)), event);
}

function checkMalformed(words: string): void {
  const client = { address: '127.0.0.1', port: 1, localPort: 2 };
  const event = malformedEvent('u', 0, { listener: 'http', client, what: words, text: words });
  for (const name of ['sallyport.malformed.what', 'sallyport.malformed.text']) {
    const value = String(event.attributes[name]);
    assert.match(value, /^[\x20-\x7e]{0,256}$/);
  }
}

describe('readLine', () => {
  it('stands the kept corpus', () => corpus.forEach((line) => checkLine(line)));

  it('never throws, and what it takes survives a round trip', () => {
    fc.assert(fc.property(lines, checkLine), { numRuns });
  });

  it('reads back every event as one ASCII line, and takes no part of it for an event', () => {
    const property = fc.property(events, fc.nat(), (event, cut) => {
      const line = formatLine(event);
      assert.match(line, /^[\x20-\x7e]*\n$/);
      const whole = line.slice(0, -1);
      // JSON has no negative zero; everything else comes back as it was.
      assert.deepEqual(JSON.stringify(readLine(whole)), JSON.stringify(event));
      assert.equal(readLine(whole.slice(0, cut % whole.length)), undefined);
    });
    fc.assert(property, { numRuns });
  });
});

describe('text of clients', () => {
  it('stands the kept corpus', () => corpus.forEach((line) => checkMalformed(line)));

  it('comes out as printable ASCII of bounded length', () => {
    const words = fc.string({ unit: 'binary', maxLength: 300 });
    fc.assert(fc.property(words, checkMalformed), { numRuns });
  });

  it('shows nothing of what stands before an @', () => {
    const part = fc.stringMatching(/^[a-z0-9:./?#%]{0,20}$/);
    const property = fc.property(part, fc.domain(), (user, host) => {
      const client = { address: '127.0.0.1', port: 1, localPort: 2 };
      const given = { listener: 'http', client, what: '', text: `Q${user}Q@${host}` } as const;
      const shown = malformedEvent('u', 0, given).attributes['sallyport.malformed.text'];
      assert.doesNotMatch(String(shown), /Q/);
    });
    fc.assert(property, { numRuns });
  });

  it('is never cut inside an escape', () => {
    const words = fc.string({ unit: 'binary', maxLength: 60 });
    const property = fc.property(words, fc.integer({ min: 3, max: 80 }), (given, limit) => {
      const shown = escapeText(given, limit);
      assert.ok(shown.length <= limit);
      assert.match(shown, /^(?:[ -[\]-~]|\\\\|\\x[0-9a-f]{2}|\\u[0-9a-f]{4})*$/);
    });
    fc.assert(property, { numRuns });
  });
});
