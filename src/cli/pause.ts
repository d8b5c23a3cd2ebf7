// `sallyport pause`: no questions for a while; unknown hosts are refused.
import { exitCodes, type Command } from './command.ts';
import { openClient } from './daemon-client.ts';
import { readSpan } from './duration.ts';
import { renderGate } from './gate-text.ts';
import { readOptions, usageError } from './options.ts';
import { renderJson } from './render.ts';

const usage = `usage: sallyport pause [DURATION] [--json]

Refuses unknown hosts without a question, and everything that waits now, for DURATION: 1m to 12h (default: 10m).
Rules and remembered answers decide as before. Questions stay in "sallyport pending"; "sallyport resume" ends it.
`;

/** The command. */
export const pauseCommand: Command = {
  name: 'pause',
  summary: 'refuse unknown hosts for a while instead of asking',
  usage,
  run: async (args, io) => {
    const { values, positionals } = readOptions(args, {
      json: { type: 'boolean', default: false },
    });
    const [span = '10m', ...more] = positionals;
    if (more.length > 0) throw usageError('pause takes one duration');
    const duration = readSpan(span, 'pause');
    const answer = await openClient(io.env).pause(duration);
    io.stdout(values.json ? renderJson(answer) : `${renderGate(answer)}\n`);
    return exitCodes.done;
  },
};
