// A question as programs outside are told of it. Pure, and a list of what they may know: no command line, no
// folder and no path of a request can get in by being added to the view.
import type { GroupView } from '../control/messages.ts';

/** A program that asks, by name. */
export interface NamedProgram {
  readonly program: string;
  /** Parent programs, nearest first; at most 8. */
  readonly parents: readonly string[];
}

/** What both are told. */
interface Question extends Pick<
  GroupView,
  'id' | 'protocol' | 'host' | 'port' | 'waiting' | 'asked' | 'firstSeen' | 'warnings' | 'facts'
> {
  /** The form of all this; grows when it changes. */
  readonly version: 1;
  /** Why it is asked, as a sentence. */
  readonly why: string;
  /** At most 8. */
  readonly programs: readonly NamedProgram[];
}

/** What the reviewer is given. */
export interface ReviewQuestion extends Question {
  readonly type: 'review';
  /** How long an allow of its would hold. */
  readonly minutes: number;
}

/** What `on_pending` is given. */
export interface PendingNotice extends Question {
  readonly type: 'pending';
  /** All of it in one line, for a chat. */
  readonly text: string;
  /** Commands that answer it. */
  readonly answer: { readonly show: string; readonly allow: string; readonly deny: string };
}

/** The question as the reviewer is given it. */
export function reviewQuestion(view: GroupView, minutes: number): ReviewQuestion {
  return { type: 'review', ...questionOf(view), minutes };
}

/** The question as `on_pending` is told of it. */
export function pendingNotice(view: GroupView): PendingNotice {
  const { id, host, port, warnings } = view;
  const answer = {
    show: `sallyport show ${id}`,
    allow: `sallyport allow ${id}`,
    deny: `sallyport deny ${id}`,
  };
  const question = questionOf(view);
  const names = [...new Set(question.programs.map(({ program }) => program))].join(', ');
  const who = names === '' ? 'a program' : names;
  const place = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const verb = question.programs.length > 1 ? 'ask' : 'asks';
  const text = [
    `${who} ${verb} for ${place} (${id}).`,
    question.why,
    ...warnings,
    `To answer: ${answer.allow}, or ${answer.deny}.`,
  ].join(' ');
  return { type: 'pending', ...question, text, answer };
}

const programLimit = 8;
const nameLimit = 64;

function questionOf(view: GroupView): Question {
  const { id, protocol, host, port, waiting, asked, firstSeen, warnings, facts } = view;
  const programs = view.askers.slice(0, programLimit).map(({ program, parents }) => ({
    program: short(program),
    parents: parents.slice(0, programLimit).map(short),
  }));
  return {
    version: 1,
    id,
    protocol,
    host,
    port,
    waiting,
    asked,
    firstSeen,
    why: view.whySentence,
    warnings,
    facts,
    programs,
  };
}

/** Whoever starts a program chooses its name; a long one is meant to say something. */
function short(name: string): string {
  return name.length <= nameLimit ? name : `${name.slice(0, nameLimit - 1)}…`;
}
