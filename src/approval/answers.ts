// The self-approval guard: who gives this answer, and may they (design S5). An answer from inside the
// asking process tree is refused and told; a caller that cannot be placed may answer narrow things only.
//
//   caller found, outside every asker's tree      any answer
//   caller inside one asker's tree                refused (or told and taken, when configured so)
//   some asker not known, or left its parents     refused for programs behind the gate, as above
//   caller not found, or some asker not known     not `always`, no wildcard, not any port
//   caller gone, or of our user and not found     refused: it may have hidden itself so
// What else is done through the control API is judged by agents.ts.
import type { AnswerRequest, GateView } from '../control/messages.ts';
import type { ApproverRef, ClientAddress } from '../policy/decision.ts';
import type { Destination } from '../policy/destination.ts';
import type { Holds } from './holds.ts';
import { hasLeftItsTree, isInsideTree } from './process-tree.ts';
import type { Asker } from './process-tree.ts';
import type { AnswerResult, Askers } from './question.ts';
import { parseScope } from './scope.ts';

/** What became of an answer, the guard's refusals included. */
export type JudgedAnswer =
  | AnswerResult
  /** `self`: from inside the asking tree; `unplaced`: too wide for a caller that cannot be placed, or for a desktop. */
  | { readonly status: 'self' | 'unplaced'; readonly problem: string };

/** The other end of a control connection. */
export interface Caller {
  /** The caller's end of its connection to the control port; undefined on the unix socket. */
  readonly client: ClientAddress | undefined;
  /** Who opened the connection, on the unix socket where the kernel tells. */
  readonly pid?: number | undefined;
  /** False once the caller has closed its end; taken as true where nobody can tell. */
  readonly isConnected?: () => boolean;
}

/** Where an answer came from. */
export interface AnswerOrigin extends Caller {
  /** What the caller says it is: `cli`, `page`, `watch`, `tray` or `api`. */
  readonly surface: string;
}

/** An answer from inside the asking tree, or of a caller that could not be seen although it is there. */
export interface SelfApproval {
  readonly id: string;
  readonly destination: Destination;
  readonly outcome: 'allow' | 'deny';
  readonly approver: ApproverRef;
  /** Undefined when it hid. */
  readonly caller: Asker | undefined;
  /** True when `dangerously_allow_self_approval` let it through. */
  readonly taken: boolean;
}

/** How a caller is found and named. */
export interface CallerParts {
  /** The program at the other end of a connection; fresh, never from a cache of connections. */
  readonly findAsker: (client: ClientAddress) => Promise<Asker | undefined>;
  /** The program of that pid, with its ancestors. */
  readonly findProcess: (pid: number) => Promise<Asker | undefined>;
  /**
   * Whether the system says that a connection is another user's, whose programs nobody may look for; never
   * rejects. Without it, whoever is not found is taken for such a one.
   */
  readonly isOtherUser?: ((client: ClientAddress) => Promise<boolean>) | undefined;
  /** A name for the user of that id. */
  readonly userName: (uid: number) => string;
}

/** What the guard needs. */
export interface AnswersParts extends CallerParts {
  readonly holds: Pick<Holds, 'answer' | 'askersOf' | 'settled'>;
  readonly allowSelfApproval: () => boolean;
  readonly onSelfApproval: (self: SelfApproval) => void;
  /** Whether a program may be behind the gate, by all that is known of it; default: none is. */
  readonly isAgent?: (caller: Asker) => boolean;
  /** Whether a program has lost its parents and was started with any of our ports as its proxy; default: none was. */
  readonly isLeftBehind?: (caller: Asker) => boolean;
  /** What a tray may answer; default `answer`. */
  readonly desktop?: () => GateView['desktop'];
}

/** Takes one answer; never rejects. */
export type Answer = (
  id: string,
  request: AnswerRequest,
  origin: AnswerOrigin,
) => Promise<JudgedAnswer>;

/** How long an answer waits for the look-ups of those who ask and of the caller; after that they count as not known. */
const lookupMs = 6000;

/** Builds the guarded way to answer. */
export function createAnswers(parts: AnswersParts): Answer {
  return async (id, request, origin) => {
    const { surface } = origin;
    const desktop = surface === 'tray' ? desktopProblem(parts.desktop?.(), request) : undefined;
    if (desktop !== undefined) return { status: 'unplaced', problem: desktop };
    const caller = await findCaller(parts, origin);
    const hides = caller === undefined && (await isHidden(parts, origin));
    // Last of all, and from here to the answer nothing may be awaited: who asks must not change in between.
    await withinLimit(parts.holds.settled(id));
    const asked = parts.holds.askersOf(id);
    const approver = approverRef(parts, caller, surface);
    if (asked === undefined) return parts.holds.answer(id, request, approver);
    const { destination } = asked;
    const told = { id, destination, outcome: request.outcome, approver, caller };
    if (caller !== undefined && isSelf(parts, caller, asked)) {
      const taken = parts.allowSelfApproval();
      parts.onSelfApproval({ ...told, taken });
      return taken
        ? parts.holds.answer(id, request, approver)
        : { status: 'self', problem: selfText };
    }
    if (hides) {
      parts.onSelfApproval({ ...told, taken: false });
      return { status: 'unplaced', problem: goneText };
    }
    const scope = parseScope(request, destination);
    if (scope.ok && scope.value.wide && (caller === undefined || asked.unidentified)) {
      return { status: 'unplaced', problem: caller === undefined ? callerText : askerText };
    }
    return parts.holds.answer(id, request, approver);
  };
}

/** Whether the caller asks itself; where who asks cannot be told for sure, whether it may. */
function isSelf(
  { isAgent, isLeftBehind }: Pick<AnswersParts, 'isAgent' | 'isLeftBehind'>,
  caller: Asker,
  { askers, unidentified }: Askers,
): boolean {
  if (askers.some((asker) => isInsideTree(caller, asker))) return true;
  if (isLeftBehind?.(caller) === true) return true;
  return (unidentified || askers.some(hasLeftItsTree)) && isAgent?.(caller) === true;
}

/** Why a tray may not give this answer: any program of the desktop's user can press its buttons. */
function desktopProblem(
  desktop: GateView['desktop'] | undefined,
  { outcome }: AnswerRequest,
): string | undefined {
  if (desktop === 'notify-only') return `the desktop only tells of questions ${desktopHelp}`;
  if (desktop === 'deny-only' && outcome === 'allow')
    return `the desktop may only deny ${desktopHelp}`;
  return undefined;
}

/** The program at the other end, or undefined when it cannot be told within 6 s; never rejects. */
export async function findCaller(
  parts: CallerParts,
  { client, pid }: Caller,
): Promise<Asker | undefined> {
  const nobody = () => undefined;
  if (client !== undefined) return await withinLimit(parts.findAsker(client).catch(nobody));
  if (pid !== undefined) return await withinLimit(parts.findProcess(pid).catch(nobody));
  return undefined;
}

/**
 * Of a caller that was not found: it hung up, its process cannot be read (any more), or no process of our own
 * user holds a connection that is our own user's. All of that a program can bring about, by passing its socket
 * through another one (SCM_RIGHTS) for example. Never rejects.
 */
export async function isHidden(
  { isOtherUser }: Pick<CallerParts, 'isOtherUser'>,
  { client, pid, isConnected }: Caller,
): Promise<boolean> {
  if (pid !== undefined || isConnected?.() === false) return true;
  if (client === undefined || isOtherUser === undefined) return false;
  return (await withinLimit(isOtherUser(client))) !== true;
}

/** The caller as records name it; `unknown` when it was not found. */
export function approverRef(
  parts: CallerParts,
  caller: Asker | undefined,
  surface: string,
): ApproverRef {
  return { name: caller === undefined ? 'unknown' : parts.userName(caller.process.uid), surface };
}

const desktopHelp =
  '(approvals.desktop); answer on the page (sallyport open) or in a terminal (sallyport watch)';
const selfText =
  'the program that asks may not answer for itself; answer from another terminal or let a person do it';
const narrowText = 'may answer once, minutes, hours or restart for this host and port only';
const callerText = `a caller the operating system cannot name ${narrowText}; use the control port ([control] tcp = true)`;
/** For a caller that hid. */
export const goneText =
  'the caller was gone or out of sight before it could be found; keep the program and its connection until the answer, and try again';
const askerText =
  'the program that asks is not known, so an answer may be once, minutes, hours or restart for this host and port only';

/** What the wait gives, or undefined after `lookupMs`; it must not reject. */
async function withinLimit<T>(wait: Promise<T>): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, lookupMs, undefined);
  const end = await Promise.race([wait, promise]);
  clearTimeout(timer);
  return end;
}
