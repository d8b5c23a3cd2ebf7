import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fieldTable } from '../../../src/proxy/gateway-door.ts';

describe('fieldTable', () => {
  const cases = [
    {
      name: 'lower-cases names and leaves Host and what is hop by hop out',
      raw: ['Host', 'h', 'Accept', 'a', 'Connection', 'x-hop', 'X-Hop', '1', 'Proxy-Thing', '2'],
      want: { accept: 'a' },
    },
    {
      name: 'keeps repeats in their order',
      raw: ['X-A', '1', 'x-b', '2', 'x-a', '3', 'X-A', '4'],
      want: { 'x-a': ['1', '3', '4'], 'x-b': '2' },
    },
    {
      name: 'takes a name that objects inherit for a field like any other',
      raw: ['__proto__', '1', 'constructor', '2'],
      want: JSON.parse('{"__proto__":"1","constructor":"2"}') as object,
    },
  ];
  for (const { name, raw, want } of cases) {
    it(name, () => {
      assert.deepEqual(Object.entries(fieldTable(raw)), Object.entries(want));
    });
  }

  it('takes time linear in the number of repeats (a head of 64 KiB once cost a second)', () => {
    const raw = Array.from({ length: 100_000 }, () => ['a', '']).flat();
    const start = performance.now();
    assert.equal(fieldTable(raw)['a']?.length, 100_000);
    assert.ok(performance.now() - start < 5_000, 'copied at every repeat it takes half a minute');
  });
});
