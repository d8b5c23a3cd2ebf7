// Reads the bodies and queries of the control API. Unknown keys are mistakes, since a misspelt one could widen
// what is meant; problems name keys, never values.
import type { Parsed } from '../policy/destination.ts';
import { roles } from './messages.ts';
import type {
  AnswerRequest,
  HistoryQuery,
  PageSessionRequest,
  PanicRequest,
  RuleEdit,
  RulesDraft,
  TokenRequest,
  TrayReport,
  UndoRequest,
} from './messages.ts';

type Check = (value: unknown) => boolean;
type Fields = Readonly<Record<string, unknown>>;

const minuteMs = 60_000;
const rulesTextLimit = 1024 * 1024;
const editLimit = 500;

/** Body of an answer and of its preview; how far it may reach is judged elsewhere. */
export function decodeAnswer(body: unknown): Parsed<AnswerRequest> {
  const read = readFields(body, {
    outcome: isOneOf('allow', 'deny'),
    for: isShortText,
    host: isShortText,
    port: isOneOf('this', 'any'),
    program: isOneOf('this', 'any'),
    note: isText(200),
    tell: isText(200),
    revision: (value) => Number.isSafeInteger(value),
  });
  if (!read.ok) return read;
  if (!('outcome' in read.value)) return bad('outcome: write "allow" or "deny"');
  return { ok: true, value: read.value as unknown as AnswerRequest }; // every key was checked above
}

/** A duration body, `{"for":"5m"}`, as ms, within these minutes. */
export function decodeFor(body: unknown, least: number, most: number): Parsed<number> {
  const read = readFields(body, { for: isShortText });
  if (!read.ok) return read;
  const text = read.value['for'];
  const match = typeof text === 'string' ? /^([1-9][0-9]{0,3})([mh])$/.exec(text) : null;
  const minutes = Number(match?.[1]) * (match?.[2] === 'h' ? 60 : 1);
  if (minutes >= least && minutes <= most) return { ok: true, value: minutes * minuteMs };
  return bad(`for: write minutes or hours, "${least}m" to "${most}m"`);
}

/** Body of an undo. */
export function decodeUndo(body: unknown): Parsed<UndoRequest> {
  return readFields(body, { id: isId });
}

/** Body of a panic. */
export function decodePanic(body: unknown): Parsed<PanicRequest> {
  const read = readFields(body, { on: (value) => typeof value === 'boolean' });
  if (!read.ok) return read;
  const { on } = read.value;
  return typeof on === 'boolean' ? { ok: true, value: { on } } : bad('on: write true or false');
}

/** Body of what says all in its path: `{}`. */
export function decodeNothing(body: unknown): Parsed<undefined> {
  const read = readFields(body, {});
  return read.ok ? { ok: true, value: undefined } : read;
}

/** Body of a check or a save of rules. */
export function decodeDraft(body: unknown): Parsed<RulesDraft> {
  const read = readFields(body, {
    file: isText(4096),
    etag: isText(128),
    text: isText(rulesTextLimit),
    edits: (value) => Array.isArray(value) && value.length <= editLimit && value.every(isRuleEdit),
  });
  if (!read.ok) return read;
  const { file, etag, text, edits } = read.value;
  if (file === undefined || etag === undefined) return bad('file and etag: both must be there');
  if ((text === undefined) === (edits === undefined)) return bad('write one of text and edits');
  return { ok: true, value: read.value as unknown as RulesDraft }; // every key was checked above
}

function isRuleEdit(value: unknown): value is RuleEdit {
  const read = readFields(value, {
    kind: isOneOf('add', 'remove'),
    list: isOneOf('allow', 'deny'),
    rule: isText(512),
  });
  return read.ok && Object.keys(read.value).length === 3;
}

/** Body of an undo of a saved edit. */
export function decodeEditId(body: unknown): Parsed<string> {
  const read = readFields(body, { id: isId });
  if (!read.ok) return read;
  const { id } = read.value;
  return typeof id === 'string' ? { ok: true, value: id } : bad('id: write the id of an edit');
}

/** Body of a new token. */
export function decodeToken(body: unknown): Parsed<TokenRequest> {
  const read = readFields(body, {
    name: isText(40),
    role: isOneOf(...roles),
    days: (value) => isWithin(value, 1, 366),
  });
  if (!read.ok) return read;
  const { name, role } = read.value;
  if (name === undefined || role === undefined) return bad('name and role: both must be there');
  return { ok: true, value: read.value as unknown as TokenRequest }; // every key was checked above
}

/** Body of a new page session. */
export function decodePageSession(body: unknown): Parsed<PageSessionRequest> {
  const read = readFields(body, { code: isText(64) });
  if (!read.ok) return read;
  const { code } = read.value;
  return typeof code === 'string' ? { ok: true, value: { code } } : bad('code: must be there');
}

/** Body of a tray's report; control characters have no place in it. */
export function decodeTray(body: unknown): Parsed<TrayReport> {
  const read = readFields(body, { problem: (value) => value === null || isText(300)(value) });
  if (!read.ok) return read;
  const { problem } = read.value;
  if (problem === null) return { ok: true, value: { problem } };
  if (typeof problem !== 'string') return bad('problem: write a sentence, or null');
  return { ok: true, value: { problem: problem.replaceAll(/\p{C}/gu, '\u{FFFD}') } };
}

/** The names that a query of the history may have. */
export const historyParameters = [
  'host',
  'program',
  'outcome',
  'since',
  'before',
  'limit',
] as const satisfies readonly (keyof HistoryQuery)[];

/** Query of the history. */
export function decodeHistory(query: ReadonlyMap<string, string>): Parsed<HistoryQuery> {
  const read = readFields(Object.fromEntries(query), {
    host: isText(253),
    program: isText(255),
    outcome: isOneOf('allow', 'deny'),
    since: isTime,
    before: isTime,
    limit: (value) => /^[1-9][0-9]{0,2}$/.test(String(value)) && Number(value) <= 500,
  });
  if (!read.ok) return read;
  const { limit, ...rest } = read.value;
  const value = limit === undefined ? rest : { ...rest, limit: Number(limit) };
  return { ok: true, value }; // every key was checked above
}

/** The object's own fields when each is known and has a value it can have. */
function readFields(body: unknown, checks: Readonly<Record<string, Check>>): Parsed<Fields> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return bad('the body must be an object such as {"outcome":"allow"}');
  }
  for (const [key, value] of Object.entries(body)) {
    const check = Object.hasOwn(checks, key) ? checks[key] : undefined;
    if (check === undefined) {
      const known = Object.keys(checks).join(', ');
      return bad(known === '' ? 'unknown key; none is expected' : `unknown key; expected ${known}`);
    }
    if (!check(value)) return bad(`${key}: not a value it can have`);
  }
  return { ok: true, value: body as Fields }; // an object that is no array
}

function bad(problem: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem };
}

function isOneOf(...known: readonly string[]): Check {
  return (value) => typeof value === 'string' && known.includes(value);
}

function isText(limit: number): Check {
  return (value) => typeof value === 'string' && value.length <= limit;
}

function isShortText(value: unknown): boolean {
  return isText(255)(value);
}

function isId(value: unknown): boolean {
  return typeof value === 'string' && /^[A-Za-z0-9_-]{1,32}$/.test(value);
}

function isWithin(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
}

/** ISO 8601 with a zone; a bare date would be read in one zone here and in another elsewhere. */
function isTime(value: unknown): boolean {
  return (
    typeof value === 'string' &&
    /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/.test(value) &&
    !Number.isNaN(Date.parse(value))
  );
}
