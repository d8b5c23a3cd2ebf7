// `sallyport changes`: a change of the configuration that lets more through, and what becomes of it.
import type { PolicyChangeView } from '../control/messages.ts';
import { exitCodes, type Command } from './command.ts';
import { openClient } from './daemon-client.ts';
import { readOptions, usageError } from './options.ts';
import { escapeText, renderClock, renderJson } from './render.ts';

const usage = `usage: sallyport changes [accept|reject|undo] [--json]

Shows the last change of the configuration that let more through or would do so, line by line. With
[control] confirm_widening it waits and is not in force until it is accepted; else it is in force and can be undone.

  accept   put a waiting change in force
  reject   drop a waiting change; the policy before it stays
  undo     take a change that is in force back, until the files change again
`;

const verbs = ['accept', 'reject', 'undo'] as const;
type Verb = (typeof verbs)[number];

/** The command; 3 when there is no change to act on. */
export const changesCommand: Command = {
  name: 'changes',
  summary: 'show, accept, reject or undo a change that lets more through',
  usage,
  run: async (args, io) => {
    const { values, positionals } = readOptions(args, {
      json: { type: 'boolean', default: false },
    });
    const [word, ...more] = positionals;
    const verb = word === undefined ? undefined : readVerb(word);
    if (more.length > 0) throw usageError('changes takes one word');
    const client = openClient(io.env);
    const { policyChange } = await client.status();
    if (policyChange === null) {
      const none = verb === undefined;
      if (none) io.stdout(values.json ? renderJson({ change: null }) : 'no change\n');
      else io.stderr('sallyport: there is no change\n');
      return none ? exitCodes.done : exitCodes.gone;
    }
    const change =
      verb === undefined ? policyChange : (await client.change(policyChange.id, verb)).change;
    io.stdout(values.json ? renderJson({ change }) : renderChange(change));
    return exitCodes.done;
  },
};

function readVerb(word: string): Verb {
  const verb = verbs.find((known) => known === word);
  if (verb !== undefined) return verb;
  throw usageError(`changes takes ${verbs.join(', ')} or no word`);
}

/** What the change is and does, a line each. */
export function renderChange({ id, at, state, lines }: PolicyChangeView): string {
  const states: Readonly<Record<PolicyChangeView['state'], string>> = {
    waiting: 'waits to be accepted: not in force',
    applied: 'is in force',
    undone:
      'is undone, though the file still says it: edit that too, or it is back at the next start',
    rejected: 'is rejected',
    replaced: 'is overtaken by a later one',
  };
  const head = `change ${id} of ${at.slice(0, 10)} ${renderClock(at)} ${states[state]}`;
  const mends =
    state === 'waiting'
      ? '"sallyport changes accept" puts it in force, "sallyport changes reject" drops it'
      : '"sallyport changes undo" takes it back';
  const isOpen = state === 'waiting' || state === 'applied';
  return [head, ...lines.map((line) => `  ${line}`), ...(isOpen ? [mends] : [])]
    .map((line) => `${escapeText(line)}\n`)
    .join('');
}
