import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deadTimeMs, trayStates } from '../../../src/tray/adapter.ts';

describe('the desktop adapter', () => {
  it('knows these states, and half a second of dead time', () => {
    assert.deepEqual(trayStates, ['idle', 'paused', 'waiting', 'warning', 'panic', 'unreachable']);
    assert.equal(deadTimeMs, 500);
  });
});
