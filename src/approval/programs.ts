// Which program a remembered answer is for: the executable and where it works, as the OS reports both. Not
// proof: a program that may start others can start that one.
import type { GrantProgram } from '../control/messages.ts';
import type { Parsed } from '../policy/destination.ts';
import type { Asker } from './process-tree.ts';

/** The most programs one grant is bound to. */
export const programLimit = 8;
const longestPath = 4096;

/** The program of an asker; undefined when the OS does not tell its executable. */
export function grantProgramOf({ process }: Asker): GrantProgram | undefined {
  const { executable, repository, cwd } = process;
  const folder = repository ?? cwd ?? null;
  if (executable === undefined || executable.length > longestPath) return undefined;
  if (folder !== null && folder.length > longestPath) return undefined;
  return { executable, folder };
}

/** Each program once; a problem when one of them is not known or when they are too many to bind an answer to. */
export function grantProgramsOf(
  askers: readonly Asker[],
  unidentified: boolean,
): Parsed<readonly GrantProgram[]> {
  const programs = new Map<string, GrantProgram>();
  for (const asker of askers) {
    const program = grantProgramOf(asker);
    if (program === undefined) return { ok: false, problem: unknownText };
    programs.set(JSON.stringify([program.executable, program.folder]), program);
  }
  if (unidentified || programs.size === 0) return { ok: false, problem: unknownText };
  if (programs.size > programLimit) return { ok: false, problem: manyText };
  return { ok: true, value: [...programs.values()] };
}

/** Whether the asker runs one of these programs, in its place. */
export function isOneOf(programs: readonly GrantProgram[], asker: Asker): boolean {
  const own = grantProgramOf(asker);
  if (own === undefined) return false;
  return programs.some(
    ({ executable, folder }) => executable === own.executable && folder === own.folder,
  );
}

const unknownText =
  'program: not every program that asks is known, so the answer cannot be bound to them; answer for "any"';
const manyText = `program: more than ${programLimit} programs ask, so the answer cannot be bound to them; answer for "any"`;
