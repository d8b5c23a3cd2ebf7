// Holds with quiet parts, for tests that care about some of them only.
import { createAnswerLog } from '../../src/approval/answer-log.ts';
import type { FloodWatch } from '../../src/approval/flood.ts';
import type { HeldAsker } from '../../src/approval/group-view.ts';
import type { HoldsParts } from '../../src/approval/holds.ts';
import type { PendingGroup } from '../../src/approval/pending.ts';
import { programOf } from '../../src/approval/process-tree.ts';
import type { GroupView } from '../../src/control/messages.ts';
import { makeAskerView, makeGroup } from './views.ts';

/** A watch that never takes anything for a flood. */
export const calmFlood: FloodWatch = {
  judge: () => 'ask',
  isQuiet: () => false,
  refused: () => undefined,
  list: () => [],
  lift: () => false,
  bundleOf: () => null,
  closed: () => undefined,
};

/** The question's own numbers, and nothing that is found out about its host. */
export function plainView(group: PendingGroup<HeldAsker>): GroupView {
  const { id, revision, waiting, asked, unidentified } = group;
  const { protocol, host, port, kind } = group.destination;
  const { deadlineMs, oldestMs } = group;
  const numbers = { id, revision, protocol, host, port, waiting, asked, unidentified };
  return makeGroup({
    ...numbers,
    firstSeen: iso(group.firstSeenMs),
    lastSeen: iso(group.lastSeenMs),
    waitingSince: oldestMs === undefined ? null : iso(oldestMs),
    deadline: deadlineMs === undefined ? null : iso(deadlineMs),
    expires: iso(group.expiresMs),
    facts: { ...makeGroup().facts, kind },
    askers: group.askers.map(({ asker }) =>
      makeAskerView({
        pid: asker.process.pid,
        program: programOf(asker.process),
        cwd: asker.process.cwd ?? null,
        repository: asker.process.repository ?? null,
      }),
    ),
  });
}

/** Parts that find nobody, keep nothing and hold for 290 s. */
export function makeHoldsParts(given: Partial<HoldsParts> = {}): HoldsParts {
  return {
    limits: {
      holdMs: 290_000,
      questionMs: 1_800_000,
      holdsPerGroup: 1024,
      holds: 4096,
      groups: 64,
    },
    now: () => Date.now(),
    findAsker: () => Promise.resolve(undefined),
    view: plainView,
    stance: () => ({ end: 'timeout', holdMs: undefined, say: undefined }),
    flood: calmFlood,
    isBound: () => false,
    findProgramGrant: () => undefined,
    addGrant: () => undefined,
    log: createAnswerLog(),
    onOpened: () => undefined,
    onAnswered: () => undefined,
    onChanged: () => undefined,
    onBug: () => undefined,
    ...given,
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
