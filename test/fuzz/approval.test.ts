// Property tests of what reads outside text for approvals: answers, short ids, durations, the file of kept
// grants, /proc and command lines. FUZZ_RUNS sets the number of inputs.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { formatGrants, readGrants } from '../../src/approval/grants-file.ts';
import { maskArguments } from '../../src/approval/mask.ts';
import { formatGroupId, parseGroupId } from '../../src/approval/pending.ts';
import { readStat } from '../../src/approval/proc-process.ts';
import { findInodes } from '../../src/approval/proc-sockets.ts';
import { isPromptingShell } from '../../src/approval/process-tree.ts';
import { parseScope } from '../../src/approval/scope.ts';
import { decodeAnswer } from '../../src/control/decode.ts';
import { SallyportError } from '../../src/errors.ts';
import { parseHost } from '../../src/policy/destination.ts';
import { escapePrintable } from '../../src/policy/printable.ts';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 4000);
// Cast: the corpus is ours.
const corpus = JSON.parse(
  readFileSync(new URL('corpus/approval.json', import.meta.url), 'utf8'),
) as Readonly<Record<'answers' | 'grants' | 'stats' | 'words' | 'hosts', readonly string[]>>;

const examples = (texts: readonly string[]): [string][] => texts.map((text) => [text]);
const short = fc.string({ unit: 'binary', maxLength: 30 });
const host = fc.oneof(
  fc.constantFrom(...corpus.hosts),
  fc
    .array(
      fc.constantFrom('a', 'b', '*', 'com', 'co', 'uk', 'github', 'io', 'example', 'net', '1', ''),
      { maxLength: 5 },
    )
    .map((labels) => labels.join('.')),
  fc.domain(),
  short,
);
const duration = fc.oneof(
  fc.constantFrom('once', 'restart', 'always'),
  fc.tuple(fc.nat(50_000), fc.constantFrom('m', 'h', 's', '')).map(([n, unit]) => `${n}${unit}`),
  short,
);
const loose = fc.record(
  {
    outcome: fc.oneof(fc.constantFrom('allow', 'deny'), fc.anything()),
    for: fc.oneof(duration, fc.anything()),
    host: fc.oneof(
      host,
      host.map((name) => `*.${name}`),
      fc.constant('exact'),
    ),
    port: fc.oneof(fc.constantFrom('this', 'any'), fc.anything()),
    revision: fc.oneof(fc.nat(9), fc.anything()),
    program: fc.oneof(fc.constantFrom('this', 'any'), fc.anything()),
    note: fc.oneof(short, fc.constant('why')),
    tell: fc.oneof(short, fc.constant('why')),
  },
  { requiredKeys: ['outcome'] },
);
const parsedJson = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};

describe('answers of any shape', () => {
  /** What must hold of an answer that is taken: it reaches the question and no further than it says. */
  const check = (body: unknown, asked: string): void => {
    const answer = decodeAnswer(body);
    if (!answer.ok) return;
    const parsed = parseHost(asked);
    if (!parsed.ok) return;
    const { text, kind } = parsed.value;
    const scope = parseScope(answer.value, { protocol: 'http', host: text, kind, port: 80 });
    if (!scope.ok) return;
    const { duration: lasts, host: reach, port, wide } = scope.value;
    for (const words of [answer.value.note, answer.value.tell]) {
      assert.equal(words, words && escapePrintable(words));
    }
    if (lasts.kind === 'until') assert.ok(lasts.ms >= 60_000 && lasts.ms <= 30 * 86_400_000);
    assert.ok(port === 80 || (port === 'any' && wide));
    if (lasts.kind === 'always') assert.ok(wide);
    if (reach === text) return;
    assert.ok(wide && lasts.kind !== 'once' && kind === 'name');
    assert.ok(
      reach.startsWith('*.') && text.endsWith(reach.slice(1)) && reach.split('.').length >= 3,
    );
  };
  it('never throw and never reach further than they may', () => {
    fc.assert(
      fc.property(
        fc.oneof({ weight: 9, arbitrary: loose }, { weight: 1, arbitrary: fc.anything() }),
        host,
        check,
      ),
      { numRuns },
    );
  });
  for (const text of corpus.answers) {
    it(`replay ${text.slice(0, 70)}`, () => {
      for (const asked of corpus.hosts) check(parsedJson(text), asked);
    });
  }
});

describe('short ids of any shape', () => {
  it('are read as what writes them, or not at all', () => {
    const text = fc.oneof(
      short,
      fc
        .tuple(fc.constantFrom('a', 'b', 'i', 'l', 'o'), fc.nat())
        .map(([letter, n]) => `${letter}${n}`),
    );
    fc.assert(
      fc.property(text, (id) => {
        const n = parseGroupId(id);
        if (n !== undefined) assert.equal(formatGroupId(n), id);
      }),
      { numRuns },
    );
  });
});

describe('grant files of any shape', () => {
  const row = fc.record({
    id: fc.oneof(
      fc.nat(99).map((n) => `g${n}`),
      short,
    ),
    outcome: fc.constantFrom('allow', 'deny', 'ask'),
    protocol: fc.constantFrom('http', 'https_connect', 'socks5_tcp', 'udp'),
    host: fc.oneof(
      host,
      host.map((name) => `*.${name}`),
      fc.ipV6(),
    ),
    port: fc.oneof(fc.nat(70_000), fc.constant('any')),
    created: fc.constantFrom('2026-11-20T12:00:00.000Z', 'now'),
    approver: fc.constant('dev'),
    surface: fc.constant('cli'),
    uses: fc.integer({ min: -1, max: 9 }),
    lastUsed: fc.constantFrom(null, '2026-11-20T12:00:00.000Z', 7),
    programs: fc.oneof(
      fc.constantFrom(null, undefined, []),
      fc.array(fc.record({ executable: short, folder: fc.oneof(short, fc.constant(null)) }), {
        maxLength: 9,
      }),
    ),
    note: fc.oneof(fc.constantFrom(null, undefined), short),
    question: fc.constantFrom(null, undefined, 'k3'),
  });
  const file = fc
    .record({
      version: fc.constantFrom(1, 2, 3),
      next: fc.nat(5),
      grants: fc.array(row, { maxLength: 2 }),
    })
    .map((value) => JSON.stringify(value));
  const cut = fc.tuple(file, fc.nat(400)).map(([text, length]) => text.slice(0, length));
  /** Read, or refused as corrupt; what was read comes back the same when written and read again. */
  const check = (text: string): void => {
    try {
      const kept = readGrants(text, 'f');
      assert.deepEqual(readGrants(formatGrants(kept.grants, kept.next), 'f'), kept);
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error;
      assert.equal(error.code, 'ERR_STATE_CORRUPT');
    }
  };
  it('are read and written alike, or refused as corrupt', () => {
    fc.assert(fc.property(fc.oneof(file, cut, short), check), {
      numRuns,
      examples: examples(corpus.grants),
    });
  });
});

describe('what the kernel and other programs write', () => {
  const word = fc.oneof(
    short,
    fc.constantFrom(...corpus.words),
    fc.tuple(fc.constantFrom(...corpus.words), short).map((parts) => parts.join('')),
  );
  it('gives a process only whole numbers and texts', () => {
    const line = fc
      .tuple(
        fc.nat(),
        short,
        fc.array(fc.constantFrom('S', '0', '1', '34816', '', ')'), { maxLength: 24 }),
      )
      .map(([pid, name, fields]) => `${pid} (${name}) ${fields.join(' ')}`);
    fc.assert(
      fc.property(fc.oneof(line, short), (text) => {
        const stat = readStat(text);
        if (stat !== undefined) assert.equal(typeof stat.started, 'string');
      }),
      { numRuns, examples: examples(corpus.stats) },
    );
  });
  it('finds only what was wanted among sockets', () => {
    const key = '0100007F:9C41 0100007F:1020';
    const piece = fc.constantFrom('  0: ', key, ' 01 0 0 0 0 0 ', ' 77 ', '\n', ': ', ' ', '0');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        for (const found of findInodes(pieces.join(''), new Set([key])).keys())
          assert.equal(found, key);
      }),
      { numRuns },
    );
  });
  it('keeps the number of words of a command line, masked twice or once', () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), (argv) => {
        const masked = maskArguments(argv);
        assert.equal(masked.length, argv.length);
        assert.equal(typeof isPromptingShell('bash', argv), 'boolean');
      }),
      { numRuns, examples: corpus.words.map((each): [string[]] => [[each, each]]) },
    );
  });
});
