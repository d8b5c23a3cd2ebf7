// Property tests of what the control API reads from outside: event streams however they are cut, bodies and
// queries, and the file of tokens. FUZZ_RUNS sets the number of inputs.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import * as decode from '../../src/control/decode.ts';
import { createLane, liveParts } from '../../src/control/lane.ts';
import { matchRoutes, readQuery, splitTarget } from '../../src/control/match.ts';
import type { LiveEvent, LiveView } from '../../src/control/messages.ts';
import { applyEvent } from '../../src/control/mirror.ts';
import type { Route } from '../../src/control/route.ts';
import { createSseReader } from '../../src/control/sse.ts';
import { formatTokens, readTokens } from '../../src/control/tokens-file.ts';
import type { KeptToken } from '../../src/control/tokens-file.ts';
import { SallyportError } from '../../src/errors.ts';
import { makeAnswer, makeGrant, makeGroup, makeLiveView } from '../support/views.ts';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 4000);
// Cast: the corpus is ours.
const corpus = JSON.parse(
  readFileSync(new URL('corpus/control-api.json', import.meta.url), 'utf8'),
) as Readonly<Record<'streams' | 'bodies' | 'targets' | 'tokens', readonly string[]>>;

const examples = (texts: readonly string[]): [string][] => texts.map((text) => [text]);
const short = fc.string({ unit: 'binary', maxLength: 20 });

const streams = fc.oneof(
  fc
    .array(
      fc.constantFrom(
        'data',
        ':',
        ' ',
        '\n',
        '\r',
        '\r\n',
        '\n\n',
        'event: x',
        'id: 1',
        '{}',
        'é😀',
        '\0',
      ),
      { maxLength: 20 },
    )
    .map((parts) => parts.join('')),
  short,
);

/** What the standard says, said slowly over the whole text: lines, then fields, then events. */
function eventsOf(text: string): string[] {
  const lines = text.split(/\r\n|\r|\n/).slice(0, -1); // the last one has not ended
  const found: string[] = [];
  let data: string[] = [];
  for (const line of lines) {
    if (line === '') {
      if (data.length > 0) found.push(data.join('\n'));
      data = [];
    } else if (line === 'data' || line.startsWith('data:')) {
      data.push(line.slice(5).replace(/^ /, ''));
    }
  }
  return found;
}

describe('the reader of event streams', () => {
  it('reads the same wherever the bytes are cut', () => {
    fc.assert(
      fc.property(streams, (text) => {
        const bytes = Buffer.from(text);
        const want = eventsOf(bytes.toString());
        for (let cut = 0; cut <= bytes.length; cut += 1) {
          const reader = createSseReader(10_000);
          const parts = [bytes.subarray(0, cut), bytes.subarray(cut)];
          assert.deepEqual(
            parts.flatMap((part) => [...reader.push(part)]),
            want,
          );
        }
      }),
      { numRuns, examples: examples(corpus.streams) },
    );
  });
  it('never keeps more than its limit', () => {
    fc.assert(
      fc.property(fc.array(streams, { maxLength: 10 }), (texts) => {
        const reader = createSseReader(16);
        try {
          for (const text of texts) {
            for (const data of reader.push(Buffer.from(text))) assert.ok(data.length <= 16);
          }
        } catch (error) {
          assert.ok(error instanceof RangeError);
        }
      }),
      { numRuns },
    );
  });
});

const readers = [
  decode.decodeAnswer,
  decode.decodeUndo,
  decode.decodePanic,
  decode.decodeNothing,
  decode.decodeDraft,
  decode.decodeEditId,
  decode.decodeToken,
  decode.decodePageSession,
  decode.decodeTray,
  (body: unknown) => decode.decodeFor(body, 1, 60),
] as const;

const keys = [
  'outcome',
  'for',
  'host',
  'port',
  'program',
  'note',
  'tell',
  'revision',
  'id',
  'on',
  'file',
  'etag',
  'text',
  'edits',
  'name',
  'role',
  'days',
  'code',
  'problem',
  '__proto__',
  'constructor',
];
const values = fc.oneof(
  fc.constantFrom<unknown>(
    'allow',
    'deny',
    'this',
    'any',
    'once',
    '5m',
    'admin',
    'k3',
    true,
    7,
    null,
    [],
  ),
  fc.array(
    fc.record({
      kind: fc.constantFrom('add', 'x'),
      list: fc.constantFrom('allow', 1),
      rule: short,
    }),
  ),
  fc.jsonValue({ maxDepth: 1 }),
);
const bodies = fc.oneof(
  fc
    .array(fc.tuple(fc.constantFrom(...keys), values), { maxLength: 5 })
    .map((entries) => JSON.stringify(Object.fromEntries(entries))),
  fc.json({ maxDepth: 2 }),
);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

describe('the readers of bodies', () => {
  it('take objects of known keys or say what is wrong, and never what was sent', () => {
    fc.assert(
      fc.property(bodies, (text) => {
        const body = parsed(text);
        for (const read of readers) {
          const result = read(body);
          if (!result.ok) assert.match(result.problem, /^[\x20-\x7e]{1,200}$/);
          else assert.ok(typeof body === 'object' && body !== null && !Array.isArray(body));
        }
        const durationMs = decode.decodeFor(body, 1, 60);
        if (durationMs.ok) assert.ok(durationMs.value >= 60_000 && durationMs.value <= 3_600_000);
      }),
      { numRuns, examples: examples(corpus.bodies) },
    );
  });
});

const routes = ['/', '/v1/grants', '/v1/grants/{id}', '/v1/tokens/local/rotate'].map(
  (path): Route => ({
    method: 'GET',
    path,
    permission: 'view',
    reach: 'unchanged',
    handle: () => Promise.reject(new Error('not called')),
  }),
);
const targets = fc.oneof(
  fc
    .array(
      fc.constantFrom(
        '/',
        'v1',
        'grants',
        'g1',
        '?',
        'limit',
        '=',
        '&',
        '5',
        '%2e',
        '%',
        '..',
        '+',
        'host',
        '\\',
      ),
      { maxLength: 10 },
    )
    .map((parts) => parts.join('')),
  short,
);

describe('the reader of targets', () => {
  it('finds a path that is one of the table, an id of plain letters, and declared parameters', () => {
    fc.assert(
      fc.property(targets, (target) => {
        const { path, query } = splitTarget(target);
        assert.equal(query === undefined ? path : `${path}?${query}`, target);
        for (const { route, id } of matchRoutes(routes, path)) {
          assert.match(id, /^[A-Za-z0-9_-]{0,32}$/);
          assert.equal(route.path.replace('{id}', id), path);
        }
        const read = readQuery(query, decode.historyParameters);
        if (!read.ok) return;
        for (const name of read.value.keys()) {
          assert.ok(decode.historyParameters.some((known) => known === name));
        }
        const history = decode.decodeHistory(read.value);
        if (history.ok && history.value.limit !== undefined) {
          assert.ok(history.value.limit >= 1 && history.value.limit <= 500);
        }
      }),
      { numRuns, examples: examples(corpus.targets) },
    );
  });
});

const times = fc.integer({ min: 0, max: 4_000_000_000_000 });
const keptToken = fc.record({
  name: fc.constantFrom('a', 'wall display', 'x.y_z-1'),
  role: fc.constantFrom('viewer' as const, 'approver' as const, 'admin' as const),
  createdMs: times,
  lastUsedMs: fc.option(times, { nil: undefined }),
  expiresMs: fc.option(times, { nil: undefined }),
});

describe('the file of tokens', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.array(keptToken, { maxLength: 5 }), fc.nat(9), (given, more) => {
        const tokens = given.map((token, n): KeptToken => ({
          ...token,
          id: `t${n + 1}`,
          hash: String(n).padStart(64, 'a'),
        }));
        const kept = { next: tokens.length + 1 + more, tokens };
        assert.deepEqual(readTokens(formatTokens(kept), 'f'), kept);
      }),
      { numRuns },
    );
  });
  it('is refused when anything in it is changed that could matter, and never believed in part', () => {
    const whole = formatTokens({
      next: 3,
      tokens: [
        {
          id: 't1',
          name: 'a',
          role: 'viewer',
          hash: 'a'.repeat(64),
          createdMs: 0,
          lastUsedMs: 0,
          expiresMs: 1,
        },
      ],
    });
    const damage = fc.tuple(fc.nat(whole.length), fc.nat(8), short);
    const damaged = fc.oneof(
      damage.map(([at, count, text]) => whole.slice(0, at) + text + whole.slice(at + count)),
      bodies,
      short,
    );
    fc.assert(
      fc.property(damaged, (text) => {
        try {
          const { next, tokens } = readTokens(text, 'f');
          assert.ok(next >= 1 && tokens.length <= 64);
          for (const { id, hash, role, expiresMs } of tokens) {
            assert.match(`${id} ${hash} ${role}`, /^t\d+ [0-9a-f]{64} (viewer|approver|admin)$/);
            assert.ok(expiresMs === undefined || Number.isFinite(expiresMs));
          }
        } catch (error) {
          assert.ok(error instanceof SallyportError && error.code === 'ERR_STATE_CORRUPT');
        }
      }),
      { numRuns, examples: examples(corpus.tokens) },
    );
  });
});

const ids = fc.uniqueArray(fc.constantFrom('k1', 'k2', 'k3', 'k4'), { maxLength: 4 });
const views = fc
  .record({
    groups: ids,
    grants: ids,
    answers: ids,
    waiting: fc.nat(2),
    part: fc.subarray([...liveParts]),
  })
  .map(({ groups, grants, answers, waiting, part }) => ({
    part,
    view: makeLiveView({
      groups: groups.map((id) => makeGroup({ id, waiting })),
      grants: grants.map((id) => makeGrant({ id, uses: waiting })),
      answers: answers.map((id) => makeAnswer({ id, released: waiting })),
    }),
  }));

describe('the live stream', () => {
  it('takes every mirror to what was shown, whatever was marked and when', () => {
    fc.assert(
      fc.property(fc.array(views, { minLength: 1, maxLength: 6 }), (steps) => {
        let now: LiveView = makeLiveView();
        const lane = createLane({
          version: now.version,
          gate: () => now.gate,
          groups: () => now.groups,
          floods: () => now.floods,
          grants: () => now.grants,
          answers: () => now.answers,
          policyChange: () => now.policyChange,
        });
        let mirror = applyEvent(undefined, eventIn(lane.snapshot('admin')));
        for (const { view, part } of steps) {
          now = view;
          const text = lane.change(part);
          if (text !== undefined) mirror = applyEvent(mirror, eventIn(text));
        }
        const rest = lane.change(liveParts);
        if (rest !== undefined) mirror = applyEvent(mirror, eventIn(rest));
        const byId = (list: readonly { id: string }[]) =>
          new Map(list.map((one) => [one.id, one] as const));
        assert.deepEqual(byId(mirror.groups), byId(now.groups));
        assert.deepEqual(byId(mirror.grants), byId(now.grants));
        for (const answer of now.answers)
          assert.deepEqual(byId(mirror.answers).get(answer.id), answer);
      }),
      { numRuns: Math.min(numRuns, 100_000) },
    );
  });
});

function eventIn(text: string): LiveEvent {
  const [data = ''] = createSseReader(1_000_000).push(Buffer.from(text));
  return JSON.parse(data) as LiveEvent;
}
