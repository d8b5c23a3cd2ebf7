// `sallyport pending`: the open questions, once or as they come.
import { applyEvent } from '../control/mirror.ts';
import type { GroupView, LiveView } from '../control/messages.ts';
import { SallyportError } from '../errors.ts';
import { exitCodes, type Command, type CommandIo } from './command.ts';
import { openClient } from './daemon-client.ts';
import { readOptions, usageError } from './options.ts';
import { destinationOf, renderAskers, warningsOf } from './question-text.ts';
import {
  escapeText,
  renderHostPort,
  renderJson,
  renderJsonLine,
  renderSpan,
  renderTable,
} from './render.ts';
import { describeFate } from './watch-cards.ts';

const usage = `usage: sallyport pending [--watch] [--json]

Lists what waits for an answer: its id, the destination, how many connections are held and for how long they
still wait, and the program that asked as the system reports it (not proof); below it why it is asked, what is
known of the host and what to beware of. "sallyport show ID" says more; answer with "sallyport allow ID" or
"sallyport deny ID".

  --watch   stays, and prints a line for each new question, answer and end; with --json each event of the stream
`;

/** The command. */
export const pendingCommand: Command = {
  name: 'pending',
  summary: 'list the questions that wait for an answer',
  usage,
  run: async (args, io) => {
    const { values, positionals } = readOptions(args, {
      watch: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    });
    if (positionals.length > 0) throw usageError('pending takes no words');
    if (values.watch) return await watchPending(io, values.json);
    const pending = await openClient(io.env).pending();
    io.stdout(values.json ? renderJson(pending) : renderPending(pending.groups, Date.now()));
    return exitCodes.done;
  },
};

/** The table for people, each question with its notes below; every field from outside is escaped. */
export function renderPending(groups: readonly GroupView[], nowMs: number): string {
  if (groups.length === 0) return 'nothing waits\n';
  const rows = groups.map((group) => [
    group.id,
    group.protocol,
    renderHostPort(group.host, group.port),
    String(group.waiting),
    group.deadline === null ? '-' : renderSpan(nowMs, Date.parse(group.deadline)),
    renderSpan(Date.parse(group.firstSeen), nowMs),
    renderAskers(group),
  ]);
  const heading = ['ID', 'PROTOCOL', 'DESTINATION', 'WAITING', 'LEFT', 'AGE', 'ASKED BY'];
  const [head = '', ...lines] = renderTable(heading, rows).trimEnd().split('\n');
  const noted = lines.flatMap((line, index) => {
    const group = groups[index];
    return [line, ...(group === undefined ? [] : renderNotes(group))];
  });
  return `${[head, ...noted].join('\n')}\n`;
}

function renderNotes(group: GroupView): string[] {
  const { about, unicode } = group.facts;
  const notes = [
    group.whySentence,
    ...(unicode === null ? [] : [`reads as ${unicode}`]),
    ...(about === null ? [] : [about]),
    ...(group.bundle === null ? [] : [`(${group.bundle.title})`]),
  ];
  return [
    `     ${escapeText(notes.join(' '))}`,
    ...warningsOf(group).map((text) => `   ! ${text}`),
  ];
}

/** Ends only when the daemon does, or the reader. */
async function watchPending(io: CommandIo, json: boolean): Promise<number> {
  let view: LiveView | undefined;
  for await (const event of openClient(io.env).watch(new AbortController().signal)) {
    const before = view;
    view = applyEvent(view, event);
    io.stdout(json ? renderJsonLine(event) : renderNews(before, view));
  }
  throw new SallyportError('ERR_CONTROL_UNREACHABLE', 'the daemon has ended the stream');
}

/** A line for each question that came or went between two views. */
export function renderNews(before: LiveView | undefined, after: LiveView): string {
  const known = new Set(before?.groups.map(({ id }) => id));
  const open = new Set(after.groups.map(({ id }) => id));
  const came = after.groups
    .filter(({ id }) => !known.has(id))
    .map((group) => {
      const beware = warningsOf(group).map((text) => `; beware: ${text}`);
      return `${group.id} asks: ${destinationOf(group)} for ${escapeText(renderAskers(group))}${beware.join('')}`;
    });
  const went = (before?.groups ?? [])
    .filter(({ id }) => !open.has(id))
    .map((group) => `${group.id} ${describeGoing(group, after)}`);
  return [...came, ...went].map((line) => `${line}\n`).join('');
}

function describeGoing(group: GroupView, { answers }: LiveView): string {
  const answer = answers.find(({ id }) => id === group.id);
  if (answer === undefined) return 'ends without an answer';
  const fate = describeFate({ kind: 'answered', answer });
  return escapeText(`is ${fate} by ${answer.approver} (${answer.surface})`);
}
