// A question to the person at the terminal, where a command must not go on without a word.
import { createInterface } from 'node:readline/promises';
import { hasTerminal } from './terminal.ts';

/** Asks and gives true for yes; undefined where there is no terminal to ask on. Anything but y or yes is no. */
export type AskPerson = (question: string) => Promise<boolean | undefined>;

/** Asks on the terminal of this process. */
export const askPerson: AskPerson = async (question) => {
  if (!process.stdin.isTTY || !process.stderr.isTTY || !hasTerminal()) return undefined;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const closed = Promise.withResolvers<string>();
  lines.once('close', () => closed.resolve(''));
  try {
    return isYes(await Promise.race([lines.question(`${question} [y/N] `), closed.promise]));
  } finally {
    lines.close();
  }
};

/** Whether the words mean yes. */
export function isYes(words: string): boolean {
  return /^\s*y(es)?\s*$/i.test(words);
}
