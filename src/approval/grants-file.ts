// The file that keeps `always` grants: text to grants and back. Anything it does not expect is refused
// as a whole: a file that somebody has damaged closes the daemon, it never opens anything.
import { SallyportError } from '../errors.ts';
import { parseAddress, parseHost } from '../policy/destination.ts';
import type { GrantProgram } from '../control/messages.ts';
import type { Protocol } from '../policy/destination.ts';
import type { Grant } from './grants.ts';
import { programLimit } from './programs.ts';

/** What the file says. */
export interface KeptGrants {
  readonly grants: readonly Grant[];
  /** The number of the next grant's id, so that ids in the audit trail mean one thing. */
  readonly next: number;
}

/** 1 had no programs, notes and questions. */
const versions: readonly unknown[] = [1, 2];
const since2 = ['programs', 'note', 'question'] as const;
/** The most grants kept at a time, in the file and in memory. */
export const grantLimit = 4096;
const longestText = 256;
const longestPath = 4096;

/** The file's text for these grants. */
export function formatGrants(grants: readonly Grant[], next: number): string {
  const rows = grants.map((grant) => ({
    id: grant.ref.id,
    outcome: grant.outcome,
    protocol: grant.protocol,
    host: grant.host,
    port: grant.port,
    created: new Date(grant.createdMs).toISOString(),
    approver: grant.approver.name,
    surface: grant.approver.surface,
    uses: grant.uses,
    lastUsed: grant.lastUsedMs === undefined ? null : new Date(grant.lastUsedMs).toISOString(),
    programs: grant.programs ?? null,
    note: grant.note ?? null,
    question: grant.question ?? null,
  }));
  return `${JSON.stringify({ version: versions.at(-1), next, grants: rows }, undefined, 1)}\n`;
}

/** Reads the text, undefined being no file; throws ERR_STATE_CORRUPT naming `file` and the mistake. */
export function readGrants(text: string | undefined, file: string): KeptGrants {
  if (text === undefined) return { grants: [], next: 1 };
  try {
    return decode(JSON.parse(text));
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : 'not readable';
    throw new SallyportError(
      'ERR_STATE_CORRUPT',
      `${file}: ${what}; mend it, or move it away to start without the answers it kept`,
      { cause },
    );
  }
}

function decode(value: unknown): KeptGrants {
  const top = record(value, 'the file', ['version', 'next', 'grants']);
  if (!versions.includes(top['version'])) {
    throw new Error(`version is none of ${versions.join(', ')}`);
  }
  const rows = top['grants'];
  if (!Array.isArray(rows)) throw new Error('grants is not a list');
  if (rows.length > grantLimit) throw new Error(`grants has more than ${grantLimit} entries`);
  const isFirst = top['version'] === versions[0];
  const grants = rows.map((row: unknown, index) => decodeGrant(row, `grants[${index}]`, isFirst));
  const numbers = grants.map(({ ref }) => Number(ref.id.slice(1)));
  if (new Set(numbers).size < numbers.length) throw new Error('two grants have one id');
  const next = count(top['next'], 'next');
  return { grants, next: numbers.reduce((most, n) => Math.max(most, n + 1), Math.max(1, next)) };
}

function decodeGrant(value: unknown, where: string, isFirst: boolean): Grant {
  const row = record(value, where, [
    'id',
    'outcome',
    'protocol',
    'host',
    'port',
    'created',
    'approver',
    'surface',
    'uses',
    'lastUsed',
    ...since2,
  ]);
  // A grant that has lost its programs would hold for all.
  const lost = since2.find((key) => !isFirst && row[key] === undefined);
  if (lost !== undefined) throw new Error(`${where}.${lost} is missing`);
  const id = shortText(row['id'], `${where}.id`);
  if (!/^g[1-9][0-9]{0,14}$/.test(id)) throw new Error(`${where}.id is not an id`);
  const outcome = oneOf(row['outcome'], ['allow', 'deny'] as const, `${where}.outcome`);
  return {
    ref: { id, outcome, ticket: false },
    outcome,
    protocol: oneOf<Protocol>(
      row['protocol'],
      ['http', 'https_connect', 'socks5_tcp'],
      `${where}.protocol`,
    ),
    host: host(row['host'], `${where}.host`),
    port: port(row['port'], `${where}.port`),
    for: 'always',
    expiresMs: undefined,
    createdMs: time(row['created'], `${where}.created`),
    approver: {
      name: shortText(row['approver'], `${where}.approver`),
      surface: shortText(row['surface'], `${where}.surface`),
    },
    uses: count(row['uses'], `${where}.uses`),
    lastUsedMs: row['lastUsed'] === null ? undefined : time(row['lastUsed'], `${where}.lastUsed`),
    programs: programs(row['programs'] ?? null, `${where}.programs`),
    note: textOrNone(row['note'] ?? null, `${where}.note`),
    question: textOrNone(row['question'] ?? null, `${where}.question`),
  };
}

/** A list that is empty would be for no program, which nobody can have meant. */
function programs(value: unknown, where: string): readonly GrantProgram[] | undefined {
  if (value === null) return undefined;
  if (!Array.isArray(value) || value.length < 1 || value.length > programLimit) {
    throw new Error(`${where} is not a list of 1 to ${programLimit} programs`);
  }
  return value.map((each: unknown, index) => {
    const at = `${where}[${index}]`;
    const row = record(each, at, ['executable', 'folder']);
    const folder = row['folder'];
    return {
      executable: shortText(row['executable'], `${at}.executable`, longestPath),
      folder: folder === null ? null : shortText(folder, `${at}.folder`, longestPath),
    };
  });
}

function textOrNone(value: unknown, where: string): string | undefined {
  return value === null ? undefined : shortText(value, where);
}

function record(
  value: unknown,
  where: string,
  keys: readonly string[],
): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${where} is not an object`);
  }
  const unknown = Object.keys(value).find((key) => !keys.includes(key));
  if (unknown !== undefined) throw new Error(`${where} has a key that does not belong there`);
  return value as Readonly<Record<string, unknown>>; // an object that is no array
}

function shortText(value: unknown, where: string, longest = longestText): string {
  if (typeof value === 'string' && value.length <= longest) return value;
  throw new Error(`${where} is not a text`);
}

function oneOf<T extends string>(value: unknown, choices: readonly T[], where: string): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw new Error(`${where} is none of ${choices.join(', ')}`);
  return found;
}

function count(value: unknown, where: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`${where} is not a count`);
}

function time(value: unknown, where: string): number {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(ms)) throw new Error(`${where} is not a time`);
  return ms;
}

function port(value: unknown, where: string): number | 'any' {
  if (value === 'any') return value;
  if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65_535) {
    return Number(value);
  }
  throw new Error(`${where} is not a port`);
}

/** Only canonical text may come back: a grant that matches nothing, or something else, helps nobody. */
function host(value: unknown, where: string): string {
  const given = shortText(value, where);
  const isWildcard = given.startsWith('*.');
  const name = isWildcard ? given.slice(2) : given;
  const parsed = name.includes(':') ? parseAddress(name) : parseHost(name);
  if (!parsed.ok || parsed.value.text !== name) throw new Error(`${where} is not a canonical host`);
  if (isWildcard && (parsed.value.kind !== 'name' || !name.includes('.'))) {
    throw new Error(`${where} is too broad`);
  }
  return given;
}
