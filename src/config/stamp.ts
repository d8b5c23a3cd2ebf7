// What a set of files looks like from outside, so that a change is seen without reading them.
import { statSync, type BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';

/** One line: identity, size and times of the file, or why it cannot be looked at. Blocks. */
export function stampFileSync(file: string): string {
  try {
    return line(file, statSync(file, { bigint: true }));
  } catch (error) {
    return trouble(file, error);
  }
}

/** The same lines for several files, without blocking; joined in the order given. */
export async function stampFiles(files: readonly string[]): Promise<string> {
  return joinStamps(await Promise.all(files.map(stampFile)));
}

/** Lines of `stampFileSync` as `stampFiles` joins them. */
export function joinStamps(lines: readonly string[]): string {
  return lines.join('\n');
}

async function stampFile(file: string): Promise<string> {
  try {
    return line(file, await stat(file, { bigint: true }));
  } catch (error) {
    return trouble(file, error);
  }
}

function line(file: string, { dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [file, dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

function trouble(file: string, error: unknown): string {
  return `${file} ${error instanceof Error && 'code' in error ? String(error.code) : 'unknown'}`;
}
