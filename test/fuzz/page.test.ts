// Property tests of what the page reads and writes: the event stream however it is cut, the mirror against the one
// of the other surfaces, and the edits that Setup prepares. FUZZ_RUNS sets the number of inputs.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { isTable, parseDocument } from '../../src/config/toml.ts';
import type { LiveChange } from '../../src/control/messages.ts';
import { applyEvent } from '../../src/control/mirror.ts';
import { createEventReader } from '../../src/control/page/event-reader.js';
import { applyEvent as applyOnPage } from '../../src/control/page/mirror.js';
import { setNetworkKeys } from '../../src/control/page/toml-edit.js';
import { makeAnswer, makeGrant, makeGroup, makeLiveView } from '../support/views.ts';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 20_000);
// Cast: the corpus is ours.
const corpus = JSON.parse(readFileSync(new URL('corpus/page.json', import.meta.url), 'utf8')) as {
  readonly streams: readonly string[];
  readonly documents: readonly string[];
};

const linePart = fc.constantFrom(
  'data: ',
  'data:',
  'event: ',
  'id: 1',
  ': ',
  'x',
  '{}',
  '',
  'data',
);
const stream = fc
  .array(
    fc.oneof(linePart, fc.constantFrom('\n', '\n\n', '\r\n', '\r'), fc.string({ maxLength: 4 })),
  )
  .map((parts) => parts.join(''));

function readAtOnce(text: string): unknown[] {
  return createEventReader()(text);
}

function readInPieces(text: string, sizes: readonly number[]): unknown[] {
  const read = createEventReader();
  const events: unknown[] = [];
  let at = 0;
  for (let turn = 0; at < text.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    events.push(...read(text.slice(at, at + size)));
    at += size;
  }
  return events;
}

describe('the event reader of the page', () => {
  const check = (text: string, sizes: readonly number[]) => {
    assert.deepEqual(readInPieces(text, sizes), readAtOnce(text));
  };

  it('keeps to its corpus', () => {
    for (const text of corpus.streams) check(text, [1]);
  });

  it('reads the same however the stream is cut', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 });
    fc.assert(fc.property(stream, sizes, check), { numRuns });
  });
});

describe('the mirror of the page', () => {
  const id = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const ids = fc.uniqueArray(id, { maxLength: 3 });
  const groups = ids.map((all) => all.map((one) => makeGroup({ id: one })));
  const revised = fc.integer({ min: 1, max: 3 });
  const change: fc.Arbitrary<LiveChange> = fc.record(
    {
      groups: fc
        .tuple(groups, revised)
        .map(([all, revision]) => all.map((one) => ({ ...one, revision }))),
      closedGroups: ids,
      grants: ids.map((all) => all.map((one) => makeGrant({ id: one }))),
      endedGrants: ids,
      answers: fc
        .uniqueArray(fc.integer({ min: 0, max: 70 }))
        .map((all) => all.map((one) => makeAnswer({ id: `k${one}` }))),
    },
    { requiredKeys: [] },
  );

  it('shows what the mirror of the tray and the terminal shows', () => {
    const changes = fc.array(change, { maxLength: 6 });
    fc.assert(
      fc.property(changes, (all) => {
        let [page, other] = [makeLiveView(), makeLiveView()];
        for (const [at, one] of all.entries()) {
          const event = { type: 'change', id: at + 2, change: one } as const;
          page = applyOnPage(page, event) ?? page;
          other = applyEvent(other, event);
        }
        assert.deepEqual(page, other);
      }),
      { numRuns: Math.ceil(numRuns / 10) },
    );
  });
});

/** Without prototypes, so that only what is in it counts. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value)) as unknown;
}

describe('the prepared edits', () => {
  const wanted = { unknown: '"deny"', presets: undefined } as const;
  const line = fc.constantFrom(
    '[network]',
    '[ network ] # x',
    '[approvals]',
    '[[list]]',
    '[network.more]',
    'unknown = "ask"',
    "  unknown='ask' # why",
    'unknown = """',
    'ask"""',
    'presets = ["codex"]',
    'presets = [',
    '  "codex", # [network]',
    ']',
    'network.mode = "full"',
    'network = { mode = "full" }',
    '"network" = 1',
    '# unknown = "ask"',
    'text = """',
    '[network]"""',
    'other = 1',
    '',
  );
  const document = fc
    .tuple(fc.array(line, { maxLength: 9 }), fc.constantFrom('\n', '\r\n'))
    .map(([lines, newline]) => lines.join(newline));

  /** A valid document becomes one that says what was meant and nothing else, or the person is asked to do it. */
  const check = (text: string) => {
    const before = parseDocument(text);
    const edited = setNetworkKeys(text, wanted);
    if (!before.ok || !edited.ok) return;
    const after = parseDocument(edited.text);
    if (!after.ok) return; // the daemon says so, and it is not saved
    const meant = { ...before.value.root };
    const network = isTable(meant['network']) ? { ...meant['network'] } : {};
    delete network['presets'];
    const now = { ...after.value.root };
    const kept = edited.text.split(/\r?\n/);
    const lost = text.split(/\r?\n/).filter((one) => !kept.includes(one));
    assert.ok(lost.length <= 2, `lines were lost: ${lost.join(' | ')}`);
    assert.deepEqual(plain(now), plain({ ...meant, network: { ...network, unknown: 'deny' } }));
  };

  it('keep to their corpus', () => {
    for (const text of corpus.documents) check(text);
  });

  it('leave every other line as it is', () => {
    fc.assert(fc.property(document, check), { numRuns });
  });
});
