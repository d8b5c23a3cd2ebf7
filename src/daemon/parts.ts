// Builds every part of the daemon but its listeners, and hands each what it needs.
import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { resolve as resolvePath } from 'node:path';
import * as events from '../audit/event.ts';
import { createJournal, type Journal } from '../audit/journal.ts';
import { createTrail, type Trail } from '../audit/trail.ts';
import type { InForce } from '../config/in-force.ts';
import { createGate, type Gate } from '../gate.ts';
import type { Log } from '../log.ts';
import type { ReloadResponse, StatusResponse } from '../control/messages.ts';
import type { ApproverRef, DecisionRequest, Verdict } from '../policy/decision.ts';
import { evaluate, vet } from '../policy/evaluate.ts';
import { createLive, type Live } from '../proxy/live.ts';
import { createReadBufferCollector } from '../proxy/read-buffers.ts';
import { createResolver, type Resolver } from '../proxy/resolve.ts';
import type { State } from '../state.ts';
import { openAccess, type Access } from './access.ts';
import { openApprovals, type Approvals } from './approvals.ts';
import { closeOutlets, openOutlets, type OutletParts, type Outlets } from './outlets.ts';
import type { PolicyChanges } from './policy-changes.ts';

/** What a start depends on. */
export interface DaemonOptions {
  /** `--config FILE`. */
  readonly configFile: string | undefined;
  /** The user's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
}

/** Everything but the listeners. */
export interface Parts {
  readonly options: DaemonOptions;
  readonly log: Log;
  readonly inForce: InForce;
  readonly state: State;
  readonly journal: Journal;
  readonly outlets: Outlets;
  readonly outletParts: OutletParts;
  readonly trail: Trail;
  readonly approvals: Approvals;
  readonly access: Access;
  readonly live: Live;
  readonly resolver: Resolver;
  readonly gate: Gate;
  readonly judge: (request: DecisionRequest) => Verdict;
  /** Ports of our own listeners, filled as they open. */
  readonly ownPorts: Set<number>;
  readonly onBug: (error: unknown) => void;
  /** The folder of the journal. */
  readonly journalFolder: string;
  readonly desk: Desk;
}

/** What only the whole daemon can give; filled in once it stands. */
export interface Desk {
  status: (() => StatusResponse) | undefined;
  /** `by`: an admin who saved what is loaded, with the difference in sight. */
  reload: ((by: ApproverRef | undefined) => ReloadResponse) | undefined;
  changes: PolicyChanges | undefined;
  /** What the tray said of its desktop last. */
  tray: string | null;
}

/** Builds everything but the listeners; opens the journal. Throws when the state or a file cannot be used. */
export function buildParts(options: DaemonOptions, inForce: InForce, state: State): Parts {
  const { log, env } = options;
  const { config } = inForce;
  const ownPorts = new Set<number>();
  const onBug = (error: unknown): void =>
    log.error('a bug was met; what it was about was refused', { problem: describe(error) });
  const journalFolder = resolvePath(state.folder, config.audit.folder);
  const desk: Desk = { status: undefined, reload: undefined, changes: undefined, tray: null };
  const access = openAccess(state, () => parts);
  const { mark } = access.feed;
  const journal = createJournal({
    folder: journalFolder,
    onProblem: (problem) => {
      mark('gate');
      log.error('the gate is closed: the journal cannot be written', { problem });
    },
    onRecovered: () => {
      mark('gate');
      log.info('the journal is written again; the gate is open');
    },
  });
  const resolver = createResolver({ threads: Number(env['UV_THREADPOOL_SIZE']) || 4 });
  const outletParts = { env, log, resolver, ownPorts, onHealth: () => mark('gate') };
  const outlets = openOutlets(outletParts, config);
  const trail = createTrail({
    journal,
    exportEvent: (event) => outlets.exporter?.emit(event),
    now: Date.now,
    newUid: randomUUID,
  });
  const live = createLive({
    now: Date.now,
    onClosed: (closed) =>
      void trail.note((uid, at) => events.connectionClosedEvent(uid, at, closed)),
    onRead: createReadBufferCollector(),
  });
  const judge = (request: DecisionRequest): Verdict =>
    evaluate(
      request,
      inForce.policy,
      approvals.grants.find,
      ownPorts,
      approvals.brakes.panicSinceMs() !== undefined,
    );
  const approvals = openApprovals({
    inForce,
    state,
    trail,
    live,
    judge,
    ownPorts,
    env,
    log,
    resolve: resolver.resolve,
    userName,
    mark,
    onBug,
  });
  const { grants, holds, brakes, memory, patience, answers } = approvals;
  const gate = createGate({
    evaluate: judge,
    vet: (request, address) => vet(request, address, inForce.policy, ownPorts),
    consume: grants.consume,
    hold: holds.hold,
    parentFor: (request) => outlets.parents.parentFor(request),
    resolve: resolver.resolve,
    record: async (uid, entry) => {
      await trail.record(uid, entry);
      memory.note(entry, Date.now());
      patience.note(entry);
      if (entry.verdict.grant !== undefined) grants.noteUse(entry.verdict.grant.id);
    },
    policyVersion: () => inForce.policy.version,
    generation: () => inForce.generation + brakes.generation(),
    isUndone: answers.isUndone,
    onBug,
  });
  const parts: Parts = {
    options,
    log,
    inForce,
    state,
    journal,
    outlets,
    outletParts,
    trail,
    approvals,
    access,
    live,
    resolver,
    gate,
    judge,
    ownPorts,
    onBug,
    journalFolder,
    desk,
  };
  return parts;
}

/** The name of a user of this machine; only one's own is known without asking the system's database. */
function userName(uid: number): string {
  const me = userInfo();
  return uid === me.uid ? me.username : `uid ${uid}`;
}

/** Frees every part; what is still to be written is. */
export async function closeParts(parts: Parts): Promise<void> {
  const { resolver, approvals, access, journal, outlets, state } = parts;
  resolver.close();
  access.feed.close();
  approvals.reviewing.close();
  approvals.brakes.close();
  approvals.attendance.close();
  flushParts(parts);
  await journal.close();
  await closeOutlets(outlets);
  state.remove('control.json');
}

/** Writes what is only counted in memory; a disk that says no is told, and tried again. */
export function flushParts({ approvals, access, onBug }: Parts): void {
  for (const { flush } of [approvals.grants, access.tokens]) {
    try {
      flush();
    } catch (error) {
      onBug(error);
    }
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
