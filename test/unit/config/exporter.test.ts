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

describe('[otel] exporter', () => {
  const cases = [
    { name: 'takes none', text: 'exporter = "none"', want: { kind: 'none' } },
    {
      name: 'takes an inline table and fills variables in',
      text: 'exporter = { otlp-http = { endpoint = "http://localhost:14318/v1/logs", protocol = "binary", headers = { "x-otlp-api-key" = "k ${TOKEN}" } } }',
      want: {
        kind: 'otlp-http',
        endpoint: 'http://localhost:14318/v1/logs',
        protocol: 'binary',
        headers: { 'x-otlp-api-key': 'k s3cret' },
        tls: noTls,
      },
    },
    {
      name: 'takes a table of its own and certificates relative to the file',
      text: '[otel.exporter.otlp-http]\nendpoint = "https://c.example/v1/logs"\nprotocol = "json"\ntls = { ca-certificate = "ca.pem", client-certificate = "/x/c.pem", client-private-key = "k.pem" }',
      want: {
        kind: 'otlp-http',
        endpoint: 'https://c.example/v1/logs',
        protocol: 'json',
        headers: {},
        tls: { ca: '/conf/ca.pem', certificate: '/x/c.pem', key: '/conf/k.pem' },
      },
    },
  ];
  for (const { name, text, want } of cases) {
    it(name, () => {
      const body = text.startsWith('[') ? text : `[otel]\n${text}\n`;
      const env = { TOKEN: 's3cret', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://other.example' };
      assert.deepEqual(otelOf(body, env).exporter, want);
    });
  }

  const mistakes = [
    {
      name: 'says that gRPC is not built',
      text: 'exporter = { otlp-grpc = { endpoint = "http://c.example" } }',
      want: '12: otel.exporter: "otlp-grpc" is not built yet; use otlp-http, which every collector also takes; expected "none" or { otlp-http = { endpoint = "…", protocol = "binary" } }',
    },
    {
      name: 'says that statsig is not ours',
      text: 'exporter = "statsig"',
      want: '12: otel.exporter: "statsig" is Codex\'s own service, not one of ours; use otlp-http or "none"; expected "none" or { otlp-http = { endpoint = "…", protocol = "binary" } }',
    },
    {
      name: 'suggests the exporter that is meant',
      text: 'exporter = { otlp_htp = {} }',
      want: '14: otel.exporter: "otlp_htp" is not an exporter; did you mean "otlp-http"? (expected "none" or { otlp-http = { endpoint = "…", protocol = "binary" } })',
    },
    {
      name: 'wants a protocol',
      text: 'exporter = { otlp-http = { endpoint = "http://c.example/v1/logs" } }',
      want: '26: otel.exporter: otlp-http.protocol: is missing',
    },
    {
      name: 'wants the variable of a header to be set, and names it',
      text: 'exporter = { otlp-http = { endpoint = "http://127.0.0.1/v1/logs", protocol = "json", headers = { a = "${NOPE}" } } }',
      want: '102: otel.exporter: otlp-http.headers."a": the environment variable "NOPE" is not set; set it for the daemon',
    },
    {
      name: 'refuses a header value that no header may hold, without showing it',
      text: 'exporter = { otlp-http = { endpoint = "http://127.0.0.1/v1/logs", protocol = "json", headers = { a = "${LINES}" } } }',
      want: '102: otel.exporter: otlp-http.headers."a": the value holds a character that no header may hold',
    },
    {
      name: 'refuses half a client certificate',
      text: 'exporter = { otlp-http = { endpoint = "https://c.example/v1/logs", protocol = "json", tls = { client-certificate = "c.pem" } } }',
      want: '93: otel.exporter: otlp-http.tls: client-certificate and client-private-key go together',
    },
    {
      name: 'suggests the key of tls that is meant',
      text: 'exporter = { otlp-http = { endpoint = "https://c.example/v1/logs", protocol = "json", tls = { ca_certificate = "c.pem" } } }',
      want: '95: otel.exporter: otlp-http.tls: "ca_certificate" is not a key here; did you mean ca-certificate?',
    },
  ];
  for (const { name, text, want } of mistakes) {
    it(name, () => {
      const result = loadTexts({ user: `[otel]\n${text}\n` }, { LINES: 'secret\r\nx: y' });
      assert.deepEqual(linesOf(result), [`config.toml:2:${want}`]);
    });
  }

  it('warns when headers go to another machine in clear text', () => {
    const text =
      '[otel]\nexporter = { otlp-http = { endpoint = "http://c.example/v1/logs", protocol = "json" } }\n';
    assert.deepEqual(linesOf(loadTexts({ user: text })), [
      'config.toml:2:12: warning: otel.exporter: http:// to another machine sends the events and the headers in clear text',
    ]);
  });

  it("is read from Codex's requirements too, and the higher one stands whole", () => {
    const exporter = (port: number): string =>
      `[otel]\nenvironment = "e${port}"\nexporter = { otlp-http = { endpoint = "http://127.0.0.1:${port}/v1/logs", protocol = "json" } }\n`;
    const result = loadTexts({ user: exporter(1), 'codex-requirements': exporter(2) });
    assert.ok(result.ok);
    const { environment, exporter: made } = result.config.otel;
    assert.equal(environment, 'e2');
    assert.equal(made.kind === 'otlp-http' ? made.endpoint : '', 'http://127.0.0.1:2/v1/logs');
  });
});

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
