// Lines as a terminal takes them: colours and weights by Node's own table, none where NO_COLOR or the terminal
// says so.
import { styleText } from 'node:util';
import type { Line, Span } from './columns.ts';

/** The line with its tones, as the stream can show them; its words stay the same. */
export function paint(line: Line, stream: NodeJS.WritableStream): string {
  return line.map((span) => paintSpan(span, stream)).join('');
}

function paintSpan({ text, tone }: Span, stream: NodeJS.WritableStream): string {
  return tone === undefined || text === '' ? text : styleText(tone, text, { stream });
}
