// What is known of one question, as facts in the order an approver should read them. Pure; `show` prints them and
// `watch` lays them out. Programs, folders and command lines are what the operating system reported, not proof.
import type { AskerView, GroupView, HostFacts } from '../control/messages.ts';
import { escapeText, renderCount, renderHostPort, renderSpan } from './render.ts';

/** One fact; `warning` is what must be read before allowing. */
export interface Fact {
  readonly label: string;
  /** One line, escaped. */
  readonly text: string;
  readonly tone: 'plain' | 'warning';
}

/** How a connection asks, in words. */
export function protocolWords(protocol: GroupView['protocol']): string {
  switch (protocol) {
    case 'http':
      return 'plain HTTP, readable on the way';
    case 'https_connect':
      return 'a tunnel (CONNECT), usually TLS';
    case 'socks5_tcp':
      return 'a tunnel (SOCKS5)';
    default:
      return protocol satisfies never;
  }
}

/** Everything of a question: destination, who asks, who waits, why, what is known of the host, what to beware of. */
export function describeQuestion(group: GroupView, nowMs: number): Fact[] {
  const facts: (readonly [string, string | null])[] = [
    ['host', group.host],
    ['reads as', group.facts.unicode],
    ['port', `${group.port}, ${protocolWords(group.protocol)}`],
    ['request', group.request],
    ...describeAskers(group),
    ['waiting', describeWaiting(group, nowMs)],
    ['seen', describeSeen(group, nowMs)],
    ['gives up', describePatience(group, nowMs)],
    ['why', group.whySentence],
    ['history', describeHistory(group.facts)],
    ['about', group.facts.about],
    ['card', group.bundle === null ? null : group.bundle.title],
    ['exact only', group.exactOnly],
  ];
  const plain = facts.flatMap(([label, text]) =>
    text === null ? [] : [{ label, text: escapeText(text), tone: 'plain' } as const],
  );
  const beware = warningsOf(group).map(
    (text) => ({ label: 'beware', text, tone: 'warning' }) as const,
  );
  return [...plain, ...beware];
}

/** Sentences to read before allowing, escaped; the look-alike's is among them, once. */
export function warningsOf({ warnings, facts, bundle }: GroupView): string[] {
  const similar = facts.lookAlike?.sentence;
  const all = [
    ...warnings,
    ...(similar === undefined ? [] : [similar]),
    ...(bundle?.suggests === 'deny' ? [`${bundle.title}; deny is suggested`] : []),
  ];
  return [...new Set(all)].map(escapeText);
}

/** What a preview says beside the warnings, which stand above it already; escaped. */
export function cautionsOf(group: GroupView, cautions: readonly string[]): string[] {
  const said = new Set(warningsOf(group));
  return cautions.map(escapeText).filter((text) => !said.has(text));
}

/** `curl https://… (pid 77) and 1 more`, at most so many letters of a command line. */
export function renderAskers({ askers, unidentified }: GroupView, limit = 60): string {
  const [first, ...others] = askers;
  if (first === undefined) return 'unknown';
  const words = commandWords(first);
  const shown = words.length > limit ? `${words.slice(0, limit - 1)}…` : words;
  const more = others.length > 0 ? ` and ${others.length} more` : '';
  return `${shown} (pid ${first.pid})${more}${unidentified ? ' and others unknown' : ''}`;
}

function commandWords({ commandLine, program }: AskerView): string {
  return commandLine.length > 0 ? commandLine.join(' ') : program;
}

function describeAskers({ askers, unidentified }: GroupView): (readonly [string, string])[] {
  const lines = askers.flatMap((asker): (readonly [string, string])[] => [
    ['asked by', `${asker.program} (pid ${asker.pid}), as the system reports it`],
    ...(asker.commandLine.length > 0 ? [['command', asker.commandLine.join(' ')] as const] : []),
    ...(asker.cwd === null ? [] : [['folder', folderWords(asker.cwd, asker.repository)] as const]),
    ...(asker.parents.length > 0
      ? [['started by', asker.parents.toReversed().join(' › ')] as const]
      : []),
  ]);
  return unidentified ? [...lines, ['asked by', 'a program that could not be found']] : lines;
}

function folderWords(cwd: string, repository: string | null): string {
  if (repository === null) return `${cwd}, in no repository`;
  return repository === cwd ? `${cwd}, a repository` : `${cwd}, in the repository ${repository}`;
}

function describeWaiting({ waiting, waitingSince, deadline }: GroupView, nowMs: number): string {
  if (waiting === 0) return 'nobody; the client is gone, and an answer serves its next try';
  const since =
    waitingSince === null ? '' : `, the longest for ${renderSpan(Date.parse(waitingSince), nowMs)}`;
  const until =
    deadline === null
      ? ''
      : `, refused in ${renderSpan(nowMs, Date.parse(deadline))} without an answer`;
  return `${renderCount(waiting, 'connection')}${since}${until}`;
}

function describeSeen({ firstSeen, lastSeen, asked }: GroupView, nowMs: number): string {
  const first = renderSpan(Date.parse(firstSeen), nowMs);
  const last = renderSpan(Date.parse(lastSeen), nowMs);
  return `${renderCount(asked, 'connection')} asked, first ${first} ago, last ${last} ago`;
}

function describePatience({ clientLeaves, waiting }: GroupView, nowMs: number): string | null {
  if (clientLeaves === null || waiting === 0) return null;
  return `the client is likely to leave in about ${renderSpan(nowMs, Date.parse(clientLeaves))}`;
}

function describeHistory({ allowed, denied, firstSeen }: HostFacts): string {
  if (allowed + denied === 0) return 'never decided on this machine before';
  const since = firstSeen === null ? '' : ` since ${firstSeen.slice(0, 10)}`;
  return `allowed ${renderTimes(allowed)}, denied ${renderTimes(denied)}${since}`;
}

function renderTimes(number: number): string {
  return number === 1 ? 'once' : `${number} times`;
}

/** The question's destination as `host:port`, escaped. */
export function destinationOf({ host, port }: Pick<GroupView, 'host' | 'port'>): string {
  return escapeText(renderHostPort(host, port));
}
