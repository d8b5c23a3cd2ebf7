// The tray's menu as com.canonical.dbusmenu sees it: numbered items, a revision, and one rule that the protocol
// lacks: a menu that may be open is not changed under the pointer. Knows no bus; the clock and timers are Node's.
import type { MenuEntry, TrayAction } from './adapter.ts';
import { createDeadTime } from './dead-time.ts';
import { escapeMnemonic } from './markup.ts';

/** One item as `GetLayout` gives it. */
export interface MenuNode {
  readonly id: number;
  readonly properties: Readonly<Record<string, string | boolean>>;
  readonly children: readonly MenuNode[];
}

/** What the menu works with. */
export interface MenuParts {
  readonly nowMs: () => number;
  /** A layout with this revision is out. */
  readonly onLayout: (revision: number) => void;
  readonly onAction: (action: TrayAction) => void;
}

/** The menu of one connection to the bus. */
export interface TrayMenu {
  /** Shows these entries, or keeps them until an open menu is closed. */
  readonly show: (entries: readonly MenuEntry[]) => void;
  /** Who is about to draw it, or a part of it: it stays as it is for a while. */
  readonly hold: () => void;
  /** What a host tells of an item. False when the id means nothing, now or any more. */
  readonly event: (id: number, kind: string) => boolean;
  readonly revision: () => number;
  readonly find: (id: number) => MenuNode | undefined;
  readonly close: () => void;
}

/** Milliseconds for which a menu that was opened is taken to be open, if nothing else is heard of it. */
export const frozenLimitMs = 15_000;
/** A pointer that goes from one submenu to the next closes one before it opens the other. */
const closedGraceMs = 300;
/** The root's id, by the specification. */
export const rootId = 0;

/** An empty menu. */
export function createTrayMenu(parts: MenuParts): TrayMenu {
  return new FreezingMenu(parts);
}

class FreezingMenu implements TrayMenu {
  readonly #parts: MenuParts;
  readonly #dead: ReturnType<typeof createDeadTime>;
  #shown: readonly MenuEntry[] = [];
  #held: readonly MenuEntry[] | undefined;
  #revision = 1;
  /** Grows only: an id that was given to one thing never comes to mean another. */
  #lastId = rootId;
  #ids: ReadonlyMap<string, number> = new Map();
  #nodes: ReadonlyMap<number, MenuNode> = new Map([[rootId, rootOf([])]]);
  #actions: ReadonlyMap<number, TrayAction> = new Map();
  #freeze: NodeJS.Timeout | undefined;

  constructor(parts: MenuParts) {
    this.#parts = parts;
    this.#dead = createDeadTime(parts.nowMs);
  }

  revision = (): number => this.#revision;
  find = (id: number): MenuNode | undefined => this.#nodes.get(id);

  show = (entries: readonly MenuEntry[]): void => {
    if (this.#freeze !== undefined) {
      this.#held = entries;
      return;
    }
    if (JSON.stringify(entries) !== JSON.stringify(this.#shown)) this.#publish(entries);
  };

  hold = (): void => {
    this.#freezeFor(frozenLimitMs);
  };

  event = (id: number, kind: string): boolean => {
    if (!this.#nodes.has(id)) return false;
    if (kind === 'opened') this.hold();
    if (kind === 'closed' && this.#freeze !== undefined) this.#freezeFor(closedGraceMs);
    if (kind === 'clicked') this.#click(id);
    return true;
  };

  close = (): void => {
    clearTimeout(this.#freeze);
    this.#freeze = undefined;
    this.#held = undefined;
  };

  #click(id: number): void {
    const action = this.#actions.get(id);
    const isMeant = action !== undefined && this.#dead.isLive(action);
    this.#release(); // a click closes the menu
    if (isMeant) this.#parts.onAction(action);
  }

  #freezeFor(limitMs: number): void {
    clearTimeout(this.#freeze);
    this.#freeze = setTimeout(() => {
      this.#release();
    }, limitMs).unref();
  }

  #release(): void {
    clearTimeout(this.#freeze);
    this.#freeze = undefined;
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.show(held);
  }

  #publish(entries: readonly MenuEntry[]): void {
    const ids = new Map<string, number>();
    const nodes = new Map<number, MenuNode>();
    const actions = new Map<number, TrayAction>();
    const number = (entry: MenuEntry): MenuNode => {
      const id = this.#ids.get(nameOf(entry)) ?? (this.#lastId += 1);
      ids.set(nameOf(entry), id);
      const children = entry.kind === 'submenu' ? entry.entries.map(number) : [];
      const node = { id, properties: propertiesOf(entry), children };
      nodes.set(id, node);
      if (entry.kind === 'item') actions.set(id, entry.action);
      return node;
    };
    nodes.set(rootId, rootOf(entries.map(number)));
    [this.#shown, this.#ids, this.#nodes, this.#actions] = [entries, ids, nodes, actions];
    this.#dead.show([...actions.values()]);
    this.#revision += 1;
    this.#parts.onLayout(this.#revision);
  }
}

/** What an id stands for: the same key with another action is another thing. */
function nameOf(entry: MenuEntry): string {
  const means = entry.kind === 'item' ? JSON.stringify(entry.action) : entry.kind;
  return `${entry.key} ${means}`;
}

function rootOf(children: readonly MenuNode[]): MenuNode {
  return { id: rootId, properties: { 'children-display': 'submenu' }, children };
}

function propertiesOf(entry: MenuEntry): MenuNode['properties'] {
  if (entry.kind === 'separator') return { type: 'separator' };
  const label = escapeMnemonic(entry.label);
  if (entry.kind === 'text') return { label, enabled: false };
  return entry.kind === 'submenu' ? { label, 'children-display': 'submenu' } : { label };
}
