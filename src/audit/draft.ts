// How an event is put together: a flat draft of attributes, closed into an AuditEvent. PURE; what goes in is the
// builders' business (event.ts, approval-events.ts, gate-events.ts).
import type { ApproverRef, ClientAddress, ProcessRef } from '../policy/decision.ts';
import type { Destination } from '../policy/destination.ts';
import { type Attributes, type EventName, schemaVersion } from './attributes.ts';
import { escapeText } from './escape.ts';

/** One record of the audit trail, as the journal keeps it and exporters send it. */
export interface AuditEvent {
  /** Unique for ever; consumers drop a second record of the same uid. */
  readonly uid: string;
  /** ISO 8601 in UTC with milliseconds. */
  readonly time: string;
  /** One of `eventNames`. */
  readonly name: string;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

/** Host, port and protocol as every event about a destination shows them. */
export type Target = Pick<Destination, 'protocol' | 'host' | 'port'>;

/** An event on its way: nothing in it is undefined. */
export type Draft = { -readonly [N in keyof Attributes]: Exclude<Attributes[N], undefined> } & {
  'event.name': EventName;
  'event.timestamp': string;
};

/**
 * The events of every connection are put together name by name, in one order, instead of from parts: V8 then
 * keeps them in one shape, which takes a third off what making and writing them costs.
 */
export function openDraft(timeMs: number, name: EventName): Draft {
  return { 'event.name': name, 'event.timestamp': new Date(timeMs).toISOString() };
}

/** The finished event. */
export function closeDraft(uid: string, draft: Draft): AuditEvent {
  draft['sallyport.schema_version'] = schemaVersion;
  draft['sallyport.uid'] = uid;
  const attributes = draft as AuditEvent['attributes']; // every value is set, and of one of the three types
  return { uid, time: draft['event.timestamp'], name: draft['event.name'], attributes };
}

/** An event from parts; what is undefined is left out. */
export function buildEvent(
  uid: string,
  timeMs: number,
  name: EventName,
  given: Attributes,
): AuditEvent {
  const draft = openDraft(timeMs, name);
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  return closeDraft(uid, Object.assign(draft, Object.fromEntries(set)));
}

/** Host, port and protocol. */
export function target(of: Target): Attributes {
  const attributes: Partial<Draft> = {};
  putTarget(attributes, of);
  return attributes;
}

/** The same into a draft. */
export function putTarget(draft: Partial<Draft>, { protocol, host, port }: Target): void {
  draft['network.transport.protocol'] = protocol;
  draft['server.address'] = host;
  draft['server.port'] = port;
}

/** Who said so; nothing when nobody did. */
export function approved(approver: ApproverRef | undefined): Attributes | undefined {
  return approver === undefined
    ? undefined
    : {
        'sallyport.approver.name': escapeText(approver.name, 128),
        'sallyport.approver.surface': escapeText(approver.surface, 64),
      };
}

/** The program that asks; nothing when it is not known. */
export function asking(asker: ProcessRef | undefined): Attributes | undefined {
  return asker === undefined
    ? undefined
    : {
        'sallyport.process.executable': escapeText(asker.executable, 1024),
        'sallyport.process.pid': whole(asker.pid),
      };
}

/** Address and port of a client, or `unknown`. */
export function clientText({ address, port }: ClientAddress): string {
  if (address === '') return 'unknown';
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** A finite whole number, so that an attribute never changes its type or becomes null in JSON. */
export function whole(value: number): number {
  return Number.isFinite(value) ? Math.round(value) : 0;
}
