// Builds who else is asked or told of a question: the automatic reviewer, and the hook for chats and phones. Both
// run what the configuration names at the start.
import { readFileSync } from 'node:fs';
import { createHook, type Hook } from '../approval/hook.ts';
import { createPendingHook } from '../approval/pending-hook.ts';
import { createReviewer, type ReviewerParts } from '../approval/reviewer.ts';
import * as approvalEvents from '../audit/approval-events.ts';
import type { Trail } from '../audit/trail.ts';
import type { Hook as HookSetting } from '../config/config.ts';
import type { InForce } from '../config/in-force.ts';
import type { LivePart } from '../control/lane.ts';
import type { GroupView } from '../control/messages.ts';
import type { Log } from '../log.ts';
import type { Resolver } from '../proxy/resolve.ts';

/** The reviewer and the hook as the others use them. */
export interface Reviewing {
  /** As it was at the start; what the file says since takes effect at the next one. */
  readonly kind: 'user' | 'auto_review';
  /** A new question; never throws. */
  readonly opened: (view: GroupView) => void;
  readonly closed: (id: string) => void;
  readonly reviewOf: ReturnType<typeof createReviewer>['reviewOf'];
  /** What is wrong, as a sentence; null when nothing is. */
  readonly problem: () => string | null;
  readonly close: () => void;
}

/** What they are built from. */
export interface ReviewingParts extends Pick<
  ReviewerParts,
  'group' | 'answer' | 'isPaused' | 'now' | 'onBug'
> {
  readonly inForce: InForce;
  readonly trail: Trail;
  readonly log: Log;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Looks names of endpoints up, in the daemon's own lane. */
  readonly resolve: Resolver['resolve'];
  /** Where programs start. */
  readonly folder: string;
  readonly mark: (part: LivePart) => void;
}

/** Builds them; throws when the certificates they need cannot be read. */
export function openReviewing(parts: ReviewingParts): Reviewing {
  const { inForce, trail, log, mark } = parts;
  const { approvals } = inForce.config;
  const review =
    approvals.reviewer === 'auto_review' ? openHook(parts, approvals.reviewWith, true) : undefined;
  const tell = openHook(parts, approvals.onPending, false);
  const pendingHook = createPendingHook({
    run: tell?.run,
    isPaused: parts.isPaused,
    group: parts.group,
    onProblem: (problem) => {
      mark('gate');
      log.warn('questions cannot be told to on_pending', { problem });
    },
    onRecovered: () => {
      mark('gate');
      log.info('questions are told to on_pending again');
    },
  });
  const reviewer = createReviewer({
    ask: review?.run,
    settings: () => inForce.config.approvals,
    isPaused: parts.isPaused,
    group: parts.group,
    answer: parts.answer,
    now: parts.now,
    onChanged: () => {
      mark('groups');
      mark('gate');
    },
    onAsked: pendingHook.opened,
    onReviewed: ({ id, verdict, ...reviewed }) =>
      void trail.note((uid, at) =>
        approvalEvents.approvalReviewedEvent(uid, at, {
          ...reviewed,
          group: id,
          verdict: verdict?.verdict,
          risk: verdict?.risk,
        }),
      ),
    onBug: parts.onBug,
  });
  return {
    kind: approvals.reviewer,
    opened: reviewer.opened,
    closed: reviewer.closed,
    reviewOf: reviewer.reviewOf,
    problem: () => {
      const told = pendingHook.problem();
      return reviewer.problem() ?? (told === null ? null : `on_pending ${told}`);
    },
    close: () => {
      review?.close();
      pendingHook.close();
      tell?.close();
    },
  };
}

function openHook(
  { inForce, env, folder, resolve }: ReviewingParts,
  target: HookSetting | undefined,
  wantsAnswer: boolean,
): Hook | undefined {
  if (target === undefined) return undefined;
  const { extraCa } = inForce.config.gateway;
  const roots = extraCa === undefined ? [] : [readFileSync(extraCa, 'utf8')];
  return createHook({ target, wantsAnswer, env, folder, extraCa: roots, resolve });
}
