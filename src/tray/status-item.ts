// The icon and its menu on a Linux panel: org.kde.StatusNotifierItem and com.canonical.dbusmenu. What a stranger
// on the bus sends is refused; the menu's own rules are menu.ts's.
import type { DesktopEvents, TrayAction, TrayModel, TrayState } from './adapter.ts';
import { variant, type BusVariant, type ServedMethod, type SessionBus } from './bus.ts';
import { drawIcons, type Pixmap } from './icon.ts';
import { escapeMarkup } from './markup.ts';
import { createTrayMenu, rootId, type MenuNode, type TrayMenu } from './menu.ts';
import { followTrayHosts, watcherName, type TrayHosts } from './tray-hosts.ts';

/** The icon on one connection. */
export interface StatusItem {
  /** Shows this instead of what was shown before. Never throws. */
  readonly show: (model: TrayModel) => void;
  readonly close: () => void;
}

/** What it works with. */
export interface StatusItemParts extends Omit<DesktopEvents, 'onTaken'> {
  readonly bus: SessionBus;
  /** A clock that never goes back, in milliseconds. */
  readonly nowMs: () => number;
}

const itemPath = '/StatusNotifierItem';
const itemInterface = 'org.kde.StatusNotifierItem';
const menuPath = '/MenuBar';
const menuInterface = 'com.canonical.dbusmenu';
const watcher = {
  destination: watcherName,
  path: '/StatusNotifierWatcher',
  interface: watcherName,
} as const;
/** Calls may name this many items at once; no menu of ours has more. */
const groupLimit = 500;

const startModel: Pick<TrayModel, 'state' | 'badge' | 'tooltip'> = {
  state: 'unreachable',
  badge: '',
  tooltip: ['sallyport'],
};

/** Exports the icon and registers it with the panel, now and whenever a panel comes. Rejects when the bus refuses. */
export async function openStatusItem(parts: StatusItemParts): Promise<StatusItem> {
  const item = new LiveItem(parts);
  await item.start();
  return item;
}

class LiveItem implements StatusItem {
  readonly #parts: StatusItemParts;
  readonly #menu: TrayMenu;
  readonly #name = `org.kde.StatusNotifierItem-${process.pid}-1`;
  #hosts: TrayHosts | undefined;
  #model = startModel;
  #icons: readonly Pixmap[] = drawIcons(startModel.state, startModel.badge);
  readonly #drawn = new Map<string, readonly Pixmap[]>();
  #isClosed = false;

  constructor(parts: StatusItemParts) {
    this.#parts = parts;
    this.#menu = createTrayMenu({
      nowMs: parts.nowMs,
      onAction: parts.onAction,
      onLayout: (revision) => {
        parts.bus.emit(menuPath, menuInterface, 'LayoutUpdated', 'ui', [revision, rootId]);
      },
    });
  }

  async start(): Promise<void> {
    const { bus } = this.#parts;
    this.#serveItem();
    this.#serveMenu();
    await bus.ownName(this.#name);
    this.#hosts = await followTrayHosts(bus, () => {
      void this.#register(); // tells its own failures
    });
    await this.#register();
  }

  show = (model: TrayModel): void => {
    if (this.#isClosed) return;
    const before = this.#model;
    this.#model = model;
    if (before.state !== model.state || before.badge !== model.badge) {
      this.#icons = this.#draw(model.state, model.badge);
      this.#tell('NewIcon');
      this.#tell('NewAttentionIcon');
      this.#tell('NewStatus', 's', [statusOf(model.state)]);
    }
    if (before.tooltip.join('\n') !== model.tooltip.join('\n')) this.#tell('NewToolTip');
    this.#menu.show(model.menu);
  };

  /** Each picture is drawn once: counts go up and down a lot, and there are few of them. */
  #draw(state: TrayState, badge: string): readonly Pixmap[] {
    const name = `${state} ${badge}`;
    const icons = this.#drawn.get(name) ?? drawIcons(state, badge);
    this.#drawn.set(name, icons);
    return icons;
  }

  close = (): void => {
    this.#isClosed = true;
    this.#menu.close();
  };

  #tell(member: string, signature = '', body: readonly unknown[] = []): void {
    this.#parts.bus.emit(itemPath, itemInterface, member, signature, body);
  }

  async #register(): Promise<void> {
    if (this.#isClosed) return;
    try {
      if (this.#hosts?.watcher() === null) throw new Error('no panel with a tray runs');
      const member = 'RegisterStatusNotifierItem';
      const call = { ...watcher, member, signature: 's', body: [this.#name] };
      await this.#parts.bus.call(call);
      this.#parts.onProblem(null);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (!this.#isClosed) this.#parts.onProblem(`there is no tray on this desktop: ${why}`);
    }
  }

  /** Runs only for those who may draw the tray; others are told so. */
  #forHosts(method: ServedMethod): ServedMethod {
    const answer: ServedMethod['answer'] = (args, sender) => {
      if (this.#hosts?.has(sender) !== true) throw new Error('only the tray may call this');
      return method.answer(args, sender);
    };
    return { ...method, answer };
  }

  #serveItem(): void {
    const open: TrayAction = { kind: 'open' };
    const activate = this.#forHosts({
      takes: 'ii',
      gives: '',
      answer: () => {
        if (!this.#isClosed) this.#parts.onAction(open);
        return [];
      },
    });
    const nothing = (takes: string): ServedMethod => ({ takes, gives: '', answer: () => [] });
    this.#parts.bus.serve({
      path: itemPath,
      name: itemInterface,
      methods: {
        Activate: activate,
        SecondaryActivate: nothing('ii'),
        ContextMenu: nothing('ii'),
        Scroll: nothing('is'),
      },
      properties: {
        Category: { type: 's', read: () => 'ApplicationStatus' },
        Id: { type: 's', read: () => 'sallyport' },
        Title: { type: 's', read: () => 'sallyport' },
        Status: { type: 's', read: () => statusOf(this.#model.state) },
        WindowId: { type: 'i', read: () => 0 },
        IconName: { type: 's', read: () => '' },
        IconThemePath: { type: 's', read: () => '' },
        IconPixmap: { type: 'a(iiay)', read: () => this.#pixmaps() },
        OverlayIconName: { type: 's', read: () => '' },
        OverlayIconPixmap: { type: 'a(iiay)', read: () => [] },
        AttentionIconName: { type: 's', read: () => '' },
        AttentionIconPixmap: { type: 'a(iiay)', read: () => this.#pixmaps() },
        AttentionMovieName: { type: 's', read: () => '' },
        ToolTip: { type: '(sa(iiay)ss)', read: () => this.#tooltip() },
        ItemIsMenu: { type: 'b', read: () => false },
        Menu: { type: 'o', read: () => menuPath },
      },
      signals: {
        NewTitle: '',
        NewIcon: '',
        NewAttentionIcon: '',
        NewOverlayIcon: '',
        NewToolTip: '',
        NewStatus: 's',
      },
    });
  }

  #pixmaps(): readonly unknown[] {
    return this.#icons.map(({ size, argb }) => [size, size, argb]);
  }

  #tooltip(): readonly unknown[] {
    const [summary = 'sallyport', ...lines] = this.#model.tooltip;
    return ['', [], summary, lines.map(escapeMarkup).join('\n')];
  }

  #serveMenu(): void {
    const menu = this.#menu;
    this.#parts.bus.serve({
      path: menuPath,
      name: menuInterface,
      methods: {
        GetLayout: {
          takes: 'iias',
          gives: 'u(ia{sv}av)',
          answer: ([id, depth, names]) => {
            const node = menu.find(Number(id));
            if (node === undefined) throw new Error('no such item');
            return [menu.revision(), layOut(node, Number(depth), namesOf(names))];
          },
        },
        GetGroupProperties: {
          takes: 'aias',
          gives: 'a(ia{sv})',
          answer: ([ids, names]) => [
            numbersOf(ids).flatMap((id) => {
              const node = menu.find(id);
              return node === undefined ? [] : [[id, propertiesOf(node, namesOf(names))]];
            }),
          ],
        },
        GetProperty: {
          takes: 'is',
          gives: 'v',
          answer: ([id, name]) => {
            const value = propertiesOf(menu.find(Number(id)), new Set())[String(name)];
            if (value === undefined) throw new Error('no such property');
            return [value];
          },
        },
        Event: this.#forHosts({
          takes: 'isvu',
          gives: '',
          answer: ([id, kind]) => {
            if (!this.#event(id, kind)) throw new Error('no such item');
            return [];
          },
        }),
        EventGroup: this.#forHosts({
          takes: 'a(isvu)',
          gives: 'ai',
          answer: ([events]) => [this.#eventGroup(events)],
        }),
        AboutToShow: this.#forHosts({
          takes: 'i',
          gives: 'b',
          answer: () => {
            menu.hold();
            return [false];
          },
        }),
        AboutToShowGroup: this.#forHosts({
          takes: 'ai',
          gives: 'aiai',
          answer: ([ids]) => {
            menu.hold();
            return [[], numbersOf(ids).filter((id) => menu.find(id) === undefined)];
          },
        }),
      },
      properties: {
        Version: { type: 'u', read: () => 3 },
        TextDirection: { type: 's', read: () => 'ltr' },
        Status: { type: 's', read: () => 'normal' },
        IconThemePath: { type: 'as', read: () => [] },
      },
      signals: {
        ItemsPropertiesUpdated: 'a(ia{sv})a(ias)',
        LayoutUpdated: 'ui',
        ItemActivationRequested: 'iu',
      },
    });
  }

  #event(id: unknown, kind: unknown): boolean {
    return !this.#isClosed && this.#menu.event(Number(id), String(kind));
  }

  /** The ids that mean nothing, as the protocol wants them. */
  #eventGroup(events: unknown): readonly number[] {
    if (!Array.isArray(events)) return [];
    return events.slice(0, groupLimit).flatMap((event: unknown) => {
      const [id, kind] = Array.isArray(event) ? (event as readonly unknown[]) : [];
      return this.#event(id, kind) ? [] : [Number(id)];
    });
  }
}

function statusOf(state: TrayState): string {
  return state === 'waiting' || state === 'warning' || state === 'panic'
    ? 'NeedsAttention'
    : 'Active';
}

/** `(ia{sv}av)`: an item with its children down to `depth`; -1 is all of them. */
function layOut(node: MenuNode, depth: number, names: ReadonlySet<string>): readonly unknown[] {
  const children =
    depth === 0
      ? []
      : node.children.map((child) => variant('(ia{sv}av)', layOut(child, depth - 1, names)));
  return [node.id, propertiesOf(node, names), children];
}

/** The item's properties with these names; none named means all. */
function propertiesOf(
  node: MenuNode | undefined,
  names: ReadonlySet<string>,
): Readonly<Record<string, BusVariant>> {
  const all = Object.entries(node?.properties ?? {});
  const asked = names.size === 0 ? all : all.filter(([name]) => names.has(name));
  return Object.fromEntries(
    asked.map(([name, value]) => [name, variant(typeof value === 'string' ? 's' : 'b', value)]),
  );
}

function namesOf(value: unknown): ReadonlySet<string> {
  return new Set(Array.isArray(value) ? value.map(String) : []);
}

function numbersOf(value: unknown): readonly number[] {
  return Array.isArray(value) ? value.slice(0, groupLimit).map(Number) : [];
}
