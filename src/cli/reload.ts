// `sallyport reload`: makes the daemon read its configuration now.
import { exitCodes, type Command } from './command.ts';
import { openClient } from './daemon-client.ts';
import { readOptions, usageError } from './options.ts';
import { escapeText, renderJson } from './render.ts';

const usage = `usage: sallyport reload [--json]

Makes the daemon read its configuration again without dropping a connection, and says what changed. A file with a
mistake changes nothing: every mistake is printed and the exit code is 1.
`;

/** The command. */
export const reloadCommand: Command = {
  name: 'reload',
  summary: 'read the configuration again',
  usage,
  run: async (args, io) => {
    const { values, positionals } = readOptions(args, {
      json: { type: 'boolean', default: false },
    });
    if (positionals.length > 0) throw usageError('reload takes no words');
    const answer = await openClient(io.env).reload();
    const say = answer.loaded ? io.stdout : io.stderr;
    if (values.json) io.stdout(renderJson(answer));
    else {
      for (const message of answer.messages) say(`${escapeText(message)}\n`);
      const head = answer.loaded ? 'policy in force' : 'not reloaded; still in force';
      say(`${escapeText(`${head}: version ${answer.version}`)}\n`);
    }
    return answer.loaded ? exitCodes.done : exitCodes.failed;
  },
};
