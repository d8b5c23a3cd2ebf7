// What `allow` and `deny` share: options, finding the question that is meant, and answering one after the other.
import type { ControlClient } from '../control/client.ts';
import type {
  AnswerRequest,
  AnswerResponse,
  ControlErrorCode,
  GrantView,
  GroupView,
} from '../control/messages.ts';
import { SallyportError } from '../errors.ts';
import type { CommandIo } from './command.ts';
import { exitCodes } from './command.ts';
import { openClient } from './daemon-client.ts';
import { readOptions, usageError } from './options.ts';
import { escapeText, renderCount, renderHostPort, renderJsonLine, renderSpan } from './render.ts';
import { reportError } from './report.ts';

/** The part of the usage text that both commands have. */
export const answerUsage = `
ID is the short name that "sallyport pending" shows; HOST or HOST:PORT does too where it names one question only.

  --for once|30m|2h|restart|always   how long the answer holds (default: once, for the connections that wait)
  --host exact|*.example.com         for this host, or for every name below a domain (default: exact)
  --port this|any                    for this port or for every port of the host (default: this)
  --program this|any                 for the programs that ask now, in their folders, or for any (default: any)
  --note TEXT                        why, kept with the answer; at most 200 characters
  --json                             print what was answered as JSON, one object a line
`;

interface Words {
  readonly names: readonly string[];
  readonly answer: AnswerRequest;
  readonly json: boolean;
}

/** Answers every question that was named; gives the exit code of the first that failed, after trying them all. */
export async function runAnswer(
  outcome: 'allow' | 'deny',
  args: readonly string[],
  io: CommandIo,
): Promise<number> {
  const { names, answer, json } = readWords(outcome, args);
  const client = openClient(io.env);
  let code: number = exitCodes.done;
  for (const name of names) {
    try {
      const taken = await answerOne(client, name, answer);
      io.stdout(json ? renderJsonLine(taken) : renderAnswer(taken));
    } catch (error) {
      const failed = reportError(error, outcome, io);
      if (code === exitCodes.done) code = failed;
    }
  }
  return code;
}

function readWords(outcome: 'allow' | 'deny', args: readonly string[]): Words {
  const { values, positionals } = readOptions(args, {
    for: { type: 'string' },
    host: { type: 'string' },
    port: { type: 'string' },
    program: { type: 'string' },
    note: { type: 'string' },
    ...(outcome === 'deny' ? { tell: { type: 'string' } as const } : undefined),
    json: { type: 'boolean', default: false },
  });
  if (positionals.length === 0) {
    throw usageError(`${outcome} needs the id of a question; "sallyport pending" lists them`);
  }
  const port = readScope(values.port, '--port');
  const program = readScope(values.program, '--program');
  const tell = typeof values.tell === 'string' ? values.tell : undefined;
  const answer: AnswerRequest = {
    outcome,
    ...(values.for === undefined ? undefined : { for: readDuration(values.for) }),
    ...(values.host === undefined ? undefined : { host: values.host }),
    ...(port === undefined ? undefined : { port }),
    ...(program === undefined ? undefined : { program }),
    ...(values.note === undefined ? undefined : { note: readText(values.note, '--note') }),
    ...(tell === undefined ? undefined : { tell: readText(tell, '--tell') }),
  };
  return { names: [...new Set(positionals)], answer, json: values.json };
}

function readDuration(text: string): string {
  if (/^(once|restart|always|[1-9]\d{0,5}[mh])$/.test(text)) return text;
  throw usageError(`--for takes once, minutes such as 30m, hours such as 2h, restart or always`);
}

function readScope(text: string | undefined, option: string): 'this' | 'any' | undefined {
  if (text === undefined || text === 'this' || text === 'any') return text;
  throw usageError(`${option} takes this or any`);
}

function readText(text: string, option: string): string {
  if (text.length > 0 && text.length <= 200) return text;
  throw usageError(`${option} takes 1 to 200 characters`);
}

/** An id goes to the daemon as it is, which knows ids that are gone; a host is looked up among what waits. */
async function answerOne(
  client: ControlClient,
  name: string,
  answer: AnswerRequest,
): Promise<AnswerResponse> {
  if (/^[a-z]\d+$/.test(name)) return await client.answer(name, answer);
  const { groups } = await client.pending();
  const group = findGroup(groups, name);
  // the revision: what is answered is what was found a moment ago
  return await client.answer(group.id, { ...answer, revision: group.revision });
}

/** The one question that an id, a host or host:port names. ERR_CONTROL_REFUSED (not_found) for none, ERR_USAGE for several. */
export function findGroup(groups: readonly GroupView[], name: string): GroupView {
  const wanted = name.toLowerCase();
  const found = groups.filter(
    ({ id, host, port }) =>
      wanted === id ||
      wanted === host ||
      wanted === renderHostPort(host, port) ||
      wanted === `[${host}]`,
  );
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  if (only === undefined) throw nothingWaits(name);
  const ids = found.map(
    ({ id, protocol, host, port }) => `${id} (${protocol} ${renderHostPort(host, port)})`,
  );
  throw usageError(
    `${JSON.stringify(name)} names ${found.length} questions: ${ids.join(', ')}; answer by id`,
  );
}

/** Ends with 3, as an id does that the daemon no longer knows. */
function nothingWaits(name: string): SallyportError {
  const message = `no question waits for ${JSON.stringify(name)}; see "sallyport pending"`;
  const reason: ControlErrorCode = 'not_found';
  return Object.assign(new SallyportError('ERR_CONTROL_REFUSED', message), { reason });
}

/** `allowed k3: 4 connections go on; grant g7 until …`, one line. */
export function renderAnswer({ id, outcome, released, grant }: AnswerResponse): string {
  const count = renderCount(released, 'connection');
  const fate = outcome === 'allow' ? (released === 1 ? 'goes on' : 'go on') : 'refused';
  const kept = grant === null ? '' : `; ${describeGrant(grant)}`;
  return (
    escapeText(`${outcome === 'allow' ? 'allowed' : 'denied'} ${id}: ${count} ${fate}${kept}`) +
    '\n'
  );
}

/** How long it holds from the answer on; the clock of another day would have to be told with its day. */
function lastsOf({ created, expires }: GrantView): string {
  return expires === null
    ? 'until its end'
    : `for the next ${renderSpan(Date.parse(created), Date.parse(expires))}`;
}

function describeGrant(grant: GrantView): string {
  const where = renderHostPort(grant.host, grant.port === 'any' ? '*' : grant.port);
  switch (grant.for) {
    case 'ticket':
      return `nobody waits, so the next try within 10 minutes counts (${grant.id}, ${where})`;
    case 'until':
      return `remembered as ${grant.id} for ${where} ${lastsOf(grant)}`;
    case 'restart':
      return `remembered as ${grant.id} for ${where} until the daemon stops`;
    case 'always':
      return `remembered as ${grant.id} for ${where} until it is revoked`;
    default:
      return grant.for satisfies never;
  }
}
