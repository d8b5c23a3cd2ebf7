import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DecodedLayer } from '../../../src/config/layer.ts';
import { decodeText } from '../../support/layers.ts';

function shown({ allow, deny, shape }: DecodedLayer): readonly string[] {
  const rules = [...allow, ...deny].map(({ ref: { text, outcome, origin } }) =>
    [outcome, text, `${origin.line}:${origin.column}`].join(' '),
  );
  return [shape, ...rules];
}

describe('the rules of a document', () => {
  const cases = [
    { name: 'none', text: '[network]\n', want: ['none'] },
    {
      name: 'denies alone',
      text: '[network]\ndenied_domains = ["a.example"]\n',
      want: ['none', 'deny a.example 2:19'],
    },
    {
      name: 'two lists',
      text: '[network]\nallowed_domains = ["a.example", "b.example"]\ndenied_domains = [\n"c.example"]\n',
      want: ['list', 'allow a.example 2:20', 'allow b.example 2:33', 'deny c.example 4:1'],
    },
    {
      name: 'a map in a line',
      text: '[network]\ndomains = { "a.example" = "allow", "b.example" = "deny" }\n',
      want: ['map', 'allow a.example 2:13', 'deny b.example 2:36'],
    },
    {
      name: 'a map as a table',
      text: '[network.domains]\n"a.example" = "deny"\n"b.example" = "allow"\n',
      want: ['map', 'allow b.example 3:1', 'deny a.example 2:1'],
    },
    {
      name: 'a map of dotted keys',
      text: 'network.domains."a.example" = "allow"\n',
      want: ['map', 'allow a.example 1:17'],
    },
    {
      name: 'a preset',
      text: '[network]\npresets = ["git"]\n',
      want: ['list', 'allow git.example 2:20'],
    },
    { name: 'an empty list', text: '[network]\nallowed_domains = []\n', want: ['list'] },
  ];
  for (const { name, text, want } of cases) {
    it(`are read with their shape and places: ${name}`, () => {
      const layer = decodeText('user', text);
      assert.deepEqual([layer.findings, shown(layer)], [[], want]);
    });
  }
});
