// Builds every part of the daemon but its listeners, and hands each what it needs.
import { randomInt, randomUUID } from 'node:crypto';
import { join, resolve as resolvePath } from 'node:path';
import { createAskerFinder, createProcessFinder } from '../approval/asker.ts';
import { createGrants, type Grants } from '../approval/grants.ts';
import { createHolds, type Holds } from '../approval/holds.ts';
import type { PendingLimits } from '../approval/pending.ts';
import { processRef, type Asker } from '../approval/process-tree.ts';
import * as events from '../audit/event.ts';
import { createJournal, type Journal } from '../audit/journal.ts';
import { createTrail, type Trail } from '../audit/trail.ts';
import type { Config } from '../config/config.ts';
import type { InForce } from '../config/in-force.ts';
import type { GrantView } from '../control/messages.ts';
import { createGate, type Gate } from '../gate.ts';
import type { Log } from '../log.ts';
import type { ApproverRef, DecisionRequest, Verdict } from '../policy/decision.ts';
import { evaluate, vet } from '../policy/evaluate.ts';
import { createLive, type Live } from '../proxy/live.ts';
import { createReadBufferCollector } from '../proxy/read-buffers.ts';
import { createResolver, type Resolver } from '../proxy/resolve.ts';
import type { State } from '../state.ts';
import { closeOutlets, openOutlets, type Outlets } from './outlets.ts';

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
  readonly trail: Trail;
  readonly grants: Grants;
  readonly holds: Holds;
  readonly live: Live;
  readonly resolver: Resolver;
  readonly gate: Gate;
  readonly findAsker: (client: DecisionRequest['client']) => Promise<Asker | undefined>;
  readonly findProcess: (pid: number) => Promise<Asker | undefined>;
  readonly judge: (request: DecisionRequest) => Verdict;
  /** Ports of our own listeners, filled as they open. */
  readonly ownPorts: Set<number>;
  readonly onBug: (error: unknown) => void;
}

/** Builds everything but the listeners; opens the journal. Throws when the state or a file cannot be used. */
export function buildParts(options: DaemonOptions, inForce: InForce, state: State): Parts {
  const { log, env } = options;
  const { config } = inForce;
  const ownPorts = new Set<number>();
  const onBug = (error: unknown): void =>
    log.error('a bug was met; what it was about was refused', { problem: describe(error) });
  const journal = createJournal({
    folder: resolvePath(state.folder, config.audit.folder),
    onProblem: (problem) =>
      log.error('the gate is closed: the journal cannot be written', { problem }),
    onRecovered: () => log.info('the journal is written again; the gate is open'),
  });
  const resolver = createResolver({ threads: Number(env['UV_THREADPOOL_SIZE']) || 4 });
  const outlets = openOutlets({ env, log, resolver, ownPorts }, config);
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
  const grants = createGrants({
    store: {
      file: join(state.folder, 'grants.json'),
      load: () => state.read('grants.json'),
      save: (text) => state.writeAtomic('grants.json', text),
    },
    now: Date.now,
    onChanged: (change, grant) => noteGrant(trail, change, grant, undefined),
  });
  const judge = (request: DecisionRequest): Verdict =>
    evaluate(request, inForce.policy, grants.find, ownPorts);
  const lookup = {
    mainFile: join(import.meta.dirname, '..', 'main.ts'),
    now: () => performance.now(),
  };
  const findAsker = createAskerFinder(lookup);
  const holds = openHolds({ config, trail, grants, judge, findAsker, onBug });
  const gate = createGate({
    evaluate: judge,
    vet: (request, address) => vet(request, address, inForce.policy, ownPorts),
    consume: grants.consume,
    hold: holds.hold,
    parentFor: (request) => outlets.parents.parentFor(request),
    resolve: resolver.resolve,
    record: async (uid, entry) => {
      await trail.record(uid, entry);
      if (entry.verdict.grant !== undefined) grants.noteUse(entry.verdict.grant.id);
    },
    policyVersion: () => inForce.policy.version,
    onBug,
  });
  return {
    options,
    log,
    inForce,
    state,
    journal,
    outlets,
    trail,
    grants,
    holds,
    live,
    resolver,
    gate,
    findAsker,
    findProcess: createProcessFinder(lookup),
    judge,
    ownPorts,
    onBug,
  };
}

function openHolds(
  from: Pick<Parts, 'trail' | 'grants' | 'judge' | 'findAsker' | 'onBug'> & {
    readonly config: Config;
  },
): Holds {
  const { config, trail, grants, judge, findAsker, onBug } = from;
  return createHolds({
    limits: limitsOf(config),
    now: () => performance.timeOrigin + performance.now(),
    findAsker,
    addGrant: grants.add,
    onOpened: ({ id, destination, client, asker }) =>
      void trail.note((uid, at) =>
        events.approvalOpenedEvent(uid, at, {
          group: id,
          target: destination,
          client,
          asker: processRef(asker),
        }),
      ),
    onAnswered: ({ id, destination, grant, ...answer }) =>
      void trail.note((uid, at) =>
        events.approvalAnsweredEvent(uid, at, {
          ...answer,
          group: id,
          target: destination,
          grant: grant?.id,
        }),
      ),
    onBug,
    evaluate: judge,
    firstId: randomInt(1, 1_000),
  });
}

/** The limits of holds and questions in this configuration. */
export function limitsOf({ approvals }: Config): PendingLimits {
  return {
    holdMs: approvals.holdSeconds * 1_000,
    questionMs: approvals.questionMinutes * 60_000,
    holdsPerGroup: approvals.holdsPerGroup,
    holds: approvals.holds,
    groups: approvals.groups,
  };
}

/** Writes down what a grant became; `by` is who took it back, where somebody did. */
export function noteGrant(
  trail: Trail,
  change: 'created' | 'revoked' | 'expired',
  grant: GrantView,
  by: ApproverRef | undefined,
): void {
  const approver = by ?? { name: grant.approver, surface: grant.surface };
  void trail.note((uid, at) => events.grantEvent(uid, at, { ...grant, change, approver }));
}

/** Frees every part; what is still to be written is. */
export async function closeParts({
  resolver,
  grants,
  journal,
  outlets,
  state,
  onBug,
}: Parts): Promise<void> {
  resolver.close();
  try {
    grants.flush();
  } catch (error) {
    onBug(error);
  }
  await journal.close();
  await closeOutlets(outlets);
  state.remove('control.json');
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
