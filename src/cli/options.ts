// Reading a command's own options, with mistakes as ERR_USAGE in our words.
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { nearest } from '../config/finding.ts';
import { SallyportError } from '../errors.ts';

type Options = NonNullable<ParseArgsConfig['options']>;

/** Parses the words after a command's name. ERR_USAGE names the word that is wrong, and a near miss. */
export function readOptions<T extends Options>(
  args: readonly string[],
  options: T,
): ReturnType<typeof parseArgs<{ options: T; allowPositionals: true }>> {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new SallyportError('ERR_USAGE', describe(error, args, Object.keys(options)), {
      cause: error,
    });
  }
}

/** A mistake on the command line; `message` says what was wrong and what would be right. */
export function usageError(message: string): SallyportError {
  return new SallyportError('ERR_USAGE', message);
}

function describe(error: unknown, args: readonly string[], known: readonly string[]): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const wrong = args.find((word) => isUnknown(word, known)) ?? 'option';
    const near = nearest(wrong.replace(/^-+/, '').replace(/=.*$/s, ''), known);
    const hint = near === undefined ? '' : `; did you mean --${near}?`;
    return `${JSON.stringify(wrong)} is not an option here${hint}`;
  }
  const text = error instanceof Error ? error.message : String(error);
  return `${text.charAt(0).toLowerCase()}${text.slice(1).replace(/\.$/, '')}`;
}

function isUnknown(word: string, known: readonly string[]): boolean {
  if (!word.startsWith('-') || word === '-' || word === '--') return false;
  return !known.includes(word.replace(/^--/, '').replace(/=.*$/s, ''));
}
