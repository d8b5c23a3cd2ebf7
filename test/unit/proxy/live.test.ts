import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DecisionRequest, GrantRef } from '../../../src/policy/decision.ts';
import { createLive, type ClosedRecord, type CloseReason } from '../../../src/proxy/live.ts';
import { permitFor } from '../../support/http-door.ts';

function requestTo(host: string): DecisionRequest {
  return {
    destination: { protocol: 'https_connect', host, kind: 'name', port: 443 },
    listener: 'http',
    method: 'CONNECT',
    form: 'tunnel',
    client: { address: '127.0.0.1', port: 50_000, localPort: 4128 },
  };
}

function permitTo(host: string, grantId?: string) {
  const grant: GrantRef | undefined =
    grantId === undefined ? undefined : { id: grantId, outcome: 'allow', ticket: false };
  return permitFor(requestTo(host), undefined, grant);
}

function setUp() {
  const records: ClosedRecord[] = [];
  let nowMs = 5_000;
  const live = createLive({ onClosed: (record) => records.push(record), now: () => nowMs });
  return { live, records, advance: (ms: number) => (nowMs += ms) };
}

describe('createLive', () => {
  it('reports an end once, with its duration', () => {
    const { live, records, advance } = setUp();
    const permit = permitTo('a.test');
    const entry = live.open(permit, () => assert.fail('nobody asked'));
    assert.equal(live.count, 1);
    advance(250);
    entry.end('client_closed', 10, 20, '192.0.2.1');
    entry.end('upstream_reset', 99, 99, undefined);
    assert.equal(live.count, 0);
    assert.deepEqual(records, [
      {
        permit,
        reason: 'client_closed',
        bytesUp: 10,
        bytesDown: 20,
        durationMs: 250,
        remoteAddress: '192.0.2.1',
      },
    ]);
  });

  it('hears of every chunk, whichever connection read it', () => {
    const read: number[] = [];
    const live = createLive({
      onClosed: () => undefined,
      now: () => 0,
      onRead: (bytes) => read.push(bytes),
    });
    const [one, two] = ['a.test', 'b.test'].map((host) =>
      live.open(permitTo(host), () => undefined),
    );
    one?.onRead(3);
    two?.onRead(5);
    one?.onRead(7);
    assert.deepEqual(read, [3, 5, 7]);
  });

  it('closes exactly what a new policy no longer allows, and records that as the reason', () => {
    const { live, records } = setUp();
    const asked: string[] = [];
    for (const host of ['stays.test', 'goes.test']) {
      const entry = live.open(permitTo(host), (reason) => {
        asked.push(`${host} ${reason}`);
        entry.end('client_reset', 0, 0, undefined);
      });
    }
    const closed = live.rejudge(({ request }) => request.destination.host === 'stays.test');
    assert.equal(closed, 1);
    assert.deepEqual(asked, ['goes.test policy_changed']);
    assert.deepEqual(
      records.map(({ reason }) => reason),
      ['policy_changed'],
    );
    assert.equal(live.count, 1);
  });

  it('hands each permit to the judge', () => {
    const { live } = setUp();
    const seen: (string | undefined)[] = [];
    live.open(permitTo('a.test', 'g1'), () => undefined);
    live.open(permitTo('b.test'), () => undefined);
    live.rejudge(({ verdict }) => {
      seen.push(verdict.grant?.id);
      return true;
    });
    assert.deepEqual(seen, ['g1', undefined]);
  });

  it('closes what a revoked grant let through and nothing else', () => {
    const { live } = setUp();
    const asked: CloseReason[] = [];
    live.open(permitTo('a.test', 'g1'), (reason) => asked.push(reason));
    live.open(permitTo('b.test', 'g2'), () => assert.fail('another grant'));
    assert.equal(live.closeGrant('g1'), 1);
    assert.equal(live.closeGrant('g1'), 0, 'an entry is asked to close only once');
    assert.deepEqual(asked, ['revoked']);
  });

  it('closes what an undone answer let through: those it held, and those by its grant', () => {
    const { live } = setUp();
    const asked: string[] = [];
    const hold = { group: 'k3', waitedMs: 5, approver: { name: 'dev', surface: 'cli' } };
    const held = { ...permitTo('held.test'), hold };
    live.open(held, (reason) => asked.push(`held ${reason}`));
    live.open(permitTo('later.test', 'g1'), (reason) => asked.push(`later ${reason}`));
    live.open({ ...held, hold: { ...hold, group: 'k4' } }, () => assert.fail('another question'));
    live.open(permitTo('rule.test'), () => assert.fail('by a rule'));
    assert.equal(live.closeQuestion('k3', 'g1'), 2);
    assert.deepEqual(asked, ['held revoked', 'later revoked']);
    assert.equal(live.closeQuestion('k9'), 0);
  });

  it('closes everything when the daemon stops', () => {
    const { live } = setUp();
    const asked: CloseReason[] = [];
    live.open(permitTo('a.test'), (reason) => asked.push(reason));
    live.open(permitTo('b.test'), (reason) => asked.push(reason));
    assert.equal(live.closeAll('stopping'), 2);
    assert.deepEqual(asked, ['stopping', 'stopping']);
  });

  it('passes a close that came between two owners on to the second', () => {
    const { live } = setUp();
    const asked: string[] = [];
    const entry = live.open(permitTo('a.test'), (reason) => asked.push(`first ${reason}`));
    live.closeAll('stopping');
    entry.onClose((reason) => asked.push(`second ${reason}`));
    assert.deepEqual(asked, ['first stopping', 'second stopping']);
  });
});
