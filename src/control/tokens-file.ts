// The file of the other roles' tokens: reads it strictly, since a guess here could let somebody in. Pure.
import { SallyportError } from '../errors.ts';
import { roles } from './messages.ts';
import type { Role } from './messages.ts';

/** A token as it is kept: the secret's hash, never the secret. Times are Unix ms. */
export interface KeptToken {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** SHA-256 in hex. */
  readonly hash: string;
  readonly createdMs: number;
  /** To the day; undefined: never. */
  readonly lastUsedMs: number | undefined;
  /** Undefined: when it is revoked. */
  readonly expiresMs: number | undefined;
}

/** The file's content. */
export interface KeptTokens {
  /** The number of the next id: an id never means two tokens. */
  readonly next: number;
  readonly tokens: readonly KeptToken[];
}

const fields = ['id', 'name', 'role', 'hash', 'created', 'lastUsed', 'expires'];
const tokenLimit = 64;

/** The tokens in this text, none for no file; ERR_STATE_CORRUPT, naming `path`, for anything not as written. */
export function readTokens(text: string | undefined, path: string): KeptTokens {
  if (text === undefined) return { next: 1, tokens: [] };
  const kept = readContent(text);
  if (kept !== undefined) return kept;
  const what = 'is not a file of tokens as sallyport writes it';
  const mend = 'restore it, or move it away and create the tokens anew';
  throw new SallyportError('ERR_STATE_CORRUPT', `${path}: ${what}; ${mend}`);
}

/** The text that readTokens reads as the same tokens. */
export function formatTokens({ next, tokens }: KeptTokens): string {
  const time = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString());
  const list = tokens.map(({ id, name, role, hash, createdMs, lastUsedMs, expiresMs }) => ({
    id,
    name,
    role,
    hash,
    created: time(createdMs),
    lastUsed: time(lastUsedMs),
    expires: time(expiresMs),
  }));
  return `${JSON.stringify({ version: 1, next, tokens: list }, undefined, 1)}\n`;
}

function readContent(text: string): KeptTokens | undefined {
  const content = parse(text);
  if (!hasExactly(content, ['version', 'next', 'tokens']) || content['version'] !== 1) {
    return undefined;
  }
  const { next, tokens: list } = content;
  if (!isCount(next) || !Array.isArray(list) || list.length > tokenLimit) return undefined;
  const tokens = list.map(readToken).filter((token) => token !== undefined);
  const ids = new Set(tokens.map(({ id }) => id));
  const hashes = new Set(tokens.map(({ hash }) => hash));
  const isWhole = [tokens, [...ids], [...hashes]].every(({ length }) => length === list.length);
  return isWhole && tokens.every(({ id }) => Number(id.slice(1)) < next)
    ? { next, tokens }
    : undefined;
}

function readToken(value: unknown): KeptToken | undefined {
  if (!hasExactly(value, fields)) return undefined;
  const { id, name, hash } = value;
  const role = roles.find((known) => known === value['role']);
  const createdMs = readTime(value['created']);
  const lastUsedMs = value['lastUsed'] === null ? undefined : readTime(value['lastUsed']);
  const expiresMs = value['expires'] === null ? undefined : readTime(value['expires']);
  if (typeof id !== 'string' || !/^t[1-9][0-9]{0,14}$/.test(id)) return undefined;
  if (typeof name !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9._ -]{0,39}$/.test(name))
    return undefined;
  if (typeof hash !== 'string' || !/^[0-9a-f]{64}$/.test(hash)) return undefined;
  if (role === undefined || createdMs === undefined) return undefined;
  // a time that is there and cannot be read must not turn into "never"
  if (lastUsedMs === undefined && value['lastUsed'] !== null) return undefined;
  if (expiresMs === undefined && value['expires'] !== null) return undefined;
  return { id, name, role, hash, createdMs, lastUsedMs, expiresMs };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function hasExactly(
  value: unknown,
  keys: readonly string[],
): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const own = Object.keys(value);
  return own.length === keys.length && keys.every((key) => Object.hasOwn(value, key));
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1;
}

/** Only what formatTokens writes. */
function readTime(value: unknown): number | undefined {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return !Number.isNaN(ms) && new Date(ms).toISOString() === value ? ms : undefined;
}
