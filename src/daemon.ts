// Composition root of `sallyport run`: starts the parts in order, reloads and stops them. No logic: who may
// pass is policy/, who waits approval/, what moves proxy/.
import type { AuditEvent } from './audit/draft.ts';
import * as events from './audit/event.ts';
import * as gateEvents from './audit/gate-events.ts';
import { readRecent } from './audit/history.ts';
import { diffLines } from './config/diff.ts';
import { policyInput } from './config/effective.ts';
import { formatFinding, type Finding } from './config/finding.ts';
import { createInForce, type InForce } from './config/in-force.ts';
import { loadConfig, type LoadResult } from './config/load.ts';
import { createReloader, type Reloader } from './config/reload.ts';
import { claimState } from './control/claim.ts';
import type { ReloadResponse, StatusResponse } from './control/messages.ts';
import { gateView } from './daemon/access.ts';
import { limitsOf } from './daemon/approvals.ts';
import { openDoors, type Doors } from './daemon/doors.ts';
import { replaceOutlets, version } from './daemon/outlets.ts';
import {
  buildParts,
  closeParts,
  flushParts,
  type DaemonOptions,
  type Parts,
} from './daemon/parts.ts';
import {
  createPolicyChanges,
  type Loaded,
  type PolicyChangeNews,
  type PolicyChanges,
} from './daemon/policy-changes.ts';
import { SallyportError } from './errors.ts';
import type { ApproverRef, Permit } from './policy/decision.ts';
import { compilePolicy } from './policy/rules.ts';
import { vet } from './policy/evaluate.ts';
import { openState, stateFolder } from './state.ts';

/** Where the daemon listens, as URLs; null for a listener that is off. */
export interface ReadyInfo {
  readonly http: string;
  readonly socks: string;
  readonly gateway: string | null;
  readonly control: string | null;
  /** Path of the control socket. */
  readonly socket: string;
  /** The state folder. */
  readonly state: string;
}

/** A running daemon. */
export interface Daemon {
  readonly ready: ReadyInfo;
  /** Resolves with the exit code once everything is closed and flushed. */
  readonly stopped: Promise<number>;
  readonly reload: () => void;
  readonly stop: () => Promise<void>;
}

const drainMs = 3_000;
const heartbeatMs = 60_000;
const reloadLineLimit = 200;
const warmUpMs = 1_000;
/** Some fifteen thousand decisions. */
const rememberedBytes = 8 * 1024 * 1024;

/** Starts everything; rejects, with all of it closed again, when any part cannot be had. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const load = (): LoadResult =>
    loadConfig({ configFile: options.configFile, env: options.env, platform: process.platform });
  const loaded = load();
  if (!loaded.ok) throw configError(loaded.findings);
  const inForce = createInForce(loaded.config, loaded.warnings);
  await using undo = new AsyncDisposableStack();
  const state = openState(stateFolder(options.env));
  const release = await claimState(state);
  undo.defer(release);
  const parts = buildParts(options, inForce, state);
  undo.defer(() => closeParts(parts));
  const doors = await openDoors(parts, undo);
  const daemon = new RunningDaemon(parts, doors, load, release);
  undo.move(); // from here on the daemon itself closes what was opened
  return daemon;
}

function configError(findings: readonly Finding[]): SallyportError {
  return new SallyportError('ERR_CONFIG_INVALID', findings.map(formatFinding).join('\n'));
}

class RunningDaemon implements Daemon {
  readonly ready: ReadyInfo;
  readonly stopped: Promise<number>;
  readonly #parts: Parts;
  readonly #doors: Doors;
  /** Gives the state folder free for another daemon. */
  readonly #release: () => void;
  readonly #reloader: Reloader;
  readonly #startedMs = Date.now();
  readonly #heartbeat: NodeJS.Timeout;
  readonly #warmUp: NodeJS.Timeout;
  readonly #ended = Promise.withResolvers<number>();
  #stopping: Promise<void> | undefined;
  /** What the reload under way has to say. */
  #reloadMessages: readonly string[] = [];
  readonly #changes: PolicyChanges;
  /** The admin who saved what is being loaded, with the difference in sight. */
  #savedBy: ApproverRef | undefined;

  constructor(parts: Parts, doors: Doors, load: () => LoadResult, release: () => void) {
    this.#parts = parts;
    this.#doors = doors;
    this.#release = release;
    this.stopped = this.#ended.promise;
    this.ready = readyInfo(parts, doors);
    const { config } = parts.inForce;
    this.#changes = createPolicyChanges({
      current: () => ({ config: parts.inForce.config, warnings: parts.inForce.warnings }),
      apply: (next) => this.#accept(next),
      versionOf: (next) => compilePolicy(policyInput(next)).version,
      now: Date.now,
      onNews: (news) => this.#tellChange(news),
    });
    parts.desk.status = () => this.#status();
    parts.desk.reload = (by) => this.#reloadNow(by);
    parts.desk.changes = this.#changes;
    writeControlFile(parts, this.ready);
    void this.#note(gateEvents.daemonEvent, { change: 'started', version, pid: process.pid });
    this.#notePolicy();
    for (const warning of parts.inForce.report().warnings) parts.log.warn(warning);
    this.#reloader = createReloader({
      files: config.files,
      load,
      onLoaded: (next, warnings) => this.#offer({ config: next, warnings }),
      onRejected: (findings) => this.#reject(findings),
      onProblem: parts.onBug,
    });
    // The last resort: one connection's fault must not end everybody's. The gate itself has refused by then.
    process.on('uncaughtException', parts.onBug);
    this.#warmUp = setTimeout(() => warmUp(parts), warmUpMs);
    this.#warmUp.unref();
    this.#heartbeat = setInterval(() => this.#beat(), heartbeatMs);
    this.#heartbeat.unref();
  }

  reload = (): void => {
    this.#reloader.reload();
  };

  stop = (): Promise<void> => {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  };

  async #stop(): Promise<void> {
    const { http, socks, gateway, control, socket } = this.#doors;
    const { approvals, live } = this.#parts;
    clearInterval(this.#heartbeat);
    clearTimeout(this.#warmUp);
    this.#reloader.close();
    const listeners = [http, socks, gateway].filter((listener) => listener !== undefined);
    for (const listener of listeners) listener.stopAccepting();
    await this.#note(gateEvents.daemonEvent, { change: 'stopping', version, pid: process.pid });
    approvals.holds.stop();
    live.closeAll('stopping');
    await Promise.all(listeners.map((listener) => listener.close(drainMs)));
    await Promise.all([control?.close(), socket.close()]);
    await closeParts(this.#parts);
    this.#release();
    process.off('uncaughtException', this.#parts.onBug);
    this.#ended.resolve(0);
  }

  #offer(next: Loaded): void {
    try {
      if (this.#changes.offer(next, this.#savedBy) === 'applied') return;
      this.#reloadMessages = [
        'it would let more through, so it waits for an approver: "sallyport changes" shows it',
      ];
    } catch (error) {
      const message = error instanceof Error ? error.message : 'it cannot be put in force';
      this.#reject([{ severity: 'error', file: 'reload', line: 1, column: 1, message }]);
    }
  }

  /** Puts a configuration in force, or throws and changes nothing. */
  #accept({ config: next, warnings }: Loaded): void {
    const { inForce, approvals, live, log, judge, ownPorts, outlets, access } = this.#parts;
    // First what can fail: a file that has gone since it was checked leaves the last policy in force.
    replaceOutlets(outlets, this.#parts.outletParts, inForce.config, next);
    const diff = inForce.accept(next, warnings);
    try {
      writeControlFile(this.#parts, this.ready); // exec.no_proxy is in it
    } catch (error) {
      this.#parts.onBug(error); // a full disk must not keep a tighter policy out
    }
    approvals.holds.setLimits(limitsOf(next));
    const released = approvals.holds.rejudge(judge);
    const closed = live.rejudge((permit) => stillAllowed(permit, judge, inForce, ownPorts));
    access.feed.mark('gate');
    access.feed.mark('groups');
    this.#notePolicy();
    const lines = diffLines(diff);
    const more = lines.length - reloadLineLimit;
    this.#reloadMessages = [
      ...inForce.report().warnings,
      ...lines.slice(0, reloadLineLimit),
      ...(more > 0 ? [`and ${more} more changes`] : []),
    ];
    const { version: policy } = inForce.policy;
    const shown = lines.slice(0, reloadLineLimit).join('; ');
    const facts = { policy, changes: lines.length, shown, released, closed };
    if (diff.widens) log.warn('a new policy is in force, and it lets more through', facts);
    else log.info('a new policy is in force', facts);
  }

  #tellChange({ view, diff, approver }: PolicyChangeNews): void {
    const { access, log } = this.#parts;
    access.feed.mark('policyChange');
    if (view.state === 'waiting') {
      const shown = view.lines.slice(0, reloadLineLimit).join('; ');
      log.warn('a new policy would let more through and waits for an approver', { shown });
    }
    void this.#note(gateEvents.policyChangedEvent, {
      state: view.state,
      version: view.version,
      added: diff.added.length,
      removed: diff.removed.length,
      keys: diff.changed.length,
      approver,
    });
  }

  #reject(findings: readonly Finding[]): void {
    const { inForce, log, access } = this.#parts;
    inForce.reject(findings);
    access.feed.mark('gate');
    const problems = findings.map(formatFinding);
    this.#reloadMessages = problems;
    log.error('the new configuration has mistakes; the last good one stays', {
      problem: problems[0],
    });
    void this.#note(gateEvents.policyRejectedEvent, { kept: inForce.policy.version, problems });
  }

  #reloadNow(by: ApproverRef | undefined): ReloadResponse {
    this.#reloadMessages = [];
    this.#savedBy = by;
    this.#reloader.reload(); // loads before it returns
    this.#savedBy = undefined;
    const { rejected, version: policy, pendingRestart } = this.#parts.inForce.report();
    const messages =
      pendingRestart.length === 0
        ? this.#reloadMessages
        : [
            ...this.#reloadMessages,
            `changed, in force at the next start: ${pendingRestart.join(', ')}`,
          ];
    return { loaded: rejected === null, version: policy, messages };
  }

  #notePolicy(): void {
    const { config, policy } = this.#parts.inForce;
    const { version: policyVersion, enabled, mode, unknown, counts } = policy;
    void this.#parts.trail.note((uid, at) =>
      gateEvents.policyLoadedEvent(uid, at, {
        version: policyVersion,
        enabled,
        mode,
        unknown,
        allowRules: counts.allow,
        denyRules: counts.deny,
        layers: config.layers,
      }),
    );
  }

  #beat(): void {
    const { approvals, live, outlets, inForce } = this.#parts;
    approvals.grants.sweep();
    flushParts(this.#parts);
    const { delivered = 0, dropped = 0 } = outlets.exporter?.health() ?? {};
    const waiting = approvals.holds.counts();
    void this.#note(gateEvents.heartbeatEvent, {
      uptimeMs: Date.now() - this.#startedMs,
      connections: live.count,
      groups: waiting.groups,
      holds: waiting.holds,
      exported: delivered,
      dropped,
      policyVersion: inForce.policy.version,
    });
  }

  #note<T>(make: (uid: string, at: number, data: T) => AuditEvent, data: T): Promise<void> {
    return this.#parts.trail.note((uid, at) => make(uid, at, data));
  }

  #status(): StatusResponse {
    const { inForce, approvals, journal, outlets, state, desk } = this.#parts;
    const { http, socks, gateway } = this.#doors;
    return {
      version,
      pid: process.pid,
      started: new Date(this.#startedMs).toISOString(),
      listeners: {
        http: this.ready.http,
        socks: this.ready.socks,
        gateway: this.ready.gateway,
        control: this.ready.control,
        socket: this.ready.socket,
      },
      state: state.folder,
      policy: inForce.report(),
      parent: outlets.parents.describe() ?? null,
      connections: { http: http.count, socks5: socks.count, gateway: gateway?.count ?? 0 },
      waiting: approvals.holds.counts(),
      gate: gateView(this.#parts),
      policyChange: this.#changes.view(),
      surfaces: approvals.attendance.counts(),
      tray: desk.tray,
      reviewer: {
        kind: approvals.reviewing.kind,
        problem: approvals.reviewing.problem(),
      },
      audit: {
        journal: journal.state(),
        exporter: {
          kind: outlets.exporter === undefined ? 'none' : 'otlp-http',
          ...(outlets.exporter?.health() ?? { ok: true, delivered: 0, dropped: 0, problem: null }),
        },
      },
    };
  }
}

/**
 * What a quiet moment is good for: the trusted roots, which the gateway's first request should not wait for, and
 * what earlier runs knew of hosts, which the first question should show.
 */
function warmUp(parts: Parts): void {
  const { inForce, outlets, approvals, access, onBug } = parts;
  const { enabled, upstream } = inForce.config.gateway;
  if (enabled && upstream.protocol === 'https:') outlets.dialer.warmUp();
  const past: events.PastDecision[] = [];
  const keep = (event: AuditEvent): void => {
    const decision = events.readDecision(event);
    if (decision !== undefined) past.push(decision);
  };
  void readRecent(parts.journalFolder, rememberedBytes, keep).then(() => {
    for (const decision of past.toReversed()) approvals.memory.seed(decision);
    access.feed.mark('groups');
  }, onBug);
}

/** True while neither the rules for the host nor those for the addresses dialled deny what is open. */
function stillAllowed(
  { request, route }: Permit,
  judge: Parts['judge'],
  inForce: InForce,
  ownPorts: ReadonlySet<number>,
): boolean {
  if (judge(request).outcome === 'deny') return false;
  if (route.via !== 'direct') return true;
  return route.addresses.every(
    (address) => vet(request, address, inForce.policy, ownPorts) === undefined,
  );
}

function readyInfo({ state }: Parts, { http, socks, gateway, control }: Doors): ReadyInfo {
  const url = (port: number | undefined): string | null =>
    port === undefined ? null : `http://127.0.0.1:${port}`;
  return {
    http: `http://127.0.0.1:${http.port}`,
    socks: `socks5h://127.0.0.1:${socks.port}`,
    gateway: gateway === undefined ? null : `http://127.0.0.1:${gateway.port}/v1`,
    control: url(control?.port),
    socket: state.socketPath,
    state: state.folder,
  };
}

/** How commands find this daemon. */
function writeControlFile({ state, inForce }: Parts, ready: ReadyInfo): void {
  const { http, socks, gateway, control, socket } = ready;
  const { noProxy } = inForce.config.exec;
  const file = { pid: process.pid, http, socks, gateway, control, socket, noProxy };
  state.writeAtomic('control.json', `${JSON.stringify(file)}\n`);
}
