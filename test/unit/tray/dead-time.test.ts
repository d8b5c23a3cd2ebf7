import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TrayAction } from '../../../src/tray/adapter.ts';
import { createDeadTime } from '../../../src/tray/dead-time.ts';

const deny: TrayAction = { kind: 'answer', id: 'k3', revision: 1, verb: 'deny' };
const open: TrayAction = { kind: 'open' };

describe('the dead time', () => {
  it('keeps what has just appeared from being clicked, for half a second', () => {
    let now = 1000;
    const dead = createDeadTime(() => now);
    dead.show([deny]);
    assert.equal(dead.isLive(deny), false);
    now += 499;
    assert.equal(dead.isLive(deny), false);
    now += 1;
    assert.equal(dead.isLive(deny), true);
  });

  it('leaves alive what was there before', () => {
    let now = 0;
    const dead = createDeadTime(() => now);
    dead.show([open]);
    now = 600;
    dead.show([open, deny]);
    assert.equal(dead.isLive(open), true);
    assert.equal(dead.isLive(deny), false);
  });

  it('starts again for what was gone in between', () => {
    let now = 0;
    const dead = createDeadTime(() => now);
    dead.show([deny]);
    now = 600;
    dead.show([]);
    assert.equal(dead.isLive(deny), false);
    dead.show([deny]);
    assert.equal(dead.isLive(deny), false);
  });

  it('takes another revision of the same question for something new', () => {
    let now = 0;
    const dead = createDeadTime(() => now);
    dead.show([deny]);
    now = 600;
    dead.show([{ ...deny, revision: 2 }]);
    assert.equal(dead.isLive({ ...deny, revision: 2 }), false);
  });
});
