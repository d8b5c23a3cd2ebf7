// Reads the journal from its end: what was decided lately, newest first. Bounded, since it is asked for by
// people while the daemon works; the journal itself is never changed here.
import { open, type FileHandle } from 'node:fs/promises';
import type { AuditEvent } from './draft.ts';
import { type PastDecision, readDecision } from './event.ts';
import { listFiles } from './journal-file.ts';
import { readLine } from './line.ts';

/** What fits; everything that is given must. */
export interface PastQuery {
  /** A part of the host. */
  readonly host?: string;
  /** A part of the asking program's path. */
  readonly program?: string;
  readonly outcome?: 'allow' | 'deny';
  /** ISO times: not before, and before. */
  readonly since?: string;
  readonly before?: string;
  /** Default 100. */
  readonly limit?: number;
}

/** Decisions that fit, newest first. */
export interface Past {
  readonly entries: readonly PastDecision[];
  /** True when older ones may fit, too. */
  readonly more: boolean;
}

const chunkBytes = 256 * 1024;
/** About 400,000 decisions; a person who looks further back uses a tool. */
const scanLimitBytes = 256 * 1024 * 1024;

/** Looks through the journal in `folder`; a folder that cannot be read rejects. */
export async function readPast(folder: string, query: PastQuery): Promise<Past> {
  const entries: PastDecision[] = [];
  const limit = query.limit ?? 100;
  let scanned = 0;
  for await (const { event, bytes } of newestFirst(folder)) {
    scanned += bytes;
    if (scanned > scanLimitBytes) return { entries, more: true };
    if (query.since !== undefined && event !== undefined && event.time < query.since) break;
    const decision = event && readDecision(event);
    if (decision === undefined || !fits(decision, query)) continue;
    if (entries.length >= limit) return { entries, more: true };
    entries.push(decision);
  }
  return { entries, more: false };
}

/** The last events of the journal, newest first, at most `limitBytes` of it. */
export async function readRecent(
  folder: string,
  limitBytes: number,
  onEvent: (event: AuditEvent) => void,
): Promise<void> {
  let scanned = 0;
  for await (const { event, bytes } of newestFirst(folder)) {
    scanned += bytes;
    if (scanned > limitBytes) return;
    if (event !== undefined) onEvent(event);
  }
}

function fits(decision: PastDecision, query: PastQuery): boolean {
  const { host, program, outcome, since, before } = query;
  return (
    (outcome === undefined || decision.outcome === outcome) &&
    (host === undefined || decision.host.includes(host.toLowerCase())) &&
    (program === undefined || decision.program?.includes(program) === true) &&
    (since === undefined || decision.at >= since) &&
    (before === undefined || decision.at < before)
  );
}

interface Read {
  /** Undefined for a line that is torn or not ours. */
  readonly event: AuditEvent | undefined;
  readonly bytes: number;
}

async function* newestFirst(folder: string): AsyncGenerator<Read, void, void> {
  for (const file of listFiles(folder).toReversed()) yield* linesFromEnd(file);
}

/** The lines of one file, last first, a piece at a time. */
async function* linesFromEnd(file: string): AsyncGenerator<Read, void, void> {
  await using handle = await openThere(file);
  if (handle === undefined) return;
  let end = (await handle.stat()).size;
  let rest = Buffer.alloc(0);
  while (end > 0) {
    const from = Math.max(0, end - chunkBytes);
    const piece = Buffer.alloc(end - from);
    const { bytesRead } = await handle.read(piece, 0, piece.length, from);
    const bytes = Buffer.concat([piece.subarray(0, bytesRead), rest]);
    end = from;
    // What stands before the first line feed belongs to a line that begins further up.
    const first = from === 0 ? 0 : bytes.indexOf(10) + 1;
    const hasLine = from === 0 || first > 0;
    rest = hasLine ? bytes.subarray(0, first) : bytes;
    if (!hasLine) continue;
    const lines = bytes.subarray(first).toString('utf8').split('\n');
    for (const line of lines.toReversed()) {
      if (line !== '') yield { event: readLine(line), bytes: line.length };
    }
  }
}

/** Undefined for a file that has been rotated away since the folder was listed: it held the oldest. */
async function openThere(file: string): Promise<FileHandle | undefined> {
  try {
    return await open(file, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
