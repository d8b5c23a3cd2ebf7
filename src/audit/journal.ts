// The audit trail on disk: append-only JSON lines, one write for all events of an event-loop turn.
// An append is done when the kernel has it, so that kill -9 loses none; the disk follows each second.
// A journal that cannot be written says so and tries again; closing the gate meanwhile is gate.ts's.
import { createReadStream, statSync } from 'node:fs';
import { resolve as resolvePath } from 'node:path';
import { SallyportError } from '../errors.ts';
import type { AuditEvent } from './draft.ts';
import { JournalFile, listFiles } from './journal-file.ts';
import { formatLine, lineLimitBytes, readLine } from './line.ts';

/** How a journal is set up. */
export interface JournalSettings {
  /** Made when missing; 0700, ours, no symlink. */
  readonly folder: string;
  /** A file is closed and a new one begun before it grows beyond this; default 64 MiB. */
  readonly maxBytes?: number;
  /** The same by age; default one day. */
  readonly maxAgeMs?: number;
  /** After a failure the next try waits this long; default 1000. */
  readonly retryMs?: number;
  /** Unix time in milliseconds; default the system's clock. */
  readonly now?: () => number;
  /** Told once when the journal stops working. Must not throw. */
  readonly onProblem: (problem: string) => void;
  /** Told once when it works again. Must not throw. */
  readonly onRecovered: () => void;
}

/** What `status` shows of the journal. */
export interface JournalState {
  /** The file being written, or the last one that was. */
  readonly file: string;
  readonly ok: boolean;
  /** What is wrong; null when nothing is. */
  readonly problem: string | null;
}

/** The journal as its users see it. */
export interface Journal {
  /** Resolves once the kernel has the record; rejects with ERR_AUDIT_UNAVAILABLE when it has not. */
  readonly append: (event: AuditEvent) => Promise<void>;
  readonly state: () => JournalState;
  /** Writes what waits, syncs and closes; later appends are rejected. */
  readonly close: () => Promise<void>;
}

/** The events of one turn: written together, and kept or refused together. */
interface Batch {
  text: string;
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: SallyportError) => void;
}

/** A turn's events beyond this are written at once rather than at its end. */
const batchLimitBytes = 1_048_576;
const syncMs = 1000;

/**
 * Opens a journal: always with a new file, since the last line of an old one may be torn.
 * Nothing is ever deleted here. One daemon a folder: the state folder's lock sees to that.
 * Throws ERR_STATE_UNSAFE or ERR_AUDIT_UNAVAILABLE when it cannot start.
 */
export function createJournal(settings: JournalSettings): Journal {
  const writer = new Writer(settings);
  return {
    append: (event) => writer.append(formatLine(event)),
    state: () => writer.state(),
    close: () => writer.close(),
  };
}

class Writer {
  readonly #settings: Required<JournalSettings>;
  #file: JournalFile | undefined;
  #path: string;
  #batch: Batch | undefined;
  #problem: string | undefined;
  #failedAtMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(settings: JournalSettings) {
    this.#settings = {
      maxBytes: 67_108_864,
      maxAgeMs: 86_400_000,
      retryMs: 1000,
      now: Date.now,
      ...settings,
      folder: resolvePath(settings.folder), // a trailing slash would make O_NOFOLLOW follow
    };
    this.#file = JournalFile.open(this.#settings.folder, this.#settings.now());
    this.#path = this.#file.path;
  }

  append(line: string): Promise<void> {
    if (this.#closed) return Promise.reject(this.#refusal('the journal is closed'));
    const batch = (this.#batch ??= this.#openBatch());
    batch.text += line;
    if (batch.text.length > batchLimitBytes) this.#commit();
    return batch.promise;
  }

  state(): JournalState {
    const problem = this.#problem ?? null;
    return { file: this.#path, ok: problem === null && !this.#closed, problem };
  }

  async close(): Promise<void> {
    this.#commit();
    this.#closed = true;
    clearTimeout(this.#timer);
    const file = this.#file;
    this.#file = undefined;
    await this.#closeFile(file);
  }

  /**
   * setImmediate rather than a microtask: it runs after all sockets that were readable in this turn,
   * as soon when there was one, and with one write instead of many when there were more
   * (measured at 32 connections: a fifth less CPU a request, and a lower p50).
   */
  #openBatch(): Batch {
    setImmediate(() => this.#commit());
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => undefined); // a caller that does not wait must not end the process
    return { text: '', promise, resolve, reject };
  }

  #commit(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    this.#batch = undefined;
    const bytes = Buffer.from(batch.text, 'latin1'); // lines are ASCII
    const problem = this.#write(bytes);
    if (problem === undefined) {
      batch.resolve();
      this.#wrote();
    } else {
      batch.reject(this.#refusal(problem));
      this.#failed(problem);
    }
  }

  /** Undefined when the kernel has all of it, else what is wrong. */
  #write(bytes: Buffer): string | undefined {
    if (this.#isResting()) return this.#problem;
    try {
      const file = (this.#file = this.#current(bytes.length));
      const written = file.write(bytes);
      if (written.ok) return undefined;
      if (!written.usable) this.#abandon();
      return written.problem;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** True for a while after a failure, so that a flood does not hammer a broken disk. */
  #isResting(): boolean {
    if (this.#problem === undefined) return false;
    const sinceMs = this.#settings.now() - this.#failedAtMs;
    return sinceMs >= 0 && sinceMs < this.#settings.retryMs; // a clock set back does not prolong it
  }

  /** The file for the next write: the present one, or a new one when it is full, old or given up. */
  #current(bytes: number): JournalFile {
    const { folder, maxBytes, maxAgeMs, now } = this.#settings;
    const file = this.#file;
    const nowMs = now();
    if (file !== undefined) {
      const isFull = file.sizeBytes > 0 && file.sizeBytes + bytes > maxBytes;
      if (!isFull && nowMs - file.openedAtMs <= maxAgeMs) return file;
    }
    const next = JournalFile.open(folder, nowMs);
    void this.#closeFile(file); // its sync and close happen beside the work; never rejects
    this.#path = next.path;
    return next;
  }

  /** Lets go of a damaged file; what its close says is no news. */
  #abandon(): void {
    this.#file?.close().catch(() => undefined);
    this.#file = undefined;
  }

  async #closeFile(file: JournalFile | undefined): Promise<void> {
    try {
      await file?.close();
    } catch (error) {
      this.#failed(error instanceof Error ? error.message : String(error));
    }
  }

  #wrote(): void {
    if (this.#problem !== undefined) {
      this.#problem = undefined;
      this.#settings.onRecovered();
    }
    this.#timer ??= setTimeout(() => void this.#tick(), syncMs).unref(); // never rejects
  }

  #failed(problem: string): void {
    if (this.#isResting()) return;
    const isNew = this.#problem === undefined;
    this.#failedAtMs = this.#settings.now();
    this.#problem = problem;
    if (isNew) this.#settings.onProblem(problem);
  }

  /** A second after a write: sync it, and see whether the file still stands where it should. */
  async #tick(): Promise<void> {
    this.#timer = undefined;
    const file = this.#file;
    if (file === undefined) return;
    const problem = file.inspect() ?? (await syncProblem(file));
    if (problem === undefined || this.#file !== file) return;
    this.#abandon();
    this.#failed(problem);
  }

  #refusal(problem: string): SallyportError {
    const text = `audit journal ${this.#path}: ${problem}; nothing passes until it can be written`;
    return new SallyportError('ERR_AUDIT_UNAVAILABLE', text);
  }
}

/** After a failed sync the kernel may have dropped what it held: the file cannot be trusted further. */
async function syncProblem(file: JournalFile): Promise<string | undefined> {
  try {
    await file.sync();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** A line that is not an event, anywhere but torn at the end of a file. */
export interface BadLine {
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/**
 * The events of a journal file, or of all files of a folder in the order of writing. A torn last line
 * is left out. Any other bad line goes to `onBad`, and without it ends the reading with ERR_STATE_CORRUPT.
 */
export async function* readJournal(
  path: string,
  onBad: (bad: BadLine) => void = refuseLine,
): AsyncGenerator<AuditEvent, void, void> {
  const files = statSync(path).isDirectory() ? listFiles(resolvePath(path)) : [path];
  for (const file of files) yield* readFile(file, onBad);
}

function refuseLine({ file, line }: BadLine): never {
  const text = `${file}:${line}: not an audit event; the file was changed after it was written`;
  throw new SallyportError('ERR_STATE_CORRUPT', text);
}

async function* readFile(
  file: string,
  onBad: (bad: BadLine) => void,
): AsyncGenerator<AuditEvent, void, void> {
  let line = 0;
  for await (const { text, isWhole } of splitLines(createReadStream(file))) {
    line += 1;
    const event = text === undefined ? undefined : readLine(text);
    if (event !== undefined) yield event;
    else if (isWhole) onBad({ file, line });
  }
}

interface Line {
  /** Undefined when the line was too long to be kept. */
  readonly text: string | undefined;
  /** False for the end of a file without its line feed. */
  readonly isWhole: boolean;
}

/** Lines of a stream of bytes; memory is bounded whatever the stream holds. */
async function* splitLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Line, void, void> {
  let parts: Buffer[] = [];
  let sizeBytes = 0;
  const take = (isWhole: boolean): Line => {
    const text = sizeBytes > lineLimitBytes ? undefined : Buffer.concat(parts).toString('utf8');
    parts = [];
    sizeBytes = 0;
    return { text, isWhole };
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let to = chunk.indexOf(10); to !== -1; to = chunk.indexOf(10, from)) {
      sizeBytes += to - from;
      if (sizeBytes <= lineLimitBytes) parts.push(chunk.subarray(from, to));
      yield take(true);
      from = to + 1;
    }
    sizeBytes += chunk.length - from;
    if (sizeBytes <= lineLimitBytes) parts.push(chunk.subarray(from));
    else parts = [];
  }
  if (sizeBytes > 0) yield take(false);
}
