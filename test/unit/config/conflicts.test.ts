import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findConflicts } from '../../../src/config/conflicts.ts';
import { loadTexts, type Texts } from '../../support/layers.ts';

/** The warnings about one file as `line: message`. */
function conflictsIn(texts: Texts, file = 'config.toml'): readonly string[] {
  const result = loadTexts(texts);
  assert.ok(result.ok, JSON.stringify(result));
  return findConflicts(result.config.rules, file).map(({ line, message }) => `${line}: ${message}`);
}

/** A user file whose lists have one rule a line, the allows from line 3, the denies below their own key. */
function lists(allow: readonly string[], deny: readonly string[] = []): string {
  const lines = (rules: readonly string[]): string => rules.map((rule) => `"${rule}",\n`).join('');
  return `[network]\nallowed_domains = [\n${lines(allow)}]\ndenied_domains = [\n${lines(deny)}]\n`;
}

describe('findConflicts', () => {
  const cases: readonly (readonly [
    name: string,
    allow: readonly string[],
    deny: readonly string[],
    want: readonly string[],
  ])[] = [
    [
      'says nothing where all is well',
      ['a.example', '*.a.example', 'b.example'],
      ['x.b.example'],
      [],
    ],
    [
      'sees a rule twice',
      ['a.example', 'A.example.'],
      [],
      ['4: "A.example." stands here twice; the other is "a.example" (line 3)'],
    ],
    [
      'sees a name below a wildcard',
      ['*.a.example', 'x.y.a.example'],
      [],
      ['4: "x.y.a.example" is covered by "*.a.example" (line 3) already'],
    ],
    ['knows that *. does not cover the apex', ['*.a.example', 'a.example'], [], []],
    [
      'knows that **. does',
      ['**.a.example', 'a.example', '*.a.example'],
      [],
      [
        '4: "a.example" is covered by "**.a.example" (line 3) already',
        '5: "*.a.example" is covered by "**.a.example" (line 3) already',
      ],
    ],
    [
      'sees a wildcard below another',
      ['*.a.example', '**.b.a.example'],
      [],
      ['4: "**.b.a.example" is covered by "*.a.example" (line 3) already'],
    ],
    [
      'sees a name that a star matches',
      ['e*.a.example', 'eu.a.example', 'us.a.example'],
      [],
      ['4: "eu.a.example" is covered by "e*.a.example" (line 3) already'],
    ],
    [
      'sees a star below a wildcard',
      ['*.a.example', 'e*.a.example'],
      [],
      ['4: "e*.a.example" is covered by "*.a.example" (line 3) already'],
    ],
    [
      'minds the port',
      ['a.example:443', 'a.example', '*.b.example', 'x.b.example:80'],
      [],
      [
        '3: "a.example:443" is covered by "a.example" (line 4) already',
        '6: "x.b.example:80" is covered by "*.b.example" (line 5) already',
      ],
    ],
    [
      'sees an address in a block',
      ['10.0.0.0/8', '10.1.2.3', 'fd00::/8', 'fd00::1'],
      [],
      [
        '4: "10.1.2.3" is covered by "10.0.0.0/8" (line 3) already',
        '6: "fd00::1" is covered by "fd00::/8" (line 5) already',
      ],
    ],
    [
      'knows that * excuses neither addresses nor localhost',
      ['*', '10.1.2.3', 'localhost', 'a.example'],
      [],
      ['6: "a.example" is covered by "*" (line 3) already'],
    ],
    [
      'sees an allow that never counts',
      ['x.a.example', 'b.example'],
      ['*.a.example'],
      ['3: "x.a.example" never counts: it is denied by "*.a.example" (line 7)'],
    ],
    [
      'sees what is in both lists',
      ['a.example'],
      ['a.example'],
      ['3: "a.example" is allowed and denied; the deny counts, "a.example" (line 6)'],
    ],
    [
      'sees an address that is denied',
      ['10.1.2.3'],
      ['10.0.0.0/8'],
      ['3: "10.1.2.3" never counts: it is denied by "10.0.0.0/8" (line 6)'],
    ],
    ['lets a narrower deny be', ['*.a.example'], ['x.a.example'], []],
    [
      'sees a deny twice',
      [],
      ['*.a.example', 'x.a.example'],
      ['6: "x.a.example" is covered by "*.a.example" (line 5) already'],
    ],
    [
      'sees a star over several owners',
      ['a*.github.io'],
      [],
      ['3: "a*.github.io" covers names of several owners below "github.io"; name them'],
    ],
  ];
  for (const [name, allow, deny, want] of cases) {
    it(name, () => assert.deepEqual(conflictsIn({ user: lists(allow, deny) }), want));
  }

  it('sees what the management denies, and what it allows already', () => {
    const user = lists(['a.example', 'b.example', 'x.c.example']);
    const requirements =
      '[network]\nallowed_domains = ["b.example", "**.c.example"]\ndenied_domains = ["a.example"]\n';
    assert.deepEqual(conflictsIn({ user, requirements }), [
      '3: "a.example" is denied by the management, "a.example" (requirements.toml:3), which stands',
      '4: "b.example" is set by "b.example" (requirements.toml:2) already',
      '5: "x.c.example" is covered by "**.c.example" (requirements.toml:2) already',
    ]);
  });

  it('sees what a deny takes away from other files', () => {
    const user = lists([], ['*.a.example']);
    const requirements =
      '[network]\nallowed_domains = ["x.a.example", "y.a.example", "b.example"]\n';
    assert.deepEqual(conflictsIn({ user, requirements }), [
      '5: "*.a.example" takes away what is allowed by "x.a.example" (requirements.toml:2) and 1 more',
    ]);
    assert.deepEqual(conflictsIn({ user, requirements }, 'requirements.toml'), [
      '2: "x.a.example" never counts: it is denied by "*.a.example" (config.toml:5)',
      '2: "y.a.example" never counts: it is denied by "*.a.example" (config.toml:5)',
    ]);
  });

  it('gives at most two hundred warnings, and says how many more', () => {
    const names = Array.from({ length: 300 }, (_, index) => `h${index}.a.example`);
    const said = conflictsIn({ user: lists(['*.a.example', ...names]) });
    assert.equal(said.length, 200);
    assert.equal(said.at(-1), '203: and 101 more like these');
  });

  it('takes its time by the rules, not by their pairs', () => {
    const names = Array.from({ length: 20_000 }, (_, index) => `h${index}.a.example`);
    const stars = Array.from({ length: 500 }, (_, index) => `s${index}*.a.example`);
    const result = loadTexts({ user: lists([...stars, ...names]) });
    assert.ok(result.ok);
    const started = performance.now();
    findConflicts(result.config.rules, 'config.toml');
    assert.ok(performance.now() - started < 20_000);
  });
});
