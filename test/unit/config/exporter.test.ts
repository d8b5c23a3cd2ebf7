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
      name: 'names the keys where none is meant',
      text: 'exporter = { otlp-http = { endpoint = "http://c.example/v1/logs", protocol = "json", wait = 3 } }',
      want: '86: otel.exporter: otlp-http: "wait" is not a key here; expected endpoint, protocol, headers, tls',
    },
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
      want: '26: otel.exporter: otlp-http.protocol: is missing; write protocol = "binary" or "json"',
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

  const rest = 'endpoint = "http://127.0.0.1/", protocol = "json"';
  const shapes: readonly (readonly [string, string])[] = [
    ['3', 'is the number 3; expected "none" or a table'],
    ['{}', 'names 0 exporters; '],
    ['{ none = {}, otlp-http = {} }', 'names 2 exporters; '],
    ['"constructor"', '"constructor" is not an exporter; '],
    ['"otlp-http"', '"otlp-http" needs an endpoint and a protocol; '],
    ['{ otlp-http = 1 }', 'otlp-http: is the number 1; expected a table'],
    [
      `{ otlp-http = { ${rest}, headers = 1 } }`,
      'otlp-http.headers: is the number 1; expected a table of strings',
    ],
    [
      `{ otlp-http = { ${rest}, headers = { "a b" = "x" } } }`,
      'otlp-http.headers."a b": is not a header name',
    ],
    [
      `{ otlp-http = { ${rest}, headers = { a = 1 } } }`,
      'otlp-http.headers."a": expected a string',
    ],
    [`{ otlp-http = { ${rest}, tls = 1 } }`, 'otlp-http.tls: is the number 1; expected a table'],
    [
      `{ otlp-http = { ${rest}, tls = { ca-certificate = "x.crt" } } }`,
      'otlp-http.tls.ca-certificate: the file /conf/x.crt does not exist',
    ],
  ];
  for (const [value, problem] of shapes) {
    it(`refuses ${value}`, () => {
      const [line = '', ...more] = linesOf(loadTexts({ user: `[otel]\nexporter = ${value}\n` }));
      assert.deepEqual(more, []);
      assert.equal(
        line.replace(/^config\.toml:2:\d+: otel\.exporter: /, '').slice(0, problem.length),
        problem,
      );
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
