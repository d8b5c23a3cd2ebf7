import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { policyInput } from '../../../src/config/effective.ts';
import { keys } from '../../../src/config/schema.ts';
import { loadTexts } from '../../support/layers.ts';

describe('the effective configuration', () => {
  const result = loadTexts({
    user: '[gateway]\nextra_ca = "root.pem"\nupstream = "https://a.example/v1"\n',
  });
  assert.ok(result.ok);
  const { config } = result;

  it('has the documented defaults', () => {
    const { rules, layers, origins, files, gateway, ...rest } = config;
    assert.deepEqual(rest, {
      network: {
        enabled: true,
        mode: 'full',
        unknown: 'ask',
        allowLocalBinding: false,
        managedOnly: false,
        allowUpstreamProxy: true,
        httpPort: 4128,
        socksPort: 4129,
      },
      approvals: {
        holdSeconds: 290,
        holdSecondsExplicit: false,
        questionMinutes: 30,
        holdsPerGroup: 1024,
        holds: 4096,
        groups: 64,
        dangerouslyAllowSelfApproval: false,
        reviewer: 'user',
        reviewWith: undefined,
        reviewSeconds: 20,
        reviewMinutes: 10,
        reviewPerHour: 30,
        onPending: undefined,
        desktop: 'answer',
      },
      control: { tcp: true, port: 4131, confirmWidening: false },
      audit: { folder: 'audit' },
      otel: { environment: 'dev', exporter: { kind: 'none' }, resourceAttributes: {} },
      exec: { noProxy: 'local' },
    });
    assert.deepEqual(
      [rules, layers, files.read],
      [[], [{ layer: 'user', file: 'config.toml' }], []],
    );
    assert.deepEqual(
      [gateway.enabled, gateway.port, gateway.upstream.href, gateway.extraCa],
      [true, 4130, 'https://a.example/v1', '/conf/root.pem'],
    );
    assert.deepEqual(origins.get('gateway.extra_ca'), {
      layer: 'user',
      file: 'config.toml',
      line: 2,
      column: 12,
    });
  });

  it('knows the place of every value that has one', () => {
    for (const { path, fallback } of keys) {
      if (fallback !== undefined) assert.ok(config.origins.has(path), path);
    }
  });

  it('hands the policy only what a policy is made of', () => {
    assert.deepEqual(policyInput(config), {
      enabled: true,
      mode: 'full',
      unknown: 'ask',
      allowLocalBinding: false,
      managedOnly: false,
      rules: [],
    });
  });
});
