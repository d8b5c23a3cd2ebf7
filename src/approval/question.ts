// What is told and asked about a question, as data: how it opens, waits, is answered, and who asks in it.
import type { AnswerResponse, GrantView, GroupView } from '../control/messages.ts';
import type { ApproverRef, ClientAddress } from '../policy/decision.ts';
import type { Destination } from '../policy/destination.ts';
import type { Asker } from './process-tree.ts';

/** A new question, told once, after the first look for the program that asks. */
export interface OpenedQuestion {
  readonly id: string;
  readonly destination: Destination;
  readonly client: ClientAddress;
  /** Undefined when the operating system did not tell. */
  readonly asker: Asker | undefined;
  readonly view: GroupView;
}

/** An answer that was taken. */
export interface AnsweredQuestion {
  readonly id: string;
  readonly destination: Destination;
  readonly outcome: 'allow' | 'deny';
  /** As written: `once`, `30m`, `2h`, `restart`, `always`. */
  readonly for: string;
  /** `exact`, or `*.` and a domain. */
  readonly host: string;
  readonly port: 'this' | 'any';
  /** `this`: what is remembered is bound to the programs that asked. */
  readonly program: 'this' | 'any';
  /** Why, in the approver's words. */
  readonly note: string | undefined;
  readonly approver: ApproverRef;
  /** From the question's first request to its answer. */
  readonly latencyMs: number;
  readonly released: number;
  readonly grant: GrantView | undefined;
}

/** What became of an answer; `problem` is a sentence for the person who gave it. */
export type AnswerResult =
  | { readonly status: 'answered'; readonly response: AnswerResponse }
  | { readonly status: 'unknown' | 'gone' | 'changed' }
  /** `bad`: it says what cannot be; `full`: no room for another grant; `failed`: it cannot be kept. */
  | { readonly status: 'bad' | 'full' | 'failed'; readonly problem: string };

/** Who asks in one question, for the self-approval guard. */
export interface Askers {
  readonly destination: Destination;
  readonly askers: readonly Asker[];
  /** True when somebody asks whom nobody knows: no caller can then be shown to be outside. */
  readonly unidentified: boolean;
}

/** How a new request waits. */
export interface Stance {
  /** What its time running out is called. */
  readonly end: 'timeout' | 'paused';
  /** Undefined: the configured limit; 0: refused once its program is known, half a second at most, and the question stays. */
  readonly holdMs: number | undefined;
  /** What the refused client is told when its time is up. */
  readonly say: string | undefined;
}
