import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OtelConfig } from '../../../src/config/config.ts';
import { linesOf, loadTexts } from '../../support/layers.ts';

const noTls = { ca: undefined, certificate: undefined, key: undefined };

function otelOf(text: string, env: Readonly<Record<string, string>>): OtelConfig {
  const result = loadTexts({ user: text }, env);
  assert.ok(result.ok, linesOf(result).join('\n'));
  return result.config.otel;
}

describe('the OTEL_* variables, where no file names an exporter', () => {
  const http = { kind: 'otlp-http', protocol: 'binary', headers: {}, tls: noTls };
  const base = 'http://127.0.0.1:4318';
  const cases = [
    { name: 'mean none when unset', env: {}, want: { kind: 'none' } },
    {
      name: 'count as unset when empty',
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: '' },
      want: { kind: 'none' },
    },
    {
      name: 'append the signal path to the base',
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: `${base}/x/` },
      want: { ...http, endpoint: `${base}/x/v1/logs` },
    },
    {
      name: 'prefer the logs form, which is the whole address',
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://other.example',
        OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: `${base}/in`,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
        OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: 'http/json',
        OTEL_EXPORTER_OTLP_HEADERS: 'a=1',
        OTEL_EXPORTER_OTLP_LOGS_HEADERS: 'b=2%203, c=4',
        OTEL_EXPORTER_OTLP_CERTIFICATE: '/x/ca.pem',
      },
      want: {
        kind: 'otlp-http',
        endpoint: `${base}/in`,
        protocol: 'json',
        headers: { b: '2 3', c: '4' },
        tls: { ...noTls, ca: '/x/ca.pem' },
      },
    },
    {
      name: 'are off when the SDK is disabled',
      env: { OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: base },
      want: { kind: 'none' },
    },
    {
      name: 'are off when logs have no exporter',
      env: { OTEL_LOGS_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: base },
      want: { kind: 'none' },
    },
  ];
  for (const { name, env, want } of cases) {
    it(name, () => {
      assert.deepEqual(otelOf('', env as Readonly<Record<string, string>>).exporter, want);
    });
  }

  it('warn instead of refusing to start, and show no value', () => {
    const result = loadTexts(
      {},
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://u:hunter2@c.example',
        OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
        OTEL_EXPORTER_OTLP_HEADERS: 'a=%zz,nonsense',
        OTEL_EXPORTER_OTLP_CERTIFICATE: '/x/none',
        OTEL_RESOURCE_ATTRIBUTES: 'team=a%20b,broken',
      },
    );
    assert.ok(result.ok);
    assert.deepEqual(result.config.otel.resourceAttributes, { team: 'a b' });
    assert.deepEqual(linesOf(result), [
      'environment:1:1: warning: OTEL_RESOURCE_ATTRIBUTES: item 2 is not "name=value"',
      'environment:1:1: warning: OTEL_EXPORTER_OTLP_ENDPOINT: holds a user name or password; send credentials in a header instead; no events are exported by it',
      'environment:1:1: warning: OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" is not built yet; expected "http/protobuf" or "http/json"; no events are exported by it',
      'environment:1:1: warning: OTEL_EXPORTER_OTLP_HEADERS: item 1 is not "name=value"; no events are exported by it',
      'environment:1:1: warning: OTEL_EXPORTER_OTLP_HEADERS: item 2 is not "name=value"; no events are exported by it',
      'environment:1:1: warning: OTEL_EXPORTER_OTLP_CERTIFICATE: the file /x/none does not exist; no events are exported by it',
    ]);
  });
});
