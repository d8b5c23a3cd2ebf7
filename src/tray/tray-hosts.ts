// Who may draw the tray: the connections that own the StatusNotifier watcher's or a host's name. Only raises the bar
// for forged clicks, since any program of the session can own such a name; the notification's secret does more.
import type { BusSignal, SessionBus } from './bus.ts';

/** The name that keeps the list of tray icons. */
export const watcherName = 'org.kde.StatusNotifierWatcher';
const hostPrefix = 'org.kde.StatusNotifierHost-';
const busName = 'org.freedesktop.DBus';

/** The present owners. */
export interface TrayHosts {
  /** True for the unique name of a connection that may draw the tray. */
  readonly has: (sender: string) => boolean;
  /** The watcher's unique name; null without one. */
  readonly watcher: () => string | null;
}

/** Follows the names; `onWatcher` is called whenever the watcher comes or goes. Rejects when the bus refuses. */
export async function followTrayHosts(bus: SessionBus, onWatcher: () => void): Promise<TrayHosts> {
  const owners = new Map<string, string>();
  const hear = ({ sender, member, body }: BusSignal): void => {
    const [name, , owner] = body;
    if (sender !== busName || member !== 'NameOwnerChanged') return;
    if (typeof name !== 'string' || typeof owner !== 'string' || !isTrayName(name)) return;
    if (owner === '') owners.delete(name);
    else owners.set(name, owner);
    if (name === watcherName) onWatcher();
  };
  bus.onSignal(hear);
  await bus.match(
    `type='signal',sender='${busName}',interface='${busName}',member='NameOwnerChanged',arg0namespace='org.kde'`,
  );
  for (const name of (await bus.listNames()).filter(isTrayName)) {
    const owner = await bus.ownerOf(name);
    if (owner !== null) owners.set(name, owner);
  }
  return {
    has: (sender) => [...owners.values()].includes(sender),
    watcher: () => owners.get(watcherName) ?? null,
  };
}

function isTrayName(name: string): boolean {
  return name === watcherName || name.startsWith(hostPrefix);
}
