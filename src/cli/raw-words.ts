// What spawn cannot pass on by itself, by way of `sh` and only where it is needed: words with bytes that are not
// UTF-8 (Node decodes argv, so they would come out as U+FFFD; on Linux the kernel still has them), and signals
// that the program shall ignore.
import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { quoteWord } from './render.ts';

/** What to hand to spawn; `name` is the program as a person knows it. */
export interface SpawnWords {
  readonly program: string;
  readonly args: readonly string[];
  readonly name: string;
}

/** The words as spawn takes them, by way of `sh` when a word of our own command line is not UTF-8. */
export function exactCommand(words: readonly string[]): SpawnWords {
  const [program = '', ...args] = words;
  const plain = { program, args, name: program };
  if (process.platform !== 'linux' || !words.some((word) => word.includes('\ufffd'))) return plain;
  const raw = rawTail(readFileSync('/proc/self/cmdline'), words);
  if (raw === undefined || raw.every((word) => isUtf8(word))) return plain;
  const script = `exec ${raw.map(shellWord).join(' ')}`;
  return { program: '/bin/sh', args: ['-c', script], name: program };
}

/** The same, started so that it ignores these signals, which spawn alone cannot do. */
export function ignoringSignals(words: SpawnWords, signals: readonly string[]): SpawnWords {
  if (signals.length === 0) return words;
  const script = `trap '' ${signals.join(' ')}; exec "$@"`;
  const args = ['-c', script, 'sh', words.program, ...words.args];
  return { program: '/bin/sh', args, name: words.name };
}

/** The raw bytes of each word that the kernel has with the same decoding; other words (ours) as UTF-8. */
function rawTail(cmdline: Buffer, words: readonly string[]): Buffer[] | undefined {
  const kernel: Buffer[] = [];
  for (let at = 0; at < cmdline.length;) {
    const end = cmdline.indexOf(0, at);
    kernel.push(cmdline.subarray(at, end < 0 ? cmdline.length : end));
    at = end < 0 ? cmdline.length : end + 1;
  }
  // from the back, since what stands before the program's words is ours
  const raw: Buffer[] = [];
  for (const word of words.toReversed()) {
    const last = kernel.at(-1);
    if (last === undefined) return undefined;
    const isSame = last.toString('utf8') === word;
    raw.push(isSame ? last : Buffer.from(word));
    if (isSame) kernel.pop();
  }
  return raw.toReversed();
}

/** A word for `sh`: bytes that are not UTF-8 in octal, newlines at the end apart, since $(…) drops them. */
export function shellWord(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return quoteWord(Buffer.from(bytes).toString('utf8'));
  let end = bytes.length;
  while (bytes[end - 1] === 0x0a) end -= 1;
  const octal = Array.from(
    bytes.subarray(0, end),
    (byte) => `\\0${byte.toString(8).padStart(3, '0')}`,
  );
  const newlines = end === bytes.length ? '' : `'${'\n'.repeat(bytes.length - end)}'`;
  return `"$(printf %b '${octal.join('')}')"${newlines}`;
}
