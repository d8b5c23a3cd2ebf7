// `sallyport show`: everything of one question, and what each answer to it would do.
import type { ControlClient } from '../control/client.ts';
import type { AnswerRequest, GroupView, PreviewResponse } from '../control/messages.ts';
import { findGroup } from './answer.ts';
import { exitCodes, type Command } from './command.ts';
import { openClient } from './daemon-client.ts';
import { readOptions, usageError } from './options.ts';
import { cautionsOf, describeQuestion, type Fact } from './question-text.ts';
import { escapeText, quoteWord, renderJson } from './render.ts';

const usage = `usage: sallyport show ID [--json]

Shows everything of one question: the destination, which program asks (as the system reports it, not proof), who
waits and for how long, why it is asked, what is known of the host, what to beware of, and what each answer would do.
`;

/** An answer as it would be typed, and what it would do. */
export interface Choice {
  /** `sallyport deny k3`. */
  readonly command: string;
  readonly preview: PreviewResponse;
}

/** The command. */
export const showCommand: Command = {
  name: 'show',
  summary: 'show one question and what each answer would do',
  usage,
  run: async (args, io) => {
    const { values, positionals } = readOptions(args, {
      json: { type: 'boolean', default: false },
    });
    const [name, ...more] = positionals;
    if (name === undefined || more.length > 0)
      throw usageError('show takes the id of one question');
    const client = openClient(io.env);
    const group = await findQuestion(client, name);
    const choices = await Promise.all(
      answersFor(group).map(async (request): Promise<Choice> => ({
        command: commandFor(group.id, request),
        preview: await client.preview(group.id, request),
      })),
    );
    io.stdout(
      values.json ? renderJson({ group, choices }) : renderQuestion(group, choices, Date.now()),
    );
    return exitCodes.done;
  },
};

async function findQuestion(client: ControlClient, name: string): Promise<GroupView> {
  if (/^[a-z]\d+$/.test(name)) return await client.show(name);
  return findGroup((await client.pending()).groups, name);
}

/** The usual answers, deny first; the wide ones are for whoever types their options. */
function answersFor({
  wildcards,
  revision,
  askers,
  unidentified,
}: GroupView): readonly AnswerRequest[] {
  const wide = wildcards[0]?.host;
  const isKnown = askers.length > 0 && !unidentified;
  const all: readonly AnswerRequest[] = [
    { outcome: 'deny' },
    { outcome: 'deny', for: 'always' },
    { outcome: 'allow' },
    ...(isKnown ? [{ outcome: 'allow', for: '1h', program: 'this' } as const] : []),
    { outcome: 'allow', for: '1h' },
    { outcome: 'allow', for: 'restart' },
    { outcome: 'allow', for: 'always' },
    ...(wide === undefined ? [] : [{ outcome: 'allow', for: '1h', host: wide } as const]),
  ];
  return all.map((request) => ({ ...request, revision }));
}

function commandFor(id: string, { outcome, for: term, host, program }: AnswerRequest): string {
  const words = ['sallyport', outcome, id];
  if (term !== undefined) words.push('--for', term);
  if (host !== undefined) words.push('--host', quoteWord(host));
  if (program !== undefined) words.push('--program', program);
  return words.join(' ');
}

/** Facts, then choices; everything escaped. */
export function renderQuestion(
  group: GroupView,
  choices: readonly Choice[],
  nowMs: number,
): string {
  const facts = describeQuestion(group, nowMs).map(renderFact);
  const answers = choices.flatMap(({ command, preview }) => [
    '',
    escapeText(command),
    `  ${escapeText(preview.problem ?? preview.sentence)}`,
    ...(preview.rule === null || preview.problem !== null
      ? []
      : [`  remembers: ${escapeText(preview.rule)}`]),
    ...(preview.problem === null ? cautionsOf(group, preview.cautions) : []).map(
      (text) => `  - ${text}`,
    ),
  ]);
  return [`question ${group.id}`, ...facts, ...answers].map((line) => `${line}\n`).join('');
}

function renderFact({ label, text, tone }: Fact): string {
  return `${tone === 'warning' ? '! ' : '  '}${label.padEnd(10)}  ${text}`;
}
