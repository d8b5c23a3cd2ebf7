// `sallyport rules`: the rules in force, and adding or removing one in a file of the configuration. The daemon
// edits, so that comments and order stay; here the person sees the difference first.
import type {
  DiffLine,
  RuleFileView,
  RulesCheckResponse,
  RulesDraft,
  RulesResponse,
} from '../control/messages.ts';
import { SallyportError } from '../errors.ts';
import { askPerson, type AskPerson } from './ask.ts';
import { exitCodes, type Command, type CommandIo } from './command.ts';
import { openClient } from './daemon-client.ts';
import { readOptions, usageError } from './options.ts';
import { escapeText, renderCount, renderJson, renderTable } from './render.ts';

const usage = `usage: sallyport rules [--json]
       sallyport rules add|remove allow|deny PATTERN [--file FILE] [--yes] [--json]

Lists the rules in force and the files they come from; or adds or removes one rule, keeping the file's comments and
order. Shows what would change in the file and in what is let through, and asks before it saves.

  --file FILE   the file to edit (default: your own configuration)
  --yes         save without asking

  sallyport rules add allow '*.example.com'
`;

interface Edit {
  readonly kind: 'add' | 'remove';
  readonly list: 'allow' | 'deny';
  readonly rule: string;
}

interface Wishes {
  readonly file: string | undefined;
  readonly yes: boolean;
  readonly json: boolean;
}

/** The command. */
export const rulesCommand: Command = createRulesCommand(askPerson);

/** The command over a person of the caller's choice. */
export function createRulesCommand(ask: AskPerson): Command {
  return {
    name: 'rules',
    summary: 'list the rules, add or remove one',
    usage,
    run: async (args, io) => {
      const { values, positionals } = readOptions(args, {
        file: { type: 'string' },
        yes: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      });
      const edit = readEdit(positionals);
      if (edit !== undefined) {
        return await change(
          edit,
          { file: values.file, yes: values.yes, json: values.json },
          io,
          ask,
        );
      }
      if (values.yes || values.file !== undefined) {
        throw usageError('--yes and --file belong to rules add and rules remove');
      }
      const rules = await openClient(io.env).rules();
      io.stdout(values.json ? renderJson(rules) : renderRules(rules));
      return exitCodes.done;
    },
  };
}

function readEdit(words: readonly string[]): Edit | undefined {
  const [kind, list, rule, ...more] = words;
  if (kind === undefined) return undefined;
  const isKnown = (kind === 'add' || kind === 'remove') && (list === 'allow' || list === 'deny');
  if (isKnown && rule !== undefined && more.length === 0) return { kind, list, rule };
  throw usageError('rules takes add or remove, then allow or deny, then one pattern');
}

async function change(edit: Edit, wishes: Wishes, io: CommandIo, ask: AskPerson): Promise<number> {
  const client = openClient(io.env);
  const file = chooseFile((await client.rules()).files, wishes.file);
  const draft: RulesDraft = { file: file.file, etag: file.etag, edits: [edit] };
  const check = await client.checkRules(draft);
  const isWrong = check.findings.some(({ severity }) => severity === 'error');
  const say = wishes.json ? io.stderr : io.stdout;
  say(renderCheck(file.file, check));
  if (isWrong) return failWith(io, 'nothing was saved: the file would have mistakes');
  if (check.diff.every(({ kind }) => kind === 'same')) {
    say('nothing to change\n');
    return exitCodes.done;
  }
  if (!wishes.yes) {
    const answer = await ask(`save this to ${escapeText(file.file)}?`);
    if (answer === undefined)
      throw usageError('there is no terminal to ask on; --yes saves without asking');
    if (!answer) return failWith(io, 'nothing was saved');
  }
  const saved = await client.saveRules(draft);
  if (wishes.json) io.stdout(renderJson(saved));
  else {
    for (const message of saved.reload.messages) say(`${escapeText(message)}\n`);
    const state = saved.reload.loaded ? 'in force' : 'saved, but not in force';
    say(escapeText(`${state}: version ${saved.reload.version}`) + '\n');
  }
  return saved.reload.loaded ? exitCodes.done : exitCodes.failed;
}

function failWith(io: CommandIo, text: string): number {
  io.stderr(`sallyport: ${text}\n`);
  return exitCodes.failed;
}

/** The file that was named, else the person's own. ERR_USAGE when there is none that may be edited. */
function chooseFile(files: readonly RuleFileView[], named: string | undefined): RuleFileView {
  const file = files.find((each) =>
    named === undefined ? each.layer === 'user' : each.file === named,
  );
  const known = files.filter(({ editable }) => editable).map((each) => each.file);
  const choice =
    known.length === 0
      ? 'there is no file that may be edited'
      : `--file takes ${known.join(' or ')}`;
  if (file === undefined) throw usageError(choice);
  if (file.editable) return file;
  const message = `${file.file} may not be edited from here; ${choice}`;
  throw new SallyportError('ERR_USAGE', message);
}

/** The rules, then their files. */
export function renderRules({ files, rules, total }: RulesResponse): string {
  const table = renderTable(
    ['ANSWER', 'RULE', 'FROM'],
    rules.map(({ outcome, text, file, line, layer }) => [
      outcome,
      text,
      `${file}:${line} (${layer})`,
    ]),
  );
  const lines = files.map(({ file, layer, editable, etag }) => {
    const state = etag === 'absent' ? 'not there yet' : editable ? 'editable' : 'read-only';
    return `${escapeText(`${file} (${layer}, ${state})`)}\n`;
  });
  const left = total - rules.length;
  const more = left > 0 ? `and ${renderCount(left, 'rule')} more\n` : '';
  return `${table === '' ? 'no rules\n' : table}${more}${lines.join('')}`;
}

/** The difference in the file, mistakes and doubts, and what would be let through differently. */
export function renderCheck(file: string, { findings, diff, effect }: RulesCheckResponse): string {
  const marks: Readonly<Record<DiffLine['kind'], string>> = { same: ' ', added: '+', removed: '-' };
  const lines = [
    file,
    ...diff.map(({ kind, line, text }) => `${marks[kind]} ${String(line).padStart(4)}  ${text}`),
    ...findings.map(
      ({ severity, file: place, line, column, message }) =>
        `${severity}: ${place}:${line}:${column}: ${message}`,
    ),
    ...effect.map((text) => `effect: ${text}`),
  ];
  return lines.map((line) => `${escapeText(line)}\n`).join('');
}
