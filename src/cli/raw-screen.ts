// The terminal as a screen: its own page (the shell's stays as it is), raw keys by name, lines drawn where they have
// changed. Whatever ends the process, the terminal is given back as it was.
import { emitKeypressEvents } from 'node:readline';
import type { Line } from './columns.ts';
import { paint } from './paint.ts';

/** Standard input as far as it is needed. */
export interface ScreenInput extends NodeJS.ReadableStream {
  readonly isTTY?: boolean;
  readonly setRawMode?: (raw: boolean) => unknown;
}

/** Standard output as far as it is needed. */
export interface ScreenOutput extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** Both. */
export interface ScreenStreams {
  readonly input: ScreenInput;
  readonly output: ScreenOutput;
}

/** What it tells its owner. */
export interface ScreenEvents {
  /** A letter or sign as typed, or `up`, `return`, `escape`, `ctrl-c` …; nothing that was pasted. */
  readonly onKey: (key: string) => void;
  readonly onSize: () => void;
  /** The terminal is gone. */
  readonly onClosed: () => void;
}

/** An open screen. */
export interface RawScreen {
  readonly size: () => { readonly columns: number; readonly rows: number };
  /** One line for each row; only what differs from the last time is written. */
  readonly draw: (lines: readonly Line[]) => void;
  readonly bell: () => void;
  /** Gives the terminal back; more than once does no harm. */
  readonly close: () => void;
}

// alternate screen, no cursor, no wrapping at the right edge, pasted text in brackets
const enter = '\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[?2004h\u001b[2J';
const leave = '\u001b[?2004l\u001b[?7h\u001b[?25h\u001b[?1049l';

/** Takes the terminal over; `streams` must be terminals. */
export function openRawScreen({ input, output }: ScreenStreams, events: ScreenEvents): RawScreen {
  let drawn: readonly string[] = [];
  let isOpen = true;
  const onKey = createKeyReader(events.onKey);
  const onSize = (): void => {
    drawn = [];
    if (isOpen) output.write('\u001b[2J');
    events.onSize();
  };
  const onContinue = (): void => {
    input.setRawMode?.(true); // a stopped process may find the shell's settings
    output.write(enter);
    onSize();
  };
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    input.off('keypress', onKey);
    output.off('resize', onSize);
    process.off('SIGCONT', onContinue);
    process.off('exit', close);
    process.off('uncaughtExceptionMonitor', close);
    output.write(leave);
    try {
      input.setRawMode?.(false);
    } catch {
      // the terminal has gone, and its settings with it
    }
    input.pause();
  };
  input.on('error', events.onClosed);
  input.on('end', events.onClosed);
  output.on('error', events.onClosed);
  emitKeypressEvents(input);
  input.on('keypress', onKey);
  output.on('resize', onSize);
  process.on('SIGCONT', onContinue);
  process.on('exit', close);
  process.on('uncaughtExceptionMonitor', close);
  input.setRawMode?.(true);
  input.resume();
  output.write(enter);
  return {
    size: () => ({ columns: output.columns ?? 80, rows: output.rows ?? 24 }),
    draw: (lines) => {
      if (!isOpen) return;
      const painted = lines.map((line) => paint(line, output));
      output.write(
        painted.map((text, row) => (text === drawn[row] ? '' : drawRow(row, text))).join(''),
      );
      drawn = painted;
    },
    bell: () => void (isOpen && output.write('\u0007')),
    close,
  };
}

/** Erased first: at the right edge the cursor stands on the last column, which erasing afterwards would take. */
function drawRow(row: number, text: string): string {
  return `\u001b[${row + 1};1H\u001b[2K${text}`;
}

interface Keypress {
  readonly name?: string;
  readonly ctrl?: boolean;
  readonly meta?: boolean;
}

/** Names keys, and drops what was pasted: a text that holds an `a` and a line end is no answer. */
export function createKeyReader(
  onKey: (key: string) => void,
): (text: string | undefined, key: Keypress | undefined) => void {
  let isPasting = false;
  return (text, key = {}) => {
    if (key.name === 'paste-start') isPasting = true;
    else if (key.name === 'paste-end') isPasting = false;
    else if (!isPasting || isInterrupt(key)) onKey(nameKey(text, key));
  };
}

/** A terminal that never closes its bracket must not keep a person in. */
function isInterrupt({ ctrl, name }: Keypress): boolean {
  return ctrl === true && name === 'c';
}

function nameKey(text: string | undefined, { name, ctrl, meta }: Keypress): string {
  if (ctrl === true) return `ctrl-${name ?? ''}`;
  // Escape with another key right behind it: the escape counts, the key might be meant for anything
  if (meta === true) return 'escape';
  if (text !== undefined && /^[\x21-\x7e]$/.test(text)) return text;
  return name ?? '';
}
