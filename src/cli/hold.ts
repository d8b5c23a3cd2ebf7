// `sallyport hold`: more time for an answer.
import type { HoldResponse } from '../control/messages.ts';
import { exitCodes, type Command } from './command.ts';
import { openClient } from './daemon-client.ts';
import { readSpan } from './duration.ts';
import { readOptions, usageError } from './options.ts';
import { escapeText, renderClock, renderJson } from './render.ts';

const usage = `usage: sallyport hold ID [DURATION] [--json]

Lets everything that waits for this question wait longer: DURATION is 1m to 60m (default: 5m) from now. Clients that
give up by themselves still do.

  sallyport hold k3 10m
`;

/** The command. */
export const holdCommand: Command = {
  name: 'hold',
  summary: 'let the connections of a question wait longer',
  usage,
  run: async (args, io) => {
    const { values, positionals } = readOptions(args, {
      json: { type: 'boolean', default: false },
    });
    const [id, span = '5m', ...more] = positionals;
    if (id === undefined || more.length > 0) {
      throw usageError('hold takes the id of a question and a duration');
    }
    const duration = readSpan(span, 'hold');
    const held = await openClient(io.env).hold(id, duration);
    io.stdout(values.json ? renderJson(held) : `${renderHeld(held)}\n`);
    return exitCodes.done;
  },
};

/** `k3 waits until 14:05`. */
export function renderHeld({ id, until }: HoldResponse): string {
  return escapeText(`${id} waits until ${renderClock(until)}`);
}
