// `sallyport lift`: programs that asked for too much, and letting one ask again.
import type { ControlClient } from '../control/client.ts';
import type { FloodView } from '../control/messages.ts';
import { SallyportError } from '../errors.ts';
import { exitCodes, type Command } from './command.ts';
import { openClient } from './daemon-client.ts';
import { renderGate } from './gate-text.ts';
import { readOptions, usageError } from './options.ts';
import { renderJson, renderSpan, renderTable } from './render.ts';

const usage = `usage: sallyport lift [ID] [--json]

A program that asks for too many new destinations is refused quietly. Without ID lists such programs; with the ID of
one, such as f1, lets it ask again.
`;

/** The command. */
export const liftCommand: Command = {
  name: 'lift',
  summary: 'list programs that asked for too much, let one ask again',
  usage,
  run: async (args, io) => {
    const { values, positionals } = readOptions(args, {
      json: { type: 'boolean', default: false },
    });
    const [id, ...more] = positionals;
    if (more.length > 0) throw usageError('lift takes one id, such as f1');
    const client = openClient(io.env);
    if (id === undefined) {
      const floods = await readFloods(client);
      io.stdout(values.json ? renderJson({ floods }) : renderFloods(floods, Date.now()));
      return exitCodes.done;
    }
    const answer = await client.lift(id);
    io.stdout(values.json ? renderJson(answer) : `${renderGate(answer)}\n`);
    return exitCodes.done;
  },
};

const snapshotLimitMs = 15_000;

/** Only the live view names them: its snapshot is the first event of the stream. */
async function readFloods(client: ControlClient): Promise<readonly FloodView[]> {
  for await (const event of client.watch(AbortSignal.timeout(snapshotLimitMs))) {
    if (event.type === 'snapshot') return event.view.floods;
  }
  throw new SallyportError('ERR_CONTROL_UNREACHABLE', 'the daemon did not show its state in time');
}

/** The table for people. */
export function renderFloods(floods: readonly FloodView[], nowMs: number): string {
  if (floods.length === 0) return 'no program asks for too much\n';
  return renderTable(
    ['ID', 'PROGRAM', 'SINCE', 'REFUSED', 'HOSTS'],
    floods.map(({ id, program, pid, since, refused, hosts }) => [
      id,
      pid === null ? program : `${program} (pid ${pid})`,
      renderSpan(Date.parse(since), nowMs),
      String(refused),
      hosts.join(', '),
    ]),
  );
}
