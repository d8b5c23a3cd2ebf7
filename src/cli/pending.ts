// `sallyport pending`: the open questions.
import type { GroupView } from '../control/messages.ts';
import { exitCodes, type Command } from './command.ts';
import { openClient } from './daemon-client.ts';
import { readOptions, usageError } from './options.ts';
import { renderHostPort, renderJson, renderSpan, renderTable } from './render.ts';

const usage = `usage: sallyport pending [--json]

Lists what waits for an answer: its id, the destination, how many connections are held and for how long they
still wait, and the program that asked as the system reports it (not proof). Answer with "sallyport allow ID"
or "sallyport deny ID".
`;

/** The command. */
export const pendingCommand: Command = {
  name: 'pending',
  summary: 'list the questions that wait for an answer',
  usage,
  run: async (args, io) => {
    const { values, positionals } = readOptions(args, {
      json: { type: 'boolean', default: false },
    });
    if (positionals.length > 0) throw usageError('pending takes no words');
    const pending = await openClient(io.env).pending();
    io.stdout(values.json ? renderJson(pending) : renderPending(pending.groups, Date.now()));
    return exitCodes.done;
  },
};

/** The table for people; every field from outside is escaped by it. */
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
  return renderTable(['ID', 'PROTOCOL', 'DESTINATION', 'WAITING', 'LEFT', 'AGE', 'ASKED BY'], rows);
}

function renderAskers({ askers }: GroupView): string {
  const [first, ...others] = askers;
  if (first === undefined) return 'unknown';
  const words = first.commandLine.length > 0 ? first.commandLine.join(' ') : first.program;
  const shown = words.length > 60 ? `${words.slice(0, 59)}…` : words;
  return `${shown} (pid ${first.pid})${others.length > 0 ? ` and ${others.length} more` : ''}`;
}
