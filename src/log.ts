// Diagnostics for the person who runs the daemon; the audit trail is elsewhere (audit/journal.ts).
// One JSON object a line, or a short text line on a terminal. Only ASCII leaves here, so that what a
// client sent can move no cursor. A reader that is slow or gone costs lines, never the daemon.
import { write as writeFd } from 'node:fs';
import { pino } from 'pino';

/** How grave a line is, lowest first. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** What may stand beside a message: never a secret, path, query, header or body of a request. */
export type LogValues = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Writes one line. Never throws. */
export type LogLine = (message: string, values?: LogValues) => void;

/** A log; each function can be passed on alone. */
export interface Log {
  readonly debug: LogLine;
  readonly info: LogLine;
  readonly warn: LogLine;
  readonly error: LogLine;
  /** Resolves when all is written, or after half a second; call it before the process ends. */
  readonly close: () => Promise<void>;
}

/** Where lines go; `write` may be slow but must not throw. */
export interface LogSink {
  /** True writes text for people, false JSON lines. */
  readonly isTTY: boolean;
  readonly write: (line: string) => void;
  readonly drain: () => Promise<void>;
}

/** What createLog takes; the default is `info` to standard error. */
export interface LogOptions {
  readonly level?: LogLevel;
  readonly stream?: LogSink;
}

const queueLimitBytes = 1024 * 1024;
const drainLimitMs = 500;
const retryMs = 20;

/** Builds a log over pino. */
export function createLog(options: LogOptions = {}): Log {
  const sink = options.stream ?? createFdSink(2, process.stderr.isTTY);
  const print = sink.isTTY ? humanLine : escapeAscii;
  const base = pino(
    {
      level: options.level ?? 'info',
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: 'message',
    },
    { write: (line) => sink.write(print(line)) },
  );
  const lineAt =
    (level: LogLevel): LogLine =>
    (message, values) =>
      base[level]({ ...values }, message);
  return {
    debug: lineAt('debug'),
    info: lineAt('info'),
    warn: lineAt('warn'),
    error: lineAt('error'),
    close: sink.drain,
  };
}

/** Every character outside printable ASCII as `\uXXXX`; still valid inside JSON strings. Newlines stay. */
export function escapeAscii(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what it is for
  return text.replace(/[^\n\x20-\x7e]/g, unicodeEscape);
}

function unicodeEscape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** `10:45:47 warn  message  key=value`: pino's JSON line for a person at a terminal. */
function humanLine(line: string): string {
  // pino wrote this object a moment ago, with these fields as strings
  const { time, level, message, pid, ...values } = JSON.parse(line) as Record<string, unknown>;
  void pid;
  const clock = String(time).slice(11, 19);
  const rest = Object.entries(values).map(([key, value]) => ` ${key}=${JSON.stringify(value)}`);
  const text = `${clock} ${String(level).padEnd(5)} ${String(message)}${rest.join('')}`;
  return `${escapeAscii(text.replaceAll('\n', '\\n'))}\n`;
}

function droppedLine(count: number, isTTY: boolean): string {
  const message = `${count} log lines were dropped: nobody read them in time`;
  return `${isTTY ? message : JSON.stringify({ level: 'warn', message })}\n`;
}

/** A bounded queue before a file descriptor, written off the main thread: a stuck terminal blocks nobody. */
export function createFdSink(fd: number, isTTY: boolean): LogSink {
  let queued = '';
  let dropped = 0;
  let busy = false;
  let broken = false;
  let waiting: (() => void)[] = [];

  function pump(rest: Buffer): void {
    writeFd(fd, rest, (error, written) => {
      if (error !== null && error.code === 'EAGAIN') {
        setTimeout(() => pump(rest), retryMs);
        return;
      }
      if (error !== null) broken = true; // EPIPE and the like: nobody reads any more
      if (error === null && written < rest.length) {
        pump(rest.subarray(written));
        return;
      }
      next();
    });
  }
  function next(): void {
    if (dropped > 0) queued += droppedLine(dropped, isTTY);
    dropped = 0;
    busy = !broken && queued !== '';
    if (!busy) {
      for (const resolve of waiting) resolve();
      waiting = [];
      return;
    }
    const rest = Buffer.from(queued);
    queued = '';
    pump(rest);
  }
  function write(line: string): void {
    if (broken) return;
    if (queued.length + line.length > queueLimitBytes) {
      dropped += 1;
      return;
    }
    queued += line;
    if (!busy) next();
  }
  function drain(): Promise<void> {
    if (!busy) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const limit = setTimeout(resolve, drainLimitMs);
    waiting.push(() => {
      clearTimeout(limit);
      resolve();
    });
    return promise;
  }
  return { isTTY, write, drain };
}
