// What an answer would do, in one plain sentence, with what to think of before it is given. Pure. Texts from
// outside come escaped in the view; the host is canonical ASCII.
import type { AnswerRequest, GroupView, PreviewResponse } from '../control/messages.ts';
import { formatHostPort } from '../policy/destination.ts';
import type { AnswerScope } from './scope.ts';

/** An answer as it would be taken. */
export interface PlannedAnswer {
  readonly outcome: AnswerRequest['outcome'];
  readonly scope: AnswerScope;
  /** Whether what is remembered is for the programs that ask now, and for no other. */
  readonly isBound: boolean;
  /** When what is remembered ends, as people write it; undefined where it has no time. */
  readonly until: string | undefined;
}

/** The sentence, the rule and the cautions; `problem` is for whoever checks the answer. */
export function describeAnswer(
  view: GroupView,
  plan: PlannedAnswer,
): Omit<PreviewResponse, 'problem'> {
  const isOnce = plan.scope.duration.kind === 'once';
  const who = isOnce || plan.isBound ? askersOf(view) : 'any program';
  const what = plan.outcome === 'allow' ? ' to reach ' : ' the way to ';
  const verb = plan.outcome === 'allow' ? 'Allow ' : 'Deny ';
  const sentence = `${verb}${who}${what}${placeOf(view, plan.scope)}${termOf(view, plan)}.`;
  const isKept = !isOnce || view.waiting === 0;
  return {
    sentence,
    rule: isKept ? ruleOf(view, plan) : null,
    cautions: cautionsOf(view, plan),
  };
}

/** `curl in ~/app and node in ~/web`; the first two, and how many more. */
function askersOf({ askers, unidentified }: GroupView): string {
  const names = [
    ...new Set(
      askers.map(({ program, repository, cwd }) => {
        const folder = repository ?? cwd;
        return folder === null ? program : `${program} in ${folder}`;
      }),
    ),
  ];
  if (names.length === 0) return unidentified ? 'a program that is not known' : 'the program';
  const shown = names.length > 2 ? names.slice(0, 1) : names;
  const more = names.length - shown.length;
  const rest = [
    ...(more > 0 ? [`${more} other programs`] : []),
    ...(unidentified ? ['programs that are not known'] : []),
  ];
  return joinWords([...shown, ...rest]);
}

function joinWords(words: readonly string[]): string {
  if (words.length < 3) return words.join(' and ');
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

function placeOf(view: GroupView, { host, port }: AnswerScope): string {
  const isWildcard = host.startsWith('*.');
  if (!isWildcard && port !== 'any') return formatHostPort(host, view.facts.kind, port);
  const names = isWildcard ? `every name below ${host.slice(2)}` : host;
  return port === 'any' ? `${names} on any port` : `${names} on port ${port}`;
}

function termOf({ waiting }: GroupView, { outcome, scope, until }: PlannedAnswer): string {
  switch (scope.duration.kind) {
    case 'once': {
      if (waiting === 0) return `, once, at the next try before ${until}`;
      const these = waiting === 1 ? 'this connection' : `these ${waiting} connections`;
      const after = outcome === 'deny' ? ', and for a minute without asking again' : '';
      return ` for ${these}${after}`;
    }
    case 'until':
      return ` until ${until}`;
    case 'restart':
      return ' until sallyport stops';
    case 'always':
      return ' always';
    default:
      return scope.duration satisfies never;
  }
}

function ruleOf(view: GroupView, { outcome, scope, isBound, until }: PlannedAnswer): string {
  const { host, port, duration } = scope;
  const place =
    port === 'any' ? `${host}:*` : formatHostPort(host, isIpv6(host) ? 'ipv6' : 'name', port);
  const end = duration.kind === 'restart' ? 'sallyport stops' : until;
  const lasts = end === undefined ? duration.kind : `until ${end}`;
  const use = duration.kind === 'once' ? ', one use' : '';
  const program = isBound ? `, for ${askersOf(view)}` : '';
  return `${outcome} ${view.protocol} ${place} ${lasts}${use}${program}`;
}

function isIpv6(host: string): boolean {
  return host.includes(':');
}

function cautionsOf(
  view: GroupView,
  { outcome, scope, isBound }: PlannedAnswer,
): readonly string[] {
  const { host, port, duration } = scope;
  const cautions: string[] = [];
  if (outcome === 'allow') {
    cautions.push(...view.warnings);
    const { about } = view.facts;
    if (about !== null && /upload|sent|leave|paste|tunnel|catch/i.test(about)) {
      cautions.push(`${view.host} is known as: ${about}.`);
    }
    if (view.unidentified) cautions.push('Not every program that asks is known.');
  }
  if (host.startsWith('*.')) {
    cautions.push(`It covers names below ${host.slice(2)} that nobody has seen yet.`);
  }
  if (port === 'any') cautions.push('It covers every port, also those nobody has asked for.');
  if (duration.kind === 'always') {
    cautions.push('It stays until somebody revokes it, also after a restart.');
  }
  if (isBound) {
    cautions.push('The program is what the operating system reports; that is no proof.');
  }
  return cautions;
}
