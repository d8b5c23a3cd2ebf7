// `sallyport panic`: shuts the gate at once, and opens it again.
import { exitCodes, type Command } from './command.ts';
import { openClient } from './daemon-client.ts';
import { renderGate } from './gate-text.ts';
import { readOptions, usageError } from './options.ts';
import { renderJson } from './render.ts';

const usage = `usage: sallyport panic [--off] [--json]

Denies everything at once, whatever rules and answers say, refuses what waits and closes every open connection.
It asks nothing and stays, over a restart of the daemon too, until "sallyport panic --off".
`;

/** The command. */
export const panicCommand: Command = {
  name: 'panic',
  summary: 'deny everything and close every connection',
  usage,
  run: async (args, io) => {
    const { values, positionals } = readOptions(args, {
      off: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    });
    if (positionals.length > 0) throw usageError('panic takes no words; --off ends it');
    const answer = await openClient(io.env).panic(!values.off);
    io.stdout(values.json ? renderJson(answer) : `${renderGate(answer)}\n`);
    return exitCodes.done;
  },
};
