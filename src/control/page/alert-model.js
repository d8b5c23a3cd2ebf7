// Which single desktop alert fits what waits now. Pure: data in, data out.
/** @import { GroupView, LiveView } from '../messages.ts' */
import { mayAnswer } from './context.js';
import { hostPort, waitWords } from './words.js';

/**
 * One alert, or none. `key` changes when it must be shown anew; `verbs` are the buttons it offers.
 * @typedef {{ readonly kind: 'none', readonly key: '' }
 *   | { readonly kind: 'question', readonly key: string, readonly id: string, readonly revision: number,
 *       readonly title: string, readonly body: string, readonly verbs: readonly ('deny' | 'allow')[] }
 *   | { readonly kind: 'several', readonly key: string, readonly title: string, readonly body: string }} Alert
 */

/** From so many questions on an alert offers no answers, only the way to the page. */
const several = 3;

/**
 * The alert for this view. With one or two questions it is about the first; never more than one at a time.
 * @param {LiveView} live
 * @returns {Alert}
 */
export function alertOf(live) {
  const groups = live.groups.filter(({ reviewing }) => reviewing !== true);
  const [first] = groups;
  if (first === undefined || !mayAnswer(live.role)) return { kind: 'none', key: '' };
  if (groups.length >= several) {
    const hosts = groups.slice(0, several).map(({ host, port }) => hostPort(host, port));
    const more = groups.length > several ? [`and ${groups.length - several} more`] : [];
    return {
      kind: 'several',
      key: `several ${groups.length}`,
      title: waitWords(groups),
      body: [...hosts, ...more].join('\n'),
    };
  }
  const { id, revision } = first;
  return {
    kind: 'question',
    key: `${id}.${revision}.${groups.length}.${first.quickAllow}.${live.gate.desktop}`,
    id,
    revision,
    title: `${hostPort(first.host, first.port)} is waiting`,
    body: bodyOf(first, groups.length - 1),
    verbs: verbsOf(first, live.gate.desktop),
  };
}

/**
 * @param {GroupView} group
 * @param {number} others
 * @returns {string}
 */
function bodyOf({ askers, warnings, whySentence }, others) {
  const [asker] = askers;
  const command = asker?.commandLine.join(' ') ?? '';
  const who = asker === undefined ? 'an unknown program' : `${asker.program}: ${command}`;
  return [
    ...warnings,
    who,
    ...(asker?.cwd === null || asker === undefined ? [] : [asker.cwd]),
    whySentence,
    ...(others > 0 ? ['one more waits'] : []),
  ].join('\n');
}

/**
 * @param {GroupView} group
 * @param {LiveView['gate']['desktop']} desktop
 * @returns {readonly ('deny' | 'allow')[]}
 */
function verbsOf({ quickAllow }, desktop) {
  if (desktop === 'notify-only') return [];
  return quickAllow && desktop === 'answer' ? ['deny', 'allow'] : ['deny'];
}
