import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildEvent, clientText, whole } from '../../../src/audit/draft.ts';
import { time, timeMs } from '../../support/events.ts';

describe('buildEvent', () => {
  it('leaves out what is undefined and closes the event with its uid and schema', () => {
    const event = buildEvent('u', timeMs, 'sallyport.heartbeat', {
      'sallyport.heartbeat.groups': 1,
      'sallyport.policy.version': undefined,
    });
    assert.deepEqual(event, {
      uid: 'u',
      time,
      name: 'sallyport.heartbeat',
      attributes: {
        'event.name': 'sallyport.heartbeat',
        'event.timestamp': time,
        'sallyport.heartbeat.groups': 1,
        'sallyport.schema_version': 1,
        'sallyport.uid': 'u',
      },
    });
  });
});

describe('whole', () => {
  it('gives a number that JSON can hold, whatever it is given', () => {
    assert.deepEqual([1.5, -0.4, Number.NaN, Number.POSITIVE_INFINITY].map(whole), [2, -0, 0, 0]);
  });
});

describe('clientText', () => {
  it('brackets IPv6 and says when nobody knows', () => {
    const client = { port: 1, localPort: 2 };
    assert.equal(clientText({ ...client, address: '::1' }), '[::1]:1');
    assert.equal(clientText({ ...client, address: '' }), 'unknown');
  });
});
