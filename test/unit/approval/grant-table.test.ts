import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { createGrantTable, type Coverage } from '../../../src/approval/grant-table.ts';
import type { Destination } from '../../../src/policy/destination.ts';
import { makeDestination } from '../../support/asking.ts';

/** The plain reading of what a coverage covers. */
function covers({ protocol, host, port }: Coverage, asked: Destination): boolean {
  if (protocol !== asked.protocol || (port !== 'any' && port !== asked.port)) return false;
  if (!host.startsWith('*.')) return host === asked.host;
  return asked.kind === 'name' && asked.host.endsWith(host.slice(1));
}

describe('createGrantTable', () => {
  const names = ['example.net', 'a.example.net', 'b.a.example.net', 'xexample.net', 'other.test'];
  const coverage = fc.record({
    protocol: fc.constantFrom('http', 'https_connect'),
    host: fc.constantFrom(...names, ...names.map((name) => `*.${name}`)),
    port: fc.constantFrom(80, 443, 'any' as const),
  });
  it('finds what a look at each would find, whatever came and went', () => {
    fc.assert(
      fc.property(
        fc.array(coverage, { maxLength: 12 }),
        fc.array(fc.nat(11), { maxLength: 6 }),
        fc.constantFrom(...names),
        fc.constantFrom(80, 443),
        (grants, removed, host, port) => {
          const table = createGrantTable<Coverage>();
          for (const grant of grants) table.insert(grant);
          const gone = new Set(removed.map((at) => grants[at]));
          for (const grant of gone) if (grant !== undefined) table.remove(grant);
          const asked = makeDestination(host, port);
          const found = new Set<Coverage>();
          table.forEach(asked, (grant) => found.add(grant));
          const want = grants.filter((grant) => !gone.has(grant) && covers(grant, asked));
          assert.deepEqual(found, new Set(want));
        },
      ),
    );
  });
  it('keeps wildcards off addresses', () => {
    const table = createGrantTable<Coverage>();
    table.insert({ protocol: 'https_connect', host: '*.3.4', port: 443 });
    table.forEach(makeDestination('1.2.3.4', 443, { kind: 'ipv4' }), () => assert.fail('found'));
  });
  it('bears removal while it is looked through, and of what is not there', () => {
    const table = createGrantTable<Coverage>();
    const grants = [1, 2, 3].map(() => ({
      protocol: 'http' as const,
      host: 'a.example',
      port: 80,
    }));
    for (const grant of grants) table.insert(grant);
    const asked = makeDestination('a.example', 80, { protocol: 'http' });
    let seen = 0;
    table.forEach(asked, (grant) => {
      seen += 1;
      table.remove(grant);
      table.remove(grant);
    });
    assert.equal(seen, 3);
    table.forEach(asked, () => assert.fail('left'));
  });
});
