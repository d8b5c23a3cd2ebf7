// One scalar of the configuration: does the TOML value have the type, range and form its key asks for?
// A problem is a phrase that fits after `key: `; it says what was expected and what to write.
import { isAbsolute, resolve } from 'node:path';
import { parseHost, type Parsed } from '../policy/destination.ts';
import { nearest, quote } from './finding.ts';
import type { KeyType } from './schema.ts';

/** The kinds whose value is one boolean, number or string. */
export type ScalarType = Extract<
  KeyType,
  { readonly kind: 'boolean' | 'integer' | 'choice' | 'text' | 'file' | 'folder' | 'url' }
>;

/** True for a key that holds one scalar. */
export function isScalar(type: KeyType): type is ScalarType {
  return !['patterns', 'pattern-map', 'presets', 'exporter', 'hook'].includes(type.kind);
}

/** Checks and normalises one scalar; `folder` is where a relative file path starts. */
export function readScalar(
  type: ScalarType,
  value: unknown,
  folder: string,
): Parsed<boolean | number | string> {
  switch (type.kind) {
    case 'boolean':
      return typeof value === 'boolean' ? done(value) : wrongType(value, 'true or false');
    case 'integer':
      return readInteger(type, value);
    case 'choice':
      return readChoice(type.values, value);
    case 'text':
      return readText(value, type.maxLength);
    case 'file':
      return readFilePath(value, folder);
    case 'folder':
      return readText(value, 4096);
    case 'url':
      return readBaseUrl(value);
    default:
      return type satisfies never;
  }
}

/** Absolute path of a file that a configuration file in `folder` names. */
export function readFilePath(value: unknown, folder: string): Parsed<string> {
  const text = readText(value, 4096);
  if (!text.ok) return text;
  return done(isAbsolute(text.value) ? text.value : resolve(folder, text.value));
}

/** A string of 1 to `maxLength` characters without control characters. */
export function readText(value: unknown, maxLength: number): Parsed<string> {
  if (typeof value !== 'string') return wrongType(value, 'a string in quotes');
  if (value === '') return problem('is empty; write a value or leave the key out');
  if (value.length > maxLength) return problem(`is longer than ${maxLength} characters`);
  if (/\p{Cc}/u.test(value)) return problem(`${quote(value)} holds a control character`);
  return done(value);
}

/** One of `values`, with a near miss when it is none of them. */
export function readChoice(values: readonly string[], value: unknown): Parsed<string> {
  const list = values.map((one) => `"${one}"`).join(' or ');
  if (typeof value !== 'string') return wrongType(value, list);
  if (values.includes(value)) return done(value);
  const near = nearest(value, values);
  const hint = near === undefined ? '' : `; did you mean "${near}"?`;
  return problem(`${quote(value)} is not known; write ${list}${hint}`);
}

/** An absolute http or https URL with a canonical host and without credentials and fragment. */
export function readHttpUrl(value: unknown): Parsed<URL> {
  const text = readText(value, 2048);
  if (!text.ok) return text;
  // Never quoted whole: a URL may carry a password or a token.
  if (!/^https?:\/\//i.test(text.value)) {
    return problem('is not a web address; write one that starts with "https://" or "http://"');
  }
  const url = URL.parse(text.value);
  if (url === null)
    return problem('is not a valid web address; expected "https://host[:port]/path"');
  if (url.username !== '' || url.password !== '') {
    return problem('holds a user name or password; send credentials in a header instead');
  }
  if (url.hash !== '') return problem('holds a fragment (#…); leave it out');
  if (url.port === '0') return problem('names port 0; expected 1 to 65535');
  const host = parseHost(url.hostname);
  if (!host.ok) return problem(`holds the host ${quote(url.hostname)}: ${host.problem}`);
  return done(url);
}

function readBaseUrl(value: unknown): Parsed<string> {
  const url = readHttpUrl(value);
  if (!url.ok) return url;
  if (url.value.search !== '') return problem('holds a query (?…); leave it out');
  return done(`${url.value.origin}${url.value.pathname.replace(/\/+$/, '')}`);
}

function readInteger(
  type: Extract<KeyType, { readonly kind: 'integer' }>,
  value: unknown,
): Parsed<number> {
  const range = `a whole number from ${type.min} to ${type.max}`;
  if (typeof value !== 'number' || !Number.isInteger(value)) return wrongType(value, range);
  if (value < type.min || value > type.max)
    return problem(`${value} is out of range; expected ${range}`);
  return done(value);
}

/** What was written and what was wanted; a quoted boolean or number gets its own mend. */
export function wrongType(value: unknown, wanted: string): { ok: false; problem: string } {
  if (typeof value === 'string' && /^(?:true|false|\d+)$/.test(value)) {
    return problem(`"${value}" is a string; write ${value} without quotes (expected ${wanted})`);
  }
  return problem(`is ${describe(value)}; expected ${wanted}`);
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return 'a string';
  if (typeof value === 'number') return `the number ${value}`;
  if (typeof value === 'boolean') return String(value);
  return value instanceof Date ? 'a date' : 'a table';
}

function done<T>(value: T): { ok: true; value: T } {
  return { ok: true, value };
}

function problem(text: string): { ok: false; problem: string } {
  return { ok: false, problem: text };
}
