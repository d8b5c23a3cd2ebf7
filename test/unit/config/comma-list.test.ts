import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { insertLast, removeElements, type CommaList } from '../../../src/config/comma-list.ts';

/** The first bracketed list of a text whose elements are single letters. */
function listIn(text: string): CommaList {
  const open = text.search(/[[{]/);
  const close = text.search(/[\]}]/);
  const code = text.replaceAll(/#[^\n]*/g, (comment) => ' '.repeat(comment.length));
  const letters = [...code.slice(open, close).matchAll(/[a-z]/g)];
  const elements = letters.map(({ index }) => ({ start: open + index, end: open + index + 1 }));
  return { open, close, elements };
}

type Case = readonly [name: string, text: string, want: string];

describe('insertLast', () => {
  const cases: readonly Case[] = [
    ['fills an empty list', 'x = []', 'x = [n]'],
    ['keeps the blanks of an empty list', 'x = [ ]', 'x = [ n ]'],
    ['sets blanks inside an empty inline table', 'x = {}', 'x = { n }'],
    ['adds behind the only element', '[a]', '[a, n]'],
    ['separates as the elements before', '[a,b]', '[a,b,n]'],
    ['keeps the blanks before the bracket', '[ a ,  b ]', '[ a ,  b ,  n ]'],
    ['keeps a trailing comma', '[a, b,]', '[a, b, n,]'],
    ['keeps the blank behind a trailing comma', '[a, ]', '[a, n, ]'],
    ['adds a line with a comma where the last has one', '[\n  a,\n]', '[\n  a,\n  n,\n]'],
    ['adds a line without where the last has none', '[\n  a\n]', '[\n  a,\n  n\n]'],
    ['sets the comma before the comment', '[\n\ta # z\n]', '[\n\ta, # z\n\tn\n]'],
    ['adds above comments at the end', '[\n  a, # y\n  # z\n]', '[\n  a, # y\n  n,\n  # z\n]'],
    ['keeps CRLF', '[\r\n  a,\r\n]', '[\r\n  a,\r\n  n,\r\n]'],
    ['keeps the bracket behind the last element', '[a,\n b]', '[a,\n b,\n n]'],
    ['keeps the bracket behind a trailing comma', '[a,\n b,]', '[a,\n b,\n n,]'],
    ['takes a line of its own below a shared line', '[\n  a, b,\n]', '[\n  a, b,\n  n,\n]'],
    ['finds no indentation on the first line', '[ a,\n]', '[ a,\n  n,\n]'],
    ['goes one step deeper than the bracket', '[\n]', '[\n  n,\n]'],
    ['goes deeper by a tab where tabs are used', 'y = 1\n\t[\n\t]', 'y = 1\n\t[\n\t\tn,\n\t]'],
    ['stands below the comment of an empty list', '[\n    # z\n]', '[\n    # z\n    n,\n]'],
    ['is not misled by a comma in a comment', '[\n  a # z, z\n]', '[\n  a, # z, z\n  n\n]'],
    ['sees a comma below a comment', '[\n  a # z\n  ,\n]', '[\n  a # z\n  ,\n  n,\n]'],
  ];
  for (const [name, text, want] of cases) {
    it(name, () => assert.equal(insertLast(text, listIn(text), 'n'), want));
  }
});

describe('removeElements', () => {
  const cases: readonly (readonly [...Case, ...indices: number[]])[] = [
    ['empties a list', '[a]', '[]', 0],
    ['empties a list with a trailing comma', '[ a, ]', '[ ]', 0],
    ['removes the first', '[a, b]', '[b]', 0],
    ['removes one in the middle', '[a, b, c]', '[a, c]', 1],
    ['removes the last with the comma before it', '[a, b]', '[a]', 1],
    ['keeps the trailing comma', '[a, b,]', '[a,]', 1],
    ['removes several', '[a, b, c, d]', '[b, d]', 0, 2],
    ['removes all', '{ a, b }', '{ }', 0, 1],
    ['removes a line of its own', '[\n  a,\n  b,\n]', '[\n  b,\n]', 0],
    ['removes the comment of that line', '[\n  a, # z\n  b,\n]', '[\n  b,\n]', 0],
    ['keeps comments on other lines', '[\n  # y\n  a,\n  # z\n]', '[\n  # y\n  # z\n]', 0],
    ['leaves the comma of the line before', '[\n  a,\n  b\n]', '[\n  a,\n]', 1],
    ['leaves the others of a line', '[\n  a, b, # z\n  c\n]', '[\n  a, # z\n  c\n]', 1],
    ['leaves the bracket on its line', '[a,\n  b]', '[a,\n  ]', 1],
    ['leaves a comment behind the first', '[a, # z\n  b]', '[# z\n  b]', 0],
    ['removes a line that begins with its comma', '[\n  a\n  , b\n  , c\n]', '[\n  a\n  , c\n]', 1],
    ['removes the last line of that kind', '[\n  a\n  , b\n]', '[\n  a\n]', 1],
    ['keeps a comment before the comma', '[a # z\n, b]', '[# z\n b]', 0],
    ['keeps CRLF', '[\r\n  a,\r\n  b,\r\n]', '[\r\n  a,\r\n]', 1],
    ['removes several lines', '[\n  a,\n  b,\n  c\n]', '[\n  b,\n]', 0, 2],
    ['leaves all when there is no such element', '[a]', '[a]', 1],
  ];
  for (const [name, text, want, ...indices] of cases) {
    it(name, () => assert.equal(removeElements(text, listIn(text), indices), want));
  }
});
