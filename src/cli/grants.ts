// `sallyport grants`: the answers that are remembered.
import type { GrantProgram, GrantView } from '../control/messages.ts';
import { exitCodes, type Command } from './command.ts';
import { openClient } from './daemon-client.ts';
import { readOptions, usageError } from './options.ts';
import { escapeText, renderHostPort, renderJson, renderSpan, renderTable } from './render.ts';

const usage = `usage: sallyport grants [--unused] [--json]

Lists the answers that hold beyond their question: how long, for which programs, how often and when last used, and
who gave them. "sallyport revoke ID" takes one back and closes what it opened.

  --unused   only those for always that nothing has used for 30 days
`;

const unusedMs = 30 * 86_400_000;

/** The command. */
export const grantsCommand: Command = {
  name: 'grants',
  summary: 'list the answers that are remembered',
  usage,
  run: async (args, io) => {
    const { values, positionals } = readOptions(args, {
      unused: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    });
    if (positionals.length > 0) throw usageError('grants takes no words');
    const now = Date.now();
    const { grants: all } = await openClient(io.env).grants();
    const grants = values.unused ? all.filter((grant) => isUnused(grant, now)) : all;
    io.stdout(values.json ? renderJson({ grants }) : renderGrants(grants, now));
    return exitCodes.done;
  },
};

/** Whether an answer for always has lain unused for 30 days. */
export function isUnused(grant: GrantView, nowMs: number): boolean {
  const since = Date.parse(grant.lastUsed ?? grant.created);
  return grant.for === 'always' && nowMs - since >= unusedMs;
}

/** The table for people, an approver's note below its line. */
export function renderGrants(grants: readonly GrantView[], nowMs: number): string {
  if (grants.length === 0) return 'nothing is remembered\n';
  const rows = grants.map((grant) => [
    grant.id,
    grant.outcome,
    grant.protocol,
    renderHostPort(grant.host, grant.port === 'any' ? '*' : grant.port),
    renderTerm(grant, nowMs),
    renderUses(grant, nowMs),
    renderPrograms(grant.programs),
    `${grant.approver} (${grant.surface})`,
  ]);
  const heading = ['ID', 'ANSWER', 'PROTOCOL', 'DESTINATION', 'HOLDS', 'USES', 'PROGRAM', 'BY'];
  const [head = '', ...lines] = renderTable(heading, rows).trimEnd().split('\n');
  const noted = lines.flatMap((line, index) => {
    const note = grants[index]?.note ?? null;
    return note === null ? [line] : [line, `    ${escapeText(note)}`];
  });
  return `${[head, ...noted].join('\n')}\n`;
}

function renderTerm(grant: GrantView, nowMs: number): string {
  if (grant.expires === null) return grant.for === 'restart' ? 'until restart' : grant.for;
  const left = renderSpan(nowMs, Date.parse(grant.expires));
  return grant.for === 'ticket' ? `one use, ${left}` : left;
}

function renderUses({ uses, lastUsed }: GrantView, nowMs: number): string {
  return lastUsed === null
    ? String(uses)
    : `${uses}, ${renderSpan(Date.parse(lastUsed), nowMs)} ago`;
}

function renderPrograms(programs: readonly GrantProgram[] | null): string {
  if (programs === null) return 'any';
  return programs
    .map(({ executable, folder }) => (folder === null ? executable : `${executable} in ${folder}`))
    .join(', ');
}
