// Streams that pass for a terminal, for tests of what is drawn and typed.
import { PassThrough } from 'node:stream';

/** A terminal of a fixed size; `written` is everything that came out. */
export interface FakeTerminal {
  readonly input: PassThrough & { isTTY: boolean; setRawMode: (raw: boolean) => unknown };
  readonly output: PassThrough & { isTTY: boolean; columns: number; rows: number };
  readonly written: () => string;
  /** Raw mode as it was set, in turn. */
  readonly raw: readonly boolean[];
  /** Types bytes. */
  readonly type: (text: string) => void;
  /** Waits until the output holds this; fails by the test's own time limit. */
  readonly shows: (text: string) => Promise<void>;
}

/** Opens one. */
export function createFakeTerminal(columns = 80, rows = 24): FakeTerminal {
  const raw: boolean[] = [];
  let written = '';
  const input = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (on: boolean) => raw.push(on),
  });
  const output = Object.assign(new PassThrough(), { isTTY: true, columns, rows });
  output.setEncoding('utf8').on('data', (text: string) => (written += text));
  const shows = async (text: string): Promise<void> => {
    if (written.includes(text)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => {
      if (!written.includes(text)) return;
      output.off('data', look);
      resolve();
    };
    output.on('data', look);
    await promise;
  };
  return {
    input,
    output,
    raw,
    written: () => written,
    type: (text) => void input.write(text),
    shows,
  };
}
