// `sallyport deny`: refuses the connections of a question.
import { answerUsage, runAnswer } from './answer.ts';
import type { Command } from './command.ts';

/** The command. */
export const denyCommand: Command = {
  name: 'deny',
  summary: 'answer a question: refuse it',
  usage: `usage: sallyport deny ID… [--for DURATION] [--host exact|*.DOMAIN] [--port this|any]
                         [--program this|any] [--note TEXT] [--tell TEXT] [--json]

Refuses every connection that waits for this question, and with --for those that come later.
${answerUsage}  --tell TEXT                        a reason that the refused program is told; at most 200 characters

  sallyport deny k3
  sallyport deny k3 --for restart
  sallyport deny k3 --tell 'use the copy in vendor/ instead'
`,
  run: async (args, io) => await runAnswer('deny', args, io),
};
