// Durations and moments as people type them. Pure.
import { usageError } from './options.ts';

/** The text when it is minutes such as `30m` or hours such as `2h`. ERR_USAGE for anything else. */
export function readSpan(text: string | undefined, what: string): string {
  if (text !== undefined && /^[1-9]\d{0,4}[mh]$/.test(text)) return text;
  throw usageError(`${what} takes minutes such as 10m or hours such as 2h`);
}

const unitMs: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A moment in the past as ISO text: `90s`, `30m`, `1h` or `7d` before now, or an ISO date or time. ERR_USAGE. */
export function readMoment(text: string, what: string, nowMs: number): string {
  const [, number, unit] = /^([1-9]\d{0,5})([smhd])$/.exec(text) ?? [];
  const ms = unit === undefined ? undefined : unitMs[unit];
  if (number !== undefined && ms !== undefined) {
    return new Date(nowMs - Number(number) * ms).toISOString();
  }
  const parsed = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(parsed)) return new Date(parsed).toISOString();
  throw usageError(
    `${what} takes a span such as 30m, 1h or 7d, or a time such as 2026-11-20T12:00:00Z`,
  );
}
