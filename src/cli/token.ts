// `sallyport token`: who else may use the control API.
import { roles, type Role, type TokenView } from '../control/messages.ts';
import { exitCodes, type Command, type CommandIo } from './command.ts';
import { openClient } from './daemon-client.ts';
import { readOptions, usageError } from './options.ts';
import { escapeText, renderClock, renderJson, renderSpan, renderTable } from './render.ts';

const usage = `usage: sallyport token list|create NAME --role ROLE [--days N]|revoke ID|rotate [--json]

Tokens let other programs and people use the control API. ROLE is viewer (looks), approver (answers) or admin.

  list     names, roles, ages and last uses
  create   makes one and prints its secret, once; a name may have two, so that one can replace the other
  revoke   ends one at once
  rotate   replaces the token in the state folder; the old one is valid for 10 minutes more

  sallyport token create phone --role approver --days 30
`;

interface Words {
  readonly role: string | undefined;
  readonly days: string | undefined;
  readonly json: boolean;
}

/** The command. */
export const tokenCommand: Command = {
  name: 'token',
  summary: 'list, create, revoke or rotate tokens of the control API',
  usage,
  run: async (args, io) => {
    const { values, positionals } = readOptions(args, {
      role: { type: 'string' },
      days: { type: 'string' },
      json: { type: 'boolean', default: false },
    });
    const [verb = '', name, ...more] = positionals;
    if (more.length > 0) throw usageError(`token ${verb} takes one word at most`);
    const words = { role: values.role, days: values.days, json: values.json };
    if (verb === 'list' && name === undefined) return await list(io, words);
    if (verb === 'create' && name !== undefined) return await create(name, io, words);
    if (verb === 'revoke' && name !== undefined) return await revoke(name, io, words);
    if (verb === 'rotate' && name === undefined) return await rotate(io, words);
    throw usageError('token takes list, create NAME, revoke ID or rotate');
  },
};

async function list(io: CommandIo, { json }: Words): Promise<number> {
  const answer = await openClient(io.env).tokens();
  io.stdout(json ? renderJson(answer) : renderTokens(answer.tokens, Date.now()));
  return exitCodes.done;
}

async function create(name: string, io: CommandIo, words: Words): Promise<number> {
  const role = readRole(words.role);
  const days = readDays(words.days);
  const created = await openClient(io.env).createToken({
    name,
    role,
    ...(days === undefined ? undefined : { days }),
  });
  if (words.json) io.stdout(renderJson(created));
  else {
    // the secret alone goes to standard output, so that it can be piped to where it belongs
    const { id } = created.token;
    io.stderr(
      escapeText(`sallyport: token ${id} for ${name} (${role}); its secret is shown once:`) + '\n',
    );
    io.stdout(`${escapeText(created.secret)}\n`);
  }
  return exitCodes.done;
}

function readRole(text: string | undefined): Role {
  const role = roles.find((known) => known === text);
  if (role !== undefined) return role;
  throw usageError(`--role takes one of ${roles.join(', ')}`);
}

function readDays(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const days = /^[1-9]\d{0,2}$/.test(text) ? Number(text) : 0;
  if (days >= 1 && days <= 366) return days;
  throw usageError('--days takes a number from 1 to 366');
}

async function revoke(id: string, io: CommandIo, { json }: Words): Promise<number> {
  const answer = await openClient(io.env).revokeToken(id);
  const text = `revoked ${answer.revoked.id}: ${answer.revoked.name} (${answer.revoked.role})`;
  io.stdout(json ? renderJson(answer) : `${escapeText(text)}\n`);
  return exitCodes.done;
}

async function rotate(io: CommandIo, { json }: Words): Promise<number> {
  const answer = await openClient(io.env).rotateToken();
  const text = `the state folder has a new token; the one before it is valid until ${renderClock(answer.oldExpires)}`;
  io.stdout(json ? renderJson(answer) : `${text}\n`);
  return exitCodes.done;
}

/** The table for people. */
export function renderTokens(tokens: readonly TokenView[], nowMs: number): string {
  const ago = (iso: string | null): string =>
    iso === null ? 'never' : renderSpan(Date.parse(iso), nowMs);
  return renderTable(
    ['ID', 'NAME', 'ROLE', 'AGE', 'LAST USED', 'EXPIRES IN'],
    tokens.map(({ id, name, role, created, lastUsed, expires }) => [
      id,
      name,
      role,
      ago(created),
      ago(lastUsed),
      expires === null ? '-' : renderSpan(nowMs, Date.parse(expires)),
    ]),
  );
}
