import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  findEntries,
  intendEdit,
  readContent,
  type RuleEdit,
  type WrittenContent,
} from '../../../src/config/rule-content.ts';
import { parseDocument } from '../../../src/config/toml.ts';

function contentOf(text: string): WrittenContent {
  const parsed = parseDocument(text);
  assert.ok(parsed.ok);
  const content = readContent(parsed.value.root, 'network');
  assert.ok(content.ok, JSON.stringify(content));
  return content.value;
}

const lists = contentOf(
  'a = 1\n[network]\nmode = "full"\nallowed_domains = ["A.example", "b.example", "a.example."]\n',
);
const map = contentOf('[network]\ndomains = { "a.example" = "allow", "b.example" = "deny" }\n');

describe('readContent', () => {
  it('tells the lists from all else', () => {
    assert.deepEqual(lists, {
      shape: 'lists',
      says: {
        allow: ['A.example', 'b.example', 'a.example.'],
        deny: [],
        map: new Map(),
        otherKeys: new Map([['mode', 'full']]),
        otherTables: new Map([['a', 1]]),
      },
    });
    assert.deepEqual(
      [map.shape, [...map.says.map]],
      [
        'map',
        [
          ['a.example', 'allow'],
          ['b.example', 'deny'],
        ],
      ],
    );
  });

  it('takes an empty table for none', () => {
    assert.deepEqual(contentOf('[network]\n').says, contentOf('').says);
    assert.deepEqual(contentOf('[network.domains]\n').says, contentOf('').says);
  });
});

describe('findEntries', () => {
  const entries = (content: WrittenContent, rule: string, list: RuleEdit['list']): unknown =>
    findEntries(content, { kind: 'remove', list, rule }, 'own');

  it('finds what means the same, in that list only', () => {
    assert.deepEqual(entries(lists, 'a.EXAMPLE', 'allow'), ['A.example', 'a.example.']);
    assert.deepEqual(entries(lists, 'a.example', 'deny'), []);
    assert.deepEqual(entries(map, 'b.example', 'deny'), ['b.example']);
    assert.deepEqual(entries(map, 'b.example', 'allow'), []);
  });

  it('finds no rule by its text alone', () => {
    const odd = contentOf('[network]\nallowed_domains = ["?", "a.example"]\n');
    assert.deepEqual(entries(odd, '?', 'allow'), ['?']);
    assert.deepEqual(entries(odd, '!', 'allow'), []);
  });
});

describe('intendEdit', () => {
  it('says what the document must say, its other keys as they were', () => {
    const added = intendEdit(lists, { kind: 'add', list: 'deny', rule: 'c.example' }, 'own');
    assert.deepEqual(added, { ok: true, value: { ...lists.says, deny: ['c.example'] } });
    const removed = intendEdit(map, { kind: 'remove', list: 'allow', rule: 'a.example' }, 'own');
    const left = new Map([['b.example', 'deny']]);
    assert.deepEqual(removed, { ok: true, value: { ...map.says, map: left } });
  });
});
