// `sallyport status`: what the running daemon says of itself.
import type { StatusResponse } from '../control/messages.ts';
import { exitCodes, type Command } from './command.ts';
import { openClient } from './daemon-client.ts';
import { describeGate } from './gate-text.ts';
import { readOptions, usageError } from './options.ts';
import { escapeText, renderCount, renderJson, renderSpan } from './render.ts';

const usage = `usage: sallyport status [--json]

Shows the daemon's listeners, its policy and the files it comes from, what waits and who is there to answer, whether
it is paused or in panic, and whether the audit trail and its export are well. Exit code 1 when no daemon runs.
`;

/** The command. */
export const statusCommand: Command = {
  name: 'status',
  summary: 'show listeners, policy, what waits, and health',
  usage,
  run: async (args, io) => {
    const { values, positionals } = readOptions(args, {
      json: { type: 'boolean', default: false },
    });
    if (positionals.length > 0) throw usageError('status takes no words');
    const status = await openClient(io.env).status();
    io.stdout(values.json ? renderJson(status) : renderStatus(status, Date.now()));
    return exitCodes.done;
  },
};

/** One `name  text` line a fact; troubles come last, each on a line that starts with `!`. */
export function renderStatus(status: StatusResponse, nowMs: number): string {
  const { listeners, policy, connections, waiting, audit } = status;
  const facts: readonly (readonly [string, string])[] = [
    [
      'sallyport',
      `${status.version}, pid ${status.pid}, up ${renderSpan(Date.parse(status.started), nowMs)}`,
    ],
    ['http', `${listeners.http}, ${connections.http} open`],
    ['socks5', `${listeners.socks}, ${connections.socks5} open`],
    [
      'gateway',
      listeners.gateway === null ? 'off' : `${listeners.gateway}, ${connections.gateway} open`,
    ],
    ['control', `${listeners.control ?? 'port off'}, ${listeners.socket}`],
    ['upstream', status.parent === null ? 'direct' : `through ${status.parent}`],
    ['state', status.state],
    ['policy', describePolicy(policy)],
    ...policy.layers.map(({ layer, file }) => ['  from', `${file} (${layer})`] as const),
    [
      'waiting',
      `${renderCount(waiting.groups, 'question')}, ${renderCount(waiting.holds, 'connection')}`,
    ],
    ['gate', describeGate(status.gate)],
    ['surfaces', describeSurfaces(status)],
    ['reviewer', status.reviewer.kind === 'user' ? 'none, a person answers' : 'auto_review'],
    ['journal', `${audit.journal.file}${audit.journal.ok ? '' : ' (not written)'}`],
    ['export', describeExporter(audit.exporter)],
  ];
  const lines = facts.map(([name, text]) => `${name.padEnd(10)}  ${escapeText(text)}`);
  const troubles = findTroubles(status).map((text) => `! ${escapeText(text)}`);
  return `${[...lines, ...troubles].join('\n')}\n`;
}

function describeSurfaces({ surfaces, tray }: StatusResponse): string {
  const names = Object.entries(surfaces)
    .filter(([, number]) => number > 0)
    .map(([name, number]) => (number === 1 ? name : `${number} × ${name}`));
  const listed = names.length === 0 ? 'nobody watches' : names.join(', ');
  return tray === null ? listed : `${listed}; the tray says: ${tray}`;
}

function describePolicy({
  version,
  enabled,
  mode,
  unknown,
  rules,
}: StatusResponse['policy']): string {
  if (!enabled) return `version ${version}, switched off: every request is refused`;
  const texts = { ask: 'asked about', deny: 'denied', report: 'let through and reported' };
  const counts = `${rules.allow} allow and ${rules.deny} deny rules`;
  return `version ${version}, mode ${mode}, ${counts}, unknown hosts are ${texts[unknown]}`;
}

function describeExporter({
  kind,
  ok,
  delivered,
  dropped,
}: StatusResponse['audit']['exporter']): string {
  if (kind === 'none') return 'off';
  return `${kind}, ${ok ? 'well' : 'failing'}, ${delivered} delivered, ${dropped} dropped`;
}

function findTroubles(status: StatusResponse): string[] {
  const { policy, audit, gate, policyChange, reviewer } = status;
  const troubles = [...policy.warnings];
  if (gate.panicSince !== null) troubles.push('panic: everything is denied');
  if (policyChange?.state === 'waiting') {
    troubles.push('a change that lets more through waits to be accepted; see "sallyport changes"');
  }
  if (policyChange?.state === 'applied') {
    troubles.push('a change has let more through; see "sallyport changes"');
  }
  if (reviewer.problem !== null) troubles.push(`reviewer: ${reviewer.problem}`);
  if (policy.rejected !== null) {
    troubles.push(
      `the files on disk were rejected, the policy before them stays: ${policy.rejected}`,
    );
  }
  if (policy.pendingRestart.length > 0) {
    troubles.push(`changed, in force at the next start: ${policy.pendingRestart.join(', ')}`);
  }
  if (audit.journal.problem !== null) {
    troubles.push(
      `the gate is closed, since the journal cannot be written: ${audit.journal.problem}`,
    );
  }
  if (audit.exporter.problem !== null) troubles.push(`export: ${audit.exporter.problem}`);
  // what surfaces are told says some of it once more, in its own words
  const told = [policy.rejected, audit.journal.problem, audit.exporter.problem, reviewer.problem];
  const others = gate.troubles.filter(
    (text) => !told.some((problem) => problem !== null && text.includes(problem)),
  );
  return [...troubles, ...others];
}
