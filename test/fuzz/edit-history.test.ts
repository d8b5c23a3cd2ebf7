// Whatever stands in the history of edits: it is read whole, or refused as damaged, and never throws anything else.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { createEditHistory } from '../../src/config/edit-history.ts';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 20_000);
const corpusFile = new URL('corpus/edit-history.json', import.meta.url);
const corpus = JSON.parse(readFileSync(corpusFile, 'utf8')) as readonly string[];

const diff = [{ kind: 'same', line: 1, text: '' }] as const;
const edit = { at: '', file: '', by: '', surface: '', before: '', afterEtag: '', diff };

function check(text: string): void {
  let saved = text;
  const save = (next: string): void => {
    saved = next;
  };
  const history = createEditHistory({ load: () => saved, save });
  try {
    const before = history.list();
    const { id } = history.add(edit);
    assert.deepEqual(history.list().slice(1), before.slice(0, 49));
    assert.equal(history.find(id)?.id, id);
  } catch (error) {
    assert.equal((error as { readonly code?: unknown }).code, 'ERR_STATE_CORRUPT', String(error));
    assert.equal(saved, text, 'what is damaged is left as it is');
  }
}

const some = fc.oneof(
  fc.constant(''),
  fc.string({ maxLength: 3 }),
  fc.integer(),
  fc.constant(null),
);
const line = fc.record(
  {
    kind: fc.oneof(fc.constantFrom('same', 'added'), some),
    line: fc.oneof(fc.nat(), some),
    text: some,
  },
  { requiredKeys: ['kind'] },
);
const kept = fc.record(
  {
    id: fc.oneof(fc.constantFrom('e1', 'e2'), some),
    at: some,
    file: some,
    by: some,
    surface: some,
    before: some,
    afterEtag: some,
    diff: fc.oneof(fc.array(line, { maxLength: 2 }), some),
  },
  { requiredKeys: ['id'] },
);
const file = fc.record(
  { next: fc.oneof(fc.nat(9), some), edits: fc.oneof(fc.array(kept, { maxLength: 3 }), some) },
  { requiredKeys: [] },
);

describe('the history of edits', () => {
  it('of the corpus is read or refused', () => {
    for (const text of corpus) check(text);
  });

  it('is read or refused, whatever it holds', () => {
    const text = fc.oneof(
      fc.string({ maxLength: 20 }),
      fc.json({ maxDepth: 3 }),
      file.map((value) => JSON.stringify(value)),
    );
    fc.assert(fc.property(text, check), { numRuns });
  });
});
