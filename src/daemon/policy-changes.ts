// A reload that lets more through is news: it is announced with its lines and can be undone in one step, or,
// under `control.confirm_widening`, waits until an approver accepts it. All of a change waits or none of it:
// half a policy is nobody's policy. What does not widen never waits.
import { randomInt } from 'node:crypto';
import type { Config } from '../config/config.ts';
import { diffConfigs, diffLines, type ConfigDiff } from '../config/diff.ts';
import type { Finding } from '../config/finding.ts';
import type { PolicyChangeView } from '../control/messages.ts';
import type { ApproverRef } from '../policy/decision.ts';

/** A configuration with what it was warned about. */
export interface Loaded {
  readonly config: Config;
  readonly warnings: readonly Finding[];
}

/** What became of a change, for the audit trail. */
export interface PolicyChangeNews {
  readonly view: PolicyChangeView;
  readonly diff: ConfigDiff;
  /** Undefined when nobody but the file said so. */
  readonly approver: ApproverRef | undefined;
}

/** What changes are made of. */
export interface PolicyChangesParts {
  /** What is in force now. */
  readonly current: () => Loaded;
  /** Puts a configuration in force, or throws and changes nothing. */
  readonly apply: (next: Loaded) => void;
  /** The version this configuration's policy would have; throws when it does not compile. */
  readonly versionOf: (config: Config) => string;
  readonly now: () => number;
  readonly onNews: (news: PolicyChangeNews) => void;
}

/** What an approver's word to a change comes to. */
export type ChangeResult =
  | { readonly status: 'done'; readonly view: PolicyChangeView }
  /** `gone`: it is not in the state for that any more; `failed`: it cannot be put in force. */
  | { readonly status: 'unknown' | 'gone' }
  | { readonly status: 'failed'; readonly problem: string };

/** The last change that widened. */
export interface PolicyChanges {
  readonly view: () => PolicyChangeView | null;
  /**
   * Takes a configuration as it was loaded: puts it in force, or has it wait. `by`: an admin who saw the
   * difference and saved it, which needs no second word. Throws when it cannot be put in force.
   */
  readonly offer: (next: Loaded, by?: ApproverRef) => 'applied' | 'waiting';
  readonly accept: (id: string, approver: ApproverRef) => ChangeResult;
  readonly reject: (id: string, approver: ApproverRef) => ChangeResult;
  readonly undo: (id: string, approver: ApproverRef) => ChangeResult;
}

interface Change {
  view: PolicyChangeView;
  readonly diff: ConfigDiff;
  /** What accepting puts in force while it waits, what undoing does once it is applied. */
  readonly other: Loaded;
}

const lineLimit = 200;

/** Starts without any change. */
export function createPolicyChanges(parts: PolicyChangesParts): PolicyChanges {
  let last: Change | undefined;
  let nextId = randomInt(1, 1000);

  function tell(change: Change, approver: ApproverRef | undefined): PolicyChangeView {
    parts.onNews({ view: change.view, diff: change.diff, approver });
    return change.view;
  }

  function turn(
    change: Change,
    state: PolicyChangeView['state'],
    approver: ApproverRef,
  ): ChangeResult {
    change.view = { ...change.view, state, at: isoNow() };
    return { status: 'done', view: tell(change, approver) };
  }

  function isoNow(): string {
    return new Date(parts.now()).toISOString();
  }

  /** A change that waits or could be undone makes room for what comes after it. */
  function replaceLast(): void {
    if (last?.view.state === 'waiting') {
      last.view = { ...last.view, state: 'replaced' };
      tell(last, undefined);
    }
    last = undefined;
  }

  function begin(
    state: 'waiting' | 'applied',
    diff: ConfigDiff,
    next: Loaded,
    other: Loaded,
  ): Change {
    const lines = diffLines(diff);
    const more = lines.length - lineLimit;
    const shown = more > 0 ? [...lines.slice(0, lineLimit - 1), `and ${more + 1} more`] : lines;
    const version = parts.versionOf(next.config);
    return {
      view: { id: `c${nextId++}`, at: isoNow(), state, lines: shown, version },
      diff,
      other,
    };
  }

  function offer(next: Loaded, by?: ApproverRef): 'applied' | 'waiting' {
    const before = parts.current();
    const diff = diffConfigs(before.config, next.config);
    const isConfirmed = by !== undefined || !before.config.control.confirmWidening;
    if (diff.widens && !isConfirmed) {
      const change = begin('waiting', diff, next, next);
      replaceLast();
      last = change;
      tell(change, undefined);
      return 'waiting';
    }
    parts.apply(next);
    const isNothing = diff.changed.length + diff.added.length + diff.removed.length === 0;
    // A touch of the file must not take away the way back from the change before it.
    if (isNothing && last?.view.state !== 'waiting') return 'applied';
    replaceLast();
    if (diff.widens) {
      last = begin('applied', diff, next, before);
      tell(last, by);
    }
    return 'applied';
  }

  /** The change of that id while it is in that state. */
  function find(id: string, state: PolicyChangeView['state']): Change | 'unknown' | 'gone' {
    if (last?.view.id !== id) return 'unknown';
    return last.view.state === state ? last : 'gone';
  }

  function putInForce(loaded: Loaded): ChangeResult | undefined {
    try {
      parts.apply(loaded);
      return undefined;
    } catch (error) {
      const problem = error instanceof Error ? error.message : 'it cannot be put in force';
      return { status: 'failed', problem };
    }
  }

  return {
    view: () => last?.view ?? null,
    offer,
    accept: (id, approver) => {
      const change = find(id, 'waiting');
      if (typeof change === 'string') return { status: change };
      const before = parts.current();
      const failed = putInForce(change.other);
      if (failed !== undefined) return failed;
      last = { ...change, other: before };
      return turn(last, 'applied', approver);
    },
    reject: (id, approver) => {
      const change = find(id, 'waiting');
      return typeof change === 'string' ? { status: change } : turn(change, 'rejected', approver);
    },
    undo: (id, approver) => {
      const change = find(id, 'applied');
      if (typeof change === 'string') return { status: change };
      return putInForce(change.other) ?? turn(change, 'undone', approver);
    },
  };
}
