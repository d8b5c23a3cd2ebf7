import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AttributeDoc, attributeTable, eventNames } from '../../../src/audit/attributes.ts';
import { decisionEvent } from '../../../src/audit/event.ts';
import { entry, everything, timeMs } from '../../support/events.ts';

const table: Readonly<Record<string, AttributeDoc>> = attributeTable;

function typeOf(value: string | number | boolean): AttributeDoc['type'] {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  assert.ok(Number.isSafeInteger(value), `${value} is not a whole number`);
  return 'int';
}

describe('the attribute table', () => {
  for (const { name, attributes } of everything) {
    it(`gives name and type of all that ${name} carries`, () => {
      const types = Object.entries(attributes).map(([key, value]) => [key, typeOf(value)]);
      const documented = Object.keys(attributes).map((key) => [key, table[key]?.type]);
      assert.deepEqual(types, documented);
    });
  }

  it('has no attribute that no event carries', () => {
    const carried = new Set(everything.flatMap(({ attributes }) => Object.keys(attributes)));
    assert.deepEqual([...carried].sort(), Object.keys(attributeTable).sort());
  });

  it('names every kind of event', () => {
    const made = new Set(everything.map(({ name }) => name));
    assert.deepEqual([...made].sort(), Object.keys(eventNames).sort());
  });
});

describe('records beside those of Codex 0.169', () => {
  // Attribute and OTLP value type in recorded samples; those about a Codex session are not ours to give.
  const codex = {
    'event.name': 'string',
    'event.timestamp': 'string',
    'network.policy.scope': 'string',
    'network.policy.decision': 'string',
    'network.policy.source': 'string',
    'network.policy.reason': 'string',
    'network.policy.override': 'bool',
    'network.transport.protocol': 'string',
    'server.address': 'string',
    'server.port': 'int',
    'http.request.method': 'string',
    'client.address': 'string',
  };

  it('carry the same attributes with the same types in every decision', () => {
    const { attributes } = decisionEvent('u', timeMs, entry);
    const ours = Object.entries(attributes).filter(([key]) => !key.startsWith('sallyport.'));
    assert.deepEqual(Object.fromEntries(ours.map(([key, value]) => [key, typeOf(value)])), codex);
  });
});
