// Events about the gate as a whole: who steers it, its policy, its beginning, life and end. Pure builders.
import type { ApproverRef, Layer, ProcessRef } from '../policy/decision.ts';
import { type AuditEvent, approved, asking, buildEvent, whole } from './draft.ts';
import { escapeText } from './escape.ts';

/** A program that asks, or one that hides, tried to steer the gate. */
export interface RefusedAction {
  readonly action: string;
  readonly approver: ApproverRef;
  readonly asker: ProcessRef | undefined;
  /** True when `dangerously_allow_self_approval` let it through. */
  readonly taken: boolean;
}

/** The guard of the control API met a caller that may not steer the gate. */
export function controlRefusedEvent(uid: string, timeMs: number, tried: RefusedAction): AuditEvent {
  return buildEvent(uid, timeMs, 'sallyport.control.refused', {
    'sallyport.control.action': escapeText(tried.action, 64),
    'sallyport.answer.taken': tried.taken,
    ...approved(tried.approver),
    ...asking(tried.asker),
  });
}

/** A change through the control API, with the token it came with. */
export interface ControlAct {
  readonly action: string;
  readonly approver: ApproverRef;
  readonly token: string;
  readonly about: string | null;
}

/** A change was made through the control API; what it changed may have an event of its own. */
export function controlActedEvent(uid: string, timeMs: number, act: ControlAct): AuditEvent {
  return buildEvent(uid, timeMs, 'sallyport.control.acted', {
    'sallyport.control.action': escapeText(act.action, 64),
    'sallyport.control.about': act.about === null ? undefined : escapeText(act.about, 128),
    'sallyport.control.token': escapeText(act.token, 64),
    ...approved(act.approver),
  });
}

/** Pause, panic and their ends. */
export interface GateChange {
  readonly change: 'paused' | 'resumed' | 'panic' | 'reopened';
  /** ISO 8601; for a pause. */
  readonly until?: string | undefined;
  readonly closed: number;
  readonly approver: ApproverRef;
}

/** An approver changed what the gate as a whole does. */
export function gateEvent(uid: string, timeMs: number, gate: GateChange): AuditEvent {
  return buildEvent(uid, timeMs, `sallyport.gate.${gate.change}`, {
    'sallyport.gate.until': gate.until,
    'sallyport.gate.closed': whole(gate.closed),
    ...approved(gate.approver),
  });
}

/** A program tree that is refused quietly, when that begins and when a person lifts it (`approver`). */
export interface Flood {
  readonly asker: ProcessRef | undefined;
  readonly refused: number;
  readonly approver?: ApproverRef | undefined;
}

/** A program asked for too much, or a person has looked. */
export function floodEvent(uid: string, timeMs: number, flood: Flood): AuditEvent {
  return buildEvent(uid, timeMs, 'sallyport.gate.flood', {
    'sallyport.flood.refused': whole(flood.refused),
    ...asking(flood.asker),
    ...approved(flood.approver),
  });
}

/** A policy as the record sums it up. */
export interface LoadedPolicy {
  readonly version: string;
  readonly enabled: boolean;
  readonly mode: 'full' | 'limited';
  readonly unknown: 'ask' | 'deny' | 'report';
  readonly allowRules: number;
  readonly denyRules: number;
  readonly layers: readonly { readonly layer: Layer; readonly file: string }[];
}

/** A policy came into force, at the start or by a reload. */
export function policyLoadedEvent(uid: string, timeMs: number, policy: LoadedPolicy): AuditEvent {
  const layers = policy.layers.map(({ layer, file }) => `${layer}=${file}`).join(' ');
  return buildEvent(uid, timeMs, 'sallyport.policy.loaded', {
    'sallyport.policy.version': policy.version,
    'sallyport.policy.enabled': policy.enabled,
    'sallyport.policy.mode': policy.mode,
    'sallyport.policy.unknown': policy.unknown,
    'sallyport.policy.allow_rules': whole(policy.allowRules),
    'sallyport.policy.deny_rules': whole(policy.denyRules),
    'sallyport.policy.layers': escapeText(layers, 2048),
  });
}

/** A policy that widens, on its way. */
export interface PolicyChange {
  readonly state: 'waiting' | 'applied' | 'undone' | 'rejected' | 'replaced';
  readonly version: string;
  readonly added: number;
  readonly removed: number;
  readonly keys: number;
  readonly approver?: ApproverRef | undefined;
}

/** A policy that lets more through waits, came into force, or was undone. */
export function policyChangedEvent(uid: string, timeMs: number, change: PolicyChange): AuditEvent {
  return buildEvent(uid, timeMs, 'sallyport.policy.changed', {
    'sallyport.policy.state': change.state,
    'sallyport.policy.version': change.version,
    'sallyport.policy.added': whole(change.added),
    'sallyport.policy.removed': whole(change.removed),
    'sallyport.policy.keys': whole(change.keys),
    ...approved(change.approver),
  });
}

/** A configuration file was saved through the control API. */
export function policyEditedEvent(
  uid: string,
  timeMs: number,
  edit: { readonly file: string; readonly lines: number; readonly approver: ApproverRef },
): AuditEvent {
  return buildEvent(uid, timeMs, 'sallyport.policy.edited', {
    'sallyport.policy.file': escapeText(edit.file, 1024),
    'sallyport.policy.lines': whole(edit.lines),
    ...approved(edit.approver),
  });
}

/** A reload that failed. */
export interface RejectedPolicy {
  /** The version that stays in force. */
  readonly kept: string;
  /** The mistakes, each `file:line:column: message`, without secret values. */
  readonly problems: readonly string[];
}

/** A policy on disk was not taken. */
export function policyRejectedEvent(
  uid: string,
  timeMs: number,
  rejected: RejectedPolicy,
): AuditEvent {
  return buildEvent(uid, timeMs, 'sallyport.policy.rejected', {
    'sallyport.policy.version': rejected.kept,
    'sallyport.policy.problems': rejected.problems.length,
    'sallyport.policy.problem': escapeText(rejected.problems[0] ?? 'unknown', 1024),
  });
}

/** The daemon's own beginning and end. */
export interface DaemonChange {
  readonly change: 'started' | 'stopping';
  readonly version: string;
  readonly pid: number;
}

/** The daemon started or begins to stop; a trail without the second ended by force. */
export function daemonEvent(uid: string, timeMs: number, daemon: DaemonChange): AuditEvent {
  return buildEvent(uid, timeMs, `sallyport.daemon.${daemon.change}`, {
    'sallyport.daemon.version': daemon.version,
    'sallyport.daemon.pid': whole(daemon.pid),
  });
}

/** The daemon's counters at one moment. */
export interface Heartbeat {
  readonly uptimeMs: number;
  readonly connections: number;
  readonly groups: number;
  readonly holds: number;
  readonly exported: number;
  readonly dropped: number;
  readonly policyVersion: string;
}

/** Sign of life, once a minute: a gap in them is a gap in the trail. */
export function heartbeatEvent(uid: string, timeMs: number, beat: Heartbeat): AuditEvent {
  return buildEvent(uid, timeMs, 'sallyport.heartbeat', {
    'sallyport.heartbeat.uptime_ms': whole(beat.uptimeMs),
    'sallyport.heartbeat.connections': whole(beat.connections),
    'sallyport.heartbeat.groups': whole(beat.groups),
    'sallyport.heartbeat.holds': whole(beat.holds),
    'sallyport.heartbeat.exported': whole(beat.exported),
    'sallyport.heartbeat.dropped': whole(beat.dropped),
    'sallyport.policy.version': beat.policyVersion,
  });
}
