// One journal line and back: a JSON object in ASCII, ended by a line feed. Pure; files are journal.ts's.
import type { AuditEvent } from './draft.ts';

/** Longest line that is read back, in bytes; our own are a few hundred. */
export const lineLimitBytes = 1_048_576;

/** The event as one line with its line feed; ASCII only, so no reader can be misled by what it prints. */
export function formatLine({ uid, time, name, attributes }: AuditEvent): string {
  const json = JSON.stringify({ uid, time, name, attributes });
  // oxlint-disable-next-line no-control-regex -- the whole of ASCII is meant
  const plain = /^[\0-\x7e]*$/.test(json) ? json : json.replace(/[^\0-\x7e]/g, escapeUnit);
  return `${plain}\n`;
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** The event of one line without its line feed, or undefined when the line is torn or not one of ours. */
export function readLine(text: string): AuditEvent | undefined {
  const value = parse(text);
  if (!isRecord(value)) return undefined;
  const { uid, time, name, attributes } = value;
  if (typeof uid !== 'string' || typeof time !== 'string' || typeof name !== 'string') {
    return undefined;
  }
  return isAttributes(attributes) ? { uid, time, name, attributes } : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isAttributes(value: unknown): value is AuditEvent['attributes'] {
  return isRecord(value) && Object.values(value).every((item) => isScalar(item));
}

/** Finite numbers only: JSON has no others, but `1e400` is read as infinity. */
function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
}
