// The closed lists that are seen outside: a change here is a change of the contract.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { denyReasons, layers, scopeOf, sources } from '../../../src/policy/decision.ts';

it('counts a decision as non_domain when the host had no part in it', () => {
  assert.deepEqual(
    sources.map((source) => [source, scopeOf(source)]),
    [
      ['baseline_policy', 'domain'],
      ['mode_guard', 'non_domain'],
      ['proxy_state', 'non_domain'],
      ['decider', 'domain'],
    ],
  );
});

it('says every reason and layer once', () => {
  assert.equal(new Set(denyReasons).size, denyReasons.length);
  assert.equal(new Set(layers).size, layers.length);
});
