import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isTable, parseDocument } from '../../../src/config/toml.ts';

describe('parseDocument', () => {
  it('gives values without prototypes', () => {
    const parsed = parseDocument('a = { b = [1, "x"] }\n');
    assert.ok(parsed.ok);
    assert.ok(isTable(parsed.value.root) && isTable(parsed.value.root['a']));
    assert.equal(isTable([]), false);
    assert.equal(isTable(null), false);
    assert.equal(isTable({}), false);
  });

  const wrong = [
    { name: 'an open table', text: '[a\n', line: 1 },
    { name: 'text without quotes', text: 'a = 1\nb = full\n', line: 2 },
    { name: 'a key twice', text: 'a = 1\na = 2\n', line: 2 },
    { name: 'a number too large to hold', text: 'a = 9223372036854775807\n', line: 1 },
    { name: 'a control character', text: 'a = "\u0001"\n', line: 1 },
    {
      name: 'a hundred open brackets',
      text: `a = ${'['.repeat(100)}${']'.repeat(100)}\n`,
      line: 1,
    },
    { name: 'an open string', text: 'a = "x\n', line: 1 },
  ];
  for (const { name, text, line } of wrong) {
    it(`refuses ${name}`, () => {
      const parsed = parseDocument(text);
      assert.ok(!parsed.ok);
      assert.equal(parsed.place.line, line);
      assert.match(parsed.problem, /^[^\n]+$/);
    });
  }

  const hinted = [
    {
      name: 'YAML',
      text: 'network:\n  unknown: ask\n',
      hint: /expected key = value or a \[table\]/,
    },
    { name: 'a table left open', text: '[network\na = 1\n', hint: /a \[table\] on a line/ },
    { name: 'a text left open', text: 'a = "x\n', hint: /close the quotes before the line ends/ },
    { name: 'a key twice', text: 'a = 1\na = 2\n', hint: /stands once in a file/ },
    { name: 'a table twice', text: '[a]\nx = 1\n[b]\n[a]\n', hint: /stands once in a file/ },
  ];
  for (const { name, text, hint } of hinted) {
    it(`says how it is written instead of ${name}`, () => {
      const parsed = parseDocument(text);
      assert.ok(!parsed.ok);
      assert.match(parsed.problem, hint);
    });
  }

  it('reads TOML 1.1: newlines and a last comma in an inline table', () => {
    assert.ok(parseDocument('a = {\n  b = 1,\n}\n').ok);
  });
});
