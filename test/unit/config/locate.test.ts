import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLocator, parseSyntax, type Path } from '../../../src/config/locate.ts';

const text = `top = 1
[network]
mode  =   "full"
domains."a.example" = "allow"
list = [
  "x", [ "y" ] ]
[[rows]]
a = 1
[[rows]]
a = { b.c = 2 }
[x.y]
z = 0
`;

describe('createLocator', () => {
  const locate = createLocator(text);
  const cases: readonly { path: Path; key: string; value: string }[] = [
    { path: [], key: '1:1', value: '1:1' },
    { path: ['top'], key: '1:1', value: '1:7' },
    { path: ['network'], key: '2:2', value: '2:2' },
    { path: ['network', 'mode'], key: '3:1', value: '3:11' },
    { path: ['network', 'domains'], key: '4:1', value: '4:1' },
    { path: ['network', 'domains', 'a.example'], key: '4:9', value: '4:23' },
    { path: ['network', 'list', 0], key: '6:3', value: '6:3' },
    { path: ['network', 'list', 1, 0], key: '6:10', value: '6:10' },
    { path: ['rows', 1, 'a', 'b', 'c'], key: '10:9', value: '10:13' },
    { path: ['x', 'y', 'z'], key: '12:1', value: '12:5' },
    { path: ['network', 'mode', 'deeper'], key: '3:1', value: '3:11' },
    { path: ['nowhere'], key: '1:1', value: '1:1' },
  ];
  for (const { path, key, value } of cases) {
    it(`finds ${path.join('.') || 'the root'}`, () => {
      const at = (part: 'key' | 'value'): string => {
        const { line, column } = locate(path, part);
        return `${line}:${column}`;
      };
      assert.deepEqual({ key: at('key'), value: at('value') }, { key, value });
    });
  }

  it('throws for what is no TOML', () => {
    assert.throws(() => createLocator('[a\n'), SyntaxError);
  });
});

describe('parseSyntax', () => {
  it('gives ranges in UTF-16 units, also behind other signs and CRLF', () => {
    const document = '# 😀\r\na = [ "é", "b" ]\r\n';
    const [pair] = parseSyntax(document).body;
    assert.ok(pair?.type === 'TOMLKeyValue' && pair.value.type === 'TOMLArray');
    const parts = [pair.key, ...pair.value.elements].map(({ range }) => document.slice(...range));
    assert.deepEqual(parts, ['a', '"é"', '"b"']);
  });

  it('throws for what is no TOML', () => {
    assert.throws(() => parseSyntax('a ='), SyntaxError);
  });
});
