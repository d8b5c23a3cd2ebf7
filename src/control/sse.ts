// Reads server-sent events (WHATWG HTML, section 9.2) as they come in, however the bytes are cut. Pure. Of an
// event only its data is kept; comments, ids and names are passed over.
import { StringDecoder } from 'node:string_decoder';

/** Takes bytes in, gives out the data of the events that they complete. */
export interface SseReader {
  /** Throws RangeError when an event is longer than the limit. */
  readonly push: (bytes: Uint8Array) => readonly string[];
}

/** A reader at the beginning of a stream. `limit`: characters of one event's data, its unfinished line included. */
export function createSseReader(limit: number): SseReader {
  const decoder = new StringDecoder('utf8');
  let line: string[] = [];
  let size = 0;
  let data: string[] = [];
  /** A LF that follows belongs to the CR that has ended the line. */
  let afterCr = false;
  const take = (text: string): void => {
    if (text === '') return;
    size += text.length;
    if (size > limit) throw new RangeError(`an event is longer than ${limit} characters`);
    line.push(text);
  };
  /** The event's data when the line, an empty one, ends it. */
  const endLine = (): string | undefined => {
    const text = line.join('');
    line = [];
    const value = /^data(?:: ?(.*))?$/s.exec(text);
    if (value !== null) data.push(value[1] ?? '');
    else size -= text.length;
    if (text !== '' || data.length === 0) return undefined;
    const whole = data.join('\n');
    data = [];
    size = 0;
    return whole;
  };
  return {
    push: (bytes) => {
      const found: string[] = [];
      let text = decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
      if (afterCr && text.startsWith('\n')) text = text.slice(1);
      else if (text === '') return found;
      afterCr = false;
      let start = 0;
      for (const match of text.matchAll(/\r\n|\r|\n/g)) {
        take(text.slice(start, match.index));
        start = match.index + match[0].length;
        afterCr = match[0] === '\r' && start === text.length;
        const event = endLine();
        if (event !== undefined) found.push(event);
      }
      take(text.slice(start));
      return found;
    },
  };
}
