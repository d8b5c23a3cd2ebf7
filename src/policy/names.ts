// Name rules in one open-addressing hash over typed arrays. Names are hashed from their last character to the
// first, so that one pass over a host gives the hash of every end it has, without cutting a string.
// A Map of strings answers as well, but takes three times as long to fill with a million names.
import type { RuleRef } from './decision.ts';
import type { NamePattern } from './pattern.ts';

/** Name rules for every port; filled while a policy is compiled, only read afterwards. */
export interface NameTable {
  /** Per hash slot: 1 + the entry that begins the chain of one name, or 0. */
  readonly slots: Int32Array;
  readonly names: string[];
  readonly hashes: Int32Array;
  readonly refs: RuleRef[];
  readonly shapes: NamePattern['shape'][];
  /** Per entry: 1 + the next entry for the same name in another shape, or 0; a chain has three at most. */
  readonly next: Int32Array;
}

// Differs from process to process, so that nobody can prepare names that collide; answers do not depend on it.
const seed = (Math.random() * 0x1_0000_0000) | 0;

/** An empty table with room for `limit` rules. */
export function createNameTable(limit: number): NameTable {
  const bits = Math.ceil(Math.log2(Math.max(4, limit * 2)));
  return {
    slots: new Int32Array(2 ** bits),
    names: [],
    hashes: new Int32Array(limit),
    refs: [],
    shapes: [],
    next: new Int32Array(limit),
  };
}

/** The hash of an empty end, to begin a walk with. */
export const emptyHash: number = seed;

/** The hash of an end that is one character longer to the left. */
export function growHash(hash: number, code: number): number {
  return Math.imul(hash ^ code, 0x01000193);
}

/** Adds a rule; of two with the same name and shape the later stays. */
export function addName(table: NameTable, { name, shape }: NamePattern, ref: RuleRef): void {
  const hash = hashOf(name);
  const slot = findSlot(table, name, 0, hash);
  const head = at(table.slots, slot);
  for (let link = head; link > 0; link = at(table.next, link - 1)) {
    if (table.shapes[link - 1] !== shape) continue;
    table.refs[link - 1] = ref;
    return;
  }
  table.next[table.names.length] = head;
  table.hashes[table.names.length] = hash;
  table.names.push(name);
  table.refs.push(ref);
  table.shapes.push(shape);
  table.slots[slot] = table.names.length;
}

/**
 * The link for the end of `host` that begins at `start` and hashes to `hash`, for `refOf`; 0 when no rule has
 * that name.
 */
export function findEnd(table: NameTable, host: string, start: number, hash: number): number {
  return at(table.slots, findSlot(table, host, start, hash));
}

/** The rule of one shape behind a link. */
export function refOf(
  table: NameTable,
  link: number,
  shape: NamePattern['shape'],
): RuleRef | undefined {
  for (let each = link; each > 0; each = at(table.next, each - 1)) {
    if (table.shapes[each - 1] === shape) return table.refs[each - 1];
  }
  return undefined;
}

/** The hash of a whole name. */
export function hashOf(name: string): number {
  let hash = emptyHash;
  for (let index = name.length - 1; index >= 0; index -= 1) {
    hash = growHash(hash, name.charCodeAt(index));
  }
  return hash;
}

/** The slot of that name, or the free one where it would go; there is always one, the table is half empty. */
function findSlot(table: NameTable, host: string, start: number, hash: number): number {
  const { slots, hashes, names } = table;
  const mask = slots.length - 1;
  let slot = spread(hash) & mask;
  for (let link = at(slots, slot); link > 0; link = at(slots, slot)) {
    if (hashes[link - 1] === hash) {
      const name = names[link - 1] as string; // cast: a link always points at an entry
      if (name.length === host.length - start && host.endsWith(name)) return slot;
    }
    slot = (slot + 1) & mask;
  }
  return slot;
}

/** Mixes the high bits into the low ones, which alone choose the slot. */
function spread(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return mixed ^ (mixed >>> 15);
}

/** Cast: slots are taken under the mask and links point at entries, so no index is ever outside. */
function at(list: Int32Array, index: number): number {
  return list[index] as number;
}
