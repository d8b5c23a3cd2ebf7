// `sallyport undo`: takes an answer back as if it had not been given.
import type { UndoResponse } from '../control/messages.ts';
import { exitCodes, type Command } from './command.ts';
import { openClient } from './daemon-client.ts';
import { readOptions, usageError } from './options.ts';
import { destinationOf } from './question-text.ts';
import { escapeText, renderCount, renderJson } from './render.ts';

const usage = `usage: sallyport undo [ID] [--json]

Takes back the answer to the question ID, or the last answer that stands: forgets what it left behind and, for an
allow, closes every connection that it let through. "sallyport watch" lists the last answers with their ids,
"sallyport history" what they decided.
`;

/** The command. */
export const undoCommand: Command = {
  name: 'undo',
  summary: 'take an answer back',
  usage,
  run: async (args, io) => {
    const { values, positionals } = readOptions(args, {
      json: { type: 'boolean', default: false },
    });
    const [id, ...more] = positionals;
    if (more.length > 0) throw usageError('undo takes one id, or none for the last answer');
    const undone = await openClient(io.env).undo(id);
    io.stdout(values.json ? renderJson(undone) : `${renderUndone(undone)}\n`);
    return exitCodes.done;
  },
};

/** `undone k3: allow a.example:443; 2 connections closed`. */
export function renderUndone({ answer, closed }: UndoResponse): string {
  const what = `undone ${answer.id}: ${answer.outcome} ${destinationOf(answer)}`;
  const ends = answer.outcome === 'allow' ? `; ${renderCount(closed, 'connection')} closed` : '';
  return escapeText(`${what}${ends}`);
}
