// `[otel] exporter` in Codex's forms; the OTEL_* variables are in otel-environment.ts.
// Header values are secrets: they are expanded here and never put into a message.
import type { Parsed } from '../policy/destination.ts';
import type { ExporterTls, OtelConfig, OtlpHttpExporter } from './config.ts';
import { isTable } from './toml.ts';
import { nearest, quote } from './finding.ts';
import type { Path } from './locate.ts';
import { readChoice, readFilePath, readHttpUrl, wrongType } from './value.ts';

/** What an exporter setting becomes. */
export type Exporter = OtelConfig['exporter'];

/** The environment as a plain table. */
export type Env = Readonly<Record<string, string | undefined>>;

/** Where the exporter's reader tells of mistakes; `path` is relative to the exporter's own value. */
export interface ExporterContext {
  readonly env: Env;
  /** Folder of the file, for relative certificate paths. */
  readonly folder: string;
  /** What is wrong with the file at this path, or undefined when it can be read. */
  readonly checkFile: (path: string) => string | undefined;
  readonly report: (path: Path, problem: string, part?: 'key' | 'value') => void;
}

const noTls: ExporterTls = { ca: undefined, certificate: undefined, key: undefined };
const forms = 'expected "none" or { otlp-http = { endpoint = "…", protocol = "binary" } }';

/** Reads one exporter value; undefined after a mistake, which has been reported. */
export function readExporter(value: unknown, context: ExporterContext): Exporter | undefined {
  if (typeof value === 'string') return readNamed(value, context);
  if (!isTable(value)) {
    context.report([], wrongType(value, '"none" or a table').problem);
    return undefined;
  }
  const names = Object.keys(value);
  const [name] = names;
  if (name === undefined || names.length > 1) {
    context.report([], `names ${names.length} exporters; ${forms}`);
    return undefined;
  }
  if (name === 'otlp-http') return readOtlpHttp(value[name], context);
  if (name === 'none' || name === 'statsig' || name === 'otlp-grpc')
    return readNamed(name, context);
  const near = nearest(name, ['otlp-http', 'otlp-grpc']);
  const hint = near === undefined ? '' : `; did you mean "${near}"?`;
  context.report([name], `${quote(name)} is not an exporter${hint} (${forms})`, 'key');
  return undefined;
}

function readNamed(name: string, context: ExporterContext): Exporter | undefined {
  if (name === 'none') return { kind: 'none' };
  const known = new Map([
    ['otlp-grpc', '"otlp-grpc" is not built yet; use otlp-http, which every collector also takes'],
    ['statsig', '"statsig" is Codex\'s own service, not one of ours; use otlp-http or "none"'],
    ['otlp-http', '"otlp-http" needs an endpoint and a protocol'],
  ]);
  context.report([], `${known.get(name) ?? `${quote(name)} is not an exporter`}; ${forms}`);
  return undefined;
}

const httpKeys = ['endpoint', 'protocol', 'headers', 'tls'];
const tlsKeys = ['ca-certificate', 'client-certificate', 'client-private-key'];

function readOtlpHttp(value: unknown, context: ExporterContext): OtlpHttpExporter | undefined {
  const at: Path = ['otlp-http'];
  if (!isTable(value)) {
    context.report(at, `otlp-http: ${wrongType(value, 'a table').problem}`);
    return undefined;
  }
  const known = checkKeys(value, httpKeys, at, context);
  const endpoint = part(
    context,
    [...at, 'endpoint'],
    required(value['endpoint'], readHttpUrl, 'endpoint = "http://localhost:4318/v1/logs"'),
  );
  const protocol = part(
    context,
    [...at, 'protocol'],
    required(value['protocol'], readProtocol, 'protocol = "binary" or "json"'),
  );
  const headers = readHeaders(value['headers'], [...at, 'headers'], context);
  const tls = readTls(value['tls'], [...at, 'tls'], context);
  if (!known || endpoint === undefined || protocol === undefined) return undefined;
  if (headers === undefined || tls === undefined) return undefined;
  return {
    kind: 'otlp-http',
    endpoint: endpoint.href,
    protocol: protocol === 'json' ? 'json' : 'binary',
    headers,
    tls,
  };
}

function readProtocol(value: unknown): Parsed<string> {
  return readChoice(['binary', 'json'], value);
}

/** `example`: what to write where there is nothing. */
function required<T>(
  value: unknown,
  read: (value: unknown) => Parsed<T>,
  example: string,
): Parsed<T> {
  return value === undefined ? { ok: false, problem: `is missing; write ${example}` } : read(value);
}

function part<T>(context: ExporterContext, path: Path, read: Parsed<T>): T | undefined {
  if (read.ok) return read.value;
  context.report(path, `${path.join('.')}: ${read.problem}`);
  return undefined;
}

function checkKeys(
  table: Readonly<Record<string, unknown>>,
  known: readonly string[],
  at: Path,
  context: ExporterContext,
): boolean {
  let fine = true;
  for (const name of Object.keys(table)) {
    if (known.includes(name)) continue;
    fine = false;
    const near = nearest(name, known);
    const hint = near === undefined ? `expected ${known.join(', ')}` : `did you mean ${near}?`;
    const words = `${at.join('.')}: ${quote(name)} is not a key here; ${hint}`;
    context.report([...at, name], words, 'key');
  }
  return fine;
}

function readHeaders(
  value: unknown,
  at: Path,
  context: ExporterContext,
): Readonly<Record<string, string>> | undefined {
  if (value === undefined) return {};
  if (!isTable(value)) {
    context.report(at, `${at.join('.')}: ${wrongType(value, 'a table of strings').problem}`);
    return undefined;
  }
  const headers: [string, string][] = [];
  const entries = Object.entries(value);
  for (const [name, text] of entries) {
    const read = readHeader(name, text, context.env);
    if (read.ok) headers.push([name, read.value]);
    else context.report([...at, name], `${at.join('.')}.${quote(name)}: ${read.problem}`);
  }
  return headers.length === entries.length ? Object.fromEntries(headers) : undefined;
}

/** RFC 9110 §5.6.2 token and §5.5 field value, after `${NAME}` has been filled in. */
function readHeader(name: string, text: unknown, env: Env): Parsed<string> {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/.test(name) || name === '__proto__') {
    return { ok: false, problem: 'is not a header name' };
  }
  if (typeof text !== 'string') return { ok: false, problem: 'expected a string' };
  let missing: string | undefined;
  const value = text.replaceAll(/\$\{([^}]*)\}/g, (_, variable: string) => {
    const found = Object.hasOwn(env, variable) ? env[variable] : undefined;
    if (found === undefined) missing ??= variable;
    return found ?? '';
  });
  if (missing !== undefined) {
    const words = `the environment variable ${quote(missing)} is not set; set it for the daemon`;
    return { ok: false, problem: words };
  }
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
    return { ok: false, problem: 'the value holds a character that no header may hold' };
  }
  return { ok: true, value };
}

function readTls(value: unknown, at: Path, context: ExporterContext): ExporterTls | undefined {
  if (value === undefined) return noTls;
  if (!isTable(value)) {
    context.report(at, `${at.join('.')}: ${wrongType(value, 'a table').problem}`);
    return undefined;
  }
  let fine = checkKeys(value, tlsKeys, at, context);
  const file = (name: string): string | undefined => {
    if (value[name] === undefined) return undefined;
    const read = readFilePath(value[name], context.folder);
    const problem = read.ok ? context.checkFile(read.value) : read.problem;
    if (read.ok && problem === undefined) return read.value;
    context.report([...at, name], `${at.join('.')}.${name}: ${problem}`);
    fine = false;
    return undefined;
  };
  const ca = file('ca-certificate');
  const certificate = file('client-certificate');
  const key = file('client-private-key');
  if (fine && (certificate === undefined) !== (key === undefined)) {
    context.report(at, `${at.join('.')}: client-certificate and client-private-key go together`);
    fine = false;
  }
  return fine ? { ca, certificate, key } : undefined;
}
