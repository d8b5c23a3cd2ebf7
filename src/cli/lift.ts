// `sallyport lift`: lets a program that asked for too much ask again.
import { exitCodes, type Command } from './command.ts';
import { openClient } from './daemon-client.ts';
import { renderGate } from './gate-text.ts';
import { readOptions, usageError } from './options.ts';
import { renderJson } from './render.ts';

const usage = `usage: sallyport lift ID [--json]

A program tree that asked for too many new destinations is refused quietly. This lets it ask again; "sallyport
status" and "sallyport watch" show the ids, such as f1.
`;

/** The command. */
export const liftCommand: Command = {
  name: 'lift',
  summary: 'let a program that asked for too much ask again',
  usage,
  run: async (args, io) => {
    const { values, positionals } = readOptions(args, {
      json: { type: 'boolean', default: false },
    });
    const [id, ...more] = positionals;
    if (id === undefined || more.length > 0) throw usageError('lift takes one id, such as f1');
    const answer = await openClient(io.env).lift(id);
    io.stdout(values.json ? renderJson(answer) : `${renderGate(answer)}\n`);
    return exitCodes.done;
  },
};
