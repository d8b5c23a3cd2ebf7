import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Cooling, coolingMs } from '../../../src/approval/cooling.ts';
import { makeDestination } from '../../support/asking.ts';

const a = makeDestination('a.example');
const cooled = { question: 'k3', approver: { name: 'dev', surface: 'cli' }, say: 'no' };

describe('a deny that cools', () => {
  it('refuses for a minute, and counts', () => {
    const cooling = new Cooling();
    cooling.add(a, cooled, 1000, 8);
    for (const now of [1000, 1000 + coolingMs - 1]) {
      const { question, approver, say } = cooling.refuse(a, now) ?? assert.fail();
      assert.deepEqual({ question, approver, say }, cooled);
    }
    assert.equal(cooling.refuse(a, 1000 + coolingMs), undefined);
    assert.equal(cooling.has(a, 1000 + coolingMs), false);
    assert.deepEqual([cooling.lift(a), cooling.lift(a)], [2, 0]);
  });
  it('is for host, port and protocol', () => {
    const cooling = new Cooling();
    assert.equal(cooling.has(a, 0), false);
    cooling.add(a, cooled, 0, 8);
    const others = [
      makeDestination('b.example'),
      makeDestination('a.example', 8443),
      makeDestination('a.example', 443, { protocol: 'http' }),
    ];
    assert.deepEqual(
      others.map((each) => cooling.has(each, 0)),
      [false, false, false],
    );
    assert.equal(cooling.has(a, 0), true);
  });
  it('ends when it is lifted', () => {
    const cooling = new Cooling();
    cooling.add(a, cooled, 0, 8);
    cooling.lift(a);
    assert.equal(cooling.refuse(a, 1), undefined);
  });
  it('gives way to newer ones, the oldest first', () => {
    const cooling = new Cooling();
    const hosts = ['a', 'b', 'c'].map((name) => makeDestination(`${name}.example`));
    for (const host of hosts) cooling.add(host, cooled, 0, 2);
    assert.deepEqual(
      hosts.map((host) => cooling.has(host, 0)),
      [false, true, true],
    );
  });
  it('counts as new again when it is given again', () => {
    const cooling = new Cooling();
    const hosts = ['a', 'b', 'a', 'c', 'd'].map((name) => makeDestination(`${name}.example`));
    for (const host of hosts) cooling.add(host, cooled, 0, 3);
    assert.deepEqual(
      hosts.map((host) => cooling.has(host, 0)),
      [true, false, true, true, true],
    );
  });
});
