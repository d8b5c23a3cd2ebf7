// Times of day in sentences for people, in the time zone of this machine.

const monthNames = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** `14:05`, or `21 Nov 14:05` when that is another day than now; both in ms since 1970. */
export function clockText(atMs: number, nowMs: number): string {
  const at = new Date(atMs);
  const time = [at.getHours(), at.getMinutes()].map((n) => String(n).padStart(2, '0')).join(':');
  if (at.toDateString() === new Date(nowMs).toDateString()) return time;
  return `${at.getDate()} ${monthNames[at.getMonth()]} ${time}`;
}
