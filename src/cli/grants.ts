// `sallyport grants`: the answers that are remembered.
import type { GrantView } from '../control/messages.ts';
import { exitCodes, type Command } from './command.ts';
import { openClient } from './daemon-client.ts';
import { readOptions, usageError } from './options.ts';
import { renderHostPort, renderJson, renderSpan, renderTable } from './render.ts';

const usage = `usage: sallyport grants [--json]

Lists the answers that hold beyond their question. "sallyport revoke ID" takes one back and closes what it opened.
`;

/** The command. */
export const grantsCommand: Command = {
  name: 'grants',
  summary: 'list the answers that are remembered',
  usage,
  run: async (args, io) => {
    const { values, positionals } = readOptions(args, {
      json: { type: 'boolean', default: false },
    });
    if (positionals.length > 0) throw usageError('grants takes no words');
    const answer = await openClient(io.env).grants();
    io.stdout(values.json ? renderJson(answer) : renderGrants(answer.grants, Date.now()));
    return exitCodes.done;
  },
};

/** The table for people. */
export function renderGrants(grants: readonly GrantView[], nowMs: number): string {
  if (grants.length === 0) return 'nothing is remembered\n';
  const rows = grants.map((grant) => [
    grant.id,
    grant.outcome,
    grant.protocol,
    renderHostPort(grant.host, grant.port === 'any' ? '*' : grant.port),
    renderTerm(grant, nowMs),
    String(grant.uses),
    `${grant.approver} (${grant.surface})`,
  ]);
  return renderTable(['ID', 'ANSWER', 'PROTOCOL', 'DESTINATION', 'HOLDS', 'USES', 'BY'], rows);
}

function renderTerm(grant: GrantView, nowMs: number): string {
  if (grant.expires === null) return grant.for === 'restart' ? 'until restart' : grant.for;
  const left = renderSpan(nowMs, Date.parse(grant.expires));
  return grant.for === 'ticket' ? `one use, ${left}` : left;
}
