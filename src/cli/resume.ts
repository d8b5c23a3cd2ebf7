// `sallyport resume`: ends a pause.
import { exitCodes, type Command } from './command.ts';
import { openClient } from './daemon-client.ts';
import { renderGate } from './gate-text.ts';
import { readOptions, usageError } from './options.ts';
import { renderJson } from './render.ts';

const usage = `usage: sallyport resume [--json]

Ends a pause: unknown hosts are asked about again. A panic is ended by "sallyport panic --off".
`;

/** The command. */
export const resumeCommand: Command = {
  name: 'resume',
  summary: 'end a pause',
  usage,
  run: async (args, io) => {
    const { values, positionals } = readOptions(args, {
      json: { type: 'boolean', default: false },
    });
    if (positionals.length > 0) throw usageError('resume takes no words');
    const answer = await openClient(io.env).resume();
    io.stdout(values.json ? renderJson(answer) : `${renderGate(answer)}\n`);
    return exitCodes.done;
  },
};
