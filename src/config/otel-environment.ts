// The standard OTEL_* variables, for where no file names an exporter.
// Header values are secrets: they are decoded here and never put into a message.
import { resolve } from 'node:path';
import type { ExporterTls } from './config.ts';
import type { Env, Exporter, ExporterContext } from './exporter.ts';
import { quote } from './finding.ts';
import { readHttpUrl } from './value.ts';

/** What the OTEL_* variables ask for, and what is wrong with them (warnings, worded for people). */
export interface OtelEnvironment {
  readonly exporter: Exporter;
  readonly problems: readonly string[];
}

/**
 * The exporter that the standard variables describe (OpenTelemetry: OTLP exporter configuration); the
 * logs form of a variable wins over the general one. They are often set for other programs, so a
 * value that we cannot follow is a warning and no exporter, not a refusal to start.
 */
export function exporterFromEnvironment(
  env: Env,
  checkFile: ExporterContext['checkFile'],
): OtelEnvironment {
  const off: OtelEnvironment = { exporter: { kind: 'none' }, problems: [] };
  if (env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true') return off;
  if (env['OTEL_LOGS_EXPORTER']?.trim() === 'none') return off;
  const endpoint = endpointFrom(env);
  if (endpoint === undefined) return off;
  const problems: string[] = [];
  const url = readHttpUrl(endpoint.url);
  if (!url.ok) problems.push(`${endpoint.variable}: ${url.problem}`);
  const protocol = protocolFrom(env, problems);
  const headers = pairsFrom(env, 'OTEL_EXPORTER_OTLP_LOGS_HEADERS', 'OTEL_EXPORTER_OTLP_HEADERS');
  problems.push(...headers.problems);
  const tls = tlsFrom(env, checkFile, problems);
  if (problems.length > 0 || !url.ok || protocol === undefined) return { ...off, problems };
  return {
    exporter: {
      kind: 'otlp-http',
      endpoint: url.value.href,
      protocol,
      headers: headers.pairs,
      tls,
    },
    problems,
  };
}

function endpointFrom(env: Env): { readonly url: string; readonly variable: string } | undefined {
  const logs = setting(env, 'OTEL_EXPORTER_OTLP_LOGS_ENDPOINT');
  if (logs !== undefined) return { url: logs, variable: 'OTEL_EXPORTER_OTLP_LOGS_ENDPOINT' };
  const base = setting(env, 'OTEL_EXPORTER_OTLP_ENDPOINT');
  if (base === undefined) return undefined;
  const url = `${base.replace(/\/+$/, '')}/v1/logs`;
  return { url, variable: 'OTEL_EXPORTER_OTLP_ENDPOINT' };
}

function protocolFrom(env: Env, problems: string[]): 'binary' | 'json' | undefined {
  const general = setting(env, 'OTEL_EXPORTER_OTLP_PROTOCOL');
  const value = setting(env, 'OTEL_EXPORTER_OTLP_LOGS_PROTOCOL') ?? general ?? 'http/protobuf';
  if (value === 'http/protobuf') return 'binary';
  if (value === 'http/json') return 'json';
  problems.push(
    `OTEL_EXPORTER_OTLP_PROTOCOL: ${quote(value)} is not built yet; expected "http/protobuf" or "http/json"`,
  );
  return undefined;
}

function tlsFrom(
  env: Env,
  checkFile: ExporterContext['checkFile'],
  problems: string[],
): ExporterTls {
  const file = (suffix: string): string | undefined => {
    const variable = `OTEL_EXPORTER_OTLP_LOGS_${suffix}`;
    const general = setting(env, `OTEL_EXPORTER_OTLP_${suffix}`);
    const named = setting(env, variable) ?? general;
    if (named === undefined) return undefined;
    const path = resolve(named);
    const trouble = checkFile(path);
    if (trouble !== undefined) problems.push(`OTEL_EXPORTER_OTLP_${suffix}: ${trouble}`);
    return path;
  };
  return {
    ca: file('CERTIFICATE'),
    certificate: file('CLIENT_CERTIFICATE'),
    key: file('CLIENT_KEY'),
  };
}

/** Pairs of `name=value,name=value` with percent-encoding, from the first variable that is set. */
export function pairsFrom(
  env: Env,
  ...variables: readonly string[]
): { readonly pairs: Readonly<Record<string, string>>; readonly problems: readonly string[] } {
  const variable = variables.find((name) => setting(env, name) !== undefined);
  if (variable === undefined) return { pairs: {}, problems: [] };
  const pairs: [string, string][] = [];
  const problems: string[] = [];
  for (const [index, item] of (env[variable] ?? '').split(',').entries()) {
    if (item.trim() === '') continue;
    const pair = readPair(item);
    if (pair === undefined) problems.push(`${variable}: item ${index + 1} is not "name=value"`);
    else pairs.push(pair);
  }
  return { pairs: Object.fromEntries(pairs), problems };
}

function readPair(item: string): [string, string] | undefined {
  const match = /^\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=(.*)$/s.exec(item);
  const name = match?.[1];
  if (name === undefined || name === '__proto__') return undefined;
  try {
    const value = decodeURIComponent((match?.[2] ?? '').trim());
    return /^[\t\x20-\x7e\x80-\xff]*$/.test(value) ? [name, value] : undefined;
  } catch {
    return undefined; // a broken percent escape
  }
}

/** A variable that is set and not empty (OpenTelemetry treats empty as unset). */
function setting(env: Env, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
}
