import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseSyntax } from '../../../src/config/locate.ts';
import { findRulePlaces } from '../../../src/config/rule-places.ts';

/** Each pair as `path <- prefix (home)`. */
function placesIn(text: string, name = 'network'): readonly string[] {
  const { pairs, table, mapTable } = findRulePlaces(parseSyntax(text), name);
  const headers = [table, mapTable].flatMap((node) =>
    node === undefined ? [] : [`[${node.resolvedKey.join('.')}]`],
  );
  return [
    ...headers,
    ...pairs.map(({ path, start, nameStart, home }) => {
      const where =
        home.kind === 'inline' ? 'inline' : (home.table?.resolvedKey.join('.') ?? 'top');
      return `${path.join(' ')} <- "${text.slice(start, nameStart)}" (${where})`;
    }),
  ];
}

describe('findRulePlaces', () => {
  const cases: readonly (readonly [name: string, text: string, want: readonly string[]])[] = [
    ['finds nothing in an empty document', '', []],
    ['leaves other tables alone', 'a = 1\n[exec]\nnetwork = 1\n', []],
    [
      'finds the keys of the table',
      '[network]\nmode = "full"\nallowed_domains = []\n',
      ['[network]', 'network mode <- "" (network)', 'network allowed_domains <- "" (network)'],
    ],
    [
      'finds dotted keys, however they are written',
      '"network" . allowed_domains = []\n',
      ['network allowed_domains <- ""network" . " (top)'],
    ],
    [
      'finds the map as inline table',
      "[network]\ndomains = { 'a.example' = 'allow' }\n",
      ['[network]', 'network domains <- "" (network)', 'network domains a.example <- "" (inline)'],
    ],
    [
      'finds the map as a table of its own',
      '[network.domains]\n"a.example" = "allow"\n',
      ['[network.domains]', 'network domains a.example <- "" (network.domains)'],
    ],
    [
      'finds the map as dotted keys',
      '[network]\ndomains."a.example" = "allow"\n',
      ['[network]', 'network domains a.example <- "domains." (network)'],
    ],
    [
      'looks into an inline table',
      'network = { domains."a.example" = "allow" }\n',
      ['network <- "" (top)', 'network domains a.example <- "domains." (inline)'],
    ],
    ['does not look into an array of tables', '[[network]]\nallowed_domains = []\n', []],
    ['does not look deeper than rules stand', '[network.a.b.c]\nd = 1\n', []],
  ];
  for (const [name, text, want] of cases) {
    it(name, () => assert.deepEqual(placesIn(text), want));
  }

  it("finds Codex's table by its name", () => {
    assert.deepEqual(placesIn('experimental_network.enabled = true\n', 'experimental_network'), [
      'experimental_network enabled <- "experimental_network." (top)',
    ]);
  });
});
