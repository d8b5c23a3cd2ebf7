// Words for times, counts, destinations and answers. Pure: text in, text out.
/** @import { AnswerView, GrantView, GroupView, HistoryEntry } from '../messages.ts' */
/** @import { Protocol } from '../../policy/destination.ts' */

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** @type {Readonly<Record<Protocol, string>>} */
const protocols = {
  https_connect: 'CONNECT (TLS)',
  http: 'plain HTTP',
  socks5_tcp: 'SOCKS5 TCP',
};

/**
 * The protocol as a card names it.
 * @param {Protocol} protocol
 * @returns {string}
 */
export function protocolWords(protocol) {
  return protocols[protocol];
}

/**
 * `1 connection`, `4 connections`.
 * @param {number} number
 * @param {string} one
 * @param {string} [many] default: `one` with an s
 * @returns {string}
 */
export function count(number, one, many = `${one}s`) {
  return `${number} ${number === 1 ? one : many}`;
}

/**
 * How many questions are open, those first that somebody waits in: `2 destinations wait`, `1 waits, 6 kept`,
 * `nobody waits, 6 kept`; empty without any. A kept one has lost its client; an answer serves its next try.
 * @param {readonly Pick<GroupView, 'waiting'>[]} groups
 * @returns {string}
 */
export function waitWords(groups) {
  const waiting = groups.filter((group) => group.waiting > 0).length;
  const kept = groups.length - waiting;
  if (groups.length === 0) return '';
  const verb = waiting === 1 ? 'waits' : 'wait';
  if (kept === 0) return `${count(waiting, 'destination')} ${verb}`;
  return `${waiting === 0 ? 'nobody waits' : `${waiting} ${verb}`}, ${kept} kept`;
}

/**
 * A running time as a clock shows it: `0:41`, `12:05`, `1:02:03`; negative ones are `0:00`.
 * @param {number} ms
 * @returns {string}
 */
export function clockSpan(ms) {
  const seconds = Math.max(0, Math.floor(ms / secondMs));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const tail = `${h > 0 ? String(m).padStart(2, '0') : m}:${String(s).padStart(2, '0')}`;
  return h > 0 ? `${h}:${tail}` : tail;
}

/**
 * A span in its largest fitting unit: `41 s`, `5 min`, `2 h`, `3 days`.
 * @param {number} ms
 * @returns {string}
 */
export function roughSpan(ms) {
  const span = Math.max(0, ms);
  if (span < 2 * minuteMs) return `${Math.round(span / secondMs)} s`;
  if (span < 2 * hourMs) return `${Math.round(span / minuteMs)} min`;
  if (span < 2 * dayMs) return `${Math.round(span / hourMs)} h`;
  return `${Math.round(span / dayMs)} days`;
}

const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/**
 * A moment in local time: `12:00:05` today, else `20 Nov 12:00`, with the year when it is another one.
 * @param {string} iso
 * @param {number} nowMs
 * @returns {string}
 */
export function moment(iso, nowMs) {
  const [at, now] = [new Date(iso), new Date(nowMs)];
  if (Number.isNaN(at.getTime())) return iso;
  const two = (/** @type {number} */ number) => String(number).padStart(2, '0');
  const time = `${two(at.getHours())}:${two(at.getMinutes())}`;
  if (at.toDateString() === now.toDateString()) return `${time}:${two(at.getSeconds())}`;
  const year = at.getFullYear() === now.getFullYear() ? '' : ` ${at.getFullYear()}`;
  return `${at.getDate()} ${months[at.getMonth()] ?? ''}${year} ${time}`;
}

/**
 * `host:port`, with brackets around an IPv6 address.
 * @param {string} host
 * @param {number | 'any'} port
 * @returns {string}
 */
export function hostPort(host, port) {
  const name = host.includes(':') ? `[${host}]` : host;
  return port === 'any' ? `${name}, any port` : `${name}:${port}`;
}

/**
 * How long an answer holds, after "allowed" or "denied": `once`, `for 30 min`, `until restart`, `always`.
 * @param {string} duration
 * @returns {string}
 */
export function durationWords(duration) {
  if (duration === 'once' || duration === 'always') return duration;
  if (duration === 'restart') return 'until restart';
  const [, number, unit] = /^(\d+)([mh])$/.exec(duration) ?? [];
  return number === undefined ? duration : `for ${number} ${unit === 'h' ? 'h' : 'min'}`;
}

/**
 * What an answer was: `allowed once`, `denied always, *.example.net, any port`.
 * @param {Pick<AnswerView, 'outcome' | 'for' | 'scopeHost' | 'scopePort'>} answer
 * @returns {string}
 */
export function answerWords(answer) {
  const verb = answer.outcome === 'allow' ? 'allowed' : 'denied';
  const host = answer.scopeHost === 'exact' ? '' : `, ${answer.scopeHost}`;
  const port = answer.scopePort === 'any' ? ', any port' : '';
  return `${verb} ${durationWords(answer.for)}${host}${port}`;
}

/**
 * Until when a grant holds: `until 13:00:00`, `one use, until …`, `until restart`, `always`.
 * @param {GrantView} grant
 * @param {number} nowMs
 * @returns {string}
 */
export function grantTime(grant, nowMs) {
  if (grant.for === 'always') return 'always';
  if (grant.for === 'restart') return 'until restart';
  const until = grant.expires === null ? '' : `until ${moment(grant.expires, nowMs)}`;
  return grant.for === 'ticket' ? `one use, ${until}` : until;
}

/**
 * The programs that a grant is bound to: `curl in /home/dev/app`; `any program` when to none.
 * @param {GrantView} grant
 * @returns {string}
 */
export function grantPrograms(grant) {
  if (grant.programs === null) return 'any program';
  return grant.programs
    .map(({ executable, folder }) => {
      const name = executable.split(/[\\/]/).at(-1) ?? executable;
      return folder === null ? name : `${name} in ${folder}`;
    })
    .join(', ');
}

/**
 * Whether a grant that lasts has been of no use for 30 days.
 * @param {GrantView} grant
 * @param {number} nowMs
 * @returns {boolean}
 */
export function isUnused(grant, nowMs) {
  const last = Date.parse(grant.lastUsed ?? grant.created);
  return grant.for === 'always' && nowMs - last > 30 * dayMs;
}

/** @type {Readonly<Record<string, string>>} */
const reasons = {
  not_allowed: 'no rule allows it',
  denied: 'a deny rule',
  not_allowed_local: 'a local address',
  approval_timeout: 'nobody answered in time',
  client_gone: 'the client left',
  approval_limit: 'too many were waiting',
  audit_unavailable: 'the journal could not be written',
  policy_changed: 'the policy changed',
  stopping: 'the daemon was stopping',
  method_not_allowed: 'the method is not allowed',
};

/**
 * Why a decision went as it did, in a few words.
 * @param {HistoryEntry} entry
 * @returns {string}
 */
export function entryWhy(entry) {
  if (entry.rule !== null) return `rule ${entry.rule}`;
  if (entry.approver !== null) {
    const surface = entry.surface === null ? '' : ` (${entry.surface})`;
    return `answered by ${entry.approver}${surface}`;
  }
  if (entry.grant !== null) return `remembered answer ${entry.grant}`;
  return reasons[entry.reason] ?? entry.reason.replaceAll('_', ' ');
}
