// Star rules filed by outline: which rule is found, and that the table keeps apart what looks alike.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addStar, createStarTable, findStar } from '../../../src/policy/stars.ts';
import type { StarTable } from '../../../src/policy/stars.ts';
import { makeRule } from '../../support/policy.ts';

function table(...texts: readonly string[]): StarTable {
  const made = createStarTable();
  texts.forEach((text, index) => {
    const { pattern, ref } = makeRule('allow', text, index + 1);
    assert.ok(pattern.shape === 'star');
    addStar(made, pattern, ref);
  });
  return made;
}

const fixed = 'example.com';

describe('findStar', () => {
  const stars = table(
    'a*.example.com',
    'b*.example.com',
    '*-end.example.com',
    'ab*yz.example.com',
    'm*n*o.example.com',
    'm*p*o.example.com',
    'one.*.example.com',
    'two*.three.example.com',
    'port*.example.com:22',
    'port*.example.com',
    'port*.example.com:80',
  );
  const cases = [
    { host: 'a.example.com', want: 'a*.example.com' },
    { host: 'b1.example.com', want: 'b*.example.com' },
    { host: 'c-end.example.com', want: '*-end.example.com' },
    { host: '-end.example.com', want: '*-end.example.com' },
    { host: 'end.example.com', want: undefined },
    { host: 'ab-yz.example.com', want: 'a*.example.com' },
    { host: 'mnpo.example.com', want: 'm*n*o.example.com' },
    { host: 'm1p2o.example.com', want: 'm*p*o.example.com' },
    { host: 'mo.example.com', want: undefined },
    { host: 'm.example.com', want: undefined },
    { host: 'one.x.example.com', want: 'one.*.example.com' },
    { host: 'two.x.example.com', want: undefined },
    { host: 'x.one.x.example.com', want: undefined },
    { host: 'port1.example.com', port: 22, want: 'port*.example.com:22' },
    { host: 'port1.example.com', port: 80, want: 'port*.example.com:80' },
    { host: 'port1.example.com', port: 443, want: 'port*.example.com' },
  ];
  for (const { host, port = 443, want } of cases) {
    it(`finds ${want ?? 'nothing'} for ${host}:${port}`, () => {
      assert.equal(findStar(stars, host, fixed, port)?.text, want);
    });
  }
  it('looks only under the fixed end it is asked about', () => {
    assert.equal(findStar(stars, 'two.three.example.com', fixed, 443), undefined);
    assert.equal(
      findStar(stars, 'two1.three.example.com', 'three.example.com', 443)?.text,
      'two*.three.example.com',
    );
    assert.equal(findStar(stars, 'a.example.com', 'com', 443), undefined);
  });
  it('keeps one outline for rules of the same shape', () => {
    assert.equal(table('a*.example.com', 'b*.example.com').outlines.get(fixed)?.length, 1);
    assert.equal(table('a*.example.com', 'bb*.example.com').outlines.get(fixed)?.length, 2);
  });
  it('keeps the later of two rules with the same text', () => {
    assert.equal(
      findStar(table('a*.example.com', 'a*.example.com'), 'ab.example.com', fixed, 1)?.origin.line,
      2,
    );
  });
});
