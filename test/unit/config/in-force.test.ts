import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Config } from '../../../src/config/config.ts';
import { createInForce } from '../../../src/config/in-force.ts';
import { loadTexts } from '../../support/layers.ts';

function load(user: string): Config {
  const result = loadTexts({ user });
  assert.ok(result.ok);
  return result.config;
}

describe('the configuration in force', () => {
  const rules = '[network]\nallowed_domains = ["a.example"]\n';
  const finding = { file: 'c.toml', line: 1, column: 2, message: 'x: wrong' };

  it('swaps config and policy as one, and gives the difference', () => {
    const inForce = createInForce(load(''), []);
    const { version } = inForce.policy;
    const diff = inForce.accept(load(rules), [{ severity: 'warning', ...finding }]);
    assert.equal(diff.widens, true);
    assert.notEqual(inForce.policy.version, version);
    assert.equal(inForce.config.rules.length, 1);
    assert.deepEqual(inForce.report(), {
      version: inForce.policy.version,
      enabled: true,
      mode: 'full',
      unknown: 'ask',
      rules: { allow: 1, deny: 0 },
      layers: [{ layer: 'user', file: 'config.toml' }],
      rejected: null,
      pendingRestart: [],
      warnings: ['c.toml:1:2: warning: x: wrong'],
    });
  });

  it('keeps everything when a reload is rejected, and forgets the rejection with the next good one', () => {
    const inForce = createInForce(load(rules), []);
    const { version } = inForce.policy;
    inForce.reject([{ severity: 'error', ...finding }]);
    assert.equal(inForce.report().rejected, 'c.toml:1:2: x: wrong');
    assert.equal(inForce.policy.version, version);
    inForce.accept(load(rules), []);
    assert.equal(inForce.report().rejected, null);
  });

  it('remembers over several reloads which keys wait for the next start', () => {
    const inForce = createInForce(load(''), []);
    inForce.accept(load('[network]\nhttp_port = 1\nmode = "limited"\n'), []);
    inForce.accept(load('[network]\nhttp_port = 1\n'), []);
    assert.deepEqual(inForce.report().pendingRestart, ['network.http_port']);
  });
});
