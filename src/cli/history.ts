// `sallyport history`: what was decided, out of the audit journal, and the answers of this run.
import type { HistoryEntry, HistoryQuery, HistoryResponse } from '../control/messages.ts';
import { exitCodes, type Command, type CommandIo } from './command.ts';
import { openClient } from './daemon-client.ts';
import { readMoment } from './duration.ts';
import { readOptions, usageError } from './options.ts';
import { renderHostPort, renderJson, renderTable } from './render.ts';

const usage = `usage: sallyport history [--host TEXT] [--program TEXT] [--denied|--allowed] [--since WHEN] [--limit N] [--json]

Lists decisions, the newest first: when, what, which host, why, which program and who answered.

  --host TEXT      hosts with this in their name
  --program TEXT   programs with this in their path
  --since WHEN     not before: a span such as 30m, 1h or 7d, or a time such as 2026-11-20T12:00:00Z
  --limit N        1 to 500 (default: 100)
`;

/** The command. */
export const historyCommand: Command = {
  name: 'history',
  summary: 'list what was decided',
  usage,
  run: runHistory,
};

async function runHistory(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = readOptions(args, {
    host: { type: 'string' },
    program: { type: 'string' },
    denied: { type: 'boolean', default: false },
    allowed: { type: 'boolean', default: false },
    since: { type: 'string' },
    limit: { type: 'string' },
    json: { type: 'boolean', default: false },
  });
  if (positionals.length > 0) throw usageError('history takes options only, such as --host TEXT');
  if (values.denied && values.allowed)
    throw usageError('--denied and --allowed exclude each other');
  const query: HistoryQuery = {
    ...(values.host === undefined ? undefined : { host: values.host }),
    ...(values.program === undefined ? undefined : { program: values.program }),
    ...(values.denied ? { outcome: 'deny' } : values.allowed ? { outcome: 'allow' } : undefined),
    ...(values.since === undefined
      ? undefined
      : { since: readMoment(values.since, '--since', Date.now()) }),
    ...(values.limit === undefined ? undefined : { limit: readLimit(values.limit) }),
  };
  const history = await openClient(io.env).history(query);
  io.stdout(values.json ? renderJson(history) : renderHistory(history));
  return exitCodes.done;
}

function readLimit(text: string): number {
  const number = /^[1-9]\d{0,2}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= 500) return number;
  throw usageError('--limit takes a number from 1 to 500');
}

/** The table for people. */
export function renderHistory({ entries, more }: HistoryResponse): string {
  if (entries.length === 0) return 'nothing that fits was decided\n';
  const table = renderTable(
    ['WHEN', 'ANSWER', 'DESTINATION', 'WHY', 'PROGRAM', 'BY'],
    entries.map(entryCells),
  );
  return more ? `${table}older ones are left out; --limit and --since reach further\n` : table;
}

function entryCells(entry: HistoryEntry): readonly string[] {
  const { at, outcome, host, port, program, pid } = entry;
  const by = entry.approver === null ? '-' : `${entry.approver} (${entry.surface ?? 'unknown'})`;
  return [
    `${at.slice(0, 19).replace('T', ' ')}Z`,
    outcome,
    renderHostPort(host, port),
    whyOf(entry),
    program === null ? '-' : `${program}${pid === null ? '' : ` (pid ${pid})`}`,
    by,
  ];
}

function whyOf({ rule, reason, question, grant }: HistoryEntry): string {
  if (rule !== null) return `rule ${rule}`;
  if (grant !== null) return `remembered ${grant}`;
  return question === null ? reason : `${reason} (${question})`;
}
