// `sallyport revoke`: takes remembered answers back.
import { exitCodes, type Command } from './command.ts';
import { openClient } from './daemon-client.ts';
import { readOptions, usageError } from './options.ts';
import { escapeText, renderHostPort, renderJsonLine } from './render.ts';
import { reportError } from './report.ts';

const usage = `usage: sallyport revoke ID… [--json]

Takes a remembered answer back; "sallyport grants" lists them. Tunnels that an allow has opened are closed.
`;

/** The command; tries every id, and gives the exit code of the first that failed. */
export const revokeCommand: Command = {
  name: 'revoke',
  summary: 'take a remembered answer back',
  usage,
  run: async (args, io) => {
    const { values, positionals } = readOptions(args, {
      json: { type: 'boolean', default: false },
    });
    if (positionals.length === 0) throw usageError('revoke needs the id of a remembered answer');
    const client = openClient(io.env);
    let code: number = exitCodes.done;
    for (const id of new Set(positionals)) {
      try {
        const answer = await client.revoke(id);
        const { outcome, host, port } = answer.revoked;
        const where = renderHostPort(host, port === 'any' ? '*' : port);
        const text = escapeText(`revoked ${answer.revoked.id}: ${outcome} ${where}`);
        io.stdout(values.json ? renderJsonLine(answer) : `${text}\n`);
      } catch (error) {
        const failed = reportError(error, 'revoke', io);
        if (code === exitCodes.done) code = failed;
      }
    }
    return code;
  },
};
