import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  controlRefusedEvent,
  gateEvent,
  policyChangedEvent,
} from '../../../src/audit/gate-events.ts';
import { approver, asker, time, timeMs } from '../../support/events.ts';

const always = {
  'event.timestamp': time,
  'sallyport.approver.name': 'ada',
  'sallyport.approver.surface': 'cli',
  'sallyport.schema_version': 1,
  'sallyport.uid': 'u',
};

describe('events about the gate', () => {
  it('say who paused it until when, and nothing of connections that stayed', () => {
    const event = gateEvent('u', timeMs, { change: 'paused', until: time, closed: 0, approver });
    assert.deepEqual(event.attributes, {
      ...always,
      'event.name': 'sallyport.gate.paused',
      'sallyport.gate.until': time,
      'sallyport.gate.closed': 0,
    });
  });

  it('say which program tried to steer it, and that it was refused', () => {
    const tried = { action: 'panic', approver, asker, taken: false };
    assert.deepEqual(controlRefusedEvent('u', timeMs, tried).attributes, {
      ...always,
      'event.name': 'sallyport.control.refused',
      'sallyport.control.action': 'panic',
      'sallyport.answer.taken': false,
      'sallyport.process.executable': 'curl',
      'sallyport.process.pid': 1,
    });
  });

  it('count what a policy changed, without its rules', () => {
    const change = { state: 'applied', version: 'v2', added: 1, removed: 2, keys: 3 } as const;
    assert.deepEqual(policyChangedEvent('u', timeMs, { ...change, approver }).attributes, {
      ...always,
      'event.name': 'sallyport.policy.changed',
      'sallyport.policy.state': 'applied',
      'sallyport.policy.version': 'v2',
      'sallyport.policy.added': 1,
      'sallyport.policy.removed': 2,
      'sallyport.policy.keys': 3,
    });
  });
});
