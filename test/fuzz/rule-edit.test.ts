// Any document, any edit: what comes out says what was meant and nothing else, and every other line is as it was.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { parse } from 'smol-toml';
import { splitLines, bareLine } from '../../src/config/lines.ts';
import { alignLines, diffTexts, keepLineEnds } from '../../src/config/line-diff.ts';
import type { RuleEdit } from '../../src/config/rule-content.ts';
import { applyEdits } from '../../src/config/rule-edit.ts';
import { isTable, type Table } from '../../src/config/toml.ts';
import { parsePattern } from '../../src/policy/pattern.ts';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 2_000);
const corpusFile = new URL('corpus/rule-edit.json', import.meta.url);
const corpus = JSON.parse(readFileSync(corpusFile, 'utf8')) as readonly Given[];

interface Given {
  readonly text: string;
  readonly dialect: 'own' | 'codex';
  readonly edit: RuleEdit;
}

function tableOf(text: string): Table | undefined {
  try {
    return parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return undefined;
  }
}

/** What a document says of rules, read without any of the code under test. */
interface Lists {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  readonly rest: unknown;
}

function read(text: string, dialect: Given['dialect']): Lists | undefined {
  const root = tableOf(text);
  if (root === undefined) return undefined;
  const { [dialect === 'codex' ? 'experimental_network' : 'network']: network, ...rest } = root;
  const table: Table = isTable(network) ? network : {};
  const { allowed_domains: allow, denied_domains: deny, domains, ...keys } = table;
  const listed = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
  const mapped = (outcome: string): string[] =>
    Object.entries(isTable(domains) ? domains : {}).flatMap(([name, value]) =>
      value === outcome ? [name] : [],
    );
  return {
    allow: [...listed(allow), ...mapped('allow')],
    deny: [...listed(deny), ...mapped('deny')],
    rest: [rest, keys].map((one) =>
      Object.entries(one)
        .map((pair) => JSON.stringify(pair))
        .toSorted(),
    ),
  };
}

function canonical(rule: string, { dialect, edit }: Given): string {
  const parsed = parsePattern(rule, { outcome: edit.list, port: dialect === 'own' });
  return parsed.ok ? parsed.value.text : `?${rule}`;
}

function expected(given: Given, before: Lists): Lists {
  const { kind, list, rule } = given.edit;
  const now = before[list];
  if (kind === 'add') return { ...before, [list]: [...now, rule] };
  const isGone = (one: string): boolean => canonical(one, given) === canonical(rule, given);
  return { ...before, [list]: now.filter((one) => !isGone(one)) };
}

/** The comments of a text whose strings hold no `#`. */
function comments(text: string): readonly string[] {
  return text.match(/#[^\r\n]*/g) ?? [];
}

/** Edits; gives the text after it, or undefined when it was refused, for one of these reasons. */
function checkEdit(given: Given, reasons = /^[^\n]+$/): string | undefined {
  const { text, dialect, edit } = given;
  const edited = applyEdits(text, [edit], dialect);
  if (!edited.ok) {
    assert.match(edited.problem, reasons);
    return undefined;
  }
  const after = edited.value;
  const [old, now] = [read(text, dialect), read(after, dialect)];
  assert.ok(old !== undefined && now !== undefined, 'both parse');
  const wanted = expected(given, old);
  const sorted = ({ allow, deny, rest }: Lists): unknown => [
    allow.toSorted(),
    deny.toSorted(),
    rest,
  ];
  assert.deepEqual(sorted(now), sorted(wanted));
  checkLines(given, after, old[edit.list].length - wanted[edit.list].length);
  return after;
}

/** Everything but the edited lines is byte for byte what it was. */
function checkLines({ text, edit }: Given, after: string, gone: number): void {
  // A last line without its end gets one when a line follows it: the line itself is the same.
  const ended = (lines: readonly string[]): string[] => lines.map(bareLine);
  const steps = alignLines(ended(splitLines(text)), ended(splitLines(after)));
  const count = (kind: string): number => steps.filter((step) => step.kind === kind).length;
  const [removed, added] = [count('removed'), count('added')];
  if (edit.kind === 'add') {
    assert.ok(removed <= 1 && added <= removed + 3, `${removed} lines went, ${added} came`);
    assert.deepEqual(comments(after), comments(text));
  } else {
    assert.ok(removed <= 2 * gone && added <= removed, `${removed} lines went, ${added} came`);
    assert.ok(comments(text).length - comments(after).length <= gone);
  }
  const ends = text.match(/\r?\n/g) ?? [];
  const isMixed = new Set(ends).size > 1;
  if (!isMixed && ends.length > 0) {
    assert.deepEqual(new Set(after.match(/\r?\n/g) ?? [ends[0]]), new Set(ends));
  }
  assert.equal(after.startsWith('\uFEFF'), text.startsWith('\uFEFF'));
}

const rules = [
  'a.example',
  'b.example',
  'A.Example',
  '*.c.example',
  '**.d.example',
  'e*.f.example',
  '10.0.0.0/8',
  '::1',
  'localhost',
  'bücher.example',
  'g.example:443',
];
const rule = fc.constantFrom(...rules);
const blank = fc.constantFrom('', '', ' ', '  ', '\t');
const note = fc.constantFrom('', '', '', ' # n', '# a, "b" ] }', ' # [network]');
const quoted = fc
  .tuple(rule, fc.constantFrom('"', "'"))
  .map(([text, sign]) => `${sign}${text}${sign}`);
const outcome = fc.constantFrom('"allow"', "'deny'", '"deny"', '"""allow"""');

/** One line: `[ "a", "b" ]` in all its spacings. */
const flatArray = fc
  .tuple(fc.array(quoted, { maxLength: 4 }), blank, blank, fc.boolean())
  .map(([items, inner, gap, isTrailing]) => {
    const tail = isTrailing && items.length > 0 ? ',' : '';
    return `[${inner}${items.join(`,${gap}`)}${tail}${inner}]`;
  });

const entry = fc.tuple(blank, quoted, fc.constantFrom(',', ' ,', ',', '\n,', ' # x\n,'), note);
/** Several lines: comments anywhere, several on a line, commas where they fit. */
const tallArray = fc
  .tuple(
    note,
    fc.array(fc.tuple(entry, fc.constantFrom('\n', '\n', '\n', '', '\n# own line\n', '\n\n')), {
      maxLength: 4,
    }),
    fc.boolean(),
    fc.constantFrom('', '  '),
  )
  .map(([head, items, isTrailing, close]) => {
    const lines = items.map(([[indent, text, comma, comment], end], index) => {
      const sign = index < items.length - 1 || isTrailing ? comma : '';
      return `${indent}${text}${sign}${comment}${comment === '' ? end : end || '\n'}`;
    });
    return `[${head}\n${lines.join('')}${close}]`;
  });
const array = fc.oneof(flatArray, tallArray);

const mapEntries = fc.uniqueArray(fc.tuple(rule, fc.constantFrom('"', "'"), outcome), {
  maxLength: 4,
  selector: ([text]) => text,
});
const pairs = mapEntries.map((all) =>
  all.map(([text, sign, value]) => `${sign}${text}${sign} = ${value}`),
);
const inlineMap = fc
  .tuple(pairs, blank)
  .map(([all, inner]) => `{${inner}${all.join(', ')}${inner}}`);
const tallMap = pairs.map((all) => `{\n${all.map((one) => `  ${one}, # m\n`).join('')}}`);
const map = fc.oneof(inlineMap, tallMap);

const otherKey = fc.constantFrom('', 'mode = "full"\n', '# about\nenabled = true # on\n');
const gap = fc.constantFrom(' = ', '=', ' =  ');
const lists = fc
  .tuple(fc.option(array), fc.option(array), gap, note, blank)
  .map(([allow, deny, is, comment, indent]) => [
    ...(allow === null ? [] : [`${indent}allowed_domains${is}${allow}${comment}\n`]),
    ...(deny === null ? [] : [`${indent}"denied_domains"${is}${deny}${comment}\n`]),
  ]);

/** The part of the document that is about NAME, in all forms. */
const network = fc.oneof(
  fc.constant(''),
  fc.tuple(otherKey, lists, otherKey).map(([first, all, last]) => {
    return `[NAME] # head\n${first}${all.join('')}${first === last ? '' : last}`;
  }),
  lists.map((all) => all.map((line) => `NAME.${line.trimStart()}`).join('')),
  fc
    .tuple(flatArray, fc.boolean())
    .map(([one, more]) => `NAME = { allowed_domains = ${one}${more ? ', mode = "full"' : ''} }\n`),
  fc.constantFrom('NAME = {}\n', 'NAME = { mode = "full" }\n', '[NAME]', '[NAME]\n'),
  fc.tuple(otherKey, map, note).map(([key, one, comment]) => {
    return `[NAME]\n${key}domains = ${one}${comment}\n`;
  }),
  fc.tuple(pairs, otherKey).map(([all, key]) => {
    return `[NAME]\n${key}[NAME.domains] # m\n${all.map((one) => `${one} # r\n`).join('')}`;
  }),
  pairs.map((all) => `[NAME]\n${all.map((one) => `  domains.${one}\n`).join('')}`),
  pairs.map((all) => all.map((one) => `NAME . domains.${one}\n`).join('')),
  inlineMap.map((one) => `NAME = { mode = "full", domains = ${one} }\n`),
  pairs.map((all) => `NAME = {${all.map((one) => ` domains.${one}`).join(',')} }\n`),
);

const head = fc.constantFrom('', '# first\n', '\n', 'title = "é😀"\n');
const tail = fc.constantFrom('', '\n[exec]\nno_proxy = "none"\n', '[[x]]\na = 1\n', '\n\n# end');
const document = fc
  .tuple(head, network, tail, fc.boolean(), fc.boolean(), fc.constantFrom('own', 'codex'))
  .map(([first, middle, last, isCrlf, isMarked, dialect]) => {
    const name = dialect === 'codex' ? 'experimental_network' : 'network';
    const lines = `${first}${middle.replaceAll(/\bNAME\b/g, name)}${last}`;
    const text = isCrlf ? lines.replaceAll('\n', '\r\n') : lines;
    return { text: `${isMarked ? '\uFEFF' : ''}${text}`, dialect };
  });
const edit: fc.Arbitrary<RuleEdit> = fc.record({
  kind: fc.constantFrom('add', 'remove'),
  list: fc.constantFrom('allow', 'deny'),
  rule,
});

/** Why an edit of a well-formed document may be refused; anything else could have been made. */
const refusals =
  / already$|^".*" is not |; remove that first$|has a port, and rules here|is not valid TOML; mend/;

describe('edits of rules', () => {
  it('of the corpus say what was meant and nothing else', () => {
    for (const given of corpus) checkEdit(given);
  });

  it('of every form of the lists are made, and leave the other lines alone', () => {
    const property = fc.property(document, edit, (given, one) => {
      const after = checkEdit({ ...given, edit: one }, refusals);
      if (after === undefined) return;
      // An addition can be taken back, and what is gone can be added.
      const kind = one.kind === 'add' ? 'remove' : 'add';
      checkEdit({ ...given, text: after, edit: { ...one, kind } }, refusals);
    });
    fc.assert(property, { numRuns });
  });

  it('of text that anybody may have written neither throw nor say anything else', () => {
    const cut = fc.tuple(document, fc.nat(), fc.nat(12), fc.string({ maxLength: 4 }));
    const property = fc.property(cut, edit, ([given, at, length, put], one) => {
      const from = at % (given.text.length + 1);
      const text = given.text.slice(0, from) + put + given.text.slice(from + length);
      const edited = applyEdits(text, [one], given.dialect);
      if (!edited.ok) return;
      const [old, now] = [read(text, given.dialect), read(edited.value, given.dialect)];
      assert.ok(old !== undefined && now !== undefined);
      const wanted = expected({ text, dialect: given.dialect, edit: one }, old);
      assert.deepEqual(
        [now.allow.toSorted(), now.deny.toSorted(), now.rest],
        [wanted.allow.toSorted(), wanted.deny.toSorted(), wanted.rest],
      );
    });
    fc.assert(property, { numRuns });
  });
});

describe('the diff of two texts', () => {
  const line = fc.constantFrom('a\n', 'b\n', 'c\r\n', '\n', 'd\n');
  const textOf = (...ends: readonly string[]): fc.Arbitrary<string> =>
    fc
      .tuple(fc.array(line, { maxLength: 12 }), fc.constantFrom(...ends))
      .map(([all, end]) => all.join('') + end);
  const text = textOf('', 'e', '\r');

  it('turns the one into the other, with as few lines as can be', () => {
    const property = fc.property(text, text, (before, after) => {
      const [old, now] = [splitLines(before), splitLines(after)];
      const steps = alignLines(old, now);
      const made = steps.filter(({ kind }) => kind !== 'removed').map((step) => now[step.after]);
      const had = steps.filter(({ kind }) => kind !== 'added').map((step) => old[step.before]);
      assert.deepEqual([made, had], [now, old]);
      for (const step of steps) {
        if (step.kind === 'same') assert.equal(old[step.before], now[step.after]);
      }
      const changed = steps.filter(({ kind }) => kind !== 'same').length;
      assert.equal(changed, old.length + now.length - 2 * longestCommon(old, now));
      assert.equal(diffTexts(before, after).length === 0, before === after);
    });
    fc.assert(property, { numRuns });
  });

  it('gives line ends that a form has eaten back, and changes nothing else', () => {
    const property = fc.property(textOf('', 'e'), text, (before, draft) => {
      const kept = keepLineEnds(before, draft);
      assert.equal(
        kept.replaceAll('\r\n', '\n'),
        draft.includes('\r') ? draft.replaceAll('\r\n', '\n') : draft,
      );
      assert.equal(keepLineEnds(before, before.replaceAll('\r\n', '\n')), before);
    });
    fc.assert(property, { numRuns });
  });
});

/** Length of the longest common subsequence, by the textbook table. */
function longestCommon(old: readonly string[], now: readonly string[]): number {
  let above = now.map(() => 0);
  for (const one of old) {
    const row: number[] = [];
    for (const [index, other] of now.entries()) {
      const best = Math.max(above[index] ?? 0, row[index - 1] ?? 0);
      row.push(one === other ? (above[index - 1] ?? 0) + 1 : best);
    }
    above = row;
  }
  return above.at(-1) ?? 0;
}
