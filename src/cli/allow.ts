// `sallyport allow`: lets the connections of a question go on.
import { answerUsage, runAnswer } from './answer.ts';
import type { Command } from './command.ts';

/** The command. */
export const allowCommand: Command = {
  name: 'allow',
  summary: 'answer a question: let it through',
  usage: `usage: sallyport allow ID… [--for DURATION] [--host exact|*.DOMAIN] [--port this|any]
                          [--program this|any] [--note TEXT] [--json]

Lets every connection go on that waits for this question, and with --for those that come later.
${answerUsage}
  sallyport allow k3
  sallyport allow k3 k4 --for 30m
`,
  run: async (args, io) => await runAnswer('allow', args, io),
};
