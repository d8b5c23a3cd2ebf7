import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { approvalAnsweredEvent, approvalOpenedEvent } from '../../../src/audit/approval-events.ts';
import { approver, target, time, timeMs } from '../../support/events.ts';

describe('events of approvals', () => {
  it('escape what an asking program can choose', () => {
    const hostile = { pid: 3, executable: '/tmp/\u001b[2Jcurl\u202e' };
    const event = approvalOpenedEvent('u', timeMs, { group: 'k3', target, asker: hostile });
    assert.equal(event.attributes['sallyport.process.executable'], '/tmp/\\x1b[2Jcurl\\u202e');
  });
});

describe('an answer', () => {
  it('says what was answered, by whom, for how long and how quickly', () => {
    const event = approvalAnsweredEvent('u', timeMs, {
      group: 'k3',
      target,
      outcome: 'deny',
      for: '30m',
      host: '*.example',
      port: 'any',
      program: 'any',
      note: 'two\nlines',
      latencyMs: 1234.4,
      approver,
      released: 4,
      grant: 'g1',
    });
    assert.deepEqual(event.attributes, {
      'event.name': 'sallyport.approval.answered',
      'event.timestamp': time,
      'sallyport.group.id': 'k3',
      'network.transport.protocol': 'https_connect',
      'server.address': 'api.example',
      'server.port': 443,
      'sallyport.answer.outcome': 'deny',
      'sallyport.answer.for': '30m',
      'sallyport.answer.host': '*.example',
      'sallyport.answer.port': 'any',
      'sallyport.answer.program': 'any',
      'sallyport.answer.note': 'two\\x0alines',
      'sallyport.answer.latency_ms': 1234,
      'sallyport.answer.released': 4,
      'sallyport.grant.id': 'g1',
      'sallyport.approver.name': 'ada',
      'sallyport.approver.surface': 'cli',
      'sallyport.schema_version': 1,
      'sallyport.uid': 'u',
    });
  });
});
