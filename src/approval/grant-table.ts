// Grants by what they cover, so that looking one up costs the same however many there are: exact hosts and
// domains in a map each, and in there by protocol and port.
import type { Destination, Protocol } from '../policy/destination.ts';

/** What a grant covers. */
export interface Coverage {
  readonly protocol: Protocol;
  /** A canonical host, or `*.` and a domain: every name below it, at any depth, not itself. */
  readonly host: string;
  readonly port: number | 'any';
}

/** The grants in it. */
export interface GrantTable<T extends Coverage> {
  readonly insert: (grant: T) => void;
  /** Nothing happens when it is not there. */
  readonly remove: (grant: T) => void;
  /** Calls back with each that covers the destination; a callback may remove it. */
  readonly forEach: (destination: Destination, callback: (grant: T) => void) => void;
}

/** Port (0: any) and protocol in one number. */
type SlotKey = number;
type Slots<T> = Map<SlotKey, readonly T[]>;

const protocols: readonly Protocol[] = ['http', 'https_connect', 'socks5_tcp'];

/** An empty one. */
export function createGrantTable<T extends Coverage>(): GrantTable<T> {
  const exact = new Map<string, Slots<T>>();
  const below = new Map<string, Slots<T>>();

  function placeOf({ host, protocol, port }: Coverage): readonly [typeof exact, string, SlotKey] {
    const isWildcard = host.startsWith('*.');
    const name = isWildcard ? host.slice(2) : host;
    return [isWildcard ? below : exact, name, slotKey(protocol, port)];
  }

  function visit(
    slots: Slots<T> | undefined,
    { protocol, port }: Destination,
    callback: (grant: T) => void,
  ): void {
    if (slots === undefined) return;
    for (const grant of slots.get(slotKey(protocol, port)) ?? []) callback(grant);
    for (const grant of slots.get(slotKey(protocol, 'any')) ?? []) callback(grant);
  }

  return {
    insert: (grant) => {
      const [table, name, key] = placeOf(grant);
      const slots = table.get(name) ?? new Map<SlotKey, readonly T[]>();
      slots.set(key, [...(slots.get(key) ?? []), grant]);
      table.set(name, slots);
    },
    remove: (grant) => {
      const [table, name, key] = placeOf(grant);
      const slots = table.get(name);
      const rest = slots?.get(key)?.filter((other) => other !== grant) ?? [];
      if (rest.length > 0) slots?.set(key, rest);
      else slots?.delete(key);
      if (slots?.size === 0) table.delete(name);
    },
    forEach: (destination, callback) => {
      const { host, kind } = destination;
      visit(exact.get(host), destination, callback);
      if (kind !== 'name' || below.size === 0) return;
      for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) {
        visit(below.get(host.slice(dot + 1)), destination, callback);
      }
    },
  };
}

function slotKey(protocol: Protocol, port: number | 'any'): SlotKey {
  return (port === 'any' ? 0 : port) * protocols.length + protocols.indexOf(protocol);
}
