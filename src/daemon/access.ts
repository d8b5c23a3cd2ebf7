// Builds who may use the control API and what they watch: tokens, page sessions, and the live feed over the parts.
import { createUserCheck } from '../approval/asker.ts';
import type { LiveSource } from '../control/redact.ts';
import { createFeed, type Feed } from '../control/feed.ts';
import type { GateView } from '../control/messages.ts';
import { createPageSessions, type PageSessions } from '../control/page-sessions.ts';
import { createTokens, type Tokens } from '../control/tokens.ts';
import type { State } from '../state.ts';
import { version } from './outlets.ts';
import type { Parts } from './parts.ts';

/** Who may use the control API, and what they watch. */
export interface Access {
  readonly tokens: Tokens;
  readonly pages: PageSessions;
  readonly feed: Feed;
  readonly live: LiveSource;
  /** The control port once it is bound; undefined while it is off. */
  port: number | undefined;
}

/** Builds them; `parts` is asked for only once all are built. ERR_STATE_CORRUPT for a damaged token file. */
export function openAccess(state: State, parts: () => Parts): Access {
  const tokens = createTokens({ state, now: Date.now });
  const pages = createPageSessions({
    now: Date.now,
    url: () => (access.port === undefined ? undefined : `http://127.0.0.1:${access.port}`),
    isValid: tokens.isValid,
    // root could read the token, and relays connections (of Windows browsers into WSL)
    isForeign: createUserCheck(process.platform, process.geteuid?.(), [0]),
  });
  const live = liveSource(parts);
  const feed = createFeed({
    source: live,
    onWatching: (surface, change) => {
      const { approvals, desk } = parts();
      approvals.attendance.watching(surface, change);
      // What a tray said of its desktop is gone with it.
      if (approvals.attendance.counts().tray === undefined) desk.tray = null;
    },
    isValid: (key) => tokens.isValid(key) || pages.isValid(key),
    onBug: (error) => parts().onBug(error),
  });
  const access: Access = { tokens, pages, feed, live, port: undefined };
  return access;
}

const shownAnswers = 50;

function liveSource(parts: () => Parts): LiveSource {
  return {
    version,
    gate: () => gateView(parts()),
    groups: () => parts().approvals.holds.list(),
    floods: () => parts().approvals.flood.list(),
    grants: () => parts().approvals.grants.list(),
    answers: () => parts().approvals.answers.list().slice(0, shownAnswers),
    policyChange: () => parts().desk.changes?.view() ?? null,
  };
}

/** What the gate as a whole is doing. */
export function gateView({ approvals, inForce, journal, outlets }: Parts): GateView {
  const { brakes, attendance, reviewing } = approvals;
  const { rejected, version: policyVersion } = inForce.report();
  const troubles = [
    trouble('the gate is closed, since the journal cannot be written', journal.state().problem),
    trouble('the configuration on disk has mistakes and is not in force', rejected),
    trouble('records do not reach the collector', outlets.exporter?.health().problem ?? null),
    trouble('reviewer', reviewing.problem()),
  ];
  return {
    attendance: attendance.isAttended() ? 'attended' : 'unattended',
    pausedUntil: isoOf(brakes.pausedUntilMs()),
    panicSince: isoOf(brakes.panicSinceMs()),
    troubles: troubles.filter((text) => text !== null),
    policyVersion,
    desktop: inForce.config.approvals.desktop,
  };
}

function trouble(what: string, problem: string | null): string | null {
  return problem === null ? null : `${what}: ${problem}`;
}

function isoOf(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
